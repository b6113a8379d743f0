"""Workers on other machines: a run's worker is handed to a cluster as one job, and looked after through its folder.

    ray://HOST:PORT, http://HOST:8265   a Ray cluster's Jobs (ray_jobs.py); items are spread over it (ray_crew.py)
    slurm, slurm:PARTITION              a Slurm cluster, through submitit (slurm.py)
    slurm-local                         submitit on this machine, to try it out

A cluster has to see the same folders under the same names: the workspace, thud, and the Python that runs it (this one,
or what THUD_CLUSTER_PYTHON names). Keys of vendors are not sent along; they have to be in its environment. What goes
between here and there are files: the plan, the results, the state, and `asked.txt`, which asks for a stop.
"""

from __future__ import annotations

import contextlib
import functools
import json
import os
import re
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol

from thud.errors import BadRequest, RunFailed, ThudError
from thud.runs.folder import Plan, read_plan
from thud.runs.local import Executor

JobState = Literal["waiting", "running", "ended"]

ASKED = "asked.txt"
"""In a run's folder: empty, or "stop". It is there from the start: a shared folder may hide a new file for a minute."""

_JOB = "job.json"
_AFTER_SILENCE_S = 10.0
_HOST_PORT = re.compile(r"[\w.-]+:\d{1,5}|\[[0-9a-fA-F:]+\]:\d{1,5}")


@dataclass(frozen=True, slots=True)
class ClusterJob:
    """What is submitted. command: its words. gpus, cpus: on one machine. spread: its items may go to other ones."""

    name: str
    command: tuple[str, ...]
    env: dict[str, str]
    folder: Path
    gpus: int = 0
    cpus: int = 1
    spread: bool = True


class Cluster(Protocol):
    """One cluster. Each verb raises RunFailed, with a sentence, when the cluster cannot be asked."""

    def submit(self, job: ClusterJob) -> str:
        """The id under which the cluster knows the job."""
        ...

    @property
    def look_every_s(self) -> float:
        """How often it may be asked how a job stands."""
        ...

    def state(self, job_id: str, folder: Path) -> tuple[JobState, str]:
        """How the job of that run stands, and what the cluster says of its end ("" for nothing)."""
        ...

    def cancel(self, job_id: str, folder: Path) -> None:
        """Ends the job and what it started; nothing happens when it has ended."""
        ...


@dataclass(slots=True)
class _Looked:
    state: JobState
    at: float
    silence: str = ""


@dataclass(slots=True)
class ClusterExecutor:
    """Workers as jobs of a cluster; `pid` means nothing here. May be used from any thread, and by a later app."""

    on: str
    cluster: Cluster
    _looked: dict[Path, _Looked] = field(default_factory=dict)

    def start(self, folder: Path, workspace: Path) -> int:
        """Submits the worker; 0. What it prints goes to log.txt. RunFailed when the cluster does not take it."""
        plan = read_plan(folder)
        (folder / ASKED).write_text("", encoding="utf-8")
        job_id = self.cluster.submit(worker_job(plan, folder, workspace))
        _write(folder / _JOB, json.dumps({"on": self.on, "id": job_id, "at": time.time()}))
        self._looked.pop(folder, None)
        return 0

    def stop(self, pid: int, folder: Path) -> None:
        """Asks the worker to stop; a job that still waits for its turn is taken back.

        The worker hears of it without the cluster, so one that does not answer is not waited for.
        """
        job_id = _job_id(folder)
        if not job_id:
            return
        (folder / ASKED).write_text("stop", encoding="utf-8")
        with contextlib.suppress(ThudError):
            if self.cluster.state(job_id, folder)[0] == "waiting":
                self.cluster.cancel(job_id, folder)
        self._looked.pop(folder, None)

    def kill(self, pid: int, folder: Path) -> None:
        """Has the cluster end the job."""
        job_id = _job_id(folder)
        if job_id:
            self.cluster.cancel(job_id, folder)
            self._looked.pop(folder, None)

    def alive(self, pid: int, folder: Path) -> bool:
        """Whether the job waits or runs, as of some seconds ago at most.

        A cluster that has not answered yet is given the benefit of the doubt; then RunFailed, until it answers.
        """
        known, now = self._looked.get(folder), time.monotonic()
        if known is None:
            return self._look_first(folder, now)
        if now - known.at > (_AFTER_SILENCE_S if known.silence else self.cluster.look_every_s):
            known = self._looked[folder] = self._look(folder, now)
        if known.silence:
            raise RunFailed(known.silence)
        return known.state != "ended"

    def _look_first(self, folder: Path, now: float) -> bool:
        self._looked[folder] = known = self._look(folder, now)
        return known.state != "ended"

    def _look(self, folder: Path, now: float) -> _Looked:
        job_id = _job_id(folder)
        if not job_id:
            return _Looked("ended", now)
        try:
            state, said = self.cluster.state(job_id, folder)
        except ThudError as error:
            return _Looked("running", now, str(error))
        before = self._looked.get(folder)
        if state == "ended" and said and (before is None or before.state != "ended"):
            with (folder / "log.txt").open("a", encoding="utf-8") as log:
                log.write(f"{said.rstrip()}\n")
        return _Looked(state, now)


