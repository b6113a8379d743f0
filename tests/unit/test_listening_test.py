"""The listening test: the order people hear items in, what they are sent, and what becomes of their answers."""

from __future__ import annotations

import io
import json
import shutil
import wave
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.auth_kit import cookie_of, three_accounts
from tests.unit.listeners_kit import World, world
from tests.unit.test_routes_annotate import serving
from thud.errors import BadRequest, ThudError
from thud.evaluation.listening_test import RUN, TEST, button_of, others_between, upcoming
from thud.listeners.items import EXPECTED
from thud.listeners.questions import parse_question_set, to_json
from thud.records import Item, Response
from thud.runs.local import LocalExecutor
from thud.runs.run import Runs
from thud.store import Store, open_store
from ui.door.auth import COOKIE, Guard
from ui.house import House
from ui.listening import PEOPLES_SET
from ui.routes.listening_test import listening_router
from ui.routes.results import results_router
from ui.serve import _say

Json = dict[str, Any]


# ---- the order


def items_of(*per_clip: int) -> dict[str, Item]:
    """That many items of each clip, by id."""
    made = [
        Item(f"s{clip}.{n}", f"c{clip}", "early", 0.1 * n, "sync", "set", "q", "?", "audio_video", "early")
        for clip, count in enumerate(per_clip)
        for n in range(count)
    ]
    return {item.id: item for item in made}


def gaps(order: list[str], items: dict[str, Item]) -> list[int]:
    """How many others lie between each item and the one of its clip before it."""
    last: dict[str, int] = {}
    found = []
    for at, item_id in enumerate(order):
        clip_id = items[item_id].clip_id
        found += [at - last[clip_id] - 1] if clip_id in last else []
        last[clip_id] = at
    return found


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(1, 6), min_size=1, max_size=12), st.text(max_size=5))
def test_everything_comes_once_and_what_is_of_one_clip_far_apart(per_clip: list[int], person: str) -> None:
    items = items_of(*per_clip)
    order = upcoming(items, [], person, 10_000)
    assert sorted(order) == sorted(items)
    between = others_between(items.values())
    assert all(gap >= between for gap in gaps(order, items))


def test_with_many_clips_half_of_them_lie_between() -> None:
    assert others_between(items_of(*[7] * 24).values()) == 11
    assert others_between(items_of(3, 3).values()) == 1
    assert others_between(items_of(4).values()) == 0


def test_the_order_goes_on_from_the_answers_alone() -> None:
    items = items_of(4, 3, 4, 2, 4)
    whole = upcoming(items, [], "ana", 100)
    heard: list[str] = []
    while len(heard) < len(whole):
        heard += upcoming(items, heard, "ana", 1 + len(heard) % 3)
    assert heard == whole
    assert upcoming(items, [*whole[:5], "gone"], "ana", 100) == whole[5:]


def test_everybody_has_an_order_of_their_own() -> None:
    items = items_of(*[3] * 8)
    orders = {tuple(upcoming(items, [], f"person {n}", 100)) for n in range(12)}
    assert len(orders) == 12
    assert len({order[0] for order in orders}) > 4


def test_items_that_join_later_are_given_too() -> None:
    before, after = items_of(3, 3, 3), items_of(3, 3, 3, 3)
    heard = upcoming(before, [], "ana", 4)
    assert sorted(heard + upcoming(after, heard, "ana", 100)) == sorted(after)


def test_every_right_answer_has_a_button_and_no_other_label_does() -> None:
    for task, asked in TEST.items():
        right = {label for (of, _), label in EXPECTED.items() if of == task}
        assert {button.label for button in asked.buttons} == right | {"unparsed"}
        assert [button.key for button in asked.buttons] == [str(n + 1) for n in range(len(asked.buttons))]
    for task, label in (("sync", "muted"), ("sync", "desync"), ("choice", "A"), ("existence", "")):
        with pytest.raises(BadRequest):
            button_of(task, label)
    assert parse_question_set(to_json(PEOPLES_SET)) == PEOPLES_SET


# ---- the routes


@dataclass(frozen=True, slots=True)
class Site:
    """A running server over two clips with all their stimuli. by_name: a client signed in as each."""

    world: World
    store: Store
    house: House
    by_name: dict[str, httpx.Client]

    @property
    def rows(self) -> list[Response]:
        return self.store.responses(RUN)


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    shutil.copytree(world().workspace / "stimuli", tmp_path / "stimuli")
    here = replace(world(), workspace=tmp_path)
    accounts = three_accounts(tmp_path)
    with open_store(tmp_path / "a.duckdb", tmp_path) as store, Runs(store, tmp_path, LocalExecutor()) as runs:
        store.add_clips(here.clips.values(), "test")
        for clip_id, times in here.times.items():
            store.set_times(clip_id, times, "test")
        store.add_stimuli(here.stimuli, "test")
        house = House(store, runs, tmp_path, "test")
        for clip_id in here.clips:
            house.clip_folder(clip_id).mkdir(parents=True)
            for name in ("proxy.mp4", "frames.f64"):
                (house.clip_folder(clip_id) / name).write_bytes(f"{name} of {clip_id}".encode())
            (house.clip_folder(clip_id) / "view.json").write_text(json.dumps({"proxy_fps": 25}))
        app = FastAPI()
        app.add_exception_handler(ThudError, _say)
        for router in (listening_router(house), results_router(house)):
            app.include_router(router)
        app.add_middleware(Guard, accounts=accounts, allowed_hosts=("127.0.0.1",))
        with serving(app) as url, house.desk, ExitStack() as clients:
            by_name = {
                name: clients.enter_context(
                    httpx.Client(base_url=url, cookies={COOKIE: cookie_of(accounts, name)}, timeout=60)
                )
                for name in ("ada", "rob", "ana")
            }
            yield Site(here, store, house, by_name)


