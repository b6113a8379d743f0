"""The listening test behind its routes: whose turn which item is, under names that give nothing away.

An item goes to a page under a token: a hash of the person and the item under a key that stays in the workspace. Its
picture and sound are asked for by that token too, so no address says which clip or condition it is, and nobody can
answer what was not given to them.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from thud.disk import sync
from thud.errors import Conflict, NotFound
from thud.evaluation.listening_test import LISTENER_KEY, RUN, TEST, button_of, response_of, upcoming
from thud.listeners.items import plan_items
from thud.listeners.questions import QuestionSet, SetQuestion, to_json
from thud.listeners.roster import LISTENERS
from thud.records import Clip, Item, Stimulus, stimulus_folder
from thud.store import changes
from ui.house import House

Json = dict[str, Any]
PEOPLES_SET = QuestionSet("Listening test", "direct", tuple(SetQuestion(task, one.text) for task, one in TEST.items()))
"""What people are asked, as a set of questions: models can be asked the same."""
ARM = "audio_video"
PLAN_S = 3600.0
"""A plan is made anew after this long, and whenever clips, times or stimuli were added."""


@dataclass(frozen=True, slots=True)
class HearingPlan:
    """What there is to hear. tasks: task → items by id. sounds: stimulus id → its file for people."""

    made_of: tuple[int, ...]
    made_at_s: float
    clips: Mapping[str, Clip]
    tasks: Mapping[str, Mapping[str, Item]]
    sounds: Mapping[str, Path]
    missing: int
    tokens: dict[str, dict[str, Item]] = field(default_factory=dict)


class ListeningTest:
    """One per app. Thread-safe."""

    def __init__(self, house: House) -> None:
        self._house, self._store = house, house.store
        self._lock = threading.Lock()
        self._plan: HearingPlan | None = None
        self._heard: dict[tuple[str, str], dict[str, str]] | None = None
        self._key = b""

    def overview(self, person: str) -> list[Json]:
        """The tasks, with what each asks and how far this person is."""
        with self._lock:
            plan = self._planned()
            return [self._task_row(plan, person, task) for task in TEST]

    def upcoming(self, person: str, task: str, have: Sequence[str], count: int) -> tuple[list[str], Json]:
        """(tokens of the next items, progress). have: tokens that the page holds already, in their order."""
        with self._lock:
            plan = self._planned()
            items, mine = plan.tasks.get(task, {}), self._tokens(plan, person)
            held = [mine[token].id for token in have if token in mine]
            heard = [*self._answers(person, task), *held]
            found = upcoming(items, list(dict.fromkeys(heard)), person, count)
            return [self._token(person, item_id) for item_id in found], self._progress(plan, person, task)

    def item(self, person: str, token: str) -> tuple[Item, Clip, Path]:
        """(item, its clip, its sound's file) of a token. NotFound for what was not given to this person."""
        with self._lock:
            plan = self._planned()
            item = self._tokens(plan, person).get(token)
        if item is None:
            raise NotFound("This is not one of your items. Reload the page.")
        return item, plan.clips[item.clip_id], plan.sounds[item.stimulus_id]

    def save(self, person: str, token: str, label: str, latency_s: float, plays: int) -> Json:
        """Progress, once the answer is kept. The same again changes nothing; only the last answer can be changed.

        NotFound, BadRequest; Conflict for another answer to an earlier item.
        """
        item, clip, _ = self.item(person, token)
        button_of(item.task, label)
        with self._lock:
            answers = self._answers(person, item.task)
            if answers.get(item.id) != label:
                if item.id in answers and item.id != next(reversed(answers)):
                    raise Conflict("You have answered items after this one, so this answer stands.")
                self._write(item, clip, label, person, latency_s, plays)
                answers[item.id] = label
            return self._progress(self._planned(), person, item.task)

    def _write(self, item: Item, clip: Clip, label: str, person: str, latency_s: float, plays: int) -> None:
        """The answer, how often it was played, and with the first of all what people are asked: together."""
        new = [changes.add_response(response_of(item, clip, label, person, latency_s), person)]
        new.append(changes.change("heard_item", RUN, person, {"item": item.id, "label": label, "plays": plays}))
        if PEOPLES_SET.name not in self._store.definitions("question_set"):
            new.append(changes.define("question_set", PEOPLES_SET.name, to_json(PEOPLES_SET), person))
        self._store.write_many(new)

    # --- all below with the lock held

    def _planned(self) -> HearingPlan:
        counts = self._store.counts()
        made_of = tuple(counts[name] for name in ("clip", "event_times", "stimulus", "refusal"))
        plan = self._plan
        if plan is None or plan.made_of != made_of or time.monotonic() - plan.made_at_s > PLAN_S:
            plan = self._plan = make_plan(self._house, made_of)
        return plan

    def _answers(self, person: str, task: str) -> dict[str, str]:
        """item id → label, in the order they came."""
        if self._heard is None:
            self._heard = {}
            for one in self._store.responses(RUN):
                if one.listener_key == LISTENER_KEY:
                    self._heard.setdefault((one.rater, one.item.task), {})[one.item.id] = one.answer.label
        return self._heard.setdefault((person, task), {})

    def _progress(self, plan: HearingPlan, person: str, task: str) -> Json:
        items = plan.tasks.get(task, {})
        return {"answered": sum(item_id in items for item_id in self._answers(person, task)), "items": len(items)}

    def _task_row(self, plan: HearingPlan, person: str, task: str) -> Json:
        asked = TEST[task]
        buttons = [{"key": one.key, "label": one.label, "words": one.words} for one in asked.buttons]
        about = {"task": task, "title": asked.title, "text": asked.text, "buttons": buttons, "missing": plan.missing}
        return {**about, **self._progress(plan, person, task)}

    def _tokens(self, plan: HearingPlan, person: str) -> dict[str, Item]:
        if person not in plan.tokens:
            every = [item for items in plan.tasks.values() for item in items.items()]
            plan.tokens[person] = {self._token(person, item_id): item for item_id, item in every}
        return plan.tokens[person]

    def _token(self, person: str, item_id: str) -> str:
        self._key = self._key or token_key(self._store.workspace)
        return hmac.new(self._key, f"{person} {item_id}".encode(), hashlib.sha256).hexdigest()[:24]


def make_plan(house: House, made_of: tuple[int, ...] = ()) -> HearingPlan:
    """All that can be heard now; what has no file is left out and counted."""
    store = house.store
    clips = {clip.id: clip for clip in store.clips()}
    stimuli = store.stimuli()
    person = replace(LISTENERS["always-synced"], name="A person")  # for the plan only: hears all, can be asked all
    planned = plan_items(
        stimuli, clips, store.times(), PEOPLES_SET, tuple(TEST), ARM, workspace=store.workspace, listener=person
    )
    sounds = {stimulus.id: path for stimulus in stimuli if (path := peoples_sound(store.workspace, stimulus)).is_file()}
    seen = {clip_id for clip_id in clips if has_picture(house.clip_folder(clip_id))}
    there = [item for item in planned.items if item.stimulus_id in sounds and item.clip_id in seen]
    tasks = {task: {item.id: item for item in there if item.task == task} for task in TEST}
    left_out = len(planned.missing) + len(planned.items) - len(there)
    return HearingPlan(made_of, time.monotonic(), clips, tasks, sounds, left_out)


def peoples_sound(workspace: Path, stimulus: Stimulus) -> Path:
    """The file that people hear."""
    return stimulus_folder(workspace, stimulus.clip_id) / stimulus.people


def has_picture(clip_folder: Path) -> bool:
    """Whether a clip can be shown."""
    return all((clip_folder / name).is_file() for name in ("view.json", "proxy.mp4", "frames.f64"))


def token_key(workspace: Path) -> bytes:
    """The key of this workspace's tokens, made once."""
    path = workspace / "listening_test.key"
    if not path.is_file():
        aside = path.with_name(f".part-{path.name}")
        aside.unlink(missing_ok=True)
        with os.fdopen(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(os.urandom(32))
        sync(aside)
        aside.replace(path)
        sync(workspace)
    return path.read_bytes()


def media_row(clip: Clip, token: str, clip_folder: Path) -> Json:
    """What a page needs to play an item: every address is the item's own. NotFound where the picture is missing."""
    base = f"/api/test/media/{token}"
    try:
        proxy_fps = float(json.loads((clip_folder / "view.json").read_text("utf-8"))["proxy_fps"])
    except (OSError, ValueError, KeyError) as error:
        raise NotFound("The picture of an item is missing from the workspace; add its clip again.") from error
    return {
        "id": token,
        "clip": {"duration_s": clip.probe.duration_s, "fps": clip.probe.fps, "channels": clip.probe.channels},
        "proxy": f"{base}/picture.mp4",
        "proxy_fps": proxy_fps,
        "frame_times": f"{base}/frames.f64",
        "sounds": [{"id": "sound", "people": f"{base}/sound.wav"}],
    }
