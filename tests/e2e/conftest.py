"""One browser and two real apps for all end-to-end tests: one with everything built, one with many clips."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, ViewportSize, expect, sync_playwright

from tests.barcode import make_clip
from tests.e2e import measure
from tests.e2e.app_server import App, running_app, running_module, write_manifest
from tests.e2e.crowd import write_crowd
from tests.e2e.page import PATIENCE_MS, Visit, ready
from tests.e2e.player import DROPPED, clip_page, write_walk
from tests.e2e.train_page import Hand
from tests.sounds import make_ding_clip

FLAGS = ["--no-sandbox", "--disable-gpu", "--mute-audio", "--autoplay-policy=no-user-gesture-required"]
CLICK_S = 1.5
SIZE: ViewportSize = {"width": 1440, "height": 900}


def make_barcode_folder(folder: Path) -> Path:
    """Four clips whose picture carries its frame number and whose sound is one click at 1.5 s."""
    folder.mkdir(parents=True)
    rows = []
    for number, variant in enumerate(("30", "25", "23.976", "vfr")):
        name = f"{variant}.mp4"
        made = make_clip(folder / name, variant, seconds=3.0, click_s=CLICK_S, seed=number)  # type: ignore[arg-type]
        seen = made.times_s[made.shown_at(CLICK_S)]
        row = {"path": name, "title": f"Clip at {variant}", "kind": "ab"[number % 2], "source": name}
        rows.append({**row, "visual_s": round(float(seen), 6), "audio_s": CLICK_S})
    write_manifest(folder, rows)
    return folder


@pytest.fixture(scope="session")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    """The app as `CLIPS=/folder make run` starts it, with everything built."""
    folder = tmp_path_factory.mktemp("app")
    clips = make_barcode_folder(folder / "barcodes")
    with running_app(folder, "--clips", str(clips)) as running:
        running.wait_until_built()
        yield running
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def pair(app: App, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The kind of two clips to build for, 3 s long with their event at 1 s; a third file was refused with them."""
    folder = tmp_path_factory.mktemp("pair") / "pair"
    folder.mkdir()
    names = ("pair_one", "pair_two")
    for seed, name in enumerate(names):
        make_ding_clip(folder / f"{name}.mp4", 3.0, 1.0, seed=seed, pitch_hz=500.0 + 300 * seed)
    (folder / "poor.mp4").write_text("no video")
    write_manifest(folder, [{"path": f"{n}.mp4", "kind": "pair", "visual_s": 1.0, "audio_s": 1.0} for n in names])
    app.wait_for(app.post("/api/ingest", {"paths": [str(folder)]})["run"])
    return "pair"


@pytest.fixture(scope="session")
def walk(app: App, tmp_path_factory: pytest.TempPathFactory) -> App:
    """The app with the kind "walk", clips to go through, and with more of "Clip at 30"."""
    folder = write_walk(tmp_path_factory.mktemp("walk") / "walk")
    app.wait_for(app.post("/api/ingest", {"paths": [str(folder)]})["run"])
    clip_id = clip_page(app)["clip"]["id"]
    app.wait_for(app.post("/api/build", {"clips": [clip_id], "settings": DROPPED})["run"])
    return app


@pytest.fixture(scope="session")
def crowd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    """The app on hundreds of clips that nothing was built of. Tests look at it and leave it as it is."""
    folder = tmp_path_factory.mktemp("crowd")
    with running_app(folder, "--clips", str(write_crowd(folder))) as running:
        yield running
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def window(chromium: Browser) -> Iterator[BrowserContext]:
    """One window with one tab for all tests, so that what Gradio loads is loaded and compiled once."""
    context = chromium.new_context(viewport=SIZE)
    context.new_page()
    yield context
    context.close()


@contextmanager
def watching(app: App, window: BrowserContext, *, faults: bool = False) -> Iterator[None]:
    """Meanwhile no page may have an error, a failed request or a request to elsewhere.

    faults: the test breaks the network, so failed requests and what the browser says of them are no trouble.
    """
    trouble: list[str] = []
    local = (app.url, "blob:", "data:", "about:blank")
    notes = {
        "weberror": lambda error: trouble.append(str(error.error)),
        "request": lambda sent: None if sent.url.startswith(local) else trouble.append(sent.url),
        "console": lambda said: trouble.append(said.text) if said.type == "error" and not faults else None,
        "response": lambda got: trouble.append(f"{got.status} {got.url}") if got.status >= 400 and not faults else None,
    }
    for event, note in notes.items():
        window.on(event, note)
    try:
        yield
    finally:
        for event, note in notes.items():
            window.remove_listener(event, note)
    assert trouble == []


@contextmanager
def visiting(app: App, window: BrowserContext, *, faults: bool = False) -> Iterator[Visit]:
    """Opens pages of the app; at the end nothing that a page remembered is left."""
    first = window.pages[0]
    if first.url != "about:blank":
        _forget(first)

    def open_page(path: str) -> Page:
        page = first if first.url == "about:blank" else window.new_page()
        page.goto(app.url + path)
        return page

    with watching(app, window, faults=faults):
        try:
            yield open_page
        finally:
            for page in window.pages[1:]:
                page.close()
            _forget(first)


def _forget(page: Page) -> None:
    """The tab as it was before a test, whatever became of that."""
    page.unroute_all()
    if page.url != "about:blank":
        page.evaluate("localStorage.clear(), sessionStorage.clear()")
    page.goto("about:blank")
    page.set_viewport_size(SIZE)
    page.emulate_media(color_scheme="light")


@pytest.fixture
def visit(app: App, window: BrowserContext) -> Iterator[Visit]:
    with visiting(app, window) as open_page:
        yield open_page


@pytest.fixture
def visit_crowd(crowd: App, window: BrowserContext) -> Iterator[Visit]:
    with visiting(crowd, window) as open_page:
        yield open_page


@pytest.fixture
def visit_broken(app: App, window: BrowserContext) -> Iterator[Visit]:
    """As `visit`, for tests that break the network between page and app."""
    with visiting(app, window, faults=True) as open_page:
        yield open_page


@pytest.fixture
def stay(walk: App, window: BrowserContext) -> Iterator[Visit]:
    """As `visit`, in a page that stays from test to test and goes on as with the browser's back and forward buttons.

    It is open for the recorder.
    """
    page = window.pages[0]

    def go(path: str) -> Page:
        if not page.url.startswith(walk.url):
            measure.open_for_recorder(page, f"{walk.url}/clips")
            ready(page)
        page.evaluate("path => { history.pushState(null, '', path); dispatchEvent(new Event('popstate')); }", path)
        return page

    with watching(walk, window):
        try:
            yield go
        finally:
            page.unroute_all()
            page.mouse.move(0, 0)
            go("/clips")


@pytest.fixture(scope="session")
def train_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    folder = tmp_path_factory.mktemp("train")
    with running_module("tests.e2e.train_app", folder) as url:
        yield url, folder


@pytest.fixture
def hand(train_site: tuple[str, Path], chromium: Browser) -> Iterator[Hand]:
    page = chromium.new_page(viewport={"width": 1440, "height": 900})
    trouble: list[str] = []
    page.on("pageerror", lambda error: trouble.append(str(error)))
    page.on("console", lambda said: trouble.append(said.text) if said.type == "error" else None)
    page.on(
        "request",
        lambda sent: None if sent.url.startswith((train_site[0], "data:", "blob:")) else trouble.append(sent.url),
    )
    yield Hand(*train_site, page, trouble)
    page.close()
    assert trouble == []
