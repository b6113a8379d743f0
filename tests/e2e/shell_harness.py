"""A small stand-in for the server's routes, with made-up clips: the shapes of /api and /media and nothing behind them.

Run `python -m tests.e2e.shell_harness [port] [clips]` to look at the page without a workspace.
"""

from __future__ import annotations

import io
import math
import random
import struct
import sys
import time
import wave
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse, Response

CONDITIONS = ("original", "early", "delayed", "muted", "swapped")
KINDS = ("impact, metal", "impact, wood", "glass", "door", "hands", "voice only")
NAMES = {
    "impact, metal": ("hammer", "Hammer strikes the anvil", "#232633"),
    "impact, wood": ("block", "Mallet on a wooden block", "#2b2530"),
    "glass": ("glass", "Glass cracks on the floor", "#1d2d2c"),
    "door": ("door", "Door slams shut", "#2b2530"),
    "hands": ("clap", "Hands clap once", "#30262a"),
    "voice only": ("voice", "Somebody says a word", "#20303a"),
}
FRAMES = 30
DOT = (
    "89504e470d0a1a0a0000000d49484452000000010000000108000000003a7e9b550000000a494441"
    "54789c636800000082008177cd72b60000000049454e44ae426082"
)
"""A grey picture of one pixel."""
NASTY = ('<img src=x onerror="window.pwned=1">', "${window.pwned=2} {{value}}")


def _state(index: int) -> str:
    if index % 37 == 8:
        return "damaged"
    if index % 20 == 3:
        return "refused"
    if index % 20 == 9:
        return "waiting"
    return "none" if index % 29 == 11 else "verified"


def make_card(index: int) -> dict[str, Any]:
    rng = random.Random(index)
    kind = KINDS[index % len(KINDS)]
    stem, title, _ = NAMES[kind]
    state, length = _state(index), round(rng.uniform(5, 10), 1)
    known = state in ("verified", "refused", "none")
    audio = round(rng.uniform(1.0, length - 1), 3) if known else None
    clip = f"{index:016x}"
    built = state in ("verified", "refused")
    conditions = [
        {
            "condition": name,
            "verified": int(built and not (state == "refused" and name == "early"))
            or int(state == "waiting" and name == "original"),
            "refused": int(state == "refused" and name == "early"),
            "failed": 0,
        }
        for name in CONDITIONS
    ]
    return {
        "id": clip,
        "name": f"{stem}_{index:04d}",
        "title": NASTY[index - 5] if 5 <= index < 7 else title,
        "duration_s": length,
        "kind": kind,
        "source": "",
        "synthetic": True,
        "has_sound": True,
        "visual_s": None if audio is None else audio - 0.023,
        "audio_s": audio,
        "times_from": ("gold" if index % 3 else "consensus") if known else None,
        "damage": ["The file was cut short: 4.2 s of 10.0 s can be read."] if state == "damaged" else [],
        "state": state,
        "thumb": f"/media/thumb/{clip}",
        "peaks": f"/media/peaks/{clip}",
        "conditions": conditions,
    }


@dataclass
class Workspace:
    """cards: what the gallery lists. per_second: how fast runs go. reason: why /api/health sees no way to write."""

    cards: list[dict[str, Any]] = field(default_factory=list)
    per_second: float = 400.0
    reason: str = ""
    runs: dict[str, dict[str, Any]] = field(default_factory=dict)
    asked: list[tuple[str, Any]] = field(default_factory=list)

    def start(self, kind: str, title: str, total: int, **more: Any) -> str:
        run = f"{len(self.runs) + 1:016x}"
        self.runs[run] = {
            "id": run,
            "kind": kind,
            "title": title,
            "total": total,
            "begun": time.monotonic(),
            "before": 0,
            "state": "running",
        } | more
        return run

    def seen(self, run: dict[str, Any]) -> dict[str, Any]:
        done = run["before"]
        if run["state"] == "running":
            done = min(run["total"], int(run["before"] + (time.monotonic() - run["begun"]) * self.per_second))
            if done >= run["total"]:
                run["state"], run["before"] = "done", run["total"]
                run.get("then", lambda: None)()
        hidden = ("begun", "before", "then", "problems", "report")
        failed = len(run.get("problems", ())) if done >= run["total"] else 0
        return {key: value for key, value in run.items() if key not in hidden} | {
            "done": done,
            "refused": failed,
            "failed": 0,
            "eta_s": (run["total"] - done) / self.per_second if run["state"] == "running" else None,
            "message": "Stopped by you. Nothing is lost; it goes on from there." if run["state"] == "cancelled" else "",
            "created_at": "2026-01-01T10:00:00Z",
            "finished_at": "" if run["state"] == "running" else "2026-01-01T10:00:09Z",
        }


