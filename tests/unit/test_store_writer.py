"""The writer: together when it can, one by one when it must, every future resolved, nothing acknowledged that is not
there.
"""

from __future__ import annotations

import random
import subprocess
import threading
from collections.abc import Iterator
from concurrent.futures import Future, wait
from pathlib import Path

import duckdb
import pytest

from tests.bench.store_bench import claims, kill9
from tests.unit.store_samples import a_clip, a_run
from thud.errors import NotFound, StoreBroken, StoreFull, ThudError
from thud.records import EventTimes
from thud.store import Store, changes, open_store
from thud.store.batch import Batch
from thud.store.verify import check_log
from thud.store.writer import RETRIES


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_store(tmp_path / "a.duckdb", tmp_path / "workspace") as opened:
        yield opened


def held_up(store: Store) -> threading.Event:
    """Keeps the writer busy until the event is set, so that what comes next is taken as one group."""
    go = threading.Event()
    started = threading.Event()

    def job(cursor: duckdb.DuckDBPyConnection) -> None:
        started.set()
        go.wait()

    store._writer.submit_job(job)
    started.wait()
    return go


def outcome(future: Future[list[int | None]]) -> object:
    error = future.exception(timeout=30)
    return type(error) if error else future.result()


def test_what_waits_is_written_in_one_transaction(store: Store) -> None:
    go = held_up(store)
    before = store._writer.transactions
    futures = [store.append("note", "a", "ada", {"number": number}) for number in range(200)]
    go.set()
    assert [future.result() for future in futures] == list(range(1, 201))
    assert store._writer.transactions - before == 2, "the job that held it up, and the group"


def test_a_request_that_is_refused_costs_the_others_nothing(store: Store) -> None:
    go = held_up(store)
    good, bad = changes.add_clip(a_clip(1), "ada"), changes.set_times("nothing", EventTimes(1, 2, "gold"), "ada")
    futures = [
        store._writer.submit(each) for each in ([good], [bad], [changes.add_clip(a_clip(2), "ada"), bad], [good])
    ]
    go.set()
    assert [outcome(future) for future in futures] == [[1], NotFound, NotFound, [None]]
    assert store.clips() == [a_clip(1)]


def test_a_request_that_the_database_refuses_costs_the_others_nothing(store: Store) -> None:
    """No BIGINT is this big: DuckDB refuses the whole group, which is then written one by one."""
    go = held_up(store)
    several = [a_run("r1"), a_run("r2", total=2**70), a_run("r3")]
    futures = [store._writer.submit([changes.add_run(run, "ada")]) for run in several]
    go.set()
    assert [outcome(future) for future in futures] == [[1], StoreBroken, [2]]
    assert [run.id for run in store.runs()] == ["r1", "r3"] and check_log(store._database) == []


def test_a_conflict_is_tried_again_until_it_is_over(store: Store) -> None:
    """A second connection of this process writes the same row first, as nothing but a bug would."""
    store.add_run(a_run(), "ada")
    with store._database.reading() as rival:
        rival.execute("BEGIN")
        rival.execute("UPDATE run SET message = 'mine'").fetchall()
        tried: list[int] = []

        def job(cursor: duckdb.DuckDBPyConnection) -> None:
            tried.append(len(tried))
            if len(tried) == 3:
                rival.execute("ROLLBACK")
            cursor.execute("UPDATE run SET message = 'ours'").fetchall()

        store._writer.submit_job(job).result(timeout=30)
        assert len(tried) == 3
        rival.execute("BEGIN")
        rival.execute("UPDATE run SET message = 'mine'").fetchall()
        with pytest.raises(StoreBroken, match="onflict"):
            store.update_run(a_run(done=3), "ada")
        rival.execute("ROLLBACK")
    assert RETRIES == 5 and store.update_run(a_run(done=3), "ada") == 2
    assert store.run("r1").done == 3 and check_log(store._database) == []


def test_whether_a_failed_commit_is_on_disk_is_looked_up(store: Store) -> None:
    """An instance can die after the commit is safe; writing it again would log it twice."""
    store.add_clips([a_clip(1), a_clip(2)], "ada")
    written, lost = Batch(events=store.events()[::-1], next_id=3), Batch(events=store.events()[::-1], next_id=4)
    assert store._writer._landed(written, dead=True)
    assert not store._writer._landed(lost, dead=True)
    assert store.clips() == [a_clip(1), a_clip(2)] and store.add_clip(a_clip(3), "ada") == 3


def test_a_cancelled_request_is_left_out(store: Store) -> None:
    go = held_up(store)
    futures = [store._writer.submit([changes.add_clip(a_clip(number), "ada")]) for number in range(3)]
    assert futures[1].cancel()
    go.set()
    wait(futures)
    assert store.clips() == [a_clip(0), a_clip(2)]


def test_closing_writes_what_waits_and_refuses_what_comes_after(store: Store) -> None:
    go = held_up(store)
    waiting = store.append("note", "a", "ada", {})
    closing = threading.Thread(target=store.close)
    closing.start()
    go.set()
    closing.join(timeout=30)
    assert waiting.result(timeout=0) == 1
    assert isinstance(store.append("note", "a", "ada", {}).exception(timeout=1), StoreBroken)
    with open_store(store.path, store.workspace) as again:
        assert again.counts()["event"] == 1


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_even_a_bug_leaves_nobody_waiting(store: Store) -> None:
    go = held_up(store)
    broken = store._writer.submit_job(lambda cursor: 1 / 0)
    behind = store.append("note", "a", "ada", {})
    go.set()
    for future in (broken, behind, store.append("note", "a", "ada", {})):
        assert isinstance(future.exception(timeout=30), StoreBroken)
    assert store.clips() == [] and not store.health().writable