def executor_for(on: str) -> Executor:
    """Where a run with that `on` works; the same object for the same `on`. BadRequest for what is no such place."""
    return _executor(check_on(on))


def check_on(on: str) -> str:
    """`on` as it is kept. BadRequest, with what it may be, for anything else."""
    place = on.strip().rstrip("/")
    scheme, _, address = place.partition("://")
    if scheme in ("ray", "http", "https") and _HOST_PORT.fullmatch(address):
        return place
    if re.fullmatch(r"slurm(-local|:[\w.,-]+)?", place):
        return place
    raise BadRequest(
        f"“{on}” is no place to run on. It can be ray://HOST:10001, http://HOST:8265, slurm or slurm:PARTITION; "
        "leave it out to run here."
    )


@functools.cache
def _executor(on: str) -> Executor:
    if on.startswith("slurm"):
        from thud.runs.slurm import Slurm

        return ClusterExecutor(on, Slurm(on))
    from thud.runs.ray_jobs import RayJobs

    return ClusterExecutor(on, RayJobs(on))


def worker_job(plan: Plan, folder: Path, workspace: Path) -> ClusterJob:
    """The job that works through a run's folder. A training is one item, and the job itself gets what it needs."""
    python = os.environ.get("THUD_CLUSTER_PYTHON") or sys.executable
    modules = os.pathsep.join(str(Path(path or ".").resolve()) for path in sys.path)
    env = {"PYTHONPATH": modules, "OMP_NUM_THREADS": "1", "THUD_ON": "cluster"}
    command = (python, "-u", "-m", "thud.runs.on_cluster", str(folder.resolve()), str(workspace.resolve()))
    header = plan.header
    gpus = count_gpus(header.device)
    return ClusterJob(
        f"thud {header.title}", command, env, folder, gpus, max(gpus, _cpus(plan)), spread=header.kind != "train"
    )


def _cpus(plan: Plan) -> int:
    """Cores for one item: a training says how many processes and threads it has."""
    config = next(iter(plan.items.values())).get("config", {})
    return int(config.get("world_size", 1)) * int(config.get("threads", 1)) if plan.header.kind == "train" else 1


def count_gpus(device: str) -> int:
    """How many GPUs a device such as "0,1" stands for; "" and "cpu" are none."""
    return 0 if device in ("", "cpu") else len(device.split(","))


def _job_id(folder: Path) -> str:
    """The id of the folder's job, "" when none was submitted."""
    try:
        told = json.loads((folder / _JOB).read_bytes())
    except (OSError, ValueError):
        return ""
    return str(told.get("id") or "") if isinstance(told, dict) else ""


def _write(path: Path, text: str) -> None:
    aside = path.with_suffix(".part")
    aside.write_text(text, encoding="utf-8")
    aside.replace(path)
