"""A chat server behind which something really listens: it decodes the sound that was sent and answers from that alone.

hearing(asked) answers the canary and the questions of the shipped sets; deaf(asked) always says the same.
"""

from __future__ import annotations

import base64
import io
from typing import Any

import numpy as np
import soundfile
from numpy.typing import NDArray

from tests.vendors import Asked
from tests.vendors.chat_server import parts

QUIET = 0.05


def sound_sent(asked: Asked) -> NDArray[np.float32] | None:
    """The mono sound of the first sound part of a request, at 16 kHz; None where there is none."""
    for part in parts(asked.json):
        data = _data(part)
        if data:
            return np.asarray(
                soundfile.read(io.BytesIO(base64.b64decode(data)), dtype="float32", always_2d=True)[0][:, 0]
            )
    return None


def _data(part: dict[str, Any]) -> str:
    if part["type"] == "input_audio":
        return str(part["input_audio"]["data"])
    if part["type"] == "audio_url":
        return str(part["audio_url"]["url"]).partition("base64,")[2]
    return ""


def words_sent(asked: Asked) -> str:
    """All text of a request."""
    return " ".join(part["text"] for part in parts(asked.json) if part["type"] == "text")


def onsets(mono: NDArray[np.float32]) -> list[float]:
    """Seconds at which a sound begins after at least 0.2 s of quiet."""
    loud = np.flatnonzero(np.abs(mono) > QUIET)
    starts = [int(loud[0])] if len(loud) else []
    starts += [int(b) for a, b in zip(loud, loud[1:], strict=False) if b - a > 3200]
    return [start / 16000 for start in starts]


def hearing(asked: Asked) -> str:
    """What is true of the sound that was sent."""
    mono, question = sound_sent(asked), words_sent(asked)
    found = onsets(mono) if mono is not None else []
    if "How many beeps" in question:
        return str(len(found))
    if "hear the beep" in question:
        return f"At {found[0]:.2f} seconds." if found else "I hear no beep."
    if not found:
        return "There is no sound in this clip."
    return f"I hear a sudden bright ding at {found[0]:.2f} s."


def deaf(asked: Asked) -> str:
    """What a model says that never gets the sound."""
    return "I hear a loud crash at 2 seconds, perfectly in sync with the picture."
