"""sbatch, srun, sacct and scancel for a cluster that is this machine: scripts that do what submitit needs of them.

A job is the submitted script, run in the background in a session of its own. Partition "none" does not exist.
"""

from __future__ import annotations

import os
import signal
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

SBATCH = """#!/bin/sh
grep -q -- '--partition=none' "$1" && { echo 'sbatch: error: invalid partition specified: none' >&2; exit 1; }
cd "$JOBS"
SLURM_JOB_ID=$$ SLURM_NTASKS=1 SLURM_JOB_NUM_NODES=1 SLURM_JOB_NODELIST=here SLURM_NODEID=0 SLURM_PROCID=0 \\
SLURM_LOCALID=0 setsid bash "$1" > "$JOBS/$$.out" 2>&1 < /dev/null &
echo $! > "$JOBS/$$.pid"
echo "Submitted batch job $$"
"""
SRUN = """#!/bin/sh
while [ $# -gt 0 ]; do case "$1" in
  --unbuffered) shift ;;
  --output|--error) shift 2 ;;
  -*) shift ;;
  *) break ;;
esac; done
exec "$@"
"""
SACCT = """#!/bin/sh
echo 'JobID|State|NodeList'
for id in "$@"; do
  [ -f "$JOBS/$id.pid" ] || continue
  if kill -0 "-$(cat "$JOBS/$id.pid")" 2>/dev/null; then echo "$id|RUNNING|here"; else echo "$id|FAILED|here"; fi
done
"""
SCANCEL = """#!/bin/sh
for id in "$@"; do [ -f "$JOBS/$id.pid" ] && kill -TERM "-$(cat "$JOBS/$id.pid")"; done
exit 0
"""


@contextmanager
def installed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Has the commands first in PATH; ends every job that is left."""
    folder.mkdir()
    for name, text in (("sbatch", SBATCH), ("srun", SRUN), ("sacct", SACCT), ("scancel", SCANCEL)):
        path = folder / name
        path.write_text(text)
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("JOBS", str(folder))
    try:
        yield
    finally:
        for path in folder.glob("*.pid"):
            for number in (signal.SIGTERM, signal.SIGKILL):
                try:
                    os.killpg(int(path.read_text()), number)
                except ProcessLookupError:
                    break
