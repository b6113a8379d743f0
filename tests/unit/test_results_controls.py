"""The controls in everything that the Results page gives away: its numbers, the files it exports, the report."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import Any

import pytest

from tests.unit.controls_kit import Filled, by_ear, filled, prior, right, tell
from thud.store import Store, open_store
from ui.results.data import compare_json, leaderboard_json, model_json
from ui.results.report import report
from ui.routes.results_export import compare_csv, leaderboard_csv, leaderboard_tex, model_csv

SET = "structured"


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    folder = tmp_path_factory.mktemp("controls")
    with open_store(folder / "a.duckdb", folder, min_free_bytes=0) as opened:
        there = filled(opened, 24)
        for name, says in (("listens", right), ("ear", by_ear), ("prior", prior), ("unsure", right)):
            tell(opened, there, name, says)
        for name in ("listens", "ear"):
            tell(opened, there, name, by_ear, "shuffled_picture")
        tell(opened, there, "frames", prior, "picture_only")
        tell(opened, Filled({key: one for key, one in there.stimuli.items() if key[0] < 2}), "few", right)
        yield opened


def board(store: Store) -> dict[tuple[str, str], dict[str, Any]]:
    return {(row["listener"], row["arm"]): row for row in leaderboard_json(store, {})["rows"]}


def key(store: Store, name: str, arm: str = "audio_video") -> str:
    return str(board(store)[name, arm]["row"])


def lines(text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text)))


def test_a_row_of_the_leaderboard_carries_them(store: Store) -> None:
    rows = board(store)
    listens, unsure = rows["listens", "audio_video"], rows["unsure", "audio_video"]
    assert listens["alike"]["value"] == 1.0 and listens["controls"]["ask"] is None
    assert listens["controls"]["shuffled"]["value"] == rows["listens", "shuffled_picture"]["alike"]["value"]
    wanted = {"listener": "unsure", "set": SET, "arms": ["shuffled_picture"], "tasks": ["sync"]}
    assert unsure["controls"]["ask"] == wanted
    assert listens["controls"]["accuracy"]["n"] == 72 and listens["controls"]["accuracy"]["sources"] == 24
    few = rows["few", "audio_video"]["controls"]
    assert few["ask"]["clips"] == sorted(one.id for one in store.clips() if one.source in ("film 0", "film 1"))
    assert model_json(store, {"row": key(store, "few")})["controls"]["ask"] == few["ask"]
    assert rows["frames", "picture_only"]["controls"] is None and rows["frames", "picture_only"]["alike"] is None
    sorted_rows = [row["alike"] for row in leaderboard_json(store, {"sort": "alike"})["rows"]]
    values = [one["value"] for one in sorted_rows if one]
    assert values == sorted(values, reverse=True) and sorted_rows[-1] is None


def test_a_listeners_page_and_two_compared_say_whether_it_counts(store: Store) -> None:
    told = model_json(store, {"row": key(store, "listens")})["controls"]
    assert "gone under another picture" in told["words"] and told["listening"] == "above"
    assert model_json(store, {"row": key(store, "frames", "picture_only")})["controls"] is None

    def compared(a: str, b: str) -> dict[str, Any]:
        found: dict[str, Any] = compare_json(store, {"a": key(store, a), "b": key(store, b)})["listening"]
        return found

    gained = compared("prior", "listens")
    assert gained["counts"] is True and gained["words"].startswith("B gains 67 points")
    assert gained["difference"]["value"] == pytest.approx(2 / 3) and gained["p"] < 0.001
    assert gained["difference"]["low"] > 0.3 and gained["test_words"].startswith("signs of the differences")
    turned = compared("listens", "prior")
    assert turned["counts"] is True and turned["words"].startswith("A gains 67 points")
    assert turned["difference"]["value"] == pytest.approx(-2 / 3)
    assert compared("prior", "ear")["counts"] is False
    assert compared("prior", "unsure")["counts"] is None
    assert "No difference is shown" in compared("listens", "unsure")["words"]
    pictures = {"a": key(store, "frames", "picture_only"), "b": key(store, "listens")}
    assert compare_json(store, pictures)["listening"] is None


def test_the_exported_table_holds_them(store: Store) -> None:
    found = leaderboard_json(store, {})
    row = board(store)["listens", "audio_video"]
    told = {line[5]: line[6] for line in lines(leaderboard_csv(found)) if line[4] == row["row"]}
    assert float(told["alike"]) == 1.0 and float(told["sound_alone"]) == row["controls"]["ceiling"]["value"]
    assert float(told["another_picture"]) == row["controls"]["shuffled"]["value"]
    assert float(told["over_sound_alone"]) == pytest.approx(1 - float(told["sound_alone"]))
    tex = leaderboard_tex(found)
    table = tex[tex.index("\\midrule") :]
    rows = [line for line in table.splitlines() if line.count("&") > 0]
    assert {line.count("&") for line in rows} == {10} and "Sound alone" in tex
    listens = next(line for line in rows if line.startswith("listens, audio"))
    assert listens.split("&")[8].strip() == "100.0" and listens.split("&")[9].strip() != "--"
    unsure = next(line for line in rows if line.startswith("unsure"))
    assert unsure.split("&")[10].strip() == "-- \\\\"


def test_the_other_files_hold_them(store: Store) -> None:
    page = lines(model_csv(model_json(store, {"row": key(store, "listens")})))
    assert {line[1] for line in page if line[0] == "sync"} == {
        "alike", "sound_alone", "another_picture", "over_sound_alone",
    }  # fmt: skip
    two = compare_json(store, {"a": key(store, "prior"), "b": key(store, "listens")})
    table = {line[0]: line for line in lines(compare_csv(two))}
    assert [float(each) for each in table["sync_alike"][1:4]] == pytest.approx([1 / 3, 1.0, 2 / 3])
    assert table["sync_alike"][6:8] == ["72", "24"] and table["sync_alike"][11] == "sign_flip"
    assert table["another_picture"][1] == "" and float(table["sound_alone"][1]) == float(table["sound_alone"][2])
    assert any(line[0].startswith("B gains 67 points") for line in lines(compare_csv(two)))
    html = report(store, {}, "w")
    assert "Is it listening?" in html and "over what the sound alone allows, and gone under another picture" in html
    assert "<th>sound alone</th>" in html and "not asked" in html