def test_many_annotators_at_once(tmp_path: Path) -> None:
    ours, _ = claims(threads=16, seconds=0.5, clips=200)
    assert ours["pairs"] > 0 and (ours["double_claims"], ours["acknowledged_missing"]) == (0, 0)


def test_kill_9_loses_nothing_that_was_acknowledged() -> None:
    (row,) = kill9(times=5)
    assert row["acknowledged"] > 0
    assert (row["lost"], row["failed_reopenings"], row["log_state_differences"]) == (0, 0, 0)


# --- a full disk


def test_writing_stops_before_the_disk_is_full(tmp_path: Path) -> None:
    with open_store(tmp_path / "a.duckdb", tmp_path, min_free_bytes=2**62) as store:
        with pytest.raises(StoreFull, match="nothing is saved until space is freed"):
            store.add_clip(a_clip(), "ada")
        assert store.full and store.clips() == [] and not store.health().writable and store.health().readable


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A folder on a disk of 20 MB of its own."""
    disk = tmp_path / "disk"
    disk.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=20m", "none", str(disk)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        pytest.skip("this machine has no mount command")
    if done.returncode:
        pytest.skip(f"this machine lets us mount no small disk: {done.stderr.strip()}")
    try:
        yield disk
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=True)


def fill(store: Store, rnd: random.Random) -> tuple[list[int], list[ThudError]]:
    """Write until the disk has refused three times: what was acknowledged, and the refusals."""
    told: list[int] = []
    refused: list[ThudError] = []
    while len(refused) < 3:
        try:
            ev_id = store.append("note", "clip", "ada", {"text": rnd.randbytes(40_000).hex()}).result(timeout=60)
            told.append(ev_id or -1)
        except ThudError as error:
            refused.append(error)
    return told, refused


def opened(disk: Path, checkpoint: str) -> Store:
    """A store on the small disk, 4 MB of which are left; checkpoint: at how much log it folds the log in."""
    (disk / "ballast").write_bytes(bytes(16 * 2**20))
    store = open_store(disk / "a.duckdb", disk / "workspace", min_free_bytes=0)
    store._database.cursor().execute(f"SET GLOBAL checkpoint_threshold = '{checkpoint}'")
    store.add_clip(a_clip(), "ada")
    return store


@pytest.mark.parametrize(("checkpoint", "deadly"), [("16MB", False), ("1MB", True)])
def test_a_full_disk_loses_nothing_and_passes(small_disk: Path, checkpoint: str, deadly: bool) -> None:
    """Met in the write-ahead log it is an error; met in a checkpoint it kills the whole instance."""
    with opened(small_disk, checkpoint) as store:
        before = store._database._generation
        told, refused = fill(store, random.Random(7))
        assert {type(error) for error in refused} == {StoreFull} and store.full
        assert (store._database._generation > before) == deadly
        assert store.clips() == [a_clip()], "reading goes on"
        assert [event.ev_id for event in store.events(limit=10**6)] == [*reversed(told), 1]
        (small_disk / "ballast").unlink()
        assert store.add_clip(a_clip(2), "ada") == len(told) + 2
        assert not store.full and store.health().ok
    with open_store(small_disk / "a.duckdb", small_disk / "workspace", min_free_bytes=0) as store:
        assert [event.ev_id for event in store.events(limit=10**6)] == list(range(len(told) + 2, 0, -1))
        assert check_log(store._database) == []


def test_a_reader_that_meets_a_dead_instance_has_it_reopened(small_disk: Path) -> None:
    with opened(small_disk, "16MB") as store:
        fill(store, random.Random(7))
        with store._database.reading() as cursor, pytest.raises(duckdb.FatalException):
            cursor.execute("CHECKPOINT").fetchall()
        assert store.clips() == [a_clip()]
        assert store.counts()["clip"] == 1, "and it is not found dead a second time"


def test_readers_in_other_threads_survive_the_death_of_the_instance(small_disk: Path) -> None:
    with opened(small_disk, "1MB") as store:
        wrong: list[str] = []
        over = threading.Event()

        def read() -> None:
            while not over.wait(0.002):
                try:
                    if store.clips() != [a_clip()]:
                        wrong.append("other clips")
                except ThudError as error:
                    wrong.append(str(error))

        def handles() -> int:
            return sum(
                handle.is_symlink() and handle.readlink() == store.path for handle in Path("/proc/self/fd").iterdir()
            )

        def read_once() -> None:
            store.clips()
            over.wait()

        before = handles()
        readers = [threading.Thread(target=target) for target in (read, read, read_once)]
        for reader in readers:
            reader.start()
        fill(store, random.Random(7))
        assert handles() == before > 0, "no dead instance holds the file beside the living one"
        over.set()
        for reader in readers:
            reader.join(timeout=30)
        assert wrong == [] and not any(reader.is_alive() for reader in readers)
