"""A small server for the clip page's tests: the JSON and media of the real API, made from barcode clips whose truth is exact.

It imports nothing of the real server, so what these tests find is the page's own. Clips, by number (ids are the number in hex):
0 and 1: 30 fps, every condition; 2: 24000/1001; 3: uneven frames behind a 60 fps proxy; 4: 25 fps; 5: no sound at all;
6: one sound that cannot be decoded, one without a stream; 7: nothing built yet. From 8 on they repeat 1, 2, 4 and 0 under new ids.
"""

from __future__ import annotations

import io
import math
import threading
import time
import wave
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import uvicorn
from numpy.typing import NDArray
from PIL import Image
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from tests.barcode import frame_times, picture
from thud.media.encode import write_clip

WIDGET = Path(__file__).parents[2] / "ui" / "widget"
RATE = 48_000
COUNT = 48
CLIP_BITS = 9
"""The barcode holds clip number << 9 | frame number."""

SHIFTS = (-0.6, 0.6, 1.2)
PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>player harness</title><link rel="icon" href="data:,">
<link rel="stylesheet" href="/av/tokens.css"><link rel="stylesheet" href="/av/clip.css"></head><body>
<header class="bar"><span class="mark">thud</span><nav class="nav" aria-label="Pages"><a aria-current="page">Clips</a></nav></header>
<div id="shell"><main id="root" style="padding:16px"></main><div class="toasts" data-part="toasts" role="status" aria-live="polite"></div></div><script type="module" src="/harness.js"></script></body></html>"""
SCRIPT = """
import { mountClip } from "/av/clip.js";
import { listen } from "/av/keys.js";
import { initToasts } from "/av/toast.js";
const query = new URLSearchParams(location.search), abort = new AbortController();
document.documentElement.dataset.theme = query.get("theme") ?? "dark";
listen(abort.signal);
initToasts(document.querySelector("#shell"));
const order = Array.from({ length: COUNT }, (_, i) => i.toString(16).padStart(16, "0"));
window.calls = [];
const onNavigate = (params, how) => {
  window.calls.push(["navigate", params, how]);
  const next = new URLSearchParams({ ...Object.fromEntries(query), ...params });
  history[how?.replace ? "replaceState" : "pushState"](null, "", `/clips?${next}`);
};
window.page = mountClip(document.querySelector("#root"), {
  clipId: query.get("clip") ?? order[0], soundId: query.get("sound"), time: query.has("t") ? Number(query.get("t")) : null,
  order, onNavigate, onBuild: (id) => window.calls.push(["build", id]), onBack: () => window.calls.push(["back"]), signal: abort.signal,
});
""".replace("COUNT", str(COUNT))


def strike(samples: int, at: int, seed: int, level: float = 0.7) -> NDArray[np.float32]:
    """Room noise with one metallic blow whose first loud sample is `at`; (samples, 1)."""
    random = np.random.default_rng(seed)
    out = random.normal(0, 0.004, samples)
    tail = np.arange(min(samples - at, RATE))
    tones = sum(
        np.cos(2 * np.pi * f * tail / RATE) * np.exp(-tail / (RATE * d))
        for f, d in ((740 + 60 * seed, 0.25), (2130, 0.16), (3910, 0.1), (6100, 0.06))
    )
    blow = tones / 4 + random.normal(0, 0.5, len(tail)) * np.exp(-tail / 900)
    out[at : at + len(tail)] += level * blow
    return np.clip(out, -1, 1).astype(np.float32)[:, None]


def shifted(source: NDArray[np.float32], offset_s: float, seed: int) -> NDArray[np.float32]:
    """`source` moved by whole samples, the gap filled with room noise."""
    by = round(offset_s * RATE)
    out = np.random.default_rng(seed + 99).normal(0, 0.004, source.shape).astype(np.float32)
    if by >= 0:
        out[by:] = source[: len(source) - by]
    else:
        out[:by] = source[-by:]
    return out


def write_wav(path: Path, samples: NDArray[np.float32]) -> None:
    """16-bit mono."""
    with wave.open(str(path), "wb") as out:
        out.setparams((1, 2, RATE, 0, "NONE", ""))
        out.writeframes(np.round(samples * 32767).astype("<i2").tobytes())


def peaks(samples: NDArray[np.float32]) -> bytes:
    """int8 min, max pairs, 1000 a second."""
    step = RATE // 1000
    blocks = samples[: len(samples) // step * step, 0].reshape(-1, step)
    pairs = np.stack([blocks.min(1), blocks.max(1)], axis=1)
    return np.round(pairs * 127).astype(np.int8).tobytes()


def spectrogram(samples: NDArray[np.float32]) -> bytes:
    """A PNG whose alpha is the ink, 250 columns a second, 0 to 8 kHz upwards."""
    hop, size = RATE // 250, 1024
    padded = np.pad(samples[:, 0], (size // 2, size // 2))
    starts = np.arange(0, len(samples), hop)
    power = np.abs(np.fft.rfft(padded[starts[:, None] + np.arange(size)] * np.hanning(size), axis=1)) ** 2
    edges = np.geomspace(2, 8000 * size / RATE, 65).astype(int)
    bands = np.stack([power[:, a : max(a + 1, b)].mean(1) for a, b in zip(edges[:-1], edges[1:], strict=True)])
    level = np.clip((10 * np.log10(bands + 1e-9) + 30) / 70, 0, 1)
    out = io.BytesIO()
    ink = np.zeros((*level.shape, 2), np.uint8)
    ink[..., 1] = np.round(level[::-1] * 255)
    Image.fromarray(ink).save(out, "png")
    return out.getvalue()


@dataclass
class MadeClip:
    """One clip's files in a folder, and the JSON that names them. times: when each source frame is shown, seconds."""

    number: int
    folder: Path
    seconds: float
    fps: Fraction
    uneven: bool = False
    size: tuple[int, int] = (320, 180)
    visual_s: float = 2.0
    audio_s: float = 2.023
    kind: str = "full"
    waves: dict[str, NDArray[np.float32]] = field(default_factory=dict)

    @property
    def proxy_fps(self) -> Fraction:
        return Fraction(60) if self.uneven else self.fps

    @cached_property
    def times(self) -> NDArray[np.float64]:
        if self.uneven:
            return frame_times("vfr", self.seconds, self.number)
        return np.arange(round(self.seconds * self.fps)) / float(self.fps)

    def code(self, frame: int) -> int:
        return self.number << CLIP_BITS | frame

    def make(self) -> MadeClip:
        self.folder.mkdir(parents=True, exist_ok=True)
        rate = float(self.proxy_fps)
        count = round(self.seconds * rate)
        shown = np.searchsorted(self.times, (np.arange(count) + 0.5) / rate, side="right") - 1
        frames = (picture(self.code(int(n)), *self.size) for n in np.maximum(shown, 0))
        write_clip(self.folder / "proxy.mp4", frames, self.proxy_fps, None)
        (self.folder / "times").write_bytes(self.times.astype("<f8").tobytes())
        Image.fromarray(picture(self.code(0), 320, 180)).save(self.folder / "thumb.webp")
        for name, samples in self._sounds().items():
            self.waves[name] = samples
            write_wav(self.folder / f"{name}.wav", samples)
            (self.folder / f"{name}.peaks").write_bytes(peaks(samples))
            (self.folder / f"{name}.png").write_bytes(spectrogram(samples))
        if self.kind == "broken":
            (self.folder / "p0.6.wav").write_bytes(b"RIFF" + bytes(200))
        return self

    def _sounds(self) -> dict[str, NDArray[np.float32]]:
        samples = round(self.seconds * RATE)
        if self.kind == "silent":
            return {}
        base = strike(samples, round(self.audio_s * RATE), self.number)
        if self.kind == "unbuilt":
            return {"source": base}
        room = np.random.default_rng(5).normal(0, 0.004, base.shape).astype(np.float32)
        donor = strike(samples, round(self.audio_s * RATE), self.number + 7, 0.5)
        shifts = {name_of(s): shifted(base, s, self.number) for s in SHIFTS}
        return {"original": base, **shifts, "zero": base * 0, "room": room, "swap": donor}


