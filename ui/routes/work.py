"""/api/ingest, /api/upload, /api/demo, /api/runs, /api/health: everything that takes time, and how it goes."""

from __future__ import annotations

import errno
import shutil
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Body, Request, UploadFile

from thud.errors import BadRequest, StoreFull
from thud.records import Run
from ui.house import House, actor

Json = dict[str, Any]
JsonBody = Annotated[Json, Body()]
LOG_BYTES = 20_000


def work_router(house: House) -> APIRouter:
    router = APIRouter(prefix="/api")
    _adding(router, house)
    _following(router, house)
    return router


def _adding(router: APIRouter, house: House) -> None:
    @router.post("/ingest")
    def ingest(request: Request, body: JsonBody) -> Json:
        paths = body.get("paths")
        if not isinstance(paths, list) or not paths or not all(isinstance(p, str) and p.strip() for p in paths):
            raise BadRequest("give the paths of files or folders, one per line")
        return _start(house, [Path(p.strip()) for p in paths], actor(request))

    @router.post("/upload")
    def upload(request: Request, files: list[UploadFile]) -> Json:
        folder = house.workspace / "uploads"
        folder.mkdir(parents=True, exist_ok=True)
        return _start(house, [_keep(file, folder) for file in files], actor(request))

    @router.post("/demo")
    def demo(request: Request) -> Json:
        from thud.runs.first_start import start_demo

        return {"run": start_demo(house.runs, actor(request)).id}


def _start(house: House, paths: list[Path], who: str) -> Json:
    """An ingest run over files and folders; what is refused at sight is refused in the run, with its reason."""
    from thud.runs.first_start import start_ingest
    from thud.runs.sources import plan_ingest

    where = paths[0].name if len(paths) == 1 else f"{len(paths)} paths"
    return {"run": start_ingest(house.runs, plan_ingest(paths), where, who).id}


def _keep(file: UploadFile, folder: Path) -> Path:
    """The uploaded file in `folder`, under its own last name; an equal name gets a number."""
    name = Path((file.filename or "clip").replace("\\", "/")).name.lstrip(".") or "clip"
    path, number = folder / name, 1
    while path.exists():
        number += 1
        path = folder / f"{Path(name).stem} {number}{Path(name).suffix}"
    try:
        with path.open("xb") as out:
            shutil.copyfileobj(file.file, out, 1 << 20)
    except OSError as error:
        path.unlink(missing_ok=True)
        if error.errno == errno.ENOSPC:
            raise StoreFull(
                "The disk is full: the upload was not kept. Free some space and add the file again."
            ) from error
        raise
    return path


def _following(router: APIRouter, house: House) -> None:
    runs = house.runs

    @router.get("/runs")
    def all_runs() -> Json:
        return {"runs": [run_row(house, run) for run in runs.runs()]}

    @router.get("/runs/{run_id}")
    def one_run(run_id: str) -> Json:
        run = runs.run(run_id)
        problems = [asdict(p) for p in runs.problems(run_id)]
        report = ingest_report(runs.results(run_id)) if run.kind in ("ingest", "demo") else None
        return {**run_row(house, run), "log": runs.log(run_id, LOG_BYTES), "problems": problems, "report": report}

    @router.post("/runs/{run_id}/cancel")
    def cancel(run_id: str) -> Json:
        return run_row(house, runs.cancel(run_id))

    @router.post("/runs/{run_id}/resume")
    def resume(run_id: str) -> Json:
        return run_row(house, runs.resume(run_id))

    @router.get("/health")
    def health() -> Json:
        return asdict(house.store.health())


def run_row(house: House, run: Run) -> Json:
    """A run as the drawer shows it."""
    row = asdict(run)
    return {**{k: row[k] for k in row if k not in ("folder", "pid", "settings")}, "eta_s": house.runs.eta_s(run.id)}


def ingest_report(results: list[Json]) -> Json:
    """How an ingest went: added, already here, without sound, refused."""
    ok = [line["result"] for line in results if line["outcome"] == "ok"]
    # The same bytes under two names are one clip, whichever of the two was read first.
    added = len({row["clip"]["sha256"] for row in ok if not row["known"]})
    return {
        "added": added,
        "known": len(ok) - added,
        "no_sound": sum(row["clip"]["probe"]["channels"] == 0 for row in ok),
        "damaged": sum(bool(row["clip"]["probe"]["damage"]) for row in ok),
        "refused": sum(line["outcome"] != "ok" for line in results),
    }
