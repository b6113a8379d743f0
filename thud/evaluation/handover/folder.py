"""A folder that appears whole or not at all, with the hash of every file in it."""

from __future__ import annotations

import errno
import fcntl
import glob
import json
import os
import re
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from string import Template
from typing import Any

from thud.disk import file_sha256
from thud.errors import BadRequest, StoreFull
from thud.evaluation.handover.items import ExportItem

TEMPLATES = Path(__file__).parent / "templates"
HASHES = "SHA256SUMS"


@contextmanager
def whole_folder(target: Path, known: Mapping[str, str] | None = None) -> Iterator[Path]:
    """A new folder to write into, which becomes `target` at the end. Raises BadRequest where something is there.

    What a killed process left of its beginnings is removed first. known: place in the folder → hash of files that are
    hashed already, filled until the end; the others are read.
    """
    target = target.expanduser().absolute()
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise BadRequest(f"{target} is there already and not empty; choose another folder.")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        _remove_left(target)
        part = Path(tempfile.mkdtemp(prefix=_prefix(target), dir=target.parent))
        lock = _locked(part)
    except OSError as error:
        raise BadRequest(f"{target} cannot be made: {error.strerror}.") from error
    try:
        yield part
        _write_hashes(part, known or {})
        part.chmod(0o755)
        part.replace(target)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise StoreFull(f"The disk is full: {target.name} was not written.") from error
        raise BadRequest(f"{target} cannot be written: {error.strerror}.") from error
    finally:
        shutil.rmtree(part, ignore_errors=True)
        if lock is not None:
            os.close(lock)


def _prefix(target: Path) -> str:
    return f".{target.name}.part-"


def _remove_left(target: Path) -> None:
    """Removes what processes that are no more began to write for `target`; who is at work holds a lock on it."""
    for left in target.parent.glob(f"{glob.escape(_prefix(target))}*"):
        lock = _locked(left)
        if lock is not None:
            shutil.rmtree(left, ignore_errors=True)
            os.close(lock)


def _locked(folder: Path) -> int | None:
    """A descriptor that holds the folder until it is closed; None where another process holds it, or where the file
    system has no locks on folders."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(handle)
        return None
    return handle


def copy_media(items: Iterable[ExportItem], folder: Path) -> dict[Path, str]:
    """Where each medium lies now, relative to `folder`. Names are hashes: they tell nothing of the condition."""
    (folder / "media").mkdir()
    places: dict[Path, str] = {}
    for item in items:
        for path in item.files():
            if path not in places:
                places[path] = f"media/{file_sha256(path)[:32]}{path.suffix.lower()}"
                if not (folder / places[path]).exists():
                    shutil.copyfile(path, folder / places[path])
    return places


def write_rows(rows: Iterable[dict[str, Any]], path: Path) -> None:
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")


def copy_template(template: str, path: Path) -> None:
    """The template as it is; `.txt` keeps tools from taking it for a module of this project."""
    shutil.copyfile(TEMPLATES / template, path)


def fill_template(template: str, path: Path, words: Mapping[str, str]) -> None:
    text = Template((TEMPLATES / template).read_text(encoding="utf-8")).substitute(words)
    path.write_text(text, encoding="utf-8")


def plain_name(name: str) -> str:
    """The name as one that both tools take for a task: lower case letters, digits and underscores."""
    return re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")[:60] or "thud"


def _write_hashes(folder: Path, known: Mapping[str, str]) -> None:
    """Lines that `sha256sum -c` checks."""
    files = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}
    lines = [f"{known.get(name) or file_sha256(path)}  {name}\n" for name, path in sorted(files.items())]
    (folder / HASHES).write_text("".join(lines), encoding="utf-8")
