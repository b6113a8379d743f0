"""Migrations, backups, snapshots, verification: what keeps the store true over the years."""

from __future__ import annotations

import hashlib
import itertools
import shutil
import threading
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest

from tests.unit.store_samples import EARLY, MUTED, a_clip, a_run, a_stimulus
from thud.errors import BadRequest, NotFound, StoreBroken
from thud.records import EventTimes, Mark
from thud.store import Store, current_snapshot, open_store
from thud.store.database import Database
from thud.store.log import TABLES
from thud.store.migrate import MIGRATIONS, migrate, read_migrations
from thud.store.verify import check_log


def a_store(folder: Path) -> Store:
    """Opened, with something in every table."""
    store = open_store(folder / "a.duckdb", folder / "workspace")
    clip = a_clip()
    store.add_clip(clip, "ada")
    store.set_times(clip.id, EventTimes(1, 2, "gold"), "ada")
    store.add_stimulus(a_stimulus(clip), "ada")
    store.add_refusal(clip.id, MUTED, "no sound", "ada")
    store.undo(store.reject_donor(clip.id, "d", "no", "ada") or 0, "ada")
    store.add_run(a_run(), "ada")
    store.submit_mark(Mark(clip.id, "bob", 1, None))
    return store


def damage(path: Path, sql: str) -> None:
    """Change the closed file behind the store's back."""
    with duckdb.connect(str(path)) as connection:
        connection.execute(sql)


# --- migrations


def test_the_tables_are_as_the_program_thinks(tmp_path: Path) -> None:
    open_store(tmp_path / "a.duckdb", tmp_path).close()
    with duckdb.connect(str(tmp_path / "a.duckdb")) as connection:
        for table in TABLES.values():
            found = connection.execute(f"SELECT name, type FROM pragma_table_info('{table.name}')").fetchall()
            assert dict(found) == table.all_columns


def test_a_new_file_needs_no_backup_and_a_second_start_does_nothing(tmp_path: Path) -> None:
    for _ in range(2):
        open_store(tmp_path / "a.duckdb", tmp_path / "workspace").close()
    assert not (tmp_path / "workspace" / "backups").exists()


def with_migration(tmp_path: Path, sql: str) -> Path:
    folder = tmp_path / "migrations"
    shutil.copytree(MIGRATIONS, folder, dirs_exist_ok=True)
    (folder / f"{len(read_migrations()) + 1:04d}_more.sql").write_text(sql)
    return folder


def test_an_old_file_is_backed_up_then_changed_and_keeps_its_rows(tmp_path: Path) -> None:
    a_store(tmp_path).close()
    database = Database(tmp_path / "a.duckdb")
    folder = with_migration(tmp_path, "ALTER TABLE clip ADD COLUMN loud BOOLEAN; CREATE TABLE extra (i INTEGER);")
    assert [each.name for each in migrate(database, tmp_path / "backups", folder)] == ["more"]
    assert migrate(database, tmp_path / "backups", folder) == []
    assert database.cursor().execute("SELECT id, loud FROM clip").fetchall() == [(a_clip().id, None)]
    database.close()
    (backup,) = (tmp_path / "backups").iterdir()
    with duckdb.connect(str(backup), read_only=True) as connection:
        assert connection.execute("SELECT count(*) FROM clip").fetchall() == [(1,)]
        assert connection.execute("SELECT count(*) FROM duckdb_tables() WHERE table_name = 'extra'").fetchall() == [
            (0,)
        ]


def test_a_file_of_the_first_version_opens_with_its_marks_and_agrees_with_its_log(tmp_path: Path) -> None:
    """Events and rows as version 1 wrote them, without what later versions know."""
    first = tmp_path / "first"
    first.mkdir()
    shutil.copy(next(MIGRATIONS.glob("0001_*.sql")), first)
    database = Database(tmp_path / "a.duckdb")
    migrate(database, tmp_path / "backups", first)
    mark = '{"annotator":"bob","audio_s":null,"clip_id":"c1","visual_s":1.5}'
    times = '{"audio_s":2.0,"clip_id":"c1","method":"gold","visual_s":1.0}'
    cursor = database.cursor()
    now = "TIMESTAMP '2026-11-01 10:00:00'"
    cursor.execute(f"INSERT INTO event VALUES (1, {now}, 'bob', 'submit_mark', 'c1', '{mark}', NULL)").fetchall()
    cursor.execute(f"INSERT INTO event VALUES (2, {now}, 'bob', 'set_times', 'c1', '{times}', NULL)").fetchall()
    cursor.execute(f"INSERT INTO mark VALUES ('c1', 'bob', 1.5, NULL, 1, {now}, 'bob', TRUE)").fetchall()
    cursor.execute(f"INSERT INTO event_times VALUES ('c1', 'gold', 1.0, 2.0, 2, {now}, 'bob', TRUE)").fetchall()
    database.close()
    with open_store(tmp_path / "a.duckdb", tmp_path / "workspace") as store:
        (kept,) = store.marks()
        assert (kept.annotator, kept.visual_s, kept.verdict, kept.person, kept.detail) == (
            "bob",
            1.5,
            "placed",
            True,
            {},
        )
        assert store.times() == {"c1": EventTimes(1.0, 2.0, "gold")}
        assert store.verify() == []