def plan(workspace: Workspace, clips: list[str] | None, settings: dict[str, Any]) -> dict[str, Any]:
    cards = [card for card in workspace.cards if clips is None or card["id"] in clips]
    counts = {name: [0, 0, 0] for name in CONDITIONS}
    refused = []
    for card in cards:
        counts["original"][2 if card["state"] == "verified" else 0] += 1
        for offset in settings["shifts"]:
            name, at = ("early" if offset < 0 else "delayed"), card["audio_s"]
            asked = f"{offset:+.3f} s, {settings['shift_fill']}".replace("-", "−")
            if at is None or not 0 <= at + offset <= card["duration_s"]:
                reason = "The event time is not known yet." if at is None else "The event would leave the clip."
                refused.append({"clip": card["id"], "condition": name, "asked": asked, "reason": reason})
            counts[name][
                1 if refused and refused[-1]["clip"] == card["id"] and refused[-1]["asked"] == asked else 0
            ] += 1
        counts["muted"][0] += len(settings["mutes"])
        counts["swapped"][0] += int(settings["swap"])
    rows = [{"condition": name, "build": b, "refused": r, "reused": u} for name, (b, r, u) in counts.items()]
    donors = [
        {"clip": card["id"], "donor": workspace.cards[(i * 7 + settings["seed"]) % len(workspace.cards)]["id"]}
        for i, card in enumerate(cards)
    ]
    notes = [{"level": "ok", "text": "1.9 GB of 48 GB free"}, {"level": "ok", "text": "about 1 min 50 s on 4 workers"}]
    if refused:
        notes.append({"level": "warn", "text": f"{len(refused)} edits are refused before the start"})
    return {
        "rows": rows,
        "total": sum(row["build"] for row in rows),
        "notes": notes,
        "refused": refused,
        "donors": donors if settings["swap"] else [],
    }


def tone(seconds: float = 1.0, rate: int = 8000) -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(rate)
        out.writeframes(b"".join(struct.pack("<h", int(6000 * math.sin(i / 3))) for i in range(int(seconds * rate))))
    return file.getvalue()


def peaks(card: dict[str, Any]) -> bytes:
    rng = random.Random(card["id"])
    out = bytearray()
    at = card["audio_s"] if card["audio_s"] is not None else 99.0
    for i in range(int(card["duration_s"] * 1000)):
        after = i / 1000 - at
        level = 3 + (90 * math.exp(-after * 7) if after >= 0 else 0)
        high = int(rng.uniform(0.3, 1) * level)
        out += struct.pack("bb", -high, high)
    return bytes(out)


def sound_rows(clip: str, settings: dict[str, Any]) -> list[dict[str, Any]]:
    asked = [("original", "matched control", 0.0)]
    asked += [("early" if x < 0 else "delayed", f"{x:+.3f} s, {settings['shift_fill']}", x) for x in settings["shifts"]]
    words = {"proof": {"verdict": "verified"}, "words": "Checked."}
    return [
        sound_row(clip, id=f"{i:016x}", condition=c, asked=text, offset_s=x, **words)
        for i, (c, text, x) in enumerate(asked)
    ]


FILE = {
    "size_bytes": 3_100_000, "container": "mp4", "video_codec": "h264", "width": 160, "height": 90, "fps": 30.0,
    "frames": FRAMES, "audio_codec": "aac", "sample_rate_hz": 8000, "channels": 1, "audio_start_s": 0.0,
}  # fmt: skip


def sound_row(clip: str, **more: Any) -> dict[str, Any]:
    urls = {"people": f"/media/tone/{clip}", "peaks": f"/media/peaks/{clip}", "models": None, "mux": None}
    return urls | {"offset_s": None, "event_survives": None, "donor": None, "spectrogram": "/media/mask"} | more


