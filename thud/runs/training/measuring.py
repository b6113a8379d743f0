"""What a training is measured by: its line of listeners from the base on, and the clips that none of them learnt from.

A training stands here as its settings, which one that is only planned has too: name, base, config, wanted, adapter_run.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

from thud.errors import BadRequest, NotFound, ThudError
from thud.listeners.questions import DEMO, QUESTION_SETS
from thud.listeners.roster import TINY, parse_listener, to_json
from thud.runs.jobs import train
from thud.runs.training.listener import first_base, listener_name, model_folder, shown
from thud.runs.training.listing import HIDDEN
from thud.stimuli.held_out import is_held_out
from thud.store.score_filter import RowKey

if TYPE_CHECKING:
    from thud.evaluation.before_after import BeforeAfter
    from thud.runs.run import Runs
    from thud.runs.training import TrainRun
    from thud.store import Store

Json = dict[str, Any]
MEASURE = "measure"
"""The kind of the chains that only ask."""
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


# ---------- the line ----------


def lineage(store: Store, runs: Runs, run_id: str) -> tuple[Taught, ...]:
    """The listener that a run began with, every training in between, and the run's own. NotFound."""
    back = list(_back(store, runs, run_id))
    began = Taught("before", _untrained(store, back[-1].run.settings), "")
    words = [STAGE_WORDS.get(one.stage, one.stage) for one in back]
    told = [
        Taught(said if words.count(said) == 1 else f"after {one.name}", one.listener, one.run.id)
        for said, one in zip(words, back, strict=True)
    ]
    return (began, *reversed(told))


def line_of(store: Store, runs: Runs, run_id: str) -> list[Json]:
    """The settings of a run and of those that it goes on from, its own first. NotFound."""
    return [one.run.settings for one in _back(store, runs, run_id)]


def previous(store: Store, runs: Runs, settings: Json) -> str:
    """The id of the training that one goes on from, "" where none is known."""
    here = {run.id for run in runs.runs() if run.kind == train.kind} - store.definitions(HIDDEN).keys()
    before = str(settings.get("adapter_run") or "")
    return before if before in here else ""


def _back(store: Store, runs: Runs, run_id: str) -> Iterator[TrainRun]:
    """The run, and what it goes on from, as far back as that is known."""
    from thud.runs.training import train_run

    for _ in range(MOST_BACK):
        one = train_run(store, runs, run_id)
        yield one
        if not (run_id := previous(store, runs, one.run.settings)):
            return


def _untrained(store: Store, settings: Json) -> str:
    """The name of the listener that a training began with, shown clips as in training; "" where there is none."""
    from thud.runs.listening.listen import listeners

    wanted = _began(store, settings)
    found = [one for one in listeners(store).values() if one.backend == "local"]
    fit = [one for one in found if all(getattr(one, name) == value for name, value in wanted.items())]
    model = model_folder(settings["base"])
    return next((one.name for one in fit if one.model == model or Path(one.model) == Path(model)), "")


def _began(store: Store, settings: Json) -> Json:
    """What the listener that a training began with has to have beside its model."""
    config = settings["config"]
    told = {name: value for name, value in shown(config).items() if name in ("fps", "max_frames", "width")}
    adapter = str(store.workspace / config["adapter"]) if config.get("adapter") else ""
    return {**told, "adapter": adapter, "four_bit": config.get("tuning") == "qlora", "temperature": 0.0}


def began_with(store: Store, settings: Json, actor: str) -> str:
    """The name of the listener that a training began with, which is made where there is none. BadRequest where what it
    began with is gone.
    """
    if name := _untrained(store, settings):
        return name
    began = _began(store, settings)
    if began["adapter"] and not Path(began["adapter"]).is_dir():
        raise BadRequest(f"What it began with cannot be asked: the adapter {began['adapter']} is gone.")
    name = _free_name(store, listener_name({**settings, "name": f"before {settings['name']}"})[:58])
    about = {"name": name, "backend": "local", "model": model_folder(settings["base"])}
    made = parse_listener({**about, **shown(settings["config"]), **began})
    store.define("listener", name, to_json(made), actor)
    return name


def _free_name(store: Store, name: str) -> str:
    """That name for a listener, with a number behind it where another has it."""
    from thud.runs.listening.listen import listeners

    taken = listeners(store).keys()
    return name if name not in taken else next(one for n in count(2) if (one := f"{name} {n}") not in taken)


def all_there(store: Store, runs: Runs, run_id: str, actor: str) -> list[str]:
    """The names of the listeners of its line, the beginning made one where it is none. BadRequest where one has no
    weights to be asked.
    """
    line = lineage(store, runs, run_id)
    unfinished = next((one for one in line[1:] if not one.listener), None)
    if unfinished is not None:
        raise BadRequest(f"What is there {unfinished.words} cannot be asked: that run has kept no weights.")
    began = line[0].listener or began_with(store, store.run(line[1].run).settings, actor)
    return [began, *(one.listener for one in line[1:])]


# ---------- the clips ----------


