"""The paper's own way of reading responses, rebuilt from its description, faults and defaults included.

For comparison only: what it cannot read it calls "synced", and it takes times in the order of the text. Its judge says
the same: a field that cannot be determined gets its default. Nothing in thud scores with it.
"""

from __future__ import annotations

import json
import re

from thud.records import Answer

_DESYNC = (
    "not synchronized", "not synchronised", "not in sync", "not aligned", "desync", "mismatch", "misalign",
    "out of sync", "out of alignment", "not well aligned", "does not match", "do not match", "don't match",
    "clear offset", "noticeable delay",
)  # fmt: skip
_LATE = ("delayed", "lags", "after the visual", "audio delay", "late", "behind", "later")
_EARLY = ("early", "ahead", "before the visual", "precedes", "leads", "earlier")
_SILENT = ("no sound", "no audio", "silent", "silence", "muted", "cannot hear", "can't hear", "nothing is heard")
_SOUNDS = ("thud", "crash", "bang", "splash", "smack", "music", "voice", "speech", "noise", "bark", "laugh", "thump")
_DOUBT = (
    "mismatch", "not match", "n't match", "inconsistent", "unrelated", "does not correspond", "doesn't correspond",
    "does not belong", "doesn't belong", "out of place", "odd", "strange", "unexpected", "unclear", "confus",
    "dubbed", "different",
)  # fmt: skip
_TIME = re.compile(r"(?:at|around|about)\s+(?:t\s*=\s*)?(\d+(?:\.\d+)?)\s*s", re.IGNORECASE)
_OFFSET = re.compile(r"(?:gap|offset|mismatch|separation)[^.\d]{0,40}(\d+(?:\.\d+)?)\s*s", re.IGNORECASE)
_FENCED = re.compile(r"```(?:json)?\s*(\{.*?\})\s*```", re.DOTALL)
_WITH_SYNCED = re.compile(r"\{[^{}]*\"synced\"[^{}]*\}")
_FIRST_OBJECT = re.compile(r"\{.*?\}", re.DOTALL)
_READ_CHARS = 40_000


def paper_answer(task: str, text: str) -> Answer:
    """The label the paper's rules give `text`; "synced" where nothing matches. Never "unparsed", never "refused"."""
    low = text[:_READ_CHARS].lower()
    if task == "existence":
        return _mute(low)
    if task == "consistency":
        return _swap(low)
    return _shift_json(text[:_READ_CHARS]) or _shift(low)


def _shift_json(text: str) -> Answer | None:
    for pattern, group in ((_FENCED, 1), (_WITH_SYNCED, 0), (_FIRST_OBJECT, 0)):
        match = pattern.search(text)
        if match is None:
            continue
        try:
            entries = json.loads(match[group])
            if not isinstance(entries, dict) or "synced" not in entries:
                continue
            return _from_entries(entries)
        except (ValueError, TypeError, RecursionError):
            continue
    return None


def _from_entries(entries: dict[str, object]) -> Answer:
    synced = entries["synced"]
    if isinstance(synced, str):
        synced = synced.strip().lower() in ("true", "yes", "1")
    direction = entries.get("direction")
    label = {"delay": "delayed", "early": "early"}.get(direction if isinstance(direction, str) else "", "desync")
    size_s = float(str(entries.get("offset_sec") or 0.0))
    signed = {"delayed": size_s, "early": -size_s}.get(label)
    return Answer("synced", 0.0, method="paper") if synced else Answer(label, signed, method="paper")


def _shift(low: str) -> Answer:
    times = [float(found[1]) for found in _TIME.finditer(low)][:2]
    visual_s, audio_s = (times[0], times[-1]) if times else (None, None)
    if not any(word in low for word in _DESYNC):
        # Sync words are looked for next, but where they are missing too the outcome is the same.
        return Answer("synced", None, visual_s, audio_s, method="paper")
    offset = _OFFSET.search(low)
    label = "desync"
    if any(word in low for word in _LATE):
        label = "delayed"
    elif any(word in low for word in _EARLY):
        label = "early"
    elif visual_s is not None and audio_s is not None and visual_s != audio_s:
        label = "delayed" if audio_s > visual_s else "early"
    size_s = float(offset[1]) if offset else None
    signed = None if size_s is None or label == "desync" else size_s if label == "delayed" else -size_s
    return Answer(label, signed, visual_s, audio_s, method="paper")


def _mute(low: str) -> Answer:
    """Muted only for a plain claim of silence, and never where a sound is named; anything doubtful is "synced"."""
    silent = any(word in low for word in _SILENT)
    return Answer("muted" if silent and not any(word in low for word in _SOUNDS) else "synced", method="paper")


def _swap(low: str) -> Answer:
    """Mismatched at any doubt whether sound and picture belong together; anything else is "synced"."""
    return Answer("mismatched" if any(word in low for word in _DOUBT) else "synced", method="paper")
