"""Killing a run's workers while they work, and going on."""

from __future__ import annotations

import os
import signal
import time

from thud.records import Run
from thud.runs.run import Runs


def killed_on_the_way(runs: Runs, run: Run, kills: int) -> tuple[Run, int]:
    """The run at its end, and how often its worker was killed: `kills` times at most, evenly over its items."""
    killed = 0
    for nth in range(kills):
        least = (nth + 1) * run.total // (kills + 1)
        while (now := runs.run(run.id)).state in ("queued", "running") and now.done < least:
            time.sleep(0.02)
        if now.state == "running" and now.pid:
            os.kill(now.pid, signal.SIGKILL)
            killed += 1
            if runs.wait(run.id).state == "done":  # it was done before the signal came
                break
            runs.resume(run.id)
    return runs.wait(run.id), killed
