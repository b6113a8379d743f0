"""Judge in batches: hands the vendor many texts at once and waits for hours if need be.

The batch is the vendor's: stopping the run leaves it at work there, and a resumed run finds it by its name.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from thud.errors import BadRequest, MissingPart
from thud.evaluation.judge import case_from_json
from thud.records import content_id
from thud.runs.asking import shelf_of
from thud.runs.batch import note_of, replies_of, waiting_words
from thud.runs.job import CannotGoOn
from thud.runs.listening import verdicts
from thud.runs.listening.gate import check_model
from thud.runs.listening.judges import endpoint_of, parse_judge, question_of

if TYPE_CHECKING:
    from thud.store import Store

kind = "judge_batch"
LIMIT_S = 0.0
"""A vendor may take a day, and a stop reaches a waiting worker all the same."""

MOST_TEXTS, WAITS = 2000, 8


def lines(common: dict[str, Any], rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The lines of a plan: so many texts in each as one batch takes. What is asked again goes apart."""
    found = []
    for again in (False, True):
        some = [row for row in rows if row["again"] is again]
        for at in range(0, len(some), MOST_TEXTS):
            part = some[at : at + MOST_TEXTS]
            about = {"key": content_id([row["key"] for row in part], again), "again": again}
            found.append({**common, **about, "subject": f"{len(part)} texts", "cases": part})
    return found


def work(item: dict[str, Any], workspace: Path) -> dict[str, Any]:
    """Hands over, waits and reads. Raises CannotGoOn for a bad key, RunFailed when the vendor failed the batch."""
    judge = parse_judge(item["judge"])
    endpoint, shelf = endpoint_of(judge), shelf_of(endpoint_of(judge), workspace)
    asked = [(row["key"], question_of(judge, case_from_json(row["ask"]))) for row in item["cases"]]
    try:
        replies = replies_of(asked, endpoint, shelf, item, note_of(item, workspace))
    except (BadRequest, MissingPart) as error:
        raise CannotGoOn(str(error)) from error
    check_model(replies.values(), workspace / "runs" / item["run"])
    heard = []
    for row in item["cases"]:
        reply = replies[row["key"]]
        final = reply.outcome != "error"
        if final:
            shelf.put(reply.sent_sha256, reply)
        heard.append(verdicts.Heard(case_from_json(row["ask"]), row["responses"], row["subject"], reply, final))
    return verdicts.result(heard)


def ingest(store: Store, item: dict[str, Any], result: dict[str, Any]) -> None:
    """As for single texts, at the batch's price."""
    verdicts.take_in(store, item, result, batch=True)


def words(folder: Path, tally: Mapping[str, int]) -> str:
    """What was read so far, and that the vendor is at work on the rest."""
    return f"{verdicts.tally_words(tally)} {waiting_words(folder)}".strip()