def test_a_failing_migration_leaves_nothing_behind(tmp_path: Path) -> None:
    a_store(tmp_path).close()
    database = Database(tmp_path / "a.duckdb")
    folder = with_migration(tmp_path, "CREATE TABLE extra (i INTEGER); INSERT INTO nowhere VALUES (1);")
    with pytest.raises(StoreBroken, match="0004_more failed and left nothing behind"):
        migrate(database, tmp_path / "backups", folder)
    database.close()
    with open_store(tmp_path / "a.duckdb", tmp_path / "workspace") as store:
        assert store.counts()["event"] == 8
        assert store._database.cursor().execute("SELECT version FROM schema_version").fetchall() == [(1,), (2,), (3,)]


def test_a_migration_that_was_changed_afterwards_is_noticed(tmp_path: Path) -> None:
    a_store(tmp_path).close()
    folder = tmp_path / "migrations"
    shutil.copytree(MIGRATIONS, folder)
    first = next(folder.iterdir())
    first.write_text(first.read_text() + "\n-- a harmless remark")
    database = Database(tmp_path / "a.duckdb")
    with pytest.raises(StoreBroken, match="was changed after it was applied"):
        migrate(database, tmp_path / "backups", folder)
    first.write_bytes(first.read_bytes().replace(b"\n-- a harmless remark", b"").replace(b"\n", b"\r\n"))
    assert migrate(database, tmp_path / "backups", folder) == [], "line ends are not a change"
    database.close()


def test_a_file_of_a_newer_program_or_of_another_is_left_alone(tmp_path: Path) -> None:
    a_store(tmp_path).close()
    damage(tmp_path / "a.duckdb", "INSERT INTO schema_version VALUES (9, 'later', 'x', now()::TIMESTAMP)")
    with pytest.raises(StoreBroken, match="newer thud"):
        open_store(tmp_path / "a.duckdb", tmp_path)
    damage(tmp_path / "other.duckdb", "CREATE TABLE mine (i INTEGER)")
    with pytest.raises(StoreBroken, match="thud did not make"):
        open_store(tmp_path / "other.duckdb", tmp_path)


# --- backup and snapshot


def test_a_backup_is_a_store_with_the_same_content(tmp_path: Path) -> None:
    with a_store(tmp_path) as store:
        report = store.backup(tmp_path / "kept" / "b.duckdb")
        store.add_clip(a_clip(2), "ada")
    assert report.rows["event"] == 8 and report.size_bytes == report.path.stat().st_size > 0
    assert [path.name for path in report.path.parent.iterdir()] == ["b.duckdb"]
    with open_store(report.path, tmp_path) as copy:
        assert copy.clips() == [a_clip()] and copy.donor_rejections() == [] and len(copy.marks()) == 1


def test_a_backup_is_never_written_over_another(tmp_path: Path) -> None:
    with a_store(tmp_path) as store:
        store.backup(tmp_path / "b.duckdb")
        before = (tmp_path / "b.duckdb").read_bytes()
        with pytest.raises(BadRequest, match="exists already"):
            store.backup(tmp_path / "b.duckdb")
        assert (tmp_path / "b.duckdb").read_bytes() == before


def test_backups_while_others_write(tmp_path: Path) -> None:
    with a_store(tmp_path) as store:
        over = threading.Event()

        def write(name: int) -> None:
            for number in itertools.count():
                store.append("note", "a", "ada", {"number": number, "by": name}).result()
                if over.is_set():
                    break

        writers = [threading.Thread(target=write, args=(name,)) for name in range(4)]
        for writer in writers:
            writer.start()
        reports = [store.backup(tmp_path / f"{number}.duckdb") for number in range(3)]
        folder = store.snapshot(tmp_path / "snapshots")
        over.set()
        for writer in writers:
            writer.join()
    rows = [report.rows["event"] for report in reports]
    assert 8 <= rows[0] < rows[1] < rows[2] < int(folder.name)
    with open_store(reports[2].path, tmp_path) as copy:
        assert len(copy.events(limit=10**6)) == rows[2] and check_log(copy._database) == []


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with a_store(tmp_path) as store:
        for write in (store.backup, store.snapshot):
            with pytest.raises(StoreBroken, match="/file.* cannot be written: (Not a directory|File exists)"):
                write(tmp_path / "file" / "below")
    with pytest.raises(StoreBroken, match="cannot be written"):
        open_store(tmp_path / "file" / "below" / "a.duckdb", tmp_path)


