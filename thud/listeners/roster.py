"""Who can be tested: the listeners that ship, the paper's models as presets, and those a user describes."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, Literal, get_args
from urllib.parse import urlsplit

from thud.errors import BadRequest
from thud.events.roster import EFFORTS
from thud.providers import Endpoint
from thud.records import ARMS, TASKS, Arm, content_id

Backend = Literal["gemini", "compatible", "openai", "anthropic", "local", "always_synced", "signal"]
Transport = Literal["video_url", "video_url+audio_url", "frames+input_audio", "sglang", "frames"]
BACKENDS: tuple[str, ...] = get_args(Backend)
TRANSPORTS: tuple[str, ...] = get_args(Transport)
BASELINES = ("always_synced", "signal")
"""Asked here, at no cost, without a model."""
ASKED = ("gemini", "compatible", "openai", "anthropic")
"""Reached through thud.providers."""
NAMES = {
    "gemini": "Gemini", "compatible": "OpenAI-compatible server", "openai": "GPT", "anthropic": "Claude",
    "local": "on this machine", "always_synced": "always synced", "signal": "signal",
}  # fmt: skip

TINY = "tiny"
"""As the model of a local listener: the one that comes with thud, whichever folder thud lies in."""

SHOWN_VERSION = 1
"""Part of every key: raise it when the same settings would show a clip differently."""

PACE = ("name", "key_env", "arms", "at_once", "per_minute", "batch_size")
"""What says who asks and how fast, and changes no answer. The arm stands in the item."""


@dataclass(frozen=True, slots=True)
class Listener:
    """A model under test, and how it is asked.

    backend: whose door; always_synced and signal are measured here. model: its exact name, or a folder (local; "tiny" =
    the model that ships).
    adapter: folder of a LoRA (local). transport: how a compatible server takes picture and sound; "frames" is one that
    takes pictures only. fps, max_frames: pictures a second, and at most so many in all. width: longest side of a
    picture in pixels, where we make them. temperature, seed: sent only when set. at_once, per_minute: pace.
    batch_size: items at a time (local).
    simulated: its answers are made up, as in the demo.
    """

    name: str
    backend: Backend
    model: str = ""
    base_url: str = ""
    key_env: str = ""
    adapter: str = ""
    four_bit: bool = False
    transport: Transport = "video_url+audio_url"
    fps: float = 2.0
    max_frames: int = 64
    width: int = 448
    max_tokens: int = 512
    temperature: float | None = None
    seed: int | None = None
    effort: str = ""
    arms: tuple[Arm, ...] = ("audio_video",)
    at_once: int = 4
    per_minute: int = 60
    batch_size: int = 1
    simulated: bool = False

    @property
    def hears(self) -> bool:
        """Whether sound can reach it at all."""
        frames_only = self.backend == "compatible" and self.transport == "frames"
        return self.backend not in ("openai", "anthropic") and not frames_only

    @property
    def allowed_arms(self) -> tuple[Arm, ...]:
        """The arms it can be asked in: one that cannot hear sees only, and is labelled so."""
        return ARMS if self.hears else ("picture_only",)

    @property
    def allowed_tasks(self) -> tuple[str, ...]:
        """The tasks it can be asked about."""
        return ("sync", "existence") if self.backend == "signal" else TASKS

    @property
    def asks(self) -> bool:
        """Whether questions leave this machine (or go to a server on it) and may be billed."""
        return self.backend in ASKED

    @property
    def label(self) -> str:
        """The name as tables show it."""
        return self.name if self.hears else f"{self.name} (picture only)"

    def key(self) -> str:
        """The hash of all that determines its answers; of a local one also of its weights.

        Raises what `weights_id` raises for a model that is not there.
        """
        told = {name: value for name, value in asdict(self).items() if name not in PACE}
        if self.backend != "local":
            return content_id(told, SHOWN_VERSION)
        from thud.listeners.local import weights

        # The weights are hashed, so it does not matter where they lie.
        return content_id({**told, "model": "", "adapter": ""}, SHOWN_VERSION, weights(self))


LISTENERS: dict[str, Listener] = {
    "always-synced": Listener("always-synced", "always_synced", "always_synced_v1", arms=ARMS),
    "signal": Listener("signal", "signal", "signal_v1"),
    TINY: Listener(TINY, "local", TINY, fps=8.0, max_frames=40, width=56, max_tokens=24, temperature=0.0, batch_size=8),
}
"""Those that ship and need nobody. Versions of the baselines are raised when the same item would be answered
differently; tiny is a model of a million and a half parameters, made for the demo, whose weights are its version.
"""

_VLLM = "http://127.0.0.1:8000/v1"

PRESETS: tuple[Listener, ...] = (
    Listener("Gemini-3.1-Pro", "gemini", "gemini-3.1-pro-preview", max_tokens=8192),
    Listener(
        "MiMo-V2.5", "compatible", "mimo-v2.5", "https://api.xiaomimimo.com/v1", "MIMO_API_KEY",
        transport="video_url+audio_url", max_tokens=8192,
    ),
    Listener(
        "Nemotron-3-Nano-Omni", "compatible", "nvidia/nemotron-3-nano-omni-30b-a3b-reasoning",
        "https://integrate.api.nvidia.com/v1", "NVIDIA_API_KEY", transport="video_url+audio_url", max_tokens=8192,
    ),
    Listener("MiniCPM-o-4.5", "compatible", "openbmb/MiniCPM-o-4_5", _VLLM, temperature=0.0),
    Listener("Qwen3-Omni", "compatible", "Qwen/Qwen3-Omni-30B-A3B-Instruct", _VLLM, temperature=0.0),
    Listener("Qwen3-Omni-local", "local", "models/Qwen3-Omni-30B-A3B-Instruct", temperature=0.0),
    Listener("Ming-flash-omni-2.0", "compatible", "inclusionAI/Ming-flash-omni-2.0", _VLLM, temperature=0.0),
    Listener("Qwen2.5-Omni", "local", "models/Qwen2.5-Omni-7B", temperature=0.0),
    Listener("GPT-5.5", "openai", "gpt-5.5", max_tokens=8192, arms=("picture_only",)),
    Listener("Claude", "anthropic", "claude-sonnet-5-5", max_tokens=8192, arms=("picture_only",)),
)  # fmt: skip
"""The models of the paper and their kin. Names and addresses are a beginning, to be edited: only the server knows which
it has. Those that think before they answer get room for it."""


def endpoint_of(listener: Listener) -> Endpoint:
    """Where its questions go. BadRequest for one that asks nobody."""
    if not listener.asks:
        raise BadRequest(f"{listener.name} answers on this machine; there is nobody to ask.")
    return Endpoint(
        listener.backend,  # type: ignore[arg-type]  # one of ASKED
        listener.base_url,
        listener.key_env,
        at_once=listener.at_once,
        per_minute=listener.per_minute,
    )


def to_json(listener: Listener) -> dict[str, Any]:
    """The listener as a JSON object that `parse_listener` reads back."""
    return {**asdict(listener), "arms": list(listener.arms)}


def parse_listener(row: object) -> Listener:
    """The listener that a JSON object describes; what it leaves out is as in LISTENERS or PRESETS under its name.

    What its backend does not use is set back, so that it is no part of the key. BadRequest names the field.
    """
    if not isinstance(row, Mapping) or not all(isinstance(key, str) for key in row):
        raise BadRequest("A listener is described by an object with name, backend and model.")
    name = row.get("name")
    if not isinstance(name, str) or not re.fullmatch(r"[^\W_][\w .+()-]{0,63}", name) or name != name.strip():
        raise BadRequest(
            "A listener's name is 1 to 64 letters, digits, spaces or . _ + - ( ), a letter or digit first."
        )
    unknown = sorted(set(row) - {field.name for field in fields(Listener)})
    if unknown:
        raise BadRequest(f"A listener has no field {unknown[0][:40]!r}.")
    backend = row.get("backend")
    known = LISTENERS.get(name) or next((preset for preset in PRESETS if preset.name == name), None)
    if known is None or (backend is not None and backend != known.backend):
        if backend not in BACKENDS:
            raise BadRequest(f"backend is one of {', '.join(BACKENDS)}.")
        known = _plain(name, str(backend))
    changes = {key: _typed(key, value) for key, value in row.items()}
    return _checked(_settled(replace(known, **changes), "arms" in row))


def _plain(name: str, backend: str) -> Listener:
    """A listener of that backend about which nothing else is known."""
    if backend in BASELINES:
        return replace(next(one for one in LISTENERS.values() if one.backend == backend), name=name)
    return Listener(name, backend)  # type: ignore[arg-type]  # checked by the caller


KINDS: dict[str, tuple[tuple[type, ...], str]] = {
    "four_bit": ((bool,), "true or false"),
    "simulated": ((bool,), "true or false"),
    "fps": ((int, float), "a number"),
    "temperature": ((int, float, type(None)), "a number, or nothing"),
    "seed": ((int, type(None)), "a whole number, or nothing"),
    "max_frames": ((int,), "a whole number"),
    "width": ((int,), "a whole number"),
    "max_tokens": ((int,), "a whole number"),
    "at_once": ((int,), "a whole number"),
    "per_minute": ((int,), "a whole number"),
    "batch_size": ((int,), "a whole number"),
}
"""What a field holds; the others hold a short text."""


def _typed(key: str, value: object) -> Any:
    if key == "arms":
        return _arms(value)
    kinds, words = KINDS.get(key, ((str,), "a short text"))
    if not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds):
        raise BadRequest(f"{key} must be {words}.")
    if isinstance(value, str):
        if len(value) > 500 or not value.isprintable():
            raise BadRequest(f"{key} must be a short text.")
        return value.strip()
    if isinstance(value, int) and float in kinds and abs(value) < 1e9:
        return float(value)
    return value


def _arms(value: object) -> tuple[Arm, ...]:
    if not isinstance(value, Sequence) or isinstance(value, str) or not value or not all(one in ARMS for one in value):
        raise BadRequest(f"arms is a list of at least one of {', '.join(ARMS)}.")
    return tuple(arm for arm in ARMS if arm in value)


def _settled(listener: Listener, arms_told: bool) -> Listener:
    """The same with everything that its backend does not use as it is by default."""
    plain = _plain(listener.name, listener.backend)
    unused: set[str] = set()
    if listener.backend in BASELINES:
        unused = {field.name for field in fields(Listener)} - {"name", "backend", "arms", "simulated"}
    elif listener.backend == "local":
        unused = {"base_url", "key_env", "transport", "effort", "at_once", "per_minute"}
        cold = not listener.temperature
        # Without a temperature it takes the likeliest word each time, and a seed changes nothing.
        listener = replace(listener, temperature=listener.temperature or 0.0, seed=None if cold else listener.seed)
    else:
        unused = {"adapter", "four_bit", "batch_size"}
        if listener.backend != "compatible":
            unused |= {"transport"}
        if listener.backend == "gemini":
            unused |= {"width"}
    settled = replace(listener, **{name: getattr(plain, name) for name in unused})
    return settled if arms_told or settled.hears else replace(settled, arms=("picture_only",))


LIMITS: dict[str, tuple[float, float]] = {
    "fps": (0.1, 24),
    "max_frames": (1, 2000),
    "width": (14, 2048),
    "max_tokens": (1, 64_000),
    "temperature": (0, 2),
    "seed": (0, 2**31 - 1),
    "at_once": (1, 64),
    "per_minute": (1, 10_000),
    "batch_size": (1, 256),
}


def _checked(listener: Listener) -> Listener:
    for key, (low, high) in LIMITS.items():
        value = getattr(listener, key)
        if value is not None and not (math.isfinite(value) and low <= value <= high):
            raise BadRequest(f"{key} must lie between {low:g} and {high:g}.")
    if listener.transport not in TRANSPORTS:
        raise BadRequest(f"transport is one of {', '.join(TRANSPORTS)}.")
    if listener.effort not in EFFORTS:
        raise BadRequest(f"effort is empty or one of {', '.join(EFFORTS[1:])}.")
    if not listener.model:
        raise BadRequest(f"model says which model {listener.name} is: its exact name, as its server writes it.")
    if wrong := [arm for arm in listener.arms if arm not in listener.allowed_arms]:
        raise BadRequest(f"arms: {listener.label} cannot hear, so it is asked as picture_only, not as {wrong[0]}.")
    _check_address(listener)
    return listener


def _check_address(listener: Listener) -> None:
    """A key goes only to a server the user named, and only a variable that says it is a key can be sent there."""
    if listener.backend == "compatible" and not listener.base_url:
        raise BadRequest(f"base_url says where the server of {listener.name} is, for example http://127.0.0.1:8000/v1.")
    try:
        address = urlsplit(listener.base_url)
        usable = not listener.base_url or (address.scheme in ("http", "https") and bool(address.hostname))
    except ValueError:
        usable = False
    if not usable or "@" in listener.base_url:
        raise BadRequest("base_url begins with http:// or https:// and names a server, without user name or password.")
    if listener.key_env and not re.fullmatch(r"[A-Z][A-Z0-9_]*_(KEY|TOKEN)", listener.key_env):
        raise BadRequest(
            "key_env is the name of an environment variable that ends in _KEY or _TOKEN, in capitals, never a key."
        )
