"""What the entries of a JSON answer say, by task. A missing entry is never filled in."""

from __future__ import annotations

import re
from typing import Any

from thud.evaluation.reading.jsonish import seconds, truth
from thud.evaluation.reading.sync import SAME_S, Reading, read_sync
from thud.evaluation.reading.text import sentences

_SYNCED = re.compile(
    r"(?:is_|are_|in_)*(?:audio_video_|av_)?(?:synced|synchroni[sz]ed|sync|synch|aligned"
    r"|in_sync)(?:_status)?|matched_in_time|(?:\w+_)?alignment|(?:\w+_)?sync(?:hroni[sz]ation)?_?(?:ok|good|present)?"
)
_DESYNCED = re.compile(
    r"(?:is_|has_)?(?:desync|desynced|out_of_sync|misaligned|mismatch|offset_present"
    r"|delayed_or_early|desynchroni[sz]ed)"
)
_LABELS = (
    "label",
    "answer",
    "prediction",
    "verdict",
    "class",
    "result",
    "status",
    "classification",
    "direction",
    "final_answer",
    "conclusion",
    "judgment",
    "judgement",
    "decision",
    "category",
    "response",
    "audio_direction",
    "shift",
    "shift_direction",
    "offset_direction",
    "timing",
    "av_alignment",
    "alignment",
    "synchronization",
    "synchronisation",
    "synchronized",
    "sync_status",
    "synced",
    "sync",
    "audio",
    "audio_offset_direction",
    "choice",
    "output",
)
_WORDS = {
    "synced": "synced in_sync synchronized synchronised sync aligned in-sync synchronous original",
    "delayed": "delayed delay late audio_late audio_delayed sound_late lag lagging lags audio_lag "
    "audio_lags audio_behind behind audio_delay after sound_delayed audio_after_video "
    "audio_lags_video late_audio delayed_audio positive",
    "early": "early audio_early ahead lead leading leads audio_leads audio_ahead sound_early before "
    "audio_before_video advance advanced audio_leads_video early_audio precedes",
    "desync": "desync desynced desynchronised unsynchronised not_synchronised "
    "out_of_sync unsynced unsynchronized not_synced not_synchronized "
    "desynchronized misaligned not_in_sync mismatch mismatched async offset not_aligned",
    "muted": "muted mute silent silence no_sound no_audio none_audible",
    "audio_described": "audio_described audio sound described has_sound",
    "visual_only": "visual_only visual",
    "match": "match matched matches matching consistent belongs yes_match",
    "mismatched": "mismatch mismatched inconsistent unrelated swapped no_match not_matching not_match "
    "does_not_match different",
    "refused": "refused refusal cannot_determine_refused",
}
_KNOWN = {word: label for label, listed in _WORDS.items() for word in listed.split()}
_ALLOWED = {
    "sync": {"synced", "delayed", "early", "desync", "muted", "visual_only", "refused"},
    "existence": {"muted", "audio_described", "visual_only", "refused"},
    "consistency": {"match", "mismatched", "muted", "visual_only", "refused"},
}
_VISUAL = re.compile(
    r"(?:t_?v|visual_s|visual|visual_time(?:_s|_sec)?|t_visual|video_time(?:_s|_sec)?|visual_sec"
    r"|visual_seconds|visual_timestamp|t_video|picture_s|visual_event_time|visual_impact(?:_time)?"
    r"|video_s|impact_time|visual_event(?:_s|_time)?|time_visual|video_timestamp|visual_time_ms"
    r"|video_ms|visual_ms)"
)
_AUDIO = re.compile(
    r"(?:t_?a|audio_s|audio_time(?:_s|_sec)?|t_audio|sound_time(?:_s|_sec)?|audio_sec"
    r"|audio_seconds|audio_timestamp|sound_s|t_sound|sound_timestamp|audio_event_time"
    r"|audio_event(?:_s|_time)?|time_audio|audio|sound|audio_ms|sound_ms|audio_impact(?:_time)?"
    r"|audio_time_ms)"
)
_OFFSET = re.compile(
    r"(?:\w+_)?(?:offset|delay|lag|shift|gap|difference)(?:_s|_sec|_secs|_seconds|_ms"
    r"|_milliseconds|_estimate|_amount|_in_seconds)?"
)


def read_fields(task: str, fields: dict[str, Any]) -> Reading | None:
    """What the entries decide; "unparsed" where they contradict each other, None where they decide nothing."""
    if task == "sync":
        return _sync(fields)
    if task == "existence":
        return _existence(fields)
    return _consistency(fields) if task == "consistency" else None


def named(task: str, fields: dict[str, Any]) -> list[str]:
    """The labels that entries name in words, in the order of the usual names."""
    found = []
    for name in _LABELS:
        value = fields.get(name)
        if isinstance(value, str):
            word = re.sub(r"[^a-z]+", "_", value.lower()).strip("_")
            word = re.sub(r"^(?:the_)?(?:is_)?", "", word)
            label = _KNOWN.get(word, "")
            label = {"match": "synced"}.get(label, label) if task == "sync" else label
            label = {"desync": "mismatched"}.get(label, label) if task == "consistency" else label
            if label in _ALLOWED.get(task, set()):
                found.append(label)
    return found


