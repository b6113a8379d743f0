"""Listeners, question sets and plans as the page shows them. No row holds a key, only the name of its variable."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from thud.errors import BadRequest, MissingPart, NotFound
from thud.listeners.questions import QUESTION_SETS, QuestionSet
from thud.listeners.questions import to_json as set_json
from thud.listeners.roster import LISTENERS, NAMES, PRESETS, Listener, endpoint_of
from thud.listeners.roster import to_json as listener_json
from thud.providers import check_key, key_variable
from thud.records import ARMS, Refusal
from thud.runs.listening.canary import HEARING_ARMS, canary_name
from thud.runs.listening.gate import canary_needed, why_untested

if TYPE_CHECKING:
    from thud.runs.listening.listen import ListenPlan

Json = dict[str, Any]
VENDORS = {"gemini": "Google", "openai": "OpenAI", "anthropic": "Anthropic"}
LOCAL_HOSTS = ("127.0.0.1", "localhost", "::1")
FRAMES_ONLY = "picture only: it takes no sound"
ARM_WORDS = {
    "audio_video": ("Audio + video", "the clip as it is"),
    "picture_only": ("Picture only", "the picture without any sound"),
    "sound_only": ("Sound only", "the sound without the picture"),
    "shuffled_picture": ("Another clip’s picture", "the sound under a picture that tells nothing of it"),
}
_SAMPLING = ["fps", "max_frames", "max_tokens", "temperature", "seed"]
_ASKED = ["base_url", "key_env", "effort", "at_once", "per_minute"]
FIELDS: dict[str, list[str]] = {
    "gemini": ["model", *_ASKED, *_SAMPLING],
    "compatible": ["model", *_ASKED, "transport", "width", *_SAMPLING],
    "openai": ["model", *_ASKED, "width", *_SAMPLING],
    "anthropic": ["model", *_ASKED, "width", *_SAMPLING],
    "local": ["model", "adapter", "four_bit", "batch_size", "width", *_SAMPLING],
    "always_synced": [],
    "signal": [],
}
"""What a form asks about a listener of each backend, besides its name and arms."""
TRANSPORTS = {
    "video_url+audio_url": ("Video and sound as two files", "vLLM, most hosted servers"),
    "video_url": ("One video with its sound in it", "servers that read the sound of a video"),
    "frames+input_audio": ("Still pictures and sound", "servers that take no video"),
    "sglang": ("SGLang’s own way", "SGLang"),
    "frames": ("Still pictures only", FRAMES_ONLY),
}


def listener_row(listener: Listener, owner: str, canaries: Mapping[str, Json]) -> Json:
    """A listener with what stands in its way. owner: thud, yours or preset. canaries: by `canary_name`."""
    key, problem = _key(listener)
    needs = [arm for arm in HEARING_ARMS if arm in listener.allowed_arms and canary_needed(listener, arm)]
    return {
        "name": listener.name,
        "key": key,
        "label": listener.label,
        "owner": owner,
        "backend": listener.backend,
        "backend_title": NAMES[listener.backend],
        "model": listener.model,
        "where": listener.base_url or VENDORS.get(listener.backend, "this machine"),
        "hears": listener.hears,
        "senses": "sees and hears" if listener.hears else FRAMES_ONLY,
        "asks": listener.asks,
        "arms": list(listener.arms),
        "allowed_arms": list(listener.allowed_arms),
        "allowed_tasks": list(listener.allowed_tasks),
        "canary": {arm: canaries.get(canary_name(key, arm)) for arm in needs},
        "untested": "" if needs else why_untested(listener, listener.allowed_arms[0]),
        "problem": problem,
        "settings": listener_json(listener),
        **_variable(listener),
    }


def _key(listener: Listener) -> tuple[str, str]:
    try:
        return listener.key(), ""
    except (BadRequest, MissingPart, NotFound) as error:
        return "", str(error)


def _variable(listener: Listener) -> Json:
    """Which variable holds its key, "" when it wants none; whether it is set; what is wrong with it."""
    if not listener.asks:
        return {"key_env": "", "key_set": False, "key_problem": ""}
    endpoint = endpoint_of(listener)
    wanted = listener.backend != "compatible" or bool(listener.key_env)
    try:
        check_key(endpoint)
    except MissingPart as error:
        return {"key_env": key_variable(endpoint), "key_set": False, "key_problem": str(error)}
    return {"key_env": key_variable(endpoint) if wanted else "", "key_set": wanted, "key_problem": ""}


def owned(known: Mapping[str, Listener]) -> list[tuple[Listener, str]]:
    """All who can be asked, each with whose it is: the users' own, those that ship, the presets nobody changed."""
    yours = [(one, "yours") for name, one in known.items() if name not in LISTENERS]
    presets = [(one, "preset") for one in PRESETS if one.name not in known]
    return [*yours, *((one, "thud") for one in LISTENERS.values()), *presets]


def set_row(question_set: QuestionSet) -> Json:
    """A question set without its texts."""
    own = all(one.id != question_set.id for one in QUESTION_SETS.values())
    return {
        "id": question_set.id,
        "name": question_set.name,
        "style": question_set.style,
        "own": own,
        "tasks": list(question_set.tasks),
        "questions": len(question_set.questions),
    }


def set_full(question_set: QuestionSet) -> Json:
    """A question set with every question."""
    return {**set_row(question_set), **set_json(question_set), "own": set_row(question_set)["own"]}


