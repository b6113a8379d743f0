"""Training runs written by hand: rows in the store, and the folders that real ones leave."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from tests.unit.store_samples import a_clip, a_stimulus
from thud.evaluation.scoring import EXPECTED
from thud.listeners.questions import DEMO, to_json
from thud.listeners.roster import LISTENERS
from thud.records import Answer, EventTimes, Intervention, Item, Response, Run, Stimulus, Task, content_id
from thud.runs.jobs.train import conclude
from thud.runs.listening.listen import find_listener
from thud.stimuli.held_out import HELD_OUT
from thud.store import Store, changes

Json = dict[str, Any]
BEGAN, ENDED = "2026-01-02T10:0{}:00.000+00:00", "2026-01-02T10:41:00.000+00:00"
CHAIN = "c0ffee"
CLASSES = ("synced", "early", "delayed", "muted")


def journal(steps: int, of: int, *, dpo: bool = False, rounds: Sequence[int] = (), alert: int = 0) -> list[Json]:
    """Lines as a trainer writes them: loss falls from 2, everything else follows from the step."""
    lines: list[Json] = [{"event": "begin", "from_step": 0, "of": of, "at": 1.0e9, "rows": 64, "held_out_rows": 8}]
    for step in range(steps + 1):
        if step:
            lines.append(_step(step, of, dpo))
        if step in rounds:
            lines.append(_round(step, of))
        if alert and step == alert:
            words = "The chosen answers have become less likely, by 0.61 nats a token, while the margin grows."
            lines.append({"event": "alert", "what": "displacement", "step": step, "sentence": words})
        if step and step in rounds:
            lines.append({"event": "checkpoint", "step": step, "path": f"checkpoints/checkpoint-{step}"})
    return lines


def _step(step: int, of: int, dpo: bool) -> Json:
    line: Json = {
        "event": "step", "step": step, "of": of, "loss": 2 * math.exp(-step / 20) + 0.05 * math.sin(step), "lr": 1e-3,
        "grad_norm": 1 + step % 3, "tokens": 400 * step, "epoch": step / 10, "seconds": 0.5, "memory_gb": 0.3,
    }  # fmt: skip
    if dpo:
        line |= {
            "margin": step / 20,
            "accuracy": min(1.0, 0.5 + step / 40),
            "chosen": -30 - step / 9,
            "rejected": -40 - step / 3,
        }
    return line


def _round(step: int, of: int) -> Json:
    share = 0.25 + 0.7 * step / of
    accuracy = {"all": share, "synced": 1.0, "early": share / 2, "delayed": share / 3, "muted": share}
    n = {"all": 8, **dict.fromkeys(CLASSES, 2)}
    return {"event": "held_out", "step": step, "loss": 2 - step / of, "accuracy": accuracy, "n": n, "unread": 0}


def put_run(store: Store, name: str, state: str, lines: Sequence[Json], **more: Any) -> Run:
    """A training run in the store with its folder. more: settings over the usual; message, log."""
    stage, message, log = name.split("-")[0], more.pop("message", ""), more.pop("log", "")
    config = {"stage": stage, "base": "tiny", "data": "exports/pairs/by-hand", "batch_size": 16, "max_steps": 40}
    wanted = {
        "stage": stage, "base": "tiny", "recipe": f"demo-{stage}", "set_id": "", "export": "by-hand",
        "adapter_run": more.get("adapter_run", ""), "adapter": "", "fields": {"learning_rate": 0.002},
        "device": "cpu", "waive": [], "on": "", "name": name,
    }  # fmt: skip
    settings = {
        "name": name, "stage": stage, "base": "tiny", "recipe": f"demo-{stage}", "set": "", "data": config["data"],
        "data_title": "by hand", "adapter_run": "", "device": "cpu", "config": config, "wanted": wanted,
        "command": "", "memory_gb": 0.2, **more,
    }  # fmt: skip
    key = content_id(name)
    ended = "" if state == "running" else ENDED
    run = Run(
        key, "train", f"{name}: {stage.upper()} of tiny on by hand", state, 1, done=int(state == "done"),
        folder=f"runs/{key}", started_by="ana", created_at=BEGAN.format(name[-1]), finished_at=ended,
        message=message, settings=settings,
    )  # fmt: skip
    folder = store.workspace / run.folder
    folder.mkdir(parents=True)
    (folder / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines), "utf-8")
    (folder / "log.txt").write_text(log, "utf-8")
    store.add_run(run, "ana")
    return run


def end(state: str, step: int, **more: Any) -> Json:
    """The last line of a journal."""
    return {"event": "end", "state": state, "step": step, "at": 1.0e9, **more}


def add_lines(folder: Path, lines: Sequence[Json]) -> None:
    """Appends to a run's journal, as a trainer does."""
    with (folder / "metrics.jsonl").open("a", encoding="utf-8") as file:
        file.writelines(json.dumps(line) + "\n" for line in lines)


