"""A small workspace whose pairs can be written to files: two clips, three sounds each, every shape of pair."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from tests.clips import make_clip, truth
from thud.disk import file_sha256
from thud.media.sound import Sound
from thud.media.write import to_models, write_wav
from thud.pairs.pair import Pair, Shown
from thud.records import Clip, Intervention, Proof, Stimulus, stimulus_folder, stimulus_id
from thud.runs.jobs.ingest import read_clip
from thud.runs.sources import Source

SOUNDS = {"late": 0.5, "early": -0.5, "plain": 0.0}
"""How much later its click is heard than at 1.0 s, when it is seen."""


@dataclass(frozen=True, slots=True)
class Bench:
    """workspace, its clips and stimuli, and per clip: both sides of CTP, one input-contrastive, one choice question."""

    workspace: Path
    clips: tuple[Clip, ...]
    stimuli: tuple[Stimulus, ...]
    pairs: tuple[Pair, ...]


def bench(root: Path) -> Bench:
    workspace = root / "workspace"
    sources = root / "clips"
    sources.mkdir(parents=True)
    clips = tuple(_clip(sources / f"{name}.mp4", seconds) for name, seconds in (("one", 2.0), ("two", 2.2)))
    made = {clip.id: {name: _stimulus(workspace, clip, late_s) for name, late_s in SOUNDS.items()} for clip in clips}
    one, two = clips
    pairs = (*_of(one, made[one.id], "train"), *_of(two, made[two.id], "validation"))
    return Bench(workspace, clips, tuple(each for many in made.values() for each in many.values()), pairs)


def _stimulus(workspace: Path, clip: Clip, late_s: float) -> Stimulus:
    edit = Intervention("shift", late_s) if late_s else Intervention("original")
    name = f"{stimulus_id(clip.id, edit)}.wav"
    path = stimulus_folder(workspace, clip.id) / name
    path.parent.mkdir(parents=True, exist_ok=True)
    write_wav(path, to_models(Sound(truth(clip.probe.duration_s, click_s=1.0 + late_s), 48_000)))
    proof = Proof("verified", (), clip.probe.duration_s, clip.picture_hash, models_sha256=file_sha256(path))
    return Stimulus(clip.id, edit, name, "", proof)


def _clip(path: Path, seconds: float) -> Clip:
    make_clip(path, seconds=seconds)
    return read_clip(Source(str(path), str(path.parent), path.stem, "", "", None, None, ""))


def shown(clip: Clip, stimulus: Stimulus) -> Shown:
    sound = f"stimuli/{clip.id}/{stimulus.models}"
    return Shown(clip.path, sound, clip.sha256, stimulus.proof.models_sha256)


def _of(clip: Clip, stimuli: dict[str, Stimulus], split: str) -> list[Pair]:
    ask = "Does the sound of the knock come with the picture, or apart from it?"
    late = "The knock is seen at 1.0 s and heard at 1.5 s, so the sound is about half a second late."
    synced = "The knock is seen and heard at 1.0 s: they are in sync."
    base = Pair(
        "CTP", ask, late, synced, shown(clip, stimuli["late"]), clip_id=clip.id,
        stimulus_id=stimuli["late"].id, source=clip.source, task="sync", condition="delayed", offset_s=0.5,
        visual_s=1.0, audio_s=1.5, duration_s=clip.probe.duration_s, label="delayed", rejected_label="synced",
        template="ctp:1", seed=3, split=split, 
        origin={"times": {"visual_s": 1.0, "audio_s": 1.0, "method": "gold"}, "twin": stimuli["plain"].id},
    )  # fmt: skip
    twin = replace(
        base, chosen=synced, rejected=late, shown=shown(clip, stimuli["plain"]), condition="original", offset_s=None,
        audio_s=1.0, label="synced", rejected_label="delayed", stimulus_id=stimuli["plain"].id,
    )  # fmt: skip
    contrast = replace(
        base, type="input", rejected=late, rejected_label="delayed", rejected_shown=shown(clip, stimuli["early"])
    )
    options = (("A", "A knock"), ("B", "A “whistle”"))
    choice = replace(
        base, type="FV-A", prompt="What is heard?\nA. A knock\nB. A “whistle”", chosen="A. A knock",
        rejected="B. A “whistle”", task="choice", label="A", rejected_label="B", options=options, offset_s=None,
    )  # fmt: skip
    return [base, twin, contrast, choice]
