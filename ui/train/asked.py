"""What the Train page asks for, as the library knows it. What a page can get wrong is said in a sentence."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from thud.errors import BadRequest
from ui.body import text, texts

if TYPE_CHECKING:
    from thud.runs.training import TrainWanted
    from thud.runs.training.afterwards import Afterwards

Json = dict[str, Any]
STAGES = ("sft", "dpo")
LONGEST_NAME, LONGEST_PATH, LONGEST_YAML, MOST_WAIVED, DEEPEST = 120, 4000, 20_000, 40, 3
OWN = ("stage", "base", "data", "output", "adapter")
"""Fields of a training config that the page has its own controls for; YAML cannot change them behind its back."""
SHOWN: Mapping[str, tuple[str, ...]] = {
    "sft": (
        "learning_rate", "warmup", "batch_size", "accumulation", "max_steps", "eval_every", "lora.rank", "lora.alpha",
    ),
    "dpo": (
        "learning_rate", "batch_size", "accumulation", "max_steps", "eval_every", "lora.rank", "lora.alpha",
        "loss.beta",
    ),
}  # fmt: skip
"""By stage the numbers with a field each on the page: they stand there alone, and YAML has the rest."""
LARGEST = 2**53


def wanted_of(body: Json) -> TrainWanted:
    """The training that a page asks for. BadRequest names what is wrong; whether it can go is another question."""
    from thud.runs.training import TrainWanted
    from thud.runs.training.wanted import over

    stage = text(body, "stage", LONGEST_NAME)
    if stage not in STAGES:
        raise BadRequest("stage is sft or dpo.")
    device = body.get("device")
    if device is not None and not isinstance(device, str):
        raise BadRequest("device is text, or nothing.")
    given = body.get("fields") or {}
    if not isinstance(given, dict):
        raise BadRequest("fields is an object with numbers and words.")
    _check_plain(given)
    return TrainWanted(
        stage=stage, base=text(body, "base", LONGEST_PATH, ""), recipe=text(body, "recipe", LONGEST_NAME, ""),
        set_id=text(body, "set", LONGEST_NAME, ""), export=text(body, "export", LONGEST_PATH, ""),
        adapter_run=text(body, "adapter_run", LONGEST_NAME, ""), adapter=text(body, "adapter", LONGEST_PATH, ""),
        fields=over(read_yaml(text(body, "yaml", LONGEST_YAML, ""), stage), given), device=device,
        waive=tuple(texts(body, "waive", MOST_WAIVED)), on=text(body, "on", LONGEST_NAME, "").strip(),
    )  # fmt: skip


def after_of(body: Json) -> Afterwards:
    """What a page asks to follow a training. BadRequest for what is neither that nor left out."""
    from thud.runs.training.afterwards import Afterwards

    after = body.get("then") or {}
    if not isinstance(after, dict):
        raise BadRequest("then is an object: recipe, set, ask.")
    recipe, set_id = text(after, "recipe", LONGEST_NAME, ""), text(after, "set", LONGEST_NAME, "")
    return Afterwards(recipe, set_id if recipe else "", after.get("ask") is True)


def wanted_json(wanted: TrainWanted) -> Json:
    """The same as the page keeps it: what it has a field for in `fields`, all else as YAML where that was changed."""
    from thud.runs.training.wanted import config_of

    shown, hidden = _parted(wanted.fields, wanted.stage)
    return {
        "stage": wanted.stage, "base": wanted.base, "recipe": wanted.recipe, "set": wanted.set_id,
        "export": wanted.export, "adapter_run": wanted.adapter_run, "adapter": wanted.adapter, "fields": shown,
        "yaml": rest_yaml(config_of(wanted)) if hidden else "", "device": wanted.device, "waive": list(wanted.waive),
        "on": wanted.on,
    }  # fmt: skip


def read_yaml(written: str, stage: str) -> Json:
    """The settings in a text that somebody wrote. BadRequest says where it is no YAML, or what may not stand in it."""
    told = _parsed(written)
    if told is None:
        return {}
    if not isinstance(told, dict):
        raise BadRequest("The settings are lines of the form “name: value”.")
    _check_plain(told)
    if own := sorted(told.keys() & set(OWN)):
        raise BadRequest(f"{own[0]} is chosen above; take it out of the settings below.")
    if twice := _names(_parted(told, stage)[0]):
        raise BadRequest(f"{twice[0]} has a field of its own above; take it out of the settings below.")
    return told


def _parsed(written: str) -> Any:
    """What the YAML says. Neither anchors nor tags: nobody needs them here, and what they stand for has no bounds."""
    import yaml

    odd = (yaml.AnchorToken, yaml.AliasToken, yaml.TagToken)
    try:
        for token in yaml.scan(written):
            if isinstance(token, odd):
                line = token.start_mark.line + 1
                raise BadRequest(
                    f"The settings have an anchor, an alias or a tag in line {line}; write it out instead."
                )
        return yaml.safe_load(written)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f" in line {mark.line + 1}" if mark else ""
        raise BadRequest(
            f"The settings are no YAML{where}: {getattr(error, 'problem', None) or 'odd signs'}."
        ) from error
    except RecursionError as error:
        raise BadRequest("The settings are too deep.") from error
    except (ValueError, OverflowError) as error:
        raise BadRequest("The settings hold a date or a number that cannot be.") from error


def rest_yaml(config: Mapping[str, Any]) -> str:
    """Everything of a config that the page has no field for, to be edited."""
    import yaml

    stage = "dpo" if config.get("stage") == "dpo" else "sft"
    rest = _parted({key: value for key, value in config.items() if key not in OWN}, stage)[1]
    if stage == "sft":
        rest.pop("loss", None)
    return str(yaml.safe_dump(rest, sort_keys=False, default_flow_style=None, allow_unicode=True, width=60))


def _parted(settings: Mapping[str, Any], stage: str) -> tuple[Json, Json]:
    """(what the page has fields for, the rest); no object is left empty."""
    sides: tuple[Json, Json] = {}, {}
    for key, value in settings.items():
        if isinstance(value, Mapping):
            for name, one in value.items():
                sides[f"{key}.{name}" not in SHOWN[stage]].setdefault(key, {})[name] = one
        else:
            sides[key not in SHOWN[stage]][key] = value
    return sides


def _names(settings: Json) -> list[str]:
    return [f"{key}.{next(iter(value))}" if isinstance(value, dict) else key for key, value in settings.items()]


def wrong_field(sentence: str) -> str:
    """The page's field that a sentence about a setting begins with, "" where it is about something else."""
    name = sentence.split(" ", 1)[0]
    if name in ("batch_size", "accumulation"):
        return "rows"
    return name if any(name in shown for shown in SHOWN.values()) else ""


def _check_plain(settings: Json) -> None:
    """BadRequest, with its name, for a setting that is no number, word, yes or no, or list or object of such."""
    for name, value in settings.items():
        if not isinstance(name, str):
            raise BadRequest("The settings are lines of the form “name: value”.")
        if not _plain(value, DEEPEST):
            raise BadRequest(f"{name[:40]} is no number, word, yes or no, and no short list of them.")


def _plain(value: Any, deep: int) -> bool:
    if isinstance(value, dict):
        return deep > 1 and all(isinstance(key, str) and _plain(one, deep - 1) for key, one in value.items())
    if isinstance(value, list):
        return deep > 1 and all(_plain(one, deep - 1) for one in value)
    if isinstance(value, int | float):
        return abs(value) <= LARGEST  # neither NaN nor without end
    return value is None or isinstance(value, str)