def detail(card: dict[str, Any]) -> dict[str, Any]:
    clip = card["id"]
    file = FILE | {"sha256": clip * 4, "path": f"/videos/{card['name']}.mp4", "picture_hash": "9f3c" * 16}
    times = {"duration_s": FRAMES / 30, "visual_s": 0.5, "audio_s": 0.523}
    source = sound_row(clip, id="source", condition="original", asked="as found", proof=None, words="As found.")
    urls = {"proxy": "/media/proxy", "proxy_fps": 30.0, "frame_times": "/media/frames"}
    return {"clip": card | file | times, "sounds": [source], "refused": []} | urls


@cache
def proxy() -> bytes:
    """One second of a bar that moves, H.264, no sound."""
    import av
    import numpy as np

    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as out:
        stream = out.add_stream("libx264", rate=30, options={"movflags": "faststart"})
        stream.width, stream.height, stream.pix_fmt = 160, 90, "yuv420p"
        for i in range(FRAMES):
            pixels = np.full((90, 160, 3), 40, np.uint8)
            pixels[:, 4 * i : 4 * i + 8] = 220
            out.mux(stream.encode(av.VideoFrame.from_ndarray(pixels)))
        out.mux(stream.encode())
    return file.getvalue()


def media_router(workspace: Workspace) -> APIRouter:
    router = APIRouter(prefix="/media")

    def card(clip: str) -> dict[str, Any]:
        return next(each for each in workspace.cards if each["id"] == clip)

    @router.get("/thumb/{clip}")
    def thumb(clip: str) -> Response:
        ground = NAMES[card(clip)["kind"]][2]
        at = 40 + int(clip, 16) * 13 % 80
        picture = (
            "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 160 90'>"
            f"<rect width='160' height='90' fill='{ground}'/><rect y='66' width='160' height='24' fill='#3a3d4a'/>"
            f"<circle cx='{at}' cy='56' r='12' fill='#d98b4f'/></svg>"
        )
        return Response(picture, media_type="image/svg+xml")

    @router.get("/peaks/{clip}")
    def clip_peaks(clip: str) -> Response:
        return Response(peaks(card(clip)), media_type="application/octet-stream")

    @router.get("/proxy")
    def clip_proxy() -> Response:
        return Response(proxy(), media_type="video/mp4")

    @router.get("/frames")
    def frames() -> Response:
        return Response(
            struct.pack(f"<{FRAMES}d", *(i / 30 for i in range(FRAMES))), media_type="application/octet-stream"
        )

    @router.get("/mask")
    def mask() -> Response:
        return Response(bytes.fromhex(DOT), media_type="image/png")

    @router.get("/tone/{clip}")
    def clip_tone(clip: str) -> Response:
        return Response(tone(), media_type="audio/wav")

    return router


def api_router(workspace: Workspace) -> APIRouter:
    router = APIRouter(prefix="/api")

    @router.get("/clips")
    def clips() -> dict[str, Any]:
        problems = sum(card["state"] in ("refused", "damaged") for card in workspace.cards)
        kinds = sorted({card["kind"] for card in workspace.cards})
        return {"clips": workspace.cards, "kinds": kinds, "workspace": "demo", "problems": problems}

    @router.get("/clips/{clip}")
    def one(clip: str) -> Any:
        card = next((each for each in workspace.cards if each["id"] == clip), None)
        return detail(card) if card else JSONResponse({"error": "There is no such clip."}, 404)

    @router.get("/health")
    def health() -> dict[str, Any]:
        return {"readable": True, "writable": not workspace.reason, "free_bytes": 10**9, "reason": workspace.reason}

    return router


