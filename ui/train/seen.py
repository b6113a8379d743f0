"""The runs at one moment, read once for all that a request shows: each step of each chain asks for them again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from thud.records import Run
    from thud.runs.run import Runs


class _Seen:
    """Lists the runs as they were when it was made; for anything else it asks them."""

    def __init__(self, runs: Runs) -> None:
        self._runs = runs
        self._listed = runs.runs()

    def runs(self) -> list[Run]:
        return self._listed

    def __getattr__(self, name: str) -> Any:
        return getattr(self._runs, name)


def seen(runs: Runs) -> Runs:
    """The same runs, listed once. For one request."""
    return cast("Runs", _Seen(runs))
