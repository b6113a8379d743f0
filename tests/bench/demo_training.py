"""The demo taught to listen, the whole way: pairs, SFT, DPO, and held-out clips asked before and after.

teaching(folder)   (BeforeAfter, minutes by step); rows() judges them, and `python -m tests.bench.demo_training` prints
them.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from tests.bench.rows import Row, judge, show
from thud.evaluation.answers import read_answer
from thud.evaluation.before_after import Asked, BeforeAfter, Told, before_after
from thud.evaluation.controls import Played
from thud.listeners.local import model_of
from thud.listeners.questions import DEMO
from thud.listeners.roster import LISTENERS
from thud.providers.transformers import Opened, Seen
from thud.records import Clip, EventTimes, Stimulus, stimulus_folder
from thud.runs import first_start as first
from thud.runs import pair_files, pairs
from thud.runs.run import Runs
from thud.stimuli.held_out import is_held_out
from thud.store import Store, open_store
from training.config import to_json
from training.recipes import find_recipe

ROOT = Path(__file__).resolve().parents[2]
STAGES = {"after SFT": "demo-sft", "after DPO": "demo-dpo"}
LABELS = {"original": "synced", "early": "early", "delayed": "delayed", "muted": "muted"}
TINY = LISTENERS["tiny"]
AT_ONCE = 16
BY = "bench"


@dataclass(frozen=True, slots=True)
class Shown:
    """A held-out stimulus and the label of its right answer."""

    clip: Clip
    stimulus: Stimulus
    times: EventTimes
    label: str

    @property
    def played(self) -> Played:
        offset_s = self.stimulus.intervention.offset_s if self.label in ("early", "delayed") else 0.0
        heard = None if self.label == "muted" or self.times.audio_s is None else self.times.audio_s + offset_s
        return Played(heard, self.clip.probe.duration_s, self.label, self.clip.id)


def teaching(folder: Path, say: Callable[[str], None] = lambda words: None) -> tuple[BeforeAfter, dict[str, float]]:
    """(what became of it, minutes by step), all of it in `folder`."""
    workspace, minutes = folder / "workspace", dict[str, float]()
    workspace.mkdir(parents=True)
    with open_store(folder / "annotations.duckdb", workspace) as store, Runs(store, workspace) as runs:
        began = time.monotonic()
        _make_clips(store, runs)
        exports = {stage: _exported(store, runs, recipe) for stage, recipe in STAGES.items()}
        minutes["clips and pairs"] = (time.monotonic() - began) / 60
        shown = _held_out(store)
    adapters = {"before": ""}
    for stage, recipe in STAGES.items():
        began = time.monotonic()
        adapters[stage] = _trained(folder / recipe, recipe, exports[stage], list(adapters.values())[-1])
        minutes[stage] = (time.monotonic() - began) / 60
        say(f"{stage}: {minutes[stage]:.1f} minutes")
    began = time.monotonic()
    asked = [_asked(name, adapter, shown, workspace) for name, adapter in adapters.items()]
    minutes["asking"] = (time.monotonic() - began) / 60
    return before_after(asked), minutes


def rows() -> list[Row]:
    """Accuracy classes alike, with what the sound alone allows and the other pictures' beside it."""
    with tempfile.TemporaryDirectory() as name:
        return judged(*teaching(Path(name) / "demo"))


def judged(found: BeforeAfter, minutes: Mapping[str, float]) -> list[Row]:
    """The rows of one teaching."""
    ceiling = _percent(found.ceiling.estimate.value)
    made = [judge("the sound alone allows, four ways", ceiling, "%", limit=60.5)]
    for stage in found.stages:
        for words, estimate in ((stage.name, stage.accuracy), (f"{stage.name}, other picture", stage.shuffled)):
            if estimate is not None:
                made.append(judge(f"tiny, held out, {words}", _percent(estimate.value), "%"))
                made.append(judge(f"tiny, held out, {words}, from", _percent(estimate.low), "%"))
    last, whole = found.stages[-1], found.steps[-1]
    made.append(
        judge("above what the sound allows, at least", _percent(last.over.low), "points", limit=0.0, sense="at least")
    )
    made.append(judge("first against last, p", whole.p, "", limit=0.05))
    made.append(judge("first against last, counts", float(whole.counts or False), "", limit=1.0, sense="at least"))
    made += [judge(f"{step}", value, "minutes") for step, value in minutes.items()]
    return [*made, judge("all of it", sum(minutes.values()), "minutes")]


