"""A small export to train on, a config for it, and what a finished run left behind."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from tests.sounds import ding, make_ding_clip
from thud.media.sound import Sound
from thud.media.write import MODELS_RATE_HZ, to_models, write_wav
from thud.pairs.formats.write import write_trl
from thud.pairs.pair import Pair, Shown

ROOT = Path(__file__).parents[2]
PROMPT = "Do the picture and the sound of this clip belong together?"
ANSWERS = {
    "synced": "Yes, they are in time with each other.",
    "delayed": "No. The sound comes late.",
    "muted": "There is no sound at all; the clip is silent.",
}
SECONDS = 0.6


def make_export(folder: Path, clips: int = 6) -> Path:
    """A TRL export of `clips` clips, one in three held out: each in time, late and silent, with a wrong answer each.

    It serves both stages: SFT reads the chosen answers only.
    """
    pairs = [pair for number in range(clips) for pair in _pairs(folder / "media", number)]
    write_trl(pairs, folder / "export", folder)
    return folder / "export"


def _pairs(folder: Path, number: int) -> list[Pair]:
    folder.mkdir(parents=True, exist_ok=True)
    clip = make_ding_clip(folder / f"{number}.mp4", SECONDS, 0.1 + 0.02 * number, seed=number)
    heard = {
        "synced": ding(SECONDS, 0.1 + 0.02 * number, seed=number),
        "delayed": ding(SECONDS, 0.4, seed=number),
        "muted": Sound(np.zeros((round(SECONDS * MODELS_RATE_HZ), 1), np.float32), MODELS_RATE_HZ),
    }
    made = []
    for label, sound in heard.items():
        path = folder / f"{number}-{label}.wav"
        write_wav(path, to_models(sound))
        wrong = "synced" if label != "synced" else "delayed"
        shown = Shown(clip.path, str(path), clip.sha256)
        made.append(
            Pair(
                "shift", PROMPT, ANSWERS[label], ANSWERS[wrong], shown,
                clip_id=clip.id, source=clip.id, task="sync", condition=label, label=label, rejected_label=wrong,
                split="validation" if number % 3 == 2 else "train",
            )
        )  # fmt: skip
    return made


def config(weights: Path, pairs: Path, output: Path, **more: Any) -> dict[str, Any]:
    """A config that takes seconds: 2 pictures of 28 px, LoRA of rank 4 with dropout, so that chance plays a part."""
    return {
        "stage": "sft", "base": str(weights), "data": str(pairs), "output": str(output),
        "lora": {"rank": 4, "alpha": 8, "dropout": 0.2}, "learning_rate": 1e-3, "batch_size": 2, "max_steps": 6,
        "fps": 4, "max_frames": 2, "size_px": 28, "save_every": 2, "answer_tokens": 4,
    } | more  # fmt: skip


def write_config(given: Mapping[str, Any]) -> Path:
    """The file of a config, in the folder of its run."""
    folder = Path(given["output"])
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "config.json"
    path.write_text(json.dumps(given), encoding="utf-8")
    return path


def lines(run: Path, event: str = "") -> list[dict[str, Any]]:
    """The lines of a run's metrics, whatever is cut off left out."""
    path = run / "metrics.jsonl"
    if not path.exists():
        return []
    texts = [text for text in path.read_text().splitlines(keepends=True) if text.endswith("\n")]
    found = [json.loads(text) for text in texts]
    return [line for line in found if not event or line["event"] == event]


def losses(run: Path) -> dict[int, float]:
    """Loss by step; a step that stands there twice is a mistake."""
    steps = lines(run, "step")
    assert len({line["step"] for line in steps}) == len(steps), "a step stands in the metrics twice"
    return {line["step"]: line["loss"] for line in steps}


def environment() -> dict[str, str]:
    """Of a trainer in a test: one thread, and a machine that is left to others."""
    return os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}


def start(*command: str) -> subprocess.Popen[str]:
    """Python with these arguments, in the background."""
    return subprocess.Popen(
        [sys.executable, *command], cwd=ROOT, env=environment(), text=True, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )  # fmt: skip
