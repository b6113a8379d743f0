"""What became of asking a listener about items, as a run's result holds it, and on its way into the store."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

from thud.evaluation.answers import RULES_VERSION, read_answer
from thud.evaluation.paper_parser import paper_answer
from thud.records import Answer, Clip, Item, Response, reply_from_json, response_from_json
from thud.runs.annotating.answers import cost_of, odd_words, prices_of

if TYPE_CHECKING:
    from thud.listeners.asking import Heard
    from thud.store import Store

CHUNK = 1000
WORDS = {"ok": "answered", "empty": "empty", "no_audio": "without hearing the sound"}


def response_to(item: Item, heard: Heard, clip: Clip, listener: str, listener_key: str, run_id: str) -> Response:
    """What was heard as a record, with the answer that the rules read in it."""
    return Response(
        listener=listener,
        listener_key=listener_key,
        run_id=run_id,
        item=item,
        source=clip.source or clip.id,
        kind=clip.kind,
        outcome=heard.outcome,
        text=heard.text,
        answer=_read(item, heard.text) if heard.outcome == "ok" else Answer(_unanswered(heard.outcome)),
        problem=heard.problem,
        paper_label=paper_answer(item.task, heard.text).label if item.task != "choice" else "",
        reply_id=heard.replies[-1].id if heard.replies else "",
        latency_s=heard.latency_s,
        rules=RULES_VERSION,
    )


def _read(item: Item, text: str) -> Answer:
    return read_answer(item.task, text, item.options, item.text)


def _unanswered(outcome: str) -> str:
    return {"refused": "refused", "empty": "unparsed"}.get(outcome, "error")


def result(titles: Mapping[str, str], pairs: Sequence[tuple[Response, Heard]]) -> dict[str, Any]:
    """The result of a plan's item: responses and replies, how many of each outcome, a sentence for each without one."""
    return {
        "responses": [asdict(response) for response, _ in pairs],
        "replies": [[response.item.clip_id, asdict(reply)] for response, heard in pairs for reply in heard.replies],
        "tally": dict(Counter(response.outcome for response, _ in pairs)),
        "problems": [
            [
                titles.get(response.item.clip_id, response.item.clip_id),
                response.problem or f"It was {response.outcome}.",
            ]
            for response, _ in pairs
            if response.outcome != "ok"
        ],
    }


def take_in(store: Store, item: dict[str, Any], result: dict[str, Any]) -> None:
    """Stores replies, then responses, all or none; the same result again changes nothing."""
    from thud.store import changes

    actor, name = item.get("by", "thud"), item["listener"]["name"]
    prices = prices_of(store.workspace)
    new = []
    for clip_id, kept in result["replies"]:
        reply = reply_from_json(kept)
        added = changes.add_reply(clip_id, name, item["run"], reply, cost_of(reply, False, prices), actor)
        new.append(replace(added, clip_id=""))  # a benchmark's video is no clip of this workspace
    new += [changes.add_response(response_from_json(row), actor) for row in result["responses"]]
    store.write_many(new)


def reread(store: Store, actor: str, told: Callable[[int], None] = lambda read: None) -> tuple[int, int]:
    """(how many responses were read anew by today's rules, how many answers changed). What was said stays as it is.

    told: hears how many were read so far. Judges' and people's readings are not touched.
    """
    from thud.store import changes

    read = changed = 0
    while older := store.read_by_older(RULES_VERSION, CHUNK):
        new = [_reread(response) for response in older]
        store.write_many([changes.add_response(response, actor) for response in new])
        read += len(new)
        changed += sum(a.answer.label != b.answer.label for a, b in zip(older, new, strict=True))
        told(read)
    return read, changed


def _reread(response: Response) -> Response:
    item = response.item
    answer = _read(item, response.text) if response.outcome == "ok" else response.answer
    paper = paper_answer(item.task, response.text).label if item.task != "choice" else ""
    return replace(response, answer=answer, paper_label=paper, rules=RULES_VERSION)


def tally_words(tally: Mapping[str, int]) -> str:
    """ "487 answered, 13 not: 6 refused, 4 in doubt, 3 failed." """
    answered = tally.get("ok", 0)
    odd = {WORDS.get(name, name): count for name, count in tally.items() if name != "ok" and count}
    if not answered and not odd:
        return ""
    return f"{answered} answered, {sum(odd.values())} not: {odd_words(odd)}." if odd else f"{answered} answered."
