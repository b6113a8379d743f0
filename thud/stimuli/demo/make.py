"""Makes the demo workspace's clips: films of small events, drawn and synthesised, whose event times are exact."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from thud.errors import BadRequest
from thud.media.encode import write_clip
from thud.stimuli.demo.acoustics import record
from thud.stimuli.demo.canvas import render
from thud.stimuli.demo.cast import ACTS, Act
from thud.stimuli.demo.shot import Shot, draw_shot
from thud.stimuli.held_out import DEMO, HELD_OUT

CRF = 28
"""Flat pictures lose nothing visible, and a clip stays under 170 kB with its sound."""


@dataclass(frozen=True, slots=True)
class DemoClip:
    """One clip that was made. path: relative to the folder. source: what it is clustered and split by.

    visual_s: time of the first frame on which contact is seen. audio_s: first sample of its sound, 0 to 24 ms later.
    """

    path: str
    title: str
    kind: str
    source: str
    visual_s: float
    audio_s: float


def make_demo(
    folder: Path, seed: int = 7, count: int = 24, on_progress: Callable[[int, int], None] | None = None
) -> list[DemoClip]:
    """Write `count` clips and manifest.jsonl (a DemoClip as JSON per line) into `folder`; same seed, same bytes.

    on_progress(done, count) is called after every clip. Clip k is the same for every `count` above k.
    Raises BadRequest for a count below 1; StoreFull when the disk is full.
    """
    if count < 1:
        raise BadRequest(f"The demo needs at least one clip; {count} were asked for.")
    folder.mkdir(parents=True, exist_ok=True)
    clips = []
    for index in range(count):
        clips.append(make_clip(folder, seed, index))
        if on_progress is not None:
            on_progress(index + 1, count)
    _write_manifest(folder / "manifest.jsonl", clips)
    return clips


def make_clip(folder: Path, seed: int, index: int, held_out: bool = False) -> DemoClip:
    """Write clip `index` of the demo of `seed` into `folder`; the same whichever others are made.

    held_out: say in its title and source that it is kept for testing; what is seen and heard is the same.
    """
    act, shot = plan(seed, index)
    clip = DemoClip(
        path=f"{act.kind}_{index + 1:02d}.mp4",
        title=act.titles[shot.variant] + (" (held out)" if held_out else ""),
        kind=act.kind,
        source=(HELD_OUT if held_out else DEMO) + act.kind,
        visual_s=shot.visual_s,
        audio_s=shot.audio_s,
    )
    sound = record(act.voice(shot.dice(10), shot.variant), shot, act.tail_s)
    write_clip(folder / clip.path, render(act.scene(shot), shot), shot.fps, sound, crf=CRF)
    return clip


def plan(seed: int, index: int) -> tuple[Act, Shot]:
    """What happens in clip `index` and how it is shot: kinds take turns, looks alternate from round to round."""
    act = ACTS[index % len(ACTS)]
    return act, draw_shot(seed, index, variant=index // len(ACTS) % 2)


def _write_manifest(path: Path, clips: list[DemoClip]) -> None:
    """One JSON line per clip, moved into place whole."""
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    part.write_text("".join(json.dumps(asdict(clip), ensure_ascii=False) + "\n" for clip in clips), encoding="utf-8")
    part.replace(path)
