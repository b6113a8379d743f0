"""Workers on other machines: a run's worker is handed to a cluster as one job, and looked after through its folder.

    ray://HOST, http://HOST:PORT   a Ray cluster's Jobs (ray_jobs.py); items are spread over it (ray_crew.py)
    slurm, slurm:PARTITION         a Slurm cluster, through submitit (slurm.py)
    slurm-local                    submitit on this machine, to try it out

A cluster has to see the same folders under the same names: the workspace, thud, and the Python that runs it (this one,
or what THUD_CLUSTER_PYTHON names). Keys of vendors are not sent along; they have to be in its environment. What goes
between here and there are files: the plan, the results, the state, and `asked.txt`, which asks for a stop.

Where THUD_CLUSTER is set, as by whoever starts the app, runs can be sent to the places that it lists and to no other.
A cluster's own token (RAY_AUTH_TOKEN) goes to these places only: without THUD_CLUSTER it goes nowhere.
"""

from __future__ import annotations

import functools
import json
import logging
import math
import os
import re
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from queue import SimpleQueue
from typing import Literal, Protocol

from thud.errors import BadRequest, RunFailed, ThudError
from thud.runs.folder import Plan, read_plan, translated
from thud.runs.local import Executor, Gone

log = logging.getLogger("thud.runs")

JobState = Literal["waiting", "running", "ended", "expired", "too big"]
"""expired: it has ended because its turn did not come in the time that the cluster lets a job wait; too big: nor would
it ever come, as no machine has what it asks for."""

ASKED = "asked.txt"
"""In a run's folder: empty, or "stop". It is there from the start: a shared folder may hide a new file for a minute."""

PLACES = "THUD_CLUSTER"
"""The environment variable that lists the places which may be used, with commas or spaces between them."""

WAITING = "It waits in the cluster’s queue."

_JOB = "job.json"
_AFTER_SILENCE_S = 10.0
_HOST = re.compile(r"([\w.-]+|\[[0-9a-fA-F:]+\])(:\d{1,5})?")
_PORTS = {"ray": ":10001", "http": ":8265", "https": ""}


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

    def submit(self, job: ClusterJob, noted: Callable[[str], None]) -> None:
        """Submits `job`; calls `noted` with the id under which the cluster knows it as soon as that is settled."""
        ...

    @property
    def look_every_s(self) -> float:
        """How often it may be asked how a job stands."""
        ...

    def state(self, job_id: str, folder: Path) -> tuple[JobState, str]:
        """How the job of that run stands, and what the cluster says of its end ("" for nothing).

        RunFailed also for a state that is not known: only what has surely ended has ended.
        """
        ...

    def cancel(self, job_id: str, folder: Path) -> None:
        """Ends the job and what it started; nothing happens when it has ended."""
        ...


@dataclass(frozen=True, slots=True)
class _Looked:
    """What was last heard of a job, and when. silence: why nothing was heard. said: by the cluster of its end."""

    state: JobState
    at: float
    silence: str = ""
    said: str = ""

    @property
    def ended(self) -> bool:
        return self.state in ("ended", "expired", "too big")


_Errand = tuple[str, Path, str]
"""What to do, the run's folder, and the job that it is about: the folder may have another one when its turn comes."""


