"""Export and import as runs: what stays behind, what is refused before and after the start, and the way back."""

from __future__ import annotations

import argparse
import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.unit.pair_files_kit import Bench, bench
from tests.unit.runs_kit import tiny_disk
from thud.cli.output import Output
from thud.cli.pairs import files
from thud.errors import BadRequest, NotFound, StoreFull
from thud.pairs.formats import read_any
from thud.pairs.pair import Pair
from thud.pairs.pair_set import SetWriter, open_set
from thud.records import EventTimes, content_id
from thud.runs.job import CannotGoOn
from thud.runs.jobs import pairs_export, pairs_import
from thud.runs.pairs.files import exports, parse_remap, start_export, start_import
from thud.runs.pairs.sets import SET, find_set, media_problems, say, stale
from thud.store import Store, open_store

Json = dict[str, Any]


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    return bench(tmp_path_factory.mktemp("files"))


@pytest.fixture
def made(first: Bench, tmp_path: Path) -> Bench:
    """A workspace of its own; the clips are shared."""
    shutil.copytree(first.workspace, tmp_path / "workspace")
    return replace(first, workspace=tmp_path / "workspace")


@pytest.fixture
def store(made: Bench, tmp_path: Path) -> Iterator[Store]:
    with open_store(tmp_path / "annotations.duckdb", made.workspace) as opened:
        opened.add_clips(made.clips, "test")
        opened.add_stimuli(made.stimuli, "test")
        yield opened


def keep(store: Store, pairs: list[Pair], held: dict[int, list[str]] | None = None, **about: Any) -> str:
    """A set of those pairs, known to the store."""
    with SetWriter(store.workspace) as writer:
        for number, pair in enumerate(pairs):
            writer.add(pair, (held or {}).get(number, ()), (held or {}).get(number, ()))
        name = content_id("built", [pair.id for pair in pairs], held, about)
        set_id = writer.finish({"title": "Two clips", "made_at": "2026-01-01T00:00:00+00:00", **about}, name)
    summary = open_set(store.workspace, set_id).summary
    names = ("title", "stage", "pairs", "held", "made_at", "origin", "parent")
    store.define(SET, set_id, {**{name: summary[name] for name in names}, "recipe": ""}, "test")
    return set_id


class Planner:
    """Takes what would be started, so that a test can do the work in this process."""

    def __init__(self) -> None:
        self.items: list[Json] = []

    def start(self, kind: str, title: str, settings: Json, items: list[Json], actor: str, **more: Any) -> str:
        self.items = json.loads(json.dumps(items))
        return title


def exported(store: Store, set_id: str, form: str = "trl", name: str = "") -> Json:
    plan: Any = Planner()
    start_export(store, plan, set_id, form, "test", name)
    [item] = plan.items
    result = pairs_export.work(item, store.workspace)
    assert pairs_export.work(item, store.workspace) == result  # a worker that died is asked again
    pairs_export.ingest(store, item, result)
    return result


def imported(store: Store, path: Path, remap: list[tuple[str, str]] | None = None) -> tuple[str, Json]:
    plan: Any = Planner()
    start_import(store, plan, path, remap or [], "test")
    [item] = plan.items
    result = pairs_import.work(item, store.workspace)
    assert pairs_import.work(item, store.workspace)["tally"] == result["tally"]
    pairs_import.ingest(store, item, result)
    return result["set"], result


def test_held_and_dropped_pairs_stay_behind(store: Store, made: Bench) -> None:
    set_id = keep(store, [*made.pairs], {1: ["label_text"]})
    say(store, made.pairs[4].id, "dropped", "test")
    say(store, made.pairs[5].id, "approved", "test")
    result = exported(store, set_id)
    assert result["pairs"] == 6 and result["splits"] == {"train": 3, "validation": 3}
    folder = Path(result["folder"])
    gone = {made.pairs[1].id, made.pairs[4].id}
    assert [one.id for one in read_any(folder) if isinstance(one, Pair)] == [
        pair.id for pair in made.pairs if pair.id not in gone
    ]
    told = json.loads((folder / "manifest.json").read_text())
    assert told["kept_back"] == {
        "held back by the linter": 1, "dropped by hand": 1, "of clips whose times changed": 0,
    }  # fmt: skip
    assert exports(store)[folder.name]["pairs"] == 6 and folder.parent == store.workspace / "exports/pairs"


def test_pairs_of_a_clip_whose_times_changed_stay_behind(store: Store, made: Bench) -> None:
    set_id = keep(store, [*made.pairs], basis={made.clips[0].id: "another time", made.clips[1].id: ""})
    assert exported(store, set_id)["splits"] == {"validation": 4}


