"""Runs inside lmms-eval, without thud: loads the three tasks, looks at what they show, and evaluates a canned model."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
from lmms_eval.api.model import lmms
from lmms_eval.evaluator import simple_evaluate
from lmms_eval.tasks import TaskManager

FOLDER = Path(sys.argv[1])
TASKS = FOLDER / "moved" / "lmms"
VARIANTS = ("audio", "visual", "audiovisual")


class Canned(lmms):
    """Gives the planned response of each item."""

    def __init__(self, responses: list[str]) -> None:
        super().__init__()
        self.responses = responses

    def generate_until(self, requests: list[Any]) -> list[str]:
        return [self.responses[int(request.args[0].split()[1].rstrip(":")) - 1] for request in requests]

    def loglikelihood(self, requests: list[Any]) -> list[tuple[float, bool]]:
        raise NotImplementedError

    def generate_until_multi_round(self, requests: list[Any]) -> list[str]:
        raise NotImplementedError


def main() -> None:
    assert not any(name.split(".")[0] == "thud" for name in sys.modules)
    manager = TaskManager(include_path=str(TASKS), include_defaults=False)
    names = [f"thud_check_{variant}" for variant in VARIANTS]
    assert manager.all_subtasks == sorted(names), manager.all_subtasks
    for kind in ("simple", "chat"):
        for name, task in manager.load_task_or_group(names, task_type=kind).items():
            check_shown(name, task, kind)
    results = simple_evaluate(
        Canned(json.loads((FOLDER / "plan.json").read_text())),
        tasks=names,
        task_manager=manager,
        batch_size=1,
        bootstrap_iters=0,
        log_samples=True,
    )["results"]
    found = {
        variant: {key.removesuffix(",none"): value for key, value in results[f"thud_check_{variant}"].items()}
        for variant in VARIANTS
    }
    (FOLDER / "lmms.json").write_text(json.dumps(found, default=float))


def check_shown(name: str, task: Any, kind: str) -> None:
    """Every document shows its own medium, and asks its own question."""
    variant = name.rsplit("_", 1)[1]
    docs = list(task.test_docs())
    assert len(docs) == (11 if variant == "audio" else 12), (name, len(docs))
    for doc in docs:
        (shown,) = task.doc_to_visual(doc)
        if variant == "audio":
            number = int(doc["id"].split("-")[1])
            assert shown["sampling_rate"] == 16_000
            assert np.allclose(shown["array"], np.array([0, 16384, -16384, number]) / 32768)
        else:
            silent = Path(shown).read_bytes().startswith(b"video without sound")
            assert silent == (variant == "visual"), shown
        assert task.doc_to_text(doc) == doc["text"]
        assert task.doc_to_target(doc) == doc["expected"]
        if kind == "chat":
            content = task.doc_to_messages(doc)[0]["content"]
            assert [part["type"] for part in content] == ["audio" if variant == "audio" else "video", "text"], content
    assert task.config.cluster_key == "source"


if __name__ == "__main__":
    main()
