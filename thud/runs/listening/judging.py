"""Judging: which responses a judge reads, what that will cost, what stands in the way, and starting it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal, get_args

from thud.errors import BadRequest
from thud.evaluation.calibration import Candidate, sample
from thud.evaluation.calibration import Case as Labelled
from thud.evaluation.judge import PROMPT, Case, case_of, prompt_of
from thud.events.estimate import BATCHED
from thud.listeners.estimate import LETTERS_A_TOKEN
from thud.listeners.roster import PRESETS
from thud.providers import cost_usd, key_problem
from thud.records import Reading, Response, Run, Usage
from thud.runs.annotating.answers import prices_of
from thud.runs.jobs import judge as single
from thud.runs.jobs import judge_batch
from thud.runs.listening.judges import Judge, endpoint_of, family_of, question_of, to_json
from thud.runs.listening.listen import listeners

if TYPE_CHECKING:
    from thud.runs.run import Runs
    from thud.store import Store

Which = Literal["unparsed", "labelled", "audit", "all"]
WHICH: tuple[str, ...] = get_args(Which)
KINDS = (single.kind, judge_batch.kind)
ANSWER_TOKENS = 100
MOST_AUDITED = 10_000


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which responses: those the rules left unparsed, those people have read, a random sample of `audit`, or all.

    again: also those that the judge was asked about without a word that counts (may be billed twice).
    """

    which: Which = "unparsed"
    audit: int = 200
    seed: int = 0
    again: bool = False
    batch: bool = False


@dataclass(frozen=True, slots=True)
class Material:
    """What the store knows: responses of models that hold words, and all readings."""

    responses: tuple[Response, ...]
    readings: tuple[Reading, ...]

    @property
    def people(self) -> dict[str, Reading]:
        """By response, what the last person said."""
        return {one.response_id: one for one in self.readings if one.reader.startswith("person:") and not one.problem}

    def of(self, reader: str) -> dict[str, Reading]:
        """By response, what that judge said."""
        return {one.response_id: one for one in self.readings if one.reader == reader}


@dataclass(frozen=True, slots=True)
class Group:
    """Responses with the same words to the same question: they are asked about once. again: see Wanted."""

    case: Case
    responses: tuple[str, ...]
    subject: str
    again: bool = False


@dataclass(frozen=True, slots=True)
class JudgePlan:
    """What asking one judge would do. read: responses it has read already; before: those it was asked about in vain.

    cost_usd: None where the price is not known. blocked: the first sentence that keeps it from starting, or "".
    """

    judge: Judge
    wanted: Wanted
    groups: tuple[Group, ...]
    read: int
    before: int
    tokens: int
    cost_usd: float | None
    warnings: tuple[str, ...]
    blocked: str = ""

    @property
    def responses(self) -> int:
        return sum(len(group.responses) for group in self.groups)


def material_of(store: Store) -> Material:
    """The material as it is now."""
    able = tuple(one for one in store.responses() if judgeable(one))
    return Material(able, tuple(store.readings()))


def judgeable(response: Response) -> bool:
    """Whether there are words of a model to read."""
    return response.outcome == "ok" and not response.rater and bool(response.text.strip())


def takes_batches(judge: Judge) -> bool:
    """Whether its vendor takes batches."""
    return judge.provider in BATCHED


def plan_judging(store: Store, runs: Runs, judge: Judge, wanted: Wanted, material: Material | None = None) -> JudgePlan:
    """The plan, without asking anybody. material: as it is now, None = read it from the store."""
    known = material or material_of(store)
    own = known.of(judge.reader)
    chosen = _chosen(known, wanted)
    stands = {one.id for one in chosen if _stands(own.get(one.id), one)}
    vain = {one.id for one in chosen if one.id in own and own[one.id].problem and one.id not in stands}
    left = [one for one in chosen if one.id not in stands and (wanted.again or one.id not in vain)]
    groups = tuple(_groups(left, vain if wanted.again else ()))
    usages = [_usage(group.case) for group in groups]
    batch = wanted.batch and takes_batches(judge)
    prices = prices_of(store.workspace)
    costs = [cost_usd(usage, judge.model, batch, prices) for usage in usages]
    return JudgePlan(
        judge, wanted, groups, len(stands), len(vain), sum(one.input_tokens + one.output_tokens for one in usages),
        None if None in costs else sum(filter(None, costs)), tuple(_warnings(store, judge, left)),
        key_problem(endpoint_of(judge)) or _running(runs, judge),
    )  # fmt: skip


def _chosen(known: Material, wanted: Wanted) -> Sequence[Response]:
    if wanted.which == "unparsed":
        return [one for one in known.responses if one.answer.label == "unparsed"]
    if wanted.which == "labelled":
        people = known.people
        return [one for one in known.responses if one.id in people]
    if wanted.which == "audit":
        ids = set(sample(candidates(known.responses), min(wanted.audit, MOST_AUDITED), wanted.seed))
        return [one for one in known.responses if one.id in ids]
    return known.responses


