"""From what is wanted to a run: its data, its adapter, its exact config and command, and what stands in the way."""

from __future__ import annotations

import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from thud.errors import BadRequest, NotFound
from thud.records import Run, content_id
from thud.runs.folder import read_plan
from thud.runs.jobs import pairs_export, train
from thud.runs.pairs.files import exports, leaving
from thud.runs.run import marks
from thud.runs.trainer.child import command_words, environment
from thud.runs.training.listener import first_base, short_base
from thud.runs.training.listing import HIDDEN
from thud.runs.training.wanted import (
    Blocked,
    TrainWanted,
    config_of,
    device_for,
    device_problem,
    read_device,
    wanted_json,
)

if TYPE_CHECKING:
    from thud.runs.run import Runs
    from thud.runs.trainer.checker import Checker
    from thud.store import Store

FORMAT = "trl"
UNSAID = "DATA"
"""What the config says of data that is not exported yet."""
UNNAMED = "RUN"
"""What the command says of a folder that is not there yet."""
_NAMES = threading.Lock()
"""Held from looking for a free name until a run has it."""
CHAIN = "chain"
"""Chains among the definitions of the store."""
Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class TrainPlan:
    """What a training would do. wanted: with its device and place. name: the one wanted, else the next that is free.
    config: with whole paths. exports: whether its set is exported first.

    check: what the checker says, {} where it was not asked. blocked: the sentence that keeps it from starting, or "".
    """

    wanted: TrainWanted
    name: str
    config: Json
    command: str
    env: dict[str, str]
    data_title: str
    exports: bool
    check: Json
    blocked: str = ""


@dataclass(frozen=True, slots=True)
class _Data:
    """folder: of the export, "" while there is none; of one in the workspace relative to it."""

    folder: str
    title: str


def plan_training(store: Store, runs: Runs, wanted: TrainWanted, checker: Checker | None = None) -> TrainPlan:
    """The plan, with nothing started. BadRequest, NotFound for what makes no sense at all.

    checker: looks over config, data and machine; on a cluster not over the machine, which is another one. Without one
    only what is asked for is looked at.
    """
    name, on = _free_name(store, runs, wanted), wanted.on or runs.on
    data = _data(store, runs, wanted)
    config = _config(store, runs, wanted, data.folder or UNSAID)
    device = read_device(wanted.device)
    device = device_for(config, on) if device is None else device
    shown = train.placed(config, store.workspace, store.workspace / "runs" / name)
    if not data.folder:
        shown["data"] = UNSAID
    check = checker.check(shown, wanted.waive, device, bool(on)) if checker else {}
    line, env = command_words(config, device, f"{UNNAMED}/config.json"), environment(config, device)
    blocked = device_problem(device, config) or _blocked(check)
    return TrainPlan(
        replace(wanted, device=device, on=on), name, shown, line, env, data.title, not data.folder, check, blocked
    )


def _blocked(check: Mapping[str, Any]) -> str:
    """The first reason why it cannot go, with what to do."""
    for reason in check.get("reasons", ()):
        if reason["level"] == "blocked":
            return f"{reason['reason']} {reason['fix']}".strip()
    return ""


def _acceptable(plan: TrainPlan) -> dict[str, str]:
    """Findings that keep it from starting, by name with their sentence; {} where accepting all would not do."""
    found = [one for one in plan.check.get("reasons", ()) if one["level"] == "blocked"]
    names = {one["waive"]: str(one["reason"]) for one in found}
    return {} if "" in names or plan.blocked != _blocked(plan.check) else names


