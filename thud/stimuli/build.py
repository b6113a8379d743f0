"""Builds all stimuli of one clip: decode once, edit, write, read back, prove.

Every condition, the original too, goes through the same steps, so nothing but the sound tells them apart.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np

from thud.errors import BadRequest, RefusedClip, RefusedEdit
from thud.media.probe import probe
from thud.media.sound import Sound, parse_written, read_sound
from thud.media.write import to_models, write_flac, write_wav
from thud.records import (
    Clip,
    EventTimes,
    Intervention,
    MuteFill,
    ShiftFill,
    Stimulus,
    stimulus_from_json,
    stimulus_id,
)
from thud.stimuli.donors import Donor, choose_donor, match_format
from thud.stimuli.interventions import check_shift, event_survives, mute, shift, swap
from thud.stimuli.proof import Reference, Written, prove, words
from thud.stimuli.room import DIGITAL_SILENCE_DBFS, Room, Samples, dbfs, find_room

SHIFT_FILLS: tuple[ShiftFill, ...] = ("room", "silence", "circular")
MUTE_FILLS: tuple[MuteFill, ...] = ("silence", "room", "drop_stream")


NameOf = Callable[[str, Intervention], str]
"""File name of a stimulus, without suffix, from clip id and edit."""


@dataclass(frozen=True, slots=True)
class BuildSettings:
    """What to build for every clip. shifts: signed seconds, + late. The original is always built.

    balanced: of the shifts, one early and one delayed for each clip, drawn so that the sound's place says little; the
    draw is over all clips that are built together (see `thud.stimuli.balance`), `plan_clip` takes what it is given.
    """

    shifts: tuple[float, ...] = ()
    shift_fill: ShiftFill = "room"
    mutes: tuple[MuteFill, ...] = ()
    swap: bool = False
    seed: int = 0
    balanced: bool = False

    @classmethod
    def parse(cls, row: Mapping[str, Any]) -> BuildSettings:
        """Settings from a stranger's JSON; BadRequest says what is wrong with it."""
        unknown = set(row) - {"shifts", "shift_fill", "mutes", "swap", "seed", "balanced"}
        if unknown:
            raise BadRequest(f"unknown build setting: {', '.join(sorted(unknown))}")
        try:
            shifts = tuple(dict.fromkeys(round(float(s), 4) for s in row.get("shifts", ())))
            seed = int(row.get("seed", 0))
        except (TypeError, ValueError) as error:
            raise BadRequest(f"shifts are seconds and the seed is a whole number ({error})") from error
        fill, mutes = row.get("shift_fill", "room"), tuple(dict.fromkeys(row.get("mutes", ())))
        if fill not in SHIFT_FILLS or not set(mutes) <= set(MUTE_FILLS):
            raise BadRequest("a shift is filled with room, silence or circular; a mute is silence, room or drop_stream")
        if not all(np.isfinite(shifts)) or 0.0 in shifts or not 0 <= seed < 2**31:
            raise BadRequest("shifts are seconds other than 0, and the seed lies between 0 and 2147483647")
        return cls(shifts, fill, mutes, bool(row.get("swap", False)), seed, bool(row.get("balanced", False)))


@dataclass(frozen=True, slots=True)
class Refused:
    """An edit that was asked for and is not possible, with the reason."""

    edit: Intervention
    reason: str


@dataclass(frozen=True, slots=True)
class ClipPlan:
    """What will be built for one clip, and what will not."""

    edits: tuple[Intervention, ...]
    refused: tuple[Refused, ...]


