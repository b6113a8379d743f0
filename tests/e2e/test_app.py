"""The whole app, as a user meets it: real clips in, stimuli out, heard in a real browser."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Page, expect

from tests.clips import hostile, readable
from tests.e2e.app_server import App, running_app
from tests.e2e.conftest import make_barcode_folder

Visit = Callable[[str], Page]
EDITS = {"original": 1, "early": 3, "delayed": 3, "muted": 2}


def cards(app: App) -> dict[str, dict[str, Any]]:
    return {card["title"]: card for card in app.get("/api/clips")["clips"]}


def clip_page(app: App, title: str = "Clip at 30") -> dict[str, Any]:
    return dict(app.get(f"/api/clips/{cards(app)[title]['id']}"))


def test_the_first_start_builds_every_condition_of_every_clip(app: App) -> None:
    for card in cards(app).values():
        if card["title"].startswith("Clip at"):
            rows = {row["condition"]: row for row in card["conditions"]}
            assert {name: rows[name]["verified"] + rows[name]["refused"] for name in EDITS} == EDITS
            assert not any(rows[name]["failed"] for name in EDITS)
            # All these clips have the same click, and a donor that sounds like the original is no swap.
            assert rows["swapped"]["failed"] == 1


def test_the_gallery_leads_to_a_clip_and_back(app: App, visit: Visit) -> None:
    page = visit("/clips?q=Clip+at")
    expect(page.get_by_text("Clip at 30", exact=True)).to_be_visible(timeout=20_000)
    page.get_by_text("Clip at 30", exact=True).click()
    expect(page).to_have_url(re.compile(r"clip=[0-9a-f]{16}"))
    expect(page.get_by_role("heading", name="Clip at 30")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_text("Clip at 25", exact=True)).to_be_visible()


def test_every_condition_is_one_size_as_a_file_and_has_the_sources_picture(app: App, tmp_path: Path) -> None:
    from thud.media.picture import picture_hash

    shown = clip_page(app)
    sizes, hashes = set(), set()
    for row in shown["sounds"]:
        data = httpx.get(app.url + row["mux"], timeout=60).raise_for_status().content
        path = tmp_path / f"{row['id']}.mp4"
        path.write_bytes(data)
        sizes.add(len(data))
        hashes.add(picture_hash(path))
    assert len(sizes) == 1
    assert hashes == {shown["clip"]["picture_hash"]}


def test_media_answer_ranges_and_may_be_kept(app: App) -> None:
    url = app.url + clip_page(app)["sounds"][0]["people"]
    part = httpx.get(url, headers={"range": "bytes=0-3"})
    assert (part.status_code, part.content) == (206, b"fLaC")
    assert "immutable" in part.headers["cache-control"]
    assert part.headers["etag"]


@pytest.mark.parametrize(
    "path",
    [
        "/media/clip/..%2f..%2f..%2fetc%2fpasswd/proxy.mp4",
        "/media/stimulus/0000000000000000/..%2f..%2fannotations/people.flac",
        "/media/clip/0123456789abcdef/proxy.mp4",
        "/api/clips/0123456789abcdef",
        "/api/runs/0123456789abcdef",
    ],
)
def test_what_is_not_there_is_not_found(app: App, path: str) -> None:
    assert httpx.get(app.url + path).status_code == 404


def test_other_hosts_and_other_origins_get_nothing(app: App) -> None:
    assert httpx.get(app.url + "/api/clips", headers={"host": "evil.example"}).status_code == 421
    stranger = httpx.post(app.url + "/api/demo", headers={"origin": "https://evil.example"})
    assert stranger.status_code == 403


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/api/ingest", {"paths": []}),
        ("/api/ingest", {"paths": [7]}),
        ("/api/build/plan", {"settings": {"shifts": ["late"]}}),
        ("/api/build/plan", {"settings": {"shifts": [0.5]}, "clips": "all"}),
        ("/api/build", {}),
    ],
)
def test_odd_requests_get_a_sentence(app: App, path: str, body: dict[str, Any]) -> None:
    answer = httpx.post(app.url + path, json=body)
    assert answer.status_code == 400
    assert len(answer.json()["error"]) > 20


def test_an_empty_folder_is_refused_in_words(app: App, tmp_path: Path) -> None:
    answer = httpx.post(app.url + "/api/ingest", json={"paths": [str(tmp_path)]})
    assert answer.status_code == 400
    assert "no video" in answer.json()["error"]


def test_hostile_files_are_refused_one_by_one_and_the_rest_goes_on(app: App) -> None:
    inbox = next(iter(hostile().values())).parent
    good = next(iter(readable().values())).parent
    before = len(app.get("/api/clips")["clips"])
    run = app.wait_for(app.post("/api/ingest", {"paths": [str(inbox), str(good)]})["run"])
    assert run["state"] == "done"
    refused = {Path(problem["subject"]).name: problem["reason"] for problem in run["problems"]}
    assert {"pipe.mp4", "empty.mp4", "playlist.mp4", "concat.mp4", "link_out.mp4", "too_long.mp4"} <= set(refused)
    assert all(10 < len(reason) < 300 for reason in refused.values())
    assert not set(refused) & set(readable())
    assert run["report"]["damaged"] >= 2
    assert run["report"]["refused"] == len(refused)
    assert len(app.get("/api/clips")["clips"]) == before + run["report"]["added"]


def test_the_same_files_again_are_known(app: App) -> None:
    good = next(iter(readable().values())).parent
    first = app.wait_for(app.post("/api/ingest", {"paths": [str(good)]})["run"])["report"]
    again = app.wait_for(app.post("/api/ingest", {"paths": [str(good)]})["run"])["report"]
    assert again["added"] == 0
    assert again["known"] == first["added"] + first["known"]


def test_an_upload_becomes_a_clip(app: App, tmp_path: Path) -> None:
    from tests.sounds import make_ding_clip

    path = make_ding_clip(tmp_path / "x.mp4", seed=99).path
    files = {"files": ("my clip é.mp4", Path(path).read_bytes(), "video/mp4")}
    run = httpx.post(app.url + "/api/upload", files=files, timeout=60).raise_for_status().json()["run"]
    assert app.wait_for(run)["report"]["added"] == 1
    assert "my clip é" in cards(app)


def test_a_build_of_one_clip_is_planned_tried_and_run(app: App) -> None:
    clip_id = cards(app)["Clip at 25"]["id"]
    settings = {"shifts": [-0.25, 0.25, 2.9], "shift_fill": "circular", "mutes": [], "swap": False, "seed": 4}
    plan = app.post("/api/build/plan", {"clips": [clip_id], "settings": settings})
    assert plan["total"] == 2
    assert "leave the clip" in plan["refused"][0]["reason"]
    tried = app.post("/api/build/try", {"clip": clip_id, "settings": settings})
    assert [row["asked"] for row in tried["sounds"]][1:] == ["−0.250 s, circular", "+0.250 s, circular"]
    run = app.wait_for(app.post("/api/build", {"clips": [clip_id], "settings": settings})["run"])
    assert run["state"] == "done"
    page = app.get(f"/api/clips/{clip_id}")
    assert {row["id"] for row in tried["sounds"]} <= {row["id"] for row in page["sounds"]}
    assert any("leave the clip" in row["reason"] for row in page["refused"])
    for row in page["sounds"]:
        sound = httpx.get(app.url + row["people"]).content
        assert sha256(sound).hexdigest() == row["proof"]["people_sha256"]


def test_a_verb_beside_the_app_names_the_process_that_holds_the_database(app: App) -> None:
    workspace = next(app.workspace.iterdir())
    command = [sys.executable, "-m", "thud", "verify", "--workspace", str(workspace), "--db"]
    done = subprocess.run([*command, str(workspace / "annotations.duckdb")], capture_output=True, text=True)
    assert done.returncode == 1
    assert str(app.process.pid) in done.stderr
    assert "Traceback" not in done.stderr


def test_a_broken_title_is_shown_as_text(app: App, visit: Visit, tmp_path: Path) -> None:
    from tests.e2e.app_server import write_manifest
    from tests.sounds import make_ding_clip

    make_ding_clip(tmp_path / "odd.mp4", seed=5)
    title = '<img src=x onerror="document.title=1"> ${document.title=2} {{x}}'
    write_manifest(tmp_path, [{"path": "odd.mp4", "title": title}])
    app.wait_for(app.post("/api/ingest", {"paths": [str(tmp_path)]})["run"])
    page = visit("/clips?q=onerror")
    expect(page.get_by_text(title, exact=True)).to_be_visible(timeout=20_000)
    assert page.title() not in ("1", "2")


def test_nothing_is_left_open_after_hostile_files(app: App) -> None:
    children = subprocess.run(["pgrep", "-P", str(app.process.pid)], capture_output=True, text=True).stdout.split()
    alive = [pid for pid in children if "zombie" not in Path(f"/proc/{pid}/status").read_text(errors="replace")]
    assert len(alive) <= (os.cpu_count() or 1) + 2


def test_a_killed_app_finds_its_runs_again(tmp_path: Path) -> None:
    clips = make_barcode_folder(tmp_path / "clips")
    with running_app(tmp_path, "--clips", str(clips)) as first:
        while not (runs := first.get("/api/runs")["runs"]) or (run := runs[0])["state"] == "queued":
            time.sleep(0.02)
        first.process.kill()
    with running_app(tmp_path, "--clips", str(clips)) as second:
        second.wait_until_built()
        assert second.wait_for(run["id"])["state"] == "done"
        assert len(second.get("/api/clips")["clips"]) >= 4


def test_adding_a_known_file_by_its_path_keeps_what_was_said_of_it(app: App) -> None:
    before = cards(app)["Clip at 30"]
    path = app.get(f"/api/clips/{before['id']}")["clip"]["path"]
    app.wait_for(app.post("/api/ingest", {"paths": [path]})["run"])
    after = cards(app)["Clip at 30"]
    assert (after["kind"], after["source"], after["audio_s"]) == (before["kind"], before["source"], before["audio_s"])
