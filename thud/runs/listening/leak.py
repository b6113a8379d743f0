"""The leak audit of a workspace: reads the store, measures the stimuli's files, and keeps what it found.

Where the sound lies needs no file, so that part is there at once. Files are measured once, by the verb or behind the
page, and kept under cache/leak with the size and the time of each file: one that is edited later is measured again.
"""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from thud.errors import StoreFull, ThudError
from thud.evaluation.leak import Heard, Json, Shown, audit, report, with_heard
from thud.evaluation.leak_features import FEATURES_VERSION, FileFacts, file_facts
from thud.records import Clip, EventTimes, Refusal, Stimulus, content_id, stimulus_folder

if TYPE_CHECKING:
    from thud.store import Store

AUDIT_VERSION = 1
"""Part of the key of a kept report: raise it when the same set would be told otherwise."""
KEPT_REPORTS = 16
SAVE_EVERY = 200
FRAME_BYTES = 65_536
"""All of a FLAC that is read: its frame. Its samples are those of the WAV."""
ARM = "shuffled_picture"

_kept: dict[tuple[str, str], tuple[tuple[int, int], Json]] = {}
_measuring: set[str] = set()
_lock = threading.Lock()
_log = logging.getLogger(__name__)

Facts = dict[str, FileFacts]
"""Key of a stimulus and of its files as they are (see `_file_key`) → what was measured."""


def leak_report(
    store: Store,
    workspace: Path,
    stimuli: Collection[str] | None = None,
    heard: Sequence[Heard] = (),
    *,
    measure: bool = False,
) -> Json:
    """The audit of the verified stimuli, or of those among `stimuli` (ids), as `thud.evaluation.leak.report` tells it.

    heard: listeners' scores under other clips' pictures, see `heard_without_picture`. What was found is kept until
    something is written to the store or measured; then the set is read again, and guessed again only if it differs.
    measure: files that were not measured yet are measured behind this, for the next time.
    """
    key = (str(store.path), content_id(sorted(stimuli)) if stimuli is not None else "")
    stamp = (_last_event(store), _stamp(_facts_file(workspace)))
    with _lock:
        kept = _kept.get(key)
    if kept is None or kept[0] != stamp:
        if measure:
            measure_soon(store, workspace)
        kept = (stamp, _told(store, workspace, stimuli))
        with _lock:
            _kept[key] = kept
            while len(_kept) > KEPT_REPORTS:
                _kept.pop(next(iter(_kept)))
    return with_heard(kept[1], heard)


def heard_without_picture(store: Store) -> tuple[Heard, ...]:
    """Every listener that was asked about sync under the pictures of other clips, with its score in three classes."""
    from thud.evaluation.leaderboard import THREE, shares, split_rows
    from thud.store.score_filter import ScoreFilter

    columns = store.score_rows()
    names = ("part", "listener_key", "arm", "question_set", "task", "listener")
    lines = [line for line in zip(*(columns[name].tolist() for name in names), strict=True)
             if line[2] == ARM and line[4] == "sync"]  # fmt: skip
    if not lines:
        return ()
    parts = {part: ((key, arm, asked), task) for part, key, arm, asked, task, _ in lines}
    named = {(key, arm, asked): listener for _, key, arm, asked, _, listener in lines}
    rows = split_rows(store.score_counts(ScoreFilter(arms=(ARM,), tasks=("sync",))), parts)
    found = [(named[row.row], figures[THREE.key]) for row, figures in zip(rows, shares(rows, "wrong"), strict=True)]
    return tuple(
        Heard(name, figure.estimate.value, figure.estimate.low, figure.estimate.high, figure.n)
        for name, figure in sorted(found, key=lambda pair: pair[0].casefold())
        if figure.estimate.value is not None
    )


def measure_files(
    store: Store, workspace: Path, progress: Callable[[int, int], None] = lambda done, total: None
) -> list[Refusal]:
    """Measures the files of all verified stimuli that were not measured as they are now; says which cannot be.

    Raises StoreFull when the disk is full.
    """
    return _measure(_unmeasured(_verified(store), workspace), workspace, progress)


def measure_soon(store: Store, workspace: Path) -> bool:
    """Whether files are being measured: begins to, on a thread of its own, when some are not measured yet."""
    name = str(workspace)
    todo = _unmeasured(_verified(store), workspace)
    with _lock:
        if name in _measuring or not todo:
            return name in _measuring
        _measuring.add(name)

    def work() -> None:
        try:
            _measure(todo, workspace)
        except (ThudError, OSError) as error:
            _log.warning("files of stimuli were not measured: %s", error)
        finally:
            with _lock:
                _measuring.discard(name)

    threading.Thread(target=work, name="leak files", daemon=True).start()
    return True


