"""What follows a training by itself: DPO from what SFT has taught, then its whole line is asked, before and after."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from thud.errors import BadRequest, NotFound
from thud.listeners.roster import TINY
from thud.records import Run
from thud.runs.run import worked_on
from thud.runs.training.listener import first_base, short_base
from thud.runs.training.measuring import all_there, asks, held_out_clips, line_of, not_measured, previous, questions
from thud.runs.training.start import TrainPlan, plan_training, start_steps, start_training, step_of
from thud.runs.training.wanted import TrainWanted, recipe_config, wanted_json

if TYPE_CHECKING:
    from thud.runs.run import Runs
    from thud.runs.trainer.checker import Checker
    from thud.store import Store

Json = dict[str, Any]
AFTER = "after"
"""The kind of its chain."""
GATE = ("not_measured", "no_gain")
"""Findings about what DPO starts from: known only when that has been trained, and looked at then."""


@dataclass(frozen=True, slots=True)
class Afterwards:
    """What is to follow a training. recipe: of DPO, "" = none. set_id: the pairs of that. ask: before and after, on
    held-out clips.
    """

    recipe: str = ""
    set_id: str = ""
    ask: bool = False


@dataclass(frozen=True, slots=True)
class Ahead:
    """What follows, as far as it can be known before anything has started.

    dpo: what DPO is asked for, None = none. line: settings of all trainings, the last first. train, ask: the sentence
    that keeps DPO from following, or all of them from being asked; "" where nothing known does.
    """

    wanted: Afterwards
    dpo: TrainWanted | None
    line: tuple[Json, ...]
    train: str
    ask: str

    @property
    def blocked(self) -> str:
        """The sentence that keeps what is wanted from following, "" where nothing known does."""
        return self.train or (self.ask if self.wanted.ask else "")


def look_ahead(
    store: Store, runs: Runs, wanted: TrainWanted, plan: TrainPlan, after: Afterwards, checker: Checker | None = None
) -> Ahead:
    """What follows that training, with nothing started. plan: of `wanted`. checker: as `plan_training` has it."""
    prior = line_of(store, runs, before) if (before := previous(store, runs, wanted_json(wanted))) else []
    first = first_base(prior[-1]) if prior else plan.config["base"]
    told = {"base": plan.config["base"], "first_base": first}
    line = [{**told, "wanted": wanted_json(plan.wanted)}, *prior]
    if not after.recipe:
        return Ahead(after, None, tuple(line), "", not_measured(store, line))
    dpo = TrainWanted(
        "dpo", plan.config["base"], after.recipe, after.set_id, device=wanted.device, waive=wanted.waive,
        on=plan.wanted.on,
    )  # fmt: skip
    if after.set_id:
        line.insert(0, {**told, "wanted": wanted_json(dpo)})
    return Ahead(after, dpo, tuple(line), _refused(store, runs, plan, dpo, checker), not_measured(store, line))


def _refused(store: Store, runs: Runs, plan: TrainPlan, dpo: TrainWanted, checker: Checker | None) -> str:
    """Why DPO cannot follow that plan, "" where nothing known keeps it from that."""
    if plan.wanted.stage != "sft":
        return "DPO follows SFT only. Start this training without it."
    try:
        if GATE[0] not in dpo.waive and (problem := _unchecked(store, plan)):
            return problem
        return _said(_other_base(dpo) or _no_rejected(store, dpo) or _planned(store, runs, dpo, checker))
    except (BadRequest, NotFound) as error:
        return _said(str(error))


def _unchecked(store: Store, plan: TrainPlan) -> str:
    """Why nobody would know whether SFT has helped, which DPO asks for, "" where nothing says so."""
    from thud.runs.pairs.files import leaving
    from thud.runs.pairs.sets import find_set

    unknown = "so nobody would know whether SFT has helped, and DPO would be refused"
    if not plan.config.get("eval_every"):
        return f"eval_every is 0, {unknown}. Set it above 0."
    lines = leaving(store, find_set(store, plan.wanted.set_id)).lines if plan.wanted.set_id else ()
    if lines and not any(line.split == "validation" for line in lines):
        return f"No pairs of “{plan.data_title}” are held out, {unknown}. Choose a set that was split."
    return ""


def _said(problem: str) -> str:
    return problem and f"DPO afterwards: {problem}"


def _other_base(dpo: TrainWanted) -> str:
    """What else a base is called, its folder may be named as anybody likes; but tiny is like no other model."""
    meant = recipe_config(dpo.recipe).get("base", dpo.base)
    if (meant == TINY) == (dpo.base == TINY):
        return ""
    return f"The recipe {dpo.recipe} is for {short_base(meant)}, not for {short_base(dpo.base)}. Choose another."


def _no_rejected(store: Store, dpo: TrainWanted) -> str:
    from thud.runs.pairs.sets import find_set, pair_sets

    if not dpo.set_id:
        return "Choose the pairs for it."
    one = pair_sets(store)[find_set(store, dpo.set_id).id]
    return "" if one["stage"] == "dpo" else f"“{one['title']}” has no rejected answers. Choose pairs for DPO."


def _planned(store: Store, runs: Runs, dpo: TrainWanted, checker: Checker | None) -> str:
    """What stands in its way by itself. What it will start from is looked at when that is there."""
    return plan_training(store, runs, replace(dpo, waive=(*dpo.waive, *GATE)), checker).blocked


def start_with(store: Store, runs: Runs, plan: TrainPlan, ahead: Ahead, actor: str) -> Run:
    """The first run: it trains, or exports the pairs for that; what follows starts by itself.

    BadRequest with nothing started when something stands in the way of any of it, as far as that is known.
    """
    if problem := plan.blocked or ahead.blocked:
        raise BadRequest(problem)
    if not (ahead.dpo or ahead.wanted.ask):
        return start_training(store, runs, plan, actor)
    steps, first = chain_of(store, runs, plan, ahead, actor), plan.wanted.name or plan.wanted.stage.upper()
    words = [f"{first} on {plan.data_title}", "DPO" if ahead.dpo else "", ahead.wanted.ask * "before and after"]
    with worked_on(plan.wanted.on):  # whoever was trained there is asked there
        return start_steps(store, runs, plan, steps, ", then ".join(filter(None, words)), actor, AFTER)


def chain_of(store: Store, runs: Runs, plan: TrainPlan, ahead: Ahead, actor: str) -> list[Json]:
    """The steps: that training, DPO on what it has taught, then asking who was there before and what each has taught.

    A listener that the line began with is made where there is none. BadRequest where what it goes on from has no
    weights to be asked.
    """
    steps = [step_of(plan.wanted)]
    if ahead.dpo:
        steps.append({**step_of(ahead.dpo), "adapter": {"step": 0}})
    if not ahead.wanted.ask:
        return steps
    before = previous(store, runs, wanted_json(plan.wanted))
    everyone: list[Json | str] = [*all_there(store, runs, before, actor)] if before else [{"step": 0, "before": True}]
    everyone += [{"step": number} for number in range(len(steps))]
    about = {"clips": list(held_out_clips(store, ahead.line)), "question_set": questions(ahead.line)[1]}
    return steps + asks(everyone, **about)
