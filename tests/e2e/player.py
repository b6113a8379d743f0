"""How the tests take hold of a clip's page, and the clips they go through beside those that have everything."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from playwright.sync_api import Page

from tests.barcode import make_clip
from tests.e2e import measure
from tests.e2e.app_server import App, write_manifest
from tests.e2e.page import Visit

Json = dict[str, Any]
NUMBER_BITS = 9
"""The pictures of these clips carry clip number << 9 | frame number, so that one is not taken for another."""
WALK, SILENT = 7, "Walk without sound"
DROPPED = {"shifts": [2.9], "shift_fill": "room", "mutes": ["drop_stream"], "swap": False, "seed": 0}
"""Built for "Clip at 30" besides: a sound stream that is left out, and a shift that is refused."""


def write_walk(folder: Path) -> Path:
    """Clips that nothing will be built of; the last one has no sound."""
    folder.mkdir()
    rows = []
    for number in range(1, WALK + 1):
        name = f"walk_{number}.mp4"
        make_clip(folder / name, seconds=1.0, click_s=0.4, seed=number, first=number << NUMBER_BITS)
        rows.append({"path": name, "title": f"Walk {number}", "kind": "walk", "visual_s": 0.4, "audio_s": 0.4})
    make_clip(folder / "walk_silent.mp4", channels=0, first=WALK + 1 << NUMBER_BITS)
    write_manifest(folder, [*rows, {"path": "walk_silent.mp4", "title": SILENT, "kind": "walk"}])
    return folder


def clips_of(app: App, *kinds: str) -> list[Json]:
    """The cards of these kinds, in the gallery's order."""
    return [card for card in app.get("/api/clips")["clips"] if card["kind"] in kinds]


def clip_page(app: App, title: str = "Clip at 30") -> Json:
    """What the app says of one clip."""
    found = next(card["id"] for card in app.get("/api/clips")["clips"] if card["title"] == title)
    return dict(app.get(f"/api/clips/{found}"))


def sound_id(shown: Json, words: str) -> str:
    """The sound of a clip by its condition or the beginning of what was asked."""
    found = (row["id"] for row in shown["sounds"] if row["condition"] == words or row["asked"].startswith(words))
    return str(next(found))


def address(shown: Json, **query: object) -> str:
    return "/clips?" + urlencode({"clip": shown["clip"]["id"], **query}, doseq=True)


def open_clip(visit: Visit, shown: Json, **query: object) -> Page:
    """The clip's page with all of it there, and with the helpers of `measure` in it."""
    page = visit(address(shown, **query))
    measure.prepare(page)
    return page


def state(page: Page) -> Json:
    return dict(page.evaluate("__thud.engine.state()"))


def wait_until_heard(page: Page) -> None:
    page.wait_for_function("__thud.engine.deck.running")