def name_of(shift: float) -> str:
    return f"{'m' if shift < 0 else 'p'}{abs(shift)}"


def write_all(folder: Path) -> list[MadeClip]:
    """The eight clips, made in a few seconds."""
    ntsc = Fraction(24000, 1001)
    plans = [
        MadeClip(0, folder / "0", 8.0, Fraction(30), size=(640, 360), visual_s=4.3, audio_s=4.323),
        MadeClip(1, folder / "1", 4.0, Fraction(30)),
        MadeClip(2, folder / "2", 4.0, ntsc),
        MadeClip(3, folder / "3", 4.0, Fraction(30), uneven=True),
        MadeClip(4, folder / "4", 4.0, Fraction(25)),
        MadeClip(5, folder / "5", 4.0, Fraction(30), kind="silent"),
        MadeClip(6, folder / "6", 4.0, Fraction(30), kind="broken"),
        MadeClip(7, folder / "7", 4.0, Fraction(30), kind="unbuilt"),
    ]
    return [plan.make() for plan in plans]


def base_of(number: int) -> int:
    if number >= COUNT:
        raise IndexError(number)
    return number if number < 8 else (1, 2, 4, 0)[number % 4]


def clip_json(clip: MadeClip, number: int) -> dict[str, Any]:
    """GET /api/clips/{id}."""
    at = f"/media/clip/{number:016x}"
    sounds = [sound_json(clip, number, name) for name in clip.waves]
    refused = [{"condition": "early", "asked": "−7.000 s, room", "reason": "the event would leave the clip by 2.677 s"}]
    built = clip.kind in ("full", "broken")
    return {
        "clip": {
            "id": f"{number:016x}", "name": f"hammer_{number:04}", "title": "Hammer strikes the anvil", "duration_s": clip.seconds,
            "kind": "impact, metal", "source": "made by thud, seed 7", "synthetic": True, "has_sound": bool(clip.waves),
            "visual_s": None if clip.kind == "silent" else clip.visual_s, "audio_s": None if clip.kind == "silent" else clip.audio_s,
            "times_from": "construction", "damage": [], "state": "verified", "thumb": f"{at}/thumb.webp", "peaks": None,
            "conditions": [], "sha256": "41d077c29e5a18f4" * 4, "path": f"clips/hammer_{number:04}.mp4", "size_bytes": 3_100_000,
            "container": "mov", "video_codec": "h264", "width": clip.size[0], "height": clip.size[1],
            "fps": None if clip.uneven else float(clip.fps), "frames": len(clip.times), "audio_codec": "aac" if clip.waves else "",
            "sample_rate_hz": RATE if clip.waves else 0, "channels": int(bool(clip.waves)), "audio_start_s": 0.0, "picture_hash": "9f3c" * 15 + "a21e",
        },
        "proxy": f"{at}/proxy.mp4", "proxy_fps": float(clip.proxy_fps), "frame_times": f"{at}/times",
        "sounds": sounds, "refused": refused if built else [],
    }  # fmt: skip