def _stands(reading: Reading | None, response: Response) -> bool:
    """Whether that is a word about this very text: a response that was asked for again may say something else."""
    return reading is not None and not reading.problem and reading.answer.quote in response.text


def _groups(responses: Iterable[Response], again: Collection[str]) -> Iterable[Group]:
    cases: dict[Case, list[Response]] = defaultdict(list)
    for one in responses:
        cases[case_of(one)].append(one)
    for case, members in cases.items():
        ids = tuple(one.id for one in members)
        subject = " ".join(case.text.split())[:80]
        # Where the same words were read well for another response, that reply is on the shelf and serves here too.
        yield Group(case, ids, subject, all(one in again for one in ids))


def _usage(case: Case) -> Usage:
    prompt = prompt_of(case)
    return Usage((len(prompt.system) + len(prompt.text)) // LETTERS_A_TOKEN, ANSWER_TOKENS)


def _warnings(store: Store, judge: Judge, asked: Sequence[Response]) -> Iterable[str]:
    own = family_of(judge.model, judge.provider if judge.provider != "compatible" else "")
    models = {one.name: f"{one.model} {one.backend}" for one in (*PRESETS, *listeners(store).values())}
    names = {one.listener for one in asked} if own else ()
    same = sorted(name for name in names if family_of(models.get(name, ""), name) == own)
    if same:
        yield (
            f"{', '.join(same)} and this judge are of one family ({own}). Models tend to favour their own kind: let a "
            "judge of another family read them too, or people."
        )


def _running(runs: Runs, judge: Judge) -> str:
    return runs.going_on(KINDS, lambda settings: settings.get("judge_key") == judge.key)


def start_judging(store: Store, runs: Runs, plan: JudgePlan, actor: str) -> Run:
    """The run. BadRequest, with nothing started, when something stands in the way or nothing is left to read."""
    if plan.blocked:
        raise BadRequest(plan.blocked)
    if not plan.groups:
        raise BadRequest("There is nothing to judge: all of these responses have been read, or none is there.")
    judge = plan.judge
    name = {"name": judge.model, "provider": judge.provider, "model": judge.model, "prompt": PROMPT}
    store.define("judge", judge.key, {**name, "settings": to_json(judge)}, actor)
    settings = {
        "judge": to_json(judge), "judge_key": judge.key, "which": plan.wanted.which, "again": plan.wanted.again,
        "warnings": list(plan.warnings), "estimate": {"requests": len(plan.groups), "cost_usd": plan.cost_usd},
    }  # fmt: skip
    common = {"judge": to_json(judge), "judge_key": judge.key, "by": actor}
    title = f"Judge {plan.responses} {'response' if plan.responses == 1 else 'responses'}: {judge.model}"
    rows = [_row(judge, group) for group in plan.groups]
    if plan.wanted.batch and takes_batches(judge):
        lines = judge_batch.lines(common, rows)
        return runs.start(
            judge_batch.kind, f"{title}, in batches", settings, lines, actor, workers=judge_batch.WAITS,
            limit_s=judge_batch.LIMIT_S,
        )  # fmt: skip
    single_lines = [{**common, **row} for row in rows]
    return runs.start(single.kind, title, settings, single_lines, actor, workers=judge.at_once, limit_s=single.LIMIT_S)


def _row(judge: Judge, group: Group) -> dict[str, Any]:
    sent = question_of(judge, group.case).sent_sha256(judge.provider)
    return {
        "key": sent[:32], "subject": group.subject, "ask": asdict(group.case), "responses": list(group.responses),
        "again": group.again,
    }  # fmt: skip


def candidates(responses: Iterable[Response], without: Mapping[str, Any] | None = None) -> list[Candidate]:
    """Responses as candidates for a person or an audit, by listener and by what the rules say."""
    left_out = without or {}
    return [
        Candidate(one.id, (one.listener_key, one.item.task, one.answer.label))
        for one in responses if one.id not in left_out
    ]  # fmt: skip


def cases_of(material: Material, reader: str) -> list[Labelled]:
    """The responses that people have read, with the rules' and the judge's word."""
    people, judged = material.people, material.of(reader) if reader else {}
    return [_case(one, people[one.id], judged.get(one.id)) for one in material.responses if one.id in people]


def _case(response: Response, person: Reading, judged: Reading | None) -> Labelled:
    said, rules = person.answer.label, response.answer.label
    if judged is None or judged.problem:
        problem = judged.problem if judged else ""
        return Labelled(response.id, response.listener, response.item.task, said, rules, problem=problem)
    answer = judged.answer
    return Labelled(
        response.id, response.listener, response.item.task, said, rules, answer.label, answer.confidence
    )  # fmt: skip
