"""Measures a written stimulus against what was asked, on the files as read back.

Lag: the peak of the cross-correlation at 16 kHz, then sample by sample at the source rate. + is late.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from thud.records import Intervention, Proof
from thud.stimuli.interventions import CROSSFADE_S
from thud.stimuli.room import Samples, dbfs

Mono = NDArray[np.float32]

COARSE_HZ = 16000
PERFECT, SAME, MODELS_SAME, OTHER = 0.9999, 0.98, 0.95, 0.5
"""Correlation of sounds that differ by rounding only, of the same sound, and below which they are different ones."""


@dataclass(slots=True)
class Reference:
    """A sound to measure against, with what is computed once for all conditions of its clip.

    fine: (n, channels) at the source rate. coarse: mono at 16 kHz.
    """

    fine: Samples
    coarse: Mono
    rate_hz: int
    _spectrum: NDArray[np.complex64] | None = field(default=None, repr=False)

    @property
    def size(self) -> int:
        return int(scipy.fft.next_fast_len(2 * len(self.coarse), real=True))

    def spectrum(self) -> NDArray[np.complex64]:
        if self._spectrum is None:
            self._spectrum = np.conj(scipy.fft.rfft(self.coarse, self.size))
        return self._spectrum


@dataclass(frozen=True, slots=True)
class Lag:
    """Where a reference is found in a written sound: samples at the source rate, and how alike the two are there."""

    samples: int
    correlation: float


def overlap(reference: Samples, written: Samples, lag: int, skip: int) -> tuple[Samples, Samples]:
    """The parts of both, flattened, that cover each other when `written` lags by `lag` samples.

    skip: samples left out at the seam, where a crossfade was asked for.
    """
    n = min(len(reference), len(written))
    cut = min(n, abs(lag) + skip if lag else 0)
    if lag >= 0:
        return reference[cut - lag : n - lag].ravel(), written[cut:n].ravel()
    return reference[-lag : max(-lag, n - cut - lag)].ravel(), written[: n - cut].ravel()


def correlation_at(reference: Samples, written: Samples, lag: int, skip: int) -> float:
    """Normalised correlation of the parts that overlap at `lag`, in [−1, 1]; 0 where either is silent."""
    a, b = overlap(reference, written, lag, skip)
    power = float(np.dot(a, a)) * float(np.dot(b, b))
    return float(np.dot(a, b)) / math.sqrt(power) if power > 0 else 0.0


def find_lag(reference: Reference, written: Samples, coarse: Mono, asked: int) -> Lag:
    """The lag at which `written` looks most like the reference.

    Around the asked lag first: nothing can look more alike than a correlation of 1, so a near-perfect match there ends
    the search (a periodic sound matches elsewhere too, and then the asked lag is as good as any). Else everywhere.
    """
    near = _best_near(reference, written, asked)
    if near.correlation >= PERFECT:
        return near
    return max(near, _best_near(reference, written, _coarse_lag(reference, coarse)), key=lambda lag: lag.correlation)


def _coarse_lag(reference: Reference, coarse: Mono) -> int:
    """The peak of the whole cross-correlation at 16 kHz, in samples at the source rate."""
    product = scipy.fft.rfft(coarse[: len(reference.coarse)], reference.size) * reference.spectrum()
    peaks = scipy.fft.irfft(product, reference.size, overwrite_x=True)
    at = int(np.argmax(np.abs(peaks)))
    return round((at - reference.size if at > reference.size // 2 else at) * reference.rate_hz / COARSE_HZ)


def _best_near(reference: Reference, written: Samples, centre: int) -> Lag:
    reach = math.ceil(reference.rate_hz / COARSE_HZ)
    skip = round(CROSSFADE_S * reference.rate_hz)
    products = {
        lag: float(np.dot(*overlap(reference.fine, written, lag, skip)))
        for lag in range(centre - reach, centre + reach + 1)
    }
    best = max(products, key=lambda lag: products[lag])
    return Lag(best, correlation_at(reference.fine, written, best, skip))


def models_alike(reference: Reference, coarse: Mono, lag: int) -> float:
    """Correlation of the models' sound with the reference at `lag` (source samples).

    Taken below 2 kHz, where the part of a 16 kHz sample by which the two may differ does not matter.
    """
    shift = round(lag * COARSE_HZ / reference.rate_hz)
    a, b = overlap(reference.coarse[:, None], coarse[:, None], shift, round(CROSSFADE_S * COARSE_HZ))
    n = len(a) // 4 * 4
    low_a, low_b = a[:n].reshape(-1, 4).sum(axis=1), b[:n].reshape(-1, 4).sum(axis=1)
    power = float(np.dot(low_a, low_a)) * float(np.dot(low_b, low_b))
    return float(np.dot(low_a, low_b)) / math.sqrt(power) if power > 0 else 0.0


@dataclass(frozen=True, slots=True)
class Written:
    """The two files of a stimulus, read back: fine (n, channels) and coarse mono 16 kHz, with their hashes."""

    fine: Samples
    coarse: Mono
    duration_s: float
    models_bytes: int
    models_sha256: str
    people_sha256: str


def prove(
    edit: Intervention,
    source: Reference,
    written: Written | None,
    *,
    duration_s: float,
    picture_hash: str,
    donor: Reference | None = None,
    gain_db: float | None = None,
    notes: tuple[str, ...] = (),
) -> Proof:
    """The proof of one stimulus. written None: the sound stream was dropped on purpose."""
    if written is None:
        return Proof("verified", (), duration_s, picture_hash, notes=notes)
    measured = _measure(edit, source, written, donor)
    reasons = _length(written, source, duration_s) + _judge(edit, measured)
    return Proof(
        "failed" if reasons else "verified",
        tuple(reasons),
        duration_s=written.duration_s,
        picture_hash=picture_hash,
        asked_offset_s=edit.offset_s if edit.kind != "mute" else None,
        offset_s=measured.offset_s,
        error_samples=measured.error_samples,
        correlation=measured.correlation,
        source_correlation=measured.source_correlation,
        residual_dbfs=measured.residual_dbfs,
        gain_db=gain_db,
        models_bytes=written.models_bytes,
        models_sha256=written.models_sha256,
        people_sha256=written.people_sha256,
        notes=notes,
    )


@dataclass(frozen=True, slots=True)
class Measured:
    offset_s: float | None = None
    error_samples: int | None = None
    correlation: float | None = None
    source_correlation: float | None = None
    residual_dbfs: float | None = None
    models: float = 1.0


def _measure(edit: Intervention, source: Reference, written: Written, donor: Reference | None) -> Measured:
    if edit.kind == "mute" and not written.fine.any() and not written.coarse.any():
        return Measured(source_correlation=0.0, residual_dbfs=-999.0)
    if edit.kind == "mute":
        likeness = abs(find_lag(source, written.fine, written.coarse, 0).correlation)
        return Measured(
            source_correlation=round(likeness, 4), residual_dbfs=round(max(dbfs(written.fine), dbfs(written.coarse)), 1)
        )
    if edit.kind == "swap":
        assert donor is not None
        own = find_lag(donor, written.fine, written.coarse, 0)
        models = models_alike(donor, written.coarse, own.samples)
        likeness = abs(find_lag(source, written.fine, written.coarse, 0).correlation)
        alike = round(own.correlation, 4)
        return Measured(own.samples / source.rate_hz, own.samples, alike, round(likeness, 4), models=models)
    asked = round(edit.offset_s * source.rate_hz)
    if edit.fill == "circular":
        unwound = np.roll(written.fine, -asked, axis=0)
        coarse = np.roll(written.coarse, -round(edit.offset_s * COARSE_HZ))
        lag = find_lag(source, unwound, coarse, 0)
        models = models_alike(source, coarse, lag.samples)
        lag = Lag(lag.samples + asked, lag.correlation)
    else:
        lag = find_lag(source, written.fine, written.coarse, asked)
        models = models_alike(source, written.coarse, lag.samples)
    off, alike = lag.samples - asked, round(lag.correlation, 4)
    return Measured(round(lag.samples / source.rate_hz, 6), off, alike, models=models)


def _length(written: Written, source: Reference, duration_s: float) -> list[str]:
    if len(written.fine) == len(source.fine) and abs(written.duration_s - duration_s) <= 1.5 / source.rate_hz:
        return []
    return [f"the sound is {written.duration_s:.4f} s long and the picture {duration_s:.4f} s"]


def _judge(edit: Intervention, m: Measured) -> list[str]:
    if edit.kind == "mute":
        if edit.fill == "silence" and m.residual_dbfs != -999.0:
            return [f"{m.residual_dbfs} dBFS of sound is left"]
        if m.source_correlation is not None and m.source_correlation > OTHER and edit.fill == "room":
            return [f"the muted sound still looks like the original (r = {m.source_correlation:.2f})"]
        return []
    reasons = []
    if m.error_samples is None or abs(m.error_samples) > 1:
        reasons.append(f"measured lag {m.offset_s} s, asked {edit.offset_s} s")
    if m.correlation is None or m.correlation < SAME:
        reasons.append(f"the sound does not look like its source (r = {m.correlation})")
    if m.models < MODELS_SAME:
        reasons.append(f"the sound for models does not look like the one for people (r = {m.models:.2f})")
    if edit.kind == "swap" and m.source_correlation is not None and m.source_correlation > OTHER:
        reasons.append(f"the donor sounds too much like the original (r = {m.source_correlation:.2f})")
    return reasons


def words(edit: Intervention, proof: Proof) -> str:
    """One sentence that a stranger understands, with the figures in it."""
    if proof.verdict == "failed":
        return "Not usable: " + "; ".join(proof.reasons) + "."
    if edit.kind == "mute":
        text = f"The original sound is gone: {proof.residual_dbfs or 0:.1f} dBFS is left"
        if proof.residual_dbfs is None:
            text = "The file has no sound stream at all"
        elif proof.residual_dbfs == -999.0:
            text = "Every sample is zero"
    elif edit.kind == "swap":
        text = (
            f"Another clip's sound, {proof.gain_db or 0:+.1f} dB to match loudness; it has nothing of the original "
            f"(r = {proof.source_correlation:.2f})"
        )
    elif edit.kind == "original":
        text = "The matched control: the same decode, edit and write as every other row, nothing moved"
    else:
        side = "late" if edit.offset_s > 0 else "early"
        text = (
            f"The sound comes {abs(proof.offset_s or 0):.4f} s {side}, {abs(proof.error_samples or 0)} samples off "
            f"what was asked (r = {proof.correlation:.3f})"
        )
    sentences = ". ".join([text, *(note[0].upper() + note[1:] for note in proof.notes)])
    return re.sub(r"-(?=\d)", "−", sentences) + "."
