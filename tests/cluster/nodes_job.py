"""A job for tests of clusters: each item says on which node and in which process it was worked."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

kind = "nodes"
ADDRESS = "tests.cluster.nodes_job"


def work(item: dict[str, Any], workspace: Path) -> dict[str, Any]:
    """Takes `sleep_s` seconds."""
    import ray

    with (workspace / f"{item['key']}.tries").open("a") as tries:
        tries.write(f"{os.getpid()}\n")
    time.sleep(item["sleep_s"])
    return {"node": ray.util.get_node_ip_address(), "pid": os.getpid()}


def ingest(store: Any, item: dict[str, Any], result: dict[str, Any]) -> None:
    """Nothing is kept."""
