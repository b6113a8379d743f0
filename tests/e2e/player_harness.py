"""A small server for the clip page's tests: the JSON of the real API over the clips of player_clips.

It imports nothing of the real server, so what these tests find is the page's own. Ids are the clips' numbers in hex;
from 8 on they repeat the clips 1, 2, 4 and 0 under new ids.
"""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from tests.e2e.player_clips import RATE, MadeClip, write_all

WIDGET = Path(__file__).parents[2] / "ui" / "widget"
COUNT = 48
POLICY = (
    "default-src 'self'; media-src 'self' blob:; img-src 'self' blob: data:; "
    "style-src 'self' 'unsafe-inline'; script-src 'self' 'unsafe-eval'"
)
PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>player harness</title>
<link rel="icon" href="data:,"><link rel="stylesheet" href="/av/tokens.css">
<link rel="stylesheet" href="/av/clip.css"></head><body><header class="bar"><span class="mark">thud</span>
<nav class="nav" aria-label="Pages"><a aria-current="page">Clips</a></nav></header>
<div id="shell"><main id="root" style="padding:16px"></main>
<div class="toasts" data-part="toasts" role="status" aria-live="polite"></div></div>
<script type="module" src="/harness.js"></script></body></html>"""
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
  clipId: query.get("clip"), soundId: query.get("sound"), time: query.has("t") ? Number(query.get("t")) : null,
  order, onNavigate, signal: abort.signal,
  onBuild: (id) => window.calls.push(["build", id]), onBack: () => window.calls.push(["back"]),
});
""".replace("COUNT", str(COUNT))


def base_of(number: int) -> int:
    if number >= COUNT:
        raise IndexError(number)
    return number if number < 8 else (1, 2, 4, 0)[number % 4]


HASH = "9f3c" * 15 + "a21e"
ASKED = {
    "original": "matched control", "source": "as found", "zero": "digital silence", "room": "room tone",
    "swap": "door_112",
}  # fmt: skip
NOTES = {
    "original": "same path as every edit", "zero": "every sample is zero",
    "swap": "donor event placed at 2.023 s, −0.1 LU",
}  # fmt: skip


def clip_json(clip: MadeClip, number: int) -> dict[str, Any]:
    """GET /api/clips/{id}."""
    at = f"/media/clip/{number:016x}"
    refused = {"condition": "early", "asked": "−7.000 s, room", "reason": "the event would leave the clip by 2.677 s"}
    return {
        "clip": card_json(clip, number, at) | source_json(clip, number),
        "proxy": f"{at}/proxy.mp4",
        "proxy_fps": float(clip.proxy_fps),
        "frame_times": f"{at}/times",
        "sounds": [sound_json(clip, f"{at}/{name}", name) for name in clip.waves],
        "refused": [refused] if clip.kind in ("full", "broken") else [],
    }


def card_json(clip: MadeClip, number: int, at: str) -> dict[str, Any]:
    known = clip.kind != "silent"
    return {
        "id": f"{number:016x}", "name": f"hammer_{number:04}", "title": "Hammer strikes the anvil",
        "duration_s": clip.seconds, "kind": "impact, metal", "source": "made by thud, seed 7", "synthetic": True,
        "has_sound": bool(clip.waves), "visual_s": clip.visual_s if known else None,
        "audio_s": clip.audio_s if known else None, "times_from": "construction" if known else None, "damage": [],
        "state": "verified", "thumb": f"{at}/thumb.webp", "peaks": None, "conditions": [],
    }  # fmt: skip


def source_json(clip: MadeClip, number: int) -> dict[str, Any]:
    return {
        "sha256": "41d077c29e5a18f4" * 4, "path": f"clips/hammer_{number:04}.mp4", "size_bytes": 3_100_000,
        "container": "mov", "video_codec": "h264", "width": clip.size[0], "height": clip.size[1],
        "fps": None if clip.uneven else float(clip.fps), "frames": len(clip.times), "picture_hash": HASH,
        "audio_codec": "aac" if clip.waves else "", "sample_rate_hz": RATE if clip.waves else 0,
        "channels": int(bool(clip.waves)), "audio_start_s": 0.0,
    }  # fmt: skip