def sound_json(clip: MadeClip, number: int, name: str) -> dict[str, Any]:
    """One SoundRow."""
    at = f"/media/clip/{number:016x}/{name}"
    shift = float(name[1:]) * (-1 if name[0] == "m" else 1) if name[1:2].isdigit() else None
    still = name in ("original", "source", "swap")
    asked = {"original": "matched control", "source": "as found", "zero": "digital silence", "room": "room tone", "swap": "door_112"}
    condition = {"zero": "muted", "room": "muted", "swap": "swapped"}.get(name, "original")
    if shift is not None:
        condition = "early" if shift < 0 else "delayed"
    dropped = clip.kind == "broken" and name == "zero"
    return {
        "id": name, "condition": condition, "asked": asked.get(name) or f"{shift:+.3f} s, room".replace("-", "−"),
        "offset_s": shift if shift is not None else 0.0 if still else None, "event_survives": None if condition == "muted" else True,
        "donor": "ab" * 8 if name == "swap" else None, "people": None if dropped else f"{at}.wav", "models": f"{at}.wav", "mux": f"{at}.mp4",
        "peaks": None if dropped else f"{at}.peaks", "spectrogram": None if dropped else f"{at}.png",
        "proof": None if name == "source" else proof_json(clip, name, shift if shift is not None else 0.0 if still else None),
        "words": {"muted": "Every sample is zero."}.get(condition, f"Asked {shift or 0:+.4f} s, measured {shift or 0:+.4f} s: 0 samples off.".replace("-", "−")),
    }  # fmt: skip


