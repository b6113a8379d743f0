"""What a file tells before anybody listens: its size, its length, its tags, its silent edges, its level. Pure.

Bytes and samples come in, plain numbers go out. Nothing in here looks at what the sound is of.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from thud.records import content_id

FEATURES_VERSION = 1
"""Part of the key under which measured files are kept: raise it when the same file would give other numbers."""

SILENCE_DB = -120.0
"""What digital silence counts as, so that it has a place among levels."""
EDGE_S, WINDOW_S = 0.1, 0.05
FLOOR_SHARE = 0.1


@dataclass(frozen=True, slots=True)
class FileFacts:
    """Numbers of the files of one stimulus: the sound for models whole, of the one for people its frame.

    tags: what stands beside the samples, as a number that is equal for equal tags; 0 = nothing. format: rate, channels
    and coding, likewise. head_zero_s, tail_zero_s: exact silence at the ends. head_db, tail_db: level of the first and
    last 0.1 s. floor_db: level of the quietest tenth.
    """

    size_bytes: float
    length: float
    people_length: float
    format: float
    tags: float
    head_zero_s: float
    tail_zero_s: float
    head_db: float
    tail_db: float
    rms_db: float
    peak_db: float
    floor_db: float


GROUPS: dict[str, tuple[str, ...]] = {
    "file": ("size_bytes", "length", "people_length", "format", "tags"),
    "edges": ("head_zero_s", "tail_zero_s", "edge_zero_s", "head_db", "tail_db", "edge_db"),
    "level": ("rms_db", "peak_db", "floor_db"),
}
"""What is looked at together. edge_zero_s, edge_db: the head's minus the tail's, which tells what was filled."""
WORDS: dict[str, str] = {
    "size_bytes": "the file's size",
    "length": "the number of samples",
    "people_length": "the number of samples of the file for people",
    "format": "rate, channels or coding",
    "tags": "tags in the file",
    "head_zero_s": "digital silence at the beginning",
    "tail_zero_s": "digital silence at the end",
    "edge_zero_s": "digital silence at one end",
    "head_db": "the level of the first 0.1 s",
    "tail_db": "the level of the last 0.1 s",
    "edge_db": "the level of the first against that of the last 0.1 s",
    "rms_db": "the level",
    "peak_db": "the peak",
    "floor_db": "the level of the quietest moments",
}


def features_of(facts: FileFacts, group: str) -> dict[str, float]:
    """The numbers of one group by name."""
    made = {"edge_zero_s": facts.head_zero_s - facts.tail_zero_s, "edge_db": facts.head_db - facts.tail_db}
    return {name: made[name] if name in made else getattr(facts, name) for name in GROUPS[group]}


def file_facts(models: bytes, people: bytes, samples: NDArray[np.float32], rate_hz: int) -> FileFacts:
    """The facts of a stimulus from the bytes of its two files and the samples (n, channels) of the one for models.

    The size of the file for people is left out: FLAC is smaller for simpler sounds, and no model is ever sent one.
    """
    head, tail = zero_edges(samples)
    edge = max(1, round(EDGE_S * rate_hz))
    parts = (container(models), container(people))
    return FileFacts(
        size_bytes=float(len(models)),
        length=float(len(samples)),
        people_length=float(flac_length(people)),
        format=_number([part.format for part in parts]),
        tags=_number([part.tags for part in parts]) if any(part.tags for part in parts) else 0.0,
        head_zero_s=head / rate_hz,
        tail_zero_s=tail / rate_hz,
        head_db=level_db(samples[:edge]),
        tail_db=level_db(samples[-edge:]),
        rms_db=level_db(samples),
        peak_db=_db(float(np.abs(samples).max()) if samples.size else 0.0),
        floor_db=quietest_db(samples, rate_hz),
    )


@dataclass(frozen=True, slots=True)
class Container:
    """What stands in a file beside its samples. format: of the samples. tags: all else, as hashes, in order."""

    format: str
    tags: tuple[str, ...]


def container(data: bytes) -> Container:
    """The frame of a WAV or FLAC file; of anything else, a hash of its first bytes as its format.

    Lengths and checksums are not part of it: they are told elsewhere, or follow from the samples.
    """
    if data[:4] == b"RIFF":
        chunks = _riff(data)
        plain = [body.hex() for name, body in chunks if name == b"fmt "]
        return Container(f"wav {''.join(plain)}", _hashes(chunks, (b"fmt ", b"data")))
    if data[:4] == b"fLaC":
        blocks = _flac(data)
        # Rate, channels and bits lie in bits 80 to 107 of the first block; the rest of it follows from the samples.
        plain = [body[10:13].hex() + f"{body[13] >> 4:x}" for name, body in blocks if name == b"\0" and len(body) >= 18]
        return Container(f"flac {''.join(plain)}", _hashes(blocks, (b"\0", b"\3")))
    return Container(hashlib.sha256(data[:256]).hexdigest()[:16] if data else "", ())


def flac_length(data: bytes) -> int:
    """Samples per channel that a FLAC says it holds; 0 for anything else."""
    if data[:4] != b"fLaC" or len(data) < 26:
        return 0
    return int.from_bytes(data[21:26], "big") & (2**36 - 1)


def zero_edges(samples: NDArray[np.float32]) -> tuple[int, int]:
    """How many samples at the beginning and at the end are exact silence; a silent sound is all beginning."""
    loud = np.flatnonzero(np.any(samples != 0, axis=1))
    return (int(loud[0]), len(samples) - 1 - int(loud[-1])) if len(loud) else (len(samples), 0)


def level_db(samples: NDArray[np.float32]) -> float:
    """RMS re full scale, never below SILENCE_DB."""
    return _db(float(np.sqrt(np.mean(np.square(samples, dtype=np.float64)))) if samples.size else 0.0)


def quietest_db(samples: NDArray[np.float32], rate_hz: int) -> float:
    """Level that a tenth of all windows of 0.05 s do not exceed: the noise between what is heard."""
    size = max(1, round(WINDOW_S * rate_hz))
    count = len(samples) // size
    if not count:
        return level_db(samples)
    windows = samples[: count * size].reshape(count, -1).astype(np.float64)
    return _db(float(np.quantile(np.sqrt(np.mean(windows**2, axis=1)), FLOOR_SHARE)))


def _db(value: float) -> float:
    """Decibels to a tenth: a finer difference comes from rounding, not from an edit."""
    return max(SILENCE_DB, round(20 * float(np.log10(value)), 1)) if value > 0 else SILENCE_DB


def _number(parts: list[object]) -> float:
    """A number below 2^40 that depends on `parts` only."""
    return float(int(content_id(*parts)[:10], 16))


def _hashes(chunks: list[tuple[bytes, bytes]], plain: tuple[bytes, ...]) -> tuple[str, ...]:
    return tuple(
        f"{name!r} {len(body)} {hashlib.sha256(body).hexdigest()[:16]}" for name, body in chunks if name not in plain
    )


def _riff(data: bytes) -> list[tuple[bytes, bytes]]:
    """(name, content) of every chunk; what lies beyond the last whole one is a chunk without a name."""
    found, at = [], 12
    while at + 8 <= len(data):
        size = int.from_bytes(data[at + 4 : at + 8], "little")
        found.append((data[at : at + 4], data[at + 8 : at + 8 + size]))
        at += 8 + size + size % 2
    return found + ([(b"", data[at:])] if at < len(data) else [])


def _flac(data: bytes) -> list[tuple[bytes, bytes]]:
    """(type, content) of every metadata block."""
    found, at, last = [], 4, False
    while not last and at + 4 <= len(data):
        last, size = bool(data[at] & 0x80), int.from_bytes(data[at + 1 : at + 4], "big")
        found.append((bytes([data[at] & 0x7F]), data[at + 4 : at + 4 + size]))
        at += 4 + size
    return found
