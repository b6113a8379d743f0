"""Teaching the small model by one button, and measuring any trained model against where it began, on held-out clips."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

from thud.errors import BadRequest, NotFound, ThudError
from thud.evaluation.controls import CLASSES, Ceiling, Played, sound_only_ceiling
from thud.listeners.questions import DEMO, QUESTION_SETS
from thud.listeners.roster import TINY, Listener, to_json
from thud.pairs.pair_set import open_set
from thud.records import Run
from thud.runs.training.listener import listener_name, model_folder, shown
from thud.stimuli.held_out import HELD_OUT, is_demo, is_held_out
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
OLD_FIRST, OLD_LAST = 0.25, 0.75
"""Events of earlier demos lie in this part of a clip, to half a frame."""
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
    from thud.runs.chain import chains_held, start_chain

    with chains_held():  # a double click teaches once
        if problem := demo_problem(store, runs):
            raise BadRequest(problem)
        return start_chain(store, runs, TITLE, demo_steps(), actor, kind=TEACH)


def demo_problem(store: Store, runs: Runs) -> str:
    """Why the button cannot be pressed now, "" when it can."""
    from thud.runs.chain import chains
    from thud.runs.first_start import held_out_runs, unbuilt_held_out

    if not has_demo(store):
        return "This workspace has no demo clips, and tiny has seen nothing else."
    if any(one.kind == TEACH and one.state == "running" for one in chains(store, runs)):
        return "It is being taught already."
    whole = any(map(is_held_out, store.clips())) and all(run.state == "done" for run in held_out_runs(store))
    if not whole or unbuilt_held_out(store):
        if any(run.kind in ("demo", "build") and run.state in ("queued", "running") for run in runs.runs()):
            return "The demo's clips are still being made. Wait until their soundtracks are built."
        return "The demo's clips for testing are not all made and built. Start thud again: it goes on with them."
    return ""


def demo_note(store: Store) -> str:
    """What there is to know of the demo's clips before it is taught on them, "" where they are today's.

    Today's events lie in the middle two thirds of a clip, those of earlier versions in its middle half.
    """
    truth = store.times("construction")
    at = [truth[clip.id].visual_s for clip in store.clips() if is_demo(clip) and clip.id in truth]
    lasts = [clip.probe.duration_s for clip in store.clips() if is_demo(clip) and clip.id in truth]
    shares = [at_s / of_s for at_s, of_s in zip(at, lasts, strict=True) if at_s is not None]
    if not shares or min(shares) < OLD_FIRST or max(shares) > OLD_LAST:
        return ""
    return (
        "The clips that it learns from were made by an earlier version, with all events near the middle; it may learn "
        "less from them. A new workspace (--workspace DIR) gets today's."
    )


def has_demo(store: Store) -> bool:
    """Whether this workspace has the demo, or a part of it."""
    return any(is_demo(clip) or is_held_out(clip) for clip in store.clips())


def lineage(store: Store, runs: Runs, run_id: str) -> tuple[Taught, ...]:
    """The listener that a run began with, every training in between, and the run's own. NotFound."""
    back = list(_back(store, runs, run_id))
    began = Taught("before", _untrained(store, back[-1].run), "")
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


def _untrained(store: Store, run: Run) -> str:
    """The name of the listener that the run began with, shown clips as in training; "" where there is none."""
    from thud.runs.listening.listen import listeners

    wanted = _began(store, run)
    found = [one for one in listeners(store).values() if one.backend == "local"]
    fit = [one for one in found if all(getattr(one, name) == value for name, value in wanted.items())]
    model = model_folder(run.settings["base"])
    return next((one.name for one in fit if one.model == model or Path(one.model) == Path(model)), "")


def _began(store: Store, run: Run) -> Json:
    """What the listener that a run began with has to have beside its model."""
    config = run.settings["config"]
    told = {name: value for name, value in shown(config).items() if name in ("fps", "max_frames", "width")}
    adapter = str(store.workspace / config["adapter"]) if config.get("adapter") else ""
    return {**told, "adapter": adapter, "four_bit": config.get("tuning") == "qlora", "temperature": 0.0}


def held_out_clips(store: Store, runs: Runs, run_id: str) -> tuple[str, ...]:
    """Ids of the clips that a run is measured on: the demo's, else the test clips of its set, else frozen ones.

    Nothing that any training of its line learnt from is among them; none at all where nobody knows what that was.
    """
    from thud.runs.pairs.sets import held_out

    back = [one.run for one in _back(store, runs, run_id)]
    if back[0].settings["base"] == TINY and any(map(is_held_out, store.clips())):
        return tuple(clip.id for clip in store.clips() if is_held_out(clip))
    splits = [_splits(store, run) for run in back]
    learnt = {clip for of in splits for clip, split in (of or {}).items() if split != "test"}
    if None in splits:
        return ()
    tests = {clip for clip, split in (splits[0] or {}).items() if split == "test"}
    frozen = {clip for body in held_out(store).values() for clip in body["clips"]}
    here = {clip.id for clip in store.clips()}
    return tuple(sorted(here & (tests - learnt or frozen - learnt)))


