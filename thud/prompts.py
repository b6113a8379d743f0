"""Prompts: one text file each, named with its version. One that was used is not edited; a new one is added."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path


@cache
def prompt_text(folder: Path, name: str) -> str:
    """The text of prompt `name` of a folder, with its {places} to fill."""
    return (folder / f"{name}.txt").read_text(encoding="utf-8").strip()


def fill(text: str, **places: str) -> str:
    """The text with its {places} filled; what is put in stays text, braces and all."""
    return re.sub(r"\{(\w+)\}", lambda place: places[place[1]], text)