@dataclass(slots=True)
class ClusterExecutor:
    """Workers as jobs of a cluster; `pid` means nothing here. May be used from any thread, and by a later app.

    A thread of its own asks the cluster, so only `start` ever waits for an answer.
    """

    on: str
    cluster: Cluster
    _looked: dict[Path, _Looked] = field(default_factory=dict)
    _due: dict[_Errand, None] = field(default_factory=dict)
    _errands: SimpleQueue[_Errand] = field(default_factory=SimpleQueue)
    _lock: threading.RLock = field(default_factory=threading.RLock)
    _runner: threading.Thread | None = None

    def start(self, folder: Path, workspace: Path) -> int:
        """Submits the worker; 0. What it prints goes to log.txt. RunFailed when the cluster does not take it."""
        plan = read_plan(folder)
        with _written():
            (folder / ASKED).write_text("", encoding="utf-8")
        job = worker_job(plan, folder, workspace)
        try:
            self.cluster.submit(job, lambda job_id: self._note(folder, job_id))
        except ThudError:
            self._recall(folder)
            raise
        self._looked[folder] = _Looked("waiting", time.monotonic())
        return 0

    def _note(self, folder: Path, job_id: str) -> None:
        told = json.dumps({"on": self.on, "id": job_id, "at": time.time()})
        with self._lock, _written():
            _replace(folder / _JOB, told)
            self._looked[folder] = _Looked("waiting", math.inf)  # the cluster knows it only once it was submitted

    def _recall(self, folder: Path) -> None:
        """Of a job that was perhaps taken, though nothing came back: it is to stop as soon as it starts."""
        with suppress(OSError):
            (folder / ASKED).write_text("stop", encoding="utf-8")
        self._send("kill", folder)

    def kill(self, pid: int, folder: Path) -> None:
        """Has the cluster end the job, as soon as it can be told; returns at once.

        A silence of before counts no more: what is heard next says whether the cluster could be told.
        """
        with self._lock:
            if (known := self._looked.get(folder)) is not None and known.silence:
                del self._looked[folder]
        self._recall(folder)

    def stop(self, pid: int, folder: Path) -> None:
        """Asks the worker to stop; a job that still waits for its turn is taken back.

        The worker hears of it without the cluster, so one that does not answer is not waited for.
        """
        if _job_id(folder):
            with _written():
                (folder / ASKED).write_text("stop", encoding="utf-8")
            self._send("stop", folder)

    def alive(self, pid: int, folder: Path) -> bool:
        """Whether the job waits or runs, as of some seconds ago at most.

        A job that nothing was heard of yet is taken to run; RunFailed where the cluster gave no answer.
        """
        known, now = self._looked.get(folder), time.monotonic()
        if known is None and not _job_id(folder):
            return False
        if known is None or now - known.at > (_AFTER_SILENCE_S if known.silence else self.cluster.look_every_s):
            self._send("look", folder)
        if known is not None and known.silence:
            raise RunFailed(known.silence)
        return known is None or not known.ended

    def words(self, pid: int, folder: Path) -> str:
        """The sentence that the job waits for its turn, as of some seconds ago; "" when it does not."""
        known = self._looked.get(folder)
        return WAITING if known is not None and known.state == "waiting" and not known.silence else ""

    def gone(self, pid: int, folder: Path) -> Gone:
        """What the cluster said of the end, or that it does not answer; and whether it let the job wait no longer."""
        known = self._looked.get(folder)
        if known is not None and known.silence:
            return Gone(f"The cluster does not answer; its job may still run there as {_job_id(folder)}.")
        if known is not None and known.state == "expired":
            return Gone(WAITING, again=True)
        if known is not None and known.state == "too big":
            return Gone(_in_short(known.said), advised=True)
        near = ", as it does when the time limit is near" if self.on.startswith("slurm") else ""
        unasked = "" if stop_asked(folder) else f"The cluster told it to stop{near}."
        return Gone(_in_short(known.said if known else ""), unasked)

    def _send(self, errand: str, folder: Path) -> None:
        """Has the thread do it, once: what is on its list already is not put there again."""
        due = (errand, folder, _job_id(folder))
        with self._lock:
            if due in self._due:
                return
            self._due[due] = None
            if self._runner is None:
                self._runner = threading.Thread(target=self._run_errands, name=f"asks {self.on}", daemon=True)
                self._runner.start()
        self._errands.put(due)

    def _run_errands(self) -> None:
        while True:
            due = errand, folder, job_id = self._errands.get()
            try:
                self._run_errand(errand, folder, job_id)
            except Exception:  # it is the only thread that asks this cluster
                log.exception("%s: %s of %s went wrong.", self.on, errand, folder.name)
            finally:
                with self._lock:
                    del self._due[due]

    def _run_errand(self, errand: str, folder: Path, job_id: str) -> None:
        heard = self._heard(errand, job_id, folder) if job_id else _Looked("ended", time.monotonic())
        with self._lock:
            if job_id != _job_id(folder):  # it was submitted anew meanwhile
                return
            before = self._looked.get(folder)
            self._looked[folder] = heard
        if heard.said and (before is None or not before.ended):
            with suppress(OSError), (folder / "log.txt").open("a", encoding="utf-8") as file:
                file.write(f"{heard.said.rstrip()}\n")

    def _heard(self, errand: str, job_id: str, folder: Path) -> _Looked:
        """How the job stands, once what is to be done was done."""
        before = self._looked.get(folder)
        try:
            if errand == "kill" or (errand == "stop" and self.cluster.state(job_id, folder)[0] == "waiting"):
                self.cluster.cancel(job_id, folder)
            state, said = self.cluster.state(job_id, folder)
        except ThudError as error:
            return _Looked(before.state if before else "running", time.monotonic(), str(error))
        return _Looked(state, time.monotonic(), said=said)


