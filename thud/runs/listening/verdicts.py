"""What became of asking a judge, as a run's result holds it, and on its way into the store."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from thud.errors import NotFound
from thud.evaluation.judge import Case, Verdict, read_verdict
from thud.records import Answer, Reading, Reply, reply_from_json
from thud.runs.annotating.answers import cost_of, odd_words, prices_of

if TYPE_CHECKING:
    from thud.store import Store

READ = ("read", "unparsed")


@dataclass(frozen=True, slots=True)
class Heard:
    """A case, the responses that it stands for, and what came back. final: false where it is to be asked anew."""

    case: Case
    responses: Sequence[str]
    subject: str
    reply: Reply
    final: bool = True


def verdict_of(reply: Reply, case: Case) -> Verdict:
    """The judge's word; what is no whole answer is a problem and never a label."""
    if reply.outcome == "ok":
        return read_verdict(reply.text, case)
    return Verdict(Answer("unparsed", method="judge"), reply.problem or f"The judge's answer was {reply.outcome}.")


def result(heard: Sequence[Heard]) -> dict[str, Any]:
    """The result of a plan's item: readings and replies, how many of each kind, a sentence for each rejected one."""
    tally: Counter[str] = Counter()
    rows, problems = [], []
    for one in heard:
        verdict = verdict_of(one.reply, one.case)
        kind = one.reply.outcome if one.reply.outcome != "ok" else "unfounded" if verdict.problem else "read"
        tally["unparsed" if kind == "read" and verdict.answer.label == "unparsed" else kind] += len(one.responses)
        if one.final:
            about = {"responses": list(one.responses), "text": one.case.text, "problem": verdict.problem}
            rows.append({**about, "answer": asdict(verdict.answer)})
        if verdict.problem:
            problems.append([one.subject, verdict.problem])
    replies = [asdict(one.reply) for one in heard]
    return {"readings": rows, "replies": replies, "tally": dict(tally), "problems": problems}


def take_in(store: Store, item: dict[str, Any], result: dict[str, Any], batch: bool) -> None:
    """Stores replies, then readings, all or none; the same result again changes nothing.

    A response that says something else by now, or is gone, gets no reading.
    """
    from thud.store import changes

    actor, reader, name = item["by"], f"judge:{item['judge_key']}", item["judge"]["model"]
    prices = prices_of(store.workspace)
    new = []
    for kept in result["replies"]:
        reply = reply_from_json(kept)
        added = changes.add_reply(
            "a judge's", f"judge {name}", item["run"], reply, cost_of(reply, batch, prices), actor
        )
        new.append(replace(added, clip_id=""))  # it is about words, not about a clip
    for row in result["readings"]:
        answer = Answer(**row["answer"])
        same = [response_id for response_id in row["responses"] if _says(store, response_id) == row["text"]]
        new += [changes.add_reading(Reading(one, reader, answer, row["problem"]), actor) for one in same]
    store.write_many(new)


def _says(store: Store, response_id: str) -> str | None:
    try:
        return store.response(response_id).text
    except NotFound:
        return None


def tally_words(tally: Mapping[str, int]) -> str:
    """ "180 read, 12 of them left open; 4 not: 3 unfounded, 1 in doubt." """
    read, left_open = sum(tally.get(name, 0) for name in READ), tally.get("unparsed", 0)
    odd = {name: count for name, count in tally.items() if name not in READ and count}
    if not read and not odd:
        return ""
    first = f"{read} read" + (f", {left_open} of them left open" if left_open else "")
    return f"{first}; {sum(odd.values())} not: {odd_words(odd)}." if odd else f"{first}."
