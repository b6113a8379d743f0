"""Annotate: asks one annotator for the event times of one clip at a time.

A reply is on the shelf before anybody reads it, so a run that was killed asks nothing twice when it goes on.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from thud.errors import BadRequest
from thud.events.annotators import ask_clip, endpoint_of, parse_annotator
from thud.providers import Question
from thud.records import Reply, Run, clip_from_json
from thud.runs.annotating import answers
from thud.runs.asking import asker

if TYPE_CHECKING:
    from thud.store import Store

kind = "annotate"
LIMIT_S = 3600.0


def work(item: dict[str, Any], workspace: Path) -> dict[str, Any]:
    """Asks about one clip; whatever is answered is a result. Raises RefusedClip, and CannotGoOn for a bad key."""
    clip, annotator = clip_from_json(item["clip"]), parse_annotator(item["annotator"])
    ask = nobody if annotator.local else asker(endpoint_of(annotator), item, workspace)
    outcome = ask_clip(annotator, clip, clip.path, ask)
    return answers.result([clip], [answers.answer(item, clip, outcome)])


def nobody(question: Question) -> Reply:
    """For an annotator that measures on this machine."""
    raise BadRequest("Nobody is asked by an annotator that measures on this machine.")


def ingest(store: Store, item: dict[str, Any], result: dict[str, Any]) -> None:
    """Takes what was replied into the store, and the mark if it gave one; the same result again changes nothing."""
    answers.take_in(store, item, result["answers"], batch=False)


def words(folder: Path, tally: Mapping[str, int]) -> str:
    """How many clips got a mark, and what became of the others."""
    return answers.tally_words(tally)


def conclude(store: Store, run: Run) -> None:
    """What the marks agree on is settled anew."""
    from thud.events.settings import read_settings
    from thud.events.settle import settle

    settle(store, read_settings(store.settings()), "thud")
