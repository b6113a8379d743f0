"""The prompts of annotators by their names; see `thud.prompts`."""

from __future__ import annotations

import hashlib
from pathlib import Path

from thud import prompts
from thud.errors import BadRequest

FOLDER = Path(__file__).parent


def prompt_text(name: str) -> str:
    """The text of prompt `name`, with its {places} to fill. BadRequest lists the names there are."""
    names = sorted(path.stem for path in FOLDER.glob("*.txt"))
    if name not in names:
        raise BadRequest(f"There is no prompt {name[:60]!r}; there are {', '.join(names)}.")
    return prompts.prompt_text(FOLDER, name)


def prompt_label(name: str) -> str:
    """The prompt's name and the start of its text's hash, "frames_v1@ab12cd": which words were really used."""
    return f"{name}@{hashlib.sha256(prompt_text(name).encode()).hexdigest()[:6]}"


def filled(name: str, **places: str) -> str:
    """The prompt with its places filled; what is put in stays text, braces and all."""
    return prompts.fill(prompt_text(name), **places)
