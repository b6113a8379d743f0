"""What a job is, and how a worker finds it."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from thud.errors import RunFailed
from thud.records import Run


class CannotGoOn(RunFailed):
    """No other item of this run could fare better: the run stops with this sentence, and can be resumed."""


class LeftOff(CannotGoOn):
    """The item was broken off by a stop and keeps what it has: the run is cancelled, and resume takes it up there."""


class Job(Protocol):
    """One kind of work. A module with these names is a job; so is a dataclass that holds the functions."""

    @property
    def kind(self) -> str: ...

    def work(self, item: dict[str, Any], workspace: Path, /) -> dict[str, Any]:
        """The item's result, as JSON can hold it. Runs in a killable child, so it must be importable by name.

        The item is as planned, with its run's id as "run". A result's "problems", pairs of subject and sentence, are
        listed with the run's; its "tally" counts what became of things: see HasWords.
        RefusedClip and RefusedEdit refuse the item, StoreFull and CannotGoOn stop the run, any other error fails the
        item.
        It may run twice for one item (when a worker dies before the line is written): write aside and rename.
        """
        ...

    def ingest(self, store: Any, item: dict[str, Any], result: dict[str, Any], /) -> None:
        """Takes a result into the store, in the app's process; several items at once, each in its own thread.

        The same result may come again, and then changes nothing.
        """
        ...


@runtime_checkable
class HasWords(Protocol):
    """A job whose runs say more of themselves than how many items are done."""

    def words(self, folder: Path, tally: Mapping[str, int], /) -> str:
        """One sentence. folder: the run's. tally: the sum of the "tally" of all results so far."""
        ...


@runtime_checkable
class Concludes(Protocol):
    """A job that does something once when its run has ended, with all results taken in."""

    def conclude(self, store: Any, run: Run, /) -> None:
        """In the app's process; it may come again for a run that was resumed."""
        ...


@runtime_checkable
class TellsStopping(Protocol):
    """A job that says what it still does when it is asked to stop."""

    @property
    def stopping(self) -> str: ...


@runtime_checkable
class KeepsRefusals(Protocol):
    """A job that takes refusals into the store too."""

    def refused(self, store: Any, item: dict[str, Any], reason: str, /) -> None:
        """Takes a refusal into the store; may come again, like a result."""
        ...


def find_job(kind: str, address: str = "") -> Job:
    """The job at `address` ("package.module:name" or "package.module"); without one, that kind in the table.

    RunFailed when there is none: a plan may outlive the version of thud that wrote it.
    """
    module, _, name = (address or "thud.runs.jobs:JOBS").partition(":")
    try:
        found: Any = import_module(module)
        if name:
            found = getattr(found, name)
        job: Job = found if address else found[kind]
    except (ImportError, AttributeError, KeyError) as error:
        raise RunFailed(f"No job of the kind '{kind}' can be loaded: {error!r}.") from error
    return job