def _free_name(store: Store, runs: Runs, wanted: TrainWanted) -> str:
    """BadRequest for a name that is none, or that a run has or a chain has promised to one."""
    had, promised = _had(store, runs), _promised(store)
    if wanted.name:
        if not re.fullmatch(r"[^\W_][\w.-]{0,39}", wanted.name):
            raise BadRequest("A run's name is 1 to 40 letters, digits or . _ -, a letter or digit first.")
        if wanted.name in had:
            raise BadRequest(f"There is a run {wanted.name} already; choose another name.")
        if title := promised.get(wanted.name):
            raise BadRequest(f"{wanted.name} is promised to “{title}”; go on with that, or choose another name.")
        return wanted.name
    numbers = [int(found[1]) for name in (*had, *promised) if (found := re.fullmatch(r"(?:sft|dpo)-(\d{4,})", name))]
    return f"{wanted.stage}-{max(numbers, default=0) + 1:04d}"


def _had(store: Store, runs: Runs) -> set[str]:
    """Names that runs have, or had before they were deleted. A chain's step may have the name of its deleted run."""
    own, deleted = marks().get("chain"), store.definitions(HIDDEN)
    trained = [run for run in runs.runs() if run.kind == train.kind]
    again = {run.id for run in trained if run.id in deleted and own and run.settings.get("chain") == own}
    return {run.settings.get("name", "") for run in trained if run.id not in again}


def _promised(store: Store) -> dict[str, str]:
    """Names that chains have for their trainings, with the chain's title; the one left out that starts one just now."""
    own = (marks().get("chain") or [""])[0]
    others = [body for chain_id, body in store.definitions(CHAIN).items() if chain_id != own]
    named = [(step.get("name"), body["title"]) for body in others for step in body["steps"]]
    return {name: title for name, title in named if isinstance(name, str) and name}


def next_name(store: Store, runs: Runs, stage: str) -> str:
    """The name that the next run gets, such as "sft-0007"."""
    return _free_name(store, runs, TrainWanted(stage))


def _data(store: Store, runs: Runs, wanted: TrainWanted) -> _Data:
    from thud.runs.pairs.sets import find_set

    if wanted.export:
        known = exports(store).get(wanted.export)
        if known and known["format"] != FORMAT:
            raise BadRequest(f"{wanted.export} is no export for TRL; export the set for TRL, and train on that.")
        inside = pairs_export.exports_folder(Path()) / wanted.export
        folder = inside if (store.workspace / inside).is_dir() else Path(wanted.export).expanduser()
        if not (store.workspace / folder / "train.jsonl").is_file():
            raise NotFound(f"{folder} is no export for TRL: it has no train.jsonl.")
        return _Data(str(folder), str(known["title"] if known else folder.name))
    if not wanted.set_id:
        raise BadRequest("Say which pairs it is trained on: a set, or an export.")
    found = find_set(store, wanted.set_id)
    name = standing_export(store, runs, found.id)
    folder = pairs_export.exports_folder(Path()) / name
    return _Data(str(folder) if name else "", str(found.summary["title"] or found.id))


def standing_export(store: Store, runs: Runs, set_id: str) -> str:
    """The name of the set's export for TRL that holds just what would go out now; "" where there is none."""
    from thud.runs.pairs.sets import find_set

    now = leaving(store, find_set(store, set_id))
    made = {run.settings["name"]: run for run in runs.runs() if run.kind == pairs_export.kind and run.state == "done"}
    for name, body in exports(store).items():
        folder = pairs_export.exports_folder(store.workspace) / name
        alike = body["set"] == set_id and body["format"] == FORMAT and (folder / "manifest.json").is_file()
        if not alike or name not in made:
            continue
        try:
            item = next(iter(read_plan(store.workspace / made[name].folder).items.values()))
        except NotFound:
            continue
        if item["dropped"] == sorted(now.dropped) and item["stale"] == sorted(now.stale):
            return str(name)
    return ""


def _config(store: Store, runs: Runs, wanted: TrainWanted, data: str) -> Json:
    config = config_of(wanted)
    base, adapter = _began_from(store, runs, wanted, config["base"])
    return {**config, "data": data, "base": base, "adapter": adapter}


