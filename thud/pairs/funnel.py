"""From all clips to the pairs of a set, step by step, with what was lost at each and why."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from thud.pairs.lint import CHECKS
from thud.pairs.mixture import Tally
from thud.pairs.stock import KEPT_FOR_TESTS, Losses, Stock

MOST_SUBJECTS = 50
TITLES = {
    "clips": "Clips",
    "split": "In train or validation",
    "settled": "Event times settled",
    "valid": "Fit for this type",
    "made": "Pairs made",
    "clean": "Without errors",
    "kept": "In the set",
}
REPEATED = "The same words about the same media again"
DROPPED = "Dropped by a person"
USED_UP = "More were wanted, but nothing new came"
NO_STEP = "Nothing fits this step of the curriculum"
Json = dict[str, Any]


def funnel_of(
    clips: int, kept_out: Sequence[str], stocks: Mapping[str, Stock], tallies: Mapping[str, Tally]
) -> dict[str, list[Json]]:
    """ "all" and each type → its steps: step, title, count, unit (clips, pairs), losses.

    A loss: reason, count, subjects (clip, stimulus, response or pair ids; 50 at most) and, where a check held pairs
    back, check. kept_out: test clips.
    """
    each = {name: _of_type(clips, kept_out, stock, tallies[name]) for name, stock in stocks.items()}
    return {"all": _of_all(clips, kept_out, stocks, tallies), **each}


def why_empty(funnel: Mapping[str, Sequence[Json]]) -> str:
    """Where and why nothing was left, in a sentence or two; "" when something was."""
    steps = funnel["all"]
    if steps[-1]["count"]:
        return ""
    first = next(step for step in steps if not step["count"])
    reasons = sorted(first["losses"], key=lambda loss: -loss["count"])
    said = "; ".join(f"{loss['reason']} ({loss['count']})" for loss in reasons[:3])
    where = f"Nothing is left at “{first['title']}”"
    return f"{where}: {said}." if said else f"{where}."


def _of_type(clips: int, kept_out: Sequence[str], stock: Stock, tally: Tally) -> list[Json]:
    steps = _first(clips, kept_out, len(stock.clips))
    if stock.settled is not None:
        steps.append(_step("settled", len(stock.settled), stock.unsettled))
    steps.append(_step("valid", len(stock.valid), stock.lost))
    return [*steps, *_pairs([tally])]


def _of_all(
    clips: int, kept_out: Sequence[str], stocks: Mapping[str, Stock], tallies: Mapping[str, Tally]
) -> list[Json]:
    usable = max((len(stock.clips) for stock in stocks.values()), default=clips - len(kept_out))
    steps = _first(clips, kept_out, usable)
    timed = [stock for stock in stocks.values() if stock.settled is not None]
    if timed:
        steps.append(_step("settled", len(timed[0].settled or ()), timed[0].unsettled))
    valid = {clip_id for stock in stocks.values() for clip_id in stock.valid}
    lost: Losses = {}
    for stock in stocks.values():
        for reason, subjects in stock.lost.items():
            lost[reason] = list(dict.fromkeys([*lost.get(reason, ()), *subjects]))
    fit = {**_step("valid", len(valid), lost), "title": "Fit for one of the types"}
    return [*steps, fit, *_pairs(tallies.values())]


def _first(clips: int, kept_out: Sequence[str], usable: int) -> list[Json]:
    return [_step("clips", clips, {}), _step("split", usable, {KEPT_FOR_TESTS: list(kept_out)} if kept_out else {})]


def _pairs(tallies: Iterable[Tally]) -> list[Json]:
    some = list(tallies)
    made, kept = sum(one.made for one in some), sum(one.kept for one in some)
    repeats, missing = sum(one.repeats for one in some), sum(one.wanted - one.kept for one in some)
    dropped = [name for one in some for name in one.dropped]
    held: Losses = {}
    for one in some:
        for check, ids in one.held.items():
            held.setdefault(check, []).extend(ids)
    bands = [f"{step.least_s:g} to {step.most_s:g} s" for one in some for step in one.empty_steps]
    before = [
        *([_loss(REPEATED, repeats)] if repeats else ()),
        *([_loss(DROPPED, len(dropped), dropped)] if dropped else ()),
        *([_loss(NO_STEP, len(bands), sorted(set(bands)))] if bands else ()),
    ]
    errors = [{**_loss(CHECKS[name].title, len(ids), ids), "check": name} for name, ids in held.items()]
    return [
        _row("made", made, "pairs", before),
        _row("clean", kept, "pairs", errors),
        _row("kept", kept, "pairs", [_loss(USED_UP, missing)] if missing else []),
    ]


def _step(name: str, count: int, losses: Losses) -> Json:
    return _row(name, count, "clips", [_loss(reason, len(subjects), subjects) for reason, subjects in losses.items()])


def _row(name: str, count: int, unit: str, losses: Sequence[Json]) -> Json:
    return {"step": name, "title": TITLES[name], "count": count, "unit": unit, "losses": list(losses)}


def _loss(reason: str, count: int, subjects: Sequence[str] = ()) -> Json:
    return {"reason": reason, "count": count, "subjects": list(subjects[:MOST_SUBJECTS])}
