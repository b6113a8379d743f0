"""What the Train page is told: settings as YAML, what speaks against a run, the card as CSV; its routes over HTTP."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from hypothesis import given
from hypothesis import strategies as st

from tests.train_kit import add_lines, end, journal, put_run, some_runs
from tests.training.run_kit import make_export
from tests.unit.test_routes_annotate import serving
from thud.errors import BadRequest, ThudError
from thud.records import Run
from thud.runs.run import Runs
from thud.runs.training import TrainWanted, recipe_config, recipe_names
from thud.runs.training.afterwards import Afterwards
from thud.runs.training.wanted import config_of, over
from thud.store import Store, open_store
from ui.door.auth import AccountBook, Guard
from ui.door.rights import least_role
from ui.house import House
from ui.routes.train import train_router
from ui.serve import _say
from ui.train.asked import OWN, SHOWN, after_of, read_yaml, rest_yaml, wanted_json, wanted_of, wrong_field
from ui.train.card import card_csv
from ui.train.facts import facts_of

PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text("abc", max_size=3),
    lambda inside: st.dictionaries(st.text("abc", min_size=1, max_size=2), inside, max_size=3),
    max_leaves=6,
)
MAPPINGS = st.dictionaries(st.text("abc", min_size=1, max_size=2), PLAIN, max_size=4)


# ---------- settings ----------


@pytest.mark.parametrize("name", recipe_names())
def test_what_is_left_of_a_recipe_and_what_is_shown_make_the_recipe_again(name: str) -> None:
    config = recipe_config(name)
    stage = config["stage"]
    rest = read_yaml(rest_yaml(config), stage)
    assert not rest.keys() & {*SHOWN[stage], *OWN}
    shown: dict[str, Any] = {}
    for field in SHOWN[stage]:
        part, _, one = field.partition(".")
        if one and one in config.get(part, {}):
            shown.setdefault(part, {})[one] = config[part][one]
        elif not one and part in config:
            shown[part] = config[part]
    assert over(rest, shown) == {key: value for key, value in config.items() if key not in OWN}


@given(MAPPINGS, MAPPINGS)
def test_the_upper_settings_win_and_the_lower_ones_stay_as_they_were(
    under: dict[str, Any], top: dict[str, Any]
) -> None:
    before = repr(under)
    both = over(under, top)
    assert both.keys() == under.keys() | top.keys() and repr(under) == before
    assert over(both, top) == both
    assert all(both[key] == under[key] for key in under.keys() - top.keys())


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("seed: [1", "no YAML in line 1"),
        ("- a\n- b", "“name: value”"),
        ("12", "“name: value”"),
        ("base: elsewhere", "base is chosen above"),
        ("a: {b: {c: {d: {e: 1}}}}", "a is no number"),
        ("!!python/object/apply:os.system ['true']", "a tag in line 1"),
        ("a: &a [*a]", "an anchor"),
        ("a: &a [1]\nb: [*a, *a]", "an anchor"),
        ("a: !!binary aGk=", "a tag"),
        ("a: " + "[" * 9000, "too deep"),
        ("a: 2026-13-45", "cannot be"),
        ("a: 2026-01-02", "a is no number"),
        ("seed: " + "9" * 5000, "cannot be"),
        ("seed: 0x" + "f" * 5000, "seed is no number"),
        ("seed: .nan", "seed is no number"),
        ("seed: -.inf", "seed is no number"),
        ("learning_rate: 2", "learning_rate has a field of its own"),
        ("lora: {dropout: 0, rank: 3}", "lora.rank has a field of its own"),
    ],
)
def test_settings_that_cannot_be_are_named(written: str, said: str) -> None:
    with pytest.raises(BadRequest, match=said):
        read_yaml(written, "sft")


def test_what_another_stage_shows_may_be_written() -> None:
    assert read_yaml("loss: {beta: 1}", "sft") == {"loss": {"beta": 1}}
    assert read_yaml("warmup: 0.1", "dpo") == {"warmup": 0.1} and "warmup" in rest_yaml(recipe_config("demo-dpo"))
    with pytest.raises(BadRequest, match="loss.beta"):
        read_yaml("loss: {beta: 1}", "dpo")


def test_the_fields_of_the_page_win_over_the_written_settings() -> None:
    body = {"stage": "sft", "yaml": "seed: 3\nlora: {dropout: 0.1}", "fields": {"lora": {"rank": 8}}}
    assert wanted_of(body).fields == {"seed": 3, "lora": {"rank": 8, "dropout": 0.1}}


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({}, "stage"), ({"stage": "rlhf"}, "stage is sft or dpo"), ({"stage": "sft", "fields": [1]}, "fields"),
        ({"stage": "sft", "fields": {"seed": 1e999}}, "seed is no number"),
        ({"stage": "sft", "device": 0}, "device"), ({"stage": "sft", "waive": "lint"}, "waive"),
        ({"stage": "sft", "yaml": "x" * 30_000}, "too long"), ({"stage": "sft", "base": 7}, "base"),
    ],
)  # fmt: skip
def test_what_a_page_cannot_mean_is_refused(body: dict[str, Any], said: str) -> None:
    with pytest.raises(BadRequest, match=said):
        wanted_of(body)


def test_what_was_told_once_is_told_again_alike() -> None:
    body = {
        "stage": "dpo", "base": "tiny", "recipe": "demo-dpo", "set": "s", "export": "", "adapter_run": "r",
        "adapter": "", "fields": {"learning_rate": 0.1}, "yaml": "", "device": "0", "waive": ["no_gain"],
        "on": "slurm:gpu",
    }  # fmt: skip
    assert wanted_json(wanted_of(body)) == body


def test_settings_of_a_clone_without_a_field_are_yaml_that_can_be_changed() -> None:
    told = {"lora": {"rank": 4, "dropout": 0.2}, "seed": 3}
    first = wanted_json(TrainWanted("sft", base="tiny", recipe="demo-sft", fields=told))
    assert first["fields"] == {"lora": {"rank": 4}}
    assert config_of(wanted_of(first)) == over({**recipe_config("demo-sft"), "base": "tiny"}, told)
    changed = {**first, "yaml": first["yaml"].replace("seed: 3", "seed: 5")}
    assert config_of(wanted_of(changed))["seed"] == 5


def test_a_sentence_about_a_setting_leads_to_its_field() -> None:
    assert wrong_field("learning_rate is 2; it has to be from 0 to 1.") == "learning_rate"
    assert wrong_field("batch_size is 0; it has to be at least 1.") == "rows"
    assert wrong_field("loss.beta is 0; it has to be over 0.") == "loss.beta"
    assert wrong_field("The checkpoints take 3.2 GB.") == ""


# ---------- what speaks against it ----------

ABLE = {"gpus": [], "cores": 2, "ram_free_gb": 24.0, "disk_free_gb": 55.0}
CHECK = {"reasons": [], "longest": {"all": 252}, "config": {"max_tokens": 300}, "memory": {"total": 0.24}}


def about(**more: Any) -> dict[str, Any]:
    return {"pairs": {"train": 80, "validation": 16}, "exports": False, "waived": (), "blocked": "", **more}


def reason(level: str, topic: str, **more: str) -> dict[str, str]:
    return {"level": level, "about": topic, "reason": f"{topic} is wrong.", "fix": "Mend it.", "waive": "", **more}


def test_what_stops_it_comes_first_and_nothing_is_fine_that_was_found_wrong() -> None:
    reasons = [reason("note", "tokens"), reason("degraded", "lint", waive="length"), reason("blocked", "disk")]
    found = facts_of({**CHECK, "reasons": reasons}, ABLE, about())
    assert [one["level"] for one in found[:3]] == ["bad", "warn", "info"]
    assert found[0]["words"] == "disk is wrong." and found[1]["waive"] == "length"
    fine = {one["title"]: one["words"] for one in found if one["level"] == "ok"}
    assert "Room for checkpoints" not in fine
    assert fine["Pairs"] == "80 train, 16 validation; files as they were exported"
    assert fine["Prompt and media fit"] == "longest 252 of 300 tokens, nothing cut"
    assert fine["Memory"] == "about 0.2 of 24 GB free"


def test_what_was_accepted_stays_in_sight_and_can_be_taken_back() -> None:
    (line,) = [one for one in facts_of(CHECK, ABLE, about(waived=("no_gain",))) if one["waived"]]
    assert (line["level"], line["waive"], line["words"]) == ("info", "no_gain", "no gain")


def test_nothing_is_said_of_this_machine_where_another_trains() -> None:
    here, there = ({one["title"]: one["words"] for one in facts_of(CHECK, able, about())} for able in (ABLE, {}))
    assert here["Device"] == "the processor, 2 cores" and here["Room for checkpoints"] == "55 GB free"
    assert not {"Device", "Room for checkpoints"} & there.keys()


def test_a_sentence_beside_the_checker_stops_it_too() -> None:
    assert facts_of(CHECK, ABLE, about(blocked="The set is gone."))[0]["words"] == "The set is gone."
    assert all(one["level"] == "ok" for one in facts_of(CHECK, ABLE, about()))


# ---------- the card ----------


def share(value: float) -> dict[str, float]:
    return {"value": value, "low": value / 2, "high": 1.0, "n": 24}


def test_the_card_as_csv_holds_every_figure() -> None:
    stages = [
        {"name": name, "accuracy": share(a), "by_class": {"early": share(a / 2)}, "shuffled": share(0.3), "words": "w"}
        for name, a in (("before", 0.25), ("after SFT", 0.9))
    ]
    step = {
        "before": "before",
        "after": "after SFT",
        "difference": share(0.65),
        "by_class": {},
        "p": 0.01,
        "holm_p": 0.03,
        "test_words": "Flips",
        "words": "s",
    }
    found = {
        "stages": stages, "steps": [step], "ceiling": {**share(0.5), "how": "guessed"}, "items": 96, "answer": "Yes.",
        "words": "It gains.", "notes": ["Of muted sound it was asked whether anything is heard."],
    }  # fmt: skip
    rows = list(csv.DictReader(io.StringIO(card_csv({"found": found, "caveat": "nothing about real video"}))))
    got = {(row["figure"], row["of"], row["class"]): row for row in rows}
    assert got["accuracy", "after SFT", "all"]["value"] == "0.9"
    assert got["accuracy", "before", "early"]["low"] == "0.0625"
    assert got["under another picture", "after SFT", "all"]["value"] == "0.3"
    step_row = got["difference", "before to after SFT", "all"]
    assert (step_row["p"], step_row["holm_p"], step_row["words"]) == ("0.01", "0.03", "Flips. s")
    assert got["note", "", ""]["words"].startswith("Of muted")
    assert got["sound alone allows", "", "all"]["words"] == "guessed"
    assert got["verdict", "Yes.", ""]["words"] == "It gains."
    assert got["does not prove", "", ""]["words"] == "nothing about real video"


# ---------- over HTTP ----------


@dataclass(frozen=True, slots=True)
class Site:
    store: Store
    client: httpx.Client
    runs: dict[str, Run]

    def get(self, path: str = "", /, **query: Any) -> Any:
        answer = self.client.get(f"/api/train{path}", params=query)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def post(self, path: str, /, **body: Any) -> Any:
        answer = self.client.post(f"/api/train{path}", json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def error(self, path: str, /, **body: Any) -> str:
        answer = self.client.post(f"/api/train{path}", json=body)
        assert 400 <= answer.status_code < 500, answer.text
        return str(answer.json()["error"])


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    space = tmp_path / "workspace"
    with open_store(tmp_path / "annotations.duckdb", space, min_free_bytes=0) as store, Runs(store, space) as runs:
        made = some_runs(store)
        house = House(store, runs, space, "test")
        app = FastAPI()
        app.add_exception_handler(ThudError, _say)
        app.include_router(train_router(house))
        app.add_middleware(Guard, accounts=AccountBook(tmp_path / "accounts.json"), allowed_hosts=("127.0.0.1",))
        with serving(app) as url, house.desk, httpx.Client(base_url=url, timeout=60) as client:
            yield Site(store, client, made)


def test_training_is_for_researchers() -> None:
    for path in ("/api/train", "/api/train/recipes", "/api/train/runs/x", "/api/train/runs/x/before-after.csv"):
        assert least_role("GET", path) == "researcher"
    for path in ("/api/train/start", "/api/train/demo", "/api/train/runs/x/stop", "/api/train/check"):
        assert least_role("POST", path) == "researcher"


def test_the_overview_lists_runs_newest_first_with_what_they_have_learnt(site: Site) -> None:
    found = site.get()
    assert [run["name"] for run in found["runs"]] == ["dpo-0004", "sft-0003", "sft-0002", "sft-0001"]
    assert [run["state"] for run in found["runs"]] == ["running", "failed", "stopped", "done"]
    done = found["runs"][-1]
    assert done["held_out"] == {"first": 0.25, "last": pytest.approx(0.95), "best": pytest.approx(0.95)}
    assert (done["step"], done["of"], done["seconds"]) == (40, 40, 40 * 0.5), "its steps alone, however long it waited"
    assert found["runs"][0]["seconds"] is None and {run["expected_gb"] for run in found["runs"]} == {None}
    assert found["runs"][1]["short"] == "out of memory"
    assert {one["stage"] for one in found["recipes"]} == {"sft", "dpo"}
    assert found["demo"]["here"] is False and found["adapters"] == []
    assert all("training." in run["command"] for run in found["runs"])


def test_only_what_has_come_to_its_end_is_gone_on_from(site: Site) -> None:
    for name in ("sft-0001", "sft-0002"):
        (site.store.workspace / site.runs[name].folder / "adapter").mkdir()
    assert [one["name"] for one in site.get()["adapters"]] == ["sft-0001"]


def test_a_model_that_was_trained_as_a_whole_can_be_gone_on_from(site: Site) -> None:
    config = {"stage": "sft", "base": "tiny", "data": "x", "tuning": "full"}
    lines = [*journal(4, 4, rounds=(0, 4)), end("done", 4)]
    run = put_run(site.store, "sft-0006", "done", lines, config=config, device="0")
    folder = site.store.workspace / run.folder
    (folder / "model").mkdir()
    result = {"key": "k", "outcome": "ok", "result": {"adapter": f"{run.folder}/model"}}
    (folder / "results.jsonl").write_text(json.dumps(result) + "\n")
    (folder.parent.parent / "exports" / "pairs" / "by-hand").mkdir(parents=True)
    (folder.parent.parent / "exports" / "pairs" / "by-hand" / "train.jsonl").write_text("")
    (one,) = site.get()["adapters"]
    assert (one["base"], one["of"], one["full"], one["step"]) == ("tiny", "tiny", True, 4)
    asked = {"stage": "dpo", "recipe": "demo-dpo", "export": "by-hand", "adapter_run": run.id, "quick": True}
    for base in ("tiny", str(folder / "model"), ""):
        told = site.post("/check", base=base, **asked)
        assert (told["blocked"], told["config"]["base"], told["config"]["adapter"]) == ("", str(folder / "model"), "")
    assert "belongs to tiny, not to other" in site.post("/check", base="models/other", **asked)["blocked"]
    assert next(row["expected_gb"] for row in site.get()["runs"] if row["run"] == run.id) == 0.2, "on a GPU it compares"


def test_lines_come_once_and_all_again_when_the_run_went_back(site: Site) -> None:
    run = site.runs["dpo-0004"]
    path = f"/runs/{run.id}"
    first = site.get(path)
    assert len(first["lines"]) > 25 and site.get(path, offset=first["offset"])["lines"] == []
    folder = site.store.workspace / run.folder
    add_lines(folder, [{"event": "step", "step": 26, "of": 40, "loss": 0.1, "seconds": 0.5}])
    more = site.get(path, offset=first["offset"])
    assert [line["step"] for line in more["lines"]] == [26] and not more["restarted"]
    (folder / "metrics.jsonl").write_text("")
    add_lines(folder, journal(3, 40))
    again = site.get(path, offset=more["offset"])
    assert again["restarted"] and again["lines"][-1]["step"] == 3
    assert site.get(path, offset="nonsense")["lines"][0]["event"] == "begin"


def test_a_form_that_is_not_filled_in_is_no_error(site: Site) -> None:
    told = site.post("/check", stage="sft", recipe="demo-sft", quick=True)
    assert "pairs" in told["blocked"] and told["facts"][0]["level"] == "bad"
    assert "no YAML" in site.post("/check", stage="sft", yaml="a: [", quick=True)["blocked"]
    assert "no export" in site.post("/check", stage="sft", export="/", quick=True)["blocked"]
    assert "stage" in site.error("/start", stage="")
    assert site.post("/check", stage="sft", yaml="tuning: full", base="b", quick=True)["config"]["tuning"] == "full"


def test_a_run_is_told_again_as_it_was(site: Site) -> None:
    wanted = site.post(f"/runs/{site.runs['sft-0001'].id}/clone")["wanted"]
    assert (wanted["recipe"], wanted["export"], wanted["fields"]) == ("demo-sft", "by-hand", {"learning_rate": 0.002})
    assert wanted["yaml"] == "" and wanted_of(wanted).fields == {"learning_rate": 0.002}


def test_what_is_at_work_is_not_deleted_and_what_ended_is(site: Site) -> None:
    assert "still at work" in site.error(f"/runs/{site.runs['dpo-0004'].id}/delete")
    site.post(f"/runs/{site.runs['sft-0003'].id}/delete")
    assert [run["name"] for run in site.get()["runs"]] == ["dpo-0004", "sft-0002", "sft-0001"]
    assert not (site.store.workspace / site.runs["sft-0003"].folder).exists()


def test_what_another_run_goes_on_from_is_kept(site: Site) -> None:
    put_run(site.store, "dpo-0005", "done", journal(4, 4), adapter_run=site.runs["sft-0001"].id)
    assert "dpo-0005" in site.error(f"/runs/{site.runs['sft-0001'].id}/delete")


def test_runs_of_other_kinds_are_left_alone(site: Site) -> None:
    other = Run("0" * 16, "build", "Build", "cancelled", 1, folder="runs/0")
    site.store.add_run(other, "ana")
    for verb in ("stop", "resume", "clone"):
        assert site.error(f"/runs/{other.id}/{verb}") == "This run trains nothing."
    assert site.client.get("/api/train/runs/none").status_code == 404


def test_the_card_of_a_run_says_what_is_missing(site: Site) -> None:
    card = site.get(f"/runs/{site.runs['sft-0001'].id}/before-after")
    assert card["found"] is None and not card["can"] and "not in this workspace" in card["why"]
    assert [row["words"] for row in card["rows"]] == ["before", "after SFT"]
    table = site.client.get(f"/api/train/runs/{site.runs['sft-0001'].id}/before-after.csv")
    assert table.headers["content-type"].startswith("text/csv") and table.text.startswith("figure,of,class")
    assert "not in this workspace" in site.error(f"/runs/{site.runs['sft-0001'].id}/measure")


def test_a_chain_of_another_run_is_not_at_work_on_this_one(site: Site) -> None:
    chain = {"title": "Teach", "kind": "demo", "by": "ana", "at": "2026-01-02", "nothing": {}, "stuck": None}
    site.store.define("chain", "other", {**chain, "steps": [{"do": "train", "stage": "sft"}]}, "ana")
    run = put_run(site.store, "sft-0006", "running", journal(4, 40), chain=["other", 0])
    told = {
        name: site.get(f"/runs/{each.id}/before-after")["asking"] for name, each in (site.runs | {"new": run}).items()
    }
    assert told.pop("new") == "Teach is at work."
    assert set(told.values()) == {""}


def test_who_is_asked_is_said_without_a_count_that_would_stand_still(site: Site) -> None:
    settings = {"listener": {"name": "tiny"}}
    site.store.add_run(Run("1" * 16, "listen", "Ask tiny: 96 items", "running", 96, done=3, settings=settings), "ana")
    assert site.get(f"/runs/{site.runs['sft-0001'].id}/before-after")["asking"] == "Ask tiny: 96 items."


def test_the_log_is_shown(site: Site) -> None:
    assert "last words" in site.get(f"/runs/{site.runs['sft-0003'].id}/log")["log"]


def test_there_is_no_demo_where_its_clips_are_not(site: Site) -> None:
    assert "no demo clips" in site.error("/demo")


def put_chain(site: Site, name: str, at: str, kind: str = "", stuck: bool = False) -> None:
    """A chain of one step that has nothing to do: done, or paused."""
    why = {"step": 0, "problem": "The set is gone.", "held": False} if stuck else None
    body = {"title": name, "kind": kind, "steps": [{"do": "train", "stage": "sft"}], "by": "ana", "at": at}
    site.store.define("chain", name, {**body, "nothing": {} if stuck else {"0": "nothing"}, "stuck": why}, "ana")


def test_every_chain_that_is_not_done_is_shown_and_the_newest_that_has_taught(site: Site) -> None:
    put_chain(site, "old paused", "2026-01-01", stuck=True)
    for number in range(6):
        put_chain(site, f"measured {number}", f"2026-01-1{number}", kind="measure")
    put_chain(site, "old demo", "2026-01-20", kind="demo")
    put_chain(site, "demo", "2026-01-21", kind="demo")
    put_chain(site, "new paused", "2026-01-22", stuck=True)
    assert [one["id"] for one in site.get()["chains"]] == ["new paused", "old paused", "demo"]


def test_what_a_chain_waits_for_is_shown_and_nothing_else_can_be_accepted(site: Site) -> None:
    put_chain(site, "paused", "2026-01-01", stuck=True)
    body = site.store.definitions("chain")["paused"]
    stuck = {**body["stuck"], "waive": {"no_gain": "It may be chance."}}
    site.store.define("chain", "paused", {**body, "stuck": stuck}, "ana")
    assert [one["waive"] for one in site.get()["chains"] if one["id"] == "paused"] == [{"no_gain": "It may be chance."}]
    assert "does not wait for “length”" in site.error("/chains/paused/go-on", waive=["no_gain", "length"])
    assert site.store.definitions("chain")["paused"]["stuck"] == stuck, "nothing has changed"
    site.post("/chains/paused/go-on", waive=["no_gain"])
    assert site.store.definitions("chain")["paused"]["steps"][0]["waive"] == ["no_gain"]


@pytest.mark.parametrize("then", [["ask"], {"recipe": 1}, {"recipe": "demo-dpo", "set": 1}])
def test_what_cannot_be_meant_to_follow_is_refused(then: Any) -> None:
    with pytest.raises(BadRequest):
        after_of({"then": then})


def test_what_follows_is_read_and_a_set_without_dpo_is_left_out() -> None:
    assert after_of({}) == after_of({"then": {"recipe": "", "set": "x", "ask": "yes"}}) == Afterwards()
    assert after_of({"then": {"recipe": "demo-dpo", "set": "x", "ask": True}}) == Afterwards("demo-dpo", "x", True)


def test_the_check_says_what_cannot_follow(site: Site) -> None:
    export = make_export(site.store.workspace)
    told = site.post("/check", stage="sft", recipe="demo-sft", export=str(export), then={"recipe": "demo-dpo"})
    assert "nobody knows which clips" in told["then"]["ask"] and "Choose the pairs" in told["then"]["train"]
    assert told["wrong"] == "" and told["blocked"]
    asked = {"stage": "sft", "recipe": "demo-sft", "export": str(export), "waive": ["never_linted"]}
    assert "nobody knows which clips" in site.error("/start", **asked, then={"ask": True})
    assert "Choose the pairs" in site.error("/start", **asked, then={"recipe": "demo-dpo"})
    assert len(site.get()["runs"]) == 4, "nothing has started"
