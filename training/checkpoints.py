"""Checkpoints of a run: which of them are whole, and the swapping of one folder for another.

A checkpoint counts once its mark is written, which happens after all its files are on the disk. What a killed process
left without a mark, or with a file that is not as long as it was, is no checkpoint.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from thud.disk import sync

MARK = "whole.json"
KEPT = 2
"""Checkpoints that stay: the newest, and the one before it for the case that the newest is damaged later."""


def mark_whole(folder: Path, step: int) -> None:
    """Returns when the checkpoint is on the disk and marked as whole."""
    files = {path.relative_to(folder).as_posix(): path for path in sorted(folder.rglob("*")) if path.is_file()}
    for path in files.values():
        sync(path)
    sizes = {name: path.stat().st_size for name, path in files.items() if name != MARK}
    part = folder / f".{MARK}"
    part.write_text(json.dumps({"step": step, "files": sizes}), encoding="utf-8")
    sync(part)
    part.replace(folder / MARK)
    sync(folder)


def whole_step(folder: Path) -> int:
    """The step of a whole checkpoint, 0 for what is none."""
    try:
        mark = json.loads((folder / MARK).read_text(encoding="utf-8"))
        right = all((folder / name).stat().st_size == size for name, size in mark["files"].items())
        return int(mark["step"]) if right else 0
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return 0


def last_whole(folder: Path) -> tuple[Path | None, int]:
    """The newest whole checkpoint below `folder` and its step; (None, 0) where there is none."""
    found = [(step, path) for path in _all(folder) if (step := whole_step(path))]
    step, path = max(found, default=(0, None))
    return path, step


def drop_torn(folder: Path) -> list[str]:
    """Removes what is no whole checkpoint; the names of it."""
    torn = [path for path in _all(folder) if not whole_step(path)]
    for path in torn:
        shutil.rmtree(path, ignore_errors=True)
    return [path.name for path in torn]


def drop_old(folder: Path, kept: int = KEPT) -> None:
    """Removes all whole checkpoints but the newest `kept`."""
    steps = sorted((step, path) for path in _all(folder) if (step := whole_step(path)))
    for _, path in steps[:-kept]:
        shutil.rmtree(path, ignore_errors=True)


def swap_in(part: Path, folder: Path) -> None:
    """`part` becomes `folder`; what was there before is removed, and is still there if this fails."""
    for path in part.rglob("*"):
        if path.is_file():
            sync(path)
    old = folder.with_name(f".{folder.name}.old")
    shutil.rmtree(old, ignore_errors=True)
    if folder.exists():
        folder.replace(old)
    part.replace(folder)
    sync(folder.parent)
    shutil.rmtree(old, ignore_errors=True)


def remove(path: Path) -> None:
    """Removes a file or a folder, if it is there."""
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _all(folder: Path) -> list[Path]:
    return [path for path in sorted(folder.glob("checkpoint-*")) if path.is_dir()]