def plan_clip(
    clip: Clip,
    times: EventTimes | None,
    settings: BuildSettings,
    pool: Sequence[Donor],
    rejected: Collection[str] = (),
) -> ClipPlan:
    """The interventions of one clip under `settings`, refusals found without decoding anything."""
    if not clip.probe.has_sound:
        return ClipPlan((), tuple(Refused(e, "the clip has no sound") for e in _wanted(settings)))
    edits, refused = [], []
    for edit in _wanted(settings):
        try:
            if edit.kind == "shift":
                check_shift(edit, times, clip.probe.duration_s)
            if edit.kind == "swap":
                edit = _with_donor(edit, times, choose_donor(clip, pool, settings.seed, rejected))
            edits.append(edit)
        except RefusedEdit as error:
            refused.append(Refused(edit, str(error)))
    return ClipPlan(tuple(edits), tuple(refused))


def _wanted(settings: BuildSettings) -> list[Intervention]:
    shifts = [Intervention("shift", s, settings.shift_fill, seed=settings.seed) for s in sorted(settings.shifts)]
    mutes = [Intervention("mute", fill=fill, seed=settings.seed) for fill in settings.mutes]
    swaps = [Intervention("swap", seed=settings.seed)] if settings.swap else []
    return [Intervention("original"), *shifts, *mutes, *swaps]


def _with_donor(edit: Intervention, times: EventTimes | None, donor: Donor) -> Intervention:
    event_s = times.audio_s if times else None
    aligned = event_s is not None and donor.audio_s is not None
    return Intervention(
        "swap",
        donor=donor.clip.id,
        donor_audio_s=donor.audio_s if aligned else None,
        event_s=event_s if aligned else None,
        seed=edit.seed,
    )


@dataclass(slots=True)
class _Bench:
    """One clip's sound and what is derived from it once."""

    clip: Clip
    sound: Sound
    reference: Reference
    room: Room
    folder: Path
    donors: Mapping[str, str]
    name_of: NameOf


def build_clip(
    clip: Clip,
    times: EventTimes | None,
    edits: Sequence[Intervention],
    donors: Mapping[str, str],
    folder: Path,
    name_of: NameOf = stimulus_id,
) -> tuple[list[Stimulus], list[Refused]]:
    """(stimuli written under `folder`, edits that turned out impossible). Already built and intact ones are kept.

    donors: clip id → path, for the swaps among `edits`. name_of: what a stimulus' files are called.
    A stimulus whose proof fails is kept and says so.
    Raises RefusedClip when the clip has no sound or cannot be decoded.
    """
    kept = {edit.id: _still_good(folder, clip, edit, name_of) for edit in edits}
    bench = None if all(kept.values()) else _open_bench(clip, donors, folder, name_of)
    stimuli: list[Stimulus] = []
    refused: list[Refused] = []
    for edit in edits:
        ready = kept[edit.id]
        survives = event_survives(edit, times, clip.probe.duration_s)
        try:
            if ready is None:
                assert bench is not None
                ready = _build_one(bench, edit, survives)
            stimuli.append(replace(ready, event_survives=survives))
        except RefusedEdit as error:
            refused.append(Refused(edit, str(error)))
    return stimuli, refused


def _still_good(folder: Path, clip: Clip, edit: Intervention, name_of: NameOf) -> Stimulus | None:
    found = load_stimulus(folder, name_of(clip.id, edit))
    return found if found is not None and found.clip_id == clip.id and found.intervention == edit else None


def _open_bench(clip: Clip, donors: Mapping[str, str], folder: Path, name_of: NameOf) -> _Bench:
    sound = read_sound(Path(clip.path), clip.probe)
    if sound is None:
        raise RefusedClip(f"{Path(clip.path).name} has no sound to edit")
    if dbfs(sound.samples) <= DIGITAL_SILENCE_DBFS:
        raise RefusedClip(f"the sound track of {Path(clip.path).name} is silent, so there is nothing to edit")
    folder.mkdir(parents=True, exist_ok=True)
    coarse = to_models(sound).samples[:, 0]
    return _Bench(
        clip,
        sound,
        Reference(sound.samples, coarse, sound.rate_hz),
        find_room(sound.samples, sound.rate_hz),
        folder,
        donors,
        name_of,
    )


