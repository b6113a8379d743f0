"""The Pairs page's routes over HTTP: sets, rows under a filter, single pairs, decisions, and what nonsense gets."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from tests.pairs_kit import Sync, material, put
from tests.unit.test_routes_annotate import serving
from thud.errors import ThudError
from thud.pairs.lint import Linter
from thud.pairs.pair import Pair, Shown
from thud.pairs.pair_set import SetWriter
from thud.records import EventTimes
from thud.runs.jobs.pairs import fingerprint
from thud.runs.run import Runs
from thud.store import Store, open_store
from ui.door.auth import AccountBook, Guard
from ui.door.rights import least_role
from ui.house import House
from ui.routes.pairs import pairs_router
from ui.serve import _say

SET = "feedfacefeedface"
CLIPS, A_CLIP = 4, 8
HELD, WARNED = 3, 7
"""Row numbers: kept back by label_text; with a warning of edge only."""
RIGHT_CLICK = "No. It agrees."


@dataclass(frozen=True, slots=True)
class Site:
    store: Store
    runs: Runs
    client: httpx.Client
    pairs: tuple[Pair, ...]

    def get(self, path: str, /, **query: Any) -> Any:
        answer = self.client.get(f"/api/pairs{path}", params=query)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def post(self, path: str, /, **body: Any) -> Any:
        answer = self.client.post(f"/api/pairs{path}", json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def error(self, path: str, /, **body: Any) -> str:
        answer = self.client.post(f"/api/pairs{path}", json=body)
        assert 400 <= answer.status_code < 500, answer.text
        return str(answer.json()["error"])

    def numbers(self, **query: Any) -> list[int]:
        return [row["n"] for row in self.get(f"/sets/{SET}/rows", **query)["rows"]]


def make_pairs() -> tuple[Pair, ...]:
    """Eight pairs of each clip, the last clip's in the validation split; the last row has no clip here."""
    known = material(CLIPS)
    made = []
    for at, clip_id in enumerate(known.clips):
        situations, _ = Sync().situations(known, clip_id)
        split = "validation" if at == CLIPS - 1 else "train"
        written = [Sync().write(one, known, random.Random(at)) for one in situations]
        made += [replace(one, split=split, origin={"times": {"method": "gold"}}) for one in written]
    foreign = Shown("/gone/film.mp4", "/gone/film.wav")
    return (*made, Pair("imported", "Is it late?", RIGHT_CLICK, "Yes. It is late.", foreign, split="train"))


def write_set(store: Store, pairs: tuple[Pair, ...]) -> None:
    known, linter = material(CLIPS), Linter()
    lost = {"reason": "It has no muted sound", "count": 1, "subjects": [next(iter(known.clips))]}
    step = {"step": "valid", "title": "Fit", "count": 3, "unit": "clips", "losses": [lost]}
    with SetWriter(store.workspace) as writer:
        for number, pair in enumerate(pairs):
            linter.add(number, pair)
            held = ["label_text"] if number == HELD else []
            writer.add(pair, held, held or (["edge"] if number == WARNED else []))
        about = {
            "title": "By hand", "lint": linter.report().to_json(), "funnel": {"all": [step]}, "made_at": "2026-01-01",
            "basis": {key: fingerprint(times) for key, times in known.times.items()},
            "split_of": dict.fromkeys(list(known.clips)[:2], "test"),
        }  # fmt: skip
        writer.finish(about, SET)
    body = {"title": "By hand", "recipe": "", "stage": "dpo", "pairs": len(pairs) - 1, "held": 1, "origin": "built"}
    store.define("pair_set", SET, {**body, "made_at": "2026-01-01", "parent": ""}, "test")


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    space = tmp_path / "workspace"
    with open_store(tmp_path / "annotations.duckdb", space, min_free_bytes=0) as store, Runs(store, space) as runs:
        put(store, material(CLIPS))
        pairs = make_pairs()
        write_set(store, pairs)
        house = House(store, runs, space, "test")
        app = FastAPI()
        app.add_exception_handler(ThudError, _say)
        app.include_router(pairs_router(house))
        app.add_middleware(Guard, accounts=AccountBook(tmp_path / "accounts.json"), allowed_hosts=("127.0.0.1",))
        with serving(app) as url, house.desk, httpx.Client(base_url=url, timeout=60) as client:
            yield Site(store, runs, client, pairs)


def test_annotators_see_no_pairs() -> None:
    for path in ("/api/pairs", "/api/pairs/sets/x", "/api/pairs/sets/x/pair/1"):
        assert least_role("GET", path) == "researcher"
    assert least_role("POST", "/api/pairs/word") == "researcher"


def test_the_overview_counts_what_pairs_can_be_made_from(site: Site) -> None:
    found = site.get("")
    assert (found["clips"], found["settled"], found["built"]) == (CLIPS, CLIPS, CLIPS)
    assert [one["id"] for one in found["sets"]] == [SET]
    assert [one["type"] for one in found["types"]][:2] == ["CTP", "shift"]
    assert all(one["teaches"] and one["needs"] for one in found["types"])
    assert found["recipes"][0]["name"] == "counterfactual-mix" and found["recipes"][0]["total"] == 10_000
    assert (found["material"]["segments"], found["held_out"]) == (0, [])