def some_runs(store: Store) -> dict[str, Run]:
    """One run of each kind that a page tells apart, by name; the newest is the last."""
    full = [*journal(40, 40, rounds=(0, 10, 20, 40)), end("done", 40, best=40)]
    left = [*journal(18, 40, rounds=(0, 10)), end("stopped", 18, best=10)]
    killed = journal(7, 40)
    going = journal(25, 40, dpo=True, rounds=(0, 10, 20), alert=21)
    return {
        "sft-0001": put_run(store, "sft-0001", "done", full),
        "sft-0002": put_run(store, "sft-0002", "cancelled", left, message="Step 18 of 40. Stopped at step 18 of 40."),
        "sft-0003": put_run(
            store, "sft-0003", "failed", killed, log="one\ntwo\nlast words\n",
            message="Step 7 of 40. Memory did not suffice. Take a smaller batch_size.",
        ),
        "dpo-0004": put_run(store, "dpo-0004", "running", going),
    }  # fmt: skip


# ---------- what has been learnt ----------

EDITS = {
    "synced": Intervention("original"), "early": Intervention("shift", -0.6), "delayed": Intervention("shift", 0.6),
    "muted": Intervention("mute", fill="silence"),
}  # fmt: skip
OTHER_PICTURE = "shuffled_picture"
Says = Callable[[str], str]
"""What a listener says where this is the right answer."""


def always(_label: str) -> str:
    return "synced"


def right(label: str) -> str:
    return label


def held_out_stimuli(store: Store, clips: int) -> dict[tuple[int, str], Stimulus]:
    """Clips of the demo that are kept for testing, each in sync, early, late and muted; events at one place in all."""
    made: dict[tuple[int, str], Stimulus] = {}
    for number in range(clips):
        clip = replace(a_clip(number), source=f"{HELD_OUT}{number}", synthetic=True)
        store.add_clips([clip], "test")
        at_s = 1.0 + (number * 0.618) % 1.0
        store.set_times(clip.id, EventTimes(at_s, at_s, "construction"), "test")
        made |= {(number, label): a_stimulus(clip, edit) for label, edit in EDITS.items()}
    store.add_stimuli(list(made.values()), "test")
    return made


def answer(
    store: Store, stimuli: dict[tuple[int, str], Stimulus], name: str, says: Says, arm: str = "audio_video",
    labels: Iterable[str] = CLASSES,
) -> None:  # fmt: skip
    """Has a listener of the store answer the demo's questions about all of them, of muted ones whether they sound."""
    key = find_listener(store, name).key()
    wanted = set(labels)
    told = [
        _told(name, key, arm, one, number, says(label)) for (number, label), one in stimuli.items() if label in wanted
    ]
    store.write_many([changes.add_response(each, "test") for each in told])


def _told(name: str, key: str, arm: str, one: Stimulus, number: int, said: str) -> Response:
    edit = one.intervention
    task: Task = "existence" if one.condition == "muted" else "sync"
    item = Item(
        one.id, one.clip_id, one.condition, edit.offset_s if edit.kind == "shift" else None, task, DEMO.id, f"q {task}",
        "When?", arm, EXPECTED[task, one.condition], partner="other" if arm == OTHER_PICTURE else "",
        stimulus_hash=one.id,
    )  # fmt: skip
    source, answer_ = f"{HELD_OUT}{number}", Answer(said, method="rules")
    return Response(name, key, "r1", item, source, "beep", "ok", said, answer_, paper_label=said, rules=1)


def keep_adapter(store: Store, run: Run) -> str:
    """Gives a run weights as far as anybody looks at them, and so a listener; its name."""
    folder = store.workspace / run.folder / "adapter"
    folder.mkdir()
    (folder / "adapter_config.json").write_text(json.dumps({"run": run.id}))
    conclude(store, run)
    return f"tiny {run.settings['name']}"


def taught(store: Store, clips: int = 12) -> dict[str, Run]:
    """The runs, of which sft-0001 and a dpo-0005 behind it have learnt to listen: tiny says "in sync" to everything."""
    runs = some_runs(store)
    done = [*journal(20, 20, dpo=True, rounds=(0, 20)), end("done", 20, best=20)]
    runs["dpo-0005"] = put_run(store, "dpo-0005", "done", done, adapter_run=runs["sft-0001"].id, chain=[CHAIN, 0])
    steps = [{"do": "train", "stage": "dpo", "base": "tiny", "recipe": "demo-dpo", "set": "", "export": "by-hand"}]
    chain = {"title": "Teach tiny to listen", "kind": "demo", "steps": steps, "by": "ana", "at": BEGAN.format(5)}
    store.define("chain", CHAIN, {**chain, "nothing": {}, "stuck": None}, "ana")
    store.define("question_set", DEMO.id, to_json(DEMO), "test")
    stimuli = held_out_stimuli(store, clips)
    names = [keep_adapter(store, runs[name]) for name in ("sft-0001", "dpo-0005")]
    answer(store, stimuli, LISTENERS["tiny"].name, always)
    for name in names:
        answer(store, stimuli, name, right)
        answer(store, stimuli, name, always, OTHER_PICTURE, CLASSES[:3])
    return runs
