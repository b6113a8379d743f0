"""Whether the media of pairs are there, looked up once for each path."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from thud.pairs.lint.linter import Media
from thud.pairs.pair import Shown


def missing_here(workspace: Path) -> Media:
    """A function that says which of what is shown is not on this disk; "" where all is. Contents are not read."""

    @lru_cache(maxsize=10_000)
    def there(path: str) -> bool:
        return (workspace / path).is_file()

    def missing(shown: Shown) -> str:
        gone = [kind for kind, path in (("picture", shown.video), ("sound", shown.sound)) if path and not there(path)]
        return f"{' and '.join(gone)} not found" if gone else ""

    return missing