def test_a_set_comes_with_names_for_its_subjects_and_what_changed_since(site: Site) -> None:
    found = site.get(f"/sets/{SET}")
    first, *_ = material(CLIPS).clips
    assert found["titles"] == {first: ["Clip 0", f"/clips?clip={first}"]}
    assert (found["stale"], found["words"], found["tests"]) == ([], {}, 2)
    assert not {"basis", "split_of"} & found.keys()
    checks = {one["check"]: one for one in found["lint"]["checks"]}
    assert checks["letter_prior"]["of_rows"] is False and checks["label_text"]["of_rows"] is True
    site.store.set_times(first, EventTimes(1.0, 1.0, "gold"), "test")
    assert site.get(f"/sets/{SET}")["stale"] == [first]


def test_a_set_says_what_an_export_takes_along_and_what_stays(site: Site) -> None:
    first, second, *_ = material(CLIPS).clips
    every = len(site.pairs)
    leaves = site.get(f"/sets/{SET}")["leaves"]
    assert (leaves["pairs"], leaves["stays"]) == (every - 1, {"held back by the linter": 1})
    site.post("/word", id=site.pairs[HELD].id, word="dropped")  # one that stays already
    site.post("/word", id=site.pairs[A_CLIP].id, word="dropped")
    site.store.set_times(second, EventTimes(1.0, 1.0, "gold"), "test")
    leaves = site.get(f"/sets/{SET}")["leaves"]
    stays = {"held back by the linter": 1, "dropped by hand": 1, "of clips whose times changed": A_CLIP - 1}
    assert leaves["stays"] == stays and leaves["pairs"] == every - sum(stays.values()) == sum(leaves["splits"].values())
    site.store.set_times(first, EventTimes(1.0, 1.0, "gold"), "test")
    assert site.get(f"/sets/{SET}")["leaves"]["pairs"] == every - 2 * A_CLIP


def test_rows_are_those_that_the_filter_lets_through(site: Site) -> None:
    every = list(range(len(site.pairs)))
    assert site.numbers(n=500) == every
    assert site.numbers(n=500, held="no") == [n for n in every if n != HELD]
    assert site.numbers(held="yes") == site.numbers(check="label_text") == [HELD]
    assert site.numbers(check="edge") == [WARNED]
    assert site.numbers(split="validation", n=500) == every[(CLIPS - 1) * A_CLIP : -1]
    assert site.numbers(type="imported") == every[-1:]
    early = [n for n, pair in enumerate(site.pairs) if pair.condition == "early"]
    assert site.numbers(condition="early", n=500) == early


def test_rows_begin_where_they_are_asked_for(site: Site) -> None:
    found = site.get(f"/sets/{SET}/rows", held="no", pair=5, n=2)
    assert (found["at"], found["total"], [row["n"] for row in found["rows"]]) == (4, len(site.pairs) - 1, [5, 6])
    assert site.get(f"/sets/{SET}/rows", at=999, n=3)["rows"][0]["n"] == len(site.pairs) - 1
    assert site.get(f"/sets/{SET}/rows", type="mute") == {"total": 0, "at": 0, "rows": []}


@pytest.mark.parametrize(
    "query", [{"held": "maybe"}, {"word": "liked"}, {"split": "dev"}, {"at": "-1"}, {"n": "9999"}, {"pair": "1.5"}]
)
def test_a_filter_that_means_nothing_is_refused_in_a_sentence(site: Site, query: dict[str, str]) -> None:
    answer = site.client.get(f"/api/pairs/sets/{SET}/rows", params=query)
    assert answer.status_code == 400 and next(iter(query)) in answer.json()["error"]


def test_a_pair_has_its_words_checks_tokens_and_what_the_player_needs(site: Site) -> None:
    found, pair = site.get(f"/sets/{SET}/pair/0"), site.pairs[0]
    assert "".join(text for text, _ in found["chosen"]["runs"]) == pair.chosen
    assert (found["chosen"]["label"], found["rejected"]["label"]) == (pair.label, pair.rejected_label)
    assert found["json"]["prompt"] == pair.prompt and found["id"] == pair.id
    assert found["tokens"]["video"] > 0 < found["tokens"]["audio"]
    about = found["about"]
    assert (about["clip"]["id"], about["stimulus"]["id"]) == (pair.clip_id, pair.stimulus_id)
    assert pair.audio_s is not None and pair.offset_s is not None
    assert about["times"]["heard_s"] == pair.audio_s
    assert about["times"]["audio_s"] == pytest.approx(pair.audio_s - pair.offset_s)
    assert ["event times", "gold"] in found["facts"]
    assert found["media"]["problem"] == ""
    assert {one["level"] for one in found["checks"]} == {"ok"}
    assert {"media are here, unchanged", "text says what the label says"} <= {one["words"] for one in found["checks"]}


