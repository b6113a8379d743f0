"""Teaching the small model by one button, and measuring any trained model against where it began, on held-out clips."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from thud.errors import BadRequest, NotFound, ThudError
from thud.evaluation.controls import CLASSES, Ceiling, Played, sound_only_ceiling
from thud.listeners.questions import DEMO, QUESTION_SETS
from thud.listeners.roster import TINY, Listener, to_json
from thud.pairs.pair_set import open_set
from thud.stimuli.held_out import HELD_OUT, is_held_out
from thud.store.score_filter import RowKey

if TYPE_CHECKING:
    from thud.evaluation.before_after import BeforeAfter
    from thud.runs.run import Runs
    from thud.runs.training import TrainRun
    from thud.store import Store

Json = dict[str, Any]
TEACH, MEASURE = "demo", "measure"
"""Kinds of chains."""
TITLE = "Teach tiny to listen"
ARM, OTHER_PICTURE = "audio_video", "shuffled_picture"
STAGE_WORDS = {"sft": "after SFT", "dpo": "after DPO"}
MOST_BACK = 20
"""Trainings that go on from one another; more would be a circle."""


@dataclass(frozen=True, slots=True)
class Taught:
    """One listener in the line of a trained one. words: its stage. listener, run: "" where there is none (yet)."""

    words: str
    listener: str
    run: str


@dataclass(frozen=True, slots=True)
class Measured:
    """What the line of a run has shown on held-out clips.

    found: None while not all were asked. why: what is missing for it. missing: sentences about what could be added.
    keys: rows of the results, one of each of `line` that was asked.
    """

    line: tuple[Taught, ...]
    keys: tuple[RowKey, ...]
    clips: tuple[str, ...]
    found: BeforeAfter | None = None
    why: str = ""
    missing: tuple[str, ...] = ()


def demo_steps() -> list[Json]:
    """The steps of the one button: pairs and SFT, pairs and DPO, then everyone is asked about the held-out clips."""
    asked: list[Json | str] = [TINY, {"step": 1}, {"step": 3}]
    right = [_ask(one, ARM, ["sync", "existence"], source=HELD_OUT) for one in asked]
    return [
        {"do": "build_pairs", "recipe": "demo-sft"},
        {"do": "train", "stage": "sft", "base": TINY, "recipe": "demo-sft", "set": {"step": 0}},
        {"do": "build_pairs", "recipe": "demo-dpo"},
        {"do": "train", "stage": "dpo", "base": TINY, "recipe": "demo-dpo", "set": {"step": 2}, "adapter": {"step": 1}},
        *right,
        *[_ask(one, OTHER_PICTURE, ["sync"], source=HELD_OUT) for one in asked],
    ]


def _ask(listener: Json | str, arm: str, tasks: list[str], **about: Any) -> Json:
    told = about.pop("question_set", DEMO.name)
    return {"do": "ask", "listener": listener, "question_set": told, "tasks": tasks, "arm": arm, **about}


def teach_tiny(store: Store, runs: Runs, actor: str) -> str:
    """The chain that teaches the small model. BadRequest where that cannot be done here, or goes on already."""
    from thud.runs.chain import start_chain

    if problem := demo_problem(store, runs):
        raise BadRequest(problem)
    return start_chain(store, runs, TITLE, demo_steps(), actor, kind=TEACH)


def demo_problem(store: Store, runs: Runs) -> str:
    """Why the button cannot be pressed now, "" when it can."""
    from thud.runs.chain import chains

    if not has_demo(store):
        return "This workspace has no demo clips, and tiny has seen nothing else."
    built = {one.clip_id for one in store.stimuli()}
    if not any(clip.id in built for clip in store.clips() if is_held_out(clip)):
        return "The demo's clips are still being made. Wait until their soundtracks are built."
    if any(one.kind == TEACH and one.state == "running" for one in chains(store, runs)):
        return "It is being taught already."
    return ""


def has_demo(store: Store) -> bool:
    """Whether the demo's held-out clips are here."""
    return any(is_held_out(clip) for clip in store.clips())


def lineage(store: Store, runs: Runs, run_id: str) -> tuple[Taught, ...]:
    """The listener that a run began with, every training in between, and the run's own. NotFound."""
    from thud.runs.training import clone

    back = list(_back(store, runs, run_id))
    began = Taught("before", _untrained(store, clone(back[-1].run).base), "")
    words = [STAGE_WORDS.get(one.stage, one.stage) for one in back]
    told = [
        Taught(said if words.count(said) == 1 else f"after {one.name}", one.listener, one.run.id)
        for said, one in zip(words, back, strict=True)
    ]
    return (began, *reversed(told))


def _back(store: Store, runs: Runs, run_id: str) -> Iterator[TrainRun]:
    """The run, and what it goes on from, as far back as that is known."""
    from thud.runs.training import train_run

    for _ in range(MOST_BACK):
        one = train_run(store, runs, run_id)
        yield one
        run_id = one.adapter_run
        if not run_id or run_id not in {run.id for run in store.runs()}:
            return


def _untrained(store: Store, base: str) -> str:
    """The name of the listener that is the base without any adapter, "" where there is none."""
    from thud.runs.listen import listeners

    found = [one for one in listeners(store).values() if one.backend == "local" and not one.adapter]
    return next((one.name for one in found if one.model == base or Path(one.model) == Path(base)), "")


