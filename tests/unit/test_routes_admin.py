"""The routes behind the Admin page, over the real guard, store and accounts."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest
from fastapi import FastAPI

from tests.unit.auth_kit import PASSWORD, cookie_of, three_accounts
from tests.unit.marks_kit import CLIPS, HOSTILE, LAGS_S, LED_S, fill
from thud.errors import ThudError
from thud.records import Mark
from thud.runs.local import LocalExecutor
from thud.runs.run import Runs
from thud.store import Store, open_store
from ui.door.accounts import AccountBook
from ui.door.auth import COOKIE, LOCAL_HOSTS, Guard
from ui.figures import GOLD
from ui.house import House
from ui.routes.admin import admin_router
from ui.routes.agreement import agreement_router
from ui.serve import _say

HERE = "http://127.0.0.1:7860"


class Office:
    """The routes, asked as ada the admin where nobody else is named."""

    def __init__(self, folder: Path, store: Store, runs: Runs) -> None:
        self.folder, self.store = folder, store
        self.book = AccountBook(folder / "accounts.json")
        self.house = House(store, runs, folder, "test")
        self.app = FastAPI()
        self.app.add_exception_handler(ThudError, _say)
        for router in (admin_router(self.house), agreement_router(self.house)):
            self.app.include_router(router)
        self.app.add_middleware(Guard, accounts=self.book, allowed_hosts=LOCAL_HOSTS)

    def ask(
        self, method: str, path: str, body: Any = None, who: str = "ada", text: str | None = None
    ) -> httpx.Response:
        cookies = {COOKIE: cookie_of(self.book, who)} if self.book.required() and who else {}

        async def send() -> httpx.Response:
            wall = httpx.ASGITransport(app=self.app)
            async with httpx.AsyncClient(transport=wall, base_url=HERE, cookies=cookies) as client:
                return await client.request(method, path, content=text if text is not None else json.dumps(body))

        return anyio.run(send)

    def get(self, path: str, who: str = "ada") -> Any:
        return self.ask("GET", path, who=who).raise_for_status().json()

    def post(self, path: str, body: Any = None) -> Any:
        return self.ask("POST", path, body or {}).raise_for_status().json()

    def refused(self, path: str, body: Any) -> str:
        """The sentence of a 400."""
        answer = self.ask("POST", path, body)
        assert answer.status_code == 400, answer.text
        return str(answer.json()["error"])


@pytest.fixture
def local(tmp_path: Path) -> Iterator[Office]:
    """Before anybody has an account."""
    with open_store(tmp_path / "annotations.duckdb", tmp_path) as store, Runs(store, tmp_path, LocalExecutor()) as runs:
        office = Office(tmp_path, store, runs)
        yield office
        office.house.desk.close()


@pytest.fixture
def office(local: Office) -> Office:
    three_accounts(local.folder)
    local.book = AccountBook(local.folder / "accounts.json", lambda: 1_800_000_000.0)
    local.app.user_middleware.clear()
    local.app.add_middleware(Guard, accounts=local.book, allowed_hosts=LOCAL_HOSTS)
    return local


def person(office: Office, name: str) -> dict[str, Any]:
    return next(row for row in office.get("/api/admin/people")["people"] if row["name"] == name)


# --- people


def test_the_first_account_is_an_admin_and_from_then_on_everybody_signs_in(local: Office) -> None:
    told = local.get("/api/admin/people")
    assert (told["people"], told["signed_in"], told["me"]) == ([], False, "local")
    body = {"name": "eve", "password": PASSWORD, "role": "annotator"}
    assert "has to be an admin" in local.refused("/api/admin/people/add", body)
    local.post("/api/admin/people/add", {**body, "role": "admin"})
    assert local.ask("GET", "/api/admin/people", who="").status_code == 401


def test_accounts_are_added_changed_and_removed_with_history_and_without_passwords(office: Office) -> None:
    office.post("/api/admin/people/add", {"name": "eve", "password": PASSWORD, "role": "annotator"})
    office.post("/api/admin/people/role", {"name": "eve", "role": "researcher"})
    assert person(office, "eve")["role"] == "researcher"
    office.post("/api/admin/people/password", {"name": "eve", "password": "another long one"})
    assert office.book.check("eve", "another long one")
    office.post("/api/admin/people/sign-out", {"name": "eve"})
    office.post("/api/admin/people/remove", {"name": "eve"})
    assert office.book.find("eve") is None
    told = office.get("/api/admin/people/history?name=eve")["events"]
    assert [(event["what"], event["actor"]) for event in reversed(told)] == [
        ("added as annotator", "ada"), ("made researcher", "ada"), ("given a new password", "ada"),
        ("signed out everywhere", "ada"), ("removed", "ada"),
    ]  # fmt: skip
    assert "another long one" not in json.dumps([event.payload for event in office.store.events(limit=50)])


@pytest.mark.parametrize(
    ("verb", "body", "words"),
    [
        ("add", {"name": "ana", "password": PASSWORD, "role": "annotator"}, "an account ana already"),
        ("add", {"name": "Gemini", "password": PASSWORD, "role": "annotator"}, "thud uses itself"),
        ("add", {"name": HOSTILE, "password": PASSWORD, "role": "annotator"}, "1 to 40 letters"),
        ("add", {"name": "eve", "password": "short", "role": "annotator"}, "too short"),
        ("add", {"name": "eve", "password": PASSWORD, "role": "boss"}, "A role is one of"),
        ("add", {"name": "eve", "password": PASSWORD, "role": ["admin"]}, "A role is one of"),
        ("add", {"name": 7, "password": PASSWORD, "role": "admin"}, "Give the name"),
        ("role", {"name": "ada", "role": "annotator"}, "last admin"),
        ("remove", {"name": "ada"}, "last admin"),
        ("password", {"name": "ana"}, "Give the password"),
    ],
)
def test_a_change_that_makes_no_sense_is_told_why_and_changes_nothing(
    office: Office, verb: str, body: dict[str, Any], words: str
) -> None:
    before = office.book.all()
    assert words in office.refused(f"/api/admin/people/{verb}", body)
    assert office.book.all() == before
    assert office.store.events(limit=1) == []


def test_marks_pace_and_people_without_an_account_are_shown(office: Office) -> None:
    clips = fill(office.store)
    office.store.submit_mark(Mark(clips[0].id, "ana", 1.0, 1.0))
    ben, ana = person(office, "ben"), person(office, "ana")
    assert (ben["role"], ben["marks"], ben["week"]) == (None, CLIPS, CLIPS)
    assert ben["pace_s"] < 60
    assert (ana["role"], ana["marks"], ana["pace_s"]) == ("annotator", 1, None)
    assert {"gemini", "gpt"}.isdisjoint(row["name"] for row in office.get("/api/admin/people")["people"])


@pytest.mark.parametrize("path", ["people", "backups", "settings"])
def test_researchers_see_figures_and_not_the_office(office: Office, path: str) -> None:
    assert office.ask("GET", f"/api/admin/{path}", who="rob").status_code == 403
    assert office.ask("GET", "/api/agreement", who="rob").status_code == 200
    assert office.ask("GET", "/api/agreement/pairs.csv", who="ana").status_code == 403


# --- backups


def test_a_backup_is_compared_recorded_verified_and_a_changed_byte_is_found(office: Office) -> None:
    fill(office.store)
    made = office.post("/api/admin/backups")
    told = office.get("/api/admin/backups")
    assert [row["name"] for row in told["backups"]] == [made["name"]]
    assert made["rows"] == told["backups"][0]["rows"] > CLIPS * len(LAGS_S)
    assert made["by"] == "ada"
    assert office.post("/api/admin/backups/verify", {"name": made["name"]})["sound"] is True
    path = office.folder / "backups" / made["name"]
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    assert office.post("/api/admin/backups/verify", {"name": made["name"]})["sound"] is False
    path.with_suffix(".json").unlink()
    assert office.post("/api/admin/backups/verify", {"name": made["name"]})["sound"] is None
    assert office.get("/api/admin/backups")["backups"][0]["rows"] is None


def test_the_newest_backup_is_first_and_a_broken_record_is_no_record(office: Office) -> None:
    first, second = office.post("/api/admin/backups"), office.post("/api/admin/backups")
    (office.folder / "backups" / first["name"]).with_suffix(".json").write_text('{"rows": []}')
    rows = office.get("/api/admin/backups")["backups"]
    assert {row["name"]: row["rows"] is None for row in rows} == {first["name"]: True, second["name"]: False}


@pytest.mark.parametrize("name", ["../annotations.duckdb", "/etc/passwd", "nothing.duckdb", "accounts.json"])
def test_only_backups_can_be_verified(office: Office, name: str) -> None:
    office.post("/api/admin/backups")
    assert office.ask("POST", "/api/admin/backups/verify", {"name": name}).status_code == 404


# --- settings


def test_settings_change_with_history_and_only_what_differs_is_written(office: Office) -> None:
    told = office.post("/api/admin/settings", {"blind": False, "double_share": 0.25, "eps_audio_s": 0.5})
    assert sorted(told["changed"]) == ["blind", "double_share"]
    held = {row["name"]: row["value"] for row in office.get("/api/admin/settings")["settings"]}
    assert (held["blind"], held["double_share"], held["eps_audio_s"]) == (False, 0.25, 0.5)
    lines = [(line["name"], line["value"], line["actor"]) for line in told["history"]]
    assert sorted(lines) == [("blind", False, "ada"), ("double_share", 0.25, "ada")]
    assert office.post("/api/admin/settings", {"blind": False})["changed"] == []


@pytest.mark.parametrize(
    "body",
    [{"blind": 1}, {"double_share": 1.5}, {"eps_visual_s": "0.8"}, {"eps_visual_s": -0.1}, {"person/ana": {}},
     {"seed": 0.5}, {"double_share": 0.2, "blind": "no"}],
)  # fmt: skip
def test_a_wrong_setting_is_refused_and_none_is_changed(office: Office, body: dict[str, Any]) -> None:
    assert office.refused("/api/admin/settings", body)
    assert office.store.settings() == {}


@pytest.mark.parametrize("text", ['{"eps_visual_s": NaN}', '{"eps_visual_s": 1' + "0" * 400 + "}", "[]", "{", "\x00"])
def test_what_is_no_setting_at_all_is_told_so(office: Office, text: str) -> None:
    answer = office.ask("POST", "/api/admin/settings", text=text)
    assert answer.status_code == 400
    assert answer.json()["error"]


# --- agreement and quality


def pairs(office: Office, sense: str, stage: str = "first") -> dict[tuple[str, str], dict[str, Any]]:
    found = office.get(f"/api/agreement?stage={stage}")[sense]["pairs"]
    return {(pair["a"], pair["b"]): pair for pair in found}


def test_known_lags_come_out_as_bias_against_gold_and_between_annotators(office: Office) -> None:
    fill(office.store)
    found = pairs(office, "visual")
    for name, lag_s in LAGS_S.items():
        pair = found[name, GOLD]
        assert (pair["n"], pair["bias_s"]["value"]) == (CLIPS // 4, pytest.approx(lag_s))
        assert pair["loa_low_s"]["value"] < lag_s < pair["loa_high_s"]["value"]
    assert found["gemini", "gpt"]["bias_s"]["value"] == pytest.approx(0.23)
    assert found["gemini", "gpt"]["n"] == CLIPS
    shares = [within["share"]["value"] for within in found["ben", GOLD]["within"]]
    assert shares == [1.0, 1.0, 1.0]
    assert ("gpt", GOLD) not in pairs(office, "audio")


def test_first_marks_are_compared_as_they_were_before_models_showed(office: Office) -> None:
    fill(office.store)
    first, final = pairs(office, "audio"), pairs(office, "audio", "final")
    assert first["ben", GOLD]["bias_s"]["value"] == pytest.approx(LAGS_S["ben"])
    assert final["ben", GOLD]["bias_s"]["value"] == pytest.approx(LAGS_S["ben"] + LED_S)
    assert first["gemini", GOLD] == final["gemini", GOLD]


def test_learned_lags_rule_and_verdicts_are_told(office: Office) -> None:
    fill(office.store)
    told = office.get("/api/agreement")
    learned = {one["annotator"]: one for one in told["visual"]["learned"]}
    assert {name: round(one["lag_s"], 2) for name, one in learned.items()} == LAGS_S
    assert all(one["identified"] for one in learned.values())
    assert told["simulated"] == ["gpt"]
    assert told["rule"]["total"] == CLIPS
    assert {check["name"]: check["passed"] for check in told["rule"]["checks"]}["visual"] == CLIPS
    assert told["verdicts"]["base_rates"] == {"placed": 1.0}
    assert told["verdicts"]["alpha"]["value"] is None


def test_a_new_mark_is_counted_at_once(office: Office) -> None:
    clips = fill(office.store)
    before = office.get("/api/agreement")["marks"]
    office.store.submit_mark(Mark(clips[0].id, "ana", 2.0, 2.0))
    assert office.get("/api/agreement")["marks"] == before + 1


def test_marks_outside_their_clip_and_adjudicators_do_not_count(office: Office) -> None:
    clips = fill(office.store)
    office.store.submit_mark(Mark(clips[0].id, "far", 9.0, None, person=False))
    office.store.submit_mark(Mark(clips[0].id, "end", 8.04, None, person=False))
    office.store.submit_mark(Mark(clips[0].id, "ana", 2.0, 2.0, detail={"role": "adjudicator"}))
    names = {one["annotator"] for one in office.get("/api/agreement")["visual"]["learned"]}
    assert names == {*LAGS_S, "end"}


def test_a_pairs_points_and_widest_clips(office: Office) -> None:
    clips = fill(office.store)
    office.store.submit_mark(Mark(clips[1].id, "gpt", 7.0, None, person=False, seq=CLIPS))
    told = office.get("/api/agreement/pair?a=gpt&b=gemini&sense=visual")
    assert (told["n"], len(told["points"])) == (CLIPS, CLIPS)
    assert told["widest"][0]["clip"] == clips[1].id
    assert told["widest"][0]["difference_s"] > 3
    assert office.get("/api/agreement/pair?a=gpt&b=nobody")["n"] == 0


def test_the_table_comes_as_csv_that_a_spreadsheet_does_not_run(office: Office) -> None:
    clips = fill(office.store)
    office.store.submit_mark(Mark(clips[0].id, "=1+1", 2.0, 2.0, person=False))
    answer = office.ask("GET", "/api/agreement/pairs.csv?stage=first")
    assert "attachment" in answer.headers["content-disposition"]
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert "'=1+1" in {row["a"] for row in rows}
    (one,) = (row for row in rows if (row["event"], row["a"], row["b"]) == ("picture", "ben", GOLD))
    assert float(one["bias_s"]) == pytest.approx(LAGS_S["ben"])
    assert float(one["within_100_ms_low"]) < 1


def test_people_are_held_against_gold_and_a_steady_bias_is_corrected(office: Office) -> None:
    fill(office.store)
    told = office.get("/api/agreement/quality?stage=first")
    assert [row["person"] for row in told["people"]] == [HOSTILE, "ben"]
    ben = told["people"][1]
    assert (ben["marks"], ben["visual"]["n"]) == (CLIPS, CLIPS // 4)
    assert ben["visual"]["bias_s"]["value"] == pytest.approx(LAGS_S["ben"])
    assert ben["visual"]["correction_s"] == pytest.approx(-LAGS_S["ben"])
    assert [nth for nth, _ in ben["audio"]["course"]] == [float(nth) for nth in range(1, CLIPS + 1, 4)]


def test_an_empty_workspace_has_an_answer_everywhere(office: Office) -> None:
    told = office.get("/api/agreement")
    assert (told["marks"], told["visual"]["pairs"], told["rule"]["total"]) == (0, [], 0)
    assert office.get("/api/agreement/quality")["people"] == []
    assert office.get("/api/admin/backups")["backups"] == []
    assert office.ask("GET", "/api/agreement?stage=odd").status_code == 422
