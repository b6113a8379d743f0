"""One pair of a set as the page shows it: its words side by side, what was checked, and what the player needs."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from typing import TYPE_CHECKING, Any

from thud.errors import NotFound
from thud.pairs.pair import Pair, Shown, pair_from_json
from thud.records import Clip, Stimulus
from ui.pairs.diff import word_diff

if TYPE_CHECKING:
    from thud.store import Store
    from ui.house import House

Json = dict[str, Any]
LEAD_S = 1.5
"""The player starts this long before the first of the two events."""
PASSED = {
    "label_text": "text says what the label says",
    "direction_times": "times in the text fit the direction",
    "gap": "stated gap is the true offset",
    "text_times": "times in the text are the recorded ones",
    "outside": "event stays in the clip",
    "edge": "sound is not cut at 0.0 s",
    "same_text": "chosen and rejected argue differently",
    "same": "chosen and rejected differ",
    "near_duplicate": "no other pair is nearly the same",
    "split_leak": "its media are in one split only",
    "media": "media are here",
    "junk": "no stray characters or placeholders",
}
FOR_SFT = "An example for supervised training: there is no rejected answer."
POINTS = {
    "CTP": "Rejected is the right answer for the twin: this pair can only be told apart by listening.",
    "shift": "Rejected is what somebody says who looks but does not listen, or mistakes the direction.",
    "mute": "Rejected names the sound that the picture lets one expect. There is none.",
    "swap": "Rejected accepts a sound that belongs to something else.",
    "OP": "Nothing was edited: rejected has one detail wrong.",
    "SP": "Rejected is what a listener really answered.",
    "FV-D": "Rejected describes, places or attributes something that is not there.",
    "FV-A": "Only the sound tells which option is right.",
    "FV-A-L": "Only the sound tells which option is right; rejected argues for another one.",
    "LV-MCQA": "A general question, so that plain video understanding is not lost.",
    "relate": "Rejected is one of the three other conditions, in the same few words.",
    "input": "Both answers are the same; the sound differs. Press b to hear the other one.",
}


def pair_full(house: House, set_id: str, number: int) -> Json:
    """Everything about one row of a set. NotFound."""
    from thud.runs.pairs.sets import find_set

    store = house.store
    row = find_set(store, set_id).row(number)
    pair = pair_from_json(row["pair"])
    media = media_of(house, pair)
    clip, stimulus = _clip(store, pair.clip_id), _stimulus(store, pair.stimulus_id)
    chosen, rejected = word_diff(pair.chosen, pair.rejected)
    return {
        "n": number, "id": pair.id, "clip_id": pair.clip_id, "type": pair.type, "split": pair.split,
        "prompt": pair.prompt, "condition": pair.condition, "offset_s": pair.offset_s,
        "chosen": {"label": pair.label, "runs": chosen, "words": len(pair.chosen.split())},
        "rejected": {"label": pair.rejected_label, "runs": rejected, "words": len(pair.rejected.split())},
        "point": POINTS.get(pair.type, "") if pair.rejected else FOR_SFT,
        "tokens": tokens_json(pair, clip), "checks": checks_of(pair, row, media),
        "facts": facts_of(pair, clip), "about": about(store, pair, clip, stimulus), "media": media, "json": row["pair"],
    }  # fmt: skip


def checks_of(pair: Pair, row: Mapping[str, Any], media: Mapping[str, str]) -> list[Json]:
    """What each check of single rows says of this pair: those it breaks first. Those that cannot be made are left out.

    media: of `media_of`, as the files are now.
    """
    from thud.pairs.lint import CHECKS, Linter

    linter = Linter()
    linter.add(row["n"], pair)
    passed = {one.check: PASSED[one.check] for one in linter.report().checks if one.of and one.check in PASSED}
    if media["video"] and not media["problem"]:
        passed["media"] = PASSED["media"] + ", unchanged" * _hashed(pair)
    broken = [*row["held"], *(name for name in row["findings"] if name not in row["held"])]
    found = [{"check": name, "level": _level(name), "words": CHECKS[name].title} for name in broken if name in CHECKS]
    kept = [name for name in PASSED if name in passed and name not in broken]
    return found + [{"check": name, "level": "ok", "words": passed[name]} for name in kept]


def _level(name: str) -> str:
    from thud.pairs.lint import SEVERITY

    return "bad" if SEVERITY.get(name) == "error" else "warn"


def _hashed(pair: Pair) -> bool:
    """Whether the bytes of all files that it shows are known."""
    shown = (pair.shown, *([pair.rejected_shown] if pair.rejected_shown else []))
    return all(not path or sha for one in shown for path, sha in _files(one))


def _files(shown: Shown) -> tuple[tuple[str, str], ...]:
    return (shown.video, shown.video_sha256), (shown.sound, shown.sound_sha256)


def facts_of(pair: Pair, clip: Clip | None) -> list[list[str]]:
    """Where it comes from, a few words each."""
    origin = pair.origin
    times = origin.get("times")
    facts = [
        ("clip", clip.title if clip else pair.clip_id or pair.source),
        ("event times", str(times.get("method", "")) if isinstance(times, dict) else ""),
        ("listener", str(origin.get("listener", ""))),
        ("reworded by", str(origin.get("rewritten", ""))),
        ("template", pair.template),
        ("file", f"{origin['file']}, row {origin.get('row', '?')}" if origin.get("file") else ""),
    ]
    return [[name, words] for name, words in facts if words]


def tokens_json(pair: Pair, clip: Clip | None) -> Json | None:
    """Tokens by modality, and the model whose they are; None where the picture's size is not known."""
    from dataclasses import asdict

    from thud.pairs.tokens import count_tokens

    if clip is None:
        return None
    probe = clip.probe
    return asdict(count_tokens(pair, probe.width, probe.height, probe.duration_s))


