"""The clip page of the real app in Chromium, on clips whose picture carries its frame number."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from statistics import median

from playwright.sync_api import Page, sync_playwright

from tests.barcode import make_clip
from tests.bench.rows import Row, judge
from tests.e2e import measure
from tests.e2e.app_server import App, running_app, write_manifest
from tests.e2e.conftest import FLAGS

CLIPS, CLICK_S = 42, 1.5


def clip_page() -> list[Row]:
    """Switching, picture against sound, stepping, seeking, and going from clip to clip."""
    with tempfile.TemporaryDirectory() as name, sync_playwright() as playwright:
        folder = Path(name)
        clips = make_clips(folder / "clips", CLIPS)
        with running_app(folder, "--clips", str(clips)) as app:
            app.wait_until_built()
            chromium = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
            elsewhere: list[str] = []
            page = chromium.new_page(viewport={"width": 1440, "height": 900})
            local = (app.url, "blob:", "data:")
            page.on("request", lambda r: None if r.url.startswith(local) else elsewhere.append(r.url))
            rows = _rows(page, app)
            rows.append(judge("requests that leave the machine", float(len(elsewhere)), "requests", limit=0.0))
            chromium.close()
    return rows


def make_clips(folder: Path, count: int) -> Path:
    """A folder of `count` clips of 3 s with their frame number in the picture and one click in the sound."""
    folder.mkdir(parents=True)
    rows = []
    for number in range(count):
        name = f"bar{number:02d}.mp4"
        make_clip(folder / name, "30", seconds=3.0, click_s=CLICK_S, seed=number)
        times = {"visual_s": CLICK_S, "audio_s": CLICK_S}
        rows.append({"path": name, "title": f"Bar {number:02d}", "source": name, **times})
    write_manifest(folder, rows)
    return folder


def _rows(page: Page, app: App) -> list[Row]:
    first = app.get("/api/clips")["clips"][0]["id"]
    sounds = [row["id"] for row in app.get(f"/api/clips/{first}")["sounds"] if row["condition"] != "swapped"]
    measure.open_for_recorder(page, f"{app.url}/clips?clip={first}")
    measure.prepare(page)
    toggles = [sounds[0], sounds[-3], sounds[0], sounds[1], sounds[-3], sounds[0]]
    lags = measure.switching(page, toggles)["lags"]
    plays, steps = measure.in_step(page, plays=6, at_s=CLICK_S), measure.steps(page, 30)
    seeks, walk = measure.seeks(page, 40), measure.next_clips(page, CLIPS - 2)
    apart = [abs(ms) for ms in plays["event"]]
    exact = 100 * (1 - len(steps["wrong"]) / steps["steps"])
    return [
        judge("A/B alignment, worst", float(max(abs(lag) for lag in lags)), "samples", limit=0.0),
        judge("picture against sound at the event, median of 6 plays", median(apart), "ms", limit=5.0),
        judge("picture against sound at the event, worst of 6 plays", max(apart), "ms", limit=5.0),
        judge("frame steps exact", exact, "%", limit=100.0, sense="at least"),
        judge("seek p50", seeks["ms"]["p50"], "ms", limit=20.0),
        judge("clip to next clip ready p50", walk["ms"]["p50"], "ms", limit=20.0),
        judge("clip to next clip ready p95", walk["ms"]["p95"], "ms", limit=60.0),
    ]