def post(client: httpx.Client, path: str, body: Any, status: int = 200) -> Json:
    answer = client.post(path, json=body)
    assert answer.status_code == status, answer.text
    row: Json = answer.json()
    assert status == 200 or row["error"]
    return row


def following(client: httpx.Client, task: str = "sync", count: int = 1, have: tuple[str, ...] = ()) -> list[Json]:
    return list(post(client, "/api/test/next", {"task": task, "count": count, "have": have})["items"])


def answer(client: httpx.Client, token: str, label: str, status: int = 200, **more: Any) -> Json:
    return post(client, "/api/test/answers", {"id": token, "label": label, "plays": 2, "latency_s": 1.5} | more, status)


def test_a_person_goes_through_a_task_and_stands_in_the_results(site: Site) -> None:
    ana = site.by_name["ana"]
    total = next(row["items"] for row in ana.get("/api/test").json()["tasks"] if row["task"] == "existence")
    assert total == 8  # the original and three ways to be silent, of two clips
    for number in range(total):
        (row,) = following(ana, "existence")
        assert answer(ana, row["id"], "muted")["progress"] == {"answered": number + 1, "items": total}
    assert following(ana, "existence") == []
    rows = site.rows
    assert len({row.item.stimulus_id for row in rows}) == len(rows) == total
    assert {(row.listener, row.listener_key, row.rater, row.outcome, row.text) for row in rows} == {
        ("People", "people", "ana", "ok", "Silence")
    }
    assert {(row.answer.label, row.answer.method, row.latency_s) for row in rows} == {("muted", "person", 1.5)}
    (people,) = [row for row in site.by_name["rob"].get("/api/results/leaderboard").json()["rows"] if row["people"]]
    assert people["set"]["name"] == "Listening test"
    assert (people["cells"]["existence_original"]["value"], people["cells"]["existence_muted"]["value"]) == (0.0, 1.0)
    assert people["cells"]["sync_original"] is None


def test_who_cannot_tell_gives_no_answer_and_is_not_wrong_about_a_label(site: Site) -> None:
    ana = site.by_name["ana"]
    answer(ana, following(ana)[0]["id"], "unparsed")
    assert [(row.outcome, row.answer.label, row.text) for row in site.rows] == [("ok", "unparsed", "Cannot tell")]


def test_how_often_it_was_played_is_kept(site: Site) -> None:
    ana = site.by_name["ana"]
    answer(ana, following(ana)[0]["id"], "synced", plays=3)
    (event,) = [event for event in site.store.events(RUN) if event.kind == "heard_item"]
    assert (event.actor, event.payload["plays"], event.payload["item"]) == ("ana", 3, site.rows[0].item.id)


def test_the_same_answer_twice_is_one_and_a_correction_takes_its_place(site: Site) -> None:
    ana = site.by_name["ana"]
    first, second = (row["id"] for row in following(ana, count=2))
    for _ in range(3):
        answer(ana, first, "synced")
    events = site.store.counts()["event"]
    answer(ana, first, "synced", latency_s=9.0)
    assert site.store.counts()["event"] == events and len(site.rows) == 1
    answer(ana, first, "early")
    assert [row.answer.label for row in site.rows] == ["early"]
    answer(ana, second, "delayed")
    assert "this answer stands" in answer(ana, first, "delayed", 409)["error"]
    assert answer(ana, first, "early")["progress"]["answered"] == 2
    assert [row.answer.label for row in site.rows] == ["early", "delayed"]


def test_many_at_once_are_still_one(site: Site) -> None:
    ana = site.by_name["ana"]
    token = following(ana)[0]["id"]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: answer(ana, token, "synced"), range(16)))
    assert len(site.rows) == 1
    assert len([event for event in site.store.events(RUN) if event.kind == "add_response"]) == 1


def test_everybody_gets_each_item_once_and_answers_do_not_mix(site: Site) -> None:
    ana, rob = site.by_name["ana"], site.by_name["rob"]
    while rows := following(ana):
        answer(ana, rows[0]["id"], "synced")
    assert rob.get("/api/test").json()["tasks"][0]["answered"] == 0
    answer(rob, following(rob)[0]["id"], "early")
    assert len(site.rows) == 8 + 1
    assert {row.rater for row in site.rows} == {"ana", "rob"}


