"""Before and after, on the same held-out items: the card of a run, and the same as CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from thud.listeners.roster import TINY

if TYPE_CHECKING:
    from thud.runs.training.measuring import Measured
    from ui.house import House

Json = dict[str, Any]
CAVEAT = (
    "the clips are synthetic beeps and flashes, made by the program that made those it was trained on, with another "
    "seed; the model has 1.5 million parameters and was pre-trained on the same kind of clips. It shows that the whole "
    "path works. It says nothing about real video, or about large models."
)
ITEMS: Mapping[str, str] = {
    "synced": "task=sync&condition=original", "early": "task=sync&condition=early",
    "delayed": "task=sync&condition=delayed", "muted": "condition=muted",
}  # fmt: skip
HEAD = ("figure", "of", "class", "value", "low", "high", "n", "p", "holm_p", "words")


def card_json(house: House, run_id: str) -> Json:
    """Everything the card shows: who was asked, what came of it, what is missing, what it does not prove."""
    from thud.evaluation.before_after import before_after_json
    from thud.runs.training.measuring import measured

    told = measured(house.store, house.runs, run_id)
    asking = _asking(house, told)
    last = str(told.keys[-1]) if told.keys else ""
    return {
        "found": before_after_json(told.found) if told.found else None,
        "rows": [{"words": one.words, "listener": one.listener, "run": one.run} for one in told.line],
        "clips": len(told.clips), "why": told.why, "missing": list(told.missing), "asking": asking,
        "can": bool(told.clips) and not asking and all(one.listener for one in told.line[1:]),
        "compare": _compare(told), "items": {name: _items(last, query) for name, query in ITEMS.items() if last},
        "caveat": CAVEAT if told.found and told.line[0].listener == TINY else "",
    }  # fmt: skip


def _asking(house: House, told: Measured) -> str:
    """A sentence about the run that asks one of them now, or the chain that soon will; "" where there is none.

    Everybody's line may begin with the same listener, so a chain is its own by those who were trained.
    """
    from thud.runs.chain import KIND, chain
    from thud.runs.training.afterwards import AFTER
    from thud.runs.training.measuring import MEASURE
    from thud.runs.training.teaching import TEACH

    names = {one.listener for one in told.line if one.listener}
    trained = {one.listener for one in told.line[1:]} | {one.run for one in told.line[1:]}
    own: set[str] = set()
    for run in house.runs.runs():
        listener = run.settings.get("listener")
        name = listener.get("name") if isinstance(listener, dict) else None
        if run.kind == "listen" and run.state in ("queued", "running") and name in names:
            return f"{run.title}."
        if "chain" in run.settings and (run.id in trained or (run.kind == "listen" and name in trained)):
            own.add(run.settings["chain"][0])
    known = [chain(house.store, house.runs, each) for each in sorted(own & house.store.definitions(KIND).keys())]
    coming = [one for one in known if one.kind in (MEASURE, TEACH, AFTER) and one.state == "running"]
    return next((f"{one.title} is at work." for one in coming), "")


def _compare(told: Measured) -> str:
    """Where Results compares the first with the last, "" before both were asked."""
    if len(told.keys) < 2:
        return ""
    first, last = told.keys[0], told.keys[-1]
    return "/results?" + urlencode({"view": "compare", "set": last.question_set, "a": str(first), "b": str(last)})


def _items(row: str, query: str) -> str:
    """Where Results lists the items behind a figure."""
    about = {"view": "model", "set": row.split(".")[-1], "row": row, "items": f"row={row}&{query}"}
    return "/results?" + urlencode(about)


def card_csv(card: Json) -> str:
    """The card's numbers, one line each; shares from 0 to 1."""
    out = io.StringIO()
    table = csv.writer(out, lineterminator="\n")
    table.writerow(HEAD)
    found, nothing = card["found"], ("",) * 6
    for stage in found["stages"] if found else ():
        table.writerow(("accuracy", stage["name"], "all", *_numbers(stage["accuracy"]), "", "", stage["words"]))
        for name, one in stage["by_class"].items():
            table.writerow(("accuracy", stage["name"], name, *_numbers(one), "", "", ""))
        table.writerow(("under another picture", stage["name"], "all", *_numbers(stage["shuffled"]), "", "", ""))
    for step in found["steps"] if found else ():
        who, words = f"{step['before']} to {step['after']}", f"{step['test_words']}. {step['words']}"
        table.writerow(("difference", who, "all", *_numbers(step["difference"]), step["p"], step["holm_p"], words))
        for name, one in step["by_class"].items():
            table.writerow(("difference", who, name, *_numbers(one), "", "", ""))
    if found:
        ceiling = found["ceiling"]
        table.writerow(("sound alone allows", "", "all", *_numbers(ceiling), "", "", ceiling.get("how", "")))
        table.writerow(("verdict", found["answer"], "", *nothing[:3], found["items"], "", "", found["words"]))
        table.writerows(("note", "", "", *nothing, words) for words in found["notes"])
    if card["caveat"]:
        table.writerow(("does not prove", "", "", *nothing, card["caveat"]))
    return out.getvalue()


def _numbers(one: Json | None) -> tuple[Any, ...]:
    return ("", "", "", "") if not one else tuple(one.get(key, "") for key in ("value", "low", "high", "n"))
