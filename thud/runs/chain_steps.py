"""The steps that a chain can have: what each is called, what it refers to, and how it starts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from thud.errors import BadRequest
from thud.records import TASKS, Run
from thud.runs.jobs import listen, pairs, pairs_export, train
from thud.runs.training.wanted import TrainWanted, parse_wanted

if TYPE_CHECKING:
    from thud.runs.listening.listen import ListenPlan
    from thud.runs.run import Runs
    from thud.store import Store

Step = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class At:
    """Where a chain stands: its steps, which of them is due, and by number the latest run that each has had."""

    steps: Sequence[Step]
    index: int
    runs: Mapping[int, Run]

    @property
    def step(self) -> Step:
        return self.steps[self.index]


DOES: Mapping[str, tuple[str, ...]] = {
    "build_pairs": (pairs.kind,), "export_pairs": (pairs_export.kind,), "train": (train.kind,), "ask": (listen.kind,),
}  # fmt: skip
"""What can be done, and the kind of run that does it."""

REFERS: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "export_pairs": {"set": ("build_pairs",)},
    "train": {"set": ("build_pairs", "export_pairs"), "adapter": ("train",)},
    "ask": {"listener": ("train",)},
}
"""Fields that may name an earlier step as {"step": number}, and what that step has to do."""

NEEDS = {"build_pairs": ("recipe",), "export_pairs": ("set",), "train": ("stage",), "ask": ("listener",)}


def check_steps(steps: Sequence[Step]) -> None:
    """Raises BadRequest for a chain without steps, a step that is none, or one that refers to what is not before it."""
    if not steps:
        raise BadRequest("A chain has at least one step.")
    for number, step in enumerate(steps):
        does = str(step.get("do"))
        if does not in DOES:
            raise BadRequest(f"Step {number + 1} does {does[:40]!r}; it has to be one of {', '.join(DOES)}.")
        for name in NEEDS[does]:
            if not step.get(name):
                raise BadRequest(f"Step {number + 1} ({does}) needs {name}.")
        for name, kinds in REFERS.get(does, {}).items():
            other = _step_of(step.get(name))
            if other is not None and (not 0 <= other < number or steps[other]["do"] not in kinds):
                allowed = " or ".join(kinds)
                raise BadRequest(f"Step {number + 1}: {name} has to be a step before it that does {allowed}.")


def _step_of(value: object) -> int | None:
    """The number of the step that a field names, None for one that names something by itself."""
    number = value.get("step") if isinstance(value, Mapping) else None
    return number if isinstance(number, int) else None if not isinstance(value, Mapping) else -1


def _before(listener: object) -> bool:
    """Whether a step asks what another one began with, not what that has taught."""
    return isinstance(listener, Mapping) and bool(listener.get("before"))


def needing(steps: Sequence[Step], index: int) -> list[int]:
    """Numbers of the steps that go on from what that one has made."""
    return [
        number for number, step in enumerate(steps)
        if index in [_step_of(step.get(name)) for name in REFERS.get(step["do"], {})]
    ]  # fmt: skip


def step_words(step: Step) -> str:
    """What a step does, in a few words."""
    match step["do"]:
        case "build_pairs":
            return f"Build pairs: {step['recipe']}"
        case "export_pairs":
            return "Export the pairs"
        case "train":
            return f"Train by {str(step['stage']).upper()}"
    listener = step["listener"]
    who = listener if isinstance(listener, str) else f"step {listener['step'] + 1}’s model"
    who = f"what step {listener['step'] + 1} began with" if _before(listener) else who
    arm = str(step.get("arm", "audio_video"))
    shown = {"audio_video": "", "shuffled_picture": ", other picture"}
    return f"Ask {who}" + shown.get(arm, ", " + arm.replace("_", " "))


def start_step(store: Store, runs: Runs, at: At, actor: str) -> str:
    """Starts the run that is due; words where there is nothing to do. Raises ThudError where it cannot start."""
    return _STARTS[at.step["do"]](store, runs, at, actor)


def _build(store: Store, runs: Runs, at: At, actor: str) -> str:
    from thud.runs.pairs.sets import all_recipes, start_build

    recipes, name = all_recipes(store), at.step["recipe"]
    if name not in recipes:
        raise BadRequest(f"There is no recipe for pairs called {str(name)[:40]!r}: {', '.join(recipes)}.")
    start_build(store, runs, recipes[name], actor)
    return ""


def _export(store: Store, runs: Runs, at: At, actor: str) -> str:
    from thud.runs.pairs.files import start_export
    from thud.runs.training.start import FORMAT, standing_export

    set_id = _set(runs, at, at.step["set"])
    if name := standing_export(store, runs, set_id):
        return f"It is exported already, as {name}."
    start_export(store, runs, set_id, FORMAT, actor)
    return ""


def _train(store: Store, runs: Runs, at: At, actor: str) -> str:
    """Training, or first the export of its set: then this is called again when that is done."""
    from thud.runs.pairs.files import start_export
    from thud.runs.training.start import FORMAT, plan_training, start_training

    plan = plan_training(store, runs, wanted := _wanted(runs, at))
    if plan.exports and at.index in at.runs:
        raise BadRequest("The pairs changed while they were exported. Go on to export them again.")
    if plan.exports:
        start_export(store, runs, wanted.set_id, FORMAT, actor)
    else:
        start_training(store, runs, plan_training(store, runs, wanted, runs.checker), actor)
    return ""


def _wanted(runs: Runs, at: At) -> TrainWanted:
    """What a step wants trained, with earlier steps put in."""
    adapter = at.step.get("adapter") or ""
    other = _step_of(adapter)
    run_id = at.runs[other].id if other is not None else adapter if any(r.id == adapter for r in runs.runs()) else ""
    row = {key: value for key, value in at.step.items() if key not in ("do", "set", "adapter", "adapter_run")}
    row |= {"set_id": _set(runs, at, at.step.get("set") or ""), "adapter_run": run_id}
    return parse_wanted({**row, "adapter": "" if run_id else adapter})


def plan_ask(store: Store, runs: Runs, at: At, actor: str) -> ListenPlan:
    """What the step that is due would ask. Raises ThudError where it cannot be asked at all."""
    from thud.runs.listening.listen import Wanted, find_listener, find_question_set, plan_listening

    step = at.step
    clips = step.get("clips")
    if source := step.get("source"):
        clips = [clip.id for clip in store.clips() if clip.source.startswith(source)]
        if not clips:
            raise BadRequest(f"There are no clips whose source begins with {source[:60]!r}.")
    questions = find_question_set(store, step.get("question_set", "structured"))
    wanted = Wanted(
        questions, step.get("arm", "audio_video"), tuple(step.get("tasks") or TASKS),
        None if clips is None else tuple(clips), tuple(step["conditions"]) if step.get("conditions") else None,
        override=bool(step.get("override")),
    )  # fmt: skip
    return plan_listening(store, runs, find_listener(store, _listener(store, at, actor)), wanted)


def _listener(store: Store, at: At, actor: str) -> str:
    """The name of who is asked: by itself, or what a training has taught, or what that began with."""
    from thud.runs.training.listener import listener_name
    from thud.runs.training.measuring import began_with

    asked = at.step["listener"]
    if (other := _step_of(asked)) is None:
        return str(asked)
    settings = at.runs[other].settings
    return began_with(store, settings, actor) if _before(asked) else listener_name(settings)


def _ask(store: Store, runs: Runs, at: At, actor: str) -> str:
    from thud.runs.listening.listen import start_listening

    plan = plan_ask(store, runs, at, actor)
    if not plan.items and not plan.blocked:
        return "There is nothing to ask: all of it is answered."
    start_listening(store, runs, plan, actor)
    return ""


def _set(runs: Runs, at: At, value: Any) -> str:
    """The id of a pair set, by itself or as what a step has made or exported."""
    number = _step_of(value)
    if number is None:
        return str(value)
    if at.steps[number]["do"] == "export_pairs":
        return _set(runs, at, at.steps[number]["set"])
    run = at.runs[number]
    made = [line["result"]["set"] for line in runs.results(run.id) if line["outcome"] == "ok"]
    if not made:
        raise BadRequest(f"“{run.title}” made no pair set.")
    return str(made[0])


_STARTS: Mapping[str, Callable[[Any, Any, At, str], str]] = {
    "build_pairs": _build, "export_pairs": _export, "train": _train, "ask": _ask,
}  # fmt: skip