def test_a_restart_goes_on_where_one_was(site: Site) -> None:
    ana = site.by_name["ana"]
    first, second = (row["id"] for row in following(ana, count=2))
    answer(ana, first, "synced")
    again = FastAPI()
    again.include_router(listening_router(site.house))

    @again.middleware("http")
    async def as_ana(request: Any, go_on: Any) -> Any:
        request.state.user = type("User", (), {"name": "ana", "role": "annotator"})
        return await go_on(request)

    with serving(again) as url, httpx.Client(base_url=url, timeout=60) as client:
        assert [row["id"] for row in following(client)] == [second]
        assert answer(client, first, "synced")["progress"]["answered"] == 1  # as a page that never heard back sends it
    assert len(site.rows) == 1


def test_nothing_that_is_sent_says_which_clip_or_condition_it_is(site: Site) -> None:
    ana = site.by_name["ana"]
    rows = following(ana, "existence", 8)
    rows += following(ana, "sync", 8)
    secret = {"original", "muted", "early", "delayed", "swapped", "ding", "dong", "offset", "condition"}
    secret |= {word for one in site.world.stimuli for word in (one.id, one.clip_id, one.models, one.people) if word}
    sounds: dict[bytes, set[tuple[Any, ...]]] = {}
    for row in rows:
        said = json.dumps(row)
        picture, frames = ana.get(row["proxy"]), ana.get(row["frame_times"])
        sound = ana.get(row["sounds"][0]["people"])
        for got in (picture, frames, sound):
            assert got.status_code == 200
            said += str(got.url) + json.dumps([pair for pair in got.headers.items() if pair[0] != "date"])
        assert not {word for word in secret if word in said}
        with wave.open(io.BytesIO(sound.content)) as file:
            shape = (file.getnframes(), file.getnchannels(), file.getframerate())
        headers = [sorted((k, v) for k, v in got.headers.items() if k != "date") for got in (picture, sound)]
        sounds.setdefault(picture.content, set()).add((shape, len(sound.content), str(headers)))
    assert len(rows) == 16 and len(sounds) == 2
    assert all(len(kinds) == 1 for kinds in sounds.values())  # silent or loud, all of a clip look alike


def test_an_annotator_reads_no_results(site: Site) -> None:
    ana = site.by_name["ana"]
    answer(ana, following(ana)[0]["id"], "synced")
    for path in ("/api/results/leaderboard", f"/api/results/item/{site.rows[0].id}", "/api/results"):
        assert ana.get(path).status_code == 403
    assert site.by_name["rob"].get(f"/api/results/item/{site.rows[0].id}").status_code == 200


def test_what_is_not_yours_can_neither_be_answered_nor_heard(site: Site) -> None:
    ana, rob = site.by_name["ana"], site.by_name["rob"]
    robs = following(rob)[0]
    own_stimulus = site.world.stimuli[0].id
    for token in (robs["id"], own_stimulus, "0" * 24, "../../x", "' OR 1=1 --"):
        answer(ana, token, "synced", 404)
    for address in (robs["proxy"], robs["frame_times"], robs["sounds"][0]["people"]):
        assert ana.get(address).status_code == 404
        assert rob.get(address).status_code == 200
    assert site.rows == []


def test_a_bad_answer_is_refused_in_a_sentence(site: Site) -> None:
    ana = site.by_name["ana"]
    token = following(ana)[0]["id"]
    good = {"id": token, "label": "synced", "plays": 1, "latency_s": 1.0}
    labels = ("muted", "desync", "", 3, None, "x" * 99)
    changes: list[Json] = [{"label": label} for label in labels]
    changes += [{"latency_s": value} for value in (-1, 1e9, "soon")]
    changes += [{"plays": value} for value in (0, 1.5, 10**9, "often")]
    for change in [*changes, {"id": None}, {"id": 7}]:
        post(ana, "/api/test/answers", good | change, 400)
    assert site.rows == []


def test_bad_questions_for_items_are_refused(site: Site) -> None:
    ana = site.by_name["ana"]
    for body in (
        {"task": "sync", "count": 99},
        {"task": "sync", "count": -1},
        {"count": 1},
        {"task": "sync", "have": 3},
    ):
        post(ana, "/api/test/next", body, 400)
    assert following(ana, "choice") == following(ana, "nothing") == []
    assert following(ana, "sync", 1, ("not a token",)) == following(ana, "sync", 1)


def test_what_has_no_files_is_left_out_and_counted(site: Site) -> None:
    gone, kept = site.world.clips
    (site.house.clip_folder(gone) / "proxy.mp4").unlink()
    silent = next(s for s in site.world.stimuli if s.clip_id == kept and s.condition == "swapped")
    (site.house.stimulus_folder(kept) / silent.people).unlink()
    tasks = {row["task"]: row for row in site.by_name["ana"].get("/api/test").json()["tasks"]}
    assert [tasks[task]["items"] for task in ("sync", "existence", "consistency")] == [4, 4, 1]
    assert tasks["sync"]["missing"] > 0