def held_out_clips(store: Store, line: Sequence[Json]) -> tuple[str, ...]:
    """Ids of the clips that a training is measured on: the demo's, else the test clips of its set, else frozen ones.

    line: its settings, and those of what it goes on from. Nothing that any of them learnt from is among the clips; none
    at all where nobody knows what that was.
    """
    from thud.runs.pairs.sets import held_out

    if first_base(line[0]) == TINY and any(map(is_held_out, store.clips())):
        return tuple(clip.id for clip in store.clips() if is_held_out(clip))
    splits = [_splits(store, one) for one in line]
    learnt = {clip for of in splits for clip, split in (of or {}).items() if split != "test"}
    if None in splits:
        return ()
    tests = {clip for clip, split in (splits[0] or {}).items() if split == "test"}
    frozen = {clip for body in held_out(store).values() for clip in body["clips"]}
    here = {clip.id for clip in store.clips()}
    return tuple(sorted(here & (tests - learnt or frozen - learnt)))


def _splits(store: Store, settings: Json) -> dict[str, str] | None:
    """Clip id → split of the set that a training is on, or its export's; None where that is not known."""
    from thud.runs.pairs.files import exports
    from thud.runs.pairs.sets import find_set

    wanted = settings["wanted"]
    set_id = wanted["set_id"] or exports(store).get(wanted["export"], {}).get("set", "")
    with suppress(NotFound):
        of: dict[str, str] | None = find_set(store, set_id).summary.get("split_of")
        return of or None
    return None


def not_measured(store: Store, line: Sequence[Json]) -> str:
    """Why a training cannot be measured, and what to do; "" where it can. line: as `held_out_clips` has it."""
    if clips := set(held_out_clips(store, line)):
        if any(one.clip_id in clips for one in store.stimuli()):
            return ""
        return f"None of the {len(clips)} held-out clips has soundtracks yet. Build them on the Clips page."
    if all(_splits(store, one) is not None for one in line):
        return "No clips are held out of this run's pairs. Freeze the test clips of a set on the Pairs page."
    return (
        "It was trained on pairs that are not in this workspace, so nobody knows which clips it has not seen. "
        "Train on a set that was built here to have it measured."
    )


# ---------- asking, and what came of it ----------


def asks(everyone: Sequence[Json | str], **about: Any) -> list[Json]:
    """The steps of a chain that ask everyone about the same clips: with the right picture, then with another's.

    everyone: listeners by name, or as a step refers to them. about: clips or source, and question_set.
    """
    right = [{"do": "ask", "listener": one, "arm": ARM, "tasks": ["sync", "existence"], **about} for one in everyone]
    other = [{"do": "ask", "listener": one, "arm": OTHER_PICTURE, "tasks": ["sync"], **about} for one in everyone]
    return right + other


def questions(line: Sequence[Json]) -> tuple[str, str]:
    """(id, name) of the question set that a training is measured by: the small model knows the demo's only."""
    tiny = first_base(line[0]) == TINY
    one = DEMO if tiny else QUESTION_SETS["structured"]
    return one.id, one.name if tiny else one.style


def measure(store: Store, runs: Runs, run_id: str, actor: str) -> str:
    """The chain that asks everyone of a run's line on its held-out clips, with the right picture and with another's; ""
    where all of it is answered already.

    BadRequest where there is nobody to ask, or nothing to ask about.
    """
    from thud.runs.chain import start_chain
    from thud.runs.chain_steps import At, plan_ask
    from thud.runs.training import train_run

    name, line = train_run(store, runs, run_id).name, line_of(store, runs, run_id)
    if problem := not_measured(store, line):
        raise BadRequest(problem)
    about = {"clips": list(held_out_clips(store, line)), "question_set": questions(line)[1]}
    steps = asks(all_there(store, runs, run_id, actor), **about)
    plans = [plan_ask(store, runs, At(steps, index, {}), actor) for index in range(len(steps))]
    if any(plan.items or plan.blocked for plan in plans):
        return start_chain(store, runs, f"Before and after {name}", steps, actor, kind=MEASURE)
    if not any(plan.answered for plan in plans):
        raise BadRequest("No question fits the soundtracks of the held-out clips. Build others on the Clips page.")
    return ""


def measured(store: Store, runs: Runs, run_id: str) -> Measured:
    """What its line has shown so far on the held-out clips. NotFound for a run that is none."""
    from thud.runs.listening.controls import before_after_of

    line, back = lineage(store, runs, run_id), line_of(store, runs, run_id)
    clips = held_out_clips(store, back)
    if not clips:
        return Measured(line, (), (), why=not_measured(store, back))
    keys = [_key(store, one.listener) for one in line]
    if not all(keys):
        gone = next(one for one, key in zip(line, keys, strict=True) if not key)
        return Measured(line, (), clips, why=f"What answers {gone.words} training is not there to be asked yet.")
    rows = tuple(RowKey(key, ARM, questions(back)[0]) for key in keys)
    found = before_after_of(store, [(one.words, row) for one, row in zip(line, rows, strict=True)], clips)
    if not found.items:
        return Measured(line, rows, clips, why=f"Not all of them were asked about the {len(clips)} held-out clips.")
    bare = [stage.name for stage in found.stages if stage.shuffled is None]
    missing: tuple[str, ...] = (f"Not asked with another clip’s picture: {', '.join(bare)}.",) if bare else ()
    if back[-1]["config"].get("adapter"):
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
