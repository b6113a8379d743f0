"""Who can be asked to place event times: the annotators that ship, and those a user describes."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, Literal, get_args
from urllib.parse import urlsplit

from thud.errors import BadRequest
from thud.events.prompts import prompt_label, prompt_text
from thud.providers import Endpoint, Provider

Source = Provider | Literal["signal"]
SOURCES: tuple[str, ...] = (*get_args(Provider), "signal")
EFFORTS = ("", "none", "minimal", "low", "medium", "high", "xhigh", "max")


@dataclass(frozen=True, slots=True)
class Annotator:
    """A model that places event times, and how it is asked.

    provider: whose door; "signal" = measured on this machine, nothing is sent. base_url, key_env: see Endpoint.
    prompt: name of the first prompt. video: a compatible server that takes a video file and hears it; Gemini always
    does, all others are shown frame units. fps, closer_fps: pictures a second, whole clip and closer look (video).
    window_s, frames_per_unit, closer_frames: stills, whole clip and closer look. refine: a closer look is asked for.
    cache: the vendor keeps what was sent for a few minutes; it pays only when the same stills are asked about again.
    """

    name: str
    provider: Source
    model: str
    base_url: str = ""
    key_env: str = ""
    prompt: str = "frames_v1"
    video: bool = False
    fps: float = 8.0
    closer_fps: float = 24.0
    window_s: float = 1.0
    frames_per_unit: int = 3
    closer_frames: int = 10
    refine: bool = True
    at_once: int = 4
    per_minute: int = 60
    effort: str = ""
    max_tokens: int = 4096
    cache: bool = False

    @property
    def hears(self) -> bool:
        """Whether it is given the sound; what it says of the sound counts only then."""
        return self.video or self.provider in ("gemini", "signal")

    @property
    def local(self) -> bool:
        """Whether nothing leaves this machine and nothing is billed."""
        return self.provider == "signal"

    @property
    def prompt_label(self) -> str:
        """What a mark's detail says of the prompt, "frames_v1@ab12cd"; "" when there is none."""
        return "" if self.local else prompt_label(self.prompt)

    @property
    def closer_prompt(self) -> str:
        """Name of the prompt of the closer look: frames_v1 -> frames_closer_v1, gemini_v1 -> gemini_window_v1."""
        stem, _, version = self.prompt.rpartition("_v")
        return f"{stem}_{'window' if self.hears else 'closer'}_v{version}"


ANNOTATORS: dict[str, Annotator] = {
    "gemini": Annotator("gemini", "gemini", "gemini-3.1-pro-preview", prompt="gemini_v1"),
    "gpt": Annotator("gpt", "openai", "gpt-6.2-sol"),
    "claude": Annotator("claude", "anthropic", "claude-sonnet-5-5"),
    "signal": Annotator("signal", "signal", "signal_v1", prompt="", refine=False),
}
"""Those that ship. Model names are in the vendors' libraries; whether a key may use them, only the vendor knows."""


def endpoint_of(annotator: Annotator) -> Endpoint:
    """Where that annotator's questions go. BadRequest for one that asks nobody."""
    if annotator.provider == "signal":
        raise BadRequest(f"{annotator.name} measures the clip on this machine; there is nobody to ask.")
    return Endpoint(
        annotator.provider,
        annotator.base_url,
        annotator.key_env,
        at_once=annotator.at_once,
        per_minute=annotator.per_minute,
    )