def choices() -> Json:
    """What a form may offer: backends with the fields of each, transports, arms."""
    hears = {name: Listener("x", name).hears for name in FIELDS}  # type: ignore[arg-type]  # the keys are the backends
    return {
        "backends": [
            {"id": name, "title": NAMES[name], "hears": hears[name], "fields": FIELDS[name]} for name in FIELDS
        ],
        "transports": [
            {"id": name, "title": title, "words": words, "hears": name != "frames"}
            for name, (title, words) in TRANSPORTS.items()
        ],
        "arms": [{"id": arm, "title": ARM_WORDS[arm][0], "words": ARM_WORDS[arm][1]} for arm in ARMS],
    }


# --- plans


def plan_json(plans: list[ListenPlan], refused: list[tuple[str, str]], canaries: Mapping[str, Json]) -> Json:
    """What asking one listener in some arms would do. refused: (arm, sentence) of arms that cannot be asked at all."""
    costs = [plan.estimate.cost_usd for plan in plans if plan.items]
    known = [cost for cost in costs if cost is not None]
    blocked = next((why for why in [*(why for _, why in refused), *(plan.blocked for plan in plans)] if why), "")
    return {
        "rows": [_plan_row(plan) for plan in plans],
        "items": sum(len(plan.items) for plan in plans),
        "answered": sum(plan.answered for plan in plans),
        "requests": sum(plan.estimate.requests for plan in plans),
        "tokens": sum(plan.estimate.input_tokens + plan.estimate.output_tokens for plan in plans),
        "cost_usd": sum(known) if len(known) == len(costs) else None,
        "cost_known_usd": sum(known),
        "refused": _reasons([one for plan in plans for one in plan.refused if one not in plan.missing]),
        "missing": _reasons([one for plan in plans for one in plan.missing]),
        "canary": [row for plan in plans if (row := _canary_row(plan, canaries))],
        "untested": _untested(plans),
        "notes": _notes(plans, blocked),
        "blocked": blocked,
    }


def _plan_row(plan: ListenPlan) -> Json:
    estimate = plan.estimate
    return {
        "arm": plan.wanted.arm,
        "title": ARM_WORDS[plan.wanted.arm][0],
        "items": len(plan.items),
        "answered": plan.answered,
        "refused": len(plan.refused),
        "requests": estimate.requests,
        "tokens": estimate.input_tokens + estimate.output_tokens,
        "cost_usd": estimate.cost_usd,
    }


def _reasons(refusals: list[Refusal]) -> list[Json]:
    """Each reason once, the most frequent first, with the first few of whom it concerns."""
    counted = Counter(one.reason for one in refusals)
    return [
        {"reason": why, "count": count, "subjects": [one.subject for one in refusals if one.reason == why][:5]}
        for why, count in counted.most_common(50)
    ]


def _canary_row(plan: ListenPlan, canaries: Mapping[str, Json]) -> Json | None:
    """How it fared before in this arm, None where it need not show that it hears."""
    if not plan.canary or not plan.items:
        return None
    kept = canaries.get(canary_name(plan.key, plan.wanted.arm))
    state = "never" if kept is None else "passed" if kept["hears"] else "failed"
    told = {name: kept[name] for name in ("passed", "of", "words", "at")} if kept else {}
    return {"arm": plan.wanted.arm, "title": ARM_WORDS[plan.wanted.arm][0], "state": state, **told}


def _untested(plans: list[ListenPlan]) -> list[Json]:
    """The arms in which it need not show that it hears, those with the same reason together."""
    arms: dict[str, list[str]] = {}
    for plan in plans:
        if plan.items and (why := why_untested(plan.listener, plan.wanted.arm)):
            arms.setdefault(why, []).append(ARM_WORDS[plan.wanted.arm][0])
    return [{"title": ", ".join(titles), "words": words} for words, titles in arms.items()]


def _notes(plans: list[ListenPlan], blocked: str) -> list[Json]:
    """What to know before starting, what keeps it from starting first, what leaves this machine last."""
    bad = [("bad", blocked)] if blocked else []
    warn = [("warn", text) for plan in plans for text in plan.warnings]
    doubtful = any(plan.wanted.again for plan in plans)
    warn += [("warn", "What was cut off or lost is asked again, and may be billed a second time.")] if doubtful else []
    info = [("info", text) for plan in plans if plan.items for text in plan.estimate.notes]
    notes = dict.fromkeys([*bad, *warn, *info, *(("info", text) for text in _leaving(plans))])
    return [{"level": level, "text": text} for level, text in notes]


def _leaving(plans: list[ListenPlan]) -> list[str]:
    """What leaves this machine, and to whom, in one sentence; nothing where nothing does."""
    asked = [plan for plan in plans if plan.items and plan.listener.asks]
    if not asked:
        return []
    listener = asked[0].listener
    what = dict.fromkeys(_what(plan) for plan in asked)
    sent = f"the questions and {' and '.join(what)}"
    if not listener.base_url:
        return [f"This sends {sent} to {VENDORS[listener.backend]}."]
    here = urlsplit(listener.base_url).hostname in LOCAL_HOSTS
    where = "a server on this machine, which may pass it on" if here else "outside this machine"
    return [f"This sends {sent} to {listener.base_url}, {where}."]


def _what(plan: ListenPlan) -> str:
    frames = plan.listener.backend in ("openai", "anthropic") or plan.listener.transport.startswith("frames")
    picture = "still pictures of the clips" if frames and plan.listener.backend != "gemini" else "the clips’ picture"
    if plan.wanted.arm == "picture_only":
        return picture
    return "their sound alone" if plan.wanted.arm == "sound_only" else f"{picture} with sound"
