"""Canary: asks one listener the six questions that show whether it hears, and scores nothing."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from thud.listeners.canary import run_canary
from thud.listeners.roster import endpoint_of, parse_listener
from thud.runs.asking import asker
from thud.runs.job import CannotGoOn
from thud.runs.jobs.listen import nobody

if TYPE_CHECKING:
    from thud.store import Store

kind = "canary"
LIMIT_S = 3600.0


def work(item: dict[str, Any], workspace: Path) -> dict[str, Any]:
    """How the canary went, and a problem for each check that was missed.

    Raises CannotGoOn when nothing at all was answered: that says nothing about its hearing.
    """
    listener = parse_listener(item["listener"])
    ask = asker(endpoint_of(listener), item, workspace) if listener.asks else nobody
    arm = "sound_only" if item["arm"] == "sound_only" else "audio_video"
    found = run_canary(listener, workspace / "cache" / "canary", ask, arm, item["seed"])
    if all(check["problem"] for check in found["checks"]):
        raise CannotGoOn(found["words"])
    missed = [[check["name"], check["problem"] or check["said"]] for check in found["checks"] if not check["right"]]
    (workspace / "runs" / item["run"] / "words.json").write_text(json.dumps(found["words"]), encoding="utf-8")
    return {"canary": {**found, "override": ""}, "problems": missed, "tally": {"tested": 1}}


def ingest(store: Store, item: dict[str, Any], result: dict[str, Any]) -> None:
    """Keeps how it went under the listener's key and arm; the last test counts."""
    store.define("canary", item["key"], result["canary"], item["by"])


def words(folder: Path, tally: Mapping[str, int]) -> str:
    """What was found out, "" before that."""
    kept = folder / "words.json"
    return str(json.loads(kept.read_text("utf-8"))) if tally.get("tested") and kept.is_file() else ""