def _began_from(store: Store, runs: Runs, wanted: TrainWanted, base: str) -> tuple[str, str]:
    """(base, folder of the adapter to go on from, of a run relative to the workspace).

    A run that trained all weights has no adapter: the model that it wrote is the base.
    """
    if not wanted.adapter_run:
        return base, wanted.adapter
    run = runs.run(wanted.adapter_run)
    if run.kind != train.kind:
        raise BadRequest(f"“{run.title}” is no training.")
    name, theirs = run.settings["name"], run.settings["base"]
    made = next((line["result"]["adapter"] for line in runs.results(run.id) if line["outcome"] == "ok"), "")
    if not made:
        raise BadRequest(f"{name} has learnt nothing yet to go on from; let it train to its end first.")
    whole = made.endswith("/model")
    model = str((store.workspace / made).resolve())
    if base != theirs and not (whole and (base == model or not wanted.base)):
        raise BadRequest(f"What {name} has learnt belongs to {short_base(theirs)}, not to {short_base(base)}.")
    return (model, "") if whole else (base, str(made))


def start_training(store: Store, runs: Runs, plan: TrainPlan, actor: str) -> Run:
    """The run; where the set has to be exported first, the run that does so, after which training follows by itself.

    BadRequest with nothing started when something stands in the way: Blocked, with what of that can be accepted.
    """
    if plan.blocked:
        raise Blocked(plan.blocked, _acceptable(plan))
    if plan.exports:
        return _after_export(store, runs, plan, actor)
    wanted = plan.wanted
    config = _config(store, runs, wanted, _data(store, runs, wanted).folder)
    with _NAMES:
        return _start(store, runs, plan, _free_name(store, runs, wanted), config, actor)


def _start(store: Store, runs: Runs, plan: TrainPlan, name: str, config: Json, actor: str) -> Run:
    wanted = plan.wanted
    first = first_base(runs.run(wanted.adapter_run).settings) if wanted.adapter_run else config["base"]
    settings = {
        "name": name, "stage": wanted.stage, "base": config["base"], "recipe": wanted.recipe, "set": wanted.set_id,
        "first_base": first, "data": config["data"], "data_title": plan.data_title, "adapter_run": wanted.adapter_run,
        "device": wanted.device, "config": config, "wanted": wanted_json(wanted),
        "memory_gb": (plan.check.get("memory") or {}).get("total"),
    }  # fmt: skip
    item: Json = {"subject": name, "config": config, "device": wanted.device, "by": actor}
    item["key"] = content_id(name, config)
    title = f"{name}: {wanted.stage.upper()} of {short_base(first)} on {plan.data_title}"
    return runs.start(
        train.kind, title, settings, [item], actor, workers=1, limit_s=0.0, grace_s=train.GRACE_S,
        device=wanted.device or "", on=wanted.on,
    )  # fmt: skip


def _after_export(store: Store, runs: Runs, plan: TrainPlan, actor: str) -> Run:
    """The run that exports; an automatic name is given when it trains."""
    then = plan.wanted.name or plan.wanted.stage.upper()
    return start_steps(store, runs, plan, [step_of(plan.wanted)], f"Export, then {then}", actor)


def step_of(wanted: TrainWanted) -> Json:
    """The step of a chain that trains that."""
    row = wanted_json(wanted)
    set_id, adapter = row.pop("set_id"), row.pop("adapter_run") or row.pop("adapter")
    return {**row, "do": "train", "set": set_id, "adapter": adapter}


def start_steps(
    store: Store, runs: Runs, plan: TrainPlan, steps: list[Json], title: str, actor: str, kind: str = ""
) -> Run:
    """The first run of a chain whose first step trains that plan."""
    from thud.runs.chain import chains_held, run_of_step, start_chain

    with chains_held():
        _free_name(store, runs, plan.wanted)
        chain_id = start_chain(store, runs, title, steps, actor, kind)
    run = run_of_step(runs, chain_id, 0)
    if run is None:
        raise BadRequest("The set could not be exported; try again.")
    return run