def test_broken_checks_come_first_and_errors_are_told_from_warnings(site: Site) -> None:
    held, warned = (site.get(f"/sets/{SET}/pair/{number}")["checks"] for number in (HELD, WARNED))
    assert [(one["check"], one["level"]) for one in held[:2]] == [("label_text", "bad"), ("outside", "ok")]
    assert (warned[0]["check"], warned[0]["level"]) == ("edge", "warn")


def test_a_changed_file_is_said_at_its_pair(site: Site) -> None:
    pair = site.pairs[0]
    (site.store.workspace / pair.shown.sound).write_bytes(b"something else")
    found = site.get(f"/sets/{SET}/pair/0")
    assert "changed" in found["media"]["problem"]
    assert "media" not in {one["check"] for one in found["checks"]}


def test_a_pair_of_foreign_files_is_shown_without_a_player(site: Site) -> None:
    found = site.get(f"/sets/{SET}/pair/{len(site.pairs) - 1}")
    assert (found["about"], found["tokens"]) == (None, None)
    assert "/gone/film.mp4 is gone" in found["media"]["problem"]
    ticked = {one["check"] for one in found["checks"]}
    assert ticked == {"same", "near_duplicate", "split_leak", "junk"}, "what can be said of two texts alone"


def test_a_pair_that_is_not_there_is_said(site: Site) -> None:
    assert site.client.get(f"/api/pairs/sets/{SET}/pair/9999").status_code == 404
    assert site.client.get("/api/pairs/sets/nothing").status_code == 404


def test_a_decision_is_kept_shown_and_taken_back(site: Site) -> None:
    first, second = site.pairs[0].id, site.pairs[1].id
    site.post("/word", id=first, word="approved", save_id="x", seq=1)
    site.post("/word", id=second, word="dropped")
    assert site.get(f"/sets/{SET}")["words"] == {"approved": 1, "dropped": 1}
    assert (site.numbers(word="approved"), site.numbers(word="dropped")) == ([0], [1])
    assert site.numbers(word="none", n=500) == list(range(2, len(site.pairs)))
    assert site.get(f"/sets/{SET}/rows", pair=1, n=1)["rows"][0]["word"] == "dropped"
    site.post("/word", id=second, word="")
    assert site.numbers(word="dropped") == []


@pytest.mark.parametrize("body", [{}, {"id": "x", "word": "liked"}, {"id": 3, "word": "dropped"}, {"word": "dropped"}])
def test_a_decision_that_means_nothing_is_refused(site: Site, body: dict[str, Any]) -> None:
    assert site.error("/word", **body)
    assert site.store.definitions("pair_word") == {}


def test_recipes_are_kept_and_removed_and_shipped_ones_stay(site: Site) -> None:
    recipe = {"name": "mine", "title": "Mine", "stage": "dpo", "counts": {"mute": 5}, "seed": 3}
    kept = site.post("/recipe/save", recipe=recipe)["recipe"]
    assert (kept["total"], kept["own"]) == (5, True)
    rows = {one["name"]: one for one in site.get("")["recipes"]}
    assert rows["mine"]["own"] and not rows["counterfactual-mix"]["own"]
    assert "comes with thud" in site.error("/recipe/save", recipe={**recipe, "name": "counterfactual-mix"})
    site.post("/recipe/remove", name="mine")
    assert "mine" not in {one["name"] for one in site.get("")["recipes"]}
    assert site.error("/recipe/remove", name="mine")


@pytest.mark.parametrize(
    "recipe", [None, [], {"name": "x"}, {"name": "x", "counts": {"CTP": -1}}, {"name": "x", "counts": {"nothing": 1}}]
)
def test_a_recipe_that_cannot_be_built_is_refused(site: Site, recipe: Any) -> None:
    assert site.error("/build", recipe=recipe)
    assert site.store.runs() == []


def test_what_cannot_be_exported_imported_or_frozen_is_refused_in_a_sentence(site: Site, tmp_path: Path) -> None:
    assert "format" in site.error(f"/sets/{SET}/export", format="csv")
    assert "no pair set" in site.error("/sets/nothing/export", format="trl")
    assert site.error("/import", path=str(tmp_path / "nothing.jsonl"))
    assert "remap" in site.error("/import", path="x.jsonl", remap=[["a"]])
    assert site.error("/material", path=str(tmp_path / "nothing.jsonl"))
    assert site.error(f"/sets/{SET}/fix", fix="improve")
    assert site.error(f"/sets/{SET}/freeze", name="")


def test_freezing_keeps_the_test_clips_for_good(site: Site) -> None:
    site.post(f"/sets/{SET}/freeze", name="first")
    assert [(one["name"], one["clips"]) for one in site.get("")["held_out"]] == [("first", 2)]


def test_a_build_names_its_run_and_then_its_set(site: Site) -> None:
    recipe = {"name": "mine", "title": "Mine", "stage": "dpo", "counts": {"shift": 4}, "seed": 3}
    run = site.post("/build", recipe=recipe)["run"]
    assert site.runs.wait(run).state == "done"
    made = site.get(f"/runs/{run}")
    found = site.get(f"/sets/{made['set']}")
    assert (found["pairs"], found["title"], made["empty"], made["refused"]) == (4, "Mine", False, "")
    assert site.get("")["sets"][0]["id"] == made["set"]
