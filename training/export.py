"""Takes what a run has learnt out of its folder: a clean adapter, a merged model, both with a card; to a hub if wanted.

    python -m training.export RUN --to FOLDER                       the adapter (or, after full tuning, the model)
    python -m training.export RUN --to FOLDER --merge               one model that needs no adapter
    python -m training.export RUN --to FOLDER --push OWNER/NAME     and to the hub, with the token in HF_TOKEN

What is taken out holds neither DPO's frozen copy of the adapter, nor optimizer states, nor paths of this machine.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from string import Template
from typing import Any

from thud.errors import BadRequest, MissingPart, NotFound, RunFailed, ThudError
from thud.evaluation.handover.folder import whole_folder
from thud.statistics.intervals import wilson_share
from training.account import ROUND, account
from training.config import TrainConfig, read_config, to_json
from training.exports import manifest, manifest_sha256, recipe_name
from training.journal import read_lines

CARD = Path(__file__).parent / "card.md"
ADAPTER_FILES = ("adapter_config.json", "adapter_model.safetensors", "made_for.json")
TOKEN = "HF_TOKEN"
STAGES = {"sft": "supervised training (SFT)", "dpo": "direct preference optimisation (DPO)"}
NOT_WEIGHTS = ("optimizer", "scheduler", "rng_state", "trainer_state", "training_args", "whole.json", ROUND)
Json = dict[str, Any]


def export_adapter(run: Path, folder: Path) -> Path:
    """A new folder with what the run has learnt and a card: its adapter, or after full tuning its model.

    Raises NotFound for a run that has nothing yet, BadRequest for a folder that is there already, StoreFull.
    """
    config = read_config(run / "config.json")
    kept = _kept(run, config)
    with whole_folder(folder) as part, _unchanged(kept):
        if config.tuning == "full":
            for path in sorted(kept.iterdir()):
                if path.is_file() and not path.name.startswith(NOT_WEIGHTS):
                    shutil.copy2(path, part / path.name)
        else:
            _copy_adapter(kept, part, config)
        write_card(run, part, config)
    return folder


def merge(run: Path, folder: Path) -> Path:
    """A new folder with the base and the run's adapter as one model, in 16 or 32 bits, its processor, and a card.

    Weights that were trained in 4 bits are merged into the whole ones. Raises as `export_adapter` does, and BadRequest
    for an adapter that does not fit its base.
    """
    config = read_config(run / "config.json")
    kept = _kept(run, config)
    if config.tuning == "full":
        return export_adapter(run, folder)
    from thud.providers.local_load import quiet
    from training.models import load_policy

    whole = replace(config, adapter=str(kept), tuning="lora", stage="sft", parallel="none", world_size=1)
    with whole_folder(folder) as part, quiet():
        with _unchanged(kept):
            write_card(run, part, config, merged=True)
            policy = load_policy(whole)
        policy.model.merge_and_unload().save_pretrained(part)
        policy.processor.save_pretrained(part)
    return folder


def push(folder: Path, name: str, *, public: bool = False) -> str:
    """The address of the repository on the hub that now holds the folder; where there is none it is made, private
    unless `public`. Raises as `may_push` does."""
    if not (folder / "README.md").is_file():
        raise NotFound(f"{folder} was not exported by thud: it has no card. Export the run first.")
    with _asking(name) as api:
        address = _there(api, name, public) or str(api.create_repo(name, visibility="public" if public else "private"))
        api.upload_folder(repo_id=name, folder_path=folder, commit_message="Export from thud")
    return address


def may_push(name: str, *, public: bool = False) -> None:
    """Asks the hub whether `push` may send to that name, as far as it tells beforehand; nothing is changed there.

    The token comes from the environment and is neither stored nor told. Raises MissingPart without one, BadRequest for
    a name that is none, or a repository that is seen by more or by fewer than `public` says, RunFailed with the hub's
    reason.
    """
    with _asking(name) as api:
        if not _there(api, name, public):
            _may_make(api.whoami(), name)


def _there(api: Any, name: str, public: bool) -> str:
    """The address of a repository that may be written to, "" where there is none."""
    from huggingface_hub.errors import RepositoryNotFoundError

    try:
        hidden = bool(api.model_info(name).private)
    except RepositoryNotFoundError:
        return ""
    if not hidden and not public:
        raise BadRequest(
            f"{name} is on the hub already, and everybody can see it. Take another name, or send it as public."
        )
    if hidden and public:
        raise BadRequest(
            f"{name} is on the hub already, and it is private. Make it public there first, or do not send it as public."
        )
    api.auth_check(name, write=True)
    return f"{api.endpoint}/{name}"


def _may_make(who: Json, name: str) -> None:
    """Refuses a token that may only read, and a place that is not its owner's. Where a fine-grained token may write
    is not told in full: the hub decides at the end."""
    role = ((who.get("auth") or {}).get("accessToken") or {}).get("role")
    orgs = [one["name"] for one in who.get("orgs") or () if one.get("roleInOrg") != "read"]
    if role == "read":
        raise RunFailed(f"The hub would not take {name}: the token may only read. Take one that may write.")
    if role == "write" and name.split("/")[0].casefold() not in {each.casefold() for each in (who["name"], *orgs)}:
        raise RunFailed(f"The hub would not take {name}: the token of {who['name']} may not write there.")


@contextmanager
def _asking(name: str) -> Iterator[Any]:
    """A block that asks the hub about that name, by its client."""
    token = os.environ.get(TOKEN, "").strip()
    if not token:
        raise MissingPart(f"There is no token for the hub. Set {TOKEN} in the environment and start again.")
    if not (token.isascii() and token.isprintable()) or " " in token:  # the client's complaint would quote it
        raise BadRequest(f"What {TOKEN} holds is no token; copy it again, without spaces or line breaks.")
    if len(parts := name.split("/")) != 2 or not all(parts):
        raise BadRequest(f"“{name}” is no name on the hub; it has to be OWNER/NAME.")
    from huggingface_hub import HfApi

    with _told_by_the_hub(token, name), _online():
        yield HfApi(token=token)


def write_card(run: Path, folder: Path, config: TrainConfig, *, merged: bool = False) -> None:
    """Writes README.md: what was trained on which data with which settings, and how it did on held-out clips."""
    told, known = account(read_lines(run / "metrics.jsonl"), _weights(run, config)), manifest(config.data)
    begin, held = told["begin"] or {}, told["held_out"]
    adapter = config.tuning != "full" and not merged
    filled = {
        "title": f"{_named(config)} ({config.stage.upper()} with thud)", "base_name": _named(config),
        "library": "peft" if adapter else "transformers", "stage": config.stage,
        "stage_words": STAGES[config.stage], "what": "An adapter" if adapter else "A fine-tuned copy",
        "data_title": known.get("title") or config.data.name, "data_recipe": recipe_name(known) or "not stated",
        "data_sha256": begin.get("data") or manifest_sha256(config.data) or "not known",
        "rows": f"{begin.get('rows', known.get('pairs', 'not stated'))}",
        "metrics": metrics_table(held["before"], held["after"]), "step": told["step"],
        "weights_step": told["step"] if told["weights_step"] is None else told["weights_step"],
        "alerts": "\n".join(f"- During training: {one['sentence']}" for one in told["alerts"]),
        "config": _settings(config), "use": _use(adapter),
    }  # fmt: skip
    text = Template(CARD.read_text(encoding="utf-8")).substitute(filled)
    (folder / "README.md").write_text(text, encoding="utf-8")


def metrics_table(before: Mapping[str, Any] | None, after: Mapping[str, Any] | None) -> str:
    """Accuracy by class before and after, with intervals and counts, as Markdown."""
    if not after:
        return "It was not asked: there were no held-out rounds."
    rows = ["| answer | before | after | questions |", "| --- | --- | --- | --- |"]
    for kind, n in after["n"].items():
        first = _share(before, kind) if before else "not asked"
        rows.append(f"| {kind} | {first} | {_share(after, kind)} | {n} |")
    if "unread" in after:
        first = _silent(before) if before else "not asked"
        rows.append(f"| no answer (counted as wrong) | {first} | {_silent(after)} | {after['n'].get('all', 0)} |")
    return "\n".join(rows)


def _share(told: Mapping[str, Any], kind: str) -> str:
    n = told["n"].get(kind, 0)
    if not n:
        return "not asked"
    return _within(told["accuracy"][kind], n)


def _silent(told: Mapping[str, Any]) -> str:
    """The share of all questions that got no answer."""
    n = told["n"].get("all", 0)
    return _within(told["unread"] / n, n) if n and "unread" in told else "not counted"


def _within(share: float, n: int) -> str:
    estimate = wilson_share(share, n)
    return f"{estimate.value:.1%} ({estimate.low:.1%} to {estimate.high:.1%})"


def _kept(run: Path, config: TrainConfig) -> Path:
    kept = _weights(run, config)
    wanted = kept / ("config.json" if config.tuning == "full" else "adapter_model.safetensors")
    if not wanted.is_file():
        raise NotFound(f"{run} has nothing to export yet: there is no {kept.name}. Let it train to a checkpoint first.")
    return kept


def _weights(run: Path, config: TrainConfig) -> Path:
    return run / ("model" if config.tuning == "full" else "adapter")


@contextmanager
def _unchanged(kept: Path) -> Iterator[None]:
    """A block that reads those weights. RunFailed if a training at work has put better ones in their place meanwhile,
    as the card would be of the one, and the weights of the other."""
    before = kept.stat().st_ino
    yield
    if kept.stat().st_ino != before:
        raise RunFailed("The training has kept better weights while they were read. Export it again.")


def _copy_adapter(kept: Path, part: Path, config: TrainConfig) -> None:
    """The adapter's own files; its base by name, since a path of this machine means nothing elsewhere."""
    for name in ADAPTER_FILES:
        if (kept / name).is_file():
            shutil.copy2(kept / name, part / name)
    path = part / "adapter_config.json"
    told = json.loads(path.read_text(encoding="utf-8"))
    told |= {"base_model_name_or_path": _named(config), "inference_mode": True}
    path.write_text(json.dumps(told, indent=2) + "\n", encoding="utf-8")