def about(store: Store, pair: Pair, clip: Clip | None, stimulus: Stimulus | None) -> Json | None:
    """What the player needs, None where the clip is not in this workspace. against: what to flip to."""
    if clip is None:
        return None
    times = times_of(store, pair)
    twin = _stimulus(store, str(pair.origin.get("twin", "")))
    other = twin if twin is not None and twin.id != pair.stimulus_id else None
    if other is not None and times["audio_s"] is not None:
        shift = other.intervention
        times = {**times, "audio_s": times["audio_s"] + (shift.offset_s if shift.kind == "shift" else 0.0)}
    return {
        "clip": {"id": clip.id, "title": clip.title, "duration_s": clip.probe.duration_s},
        "stimulus": {
            "id": pair.stimulus_id, "condition": pair.condition, "offset_s": pair.offset_s,
            "donor": stimulus.intervention.donor if stimulus else "",
        },
        "against": other.id if other else "", "times": times, "from_s": _from_s(pair, times),
    }  # fmt: skip


def times_of(store: Store, pair: Pair) -> Json:
    """The picture's time, the sound's in the clip, and the sound's as shown; None where it is not known."""
    offset_s = pair.offset_s or 0.0
    if pair.visual_s is not None or pair.audio_s is not None:
        audio_s = None if pair.audio_s is None else pair.audio_s - offset_s
        return {"visual_s": pair.visual_s, "audio_s": audio_s, "heard_s": pair.audio_s}
    known = store.times().get(pair.clip_id)
    audio_s = known.audio_s if known else None
    heard_s = None if audio_s is None else audio_s + offset_s
    return {"visual_s": known.visual_s if known else None, "audio_s": audio_s, "heard_s": heard_s}


def _from_s(pair: Pair, times: Json) -> float:
    segment = pair.origin.get("segment")
    if isinstance(segment, dict) and isinstance(segment.get("start_s"), int | float):
        return float(segment["start_s"])
    events = [times[name] for name in ("visual_s", "heard_s") if times[name] is not None]
    return float(max(0.0, min(events) - LEAD_S)) if events else 0.0


def media_of(house: House, pair: Pair) -> Json:
    """The files that a model is shown, and the first thing that is wrong with them."""
    from thud.runs.pairs.media import MediaCheck

    with closing(MediaCheck(house.workspace)) as check:
        other = check(pair.rejected_shown) if pair.rejected_shown else ""
        return {"video": pair.shown.video, "sound": pair.shown.sound, "problem": check(pair.shown) or other}


def _clip(store: Store, clip_id: str) -> Clip | None:
    try:
        return store.clip(clip_id) if clip_id else None
    except NotFound:
        return None


def _stimulus(store: Store, stimulus_id: str) -> Stimulus | None:
    try:
        return store.stimulus(stimulus_id) if stimulus_id else None
    except NotFound:
        return None
