"""Records as the page reads them. Pure: records in, JSON-ready dicts out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from thud.records import CONDITIONS, Clip, EventTimes, Intervention, Stimulus

Json = dict[str, Any]
Tally = Mapping[str, Mapping[str, int]]
"""condition → {"verified", "failed", "refused"} → how many, for one clip."""


def clip_state(clip: Clip, times: EventTimes | None, tally: Tally) -> str:
    """The one word the gallery files a clip under."""
    if clip.probe.damage:
        return "damaged"
    counts = {word: sum(row.get(word, 0) for row in tally.values()) for word in ("verified", "failed", "refused")}
    if counts["refused"] or counts["failed"]:
        return "refused"
    if counts["verified"]:
        return "verified"
    return "waiting" if times is None or times.audio_s is None else "none"


def card(clip: Clip, times: EventTimes | None, tally: Tally) -> Json:
    """A clip as the gallery shows it."""
    url = f"/media/clip/{clip.id}"
    return {
        "id": clip.id,
        "name": Path(clip.path).stem,
        "title": clip.title,
        "duration_s": clip.probe.duration_s,
        "kind": clip.kind,
        "source": clip.source,
        "synthetic": clip.synthetic,
        "has_sound": clip.probe.has_sound,
        "visual_s": times.visual_s if times else None,
        "audio_s": times.audio_s if times else None,
        "times_from": times.method if times else None,
        "damage": list(clip.probe.damage),
        "state": clip_state(clip, times, tally),
        "thumb": f"{url}/thumb.webp",
        "peaks": f"{url}/peaks.i8" if clip.probe.has_sound else None,
        "conditions": [
            {"condition": c, **{w: tally.get(c, {}).get(w, 0) for w in ("verified", "refused", "failed")}}
            for c in CONDITIONS
        ],
    }


def without_times(row: Json) -> Json:
    """The card without event times, for those who are to find them: some clips are there to check people."""
    return {**row, "visual_s": None, "audio_s": None, "times_from": None}


def clip_facts(clip: Clip) -> Json:
    """What the clip's own page adds to its card."""
    probe = {key: value for key, value in asdict(clip.probe).items() if key not in ("duration_s", "damage")}
    return {"sha256": clip.sha256, "path": clip.path, "picture_hash": clip.picture_hash, **probe}


def asked(edit: Intervention, donor_title: str = "") -> str:
    """What was asked for, in a few words."""
    if edit.kind == "shift":
        return f"{edit.offset_s:+.3f} s, {edit.fill}".replace("-", "−")
    if edit.kind == "mute":
        return {"silence": "digital silence", "room": "room tone", "drop_stream": "no stream"}[edit.fill]
    return {"original": "matched control", "swap": donor_title or "another clip"}[edit.kind]


def sound_row(stimulus: Stimulus, words: str, donor_title: str = "") -> Json:
    """One stimulus with its addresses and its proof."""
    edit = stimulus.intervention
    url = f"/media/stimulus/{stimulus.clip_id}/{stimulus.id}"
    return {
        "id": stimulus.id,
        "condition": stimulus.condition,
        "asked": asked(edit, donor_title),
        "offset_s": edit.offset_s if edit.kind in ("shift", "original") else None,
        "event_survives": stimulus.event_survives,
        "donor": edit.donor or None,
        "people": f"{url}/people.flac",
        "models": f"{url}/models.wav" if stimulus.models else None,
        "mux": f"{url}/file.mp4",
        "peaks": f"{url}/peaks.i8",
        "spectrogram": f"{url}/spectrogram.png",
        "proof": asdict(stimulus.proof),
        "words": words,
    }


def source_row(clip: Clip) -> Json:
    """The clip's own sound, before anything was built."""
    url = f"/media/clip/{clip.id}"
    return {
        "id": "source",
        "condition": "original",
        "asked": "as found",
        "offset_s": 0.0,
        "event_survives": None,
        "donor": None,
        "people": f"{url}/sound.flac",
        "models": None,
        "mux": None,
        "peaks": f"{url}/peaks.i8",
        "spectrogram": f"{url}/spectrogram.png",
        "proof": None,
        "words": "The clip's own sound, as found. Build soundtracks to get the matched control and the edits.",
    }


def in_order(stimuli: Iterable[Stimulus]) -> Sequence[Stimulus]:
    """Original first, then early to delayed, muted, swapped."""
    rank = {condition: number for number, condition in enumerate(CONDITIONS)}
    return sorted(stimuli, key=lambda s: (rank[s.condition], s.intervention.offset_s, s.intervention.fill, s.id))
