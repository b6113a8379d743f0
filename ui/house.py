"""What the routes work with: the store, the runs, the desk and the workspace folder. Made once, in app.py."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from thud.events.desk import Desk
from thud.records import stimulus_folder

if TYPE_CHECKING:
    from starlette.requests import Request

    from thud.records import Run
    from thud.runs.run import Runs
    from thud.store import Store


@dataclass(frozen=True, slots=True)
class House:
    """name: what the page calls this workspace: "demo", or the name of the folder of clips.

    desk: who marks which clip next; close it at the end.
    """

    store: Store
    runs: Runs
    workspace: Path
    name: str
    desk: Desk = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "desk", Desk(self.store))

    def clip_folder(self, clip_id: str) -> Path:
        """Proxy, thumbnail, frame times and waveform of a clip."""
        return self.workspace / "clips" / clip_id

    def stimulus_folder(self, clip_id: str) -> Path:
        """Sounds and proofs of a clip's stimuli."""
        return stimulus_folder(self.workspace, clip_id)

    def cache(self, *parts: str) -> Path:
        """Where something that can be made again is kept."""
        return self.workspace.joinpath("cache", *parts)


def actor(request: Request) -> str:
    """Who asks, for the event log."""
    return str(request.state.user.name)


def started(run: Run) -> dict[str, str]:
    """What a page is told of a run that it has started."""
    return {"run": run.id, "title": run.title}


def sees_times(request: Request) -> bool:
    """Whether who asks may see event times: annotators find them themselves, since gold hides in their queue."""
    return bool(request.state.user.role != "annotator")
