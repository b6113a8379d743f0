"""The Annotate page of the real app in Chromium: 60 clips resolved with the keyboard alone."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import Any

import httpx
from playwright.sync_api import Page, sync_playwright

from tests.bench.browser_bench import make_clips
from tests.bench.rows import Row, judge
from tests.e2e import measure
from tests.e2e.app_server import App, running_app
from tests.e2e.conftest import FLAGS

CLIPS, PLAYS = 62, 20
LOOK_MS = 900
"""How long a person looks at a clip before Enter; the next ones are fetched meanwhile."""

RESOLVE = """async ([count, look]) => {
  const ready = [], wrong = [], name = () => document.querySelector(".wb .head .mono").textContent;
  let outrun = 0;
  for (let i = 0; i < count; i++) {
    const { engine, bench } = __thud;
    await settled();
    for (let k = 0; k < 3; k++) { press("."); await settled(); }
    await nextPaint();
    const seen = onScreen() & 511;
    press("v");
    press("a");
    const { visual_s } = bench.draft;
    if (Math.abs(visual_s - engine.table.time(seen)) > 1e-6) wrong.push([name(), seen, visual_s]);
    await sleep(look);
    const before = name(), paints = __thud.timeline.paints, began = performance.now();
    press("Enter");
    if (__thud.clipId() === null) break;
    if (!__thud.prefetch.isWhole(__thud.clipId())) outrun += 1;
    do await nextFrame(); while (!(name() !== before && engine.media && __thud.timeline.paints !== paints));
    await settled();
    ready.push(performance.now() - began);
  }
  return { ready, wrong, outrun };
}"""

PLAYING = """async (plays) => {
  const off = [], { engine, bench } = __thud;
  for (let i = 0; i < plays; i++) {
    engine.seek(0.2 + 0.05 * i); await settled();
    press(" ");
    await sleep(350 + 37 * (i % 7));
    await nextFrame();
    const seen = onScreen() & 511;
    press("v");
    press(" ");
    await settled();
    off.push(engine.table.at(bench.draft.visual_s) - seen);
  }
  return off;
}"""


def annotate_page() -> list[Row]:
    """Submit to next clip, marks when paused and while playing, and what the server has in the end."""
    with tempfile.TemporaryDirectory() as name, sync_playwright() as playwright:
        clips = make_clips(Path(name) / "clips", CLIPS)
        with running_app(Path(name), "--clips", str(clips)) as app:
            app.wait_until_built()
            chromium = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
            page = chromium.new_page(viewport={"width": 1440, "height": 900})
            rows = _rows(page, app)
            chromium.close()
    return rows


def _rows(page: Page, app: App) -> list[Row]:
    measure.open_for_recorder(page, f"{app.url}/annotate")
    measure.prepare(page)
    off: list[int] = page.evaluate(PLAYING, PLAYS)
    page.reload()
    measure.prepare(page)
    done: dict[str, Any] = page.evaluate(RESOLVE, [60, LOOK_MS])
    page.wait_for_function("__thud.outbox.clips().length === 0")
    saved = len(httpx.get(f"{app.url}/api/marks.jsonl", timeout=60).text.splitlines())
    ms = measure.percentiles(done["ready"])
    return [
        judge("clips resolved by keyboard alone", float(saved), "clips", limit=60.0, sense="at least"),
        judge("submit to next clip ready p50", ms["p50"], "ms", limit=20.0),
        judge("submit to next clip ready p95", ms["p95"], "ms", limit=60.0),
        judge("paused marks that are not the frame on screen", float(len(done["wrong"])), "marks", limit=0.0),
        judge("mark while playing, worst", float(max(abs(frames) for frames in off)), "frames", limit=1.0),
        judge("clips that outran the prefetch", float(done["outrun"]), "clips"),
    ]
