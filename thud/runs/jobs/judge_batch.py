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
from thud.runs import verdicts
from thud.runs.asking import shelf_of
from thud.runs.job import CannotGoOn
from thud.runs.jobs.annotate_batch import LIMIT_S as LIMIT_S
from thud.runs.jobs.annotate_batch import _Note, _replies
from thud.runs.judges import endpoint_of, parse_judge, question_of

if TYPE_CHECKING:
    from thud.store import Store

kind = "judge_batch"
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
    endpoint = endpoint_of(judge)
    note = _Note(workspace / "runs" / item["run"] / "batches" / f"{item['key']}.json")
    asked = [(row["key"], question_of(judge, case_from_json(row["ask"]))) for row in item["cases"]]
    try:
        replies = _replies(asked, endpoint, shelf_of(endpoint, workspace), item, note)
    except (BadRequest, MissingPart) as error:
        raise CannotGoOn(str(error)) from error
    return verdicts.result(
        [
            verdicts.Heard(case_from_json(row["ask"]), row["responses"], row["subject"], replies[row["key"]])
            for row in item["cases"] if row["key"] in replies
        ]
    )  # fmt: skip


def ingest(store: Store, item: dict[str, Any], result: dict[str, Any]) -> None:
    """As for single texts, at the batch's price."""
    verdicts.take_in(store, item, result, batch=True)


def words(folder: Path, tally: Mapping[str, int]) -> str:
    """What was read so far, and that the vendor is at work on the rest."""
    notes = [_Note(path).read() for path in sorted((folder / "batches").glob("*.json"))]
    waiting = [row for row in notes if "batch" in row]
    said = verdicts.tally_words(tally)
    if not waiting:
        return said
    done, total = (sum(int(row[key]) for row in waiting) for key in ("done", "total"))
    return f"{said} Waiting for the vendor's batch: {done} of {total} answered.".strip()
