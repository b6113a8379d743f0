"""Who may do what: one table over method and path, read by the guard before any route runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from ui.door.account_file import ROLES, Role

SIGN_IN, SIGN_OUT = "/sign-in", "/sign-out"
READS = ("GET", "HEAD", "OPTIONS")
Way = Literal["read", "write", "any"]


@dataclass(frozen=True, slots=True)
class Rule:
    """path: exactly this one; with a slash at its end also all below. least: None for everybody, signed in or not."""

    way: Way
    path: str
    least: Role | None

    def fits(self, way: Way, path: str) -> bool:
        here = path == self.path.rstrip("/") or (self.path.endswith("/") and path.startswith(self.path))
        return here and self.way in ("any", way)


RULES: tuple[Rule, ...] = (
    Rule("any", SIGN_IN, None),
    Rule("any", SIGN_OUT, "annotator"),
    Rule("any", "/api/admin/", "admin"),
    # What an annotator must not see before marking, and what is taken away as a whole.
    Rule("any", "/api/tasks/adjudicate/", "researcher"),
    Rule("read", "/api/agreement/", "researcher"),
    Rule("read", "/api/marks.jsonl", "researcher"),
    Rule("read", "/api/annotators/", "researcher"),
    Rule("read", "/api/ledger", "researcher"),
    # What was right, and what others answered: not before somebody has taken the listening test.
    Rule("read", "/api/results/", "researcher"),
    Rule("read", "/api/judging/", "researcher"),
    Rule("read", "/api/listeners/", "researcher"),
    Rule("read", "/api/leak/", "researcher"),
    Rule("read", "/api/pairs/", "researcher"),
    Rule("read", "/api/train/", "researcher"),
    Rule("read", "/api/segments/agreement", "researcher"),
    # An annotator's own work. Not /api/marks/import.
    Rule("write", "/api/marks", "annotator"),
    Rule("write", "/api/marks/undo", "annotator"),
    Rule("write", "/api/tasks/", "annotator"),
    Rule("write", "/api/notes", "annotator"),
    Rule("write", "/api/segments/word", "annotator"),
    Rule("write", "/api/test/", "annotator"),
    Rule("write", "/api/calibration", "annotator"),
    Rule("write", "/gradio_api/", "annotator"),
)
"""The first rule that fits decides."""
OTHERWISE: Mapping[Way, Role] = {"read": "annotator", "write": "researcher"}


def least_role(method: str, path: str) -> Role | None:
    """The least role that may do this, or None where nobody has to be signed in."""
    way: Way = "read" if method in READS else "write"
    for rule in RULES:
        if rule.fits(way, path):
            return rule.least
    return OTHERWISE[way]


def may(role: Role, method: str, path: str) -> bool:
    """Whether an account of this role may do this."""
    least = least_role(method, path)
    return least is None or ROLES.index(role) >= ROLES.index(least)
