"""Bringing clips in through the page: paths, files, a drop, the report; and a workspace that is still empty."""

from __future__ import annotations

import base64
from pathlib import Path

from playwright.sync_api import BrowserContext, Page, expect

from tests.clips import make_clip
from tests.e2e.app_server import App, running_app
from tests.e2e.conftest import visiting
from tests.e2e.crowd import another_file
from tests.e2e.page import WORK_MS, Visit, cards, drawer, ready, run_row, toast
from tests.sounds import make_ding_clip

DROP = """([name, data]) => {
  const bytes = Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0));
  const held = new DataTransfer();
  held.items.add(new File([bytes], name, { type: "video/mp4" }));
  for (const step of ["dragenter", "dragover", "drop"])
    document.body.dispatchEvent(new DragEvent(step, { dataTransfer: held, bubbles: true, cancelable: true }));
}"""


def small_video(folder: Path, seed: int) -> bytes:
    make_ding_clip(folder / "small.mp4", 1.0, 0.5, seed=seed)
    return (folder / "small.mp4").read_bytes()


def drop(page: Page, name: str, data: bytes) -> None:
    page.evaluate(DROP, [name, base64.b64encode(data).decode()])


def mixed_folder(folder: Path) -> Path:
    """Two clips, one without sound, and one that is no video and named like a formula."""
    data = small_video(folder, seed=31)
    inbox = folder / "mixed inbox"
    inbox.mkdir()
    for number, name in enumerate(("mixed_a", "mixed_b")):
        (inbox / f"{name}.mp4").write_bytes(another_file(data, number))
    make_clip(inbox / "mixed_silent.mp4", seconds=1.0, audio_codec=None)
    (inbox / "=text, no video.mp4").write_text("no video")
    return inbox


def test_paths_become_clips_and_a_report(visit: Visit, tmp_path: Path) -> None:
    inbox = mixed_folder(tmp_path)
    page = ready(visit("/clips?q=mixed_"))
    page.keyboard.press("a")
    dialog = page.get_by_role("dialog", name="Add clips")
    page.keyboard.press("Control+Enter")
    expect(dialog.get_by_role("alert")).to_have_text("Write a path first, or choose files.")
    dialog.get_by_role("textbox").fill(f"{inbox}\n\n  {inbox / 'mixed_a.mp4'} \n{tmp_path / 'gone.mp4'}")
    page.keyboard.press("Control+Enter")
    expect(dialog.get_by_role("heading", name="After reading 5 files")).to_be_visible(timeout=WORK_MS)
    for words in ("3 added", "1 has no sound", "2 refused"):
        expect(dialog.get_by_text(words)).to_be_visible()
    expect(dialog.locator("tr").filter(has_text="gone.mp4")).to_be_visible()
    with page.expect_download() as download:
        dialog.get_by_role("button", name="CSV of the refused").click()
    lines = download.value.path().read_text().splitlines()
    assert lines[0] == "file,reason"
    assert len(lines) == 3
    assert any(str(inbox / "=text, no video.mp4") in line for line in lines)
    dialog.get_by_role("button", name="Done").click()
    expect(cards(page)).to_have_count(3)
    expect(cards(page).filter(has_text="mixed_silent")).to_contain_text("no sound")


def test_what_cannot_be_added_is_said(visit_broken: Visit, tmp_path: Path) -> None:
    page = ready(visit_broken("/clips"))
    page.get_by_role("button", name="Add clips…").click()
    dialog = page.get_by_role("dialog", name="Add clips")
    dialog.get_by_role("textbox").fill(str(tmp_path))
    dialog.get_by_role("button", name="Add clips").click()
    expect(dialog.get_by_role("alert")).to_contain_text("there is no video here")
    page.route("**/api/ingest", lambda route: route.abort())
    dialog.get_by_role("button", name="Add clips").click()
    expect(dialog.get_by_role("alert")).to_contain_text("The server does not answer.")
    expect(dialog.get_by_role("textbox")).to_have_value(str(tmp_path))
    page.route("**/api/upload", lambda route: route.abort())
    files = [{"name": "chosen é.mp4", "mimeType": "video/mp4", "buffer": b"x"}]
    with page.expect_request("**/api/upload") as sent:
        page.locator("dialog input[type=file]").set_input_files(files)
    assert "chosen é.mp4" in (sent.value.post_data_buffer or b"").decode()
    page.keyboard.press("Escape")
    expect(toast(page)).to_contain_text("The server does not answer.")
    toast(page).get_by_role("button", name="Close the message").click()
    expect(toast(page)).to_have_count(0)
    with page.expect_request("**/api/upload"):
        drop(page, "lost.mp4", b"x")
    expect(toast(page)).to_contain_text("The server does not answer.")


def test_an_empty_workspace_is_filled_by_a_drop(window: BrowserContext, tmp_path: Path) -> None:
    (tmp_path / "nothing").mkdir()
    with running_app(tmp_path, "--clips", str(tmp_path / "nothing")) as app, visiting(app, window) as visit:
        page = ready(visit("/clips"))
        expect(page.get_by_role("heading", name="No clips yet")).to_be_visible()
        page.keyboard.press("b")
        expect(page.get_by_role("dialog")).to_have_count(0)
        page.get_by_role("button", name="Add clips…").click()
        expect(page.get_by_role("dialog", name="Add clips")).to_be_visible()
        page.keyboard.press("Escape")
        stop_the_demo(app, page)
        drop(page, "dropped.mp4", small_video(tmp_path, seed=33))
        done = toast(page).filter(has_text="Add clips from dropped.mp4: done, 1 of 1.")
        done.get_by_role("button", name="See the report").click(timeout=WORK_MS)
        expect(page.get_by_role("dialog", name="Add clips").get_by_text("1 added")).to_be_visible()
        page.keyboard.press("Escape")
        expect(cards(page).filter(has_text="dropped")).to_be_visible()


def stop_the_demo(app: App, page: Page) -> None:
    """Asks for the demo clips and stops them: drawing all of them takes longer than a test may."""
    page.get_by_role("button", name="Make 24 demo clips").click()
    row = run_row(page, "Make 24 demo clips")
    expect(drawer(page)).to_be_visible()
    expect(row).to_contain_text("of 24")
    row.get_by_role("button", name="Stop").click()
    expect(row).to_contain_text("stopped")
    assert [(run["kind"], run["state"]) for run in app.get("/api/runs")["runs"]] == [("demo", "cancelled")]