def test_a_snapshot_is_readable_while_the_store_is_open(tmp_path: Path) -> None:
    with a_store(tmp_path) as store:
        folder = store.snapshot(tmp_path / "snapshots")
        assert current_snapshot(tmp_path / "snapshots") == folder
        assert store.snapshot(tmp_path / "snapshots") == folder, "nothing new, nothing written"

        def count(table: str) -> int:
            return len(duckdb.sql(f"FROM '{current_snapshot(tmp_path / 'snapshots')}/{table}.parquet'").fetchall())

        assert [count(name) for name in ("event", "clip", "donor_rejection", "mark")] == [8, 1, 0, 1]
        for number in range(2, 7):
            store.add_clip(a_clip(number), "ada")
            store.snapshot(tmp_path / "snapshots")
        assert count("clip") == 6
    names = sorted(path.name for path in (tmp_path / "snapshots").iterdir())
    assert names == ["000000000011", "000000000012", "000000000013", "current"]


def test_without_a_snapshot_it_is_said_who_writes_one(tmp_path: Path) -> None:
    with pytest.raises(StoreBroken, match="no snapshot"):
        current_snapshot(tmp_path)


# --- verify, rebuild, health


def real_files(store: Store, folder: Path) -> tuple[Path, Path]:
    """A clip and a stimulus whose files are what the records say; gives the clip's file and the people's sound."""
    source = folder / "clip.mp4"
    source.write_bytes(b"picture and sound")
    sha256 = hashlib.sha256(source.read_bytes()).hexdigest()
    clip = replace(a_clip(path=str(source)), sha256=sha256, probe=replace(a_clip().probe, size_bytes=17))
    sounds = folder / "workspace" / "stimuli" / clip.id
    sounds.mkdir(parents=True)
    (sounds / "m.wav").write_bytes(b"models")
    (sounds / "p.flac").write_bytes(b"people")
    hashes = [hashlib.sha256(name).hexdigest() for name in (b"models", b"people")]
    proof = replace(a_stimulus(clip).proof, models_bytes=6, models_sha256=hashes[0], people_sha256=hashes[1])
    store.add_clip(clip, "ada")
    store.add_stimulus(a_stimulus(clip, EARLY, proof=proof), "ada")
    return source, sounds / "p.flac"


def test_verify_looks_at_every_byte(tmp_path: Path) -> None:
    with open_store(tmp_path / "a.duckdb", tmp_path / "workspace") as store:
        source, people = real_files(store, tmp_path)
        steps: list[tuple[int, int]] = []
        assert store.verify(lambda done, total: steps.append((done, total))) == []
        assert steps == [(1, 2), (2, 2)]
        source.write_bytes(b"picture and SOUND")
        people.unlink()
        (people.parent / "m.wav").write_bytes(b"model")
        clip, models, sound = store.verify()
        assert clip.subject == f"clip {store.clips()[0].id}" and "has other bytes than recorded" in clip.reason
        assert models.subject == f"stimulus {store.stimuli()[0].id}" and "has 5 bytes, 6 were recorded" in models.reason
        assert "cannot be read: No such file" in sound.reason


@pytest.mark.parametrize(
    ("sql", "subject", "reason"),
    [
        ("UPDATE mark SET visual_s = 9", f"mark {a_clip().id} bob", "differ in visual_s"),
        ("UPDATE donor_rejection SET live = TRUE", f"donor_rejection {a_clip().id} d", "differ in live"),
        ("INSERT INTO run (id, live) VALUES ('ghost', TRUE)", "run ghost", "the log does not"),
        ("DELETE FROM event WHERE kind = 'add_run'", "run r1", "the log does not"),
        ("DELETE FROM run", "run r1", "the table does not"),
    ],
)
def test_verify_compares_tables_and_log_and_rebuild_mends_the_tables(
    tmp_path: Path, sql: str, subject: str, reason: str
) -> None:
    a_store(tmp_path).close()
    damage(tmp_path / "a.duckdb", sql)
    with open_store(tmp_path / "a.duckdb", tmp_path / "workspace") as store:
        (found,) = [each for each in store.verify() if not each.subject.startswith(("clip", "stimulus"))]
        assert found.subject == subject and reason in found.reason
        store.rebuild()
        assert [each for each in store.verify() if not each.subject.startswith(("clip", "stimulus"))] == []


def test_a_clip_that_only_the_table_knew_is_unknown_after_a_rebuild(tmp_path: Path) -> None:
    a_store(tmp_path).close()
    damage(tmp_path / "a.duckdb", "INSERT INTO clip (id, live) VALUES ('ghost', TRUE)")
    with open_store(tmp_path / "a.duckdb", tmp_path / "workspace") as store:
        assert store.set_times("ghost", EventTimes(1, 2, "gold"), "ada")
        store.rebuild()
        with pytest.raises(NotFound):
            store.set_times("ghost", EventTimes(1, 3, "gold"), "ada")


def test_health_reads_and_writes(tmp_path: Path) -> None:
    with a_store(tmp_path) as store:
        before = datetime.now(UTC).replace(tzinfo=None)
        health = store.health()
        assert health.ok and health.reason == "" and health.free_bytes > 0
        assert store.counts()["event"] == 8, "a look at the health is no event"
        with store._database.reading() as cursor:
            assert cursor.execute('SELECT "at" > ? FROM probe', [before]).fetchall() == [(True,)]
    assert store.health().reason.endswith("is closed.")
