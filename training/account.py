"""What a run's journal says of it, and which held-out round its kept weights are of: for its report and its card."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from training.journal import Line
from training.progress import best

ROUND = ".round.json"
"""In the folder of kept weights: their step, and the held-out round that chose them. No part of the weights' id."""


def account(lines: Sequence[Line], kept: Path) -> dict[str, Any]:
    """Step, held-out rounds (before, after, last), alerts, seconds, tokens, begin, and the step of the kept weights.

    lines: of the journal. kept: folder of the weights; "after" is their round, whatever the journal was rewound to.
    weights_step is None, and a round too, where there is none; a round in which nothing was asked counts as none.
    """
    rounds, steps = _of(lines, "held_out"), _of(lines, "step")
    told = _read_round(kept)
    chosen = told["held_out"] if told else best(rounds)
    return {
        "step": steps[-1]["step"] if steps else 0,
        "weights_step": told["step"] if told else chosen and chosen["step"],
        "held_out": {"before": _asked([line for line in rounds if line["step"] == 0]),
                     "after": _asked([chosen] if chosen else []), "last": _asked(rounds[-1:])},
        "alerts": _of(lines, "alert"),
        "seconds": sum(line["seconds"] for line in steps), "tokens": steps[-1]["tokens"] if steps else 0,
        "begin": next(iter(_of(lines, "begin")), None),
    }  # fmt: skip


def write_round(kept: Path, step: int, held_out: Line | None) -> None:
    """Writes into the folder of weights what step they are of, and which held-out round chose them, if one did."""
    (kept / ROUND).write_text(json.dumps({"step": step, "held_out": held_out}) + "\n", encoding="utf-8")


def _read_round(kept: Path) -> dict[str, Any] | None:
    try:
        told: dict[str, Any] = json.loads((kept / ROUND).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    return told


def _of(lines: Sequence[Line], event: str) -> list[Line]:
    return [line for line in lines if line["event"] == event]


def _asked(rounds: Sequence[Line]) -> Line | None:
    """The first round, if anything was asked in it."""
    return rounds[0] if rounds and rounds[0]["n"].get("all") else None
