"""What the agreement and quality screens show, from marks and event times. Pure: records in, JSON-ready dicts out.

The arithmetic is `thud/events/`; here marks are sorted into picture and sound, and people into first and final marks.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from statistics import median
from typing import Any, Literal

from thud.events.agreement import Ruling
from thud.events.consensus import learn
from thud.events.needs import DECIDED, LAST_FRAME_S
from thud.events.report import Marked, PairAgreement, pairs, person_quality, verdicts
from thud.records import Clip, EventTimes, Mark
from thud.statistics import Estimate

Json = dict[str, Any]
Sense = Literal["visual", "audio"]
Stage = Literal["first", "final"]
"""first: what a person placed before the models' marks were shown; final: what was saved."""
SENSES: tuple[Sense, ...] = ("visual", "audio")
STAGES: tuple[Stage, ...] = ("first", "final")
GOLD = "gold times"
"""Stands beside the annotators in the table of pairs; no account and no model has a blank in its name."""
FEW = 20
"""How many of the widest differences are listed."""
POINTS = 2000
IDLE = timedelta(minutes=5)
PACE_OF = 20


@dataclass(frozen=True, slots=True)
class Material:
    """Everything the figures rest on. gold: clip id → times of a method that is not doubted."""

    clips: Mapping[str, Clip]
    marks: Sequence[Mark]
    gold: Mapping[str, EventTimes]


def material(clips: Iterable[Clip], marks: Iterable[Mark], times: Mapping[str, EventTimes]) -> Material:
    """What counts: marks of known clips, without those of adjudicators, who had seen the others'."""
    known = {clip.id: clip for clip in clips}
    own = [mark for mark in marks if mark.clip_id in known and mark.detail.get("role") != "adjudicator"]
    gold = {clip: each for clip, each in times.items() if clip in known and each.method in DECIDED}
    return Material(known, own, gold)


def at_stage(mark: Mark, stage: Stage) -> Mark:
    """A person's first, blind times in place of the saved ones, where they were kept."""
    first = mark.detail.get("first")
    if stage == "final" or not mark.person or not isinstance(first, Mapping):
        return mark
    return replace(mark, visual_s=_second(first.get("visual_s")), audio_s=_second(first.get("audio_s")))


def placed(found: Material, sense: Sense, stage: Stage) -> dict[str, dict[str, float]]:
    """Clip id → annotator → seconds, for every mark that places the event inside its clip."""
    by_clip: dict[str, dict[str, float]] = {}
    for mark in found.marks:
        time_s = _inside(_time(at_stage(mark, stage), sense), found.clips[mark.clip_id])
        if time_s is not None:
            by_clip.setdefault(mark.clip_id, {})[mark.annotator] = time_s
    return by_clip


def agreement(found: Material, stage: Stage) -> Json:
    """The whole agreement screen but the rule: pairs and learned habits per sense, verdicts, who marked how much."""
    names = sorted({mark.annotator for mark in found.marks})
    return {
        "marks": len(found.marks),
        "clips": len({mark.clip_id for mark in found.marks}),
        "gold": len(found.gold),
        "simulated": sorted({mark.annotator for mark in found.marks if mark.detail.get("simulated")}),
        "people": sorted({mark.annotator for mark in found.marks if mark.person}),
        "annotators": names,
        **{sense: _sense(found, sense, stage) for sense in SENSES},
        "verdicts": _verdicts(found.marks),
    }


def _sense(found: Material, sense: Sense, stage: Stage) -> Json:
    by_clip, gold = placed(found, sense, stage), _gold(found, sense)
    with_gold = {clip: {**times, GOLD: gold[clip]} if clip in gold else times for clip, times in by_clip.items()}
    durations = {clip_id: clip.probe.duration_s for clip_id, clip in found.clips.items()}
    consensus = learn(by_clip, gold, durations)
    return {
        "pairs": sorted((asdict(_against_gold(pair)) for pair in pairs(with_gold)), key=lambda pair: pair["b"] != GOLD),
        "learned": [{**asdict(one), "enough_gold": one.enough_gold} for _, one in sorted(consensus.learned.items())],
    }


def _against_gold(pair: PairAgreement) -> PairAgreement:
    """The pair with gold second: what is asked is how late an annotator is, not how early gold is."""
    if pair.a != GOLD:
        return pair
    bias, low, high = _negative(pair.bias_s), _negative(pair.loa_high_s), _negative(pair.loa_low_s)
    return replace(pair, a=pair.b, b=GOLD, bias_s=bias, loa_low_s=low, loa_high_s=high)


def _negative(one: Estimate) -> Estimate:
    value, low, high = (None if each is None else -each for each in (one.value, one.high, one.low))
    return Estimate(value, low, high, one.n)


def _gold(found: Material, sense: Sense) -> dict[str, float]:
    times = {clip: _inside(_time(each, sense), found.clips[clip]) for clip, each in found.gold.items()}
    return {clip: time_s for clip, time_s in times.items() if time_s is not None}


def _inside(time_s: float | None, clip: Clip) -> float | None:
    """The time, put to the clip's end where it lies a little after it; None where it is no time of this clip."""
    end_s = clip.probe.duration_s
    return None if time_s is None or not 0 <= time_s <= end_s + LAST_FRAME_S else min(time_s, end_s)


def _verdicts(marks: Iterable[Mark]) -> Json:
    """Agreement of those who can hear: the others cannot say that there is no sound."""
    judged: dict[str, dict[str, str]] = {}
    for mark in marks:
        if mark.person or mark.detail.get("hears"):
            judged.setdefault(mark.clip_id, {})[mark.annotator] = mark.verdict
    told = verdicts(judged)
    kappas = [{"a": a, "b": b, **asdict(kappa)} for (a, b), kappa in told.kappas.items()]
    return {"alpha": asdict(told.alpha), "kappas": kappas, "base_rates": told.base_rates}


