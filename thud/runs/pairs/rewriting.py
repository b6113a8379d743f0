"""Rewriting a set of pairs: which answers are sent, what that will cost, what stands in the way, and starting it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from thud.errors import BadRequest
from thud.listeners.estimate import LETTERS_A_TOKEN
from thud.pairs.pair import Pair
from thud.pairs.rewrite import Piece, piece_json, pieces_of, prompt_of, requests_of
from thud.providers import cost_usd, key_problem
from thud.records import Run, Usage
from thud.runs.annotating.answers import prices_of
from thud.runs.jobs import rewrite
from thud.runs.listening.judges import Judge, endpoint_of, parse_judge, to_json
from thud.runs.pairs.rewritten import question_of, rewriter_key, source_pairs

if TYPE_CHECKING:
    from thud.runs.run import Runs
    from thud.store import Store

MAX_TOKENS = 8192
TOKENS_AROUND = 12
"""What JSON adds to each answer."""


@dataclass(frozen=True, slots=True)
class RewritePlan:
    """What asking for new words would do. pairs: of the set; as_is: those whose answers have a form of their own.

    cost_usd: None where the price is not known. blocked: the first sentence that keeps it from starting, or "".
    """

    judge: Judge
    set_id: str
    title: str
    requests: tuple[tuple[Piece, ...], ...]
    pairs: int
    as_is: int
    tokens: int
    cost_usd: float | None
    blocked: str = ""

    @property
    def texts(self) -> int:
        return sum(len(pieces) for pieces in self.requests)


def parse_rewriter(row: Mapping[str, Any]) -> Judge:
    """Who is asked, by default Claude. BadRequest names the field that is wrong."""
    return parse_judge({"provider": "anthropic", "max_tokens": MAX_TOKENS, **row})


def plan_rewriting(store: Store, runs: Runs, judge: Judge, set_id: str) -> RewritePlan:
    """The plan, without asking anybody. NotFound for a set that is not there."""
    title, pairs = source_pairs(store, set_id)
    requests = tuple(requests_of(pairs))
    usages = [_usage(pieces) for pieces in requests]
    prices = prices_of(store.workspace)
    costs = [cost_usd(usage, judge.model, False, prices) for usage in usages]
    return RewritePlan(
        judge, set_id, title, requests, len(pairs), _as_is(pairs),
        sum(one.input_tokens + one.output_tokens for one in usages),
        None if None in costs else sum(filter(None, costs)),
        key_problem(endpoint_of(judge))
        or runs.going_on((rewrite.kind,), lambda settings: settings.get("set") == set_id),
    )  # fmt: skip


def _as_is(pairs: Iterable[Pair]) -> int:
    return sum(not pieces_of(pair) for pair in pairs)


def _usage(pieces: Sequence[Piece]) -> Usage:
    prompt = prompt_of(pieces)
    answer = sum(len(piece.text) // LETTERS_A_TOKEN + TOKENS_AROUND for piece in pieces)
    return Usage((len(prompt.system) + len(prompt.text)) // LETTERS_A_TOKEN, answer)


def start_rewriting(store: Store, runs: Runs, plan: RewritePlan, actor: str) -> Run:
    """The run; the new set is there when it has ended. BadRequest, with nothing started, when it cannot start."""
    if plan.blocked:
        raise BadRequest(plan.blocked)
    if not plan.requests:
        raise BadRequest("There is nothing to rewrite: every answer of this set has a form of its own, or it is empty.")
    judge = plan.judge
    settings = {
        "judge": to_json(judge), "rewriter": rewriter_key(judge), "set": plan.set_id, "model": judge.model,
        "estimate": {"requests": len(plan.requests), "cost_usd": plan.cost_usd},
    }  # fmt: skip
    common = {"judge": to_json(judge), "by": actor}
    items = [{**common, **_row(judge, pieces, number)} for number, pieces in enumerate(plan.requests, 1)]
    title = f"Reword {plan.texts} answers of “{plan.title}”: {judge.model}"
    return runs.start(rewrite.kind, title, settings, items, actor, workers=judge.at_once, limit_s=rewrite.LIMIT_S)


def _row(judge: Judge, pieces: Sequence[Piece], number: int) -> dict[str, Any]:
    sent = question_of(judge, pieces).sent_sha256(judge.provider)
    return {"key": sent[:32], "subject": f"request {number}", "pieces": [piece_json(piece) for piece in pieces]}


def plan_row(plan: RewritePlan) -> dict[str, Any]:
    """The plan as JSON: what a page or a shell says before anything is asked."""
    counts = {"texts": plan.texts, "requests": len(plan.requests)}
    known = asdict(plan)
    return {name: known[name] for name in ("set_id", "title", "pairs", "as_is", "tokens", "cost_usd", "blocked")} | {
        "model": plan.judge.model, **counts,
    }  # fmt: skip
