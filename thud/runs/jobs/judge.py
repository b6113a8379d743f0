"""Judge: asks one judge about one text. The reply is on the shelf before it is read, so nothing is asked twice."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from thud.evaluation.judge import case_from_json
from thud.runs.asking import asker, shelf_of
from thud.runs.job import CannotGoOn
from thud.runs.listening import verdicts
from thud.runs.listening.gate import check_model
from thud.runs.listening.judges import endpoint_of, parse_judge, question_of

if TYPE_CHECKING:
    from thud.store import Store

kind = "judge"
LIMIT_S = 3600.0


def work(item: dict[str, Any], workspace: Path) -> dict[str, Any]:
    """The judge's word about the text of one line of the plan.

    Raises CannotGoOn for a bad key, a judge out of reach, and a server that becomes another model.
    """
    judge, case = parse_judge(item["judge"]), case_from_json(item["ask"])
    endpoint = endpoint_of(judge)
    reply = asker(endpoint, item, workspace)(question_of(judge, case))
    if reply.outcome == "error" and shelf_of(endpoint, workspace).get(reply.sent_sha256) is None:
        raise CannotGoOn(f"The judge does not answer. {reply.problem} The responses stay as they are; resume to go on.")
    check_model([reply], workspace / "runs" / item["run"])
    return verdicts.result([verdicts.Heard(case, item["responses"], item["subject"], reply)])


def ingest(store: Store, item: dict[str, Any], result: dict[str, Any]) -> None:
    """Takes reply and readings into the store; again changes nothing."""
    verdicts.take_in(store, item, result, batch=False)


def words(folder: Path, tally: Mapping[str, int]) -> str:
    """How many responses were read, and what became of the others."""
    return verdicts.tally_words(tally)