def test_the_manifest_names_the_findings_that_go_out(store: Store, made: Bench) -> None:
    counts = {"edge": 2, "letter_prior": 1, "label_text": 3, "length": 0}
    lint = {
        "rows": 8,
        "checks": [
            {"check": name, "title": name, "severity": "warning" if name in ("edge", "length") else "error",
             "count": count, "words": "", "of": 8, "rows": [], "more": False, "fix": ""}
            for name, count in counts.items()
        ],
    }  # fmt: skip
    folder = Path(exported(store, keep(store, [*made.pairs], lint=lint))["folder"])
    told = json.loads((folder / "manifest.json").read_text())
    assert [one["check"] for one in told["waived"]] == ["edge", "letter_prior"]
    assert "- edge: 2" in (folder / "README.md").read_text()


def test_an_export_that_makes_no_sense_is_refused_before_it_starts(store: Store, made: Bench) -> None:
    plan: Any = Planner()
    all_held = keep(store, [*made.pairs[:2]], {0: ["gap"], 1: ["gap"]})
    with pytest.raises(BadRequest, match="nothing to export: of 2 pairs, 2 held back by the linter"):
        start_export(store, plan, all_held, "trl", "test")
    leaking = keep(store, [made.pairs[0], replace(made.pairs[1], split="test")])
    with pytest.raises(BadRequest, match="is in train and in test"):
        start_export(store, plan, leaking, "trl", "test")
    with pytest.raises(BadRequest, match="no format"):
        start_export(store, plan, leaking, "csv", "test")
    with pytest.raises(NotFound):
        start_export(store, plan, "feedfeed", "trl", "test")
    assert not plan.items


def test_a_name_is_free_or_refused(store: Store, made: Bench) -> None:
    set_id = keep(store, [*made.pairs])
    assert Path(exported(store, set_id, name="mine/../ours")["folder"]).name == "mine-..-ours"
    names = [Path(exported(store, set_id, form)["folder"]).name for form in ("trl", "trl", "sharegpt")]
    assert names == ["Two-clips-trl", "Two-clips-trl-2", "Two-clips-sharegpt"]
    plan: Any = Planner()
    with pytest.raises(BadRequest, match="already"):
        start_export(store, plan, set_id, "trl", "test", "Two clips trl")
    with pytest.raises(BadRequest, match="letter"):
        start_export(store, plan, set_id, "trl", "test", "../..")


def test_sources_shared_by_splits_stop_the_run(store: Store, made: Bench) -> None:
    pairs = [replace(made.pairs[0], source="tape 3"), replace(made.pairs[4], source="tape 3")]
    plan: Any = Planner()
    start_export(store, plan, keep(store, pairs), "trl", "test")
    with pytest.raises(CannotGoOn, match="tape 3 is in train and in validation"):
        pairs_export.work(plan.items[0], store.workspace)
    assert not [*store.workspace.glob("exports/**/*.jsonl")]


def test_what_a_killed_worker_left_goes(store: Store, made: Bench) -> None:
    root = pairs_export.exports_folder(store.workspace)
    for name in (".mine-abc_1234", ".mine-2-abc_1234", ".other-abc_1234"):
        (root / name).mkdir(parents=True)
    exported(store, keep(store, [*made.pairs]), name="mine")
    assert sorted(path.name for path in root.iterdir()) == [".mine-2-abc_1234", ".other-abc_1234", "mine"]


def test_a_full_disk_leaves_nothing_and_says_so(store: Store, made: Bench, tmp_path: Path) -> None:
    plan: Any = Planner()
    start_export(store, plan, keep(store, [*made.pairs]), "trl", "test")
    with tiny_disk(tmp_path) as disk:
        (store.workspace / "exports").mkdir(exist_ok=True)
        exports_at = pairs_export.exports_folder(store.workspace)
        exports_at.symlink_to(disk, target_is_directory=True)
        before = {*disk.iterdir()}
        with pytest.raises(StoreFull, match="disk is full"):
            pairs_export.work(plan.items[0], store.workspace)
        assert {*disk.iterdir()} == before
        exports_at.unlink()
    assert pairs_export.work(plan.items[0], store.workspace)["pairs"] == 8


def test_an_export_comes_home_as_the_pairs_it_was(store: Store, made: Bench) -> None:
    """In the workspace that it left, its files are the clips and stimuli again."""
    folder = Path(exported(store, keep(store, [*made.pairs]))["folder"])
    set_id, result = imported(store, folder)
    found = find_set(store, set_id)
    assert [pair for _, pair in found.pairs(held=True)] == [*made.pairs]
    assert result["tally"]["skipped"] == 0 and not media_problems(store, found)
    assert found.summary["origin"] == "imported" and found.summary["stage"] == "dpo"
    assert "media" not in {check for line in found.index for check in line.findings}
    assert set(found.summary["basis"]) == {clip.id for clip in made.clips}
    for clip in made.clips:
        store.set_times(clip.id, EventTimes(1.0, 1.0, "gold"), "test")
    assert not stale(store, found.summary)
    store.set_times(made.clips[1].id, EventTimes(1.0, 1.2, "gold"), "test")
    assert stale(store, found.summary) == [made.clips[1].id]


