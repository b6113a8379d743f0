"""How the tests take hold of the Annotate page, and the app and clips it works on."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import numpy as np
from playwright.sync_api import Locator, Page

from tests.barcode import make_clip
from tests.e2e import measure
from tests.e2e.app_server import App, running_app, write_manifest
from tests.e2e.page import Visit

Json = dict[str, Any]
CLICK_S = 1.0
HOSTILE = "<img src=x onerror=window.hacked=1>${window.hacked=2}{{hacked}}"
NOTHING = "!__thud.outbox.state.waiting && !__thud.outbox.sending"


def write_built(folder: Path) -> Path:
    """Three clips that everything is built of: their frames are numbered, their click is at 1 s."""
    folder.mkdir(parents=True)
    rows = []
    for seed, variant in enumerate(("30", "23.976", "vfr")):
        name = f"{variant}.mp4"
        make_clip(folder / name, variant, seconds=3.0, click_s=CLICK_S, seed=seed)  # type: ignore[arg-type]
        rows.append({"path": name, "title": f"Built at {variant}", "source": name})
    write_manifest(folder, rows)
    return folder


def write_queue(folder: Path, count: int) -> Path:
    """Clips of a second with nothing built and nothing known."""
    folder.mkdir(parents=True)
    rows = []
    for number in range(count):
        name = f"queue_{number}.mp4"
        make_clip(folder / name, seconds=1.0, click_s=0.4, seed=number, first=number + 1 << 9)
        rows.append({"path": name, "title": f"Queue {number}"})
    write_manifest(folder, rows)
    return folder


@contextmanager
def annotating_app(folder: Path, count: int) -> Iterator[App]:
    """The app on three built clips and `count` others, with made-up marks of four models on each."""
    with running_app(folder, "--clips", str(write_built(folder / "built"))) as app:
        app.wait_until_built()
        app.wait_for(app.post("/api/ingest", {"paths": [str(write_queue(folder / "queue", count))]})["run"])
        bring_models(app)
        yield app
    shutil.rmtree(folder, ignore_errors=True)


def bring_models(app: App) -> None:
    rows = [row for clip in cards(app) for row in model_marks(clip["id"])]
    bring(app, rows)


def model_marks(clip: str) -> list[Json]:
    """Gemini, GPT, Claude and signal on one clip. GPT and Claude do not hear."""
    made_up = {"simulated": True}
    deaf = {**made_up, "hears": False}
    return [
        {
            "clip": clip,
            "annotator": "gemini",
            "visual_s": 0.31,
            "audio_s": 0.35,
            "confidence": "high",
            "detail": made_up,
        },
        {"clip": clip, "annotator": "gpt", "visual_s": 0.9, "audio_s": None, "confidence": "medium", "detail": deaf},
        {"clip": clip, "annotator": "claude", "visual_s": 0.23, "audio_s": None, "confidence": "high", "detail": deaf},
        {"clip": clip, "annotator": "signal", "visual_s": 0.4, "audio_s": 0.402, "detail": made_up},
    ]


def bring(app: App, rows: list[Json]) -> None:
    """Marks made elsewhere come in."""
    lines = "\n".join(json.dumps({"verdict": "placed", **row}) for row in rows)
    answer = httpx.post(f"{app.url}/api/marks/import", content=lines, timeout=60).raise_for_status().json()
    assert answer["refused"] == []


def cards(app: App) -> list[Json]:
    return list(app.get("/api/clips")["clips"])


def clip_called(app: App, title: str) -> str:
    return str(next(card["id"] for card in cards(app) if card["title"] == title))


def mine(app: App, person: str = "local") -> dict[str, Json]:
    """This person's marks in force, by clip."""
    text = httpx.get(f"{app.url}/api/marks.jsonl", timeout=60).raise_for_status().text
    rows = [json.loads(line) for line in text.splitlines()]
    return {row["clip"]: row for row in rows if row["annotator"] == person}


def frame_times(app: App, clip: str) -> list[float]:
    raw = httpx.get(f"{app.url}/media/clip/{clip}/frames.f64", timeout=60).raise_for_status().content
    return [float(time_s) for time_s in np.frombuffer(raw, np.float64)]


def history(app: App, clip: str, kind: str) -> list[Json]:
    return [event for event in app.get(f"/api/clips/{clip}/history")["events"] if event["kind"] == kind]


# ---- the page


def open_bench(visit: Visit, path: str = "/annotate", clip: str | None = None) -> Page:
    """The page once its clip is whole."""
    page = visit(f"{path}?clip={clip}" if clip else path)
    prepare(page)
    return page


def prepare(page: Page) -> None:
    page.wait_for_function("window.__thud?.bench?.bundle", timeout=60_000)
    measure.prepare(page)


def press(page: Page, *keys: str) -> None:
    for key in keys:
        page.keyboard.press(key)


def draft(page: Page) -> Json:
    return dict(page.evaluate("__thud.bench.draft"))


def clip_id(page: Page) -> str:
    return str(page.evaluate("__thud.clipId()"))


def title(page: Page) -> Locator:
    return page.locator(".wb h1")


def row(page: Page, name: str) -> Locator:
    return page.locator(".mt tbody tr").filter(has=page.locator(".an", has_text=name)).first


def save_state(page: Page) -> Locator:
    return page.locator(".wb .save")


def place(page: Page, frames: int = 3) -> None:
    """Both times on the clip that is shown: some frames in, and 10 ms later."""
    press(page, *["."] * frames, "v", "ArrowRight", "a")


def to_next(page: Page, key: str = "Enter") -> str:
    """Sends the clip off and waits for the one after it. Returns the clip that was sent."""
    before = clip_id(page)
    press(page, key)
    page.wait_for_function("was => __thud.bench.bundle && __thud.clipId() !== was", arg=before)
    return before


def all_sent(page: Page) -> None:
    page.wait_for_function(NOTHING)
