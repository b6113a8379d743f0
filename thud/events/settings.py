"""What a workspace may set about event times, with defaults, and what is known of each person's machine.

Kept in the store by name (`store.set_setting`); anything that is not there, or makes no sense, is the default.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from thud.errors import BadRequest

PERSON = "person/"
"""What a person's own settings are called: `person/<name>`."""
LONGEST_REACTION_MS = 1500
LARGEST_OFFSET_MS = 2000.0
MOST_MACHINES = 20
MOST_TAPS = 200


@dataclass(frozen=True, slots=True)
class Settings:
    """eps_*_s: the agreement rule's limits. people_eps_s: two people agree up to here, picture and sound each.

    accept_spread_s: a consensus this sure of both times needs nobody (0 = people look at every clip).
    double_share: clips that two people mark. random_share: clips drawn blindly, so that estimates are unbiased.
    gold_share: clips with known times among those a person gets. seed: which clips those shares fall on.
    """

    eps_visual_s: float = 0.8
    eps_audio_s: float = 0.5
    people_eps_s: float = 0.1
    accept_spread_s: float = 0.04
    blind: bool = True
    double_share: float = 0.1
    random_share: float = 0.08
    gold_share: float = 0.05
    seed: int = 0


DEFAULTS: dict[str, Any] = asdict(Settings())
LIMITS: dict[str, tuple[float, float]] = {
    "eps_visual_s": (0.0, 10.0),
    "eps_audio_s": (0.0, 10.0),
    "people_eps_s": (0.0, 10.0),
    "accept_spread_s": (0.0, 1.0),
    "double_share": (0.0, 1.0),
    "random_share": (0.0, 0.4),
    "gold_share": (0.0, 0.5),
    "seed": (0, 2**31 - 1),
}


def checked_setting(name: str, value: Any) -> Any:
    """The value as it is kept: a bool, an int or a float. BadRequest says what would be right."""
    if name not in DEFAULTS:
        raise BadRequest(f"There is no setting {name}. There are {', '.join(DEFAULTS)}.")
    kind = type(DEFAULTS[name])
    if kind is bool:
        if not isinstance(value, bool):
            raise BadRequest(f"{name} is either on or off.")
        return value
    low, high = LIMITS[name]
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not number or not low <= value <= high or (kind is int and value != int(value)):
        raise BadRequest(f"{name} is a {'whole ' if kind is int else ''}number from {low:g} to {high:g}.")
    return kind(value)


def read_settings(rows: Mapping[str, Any]) -> Settings:
    """The settings in force, from `store.settings()`."""
    values: dict[str, Any] = {}
    for name in (each.name for each in fields(Settings)):
        try:
            values[name] = checked_setting(name, rows[name])
        except (KeyError, BadRequest):
            values[name] = DEFAULTS[name]
    return Settings(**values)


@dataclass(frozen=True, slots=True)
class Habits:
    """How a person marks. delayed: marks set while playing have `reaction_ms` taken off.

    machines: by machine id: sound_late_ms, spread_ms, taps, at.
    """

    delayed: bool = False
    reaction_ms: int = 0
    machines: dict[str, dict[str, Any]] = field(default_factory=dict)


def read_habits(rows: Mapping[str, Any], person: str) -> Habits:
    """What is kept of one person, from `store.settings()`."""
    row = rows.get(PERSON + person)
    if not isinstance(row, dict):
        return Habits()
    machines = row.get("machines")
    reaction = row.get("reaction_ms")
    return Habits(
        row.get("delayed") is True,
        reaction if isinstance(reaction, int) and not isinstance(reaction, bool) else 0,
        {str(k): v for k, v in machines.items() if isinstance(v, dict)} if isinstance(machines, dict) else {},
    )


def changed_habits(habits: Habits, body: Mapping[str, Any], at: str) -> Habits:
    """The habits after a calibration or a switch of mode. BadRequest when a number makes no sense."""
    delayed, reaction, machines = habits.delayed, habits.reaction_ms, dict(habits.machines)
    if "delayed" in body:
        if not isinstance(body["delayed"], bool):
            raise BadRequest("delayed is either true or false.")
        delayed = body["delayed"]
    if "reaction_ms" in body:
        reaction = round(_number(body, "reaction_ms", 0, LONGEST_REACTION_MS))
    if "machine" in body:
        name = body["machine"]
        if not isinstance(name, str) or not 0 < len(name) <= 80:
            raise BadRequest("machine is the id of this machine, up to 80 characters.")
        machines.pop(name, None)
        machines[name] = _machine(body, at)
        machines = dict(list(machines.items())[-MOST_MACHINES:])
    return Habits(delayed, reaction, machines)


def _machine(body: Mapping[str, Any], at: str) -> dict[str, Any]:
    taps = body.get("taps", [])
    if not isinstance(taps, list) or len(taps) > MOST_TAPS:
        raise BadRequest(f"taps is a list of up to {MOST_TAPS} numbers, in milliseconds.")
    return {
        "sound_late_ms": _number(body, "sound_late_ms", -LARGEST_OFFSET_MS, LARGEST_OFFSET_MS),
        "spread_ms": _number(body, "spread_ms", 0, LARGEST_OFFSET_MS),
        "taps": [_number({"taps": tap}, "taps", -1e7, 1e7) for tap in taps],
        "at": at,
    }


def _number(body: Mapping[str, Any], name: str, low: float, high: float) -> float:
    value = body.get(name)
    if isinstance(value, int | float) and not isinstance(value, bool) and low <= value <= high:
        return float(value)
    raise BadRequest(f"{name} is a number from {low:g} to {high:g}.")
