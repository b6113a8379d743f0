"""Tiny models and clips for the tests of local listeners: assign `models` and `clips` to have the fixtures."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.barcode import BarcodeClip, make_clip
from tests.tiny_omni import (
    write_adapter,
    write_qwen3_omni,
    write_qwen3_vl,
    write_qwen25_omni,
    write_qwen25_vl,
)
from thud.media.sound import Sound
from thud.media.write import to_models, write_wav
from thud.providers.transformers import Seen, close_model

SMALL_PX = 84
TOKENS = 8


class Models:
    """Folders of tiny models, each written when it is first asked for."""

    MAKERS = {
        "qwen25": write_qwen25_omni, "qwen3": write_qwen3_omni, "vl25": write_qwen25_vl, "vl3": write_qwen3_vl,
    }  # fmt: skip

    def __init__(self, root: Path) -> None:
        self.root = root

    def __call__(self, name: str) -> str:
        folder = self.root / name
        if not folder.exists():
            self.MAKERS[name](folder)
        return str(folder)

    def adapter(self) -> str:
        folder = self.root / "adapter"
        return str(folder if folder.exists() else write_adapter(folder, Path(self("qwen25"))))


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory):
    yield Models(tmp_path_factory.mktemp("models"))
    close_model()


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> dict[str, BarcodeClip]:
    root = tmp_path_factory.mktemp("clips")
    made = {
        "a": make_clip(root / "a.mp4", seconds=3.0, width=160, height=96, seed=1),
        "b": make_clip(root / "b.mp4", "25", seconds=4.0, width=160, height=96, first=900, click_s=0.7),
    }
    for name, clip in made.items():
        assert clip.sound is not None
        write_wav(root / f"{name}.wav", to_models(clip.sound))
        late = np.roll(clip.sound.samples, 24_000, axis=0)
        write_wav(root / f"{name}-late.wav", to_models(Sound(late, 48_000)))
        write_wav(root / f"{name}-muted.wav", to_models(Sound(np.zeros_like(late), 48_000)))
    return made


def shown(clip: BarcodeClip, text: str = "Do they fit?", *, sound: str | None = "", picture: bool = True) -> Seen:
    """The clip with its sound ("" = its own, "-late", "-muted", None = no sound at all)."""
    wav = "" if sound is None else str(clip.path.with_name(f"{clip.path.stem}{sound}.wav"))
    return Seen(text, str(clip.path) if picture else "", wav, fps=4.0, size_px=SMALL_PX)
