"""What the lines of a journal say about a training: which round was best, whether it gets better, what goes wrong."""

from __future__ import annotations

import math
import signal
from collections.abc import Sequence
from typing import Any

from training.journal import Line

WINDOW = 10
"""Steps that are averaged at the start and at the end of what is looked at for displacement."""
FALL_SHARE, FALL_NATS, FALL_LEAST = 0.1, 1.0, 0.05
"""A fall of a tenth, or of one nat a token, is told; one of less than 0.05 nats a token is noise of the batches."""


class Stop:
    """Whether SIGTERM or SIGINT has come; from then on it is waited for a good moment."""

    def __init__(self) -> None:
        self.asked = False

    def listen(self) -> None:
        """Takes the signals over from here on."""
        for name in (signal.SIGTERM, signal.SIGINT):
            signal.signal(name, self._ask)

    def _ask(self, *_: Any) -> None:
        self.asked = True


def step_line(logs: Line, tokens_before: int) -> Line:
    """What is kept of what a trainer logs; `chosen` and `rejected` are sums of logarithms over an answer, by pair."""
    line = {
        "loss": logs["loss"],
        "lr": logs.get("learning_rate"),
        "grad_norm": logs.get("grad_norm"),
        "tokens": tokens_before + int(logs.get("num_tokens", 0)),
        "epoch": logs.get("epoch"),
    }
    names = {
        "margin": "rewards/margins", "accuracy": "rewards/accuracies", "chosen": "logps/chosen",
        "rejected": "logps/rejected",
    }  # fmt: skip
    return line | {name: logs[told] for name, told in names.items() if told in logs}


def displaced(steps: Sequence[Line], answer_tokens: float) -> float:
    """By how many nats a token chosen answers have become less likely; 0 where that is no cause for alarm.

    The mean of the first WINDOW steps is compared with that of the last, once there are two windows of them. It is one
    if the margin has grown and the fall is over a tenth of where it began, or over one nat a token.
    """
    told = [line for line in steps if line.get("chosen") is not None and line.get("margin") is not None]
    if len(told) < 2 * WINDOW or answer_tokens <= 0:
        return 0.0
    first, now = told[:WINDOW], told[-WINDOW:]
    began = _mean(first, "chosen")
    fall = began - _mean(now, "chosen")
    nats = fall / answer_tokens
    large = nats > FALL_NATS or (fall > FALL_SHARE * abs(began) and nats > FALL_LEAST)
    return nats if large and _mean(now, "margin") > _mean(first, "margin") else 0.0


def best(rounds: Sequence[Line]) -> Line | None:
    """The held-out round with the best accuracy, of those the one with the lowest loss; the untrained is not in it."""
    return max((line for line in rounds if line["step"]), key=_worth, default=None)


def impatient(rounds: Sequence[Line], patience: int) -> bool:
    """Whether the last `patience` rounds (0 = any number) brought no better accuracy than one before.

    Rounds in which nothing could be asked measured none, and are passed over.
    """
    trained = [line["accuracy"]["all"] for line in rounds if line["step"] and "all" in line["accuracy"]]
    return 0 < patience < len(trained) and max(trained[-patience:]) <= max(trained[:-patience])


def _worth(line: Line) -> tuple[float, float, int]:
    loss = line.get("loss")
    return line["accuracy"].get("all", 0.0), -math.inf if loss is None else -loss, -line["step"]


def _mean(lines: Sequence[Line], name: str) -> float:
    return sum(float(line[name]) for line in lines) / len(lines)