def _named(config: TrainConfig) -> str:
    """The base by its own name, without the folders it lies in."""
    return "thud-tiny" if config.base == "tiny" else Path(config.base).name


def _settings(config: TrainConfig) -> str:
    """The config as YAML, without paths of this machine."""
    import yaml

    told = to_json(config)
    told |= {name: Path(told[name]).name for name in ("base", "adapter", "data") if told[name]}
    told.pop("output")
    return str(yaml.safe_dump(told, sort_keys=False, allow_unicode=True)).rstrip()


def _use(adapter: bool) -> str:
    if adapter:
        return "In thud: register the base model as a listener, and give this folder as its adapter."
    return "In thud: register this folder as a listener."


@contextmanager
def _online() -> Iterator[None]:
    """A block in which the hub may be asked, though elsewhere no request leaves the machine."""
    from huggingface_hub import constants

    before, constants.HF_HUB_OFFLINE = constants.HF_HUB_OFFLINE, False
    try:
        yield
    finally:
        constants.HF_HUB_OFFLINE = before


@contextmanager
def _told_by_the_hub(token: str, name: str) -> Iterator[None]:
    """A block in which what the hub's client raises becomes a sentence without the token."""
    import httpx2
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, OfflineModeIsEnabled

    try:
        yield
    except HfHubHTTPError as error:
        code = error.response.status_code if error.response is not None else 0
        why = {401: "the token is not valid", 403: "the token may not write there",
               409: "it is there, and the token may not see it"}.get(code, f"it answered {code}")  # fmt: skip
        raise RunFailed(f"The hub did not take {name}: {why}. Nothing here was changed.") from None
    except (httpx2.HTTPError, OfflineModeIsEnabled, HFValidationError, OSError, ValueError) as error:
        said = (str(error).splitlines() or [type(error).__name__])[0].replace(token, "…")
        raise RunFailed(f"{name} could not be sent to the hub: {said}") from None


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code 0, or 1 with a sentence."""
    parser = argparse.ArgumentParser(prog="python -m training.export", description="Takes out what a run has learnt.")
    parser.add_argument("run", type=Path, help="folder of the training run")
    parser.add_argument("--to", type=Path, required=True, help="folder to be made")
    parser.add_argument("--merge", action="store_true", help="one model instead of an adapter")
    parser.add_argument("--push", metavar="OWNER/NAME", help=f"send it to the hub; the token is in {TOKEN}")
    parser.add_argument("--public", action="store_true", help="with --push: for everybody to see")
    asked = parser.parse_args(arguments)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # half a folder is removed on the way out
    try:
        if asked.push:  # what the hub would refuse is refused before the work; it holds nothing new until the end
            _kept(asked.run, read_config(asked.run / "config.json"))
            may_push(asked.push, public=asked.public)
        made = (merge if asked.merge else export_adapter)(asked.run, asked.to)
        sys.stdout.write(f"{made}\n")
        if asked.push:
            sys.stdout.write(f"{push(made, asked.push, public=asked.public)}\n")
    except ThudError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