def _percent(share: float | None) -> float:
    return float("nan") if share is None else 100 * share


def _make_clips(store: Store, runs: Runs) -> None:
    """The demo's clips and those for testing, built; nobody is asked about them."""
    assert runs.wait(first.start_demo(runs, BY).id).state == "done"
    assert runs.wait(first.start_build(store, runs, None, BY).id).state == "done"
    for step in (first.start_held_out, first.build_held_out):
        run = step(store, runs, BY)
        assert run is not None and runs.wait(run.id).state == "done"


def _exported(store: Store, runs: Runs, recipe: str) -> Path:
    run = runs.wait(pairs.start_build(store, runs, pairs.all_recipes(store)[recipe], BY).id)
    assert run.state == "done", run.message
    made = runs.results(run.id)[0]["result"]["set"]
    run = runs.wait(pair_files.start_export(store, runs, made, "trl", BY).id)
    assert run.state == "done", run.message
    return store.workspace / runs.results(run.id)[0]["result"]["folder"]


def _held_out(store: Store) -> list[Shown]:
    clips, times = {clip.id: clip for clip in store.clips() if is_held_out(clip)}, store.times()
    return [
        Shown(clips[one.clip_id], one, times[one.clip_id], LABELS[one.condition])
        for one in store.stimuli()
        if one.clip_id in clips and one.condition in LABELS
    ]


def _trained(folder: Path, recipe: str, data: Path, adapter: str) -> str:
    """The folder of the adapter that the recipe gives, trained by a process of its own."""
    config = replace(find_recipe(recipe).config, data=data, output=folder, adapter=adapter)
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps(to_json(config)), encoding="utf-8")
    command = [sys.executable, "-m", f"training.{config.stage}", "--config", str(folder / "config.json")]
    done = subprocess.run(
        command, cwd=ROOT, env={**os.environ, "OMP_NUM_THREADS": "1"}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return str(folder / "adapter")


def _asked(name: str, adapter: str, shown: Sequence[Shown], workspace: Path) -> Asked:
    """What the model with that adapter says of the clips, and of the same sounds under other clips' pictures."""
    opened = Opened(replace(model_of(TINY), adapter=adapter))
    own = _told(opened, shown, {one.clip.id: one.clip for one in shown}, workspace)
    other = _told(opened, shown, _others([one.clip for one in shown]), workspace)
    opened.close()
    return Asked(name, own, other)


def _told(opened: Opened, shown: Sequence[Shown], pictures: Mapping[str, Clip], workspace: Path) -> tuple[Told, ...]:
    text, said = DEMO.about("sync")[0].text, list[str]()
    for start in range(0, len(shown), AT_ONCE):
        batch = [
            Seen(
                text, pictures[one.clip.id].path, str(stimulus_folder(workspace, one.clip.id) / one.stimulus.models),
                TINY.fps, TINY.max_frames, TINY.width,
            )
            for one in shown[start : start + AT_ONCE]
        ]  # fmt: skip
        said += [heard.text for heard in opened.answer(batch, TINY.max_tokens)]
    labels = [read_answer("sync", words, question=text).label for words in said]
    return tuple(
        Told(one.stimulus.id, one.clip.id, one.label, label == one.label, one.played)
        for one, label in zip(shown, labels, strict=True)
    )


def _others(clips: Sequence[Clip]) -> dict[str, Clip]:
    """Clip id → another clip of another kind, each used once; of lengths as near as a turn round them all allows."""
    known = sorted({clip.id: clip for clip in clips}.values(), key=lambda clip: (clip.probe.duration_s, clip.id))
    turns = ([*known[by:], *known[:by]] for by in range(1, len(known)))
    fit = next(turn for turn in turns if all(one.kind != other.kind for one, other in zip(known, turn, strict=True)))
    return {one.id: other for one, other in zip(known, fit, strict=True)}


if __name__ == "__main__":
    sys.exit(show(rows()))
