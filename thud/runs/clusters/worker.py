"""The worker of a run as a cluster starts it: `python -m thud.runs.clusters.worker RUN_FOLDER WORKSPACE`.

The same worker as everywhere (`thud.runs.work`). In addition it writes log.txt itself, as nobody here reads what a job
prints there, and stops when the run's folder asks for it, as no signal comes from here to there.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from pathlib import Path

from thud.runs.clusters.cluster import stop_asked

_LOOK_EVERY_S = 0.5


def main(arguments: list[str]) -> int:
    """The worker's exit code."""
    folder = Path(arguments[0])
    _lead()
    with (folder / "log.txt").open("ab") as log:
        os.dup2(log.fileno(), 1)
        os.dup2(log.fileno(), 2)
    threading.Thread(target=_watch, args=(folder,), daemon=True).start()
    from thud.runs import work

    return work.main(arguments)


def _lead() -> None:
    """Puts this process at the head of a group of its own, so that a stop reaches what it starts and nothing else."""
    if os.getpgrp() != os.getpid():
        os.setpgrp()


def _watch(folder: Path) -> None:
    while not stop_asked(folder):
        time.sleep(_LOOK_EVERY_S)
    os.killpg(os.getpgrp(), signal.SIGTERM)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
