"""No file is opened that could hang thud or name other files; every refusal is one sentence."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.clips import RECIPES, TEXTS, hostile, readable
from thud.errors import RefusedClip
from thud.media.guard import check_file, container_name, file_url, inside, open_media, sniff

REFUSED = {
    "playlist.mp4": "is a playlist",
    "concat.mp4": "is a list of other files",
    "manifest.mp4": "is a streaming manifest",
    "script.mp4": "is a script",
    "letter.mp4": "is a text file",
    "noise.mp4": "cannot be read",
    "cut_index.mp4": "cannot be read",
    "empty.mp4": "is empty",
    "pipe.mp4": "is a named pipe",
    "folder.mp4": "is a folder",
    "link_nowhere.mp4": "is a link to a file that does not exist",
    "link_pipe.mp4": "is a named pipe",
    "missing.mp4": "does not exist",
}


@contextmanager
def at_most(seconds: int = 10) -> Iterator[None]:
    """A block that is broken off: a pipe that was opened would be waited for until the end of time."""

    def late(*_: object) -> None:
        raise AssertionError("it hangs")  # no OSError, which a refusal could be made of

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


@pytest.mark.parametrize("name", REFUSED)
def test_refuses_in_one_sentence_that_names_the_file(name: str) -> None:
    path = hostile()[name]
    with at_most(), pytest.raises(RefusedClip) as refused:
        open_media(path)
    said = str(refused.value)
    assert said.startswith(name)
    assert REFUSED[name] in said
    assert said.endswith(".")
    assert "\n" not in said


def test_a_pipe_that_replaces_a_checked_file_does_not_hang(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "late.mp4")
    with at_most(), pytest.raises(RefusedClip):
        sniff(tmp_path / "late.mp4")


def test_devices_are_refused() -> None:
    with pytest.raises(RefusedClip, match="is a device"):
        check_file("/dev/null")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_unreadable_files_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "secret.mp4"
    path.write_bytes(readable()["short.mp4"].read_bytes())
    path.chmod(0)
    with pytest.raises(RefusedClip, match="permission denied"):
        open_media(path)


def test_links_may_not_lead_out_of_the_folder() -> None:
    link = hostile()["link_out.mp4"]
    with pytest.raises(RefusedClip, match="leads out of the folder inbox"):
        inside(link, link.parent)
    assert inside(link, link.parent.parent) == link.resolve()
    assert inside(hostile()["letter.mp4"], link.parent) == hostile()["letter.mp4"].resolve()
    with pytest.raises(RefusedClip):
        inside(link.parent / ".." / "outside.mp4", link.parent)
    with pytest.raises(RefusedClip, match="leads nowhere"):
        inside(hostile()["link_nowhere.mp4"], link.parent)


@pytest.mark.parametrize("name", RECIPES)
def test_opens_every_readable_clip_whatever_it_is_called(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    path = readable()[name]
    assert container_name(path) == path.suffix[1:]
    with open_media(path) as media:
        assert media.streams.video
    monkeypatch.chdir(path.parent)
    with open_media(name) as media:  # "-dash.mp4" and "concat:…" as they stand
        assert media.streams.video
    assert file_url(name) == f"file:{path}"


@pytest.mark.parametrize("name", TEXTS)
def test_what_a_file_is_called_does_not_matter(name: str, tmp_path: Path) -> None:
    for suffix in (".mkv", ".avi", ".m3u8", ""):
        path = tmp_path / f"clip{suffix}"
        path.write_text(TEXTS[name])
        with pytest.raises(RefusedClip):
            open_media(path)


def test_an_mp4_under_another_name_still_opens(tmp_path: Path) -> None:
    path = tmp_path / "clip.avi"
    path.write_bytes(readable()["short.mp4"].read_bytes())
    assert sniff(path) == "mov"
    with open_media(path) as media:
        assert media.streams.video
