"""Asking listeners: which items, what that will cost, what stands in the way, and starting it."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from thud.errors import BadRequest, MissingPart, NotFound
from thud.listeners.estimate import Estimate, estimate
from thud.listeners.items import plan_items
from thud.listeners.local import is_small
from thud.listeners.questions import QUESTION_SETS, QuestionSet, parse_question_set, to_json
from thud.listeners.roster import LISTENERS, PRESETS, Listener, endpoint_of, parse_listener
from thud.listeners.roster import to_json as listener_json
from thud.listeners.warnings import sampling_warning, threshold_warning
from thud.providers import key_problem
from thud.records import TASKS, Clip, Item, Refusal, Run, content_id
from thud.runs.annotating.answers import prices_of
from thud.runs.jobs import listen
from thud.runs.listening.gate import NEEDED, NOT_NEEDED, OVERRIDDEN, canary_needed

if TYPE_CHECKING:
    from thud.runs.run import Runs
    from thud.store import Store


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to ask about. clips, conditions: None = all. again: also what was asked and gave no answer (may be billed
    twice). override: score even when the audio canary fails.
    """

    question_set: QuestionSet
    arm: str = "audio_video"
    tasks: tuple[str, ...] = TASKS
    clips: tuple[str, ...] | None = None
    conditions: tuple[str, ...] | None = None
    again: bool = False
    override: bool = False


@dataclass(frozen=True, slots=True)
class ListenPlan:
    """What asking one listener would do. items: those to ask. answered: those with an outcome of these very settings.

    refused: what cannot be asked, with reasons; missing: files that are gone, which stop the run. blocked: the first
    sentence that keeps it from starting, "" when nothing does.
    """

    listener: Listener
    key: str
    wanted: Wanted
    items: tuple[Item, ...]
    answered: int
    refused: tuple[Refusal, ...]
    missing: tuple[Refusal, ...]
    estimate: Estimate
    canary: str
    warnings: tuple[str, ...]
    blocked: str = ""
    clips: dict[str, Clip] = field(default_factory=dict)


def question_sets(store: Store) -> dict[str, QuestionSet]:
    """The sets that ship and the users' own, by id."""
    own = [parse_question_set(body) for body in store.definitions("question_set").values()]
    return {one.id: one for one in (*QUESTION_SETS.values(), *own)}


def find_question_set(store: Store, name: str) -> QuestionSet:
    """The set of that id, style or name. NotFound."""
    for one in question_sets(store).values():
        if name in (one.id, one.name) or (name == one.style and one == QUESTION_SETS[one.style]):
            return one
    raise NotFound(f"There is no question set “{name[:60]}”. There are {', '.join(QUESTION_SETS)}.")


def listeners(store: Store) -> dict[str, Listener]:
    """The listeners that ship and those that users described, by name; what this version cannot read is left out."""
    found = dict(LISTENERS)
    for name, body in store.definitions("listener").items():
        with suppress(BadRequest):
            found[name] = parse_listener(body)
    return found


def find_listener(store: Store, name: str) -> Listener:
    """The listener of that name: shipped, a user's, or a preset. NotFound, saying which there are."""
    known = {**{one.name: one for one in PRESETS}, **listeners(store)}
    if name not in known:
        raise NotFound(f"There is no listener “{name[:60]}”. There are {', '.join(known)}; others are added by Ask….")
    return known[name]


def pace_of(listener: Listener, here: int = 1) -> tuple[int, int | None]:
    """(items a line of the plan, workers; None = one per core). here: items a line for those that answer at once."""
    if listener.backend == "local":
        return listener.batch_size, 1
    return (1, listener.at_once) if listener.asks else (here, None)


