"""What the Train page asks for, as the library knows it. What a page can get wrong is said in a sentence."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from thud.errors import BadRequest
from ui.body import text, texts

if TYPE_CHECKING:
    from thud.runs.training import TrainWanted

Json = dict[str, Any]
STAGES = ("sft", "dpo")
LONGEST_NAME, LONGEST_PATH, LONGEST_YAML, MOST_WAIVED, DEEPEST = 120, 4000, 20_000, 40, 4
OWN = ("stage", "base", "data", "output", "adapter")
"""Fields of a training config that the page has its own controls for; YAML cannot change them behind its back."""
SHOWN = ("learning_rate", "warmup", "batch_size", "accumulation", "max_steps", "eval_every")
"""Numbers with a field each on the page, so that they are left out of the YAML below. World size stays in it."""
SHOWN_IN: Mapping[str, tuple[str, ...]] = {"lora": ("rank", "alpha"), "loss": ("beta",)}


def wanted_of(body: Json) -> TrainWanted:
    """The training that a page asks for. BadRequest names what is wrong; whether it can go is another question."""
    from thud.runs.training import TrainWanted

    stage = text(body, "stage", LONGEST_NAME)
    if stage not in STAGES:
        raise BadRequest("stage is sft or dpo.")
    device = body.get("device")
    if device is not None and not isinstance(device, str):
        raise BadRequest("device is text, or nothing.")
    given = body.get("fields") or {}
    if not isinstance(given, dict) or _depth(given) > DEEPEST:
        raise BadRequest("fields is an object with numbers and words.")
    return TrainWanted(
        stage=stage, base=text(body, "base", LONGEST_PATH, ""), recipe=text(body, "recipe", LONGEST_NAME, ""),
        set_id=text(body, "set", LONGEST_NAME, ""), export=text(body, "export", LONGEST_PATH, ""),
        adapter_run=text(body, "adapter_run", LONGEST_NAME, ""), adapter=text(body, "adapter", LONGEST_PATH, ""),
        fields=over(read_yaml(text(body, "yaml", LONGEST_YAML, "")), given), device=device,
        waive=tuple(texts(body, "waive", MOST_WAIVED)), on=text(body, "on", LONGEST_NAME, "").strip(),
    )  # fmt: skip


def wanted_json(wanted: TrainWanted) -> Json:
    """The same as the page keeps it, all settings among its fields."""
    return {
        "stage": wanted.stage, "base": wanted.base, "recipe": wanted.recipe, "set": wanted.set_id,
        "export": wanted.export, "adapter_run": wanted.adapter_run, "adapter": wanted.adapter,
        "fields": wanted.fields, "device": wanted.device, "waive": list(wanted.waive), "on": wanted.on,
    }  # fmt: skip


def read_yaml(written: str) -> Json:
    """The settings in a text that somebody wrote. BadRequest says where it is no YAML, or what may not stand in it."""
    import yaml

    try:
        told = yaml.safe_load(written)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f" in line {mark.line + 1}" if mark else ""
        raise BadRequest(
            f"The settings are no YAML{where}: {getattr(error, 'problem', None) or 'odd signs'}."
        ) from error
    except RecursionError as error:
        raise BadRequest("The settings are too deep.") from error
    if told is None:
        return {}
    if not isinstance(told, dict) or not all(isinstance(key, str) for key in told) or _depth(told) > DEEPEST:
        raise BadRequest("The settings are lines of the form “name: value”.")
    if own := sorted(told.keys() & set(OWN)):
        raise BadRequest(f"{own[0]} is chosen above; take it out of the settings below.")
    return told


def rest_yaml(config: Mapping[str, Any]) -> str:
    """Everything of a config that the page has no field for, to be edited."""
    import yaml

    rest = {key: value for key, value in config.items() if key not in (*OWN, *SHOWN)}
    for part, shown in SHOWN_IN.items():
        if isinstance(rest.get(part), Mapping):
            rest[part] = {key: value for key, value in rest[part].items() if key not in shown}
    if config.get("stage") == "sft":
        rest.pop("loss", None)
    return str(yaml.safe_dump(rest, sort_keys=False, default_flow_style=None, allow_unicode=True, width=60))


def over(under: Json, top: Json) -> Json:
    """One mapping over another, both as deep as they are."""
    both = dict(under)
    for key, value in top.items():
        held = both.get(key)
        both[key] = over(held, value) if isinstance(held, dict) and isinstance(value, dict) else value
    return both


def wrong_field(sentence: str) -> str:
    """The page's field that a sentence about a setting begins with, "" where it is about something else."""
    name = sentence.split(" ", 1)[0]
    fields = {*SHOWN, *(f"{part}.{one}" for part, shown in SHOWN_IN.items() for one in shown)}
    if name in ("batch_size", "accumulation"):
        return "rows"
    return name if name in fields else ""


def _depth(value: Any) -> int:
    if isinstance(value, dict):
        return 1 + max(map(_depth, value.values()), default=0)
    return 1 + max(map(_depth, value), default=0) if isinstance(value, list) else 0
