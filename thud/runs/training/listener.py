"""The listener that a training makes: its base with its adapter, shown clips as they were shown in training."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from thud.listeners.roster import LISTENERS
from thud.records import Run

Json = dict[str, Any]


def listener_of(workspace: Path, run: Run) -> Json | None:
    """The listener of what the run has learnt, as JSON; None while there is nothing."""
    folder, config = workspace / run.folder, run.settings["config"]
    model, adapter = folder / "model", folder / "adapter"
    if config.get("tuning") == "full":
        base, added = (str(model), "") if model.is_dir() else ("", "")
    else:
        base, added = (model_folder(config["base"]), str(adapter)) if adapter.is_dir() else ("", "")
    if not base:
        return None
    return {
        "name": listener_name(run.settings), "backend": "local", "model": base, "adapter": added,
        "four_bit": config.get("tuning") == "qlora", "temperature": 0.0, **shown(config),
    }  # fmt: skip


def listener_name(settings: Mapping[str, Any]) -> str:
    """The name of a run's listener, such as "tiny sft-0007"."""
    base = re.sub(r"[^\w .+()-]+", "-", short_base(first_base(settings))).lstrip("_ .+()-")[:40]
    return f"{base} {settings['name']}".strip()


def first_base(settings: Mapping[str, Any]) -> str:
    """The base that a run's line began with; its own is another where it goes on from a model trained as a whole."""
    return str(settings.get("first_base") or settings["base"])


def short_base(base: str) -> str:
    """The last part of a base's path: "tiny" stays."""
    return Path(base).name or base


def model_folder(base: str) -> str:
    """What a listener calls that base."""
    return LISTENERS[base].model if base in LISTENERS else base


def shown(config: Mapping[str, Any]) -> Json:
    """How a listener is shown clips, so that it meets them as in training."""
    names = {"fps": "fps", "max_frames": "max_frames", "width": "size_px", "max_tokens": "answer_tokens"}
    told = {name: config[key] for name, key in names.items() if key in config}
    if config["base"] in LISTENERS:
        known = LISTENERS[config["base"]]
        return {"max_tokens": known.max_tokens, "batch_size": known.batch_size, **told}
    return told
