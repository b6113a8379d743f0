"""Asking listeners over HTTP: who can be asked, what the page may save, plans, the canary alone, and starting."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from tests.annotate_kit import Place
from tests.hearing_server import deaf, hearing
from tests.unit.test_listen_job import stage
from tests.unit.test_routes_annotate import serving
from tests.vendors import Asked, ChatServer
from tests.vendors.kit import KEY, give_keys
from thud.errors import ThudError
from thud.listeners.questions import QUESTION_SETS
from thud.listeners.roster import LISTENERS, PRESETS
from ui.door.auth import AccountBook, Guard
from ui.door.rights import least_role
from ui.house import House
from ui.routes.listeners import keep_preset, listeners_router
from ui.serve import _say

ALL: dict[str, Any] = {"set": "direct", "arms": ["audio_video"], "tasks": ["sync", "existence", "consistency"]}


@dataclass(frozen=True, slots=True)
class Site:
    place: Place
    client: httpx.Client

    def all(self) -> dict[str, Any]:
        answer = self.client.get("/api/listeners")
        assert answer.status_code == 200 and KEY not in answer.text
        found: dict[str, Any] = answer.json()
        return found

    def row(self, name: str) -> dict[str, Any]:
        return next(row for row in self.all()["listeners"] if row["name"] == name)

    def post(self, verb: str, **body: Any) -> dict[str, Any]:
        answer = self.client.post(f"/api/listeners/{verb}", json=body)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def error(self, verb: str, **body: Any) -> str:
        answer = self.client.post(f"/api/listeners/{verb}", json=body)
        assert 400 <= answer.status_code < 500, answer.text
        return str(answer.json()["error"])

    def add(self, server: ChatServer, name: str, **more: Any) -> dict[str, Any]:
        about = {"name": name, "backend": "compatible", "model": "tiny-omni", "base_url": server.url}
        pace = {"transport": "frames+input_audio", "at_once": 1, "per_minute": 10_000}
        row: dict[str, Any] = self.post("save", listener={**about, **pace, **more})["listener"]
        return row

    def test(self, name: str, arm: str = "audio_video") -> Any:
        return self.place.runs.wait(self.post("canary", listener=name, arm=arm)["run"])


@contextmanager
def opened(folder: Path) -> Iterator[Site]:
    with stage(folder) as place:
        house = House(place.store, place.runs, place.workspace, "test")
        app = FastAPI()
        app.add_exception_handler(ThudError, _say)
        app.include_router(listeners_router(house))
        app.add_middleware(Guard, accounts=AccountBook(folder / "accounts.json"), allowed_hosts=("127.0.0.1",))
        with serving(app) as url, house.desk, httpx.Client(base_url=url, timeout=60) as client:
            yield Site(place, client)


@pytest.fixture(scope="module")
def keys() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        give_keys(patch)
        patch.delenv("OPENAI_API_KEY")
        yield


@pytest.fixture(scope="module")
def site(keys: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with opened(tmp_path_factory.mktemp("site")) as made:
        yield made


def test_the_list_names_variables_and_never_keys(site: Site) -> None:
    found = site.all()
    rows = {row["name"]: row for row in found["listeners"]}
    assert set(rows) >= {*LISTENERS, *(preset.name for preset in PRESETS)}
    gemini, gpt, local = rows["Gemini-3.1-Pro"], rows["GPT-5.5"], rows["Qwen2.5-Omni"]
    assert (gemini["key_env"], gemini["key_set"], gemini["owner"]) == ("GEMINI_API_KEY", True, "preset")
    assert (gpt["key_env"], gpt["key_set"]) == ("OPENAI_API_KEY", False) and "is not set" in gpt["key_problem"]
    assert gpt["allowed_arms"] == ["picture_only"] and gpt["senses"] == "picture only: it takes no sound"
    assert gpt["canary"] == {} and gemini["canary"]["audio_video"] is None
    assert gemini["untested"] == "" and gpt["untested"] == "not tested: it is given no sound"
    assert rows["signal"]["untested"] == "not a model: it is measured here"
    assert rows["tiny"]["untested"] == "not tested: it knows no words for beeps" and rows["tiny"]["canary"] == {}
    assert "no folder" in local["problem"] and rows["MiniCPM-o-4.5"]["key_env"] == ""
    assert [one["id"] for one in found["conditions"] if one["stimuli"]] == [
        "original", "early", "delayed", "muted", "swapped",
    ]  # fmt: skip
    assert found["clips"] == 2 and {one["style"] for one in found["sets"]} == set(QUESTION_SETS)
    assert {"compatible": True, "openai": False}.items() <= {
        one["id"]: one["hears"] for one in found["backends"]
    }.items()


def test_only_researchers_come_here() -> None:
    for method, path in (("GET", ""), ("POST", "/plan"), ("POST", "/start"), ("POST", "/save"), ("GET", "/sets/x")):
        assert least_role(method, f"/api/listeners{path}") == "researcher"


def test_a_listener_is_added_edited_renamed_and_removed(site: Site) -> None:
    with ChatServer() as server:
        row = site.add(server, "mine", temperature=0.5)
        assert (row["owner"], row["settings"]["temperature"]) == ("yours", 0.5)
        assert site.add(server, "twin", temperature=0.5, per_minute=7)["key"] == row["key"]
        assert (
            site.post("save", listener={**row["settings"], "name": "twin", "temperature": 0.6}, was="twin")["listener"][
                "key"
            ]
            != row["key"]
        )
        changed = {**row["settings"], "name": "ours", "fps": 4}
        assert site.post("save", listener=changed, was="mine")["listener"]["settings"]["fps"] == 4.0
        assert "mine" not in site.place.store.definitions("listener")
        assert "already" in site.error("save", listener={**changed, "name": "OURS"})
        assert "ships with thud" in site.error("save", listener={**changed, "name": "Signal"}, was="ours")
        assert site.post("remove", name="ours") == {"removed": "ours"}
        assert "none of your own" in site.error("remove", name="signal")
        assert all(row["name"] != "ours" for row in site.all()["listeners"])
        edited = {**site.row("Claude")["settings"], "model": "another"}
        assert site.post("save", listener=edited)["listener"]["owner"] == "yours"
        site.post("remove", name="Claude")
        assert site.row("Claude")["owner"] == "preset"


BASE = {"name": "wrong", "backend": "compatible", "model": "m", "base_url": "http://127.0.0.1:1/v1"}
MISTAKES: list[tuple[dict[str, Any], str]] = [
    ({"name": ""}, "name"),
    ({"name": "<b>"}, "name"),
    ({"model": ""}, "model"),
    ({"base_url": ""}, "base_url"),
    ({"base_url": "file:///etc/passwd"}, "base_url"),
    ({"base_url": "http://me:pass@host/v1"}, "base_url"),
    ({"key_env": "PATH"}, "key_env"),
    ({"fps": "many"}, "fps"),
    ({"fps": 0}, "fps"),
    ({"max_tokens": 1.5}, "max_tokens"),
    ({"temperature": 9}, "temperature"),
    ({"transport": "pigeon"}, "transport"),
    ({"arms": []}, "arms"),
    ({"transport": "frames", "arms": ["sound_only"]}, "arms"),
    ({"backend": "oracle"}, "backend"),
    ({"colour": "red"}, "colour"),
]


@pytest.mark.parametrize(("change", "named"), MISTAKES, ids=[str(change) for change, _ in MISTAKES])
def test_a_mistake_is_said_in_a_sentence_that_names_the_field(site: Site, change: dict[str, Any], named: str) -> None:
    said = site.error("save", listener={**BASE, **change})
    assert named in said and said.endswith(".")
    assert "wrong" not in site.place.store.definitions("listener")


KEYS: list[dict[str, Any]] = [
    {"key_env": "sk-proj-abcdefgh12345678"},
    {"key_env": "AIzaSyD3x4mpl3K3yThatIsNotReal00"},
    {"model": "hf_AbCdEfGhIjKlMnOp"},
    {"base_url": "http://127.0.0.1:1/v1?api_key=abcd1234"},
    {"adapter": KEY},
    {"model": f"model-{KEY}"},
    {"name": "aB3dE5gH7jK9mN1pQ3sT5vW7"},
    {"api_key": "whatever"},
    {"name": "x", "extra": {"deep": [{"Token": "hidden"}]}},
]


@pytest.mark.parametrize("change", KEYS, ids=[next(iter(change)) for change in KEYS])
def test_what_looks_like_a_key_is_neither_kept_nor_said_back(site: Site, change: dict[str, Any]) -> None:
    before = site.place.store.definitions("listener")
    said = site.error("save", listener={**BASE, **change})
    assert "environment variable" in said
    assert not any(isinstance(value, str) and len(value) > 7 and value in said for value in change.values())
    assert site.place.store.definitions("listener") == before


def test_names_of_models_are_no_keys(site: Site) -> None:
    for preset in PRESETS:
        row = site.row(preset.name)["settings"]
        site.post("save", listener={**row, "name": f"{preset.name} copy"})
        site.post("remove", name=f"{preset.name} copy")


def test_every_question_of_a_set_can_be_read_and_a_copy_is_another_set(site: Site) -> None:
    direct = QUESTION_SETS["direct"]
    found = site.client.get(f"/api/listeners/sets/{direct.id}").json()
    assert [one["text"] for one in found["questions"]] == [one.text for one in direct.questions]
    assert site.client.get("/api/listeners/sets/none").status_code == 404
    copy = {"name": "Mine", "style": found["style"], "questions": found["questions"]}
    assert "Change a question" in site.error("sets/save", set=copy)
    copy["questions"][1]["text"] += " Say so."
    assert "already" in site.error("sets/save", set={**copy, "name": "direct"})
    made = site.post("sets/save", set=copy)["set"]
    assert made["id"] != direct.id and made["own"]
    assert made["id"] in {one["id"] for one in site.all()["sets"]}
    copy["questions"][2]["text"] = " "
    assert site.error("sets/save", set=copy).startswith("Question 3:")
    for nonsense in (None, [], "x", {"name": "n", "style": "direct", "questions": []}):
        assert len(site.error("sets/save", set=nonsense)) > 10
    plan = site.post("plan", listener="always-synced", **{**ALL, "set": made["id"]})
    assert plan["items"] > 0 and plan["answered"] == 0


def test_a_plan_says_what_it_costs_and_what_leaves_this_machine(site: Site) -> None:
    plan = site.post("plan", listener="Gemini-3.1-Pro", **{**ALL, "arms": ["audio_video", "picture_only"]})
    assert [row["arm"] for row in plan["rows"]] == ["audio_video", "picture_only"]
    assert plan["items"] == sum(row["items"] for row in plan["rows"]) > 0
    assert 0 < plan["requests"] < plan["items"], "the same picture is asked about once"
    assert plan["cost_usd"] > 0 and plan["tokens"] > 0 and plan["blocked"] == ""
    assert (
        plan["notes"][-1]["text"]
        == "This sends the questions and the clips’ picture with sound and the clips’ picture to Google."
    )
    assert any("it cannot see offsets of" in note["text"] for note in plan["notes"] if note["level"] == "warn")
    assert [(row["arm"], row["state"]) for row in plan["canary"]] == [("audio_video", "never")]
    fewer = site.post("plan", listener="Gemini-3.1-Pro", **{**ALL, "tasks": ["existence"], "conditions": ["muted"]})
    assert 0 < fewer["items"] < plan["rows"][0]["items"]
    assert "may be billed a second time" in str(
        site.post("plan", listener="Gemini-3.1-Pro", **ALL, again=True)["notes"]
    )
    assert plan["untested"] == [{"title": "Picture only", "words": "not tested: it is given no sound"}]
    free = site.post("plan", listener="signal", **ALL)
    assert (
        free["cost_usd"] == 0 and free["canary"] == [] and "cannot be asked about consistency" in str(free["refused"])
    )


def test_what_stands_in_the_way_is_said_first_and_nothing_starts(site: Site) -> None:
    blocked = site.post("plan", listener="GPT-5.5", **{**ALL, "arms": ["picture_only"]})
    assert (
        blocked["notes"][0] == {"level": "bad", "text": blocked["blocked"]} and "OPENAI_API_KEY" in blocked["blocked"]
    )
    assert "OPENAI_API_KEY" in site.error("start", listener="GPT-5.5", **{**ALL, "arms": ["picture_only"]})
    deaf_arm = site.post("plan", listener="GPT-5.5", **ALL)
    assert deaf_arm["blocked"] == "GPT-5.5 (picture only) cannot be asked in the arm audio video."
    assert "no folder" in site.post("plan", listener="Qwen2.5-Omni", **ALL)["blocked"]
    assert "one arm at a time" in str(
        site.post("plan", listener="Qwen2.5-Omni", **{**ALL, "arms": ["audio_video", "sound_only"]})
    )
    assert site.place.runs.runs() == []


NONSENSE: list[dict[str, Any]] = [
    {},
    {**ALL},
    {"listener": "nobody", **ALL},
    {"listener": ["signal"], **ALL},
    {"listener": "signal", **ALL, "set": "none"},
    {"listener": "signal", **ALL, "arms": []},
    {"listener": "signal", **ALL, "arms": ["smell"]},
    {"listener": "signal", **ALL, "arms": [["audio_video"]]},
    {"listener": "signal", **ALL, "tasks": []},
    {"listener": "signal", **ALL, "tasks": "sync"},
    {"listener": "signal", **ALL, "conditions": []},
    {"listener": "signal", **ALL, "clips": []},
    {"listener": "signal", **ALL, "clips": ["no such clip"]},
    {"listener": "signal", **ALL, "clips": "all"},
    {"listener": "signal", **ALL, "again": "yes"},
    {"listener": "signal", **ALL, "override": 1},
]


@pytest.mark.parametrize("verb", ["plan", "start"])
def test_nonsense_is_refused_in_a_sentence(site: Site, verb: str) -> None:
    for body in NONSENSE:
        assert len(site.error(verb, **body)) > 10, body
    assert site.place.runs.runs() == []


def test_missing_files_stop_it_before_it_costs(keys: None, tmp_path: Path) -> None:
    with opened(tmp_path) as site, ChatServer(answer=hearing) as server:
        site.add(server, "mine")
        lost = next(one for one in site.place.store.stimuli() if one.condition == "muted" and one.models)
        (site.place.workspace / "stimuli" / lost.clip_id / lost.models).unlink()
        plan = site.post("plan", listener="mine", **ALL)
        assert [row["count"] for row in plan["missing"]] == [1] and "gone" in plan["blocked"]
        assert all("gone" not in row["reason"] for row in plan["refused"]), "said once"
        assert "gone" in site.error("start", listener="mine", **ALL)
        both = {**ALL, "arms": ["picture_only", "sound_only"]}
        assert "gone" in site.error("start", listener="mine", **both), "the picture alone would do, but not both"
        assert server.requests == [] and site.place.runs.runs() == []


def test_two_arms_are_two_runs_and_nothing_is_asked_twice(site: Site) -> None:
    with ChatServer(answer=hearing) as server:
        site.add(server, "both")
        wanted = {**ALL, "arms": ["audio_video", "picture_only"], "tasks": ["existence"]}
        plan = site.post("plan", listener="both", **wanted)
        assert f"to {server.url}, a server on this machine" in plan["notes"][-1]["text"]
        runs = [site.place.runs.wait(run["id"]) for run in site.post("start", listener="both", **wanted)["runs"]]
        assert [run.state for run in runs] == ["done", "done"]
        assert all(run.message.endswith("answered.") for run in runs)
        found = [one for run in runs for one in site.place.store.responses(run.id)]
        assert len(found) == plan["items"]
        again = site.post("plan", listener="both", **wanted)
        assert (again["items"], again["answered"]) == (0, plan["items"])
        assert "nothing to ask" in site.error("start", listener="both", **wanted)
        assert site.row("both")["canary"]["audio_video"]["passed"] == 6
        left = site.post("plan", listener="both", **{**wanted, "tasks": ["existence", "sync"]})
        assert left["canary"][0]["state"] == "passed"


def test_a_preset_that_is_asked_becomes_ones_own(site: Site) -> None:
    preset = PRESETS[1]
    keep_preset(site.place.store, preset, "ana")
    assert site.row(preset.name)["owner"] == "yours"
    site.post("remove", name=preset.name)
    keep_preset(site.place.store, LISTENERS["signal"], "ana")
    assert site.row("signal")["owner"] == "thud"


def test_the_canary_alone_tells_who_hears_and_scores_nothing(site: Site) -> None:
    with ChatServer(answer=hearing) as hears, ChatServer(answer=deaf) as deafened:
        site.add(hears, "ears")
        site.add(deafened, "no ears")
        run = site.test("ears")
        assert run.state == "done" and run.message == "It hears: 6 of 6 checks of its hearing were right."
        kept = site.row("ears")["canary"]
        assert (kept["audio_video"]["passed"], kept["audio_video"]["hears"], kept["sound_only"]) == (6, True, None)
        assert kept["audio_video"]["at"] == run.finished_at
        run = site.test("no ears")
        assert run.state == "done" and "does not seem to hear" in run.message
        assert len(site.place.runs.problems(run.id)) == 6 - site.row("no ears")["canary"]["audio_video"]["passed"]
        assert len(hears.questions) == len(deafened.questions) == 6
        assert not any(site.place.store.responses(one.id) for one in site.place.runs.runs() if one.kind == "canary")
        (row,) = site.post("plan", listener="no ears", **ALL)["canary"]
        assert row["state"] == "failed" and row["at"]
        deafened.answer = hearing
        assert "It hears" in site.test("no ears").message, "a mended server is asked anew"


def test_who_cannot_be_tested_is_told_why(site: Site) -> None:
    with ChatServer() as server:
        site.add(server, "eyes", transport="frames")
        assert "nothing to test" in site.error("canary", listener="eyes", arm="audio_video")
    assert "nothing to test" in site.error("canary", listener="signal", arm="audio_video")
    assert "nothing to test" in site.error("canary", listener="Gemini-3.1-Pro", arm="picture_only")
    assert "arm" in site.error("canary", listener="Gemini-3.1-Pro")


def test_a_server_that_is_down_is_not_called_deaf(site: Site) -> None:
    with ChatServer(fault_of=lambda asked: "400") as server:
        site.add(server, "down")
        run = site.test("down")
        assert run.state == "failed" and "could not be found out" in run.message
        assert site.row("down")["canary"]["audio_video"] is None


def test_a_killed_test_asks_nothing_twice(site: Site) -> None:
    def slowly(asked: Asked) -> str:
        time.sleep(0.15)
        return hearing(asked)

    with ChatServer(answer=slowly) as server:
        site.add(server, "slow")
        runs, run_id = site.place.runs, site.post("canary", listener="slow", arm="audio_video")["run"]
        assert "still running" in site.error("canary", listener="slow", arm="audio_video")
        while len(server.billed) < 3:
            time.sleep(0.01)
        os.kill(runs.run(run_id).pid, signal.SIGKILL)
        assert runs.wait(run_id).state == "failed"
        runs.resume(run_id)
        assert runs.wait(run_id).state == "done"
        assert max(server.billed.values()) == 1
        # The question that was on its way may be billed, so it is not asked again and counts as not answered.
        assert site.row("slow")["canary"]["audio_video"]["passed"] in (5, 6)
