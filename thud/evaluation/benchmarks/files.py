"""Finds things in the folder of a benchmark: the file with the questions, and the video of each. Opens no video."""

from __future__ import annotations

import os
from collections.abc import Iterable
from functools import cached_property
from pathlib import Path

from thud.errors import BadRequest
from thud.evaluation.benchmarks.question import BadRow

VIDEO_SUFFIXES = (".mp4", ".mkv", ".webm", ".mov", ".avi", ".m4v")
SOUND_SUFFIXES = (".wav", ".flac", ".mp3", ".m4a", ".ogg")
TABLE_SUFFIXES = (".json", ".jsonl", ".csv", ".tsv", ".parquet")
NOT_THERE = "its {} is not in this folder"
DEEPEST = 3


class Folder:
    """A folder that videos must lie in, links followed: what leads out of it is refused."""

    def __init__(self, root: Path, beside: Path | None = None) -> None:
        """beside: where paths that rows give are relative to, the root unless said otherwise."""
        self.root = root.resolve()
        self.beside = (beside or root).resolve()

    @cached_property
    def by_stem(self) -> dict[str, list[Path]]:
        """All videos below, by name without suffix; made once, so that a thousand questions walk the folder once."""
        found: dict[str, list[Path]] = {}
        for path in _files(self.root, 12):
            if path.suffix.lower() in VIDEO_SUFFIXES:
                found.setdefault(path.stem, []).append(path)
        return found

    def video(self, path: str, stems: Iterable[str]) -> str:
        """The video at a row's own path, or else the one in this folder that has one of these names. Raises BadRow."""
        names = [stem for stem in stems if stem]
        if path:
            try:
                return self.file(path, "video")
            except BadRow as error:
                if str(error) != NOT_THERE.format("video"):
                    raise
            names.append(Path(path).stem)
        if not names:
            raise BadRow("it names no video")
        for stem in names:
            found = sorted(set(map(self._inside, self.by_stem.get(stem, []))))
            if len(found) > 1:
                raise BadRow("several files in this folder have the name of its video")
            if found:
                return str(found[0])
        if any("/" in stem or "\\" in stem or ".." in stem for stem in names):
            raise BadRow("its video has no plain name")
        raise BadRow(NOT_THERE.format("video"))

    def file(self, path: str, word: str) -> str:
        """The absolute path of a file that a row names. word: what it is, for the reason. Raises BadRow."""
        suffixes = VIDEO_SUFFIXES if word == "video" else SOUND_SUFFIXES
        try:
            whole = self._inside(self.beside / path)
            there = whole.is_file()
        except (OSError, ValueError) as error:
            if isinstance(error, BadRow):
                raise
            raise BadRow(f"the path of its {word} cannot be read") from None
        if not there:
            raise BadRow(NOT_THERE.format(word))
        if whole.suffix.lower() not in suffixes:
            raise BadRow(f"its {word} is no {word} file that is known")
        return str(whole)

    def _inside(self, path: Path) -> Path:
        whole = path.resolve()
        if not whole.is_relative_to(self.root):
            raise BadRow("it points to a file outside this folder")
        return whole


def tables(path: Path) -> list[Path]:
    """The files that may hold questions: the one named, or those in a folder and the three levels below it."""
    path = path.expanduser().absolute()
    if path.is_file():
        return [path]
    if not path.is_dir():
        raise BadRequest(f"There is no file or folder {path}; give the folder of the benchmark or its question file.")
    found = [each for each in _files(path, DEEPEST) if each.suffix.lower() in TABLE_SUFFIXES]
    if not found:
        raise BadRequest(f"{path.name} holds no JSON, JSONL, CSV, TSV or Parquet file, so no questions.")
    return found


def _files(root: Path, deepest: int) -> list[Path]:
    """All files below, sorted, hidden ones left out; folders that are links are not entered."""
    found = []
    for folder, names, files in os.walk(root):
        here = Path(folder)
        deep = len(here.relative_to(root).parts)
        names[:] = [name for name in names if not name.startswith(".") and deep < deepest]
        found += [here / name for name in files if not name.startswith(".")]
    return sorted(found)