def test_elsewhere_an_exports_own_files_are_known_by_its_manifest(store: Store, made: Bench, tmp_path: Path) -> None:
    folder = Path(exported(store, keep(store, [*made.pairs]))["folder"])
    (tmp_path / "else").mkdir()
    with open_store(tmp_path / "else.duckdb", tmp_path / "else") as other:
        set_id, _ = imported(other, folder)
        found = find_set(other, set_id)
        assert not [line for line in found.index if "media" in line.findings]
        assert {pair.shown.video for _, pair in found.pairs(True)} == {
            str(folder / f"media/videos/{clip.id}.mp4") for clip in made.clips
        }
        next((folder / "media/videos").iterdir()).write_bytes(b"another film")
        set_id, _ = imported(other, folder)
        assert sum("media" in line.findings for line in find_set(other, set_id).index) == 4


def test_rows_that_are_no_pairs_are_listed_and_counted(store: Store, made: Bench, tmp_path: Path) -> None:
    row = {"prompt": "<video>In sync?", "chosen": "Yes.", "rejected": "No.", "videos": [made.clips[0].path]}
    path = tmp_path / "other.jsonl"
    path.write_text(
        "\n".join(
            [json.dumps(row), "{", json.dumps({**row, "chosen": ""}), json.dumps({**row, "prompt": "<video>Is it?"})]
        )
    )
    set_id, result = imported(store, path)
    assert [subject for subject, _ in result["problems"]] == ["row 2", "row 3"]
    assert result["tally"]["skipped"] == 2 and result["tally"]["pairs"] == 2
    found = find_set(store, set_id)
    assert found.summary["skipped"] == [
        {"row": 2, "reason": "it is not valid JSON"}, {"row": 3, "reason": "its chosen is empty"},
    ]  # fmt: skip
    first = next(pair for _, pair in found.pairs(held=True))
    assert first.clip_id == made.clips[0].id and first.shown.video_sha256 == made.clips[0].sha256


def test_media_that_are_not_there_are_named(store: Store, tmp_path: Path) -> None:
    row = {"prompt": "<video>In sync?", "chosen": "Yes.", "rejected": "No.", "videos": ["/data/x.mp4"]}
    path = tmp_path / "other.jsonl"
    path.write_text(json.dumps(row))
    set_id, _ = imported(store, path, [("/data", "/nowhere")])
    found = find_set(store, set_id)
    assert [*media_problems(store, found)] == ["/nowhere/x.mp4"] and "media" in found.index[0].findings


def test_what_holds_no_pairs_is_refused_before_a_run(store: Store, tmp_path: Path) -> None:
    plan: Any = Planner()
    path = tmp_path / "words.jsonl"
    path.write_text('{"text": "x"}\n{"text": "y"}\n')
    with pytest.raises(BadRequest, match=r"No row of words\.jsonl is a pair: 2 skipped, mostly because it has no"):
        start_import(store, plan, path, [], "test")
    with pytest.raises(NotFound):
        start_import(store, plan, tmp_path / "gone.json", [], "test")
    assert not plan.items


def test_a_mapping_is_two_paths() -> None:
    assert parse_remap(["/data=/mine=1", "D:\\x="]) == [("/data", "/mine=1"), ("D:\\x", "")]
    for bad in ("/data", "=/mine"):
        with pytest.raises(BadRequest, match="OLD=NEW"):
            parse_remap([bad])


def test_the_verbs_run_in_workers_of_their_own(made: Bench, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    db = tmp_path / "annotations.duckdb"
    with open_store(db, made.workspace) as store:
        store.add_clips(made.clips, "test")
        set_id = keep(store, [*made.pairs])
    parser = argparse.ArgumentParser()
    files.add_parsers(parser.add_subparsers())
    common = {"workspace": made.workspace, "db": db}
    args = argparse.Namespace(**{**vars(parser.parse_args(["export", set_id[:6], "--format", "sharegpt"])), **common})
    assert args.do(args, Output(True)) == 1  # the two input-contrastive pairs had to stay behind
    told = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert told["pairs"] == 6 and told["left_out"] == 2
    args = argparse.Namespace(**{**vars(parser.parse_args(["import", told["folder"]])), **common})
    assert args.do(args, Output(True)) == 0
    told = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert told["pairs"] + told["held"] == 6 and told["missing_media"] == 0