def executor_for(on: str) -> Executor:
    """Where a run with that `on` works; the same object for the same `on`. BadRequest for what is no such place."""
    return _executor(check_on(on))


def check_on(on: str) -> str:
    """`on` as it is kept. BadRequest, with what it may be, for anything else."""
    place = _with_port(on)
    scheme, _, address = place.partition("://")
    host = _HOST.fullmatch(address)
    at_host = scheme in _PORTS and host is not None and host[2]
    if not at_host and not re.fullmatch(r"slurm(-local|:[\w.,-]+)?", place):
        raise BadRequest(
            f"“{on}” is no place to run on. It can be ray://HOST:10001, http://HOST:8265, slurm or slurm:PARTITION; "
            "leave it out to run here."
        )
    allowed = allowed_places()
    if allowed and place not in allowed:
        raise BadRequest(f"Runs cannot be sent to {place}. {PLACES} allows {', '.join(allowed)}.")
    return place


def _with_port(on: str) -> str:
    """A place as it is kept; Ray's own port where an address names none."""
    place = on.strip().rstrip("/")
    scheme, _, address = place.partition("://")
    host = _HOST.fullmatch(address)
    return place + _PORTS.get(scheme, "") if host and not host[2] else place


def allowed_places() -> tuple[str, ...]:
    """The places that THUD_CLUSTER lists; none = any may be used."""
    listed = re.split(r"[,\s]+(?=\w+://|slurm)", os.environ.get(PLACES, "").strip(" \t\n,"))
    return tuple(_with_port(place) for place in listed if place)


@functools.cache
def _executor(on: str) -> Executor:
    if on.startswith("slurm"):
        from thud.runs.clusters.slurm import Slurm

        return ClusterExecutor(on, Slurm(on))
    from thud.runs.clusters.ray_jobs import RayJobs

    return ClusterExecutor(on, RayJobs(on))


def worker_job(plan: Plan, folder: Path, workspace: Path) -> ClusterJob:
    """The job that works through a run's folder. A training is one item, and the job itself gets what it needs."""
    python = os.environ.get("THUD_CLUSTER_PYTHON") or sys.executable
    modules = os.pathsep.join(str(Path(path or ".").resolve()) for path in sys.path)
    env = {"PYTHONPATH": modules, "OMP_NUM_THREADS": "1", "THUD_ON": "cluster"}
    command = (python, "-u", "-m", "thud.runs.clusters.worker", str(folder.resolve()), str(workspace.resolve()))
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


def lacking(machines: Sequence[Mapping[str, float]], gpus: int, cpus: int = 0) -> str:
    """The sentence that no machine has so many, "" where one has. machines: what each has, as Ray names it."""
    for name, called, asked in (("GPU", "GPUs", gpus), ("CPU", "cores", cpus)):
        most = max((float(machine.get(name, 0)) for machine in machines), default=0)
        if asked > most:
            return (
                f"No machine of the cluster has {asked} {called}; the most that one has is {most:g}. "
                "Start it again with fewer, or resume it when there is such a machine."
            )
    return ""


def _job_id(folder: Path) -> str:
    """The id of the folder's job, "" when none was submitted."""
    try:
        told = json.loads((folder / _JOB).read_bytes())
    except (OSError, ValueError):
        return ""
    return str(told.get("id") or "") if isinstance(told, dict) else ""


def stop_asked(folder: Path) -> bool:
    """Whether the worker of that run is asked to stop, by this app or the one before it."""
    try:
        return (folder / ASKED).read_text(encoding="utf-8").strip() == "stop"
    except OSError:  # a shared folder that is away for a moment
        return False


def _in_short(said: str) -> str:
    """What a cluster said of an end as one sentence: who says it, and the last that it says; "" for nothing."""
    if not (lines := said.strip().splitlines()):
        return ""
    short = f"{lines[0].partition(':')[0]}: {lines[-1]}" if len(lines) > 1 else lines[0]
    return f"{short[:300].rstrip(' .')}."


def _replace(path: Path, text: str) -> None:
    aside = path.with_suffix(".part")
    aside.write_text(text, encoding="utf-8")
    aside.replace(path)


@contextmanager
def _written() -> Iterator[None]:
    """A block that writes to a run's folder. Raises StoreFull, RunFailed where it cannot."""
    try:
        yield
    except OSError as error:
        raise translated(error) from error