def work_router(workspace: Workspace) -> APIRouter:
    router = APIRouter(prefix="/api")

    def add(count: int) -> None:
        workspace.cards.extend(make_card(index) for index in range(len(workspace.cards), len(workspace.cards) + count))

    def ingest(files: int, problems: list[dict[str, str]], added: int) -> dict[str, str]:
        report = {"added": added, "known": 5, "no_sound": 2, "damaged": 0, "refused": len(problems)}
        title = f"Add {files} files"
        return {
            "run": workspace.start("ingest", title, files, problems=problems, report=report, then=lambda: add(added))
        }

    @router.post("/ingest")
    def ingest_paths(body: dict[str, Any]) -> Any:
        workspace.asked.append(("ingest", body))
        if "/nowhere" in body["paths"]:
            return JSONResponse({"error": "There is nothing at /nowhere. Check the path."}, 404)
        return ingest(20, [{"subject": "list.m3u8", "reason": "playlists are not opened"}], 12)

    @router.post("/upload")
    async def upload(request: Request) -> dict[str, str]:
        form = await request.form()
        names = [item.filename for item in form.getlist("files") if not isinstance(item, str)]
        workspace.asked.append(("upload", names))
        return ingest(len(names), [], len(names))

    @router.post("/demo")
    def demo() -> dict[str, str]:
        return {"run": workspace.start("demo", "Make 24 demo clips", 24, then=lambda: add(24))}

    @router.get("/build/settings")
    def build_settings() -> dict[str, Any]:
        return {
            "shifts": [-1.2, -0.6, -0.4, 0.4, 0.6, 1.2],
            "shift_fill": "room",
            "mutes": ["silence"],
            "swap": True,
            "seed": 17,
        }

    @router.post("/build/plan")
    def build_plan(body: dict[str, Any]) -> dict[str, Any]:
        return plan(workspace, body["clips"], body["settings"])

    @router.post("/build/try")
    def build_try(body: dict[str, Any]) -> dict[str, Any]:
        return {"sounds": sound_rows(body["clip"], body["settings"])}

    @router.post("/build")
    def build(body: dict[str, Any]) -> dict[str, str]:
        workspace.asked.append(("build", body))
        total = plan(workspace, body["clips"], body["settings"])["total"]
        return {"run": workspace.start("build", "Build soundtracks, 8 settings", total)}

    @router.post("/donors/reject")
    def reject(body: dict[str, Any]) -> dict[str, bool]:
        workspace.asked.append(("reject", body))
        return {"ok": True}

    return router


def runs_router(workspace: Workspace) -> APIRouter:
    router = APIRouter(prefix="/api")

    @router.get("/runs")
    def runs() -> dict[str, Any]:
        return {"runs": [workspace.seen(run) for run in reversed(workspace.runs.values())]}

    @router.get("/runs/{run}")
    def run_detail(run: str) -> dict[str, Any]:
        held = workspace.runs[run]
        more = {"problems": held.get("problems", []), "report": held.get("report")}
        return workspace.seen(held) | {"log": "worker 1 started\nitem 1 written\n"} | more

    @router.post("/runs/{run}/cancel")
    def cancel(run: str) -> dict[str, bool]:
        held = workspace.runs[run]
        held["before"], held["state"] = workspace.seen(held)["done"], "cancelled"
        return {"ok": True}

    @router.post("/runs/{run}/resume")
    def resume(run: str) -> dict[str, bool]:
        workspace.runs[run] |= {"state": "running", "begun": time.monotonic()}
        return {"ok": True}

    return router


def control_router(workspace: Workspace) -> APIRouter:
    """How a test in another process sets the stage (POST /stage) and asks what the page sent (GET /stage)."""
    router = APIRouter()

    @router.post("/stage")
    def set_stage(body: dict[str, Any]) -> dict[str, bool]:
        if "clips" in body:
            workspace.cards[:] = [make_card(index) for index in range(body["clips"])]
            workspace.runs.clear()
            workspace.asked.clear()
        workspace.reason = body.get("reason", "")
        workspace.per_second = body.get("per_second", 400.0)
        if "run" in body:
            workspace.start(**body["run"])
        return {"ok": True}

    @router.get("/stage")
    def asked() -> list[Any]:
        return workspace.asked

    return router


def make_app(workspace: Workspace) -> Any:
    from ui.serve import create_app

    make = (api_router, work_router, runs_router, media_router, control_router)
    return create_app([router(workspace) for router in make])


if __name__ == "__main__":
    from ui.serve import serve

    port = int(sys.argv[1]) if len(sys.argv) > 1 else 7861
    count = int(sys.argv[2]) if len(sys.argv) > 2 else 142
    serve(make_app(Workspace([make_card(index) for index in range(count)], per_second=20)), port=port)