def proof_json(clip: MadeClip, name: str, shift: float | None) -> dict[str, Any]:
    failed = clip.kind == "broken" and name == "p1.2"
    notes = {"original": "same path as every edit", "zero": "every sample is zero", "swap": "donor event placed at 2.023 s, −0.1 LU"}
    return {
        "verdict": "failed" if failed else "verified", "reasons": ["the measured lag is 3 samples off"] if failed else [],
        "duration_s": clip.seconds, "picture_hash": "9f3c" * 15 + "a21e", "asked_offset_s": shift, "offset_s": shift,
        "error_samples": None if shift is None else 3 if failed else 0, "correlation": None if shift is None else 1.0 - 0.003 * (name == "swap"),
        "source_correlation": 0.012 if name == "swap" else None, "residual_dbfs": {"zero": -999.0, "room": -58.2}.get(name),
        "models_bytes": int(clip.seconds * 32_000) + 44, "models_sha256": "ab" * 32, "people_sha256": "cd" * 32,
        "notes": [notes.get(name, "room tone from 0.40–1.00 s")],
    }  # fmt: skip


def build_app(clips: list[MadeClip]) -> Starlette:
    """The routes of the API that the clip page uses."""
    rejected: list[dict[str, str]] = []

    async def one_clip(request: Request) -> Response:
        try:
            number = int(request.path_params["id"], 16)
            return JSONResponse(clip_json(clips[base_of(number)], number))
        except (ValueError, IndexError):
            return JSONResponse({"error": "There is no clip with this id. It may have been removed; go back to all clips."}, 404)

    async def media(request: Request) -> Response:
        clip = clips[base_of(int(request.path_params["id"], 16))]
        path = clip.folder / Path(request.path_params["name"]).name
        return FileResponse(path, headers={"Cache-Control": "no-store"}) if path.is_file() else Response(status_code=404)

    async def reject(request: Request) -> Response:
        rejected.append(await request.json())
        return JSONResponse({"rejected": len(rejected)})

    async def script(_: Request) -> Response:
        return Response(SCRIPT, media_type="text/javascript")

    async def page(_: Request) -> Response:
        policy = "default-src 'self'; media-src 'self' blob:; img-src 'self' blob: data:; style-src 'self' 'unsafe-inline'; script-src 'self' blob: 'unsafe-eval'"
        return HTMLResponse(PAGE, headers={"Content-Security-Policy": policy})

    app = Starlette(routes=[
        Route("/clips", page), Route("/harness.js", script), Route("/api/clips/{id}", one_clip),
        Route("/api/donors/reject", reject, methods=["POST"]), Route("/media/clip/{id}/{name}", media),
        Mount("/av", StaticFiles(directory=WIDGET)),
    ])  # fmt: skip
    app.state.rejected = rejected
    return app


class Harness:
    """The server in a thread on a free port of the loopback; `url` is its root. A context manager."""

    def __init__(self, folder: Path) -> None:
        self.clips = write_all(folder)
        self.app = build_app(self.clips)
        self.server = uvicorn.Server(uvicorn.Config(self.app, host="127.0.0.1", port=0, log_level="warning", ws="none", timeout_graceful_shutdown=1))
        self.thread = threading.Thread(target=self.server.run, daemon=True)

    def __enter__(self) -> Harness:
        self.thread.start()
        give_up = time.monotonic() + 10
        while not self.server.started:
            if time.monotonic() > give_up:
                raise TimeoutError("The harness server did not start.")
            time.sleep(0.01)
        port = self.server.servers[0].sockets[0].getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        return self

    def __exit__(self, *_: object) -> None:
        self.server.should_exit = True
        self.thread.join(5)

    def page(self, clip: int = 0, **query: object) -> str:
        """The address of a clip's page."""
        extra = "".join(f"&{key}={value}" for key, value in query.items())
        return f"{self.url}/clips?clip={clip:016x}{extra}"


def percentile(values: list[float], share: float) -> float:
    """The value below which `share` of `values` lies, by nearest rank."""
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]