def _build_one(bench: _Bench, edit: Intervention, survives: bool | None) -> Stimulus:
    edited = _edit(bench, edit)
    name = bench.name_of(bench.clip.id, edit)
    samples = np.zeros_like(bench.sound.samples) if edited.samples is None else edited.samples
    heard = Sound(samples, bench.sound.rate_hz)
    people = write_flac(bench.folder / f"{name}.flac", heard)
    models, written, donor = "", None, None
    if edited.samples is not None:
        low = to_models(heard)
        models = write_wav(bench.folder / f"{name}.wav", low).name
        written = _read_back(bench.folder / models, people)
        donor = Reference(samples, low.samples[:, 0], heard.rate_hz) if edit.kind == "swap" else None
    proof = prove(
        edit,
        bench.reference,
        written,
        duration_s=bench.clip.probe.duration_s,
        picture_hash=bench.clip.picture_hash,
        donor=donor,
        gain_db=edited.gain_db,
        notes=edited.notes,
    )
    stimulus = Stimulus(bench.clip.id, edit, models, people.name, proof, survives)
    _save_stimulus(bench.folder / f"{name}.json", stimulus)
    return stimulus


@dataclass(frozen=True, slots=True)
class _Edited:
    """An edited sound, (n, channels); None when its stream is dropped."""

    samples: Samples | None
    notes: tuple[str, ...] = ()
    gain_db: float | None = None


def _edit(bench: _Bench, edit: Intervention) -> _Edited:
    samples, rate = bench.sound.samples, bench.sound.rate_hz
    notes = _room_notes(bench.room) if edit.fill == "room" else ()
    if edit.kind == "shift":
        return _Edited(shift(samples, rate, edit.offset_s, edit.fill, bench.room, edit.seed), notes)
    if edit.kind == "mute":
        return _Edited(mute(samples, rate, edit.fill, bench.room, edit.seed), notes)
    return _swap(bench, edit) if edit.kind == "swap" else _Edited(samples)


def _room_notes(room: Room) -> tuple[str, ...]:
    return (room.words,) if room.quiet else (room.words, "the clip is never quiet, so the fill still carries its sound")


def _swap(bench: _Bench, edit: Intervention) -> _Edited:
    path = Path(bench.donors[edit.donor])
    sound = read_sound(path, probe(path))
    if sound is None:
        raise RefusedEdit(f"the donor {path.name} has no sound")
    lent = match_format(sound, bench.sound.rate_hz, bench.sound.samples.shape[1])
    placed, gain_db = swap(bench.sound.samples, lent.samples, bench.sound.rate_hz, edit)
    where = "donor starts with the clip" if edit.event_s is None else f"donor event placed at {edit.event_s:.3f} s"
    return _Edited(placed, (where,), gain_db)


def _read_back(models: Path, people: Path) -> Written:
    wav, flac = models.read_bytes(), people.read_bytes()
    coarse, fine = parse_written(wav, models.name), parse_written(flac, people.name)
    return Written(
        fine.samples,
        coarse.samples[:, 0],
        len(fine.samples) / fine.rate_hz,
        len(wav),
        sha256(wav).hexdigest(),
        sha256(flac).hexdigest(),
    )


def _save_stimulus(path: Path, stimulus: Stimulus) -> None:
    row = {"stimulus": asdict(stimulus), "words": words(stimulus.intervention, stimulus.proof)}
    aside = path.with_suffix(".json.part")
    aside.write_text(json.dumps(row, ensure_ascii=False))
    aside.replace(path)


def load_stimulus(folder: Path, name: str) -> Stimulus | None:
    """The stimulus called `name` as its proof file says, or None when it or one of its sounds is not there whole."""
    path = folder / f"{name}.json"
    try:
        stimulus = stimulus_from_json(json.loads(path.read_text())["stimulus"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
    whole = (folder / stimulus.people).is_file()
    if stimulus.models:
        models = folder / stimulus.models
        whole = whole and models.is_file() and models.stat().st_size == stimulus.proof.models_bytes
    return stimulus if whole else None