def parse_annotator(row: object) -> Annotator:
    """The annotator that a JSON object describes; what it leaves out is as in ANNOTATORS under its name.

    Raises BadRequest with a sentence that names the field.
    """
    if not isinstance(row, Mapping) or not all(isinstance(key, str) for key in row):
        raise BadRequest("An annotator is described by an object with name, provider and model.")
    name = row.get("name")
    if not isinstance(name, str) or not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", name):
        raise BadRequest("An annotator's name is 1 to 64 letters, digits, dots, dashes or underscores.")
    unknown = sorted(set(row) - {field.name for field in fields(Annotator)})
    if unknown:
        raise BadRequest(f"An annotator has no field {unknown[0][:40]!r}.")
    base = ANNOTATORS.get(name) or Annotator(name, "compatible", "")
    if row.get("provider", base.provider) != base.provider:
        base = replace(base, model="", base_url="", key_env="", prompt=_usual_prompt(row), video=False)
    changes = {key: _typed(key, value, getattr(base, key)) for key, value in row.items()}
    if row.get("video") is True and "prompt" not in row:
        changes["prompt"] = "gemini_v1"
    return _checked(replace(base, **changes))


def _usual_prompt(row: Mapping[str, Any]) -> str:
    return {"gemini": "gemini_v1", "signal": ""}.get(str(row.get("provider")), "frames_v1")


def _typed(key: str, value: object, like: object) -> Any:
    """The value when it is of the kind that the field holds; a whole number is a number too."""
    if isinstance(like, float) and isinstance(value, int) and not isinstance(value, bool) and abs(value) < 1e9:
        return float(value)
    if type(value) is type(like) and not (isinstance(value, str) and len(value) > 500):
        return value.strip() if isinstance(value, str) else value
    kinds = {str: "a short text", bool: "true or false", int: "a whole number", float: "a number"}
    raise BadRequest(f"{key} must be {kinds[type(like)]}.")


LIMITS: dict[str, tuple[float, float]] = {
    "fps": (0.1, 24),
    "closer_fps": (8, 24),
    "window_s": (0.2, 60),
    "frames_per_unit": (1, 10),
    "closer_frames": (2, 30),
    "at_once": (1, 64),
    "per_minute": (1, 10_000),
    "max_tokens": (256, 64_000),
}


def _checked(annotator: Annotator) -> Annotator:
    for key, (low, high) in LIMITS.items():
        value = getattr(annotator, key)
        if not (math.isfinite(value) and low <= value <= high):
            raise BadRequest(f"{key} must lie between {low:g} and {high:g}.")
    if annotator.provider not in SOURCES:
        raise BadRequest(f"provider is one of {', '.join(SOURCES)}.")
    if annotator.effort not in EFFORTS:
        raise BadRequest(f"effort is empty or one of {', '.join(EFFORTS[1:])}.")
    if annotator.local:
        return replace(annotator, prompt="", refine=False, video=False)
    if not annotator.model:
        raise BadRequest(f"Say which model {annotator.name} is: its exact name, as the vendor writes it.")
    if annotator.video and annotator.provider in ("openai", "anthropic"):
        raise BadRequest(f"The models of {annotator.provider} take no video; leave video out.")
    _check_address(annotator)
    prompt_text(annotator.prompt)
    if annotator.hears != annotator.prompt.startswith("gemini"):
        raise BadRequest(f"The prompt {annotator.prompt} is not for what {annotator.name} is shown.")
    if annotator.refine:
        prompt_text(annotator.closer_prompt)
    return annotator


def _check_address(annotator: Annotator) -> None:
    """A key goes only to a server the user named, and only a variable that says it is a key can be sent there."""
    if annotator.provider == "compatible" and not annotator.base_url:
        raise BadRequest(
            f"Say where the server of {annotator.name} is: base_url, for example http://127.0.0.1:8000/v1."
        )
    try:
        address = urlsplit(annotator.base_url)
        usable = not annotator.base_url or (address.scheme in ("http", "https") and bool(address.hostname))
    except ValueError:
        usable = False
    if not usable or "@" in annotator.base_url:
        raise BadRequest("base_url begins with http:// or https:// and names a server, without user name or password.")
    if annotator.key_env and not re.fullmatch(r"[A-Z][A-Z0-9_]*_(KEY|TOKEN)", annotator.key_env):
        raise BadRequest("key_env names an environment variable that ends in _KEY or _TOKEN, in capitals.")