def _first(fields: dict[str, Any], names: re.Pattern[str]) -> float | None:
    for name, value in fields.items():
        if names.fullmatch(name) and (read := seconds(value, name)) is not None:
            return read
    return None


def _flag(fields: dict[str, Any], names: re.Pattern[str]) -> bool | None:
    for name, value in fields.items():
        if names.fullmatch(name) and (read := truth(value)) is not None:
            return read
    return None


_WHO_FIRST = re.compile(r"(?:\w+_)?(?:first|leads?|leading|earlier|early|ahead)(?:_\w+)?")
_WHO_LAST = re.compile(r"(?:\w+_)?(?:late|later|lags?|lagging|behind|last|trailing|delayed|second)(?:_\w+)?")
_SIDE = re.compile(r"(?:the )?(?:(audio|sound|soundtrack)|(video|picture|image|visuals?))(?: track| stream)?")


def _sides(fields: dict[str, Any]) -> set[str]:
    """The directions told by naming a side ("leading_track": "audio") or an order ("order": "sound_before_picture")."""
    found = set()
    for name, value in fields.items():
        side = _SIDE.fullmatch(value.strip().lower()) if isinstance(value, str) else None
        first = bool(_WHO_FIRST.fullmatch(name))
        if side and (first or _WHO_LAST.fullmatch(name)):
            found.add("early" if first == bool(side[1]) else "delayed")
        elif (
            isinstance(value, str)
            and len(value) <= 60
            and any(word in name for word in ("order", "relation", "direction", "position"))
        ):
            subject = name.split("_")[0] + " is " if name.startswith(("audio_pos", "sound_pos")) else ""
            told = read_sync(sentences(subject + value.replace("_", " "))).label
            found |= {told} & {"early", "delayed"}
    return found


def _sync(fields: dict[str, Any]) -> Reading | None:
    synced, desynced = _flag(fields, _SYNCED), _flag(fields, _DESYNCED)
    if synced is None and desynced is not None:
        synced = not desynced
    visual_s, audio_s, said = _first(fields, _VISUAL), _first(fields, _AUDIO), _first(fields, _OFFSET)
    labels = set(named("sync", fields))
    labels |= _sides(fields) if not synced else set()
    directed = labels & {"delayed", "early"}
    if synced is None and not labels:
        return None if visual_s is None or audio_s is None else _by_times(visual_s, audio_s, said)
    if len(directed) > 1 or (synced and labels - {"synced"}) or (synced is False and "synced" in labels):
        return Reading("unparsed")
    if "synced" in labels and len(labels) > 1:
        return Reading("unparsed")
    if synced or "synced" in labels:
        return Reading("synced", 0.0 if said == 0 else None, visual_s, audio_s)
    label = next(iter(directed), "") or next(iter(labels - {"desync"}), "desync")
    apart = None if visual_s is None or audio_s is None else round(audio_s - visual_s, 3)
    if label == "desync" and apart is not None and abs(apart) > SAME_S:
        label = "delayed" if apart > 0 else "early"
    elif label == "desync" and said is not None and said < 0:
        label = "early"
    return Reading(label, _signed(label, said, apart), visual_s, audio_s)


def _by_times(visual_s: float, audio_s: float, said: float | None) -> Reading:
    apart = round(audio_s - visual_s, 3)
    label = "synced" if abs(apart) <= SAME_S else "delayed" if apart > 0 else "early"
    return Reading(label, _signed(label, said, apart), visual_s, audio_s)


def _signed(label: str, said: float | None, apart: float | None) -> float | None:
    if label == "delayed" and said:
        return abs(said)
    if label == "early" and said:
        return -abs(said)
    return apart


_HAS_SOUND = re.compile(
    r"(?:has_|is_|any_)?(?:audio|sound|audible)(?:_present|_exists|_track|_detected|_audible"
    r"|_heard)?|audible|hears?_(?:sound|audio)"
)


def _existence(fields: dict[str, Any]) -> Reading | None:
    labels = set(named("existence", fields))
    muted = _flag(fields, re.compile(r"(?:is_)?(?:muted|silent|silence|mute)"))
    sound = _flag(fields, _HAS_SOUND)
    votes = set(labels)
    votes |= {"muted"} if muted else set()
    votes |= {"audio_described"} if sound or muted is False else {"muted"} if sound is False else set()
    if len(votes) > 1:
        return Reading("unparsed")
    return Reading(votes.pop()) if votes else None


def _consistency(fields: dict[str, Any]) -> Reading | None:
    votes = set(named("consistency", fields))
    good = _flag(
        fields,
        re.compile(
            r"(?:is_|are_|audio_|sound_)*(?:match|matches|matched|consistent|consistency|belongs"
            r"|corresponds|fits|same_source|related|compatible|plausible|coherent|congruent|same_event)"
        ),
    )
    bad = _flag(fields, re.compile(r"(?:is_|are_)?(?:mismatch|mismatched|inconsistent|swapped|unrelated|dubbed)"))
    votes |= set() if good is None else {"match" if good else "mismatched"}
    votes |= set() if bad is None else {"mismatched" if bad else "match"}
    if len(votes) > 1:
        return Reading("unparsed")
    if not votes and _flag(fields, _HAS_SOUND) is False:
        return Reading("muted")
    return Reading(votes.pop()) if votes else None
