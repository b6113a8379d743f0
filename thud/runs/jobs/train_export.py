"""Train export: takes what a training has learnt out of its run, as an adapter or as one model; to a hub if wanted."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from thud.runs.job import CannotGoOn, LeftOff
from thud.runs.trainer.child import listening, run_module

if TYPE_CHECKING:
    from thud.store import Store

kind = "train_export"
LIMIT_S = 6 * 3600.0
GRACE_S = 60.0
"""How long the removal of what is half written may take."""
TOKEN = "HF_TOKEN"
TITLES = {"adapter": "its adapter", "merged": "one model"}
CARD = "README.md"
Json = dict[str, Any]


def work(item: Json, workspace: Path) -> Json:
    """The folder that was written, or the address on the hub. Raises CannotGoOn with the sentence why there is none."""
    folder = workspace / "runs" / item["run"]
    sent = folder / "sent"  # what is sent lies here until then, and what is half written too
    repo, to = item.get("repo", ""), Path(item["to"]) if item["to"] else sent / "model"
    if not repo and (to / CARD).is_file():
        return _result(to, "")  # the worker died after the folder had its name
    shutil.rmtree(sent, ignore_errors=True)
    line = [sys.executable, "-m", "training.export", str(workspace / item["run_folder"]), "--to", str(to)]
    line += ["--merge"] * (item["do"] == "merged")
    line += ["--push", repo] if repo else []
    line += ["--public"] * bool(repo and item["public"])
    token = {TOKEN: os.environ.get(TOKEN, "")} if repo else {}
    try:
        with listening() as asked:
            ended = run_module(line, {"OMP_NUM_THREADS": "1", **token}, folder, asked)
            if asked() and ended.code:
                raise LeftOff("Stopped; nothing was sent." if repo else "Stopped; nothing was written.")
    finally:
        shutil.rmtree(sent, ignore_errors=True)
    if ended.code:
        said = ended.last_line if ended.code == 1 else ""
        raise CannotGoOn(said or f"The export ended with code {ended.code}; the log says why.")
    return _result(to, ended.last_line if repo else "")


def _result(folder: Path, address: str) -> Json:
    tally = {"sent" if address else "written": 1}
    return {"folder": "" if address else str(folder), "address": address, "tally": tally}


def ingest(store: Store, item: Json, result: Json) -> None:
    """Nothing: what was written lies in its folder, or at the hub."""


def words(folder: Path, tally: Mapping[str, int]) -> str:
    """What became of it."""
    return "It is on the hub." if tally.get("sent") else "It is written." if tally.get("written") else ""
