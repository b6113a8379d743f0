"""A Slurm cluster, through submitit; and the same on this machine, to try it out.

This machine has to have sbatch, sacct and scancel. What sbatch takes from the environment (SBATCH_ACCOUNT, SBATCH_QOS,
SBATCH_TIMELIMIT) counts. A job gets one machine: the items of a run are spread over its cores, not further. It has the
environment of this machine, without what looks like a key or a password.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Generator, Iterable
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

from thud.errors import MissingPart, RunFailed
from thud.runs import pool
from thud.runs.clusters.cluster import ClusterJob, JobState
from thud.runs.folder import read_state
from thud.runs.local import LocalExecutor
from thud.runs.trainer.child import without_keys

MINUTES = 24 * 60
"""The time limit of a job, unless SBATCH_TIMELIMIT says otherwise. What it cuts off can be resumed."""

STOPS_BEFORE_S = 120
"""How long before the time limit a job is asked to stop: a training writes a checkpoint then."""

CORES = 8
"""Cores of a job without GPUs; with GPUs it gets eight for each."""

ASK_EVERY_S = 10.0
"""How often sacct is asked about a job; an end that left a result behind is seen sooner."""

_NOTES = "submitit"
"""The folder of submitit's own files, in the run's."""

_WAITING = {
    "PENDING", "CONFIGURING", "REQUEUED", "REQUEUE_FED", "REQUEUE_HOLD", "RESV_DEL_HOLD", "SPECIAL_EXIT", "SUSPENDED",
    "RESIZING", "POWER_UP_NODE",
}  # fmt: skip
_RUNNING = {"RUNNING", "COMPLETING", "SIGNALING", "STAGE_OUT", "STOPPED", "UNKNOWN"}
_ENDED = {
    "BOOT_FAIL", "CANCELLED", "COMPLETED", "DEADLINE", "FAILED", "LAUNCH_FAILED", "NODE_FAIL", "OUT_OF_MEMORY",
    "PREEMPTED", "RECONFIG_FAIL", "REVOKED", "TIMEOUT",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Slurm:
    """The cluster at `on`: "slurm", "slurm:PARTITION", or "slurm-local"."""

    on: str
    look_every_s: float = 1.0
    _kept: dict[str, Any] = field(default_factory=dict)
    _told: dict[str, tuple[float, str]] = field(default_factory=dict)

    @property
    def here(self) -> bool:
        return self.on == "slurm-local"

    def submit(self, job: ClusterJob, noted: Callable[[str], None]) -> None:
        """Submits `job`, without the keys that are in the environment here; Slurm says what its id is."""
        submitit = _submitit()
        crew = {"THUD_CREW": "thud.runs.clusters.slurm:guarded"} if job.spread else {}
        words = [f"{name}={value}" for name, value in (job.env | crew).items()]
        keys = sorted(set(os.environ) - set(without_keys(os.environ)))
        bare = ["env", *(word for name in keys for word in ("-u", name))]
        command = submitit.helpers.CommandFunction(
            [*(bare if self.here else bare[:1]), *words, *job.command], verbose=False
        )
        notes = job.folder / _NOTES
        try:
            executor = submitit.AutoExecutor(folder=notes, cluster="local" if self.here else "slurm")
            executor.update_parameters(**self._asked(job))
            # sbatch takes its whole environment along
            executor._executor._make_submission_command = lambda path: [*bare, "sbatch", str(path)]
            submitted = executor.submit(command)
        except (OSError, RuntimeError, submitit.core.utils.FailedJobError) as error:
            raise RunFailed(f"Slurm did not take the job: {_last_line(error)}") from error
        self._kept[str(submitted.job_id)] = submitted
        noted(str(submitted.job_id))

    def _asked(self, job: ClusterJob) -> dict[str, Any]:
        """What the job is given."""
        asked: dict[str, Any] = {"name": "".join(c if c.isalnum() else "-" for c in job.name)[:60]}
        asked |= {"timeout_min": MINUTES, "gpus_per_node": job.gpus, "nodes": 1, "tasks_per_node": 1}
        if self.here:
            return asked
        asked["cpus_per_task"] = max(CORES * max(1, job.gpus), job.cpus)
        # Not submitit's own signal: it kills what it has started as soon as it hears that
        asked["slurm_additional_parameters"] = {"signal": f"TERM@{STOPS_BEFORE_S}"}
        if job.gpus == 0:
            del asked["gpus_per_node"]
        partition = self.on.partition(":")[2]
        return asked | ({"slurm_partition": partition} if partition else {})

    def state(self, job_id: str, folder: Path) -> tuple[JobState, str]:
        """How it stands, by what it left behind, else by what Slurm says."""
        if self.here:
            return self._state_here(job_id, folder), ""
        job = self._job(job_id, folder)
        if job.paths.result_pickle.exists():
            return "ended", ""
        told = self._said(job, job_id)
        if told in _WAITING:
            return "waiting", ""
        if told in _ENDED:
            return "ended", f"Slurm: the job ended as {told}."
        if told not in _RUNNING:
            raise RunFailed(f"Slurm says “{told[:40]}” of the job, which does not tell whether it has ended.")
        return "running", ""

    def _said(self, job: Any, job_id: str) -> str:
        """Slurm's word for the job; it is not asked more often than its controller likes."""
        at, told = self._told.get(job_id, (0.0, ""))
        if not told or time.monotonic() - at > ASK_EVERY_S:
            told = str(job.watcher.get_state(job_id, mode="force")).split(" ")[0].rstrip("+") or "UNKNOWN"
            self._told[job_id] = time.monotonic(), told
        return told

    def _state_here(self, job_id: str, folder: Path) -> JobState:
        own = self._kept.get(job_id)
        if own is not None and own.done():
            del self._kept[job_id]  # submitit complains about jobs that are there when Python ends
            own = None
        return "running" if own is not None or LocalExecutor().alive(int(job_id), folder) else "ended"

    def cancel(self, job_id: str, folder: Path) -> None:
        """SIGTERM to the job's processes, SIGKILL after the cluster's KillWait; here SIGKILL at once."""
        if self.here:
            state = read_state(folder)
            LocalExecutor().kill(state.pid if state else 0, folder)
            return
        try:
            self._job(job_id, folder).cancel(check=True)
        except (OSError, RuntimeError) as error:
            raise RunFailed(f"Slurm did not cancel the job: {_last_line(error)}") from error

    def _job(self, job_id: str, folder: Path) -> Any:
        if job_id not in self._kept:
            self._kept[job_id] = _submitit().SlurmJob(folder=folder / _NOTES, job_id=job_id)
        return self._kept[job_id]


def guarded(
    fn: Callable[[Any], Any],
    items: Iterable[Any],
    workers: int,
    limit_s: float,
    stop: Callable[[], bool] | None = None,
    grace_s: float = 2.0,
) -> Generator[tuple[Any, Any], None, None]:
    """`thud.runs.pool.guarded` with no more children than the job has cores."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return pool.guarded(fn, items, min(workers, cores), limit_s, stop, grace_s)


def _submitit() -> Any:
    try:
        return import_module("submitit")
    except ImportError as error:
        raise MissingPart("Slurm needs submitit. Run: pip install -r requirements-cluster.txt") from error


def _last_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[-1][:300]
