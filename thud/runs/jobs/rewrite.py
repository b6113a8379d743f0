"""Rewrite: asks a model to put answers of pairs into other words, and takes those that still say the same."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from thud.pairs.faithful import check
from thud.pairs.rewrite import Piece, Wording, piece_from_json, read_texts
from thud.records import Reply, Run, reply_from_json
from thud.runs.annotating.answers import cost_of, prices_of
from thud.runs.asking import asker, shelf_of
from thud.runs.job import CannotGoOn
from thud.runs.listening.gate import check_model
from thud.runs.listening.judges import endpoint_of, parse_judge
from thud.runs.pairs import rewritten

if TYPE_CHECKING:
    from thud.store import Store

kind = "rewrite"
LIMIT_S = 3600.0
UNREADABLE = "The reply is not one JSON object in the form that was asked for."


def work(item: dict[str, Any], workspace: Path) -> dict[str, Any]:
    """New wordings for the answers of one line of the plan, each checked against the old one.

    Raises CannotGoOn for a bad key, a model out of reach, and a server that becomes another model.
    """
    judge = parse_judge(item["judge"])
    pieces = tuple(piece_from_json(one) for one in item["pieces"])
    endpoint = endpoint_of(judge)
    reply = asker(endpoint, item, workspace)(rewritten.question_of(judge, pieces))
    if reply.outcome == "error" and shelf_of(endpoint, workspace).get(reply.sent_sha256) is None:
        raise CannotGoOn(f"{judge.model} does not answer. {reply.problem} The set stays as it is; resume to go on.")
    check_model([reply], workspace / "runs" / item["run"])
    return _result(item["subject"], pieces, reply)


def _result(subject: str, pieces: Sequence[Piece], reply: Reply) -> dict[str, Any]:
    problem, wordings = _wordings(pieces, reply)
    rows = [{"id": one.id, **asdict(wording)} for one, wording in zip(pieces, wordings, strict=True)]
    return {
        "texts": rows, "replies": [asdict(reply)], "tally": dict(Counter(_fate(one) for one in wordings)),
        "problems": [[subject, problem]] if problem else [],
    }  # fmt: skip


def _wordings(pieces: Sequence[Piece], reply: Reply) -> tuple[str, list[Wording]]:
    """(what is wrong with the reply as a whole, what became of each piece)."""
    found = read_texts(reply.text, len(pieces)) if reply.outcome == "ok" else None
    if found is None:
        problem = UNREADABLE if reply.outcome == "ok" else reply.problem or f"The answer was {reply.outcome}."
        return problem, [Wording("", problem)] * len(pieces)
    return "", [check(piece, found.get(n, "")) for n, piece in enumerate(pieces, 1)]


def _fate(wording: Wording) -> str:
    return "reworded" if wording.text else "kept"


def ingest(store: Store, item: dict[str, Any], result: dict[str, Any]) -> None:
    """Takes the reply into the store; the wordings wait in the run's folder until all are there."""
    from thud.store import changes

    prices, new = prices_of(store.workspace), []
    for kept in result["replies"]:
        reply = reply_from_json(kept)
        name, cost = f"rewriter {item['judge']['model']}", cost_of(reply, False, prices)
        added = changes.add_reply("a rewriter's", name, item["run"], reply, cost, item["by"])
        new.append(replace(added, clip_id=""))  # it is about words, not about a clip
    store.write_many(new)


def conclude(store: Store, run: Run) -> None:
    """The new set, once every answer has been asked about."""
    if run.done == run.total:
        rewritten.make_set(store, run)


def words(folder: Path, tally: Mapping[str, int]) -> str:
    """How many answers have new words."""
    reworded, kept = tally.get("reworded", 0), tally.get("kept", 0)
    if not reworded and not kept:
        return ""
    return f"{reworded} answers in new words" + (f", {kept} stay as they were." if kept else ".")