def plan_listening(store: Store, runs: Runs, listener: Listener, wanted: Wanted) -> ListenPlan:
    """The plan, without asking anybody. BadRequest when this listener cannot be asked so at all."""
    clips = {clip.id: clip for clip in store.clips()}
    if unknown := set(wanted.clips or ()) - clips.keys():
        raise BadRequest(f"There is no clip {sorted(unknown)[0][:40]} in this workspace. Reload the list of clips.")
    stimuli = [
        stimulus
        for stimulus in store.stimuli()
        if (wanted.clips is None or stimulus.clip_id in wanted.clips)
        and (wanted.conditions is None or stimulus.condition in wanted.conditions)
    ]
    planned = plan_items(
        stimuli, clips, store.times(), wanted.question_set, wanted.tasks, wanted.arm,
        workspace=store.workspace, listener=listener,
    )  # fmt: skip
    key, blocked = _key(listener)
    done = store.answered(key, [_response_id(item, key) for item in planned.items], wanted.again) if key else set()
    left = tuple(item for item in planned.items if _response_id(item, key) not in done)
    canary = NOT_NEEDED
    if canary_needed(listener, wanted.arm):
        canary = OVERRIDDEN if wanted.override else NEEDED
    offsets = sorted({item.offset_s for item in left if item.offset_s is not None and item.task == "sync"})
    durations = [clips[item.partner or item.clip_id].probe.duration_s for item in left]
    warnings = [sampling_warning(listener, offsets, durations), threshold_warning(offsets)]
    if planned.missing:
        first = planned.missing[0]
        blocked = f"{len(planned.missing)} stimuli cannot be shown. {first.subject}: {first.reason}"
    return ListenPlan(
        listener, key, wanted, left, len(planned.items) - len(left), planned.refusals, planned.missing,
        estimate(listener, left, clips, prices_of(store.workspace)), canary,
        tuple(filter(None, warnings)),
        blocked or (key_problem(endpoint_of(listener)) if listener.asks else "") or _running(runs, key, wanted), clips,
    )  # fmt: skip


def _response_id(item: Item, key: str) -> str:
    return content_id(item.id, key, "")


def _key(listener: Listener) -> tuple[str, str]:
    """(its key, why it has none)."""
    try:
        return listener.key(), ""
    except (BadRequest, MissingPart, NotFound) as error:
        return "", str(error)


def _running(runs: Runs, key: str, wanted: Wanted) -> str:
    about = {"listener_key": key, "question_set": wanted.question_set.id, "arm": wanted.arm}
    return runs.going_on((listen.kind,), lambda settings: about.items() <= settings.items())


def start_listening(store: Store, runs: Runs, plan: ListenPlan, actor: str) -> Run:
    """The run. MissingPart or BadRequest, with nothing started, when something stands in the way or nothing is left."""
    if plan.blocked:
        raise BadRequest(plan.blocked)
    if not plan.items:
        raise BadRequest("There is nothing to ask: every item has an outcome, or cannot be asked.")
    listener, wanted = plan.listener, plan.wanted
    settings = {
        "listener": listener_json(listener),
        "listener_key": plan.key,
        "question_set": wanted.question_set.id,
        "questions": to_json(wanted.question_set),
        "arm": wanted.arm,
        "tasks": list(wanted.tasks),
        "canary": plan.canary,
        "warnings": list(plan.warnings),
        "estimate": {"requests": plan.estimate.requests, "cost_usd": plan.estimate.cost_usd},
    }
    common = {
        "listener": listener_json(listener), "listener_key": plan.key, "arm": wanted.arm, "canary": plan.canary,
        "by": actor, "again": wanted.again,
    }  # fmt: skip
    size, workers = pace_of(listener, here=8)
    lines = [_line(plan, plan.items[at : at + size], common) for at in range(0, len(plan.items), size)]
    title = f"Ask {listener.label}: {len(plan.items)} items, {wanted.question_set.name}, {wanted.arm.replace('_', ' ')}"
    return runs.start(
        listen.kind, title, settings, lines, actor, workers=workers, limit_s=listen.LIMIT_S,
        device=device_of(listener, runs.on),
    )  # fmt: skip


def device_of(listener: Listener, on: str) -> str:
    """The GPU that a local model has to itself while it is asked, so that here it and training take turns; "" for who
    needs none. On the CPU both may run at once. On a cluster only small models are asked on the CPU.
    """
    from thud.runs.training.wanted import device_for

    if listener.backend != "local":
        return ""
    device = device_for({"precision": "fp32" if is_small(listener) else "bf16"}, on)
    return "" if device == "cpu" else device


def _line(plan: ListenPlan, items: Sequence[Item], common: dict[str, Any]) -> dict[str, Any]:
    shown = {clip_id for item in items for clip_id in (item.clip_id, item.partner) if clip_id}
    first = items[0]
    return {
        **common,
        "key": content_id([_response_id(item, plan.key) for item in items], plan.wanted.again),
        "subject": f"{plan.clips[first.clip_id].title or first.clip_id}, {first.condition}",
        "asks": [asdict(item) for item in items],
        "clips": [asdict(plan.clips[clip_id]) for clip_id in sorted(shown)],
    }