def _told(store: Store, workspace: Path, stimuli: Collection[str] | None) -> Json:
    """The report, from the disk where it was made of the same set before."""
    from thud.evaluation.leak_advice import advise

    shown = _shown(store, workspace, stimuli)
    mark = content_id(AUDIT_VERSION, [asdict(each) for each in shown])
    path = workspace / "cache" / "leak" / f"report{'' if stimuli is None else '-some'}.json"
    kept = _read(path)
    if kept.get("mark") == mark:
        return dict(kept["report"])
    found = audit(shown)
    told = report(found, advise(found))
    with suppress(StoreFull, OSError):  # a full disk is no reason to keep back what was found
        _write(path, {"mark": mark, "report": told})
    return told


def _shown(store: Store, workspace: Path, stimuli: Collection[str] | None) -> list[Shown]:
    clips, times = {clip.id: clip for clip in store.clips()}, store.times()
    facts = _read_facts(workspace)
    return [
        _one(stimulus, clips[stimulus.clip_id], times.get(stimulus.clip_id), facts.get(_file_key(stimulus, workspace)))
        for stimulus in _verified(store)
        if stimulus.clip_id in clips and (stimuli is None or stimulus.id in stimuli)
    ]


def _verified(store: Store) -> list[Stimulus]:
    """Those that a listener is asked about."""
    return [each for each in store.stimuli() if each.proof.verdict == "verified" and each.event_survives is not False]


def _one(stimulus: Stimulus, clip: Clip, times: EventTimes | None, facts: FileFacts | None) -> Shown:
    edit = stimulus.intervention
    return Shown(
        stimulus.id,
        clip.id,
        clip.source or clip.id,
        stimulus.condition,
        clip.probe.duration_s,
        times.visual_s if times else None,
        times.audio_s if times else None,
        edit.offset_s,
        edit.fill,
        facts if stimulus.models else None,
    )


@dataclass(frozen=True, slots=True)
class _Files:
    """The two files of a stimulus, and the key under which what they tell is kept."""

    stimulus: Stimulus
    models: Path
    people: Path
    key: str


def _files(stimulus: Stimulus, workspace: Path) -> _Files:
    folder = stimulus_folder(workspace, stimulus.clip_id)
    models, people = folder / stimulus.models, folder / stimulus.people
    return _Files(
        stimulus, models, people, content_id(FEATURES_VERSION, stimulus.id, *map(_as_it_is, (models, people)))
    )


def _file_key(stimulus: Stimulus, workspace: Path) -> str:
    return _files(stimulus, workspace).key if stimulus.models else ""


def _as_it_is(path: Path) -> tuple[int, int] | None:
    try:
        now = path.stat()
    except OSError:
        return None
    return now.st_size, now.st_mtime_ns


def _unmeasured(stimuli: Sequence[Stimulus], workspace: Path) -> list[_Files]:
    known = _read_facts(workspace)
    files = (_files(stimulus, workspace) for stimulus in stimuli if stimulus.models)
    return [each for each in files if each.key not in known]


def _measure(
    todo: Sequence[_Files], workspace: Path, progress: Callable[[int, int], None] = lambda done, total: None
) -> list[Refusal]:
    from thud.media.sound import parse_written

    found: Facts = {}
    refused: list[Refusal] = []
    for done, each in enumerate(todo, 1):
        try:
            models = each.models.read_bytes()
            with each.people.open("rb") as file:
                people = file.read(FRAME_BYTES)
            sound = parse_written(models, each.models.name)
            found[each.key] = file_facts(models, people, sound.samples, sound.rate_hz)
        except OSError as error:
            why = f"{Path(error.filename or each.models).name} cannot be read ({error.strerror}); build it again."
            refused.append(Refusal(each.stimulus.id, why))
        except ThudError as error:
            refused.append(Refusal(each.stimulus.id, f"{error}; build it again"))
        if done % SAVE_EVERY == 0 or done == len(todo):
            _save_facts(workspace, found)
            found = {}
        progress(done, len(todo))
    return refused


def _facts_file(workspace: Path) -> Path:
    return workspace / "cache" / "leak" / "files.json"


def _read_facts(workspace: Path) -> Facts:
    """What was measured and kept; nothing where the file is not there or is torn: it can be measured again."""
    rows = _read(_facts_file(workspace))
    try:
        return {key: FileFacts(*values) for key, values in rows.items()}
    except TypeError:
        return {}


def _save_facts(workspace: Path, found: Facts) -> None:
    rows = {key: list(asdict(facts).values()) for key, facts in (_read_facts(workspace) | found).items()}
    _write(_facts_file(workspace), rows)


def _read(path: Path) -> dict[str, Any]:
    try:
        rows = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    return rows if isinstance(rows, dict) else {}


def _write(path: Path, rows: Mapping[str, Any]) -> None:
    from thud.media.encode import written_whole

    path.parent.mkdir(parents=True, exist_ok=True)
    with written_whole(path) as part:
        part.write_text(json.dumps(rows))


def _last_event(store: Store) -> int:
    newest = store.events(limit=1)
    return newest[0].ev_id if newest else 0


def _stamp(path: Path) -> int:
    now = _as_it_is(path)
    return now[1] if now else 0
