"""What the judge's screen shows, as JSON: judges, a plan in words, a calibration, and responses for people to label."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from thud.errors import MissingPart, NotFound
from thud.evaluation.calibration import ENOUGH, Calibration, Case, Reader, calibrate, sample
from thud.evaluation.judge import labels_of
from thud.providers import check_key, key_variable
from thud.runs.listening.judges import DEFAULT_MODELS, endpoint_of, parse_judge
from thud.runs.listening.judging import JudgePlan, Material, candidates, cases_of, takes_batches
from thud.statistics import ClassScore, Estimate

if TYPE_CHECKING:
    from thud.records import Reading, Response
    from thud.store import Store

Json = dict[str, Any]
TITLES = {"anthropic": "Claude", "openai": "GPT", "gemini": "Gemini", "compatible": "OpenAI-compatible server"}
VENDORS = {"anthropic": "Anthropic", "openai": "OpenAI", "gemini": "Google"}


def judges_json(store: Store, material: Material) -> Json:
    """Judges that have read something, the last one first; who can be asked; how much there is to read."""
    defined, people = store.definitions("judge"), material.people
    newest: dict[str, list[Reading]] = {}
    for reading in material.readings:
        if reading.reader.startswith("judge:"):
            newest.setdefault(reading.reader.removeprefix("judge:"), []).append(reading)
    ordered = sorted(newest.items(), key=lambda pair: -pair[1][-1].ev_id)
    return {
        "judges": [_judge_row(key, defined.get(key) or {}, readings) for key, readings in ordered],
        "providers": [_provider(provider) for provider in DEFAULT_MODELS],
        "responses": len(material.responses),
        "unparsed": sum(one.answer.label == "unparsed" for one in material.responses),
        "labelled": sum(one.id in people for one in material.responses),
        "enough": ENOUGH,
    }


def _judge_row(key: str, about: Json, readings: list[Reading]) -> Json:
    at = readings[-1].at
    return {
        "key": key, "name": about.get("name") or key, "provider": about.get("provider", ""),
        "prompt": about.get("prompt", ""), "read": sum(not one.problem for one in readings),
        "rejected": sum(bool(one.problem) for one in readings), "at": at.isoformat() + "Z" if at else None,
        "settings": about.get("settings"),
    }  # fmt: skip


def _provider(provider: str) -> Json:
    # A compatible server is where the user says; the address here only serves to ask for the variable's name.
    address = {"base_url": "http://127.0.0.1", "model": "x"} if provider == "compatible" else {}
    judge = parse_judge({"provider": provider, **address})
    try:
        check_key(endpoint_of(judge))
        key_set = True
    except MissingPart:
        key_set = False
    return {
        "provider": provider, "title": TITLES[provider], "model": DEFAULT_MODELS[provider], "key_set": key_set,
        "key_env": key_variable(endpoint_of(judge)), "batch": takes_batches(judge),
    }  # fmt: skip


def plan_json(plan: JudgePlan) -> Json:
    """The plan with what to know before starting, what keeps it from starting first."""
    return {
        "key": plan.judge.key, "responses": plan.responses, "requests": len(plan.groups), "read": plan.read,
        "before": plan.before, "tokens": plan.tokens, "cost_usd": plan.cost_usd, "blocked": bool(plan.blocked),
        "notes": [{"level": level, "text": text} for level, text in _notes(plan)],
    }  # fmt: skip


def _notes(plan: JudgePlan) -> list[tuple[str, str]]:
    judge, notes = plan.judge, []
    if plan.blocked:
        notes.append(("bad", plan.blocked))
    notes += [("warn", text) for text in plan.warnings]
    if plan.before:
        fate = "asked again, which may be billed twice" if plan.wanted.again else "left out"
        were = "1 response was" if plan.before == 1 else f"{plan.before} responses were"
        notes.append(("warn", f"{were} judged before without a word that counts: {fate}."))
    if plan.responses > len(plan.groups):
        notes.append(("info", f"{plan.responses - len(plan.groups)} say what another one says: asked about once."))
    if plan.groups and plan.cost_usd is None:
        notes.append(("info", f"The price of {judge.model} is not known; it can be put into prices.json."))
    if plan.groups:
        where = judge.base_url or VENDORS.get(judge.provider, judge.provider)
        notes.append(("info", f"This sends questions and responses as text to {where}; no clip, no truth, no names."))
    return notes


def calibration_json(store: Store, material: Material, key: str) -> Json:
    """The calibration of one judge, of the last one that read something when `key` is "". NotFound."""
    readers = [one.reader.removeprefix("judge:") for one in material.readings if one.reader.startswith("judge:")]
    if key and key not in readers:
        raise NotFound("This judge has read nothing here. Choose another one.")
    chosen = key or (readers[-1] if readers else "")
    found = calibrate(cases_of(material, f"judge:{chosen}" if chosen else ""))
    about = store.definitions("judge").get(chosen) or {}
    labels = sorted({label for reader in (found.rules, found.judge) if reader for label in reader.classes})
    return {
        "judge": {"key": chosen, "name": about.get("name") or chosen} if chosen else None,
        "labelled": found.labelled, "judged": found.judged, "rejected": found.rejected, "enough": ENOUGH,
        "words": _words(found), "commonest": found.commonest,
        "readers": {"judge": _reader(found.judge), "rules": _reader(found.rules)},
        "classes": [{"label": label, **_class_row(found, label)} for label in labels],
        "confusion": [{"person": a, "judge": b, "n": n} for (a, b), n in sorted(found.confusion.items())],
        "bins": [{"low": b.low, "high": b.high, "said": b.said, "right": _estimate(b.right)} for b in found.bins],
        "disagreements": [_disagreement(case) for case in found.disagreements],
    }  # fmt: skip


def _words(found: Calibration) -> str:
    """What a table of paper would say of it, "" while nobody has compared anything."""
    judge = found.judge
    if judge is None or found.commonest is None:
        return ""
    label, share = found.commonest
    kappa = judge.kappa.kappa
    parts = [f"On {found.judged} responses that people have read, the judge agrees with {judge.agreed.value or 0:.1%}"]
    if kappa.value is None:
        parts.append("kappa cannot be computed: both used one label only")
    else:
        parts.append(f"kappa {kappa.value:.2f} (95 % interval {kappa.low:.2f} to {kappa.high:.2f})")
    parts.append(f"the most frequent answer, {label}, is {share:.0%} of them")
    return "; ".join(parts) + "."


def _reader(reader: Reader | None) -> Json | None:
    if reader is None:
        return None
    kappa = reader.kappa
    return {"kappa": _estimate(kappa.kappa), "agreed": _estimate(reader.agreed), "base_rate": kappa.base_rate}


def _class_row(found: Calibration, label: str) -> Json:
    judge, rules = (reader.classes.get(label) if reader else None for reader in (found.judge, found.rules))
    people = next((one.true for one in (judge, rules) if one), 0)
    return {"people": people, "judge": _score(judge), "rules": _score(rules)}


def _score(score: ClassScore | None) -> Json | None:
    if score is None:
        return None
    told = {"precision": _estimate(score.precision), "recall": _estimate(score.recall)}
    return {**told, "given": score.given, "hits": score.hits}


def _estimate(one: Estimate) -> Json:
    return {"value": one.value, "low": one.low, "high": one.high, "n": one.n}


def _disagreement(case: Case) -> Json:
    return {
        "response": case.response_id, "listener": case.listener, "task": case.task, "person": case.person,
        "judge": case.judge, "rules": case.rules, "confidence": case.confidence,
    }  # fmt: skip


def queue_json(material: Material, n: int) -> Json:
    """Responses for a person to label: the rarest kinds among them, and nothing that would hint at an answer."""
    people = material.people
    by_id: Mapping[str, Response] = {one.id: one for one in material.responses}
    chosen = sample(candidates(material.responses, people), n)
    done = sum(one in people for one in by_id)
    return {"items": [_item(by_id[one]) for one in chosen], "labelled": done, "left": len(by_id) - done}


def _item(response: Response) -> Json:
    item = response.item
    return {
        "response": response.id, "task": item.task, "question": item.text, "text": response.text,
        "labels": list(labels_of(item.task, item.options)),
    }  # fmt: skip
