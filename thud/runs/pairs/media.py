"""Whether the files that pairs show are there and still hold the same bytes."""

from __future__ import annotations

import contextlib
import json
import os
from pathlib import Path

from thud.disk import file_sha256
from thud.pairs.pair import Shown


class MediaCheck:
    """Hashes each file once. A file of the same size and time of change is taken for the same, also by later runs."""

    def __init__(self, workspace: Path) -> None:
        self._workspace = workspace
        self._kept = workspace / "cache" / "hashes.json"
        self._known = _read(self._kept)
        self._said: dict[tuple[str, str], str] = {}
        self._new = False

    def __call__(self, shown: Shown) -> str:
        """The first thing that is wrong with what is shown, "" if nothing."""
        return self.problem(shown.video, shown.video_sha256) or self.problem(shown.sound, shown.sound_sha256)

    def problem(self, path: str, sha256: str = "") -> str:
        """What is wrong with a file, in one sentence. sha256: of the bytes that it should hold, "" = any."""
        if not path:
            return ""
        said = self._said.get((path, sha256))
        if said is None:
            said = self._said[path, sha256] = self._look(path, sha256)
        return said

    def close(self) -> None:
        """Keeps what was hashed for the next time; a full disk only costs that time."""
        if not self._new:
            return
        aside = self._kept.with_suffix(f".{os.getpid()}.tmp")
        with contextlib.suppress(OSError):
            self._kept.parent.mkdir(parents=True, exist_ok=True)
            aside.write_text(json.dumps(self._known), encoding="utf-8")
            aside.replace(self._kept)

    def _look(self, path: str, sha256: str) -> str:
        file = self._workspace / path
        try:
            found = file.stat()
            stamp = [found.st_size, found.st_mtime_ns]
            known = self._known.get(str(file))
            if sha256 and (known is None or known[:2] != stamp):
                known = self._known[str(file)] = [*stamp, file_sha256(file)]
                self._new = True
        except OSError:
            return f"{path} is gone. If it was moved, add its new folder on Clips."
        if not found.st_size:
            return f"{path} is empty."
        return f"{path} was changed after the pairs were made." if sha256 and known and known[2] != sha256 else ""


def _read(path: Path) -> dict[str, list[int | str]]:
    try:
        known = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    return known if isinstance(known, dict) else {}
