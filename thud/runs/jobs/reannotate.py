"""Reannotate: asks one model whether a described segment is right. The reply is on the shelf before it is read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from thud.events.annotators import endpoint_of, parse_annotator
from thud.pairs.material import segment_from_json
from thud.pairs.reannotate import Said, question_of, read
from thud.pairs.segment_words import KIND, name_of, word_from_json, word_json
from thud.records import Reply, clip_from_json, reply_from_json
from thud.runs.annotating.answers import cost_of, odd_words, prices_of
from thud.runs.asking import asker, shelf_of
from thud.runs.follow import now
from thud.runs.job import CannotGoOn

if TYPE_CHECKING:
    from thud.store import Store

kind = "reannotate"
LIMIT_S = 3600.0
SAYS = ("agree", "correct", "reject")


def work(item: dict[str, Any], workspace: Path) -> dict[str, Any]:
    """The model's word about the segment of one line of the plan.

    Raises RefusedClip, and CannotGoOn for a bad key and a model out of reach.
    """
    clip, annotator = clip_from_json(item["clip"]), parse_annotator(item["annotator"])
    segment, endpoint = segment_from_json(item["segment"]), endpoint_of(annotator)
    reply = asker(endpoint, item, workspace)(question_of(annotator, clip, segment))
    if reply.outcome == "error" and shelf_of(endpoint, workspace).get(reply.sent_sha256) is None:
        raise CannotGoOn(
            f"{annotator.name} does not answer. {reply.problem} What was answered is kept; resume to go on."
        )
    return _result(item, read(annotator, clip, segment, reply, now()), reply)


def _result(item: dict[str, Any], said: Said, reply: Reply) -> dict[str, Any]:
    return {
        "segment": segment_from_json(item["segment"]).id, "word": word_json(said.word) if said.word else None,
        "outcome": said.outcome, "replies": [asdict(reply)], "tally": {said.outcome: 1},
        "problems": [] if said.word else [[item["subject"], said.problem]],
    }  # fmt: skip


def ingest(store: Store, item: dict[str, Any], result: dict[str, Any]) -> None:
    """Takes the reply and the word into the store, both or none; again changes nothing."""
    from thud.store import changes

    actor, name, prices = item["by"], item["annotator"]["name"], prices_of(store.workspace)
    clip_id = clip_from_json(item["clip"]).id
    new = []
    for kept in result["replies"]:
        reply = reply_from_json(kept)
        cost = cost_of(reply, False, prices)
        new.append(changes.add_reply(clip_id, f"{name}, segments", item["run"], reply, cost, actor))
    if result["word"] is not None:
        word = word_from_json(result["segment"], result["word"])
        if store.definitions(KIND).get(name_of(word)) != word_json(word):
            new.append(changes.define(KIND, name_of(word), word_json(word), actor))
    store.write_many(new)


def words(folder: Path, tally: Mapping[str, int]) -> str:
    """ "40 looked at: 31 agreed, 7 corrected, 2 rejected; 3 not: 3 refused." """
    agreed, mended, rejected = (tally.get(name, 0) for name in SAYS)
    odd = {name: count for name, count in tally.items() if name not in SAYS and count}
    if not (agreed + mended + rejected or odd):
        return ""
    first = f"{agreed + mended + rejected} looked at: {agreed} agreed, {mended} corrected, {rejected} rejected"
    return f"{first}; {sum(odd.values())} not: {odd_words(odd)}." if odd else f"{first}."