def _splits(store: Store, run: Run) -> dict[str, str] | None:
    """Clip id → split of the set that a run was trained on, or its export's; None where that is not known."""
    from thud.runs.pairs.files import exports
    from thud.runs.pairs.sets import find_set

    wanted = run.settings["wanted"]
    set_id = wanted["set_id"] or exports(store).get(wanted["export"], {}).get("set", "")
    with suppress(NotFound):
        of: dict[str, str] | None = find_set(store, set_id).summary.get("split_of")
        return of or None
    return None


def _no_clips(store: Store, runs: Runs, run_id: str) -> str:
    """Why a run has no clips to be measured on, and what to do."""
    if all(_splits(store, one.run) is not None for one in _back(store, runs, run_id)):
        return "No clips are held out of this run's pairs. Freeze the test clips of a set on the Pairs page."
    return (
        "It was trained on pairs that are not in this workspace, so nobody knows which clips it has not seen. "
        "Train on a set that was built here to have it measured."
    )


def measure(store: Store, runs: Runs, run_id: str, actor: str) -> str:
    """The chain that asks everyone of a run's line on its held-out clips, with the right picture and with another's.

    BadRequest where there is nobody to ask, or nothing to ask about.
    """
    from thud.runs.chain import start_chain
    from thud.runs.training import train_run

    name, clips = train_run(store, runs, run_id).name, held_out_clips(store, runs, run_id)
    if not clips:
        raise BadRequest(_no_clips(store, runs, run_id))
    line = _all_there(store, runs, run_id, actor)
    about = {"clips": list(clips), "question_set": _questions(store, runs, run_id)[1]}
    steps = [_ask(one.listener, ARM, ["sync", "existence"], **about) for one in line]
    steps += [_ask(one.listener, OTHER_PICTURE, ["sync"], **about) for one in line]
    return start_chain(store, runs, f"Before and after {name}", steps, actor, kind=MEASURE)


def _all_there(store: Store, runs: Runs, run_id: str, actor: str) -> tuple[Taught, ...]:
    """The line, its beginning made a listener where it is none. BadRequest where one has no weights to be asked."""
    from thud.runs.listening.listen import find_listener

    line = lineage(store, runs, run_id)
    unfinished = next((one for one in line[1:] if not one.listener), None)
    if unfinished is not None:
        raise BadRequest(f"What is there {unfinished.words} cannot be asked: that run has kept no weights.")
    if line[0].listener:
        return line
    first = store.run(line[1].run)
    trained, began = find_listener(store, line[1].listener), _began(store, first)
    if began["adapter"] and not Path(began["adapter"]).is_dir():
        raise BadRequest(f"What it began with cannot be asked: the adapter {began['adapter']} is gone.")
    name = _free_name(store, listener_name({**first.settings, "name": f"before {first.settings['name']}"})[:58])
    made: Listener = replace(trained, name=name, model=model_folder(first.settings["base"]), **began)
    store.define("listener", name, to_json(made), actor)
    return (Taught(line[0].words, name, ""), *line[1:])


def _free_name(store: Store, name: str) -> str:
    """That name for a listener, with a number behind it where another has it."""
    from thud.runs.listening.listen import listeners

    taken = listeners(store).keys()
    return name if name not in taken else next(one for n in count(2) if (one := f"{name} {n}") not in taken)


def _questions(store: Store, runs: Runs, run_id: str) -> tuple[str, str]:
    """(id, name) of the question set that a run is measured by: the small model knows the demo's only."""
    from thud.runs.training import train_run

    tiny = train_run(store, runs, run_id).run.settings["base"] == TINY
    one = DEMO if tiny else QUESTION_SETS["structured"]
    return one.id, one.name if tiny else one.style


def measured(store: Store, runs: Runs, run_id: str) -> Measured:
    """What its line has shown so far on the held-out clips. NotFound for a run that is none."""
    from thud.runs.listening.controls import before_after_of

    line, clips = lineage(store, runs, run_id), held_out_clips(store, runs, run_id)
    if not clips:
        return Measured(line, (), (), why=_no_clips(store, runs, run_id))
    keys = [_key(store, one.listener) for one in line]
    if not all(keys):
        gone = next(one for one, key in zip(line, keys, strict=True) if not key)
        return Measured(line, (), clips, why=f"What answers {gone.words} training is not there to be asked yet.")
    rows = tuple(RowKey(key, ARM, _questions(store, runs, run_id)[0]) for key in keys)
    found = before_after_of(store, [(one.words, row) for one, row in zip(line, rows, strict=True)], clips)
    if not found.items:
        return Measured(line, rows, clips, why=f"Not all of them were asked about the {len(clips)} held-out clips.")
    bare = [stage.name for stage in found.stages if stage.shuffled is None]
    missing: tuple[str, ...] = (f"Not asked with another clip’s picture: {', '.join(bare)}.",) if bare else ()
    if store.run(line[1].run).settings["config"].get("adapter"):
        missing += (
            "It went on from an adapter that is not known here, which may have been taught on these very clips.",
        )
    return Measured(line, rows, clips, found, "", missing)


def _key(store: Store, name: str) -> str:
    """The key that a listener's answers stand under, "" where its weights are not there."""
    from thud.runs.listening.listen import find_listener

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
    from thud.runs.pairs.sets import pair_sets

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
