"""What is done with a training run once it is there: the same again, deleted, taken out, merged, sent to a hub."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from thud.errors import BadRequest, MissingPart, RunFailed
from thud.records import Run, content_id
from thud.runs.folder import ENDED
from thud.runs.follow import now
from thud.runs.jobs import listen, train_export
from thud.runs.run import worked_on
from thud.runs.trainer.child import at_work
from thud.runs.training.listener import listener_name
from thud.runs.training.listing import HIDDEN, TrainRun, train_run
from thud.runs.training.wanted import TrainWanted, parse_wanted

if TYPE_CHECKING:
    from thud.runs.run import Runs
    from thud.store import Store


def clone(run: Run) -> TrainWanted:
    """What that run was asked to do, to be changed and started under another name."""
    return replace(parse_wanted(run.settings["wanted"]), name="")


def delete_run(store: Store, runs: Runs, run_id: str, actor: str) -> None:
    """Removes a run's folder, its listener, and it from all lists; answers that its listener gave stay.

    BadRequest while it is at work, or where a later run went on from it. RunFailed where files stay.
    """
    found = train_run(store, runs, run_id)
    folder = store.workspace / found.run.folder
    if found.deletable:
        raise BadRequest(f"{found.name} stays. {found.deletable}")
    if reader := _reader(runs, found, folder):
        raise BadRequest(f"{found.name} stays. “{reader.title}” reads what it has learnt; wait for it, or stop it.")
    if at_work(folder):
        raise BadRequest(f"{found.name} stays. Its trainer still writes a checkpoint; try again in a minute.")
    store.define(HIDDEN, found.run.id, {"name": found.name, "by": actor, "at": now()}, actor)
    name = listener_name(found.run.settings)
    if _reads(store.definitions("listener").get(name, {}), folder):
        store.define("listener", name, None, actor)
    try:
        shutil.rmtree(folder)
    except FileNotFoundError:
        return
    except OSError as error:
        raise RunFailed(f"{found.name} is off the list, but {folder} could not be removed: {error}.") from error


def _reads(listener: Mapping[str, Any], folder: Path) -> bool:
    """Whether that listener's weights, or its adapter, lie in the folder."""
    return any(Path(listener.get(part) or "/").is_relative_to(folder) for part in ("adapter", "model"))


def _reader(runs: Runs, found: TrainRun, folder: Path) -> Run | None:
    """The active run that reads the folder of a training: one that takes it out, or asks its listener."""
    for run in runs.runs():
        takes = run.kind == train_export.kind and run.settings.get("of") == found.run.id
        asks = run.kind == listen.kind and _reads(run.settings.get("listener") or {}, folder)
        if run.state not in ENDED and (takes or asks):
            return run
    return None


def export_adapter(store: Store, runs: Runs, run_id: str, actor: str, folder: str = "", to: Path | None = None) -> Run:
    """The run that writes what was learnt, with a card, to a new folder.

    folder: below exports/models, "" = a name that is free. to: any folder, for who may write where they like.
    BadRequest for a run that has learnt nothing yet, or a folder that is taken or lies elsewhere.
    """
    return _start(store, runs, run_id, actor, {"do": "adapter"}, folder, to)


def merge(store: Store, runs: Runs, run_id: str, actor: str, folder: str = "", to: Path | None = None) -> Run:
    """The run that writes base and adapter as one model. As `export_adapter`."""
    return _start(store, runs, run_id, actor, {"do": "merged"}, folder, to)


def push(
    store: Store, runs: Runs, run_id: str, repo: str, actor: str, merged: bool = False, public: bool = False
) -> Run:
    """The run that sends what was learnt to the hub as OWNER/NAME; the token comes from HF_TOKEN and is not kept.

    MissingPart without a token, BadRequest for a name that is none.
    """
    if not re.fullmatch(r"[\w.-]+/[\w.-]+", repo):
        raise BadRequest(f"“{repo[:60]}” is no name on the hub; it has to be OWNER/NAME.")
    if not os.environ.get(train_export.TOKEN, "").strip():
        raise MissingPart(f"There is no token for the hub. Set {train_export.TOKEN}, and start thud again.")
    asked = {"do": "merged" if merged else "adapter", "repo": repo, "public": public}
    return _start(store, runs, run_id, actor, asked)


def _start(
    store: Store, runs: Runs, run_id: str, actor: str, asked: dict[str, Any], folder: str = "", to: Path | None = None
) -> Run:
    found = train_run(store, runs, run_id)
    if not found.adapter:
        raise BadRequest(f"{found.name} has learnt nothing yet that could be taken out; let it train to a checkpoint.")
    repo = asked.get("repo", "")
    target = "" if repo else str(_target(store.workspace, folder, to, f"{found.base}-{found.name}-{asked['do']}"))
    item = {**asked, "subject": found.name, "run_folder": found.run.folder, "to": target, "by": actor, "at": now()}
    item["key"] = content_id(item)
    settings = {**asked, "of": found.run.id, "name": found.name, "to": target}
    title = f"Send {found.name} to {repo}" if repo else f"Export {found.name}, {train_export.TITLES[asked['do']]}"
    with worked_on(""):  # neither the folder nor the hub's token is for a cluster
        return runs.start(
            train_export.kind, title, settings, [item], actor, workers=1, limit_s=train_export.LIMIT_S,
            grace_s=train_export.GRACE_S,
        )  # fmt: skip


def _target(workspace: Path, folder: str, to: Path | None, otherwise: str) -> Path:
    """The folder that is made. BadRequest for one that is there, or does not lie below exports/models."""
    models = workspace / "exports" / "models"
    if folder or to:
        path = to or models / folder
        if to is None and not (path.resolve().is_relative_to(models.resolve()) and path.resolve() != models.resolve()):
            raise BadRequest(f"What was learnt goes below {models}; give a folder there, without .. in it.")
        if path.exists():
            raise BadRequest(f"{path} is there already; choose another folder.")
        return path
    number, name = 1, re.sub(r"[^A-Za-z0-9._-]+", "-", otherwise).strip("-._")
    while (path := models / (name if number == 1 else f"{name}-{number}")).exists():
        number += 1
    return path
