"""The processes of one training: which of them this is, and what they agree on. Alone, everything is trivial."""

from __future__ import annotations

import os
import resource
import signal
import sys
from typing import Any

from thud.errors import RunFailed
from thud.runs.trainer.child import end_with_parent
from training.config import TrainConfig


def rank() -> int:
    """The number of this process, from 0, as its launcher told it."""
    return int(os.environ.get("RANK", "0"))


def world_size() -> int:
    """How many processes were launched together."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def check_world(config: TrainConfig) -> None:
    """RunFailed unless as many processes run as the config asks for; some launchers start one and say nothing."""
    if world_size() != config.world_size:
        start = f"python -m torch.distributed.run --nproc-per-node {config.world_size} -m training.{config.stage}"
        raise RunFailed(
            f"The config asks for {_processes(config.world_size)} and {_processes(world_size())} started. "
            + (f"Start it with: {start} --config …" if config.world_size > 1 else "Start it without a launcher.")
        )


def end_with_launcher() -> None:
    """Has this process end when its launcher is killed, which puts it into a group of its own. Alone, nothing."""
    if world_size() > 1:
        end_with_parent(signal.SIGKILL)


def held_gb() -> float:
    """GB that this process has held at most: of its GPU's memory where it has one, else of the machine's."""
    import torch

    if torch.cuda.is_available():
        return round(torch.cuda.max_memory_reserved() / 1e9, 3)
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return round(most * (1 if sys.platform == "darwin" else 1024) / 1e9, 3)


def any_of(flag: bool, device: Any) -> bool:
    """Whether the flag is up in any process. All of them have to ask."""
    import torch

    if not torch.distributed.is_initialized():
        return flag
    raised = torch.tensor(int(flag), device=device)
    torch.distributed.all_reduce(raised, torch.distributed.ReduceOp.MAX)
    return bool(raised.item())


def from_all(value: Any) -> list[Any]:
    """The values of all processes in their order. All of them have to give one."""
    import torch

    if not torch.distributed.is_initialized():
        return [value]
    values: list[Any] = [None] * torch.distributed.get_world_size()
    torch.distributed.all_gather_object(values, value)
    return values


def wait_for_all() -> None:
    """Returns when every process has come here."""
    from_all(None)


def _processes(count: int) -> str:
    return "1 process" if count == 1 else f"{count} processes"
