"""A Ray cluster's Jobs API, over plain HTTP: this machine needs no Ray.

The API is that of the cluster's dashboard. For a ray:// address, which is that of another door of the same cluster, the
dashboard is taken to be at the same host on port 8265, unless RAY_DASHBOARD_PORT says otherwise. RAY_AUTH_TOKEN is sent
along to a cluster that THUD_CLUSTER names, and to no other host; where one sends us on to another, we do not go.
"""

from __future__ import annotations

import http.client
import json
import os
import shlex
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from thud.errors import NotFound, RunFailed, ThudError
from thud.runs.clusters.cluster import PLACES, ClusterJob, JobState, allowed_places, lacking

_ANSWERS_WITHIN_S = 5.0
_TAKES_WITHIN_S = 60.0
_TOKEN = "RAY_AUTH_TOKEN"
_STATES: dict[str, JobState] = {
    "PENDING": "waiting", "RUNNING": "running", "STOPPED": "ended", "SUCCEEDED": "ended", "FAILED": "ended",
}  # fmt: skip

_MACHINES = "/api/v0/nodes?limit=10000"
_EXPIRED = "failed to start within"
"""Ray fails a job that waits for its cores and GPUs longer than RAY_JOB_START_TIMEOUT_SECONDS (900) on its head."""


@dataclass(frozen=True, slots=True)
class RayJobs:
    """The cluster at `on`."""

    on: str
    look_every_s: float = 2.0

    def submit(self, job: ClusterJob, noted: Callable[[str], None]) -> None:
        """Submits `job`, under an id of ours. Its own process waits on the head node, or where its GPUs are."""
        job_id = f"thud-{job.folder.name}-{uuid.uuid4().hex[:8]}"
        spread = {"THUD_CREW": "thud.runs.clusters.ray_crew:guarded", "THUD_ITEM_GPUS": str(job.gpus)}
        crew = spread if job.spread else {}
        stopping = {"RAY_JOB_STOP_WAIT_TIME_S": "3"}
        body = {
            "entrypoint": "exec " + shlex.join(job.command),
            "submission_id": job_id,
            "runtime_env": {"env_vars": job.env | crew | stopping},
            "metadata": {"title": job.name[:200], **_asked(job)},
            "entrypoint_num_cpus": None if job.spread else job.cpus,
            "entrypoint_num_gpus": None if job.spread else job.gpus,
        }  # fmt: skip
        noted(job_id)
        self._ask("POST", "/api/jobs/", body, _TAKES_WITHIN_S)

    def state(self, job_id: str, folder: Path) -> tuple[JobState, str]:
        """How it stands; a job that the cluster has forgotten has ended."""
        try:
            told = self._ask("GET", f"/api/jobs/{job_id}")
        except NotFound:
            return "ended", "Ray: the cluster does not know the job any more."
        status = str(told.get("status"))
        if status not in _STATES:
            raise RunFailed(f"The Ray cluster at {dashboard(self.on)} does not say how the job stands ({status[:40]}).")
        if status != "FAILED":
            return _STATES[status], ""
        why = str(told.get("message") or "the job failed")
        if _EXPIRED not in why:
            return "ended", f"Ray: {why}"
        if problem := self._lacking(told.get("metadata") or {}):
            return "too big", f"Ray: {why}\n{problem}"
        return "expired", f"Ray: {why}"

    def _lacking(self, asked: dict[str, str]) -> str:
        """The sentence that no machine of the cluster has what a job asks for, "" where one has or nobody says."""
        try:
            machines = self.machines()
        except ThudError:
            return ""
        return lacking(machines, int(asked.get("gpus", 0)), int(asked.get("cpus", 0))) if machines else ""

    def machines(self) -> list[dict[str, float]]:
        """What each machine that is there has in all, as Ray names it: GPU, CPU. RunFailed, NotFound as any asking."""
        found: Any = self._ask("GET", _MACHINES)
        for name in ("data", "result", "result"):
            found = found.get(name) if isinstance(found, dict) else None
        return [one["resources_total"] for one in found or () if one["state"] == "ALIVE" and "resources_total" in one]

    def cancel(self, job_id: str, folder: Path) -> None:
        """SIGTERM to the job's processes, SIGKILL three seconds later."""
        try:
            self._ask("POST", f"/api/jobs/{job_id}/stop")
        except NotFound:
            return

    def _ask(self, verb: str, path: str, body: Any = None, limit_s: float = _ANSWERS_WITHIN_S) -> dict[str, Any]:
        """The JSON that comes back. NotFound for 404; RunFailed for anything else that goes wrong."""
        base = dashboard(self.on)
        headers = {"Content-Type": "application/json"}
        if (token := os.environ.get(_TOKEN)) and self.on in allowed_places():
            headers["Authorization"] = f"Bearer {token}"
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(base + path, data, headers, method=verb)
        try:
            with _opener.open(request, timeout=limit_s) as reply:
                told = json.loads(reply.read() or b"{}")
        except urllib.error.HTTPError as error:
            raise _refusal(error, base) from error
        except (OSError, ValueError, http.client.HTTPException) as error:
            reason = getattr(error, "reason", None) or error
            raise RunFailed(
                f"The Ray cluster at {base} does not answer ({reason}). Start it there with "
                "ray start --head --dashboard-host 0.0.0.0, or correct the address."
            ) from error
        return told if isinstance(told, dict) else {}


def _asked(job: ClusterJob) -> dict[str, str]:
    """What the job itself waits for; Ray does not tell it later, so the job keeps it."""
    return {} if job.spread else {"gpus": str(job.gpus), "cpus": str(job.cpus)}


class _StayHere(urllib.request.HTTPRedirectHandler):
    """A redirect is an error: what is sent is meant for the address that was named."""

    def redirect_request(self, *_: Any) -> None:
        """Nowhere."""


_opener = urllib.request.build_opener(_StayHere)


def dashboard(on: str) -> str:
    """The address of the dashboard of the cluster at `on`."""
    scheme, _, address = on.partition("://")
    if scheme != "ray":
        return on
    host = address.rpartition(":")[0]
    return f"http://{host}:{os.environ.get('RAY_DASHBOARD_PORT', '8265')}"


def _refusal(error: urllib.error.HTTPError, base: str) -> NotFound | RunFailed:
    said = error.read(20_000).decode(errors="replace").strip()
    last = said.splitlines()[-1][:300] if said else error.reason
    if error.code == 404:
        return NotFound(f"The Ray cluster at {base} does not know that job.")
    if error.code in (401, 403):
        return RunFailed(
            f"The Ray cluster at {base} wants a token: set {_TOKEN}, and {PLACES} to its address. It said: {last}"
        )
    return RunFailed(f"The Ray cluster at {base} refused ({error.code}): {last}")
