"""What became of asking an annotator about a clip, as a run's result holds it, and on its way into the store."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from thud.events.annotators import Outcome
from thud.providers.prices import SHIPPED, Prices, cost_usd, read_prices
from thud.records import Clip, Mark, Reply, content_id, reply_from_json

if TYPE_CHECKING:
    from thud.store import Store

PLACED = ("placed", "no_sound")
WORDS = {
    "uncertain": "not sure",
    "refused": "refused",
    "truncated": "cut off",
    "rejected": "not taken by the vendor",
    "error": "failed",
    "in_doubt": "in doubt",
    "out_of_clip": "outside the clip",
    "bad_unit": "outside the units",
    "unparsed": "not readable",
    "no_audio_read": "answered without the sound",
}


def answer(item: dict[str, Any], clip: Clip, outcome: Outcome) -> dict[str, Any]:
    """One clip's answer, as JSON can hold it. The mark gets the id of its save, so that it comes in once."""
    mark = outcome.mark
    if mark is not None:
        save_id = mark.save_id or content_id(item["run"], item["key"], clip.id)
        mark = replace(mark, save_id=save_id, seq=int(time.time() * 1000))
    return {
        "clip": clip.id,
        "outcome": outcome.outcome,
        "problem": outcome.problem,
        "replies": [asdict(reply) for reply in outcome.replies],
        "mark": asdict(mark) if mark is not None else None,
    }


def result(clips: Sequence[Clip], answers: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The result of an item: its answers, how many of each kind, and a sentence for each that is no mark."""
    titles = {clip.id: clip.title or clip.id for clip in clips}
    odd = [row for row in answers if row["outcome"] not in PLACED]
    return {
        "answers": list(answers),
        "tally": dict(Counter(row["outcome"] for row in answers)),
        "problems": [[titles[row["clip"]], _why(row)] for row in odd],
    }


def _why(row: dict[str, Any]) -> str:
    said = (row["mark"] or {}).get("detail", {}).get("sentence", "")
    return str(row["problem"]) or f"The model is not sure. {said}".strip()


def take_in(store: Store, item: dict[str, Any], answers: Sequence[dict[str, Any]], batch: bool) -> None:
    """Stores the replies and then the marks, all or none; the same answers again change nothing."""
    from thud.store import changes

    actor, name = item.get("by", "thud"), item["annotator"]["name"]
    prices = prices_of(store.workspace)
    new = []
    for row in answers:
        for kept in row["replies"]:
            reply = reply_from_json(kept)
            cost = cost_of(reply, batch, prices)
            new.append(changes.add_reply(row["clip"], name, item["run"], reply, cost, actor))
        if row["mark"] is not None:
            new.append(changes.submit_mark(Mark(**row["mark"]), actor))
    store.write_many(new)


def cost_of(reply: Reply, batch: bool, prices: Prices) -> float | None:
    """US dollars; None when the price is not known, or whether it was billed at all."""
    return None if reply.outcome == "in_doubt" else cost_usd(reply, batch=batch, prices=prices)


def prices_of(workspace: Path) -> Prices:
    """The workspace's own prices.json, else the one that comes with thud. BadRequest when it cannot be read."""
    own = workspace / "prices.json"
    return read_prices(own if own.exists() else SHIPPED)


def tally_words(tally: Mapping[str, int]) -> str:
    """ "187 placed, 13 not: 6 refused, 4 not sure, 3 in doubt." """
    placed = sum(tally.get(name, 0) for name in PLACED)
    odd = {name: count for name, count in tally.items() if name not in PLACED and count}
    if not placed and not odd:
        return ""
    if not odd:
        return f"{placed} placed."
    return f"{placed} placed, {sum(odd.values())} not: {odd_words(odd)}."


def odd_words(odd: Mapping[str, int]) -> str:
    """ "6 refused, 3 in doubt": what gave no mark, the most frequent first."""
    ordered = sorted(odd.items(), key=lambda pair: (-pair[1], pair[0]))
    return ", ".join(f"{count} {WORDS.get(name, name)}" for name, count in ordered)
