"""From starting Python to the first paint in Chromium, against `import gradio` alone."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

from playwright.sync_api import sync_playwright

from tests.bench.rows import Row, judge
from tests.e2e.app_server import ROOT, running_app
from tests.e2e.conftest import FLAGS

FIRST_PAINT = """() => new Promise((done) => {
  const seen = performance.getEntriesByName("first-contentful-paint")[0];
  if (seen) return done(seen.startTime);
  new PerformanceObserver((list) => {
    for (const entry of list.getEntriesByName("first-contentful-paint")) done(entry.startTime);
  }).observe({ type: "paint", buffered: true });
})"""


def first_paint(runs: int = 3) -> list[Row]:
    """Medians of paired runs on a demo workspace that is made already."""
    with tempfile.TemporaryDirectory() as name, sync_playwright() as playwright:
        folder = Path(name)
        with running_app(folder) as app:
            app.wait_until_built()
        chromium = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        bare, ours, torch = [], [], []
        for _ in range(runs):
            bare.append(_import_gradio_s())
            with running_app(folder) as app:
                page = chromium.new_page()
                page.goto(app.url + "/clips", wait_until="commit")
                painted_s = page.evaluate(FIRST_PAINT) / 1000
                ours.append(app.started_s + painted_s)
                torch.append(_loads_torch(app.process.pid))
                page.close()
        chromium.close()
    beyond = median(o - b for o, b in zip(ours, bare, strict=True))
    against = "import gradio alone"
    name = "server start to first paint, beyond import gradio"
    return [
        judge(name, beyond, "s", limit=1.5, baseline=median(bare), against=against),
        judge("server start to first paint", median(ours), "s", baseline=median(bare), against=against),
        judge("torch loaded by the app", float(any(torch)), "yes=1", limit=0.0),
    ]


def _import_gradio_s() -> float:
    began = time.monotonic()
    subprocess.run([sys.executable, "-c", "import gradio"], cwd=ROOT, check=True)
    return time.monotonic() - began


def _loads_torch(pid: int) -> bool:
    return "libtorch" in Path(f"/proc/{pid}/maps").read_text()