def held_out_clips(store: Store, runs: Runs, run_id: str) -> tuple[str, ...]:
    """Ids of the clips that a run is measured on: the demo's, else the test clips of its set, else frozen ones."""
    from thud.runs.pairs import find_set, held_out
    from thud.runs.training import clone, train_run

    wanted = clone(train_run(store, runs, run_id).run)
    if wanted.base == TINY and has_demo(store):
        return tuple(clip.id for clip in store.clips() if is_held_out(clip))
    tests: list[str] = []
    if wanted.set_id:
        with suppress(NotFound):
            of: dict[str, str] = find_set(store, wanted.set_id).summary.get("split_of") or {}
            tests = [clip for clip, split in of.items() if split == "test"]
    here = {clip.id for clip in store.clips()}
    frozen = [clip for body in held_out(store).values() for clip in body["clips"]]
    return tuple(sorted(here & set(tests or frozen)))


def measure(store: Store, runs: Runs, run_id: str, actor: str) -> str:
    """The chain that asks everyone of a run's line on its held-out clips, with the right picture and with another's.

    BadRequest where there is nobody to ask, or nothing to ask about.
    """
    from thud.runs.chain import start_chain
    from thud.runs.training import train_run

    name, clips = train_run(store, runs, run_id).name, held_out_clips(store, runs, run_id)
    if not clips:
        raise BadRequest("There are no held-out clips. Freeze the test clips of a set on the Pairs page first.")
    line = _all_there(store, runs, run_id, actor)
    about = {"clips": list(clips), "question_set": _questions(store, runs, run_id)[1]}
    steps = [_ask(one.listener, ARM, ["sync", "existence"], **about) for one in line]
    steps += [_ask(one.listener, OTHER_PICTURE, ["sync"], **about) for one in line]
    return start_chain(store, runs, f"Before and after {name}", steps, actor, kind=MEASURE)


def _all_there(store: Store, runs: Runs, run_id: str, actor: str) -> tuple[Taught, ...]:
    """The line, its beginning made a listener where it is none. BadRequest where one has no weights to be asked."""
    from thud.runs.listen import find_listener

    line = lineage(store, runs, run_id)
    unfinished = next((one for one in line[1:] if not one.listener), None)
    if unfinished is not None:
        raise BadRequest(f"What is there {unfinished.words} cannot be asked: that run has kept no weights.")
    if line[0].listener:
        return line
    trained = find_listener(store, line[1].listener)
    began: Listener = replace(trained, name=f"{Path(trained.model).name[:48]} untrained", adapter="")
    store.define("listener", began.name, to_json(began), actor)
    return (Taught(line[0].words, began.name, ""), *line[1:])


def _questions(store: Store, runs: Runs, run_id: str) -> tuple[str, str]:
    """(id, name) of the question set that a run is measured by: the small model knows the demo's only."""
    from thud.runs.training import clone, train_run

    tiny = clone(train_run(store, runs, run_id).run).base == TINY
    one = DEMO if tiny else QUESTION_SETS["structured"]
    return one.id, one.name if tiny else one.style


def measured(store: Store, runs: Runs, run_id: str) -> Measured:
    """What its line has shown so far on the held-out clips. NotFound for a run that is none."""
    from thud.runs.controls import before_after_of

    line, clips = lineage(store, runs, run_id), held_out_clips(store, runs, run_id)
    if not clips:
        why = "No clips are held out of this run's pairs. Freeze the test clips of a set on the Pairs page."
        return Measured(line, (), (), why=why)
    keys = [_key(store, one.listener) for one in line]
    if not all(keys):
        gone = next(one for one, key in zip(line, keys, strict=True) if not key)
        return Measured(line, (), clips, why=f"What answers {gone.words} training is not there to be asked yet.")
    rows = tuple(RowKey(key, ARM, _questions(store, runs, run_id)[0]) for key in keys)
    found = before_after_of(store, [(one.words, row) for one, row in zip(line, rows, strict=True)], clips)
    if not found.items:
        return Measured(line, rows, clips, why=f"Not all of them were asked about the {len(clips)} held-out clips.")
    bare = [stage.name for stage in found.stages if stage.shuffled is None]
    missing = (f"Not asked with another clip’s picture: {', '.join(bare)}.",) if bare else ()
    return Measured(line, rows, clips, found, "", missing)


def _key(store: Store, name: str) -> str:
    """The key that a listener's answers stand under, "" where its weights are not there."""
    from thud.runs.listen import find_listener

    if not name:
        return ""
    try:
        return find_listener(store, name).key()
    except ThudError:
        return ""


def validation_ceiling(store: Store, run_id: str) -> float | None:
    """What the sound alone allows of the questions that a run is asked while it trains, classes alike; None where that
    is not known. They are those of its set's validation split, as far as they are about synchrony or silence.
    """
    from thud.runs.pairs import pair_sets

    set_id = str(store.run(run_id).settings.get("set", ""))
    return _ceiling_of_set(store.workspace, set_id).share if set_id in pair_sets(store) else None


@lru_cache(maxsize=64)
def _ceiling_of_set(workspace: Path, set_id: str) -> Ceiling:
    """Of a set as it was built; it never changes."""
    found = open_set(workspace, set_id)
    lines = [line for line in found.lines(split="validation", held=False) if line.label in CLASSES]
    told = {
        (pair["stimulus_id"], pair["label"]): Played(
            pair["audio_s"] if pair["label"] != "muted" else None, pair["duration_s"] or 1.0, pair["label"],
            pair["source"] or pair["clip_id"],
        )
        for pair in (row["pair"] for row in found.rows(lines))
    }  # fmt: skip
    return sound_only_ceiling(list(told.values()))
