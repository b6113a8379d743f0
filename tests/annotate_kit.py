"""Clips that look different from each other, vendors' servers that answer about them, and a workspace with both."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tests.sounds import ding
from tests.vendors import Asked, ClaudeServer, GeminiServer, GptServer, VendorServer
from thud.events.annotators import ANNOTATORS, Annotator, parse_annotator
from thud.media.encode import write_clip
from thud.media.picture import picture_hash
from thud.media.probe import probe
from thud.records import Clip
from thud.runs.jobs.ingest import hash_file
from thud.runs.run import Runs
from thud.store import Store, open_store

SECONDS, EVENT_S, HEARD_S = 1.6, 0.8, 0.82
FRAMES_ANSWER = {
    "visual_event": "a flash",
    "unit": 1,
    "time_s": EVENT_S,
    "uncertain": False,
    "sentence": "Seen at once.",
}
VIDEO_ANSWER = {
    "visual_event": "a flash",
    "visual_time_s": EVENT_S,
    "audio_event": "a tone",
    "audio_time_s": HEARD_S,
    "confidence": "high",
    "uncertain": False,
    "sentence": "Seen and heard.",
}


def make_numbered_clip(folder: Path, number: int) -> Clip:
    """A clip whose picture carries its number in sixteen blocks; its tone begins at EVENT_S."""
    path = folder / f"clip_{number:04d}.mp4"
    still = np.zeros((48, 64, 3), np.uint8)
    for bit in range(16):
        row, column = divmod(bit, 4)
        still[12 * row : 12 * row + 12, 16 * column : 16 * column + 16] = 220 if number >> bit & 1 else 20
    frames = (np.roll(still, k, axis=1) for k in range(round(SECONDS * 25)))
    write_clip(path, frames, 25, ding(SECONDS, EVENT_S, seed=number))
    return Clip(hash_file(path), str(path), path.stem, probe(path), picture_hash(path))


def answer_frames(asked: Asked) -> str:
    """What a model that is shown stills says of these clips."""
    return json.dumps(FRAMES_ANSWER)


def answer_video(asked: Asked) -> str:
    """What a model that hears and sees them says."""
    return json.dumps(VIDEO_ANSWER)


@dataclass(frozen=True, slots=True)
class Vendors:
    """Three servers and the annotators that lead to them."""

    gemini: GeminiServer
    gpt: GptServer
    claude: ClaudeServer

    def annotator(self, name: str, **more: Any) -> Annotator:
        """The annotator of that name as it ships, but asked here, without waiting, by one worker: each takes seconds
        to start."""
        server: VendorServer = getattr(self, name)
        usual = {
            "name": name,
            "base_url": server.url,
            "per_minute": 10_000,
            "at_once": 1,
            "model": ANNOTATORS[name].model,
        }
        return parse_annotator({**usual, **more})

    @property
    def servers(self) -> tuple[VendorServer, ...]:
        return self.gemini, self.gpt, self.claude

    @property
    def billed_twice(self) -> int:
        """How many questions were answered whole more than once."""
        return sum(count > 1 for server in self.servers for count in server.billed.values())


@contextmanager
def vendors(**named: Any) -> Iterator[Vendors]:
    """The three servers, running; named: for each of them."""
    with ExitStack() as stack:
        yield Vendors(
            stack.enter_context(GeminiServer(answer=answer_video, **named)),
            stack.enter_context(GptServer(answer=answer_frames, **named)),
            stack.enter_context(ClaudeServer(answer=answer_frames, **named)),
        )


@dataclass(frozen=True, slots=True)
class Place:
    """A workspace with clips, its store and its runs."""

    store: Store
    runs: Runs
    workspace: Path


@contextmanager
def workspace(folder: Path, clips: list[Clip]) -> Iterator[Place]:
    """An open workspace in `folder` that knows these clips."""
    space = folder / "workspace"
    space.mkdir(parents=True, exist_ok=True)
    with open_store(folder / "annotations.duckdb", space, min_free_bytes=0) as store, Runs(store, space) as runs:
        store.add_clips(clips, "test")
        yield Place(store, runs, space)
        for run in runs.runs():
            if run.state in ("queued", "running"):
                runs.cancel(run.id)