def shift_of(name: str) -> float | None:
    return float(name[1:]) * (-1 if name[0] == "m" else 1) if name[1:2].isdigit() else None


def sound_json(clip: MadeClip, at: str, name: str) -> dict[str, Any]:
    """One SoundRow."""
    shift = shift_of(name)
    offset = 0.0 if name in ("original", "source", "swap") else shift
    condition = {"zero": "muted", "room": "muted", "swap": "swapped"}.get(name, "original")
    if shift is not None:
        condition = "early" if shift < 0 else "delayed"
    kept = not (clip.kind == "broken" and name == "zero")
    measured = f"Asked {shift or 0:+.4f} s, measured {shift or 0:+.4f} s: 0 samples off.".replace("-", "−")
    return {
        "id": name, "condition": condition, "offset_s": offset,
        "asked": ASKED.get(name) or f"{shift:+.3f} s, room".replace("-", "−"),
        "event_survives": None if condition == "muted" else True, "donor": "ab" * 8 if name == "swap" else None,
        "people": f"{at}.wav" if kept else None, "models": f"{at}.wav" if kept else None, "mux": f"{at}.mp4",
        "peaks": f"{at}.peaks" if kept else None, "spectrogram": f"{at}.png" if kept else None,
        "proof": None if name == "source" else proof_json(clip, name, offset),
        "words": "Every sample is zero." if condition == "muted" else measured,
    }  # fmt: skip


def proof_json(clip: MadeClip, name: str, offset: float | None) -> dict[str, Any]:
    failed = clip.kind == "broken" and name == "p1.2"
    return {
        "verdict": "failed" if failed else "verified",
        "reasons": ["the measured lag is 3 samples off"] if failed else [],
        "duration_s": clip.seconds, "picture_hash": HASH, "asked_offset_s": offset, "offset_s": offset,
        "error_samples": None if offset is None else 3 if failed else 0,
        "correlation": None if offset is None else 1.0 - 0.003 * (name == "swap"),
        "source_correlation": 0.012 if name == "swap" else None,
        "residual_dbfs": {"zero": -999.0, "room": -58.2}.get(name), "models_bytes": int(clip.seconds * 32_000) + 44,
        "models_sha256": "ab" * 32, "people_sha256": "cd" * 32,
        "notes": [NOTES.get(name, "room tone from 0.40–1.00 s")],
    }  # fmt: skip


def build_app(clips: list[MadeClip]) -> Starlette:
    """The routes of the API that the clip page uses."""
    rejected: list[dict[str, str]] = []

    async def one_clip(request: Request) -> Response:
        try:
            number = int(request.path_params["id"], 16)
            return JSONResponse(clip_json(clips[base_of(number)], number))
        except (ValueError, IndexError):
            return JSONResponse(
                {"error": "There is no clip with this id. It may have been removed; go back to all clips."}, 404
            )

    async def media(request: Request) -> Response:
        clip = clips[base_of(int(request.path_params["id"], 16))]
        path = clip.folder / Path(request.path_params["name"]).name
        return (
            FileResponse(path, headers={"Cache-Control": "no-store"}) if path.is_file() else Response(status_code=404)
        )

    async def reject(request: Request) -> Response:
        rejected.append(await request.json())
        return JSONResponse({"rejected": len(rejected)})

    async def script(_: Request) -> Response:
        return Response(SCRIPT, media_type="text/javascript")

    async def page(_: Request) -> Response:
        return HTMLResponse(PAGE, headers={"Content-Security-Policy": POLICY})

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
        self.server = uvicorn.Server(
            uvicorn.Config(
                self.app, host="127.0.0.1", port=0, log_level="warning", ws="none", timeout_graceful_shutdown=1
            )
        )
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