def points(found: Material, sense: Sense, stage: Stage, a: str, b: str) -> Json:
    """One pair's differences a − b over the mean of the two, and the clips where they are widest."""
    by_clip, gold = placed(found, sense, stage), _gold(found, sense)
    both = []
    for clip_id, times in by_clip.items():
        known = {**times, **({GOLD: gold[clip_id]} if clip_id in gold else {})}
        if a in known and b in known:
            both.append((clip_id, (known[a] + known[b]) / 2, known[a] - known[b]))
    widest = sorted(both, key=lambda one: -abs(one[2]))[:FEW]
    rows = [{"clip": c, "title": _name(found.clips[c]), "mean_s": m, "difference_s": d} for c, m, d in widest]
    step = max(1, -(-len(both) // POINTS))
    return {"n": len(both), "points": [[m, d] for _, m, d in both[::step]], "widest": rows}


def quality(found: Material, stage: Stage) -> Json:
    """Every person against gold, with the differences in the order they were made."""
    people: dict[str, Json] = {}
    for sense in SENSES:
        gold = _gold(found, sense)
        own = [_marked(mark, sense, stage) for mark in found.marks if mark.person]
        for one in person_quality(own, gold):
            row = people.setdefault(one.person, {"person": one.person})
            row[sense] = {**asdict(one), "course": _course(own, gold, one.person)}
    total: dict[str, int] = {}
    for mark in found.marks:
        total[mark.annotator] = total.get(mark.annotator, 0) + 1
    return {"people": [{**row, "marks": total[name]} for name, row in sorted(people.items())], "gold": len(found.gold)}


def _marked(mark: Mark, sense: Sense, stage: Stage) -> Marked:
    time_s = _time(at_stage(mark, stage), sense)
    return Marked(mark.annotator, mark.clip_id, mark.at or datetime.min, time_s)


def _course(own: Iterable[Marked], gold: Mapping[str, float], person: str) -> list[list[float]]:
    """[number of the mark, seconds off gold], oldest first, the newest 500."""
    mine = sorted((one for one in own if one.person == person), key=lambda one: one.at)
    off = [
        [float(nth), one.time_s - gold[one.clip_id]]
        for nth, one in enumerate(mine, 1)
        if one.time_s is not None and one.clip_id in gold
    ]
    return off[-500:]


def retention(rulings: Iterable[Ruling]) -> Json:
    """How many clips the rule retains, and by which check the rest fail or wait."""
    retained, total = 0, 0
    checks: dict[str, Json] = {}
    for ruling in rulings:
        total, retained = total + 1, retained + ruling.retained
        for check in ruling.checks:
            row = checks.setdefault(check.name, {"name": check.name, "passed": 0, "failed": 0, "open": 0})
            row["open" if check.passed is None else "passed" if check.passed else "failed"] += 1
    return {"retained": retained, "total": total, "checks": list(checks.values())}


def work_done(marks: Iterable[Mark], now: datetime) -> dict[str, Json]:
    """Person → marks, of the last seven days, pace_s (median over the last 20, pauses cut) and when the last was."""
    moments: dict[str, list[datetime]] = {}
    for mark in marks:
        if mark.person and mark.at:
            moments.setdefault(mark.annotator, []).append(mark.at)
    return {
        name: {
            "marks": len(own),
            "week": sum(at > now - timedelta(days=7) for at in own),
            "pace_s": pace_s(sorted(own)),
            "last": max(own).isoformat(timespec="seconds") + "Z",
        }
        for name, own in moments.items()
    }


def pace_s(moments: Sequence[datetime]) -> float | None:
    """Seconds from mark to mark, pauses left out; None before two marks in one sitting."""
    gaps = [later - earlier for earlier, later in zip(moments, moments[1:], strict=False)]
    worked = [gap.total_seconds() for gap in gaps if gap <= IDLE][-PACE_OF:]
    return median(worked) if worked else None


def pair_table(shown: Json) -> list[list[Any]]:
    """The pairs of both senses as rows of a CSV, head first. What a spreadsheet would run gets a quote in front."""
    head = ["event", "a", "b", "n", "bias_s", "bias_low_s", "bias_high_s", "median_abs_s", "p90_abs_s"]
    head += [f"within_{ms}_ms{end}" for ms in (50, 100, 200) for end in ("", "_low", "_high")]
    rows: list[list[Any]] = [[*head, "loa_low_s", "loa_high_s"]]
    for sense, word in (("visual", "picture"), ("audio", "sound")):
        for pair in shown[sense]["pairs"]:
            bias, low, high = pair["bias_s"], pair["loa_low_s"]["value"], pair["loa_high_s"]["value"]
            shares = [each["share"][key] for each in pair["within"] for key in ("value", "low", "high")]
            own = [pair["n"], bias["value"], bias["low"], bias["high"], pair["median_abs_s"], pair["p90_abs_s"]]
            rows.append([word, _cell(pair["a"]), _cell(pair["b"]), *own, *shares, low, high])
    return rows


def _cell(text: str) -> str:
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text


def _time(one: Mark | EventTimes, sense: Sense) -> float | None:
    if isinstance(one, Mark) and (
        one.verdict not in ("placed", "no_sound") or (sense == "audio" and one.verdict != "placed")
    ):
        return None
    return one.visual_s if sense == "visual" else one.audio_s


def _second(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _name(clip: Clip) -> str:
    return clip.title or clip.path.rsplit("/", 1)[-1]
