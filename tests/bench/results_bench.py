"""The Results page over a million responses: server time of every view, uncached, and pandas doing the leaderboard.

The store is built once (some minutes) and kept in the system's folder for temporary files, named by what is in it.
`python -m tests.bench.results_bench` prints the table alone.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from tests.bench.rows import Row, judge
from tests.results_kit import Ask, Mind, middling, responses
from thud.records import content_id
from thud.store import Store, changes, open_store
from thud.store.database import Database
from ui.results.data import compare_json, leaderboard_json, list_items, model_json

VERSION, LISTENERS, CLIPS, CHUNK, TIMES, DRAWS = 1, 10, 2000, 5000, 9, 2000
ASKED = (
    *(Ask("sync", "neutral", name) for name in ("s1", "s2", "s3")), Ask("sync", "structured", "s4"),
    Ask("sync", "structured", "s5"), Ask("existence", "neutral", "e1"), Ask("existence", "neutral", "e2"),
    Ask("existence", "structured", "e3"), Ask("consistency", "neutral", "c1"), Ask("consistency", "structured", "c2"),
)  # fmt: skip
STIMULI = (
    ("original", None), ("muted", None), ("swapped", None),
    *(("early" if offset_s < 0 else "delayed", offset_s) for offset_s in (-1.2, -0.6, -0.3, 0.3, 0.6, 1.2, 2.0)),
)  # fmt: skip
"""Ten stimuli a clip; with the questions that fit them 50 items a clip and listener."""
FILTERS: dict[str, dict[str, str]] = {
    "question set": {"set": "neutral"},
    "sound class": {"kinds": "glass"},
    "offsets": {"offsets": "0.6,1.2"},
    "tasks": {"tasks": "sync"},
    "unparsed left out": {"unparsed": "out"},
    "rules only": {"answers": "rules"},
    "the paper's parser": {"answers": "paper"},
    "name": {"q": "listener 3"},
    "everything at once": {"set": "neutral", "kinds": "glass,wood", "offsets": "0.6", "unparsed": "out"},
}


def results_page() -> list[Row]:
    """The rows of this suite."""
    folder = Path(tempfile.gettempdir()) / f"thud-bench-results-{VERSION}"
    written_s = build(folder)
    with open_store(folder / "million.duckdb", folder) as store:
        rows = list(_views(store, folder))
    if written_s:
        rows.append(judge("responses written", LISTENERS * CLIPS * 50 / written_s, "/s"))
    return rows


def build(folder: Path) -> float:
    """Seconds that writing took through the store's own door; 0 when the file is there already."""
    done = folder / "done"
    if done.is_file():
        return 0.0
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "million.duckdb"
    for old in (path, path.with_name("million.duckdb.wal")):
        old.unlink(missing_ok=True)
    minds = [Mind(f"listener {number}", middling((number + 1) / (LISTENERS + 1))) for number in range(LISTENERS)]
    clips = [content_id("clip", number) for number in range(CLIPS)]
    stream = responses(minds, clips, STIMULI, ASKED)
    spent_s = 0.0
    with open_store(path, folder) as store:
        while chunk := [changes.add_response(response, "bench") for response in islice(stream, CHUNK)]:
            began = time.perf_counter()
            store.write_many(chunk)
            spent_s += time.perf_counter() - began
    done.touch()
    return spent_s


def _views(store: Store, folder: Path) -> Iterator[Row]:
    began = time.perf_counter()
    board = leaderboard_json(store, {})
    first_s = time.perf_counter() - began
    pandas_s = _pandas(store, folder)
    yield judge("results, responses", float(board["items"]), "items")
    yield judge(
        "results, first paint", first_s, "s", limit=1.0, baseline=pandas_s, ratio=first_s / pandas_s,
        against="pandas, same cells and intervals",
    )  # fmt: skip
    for name, query in {"no filter": {}, **FILTERS}.items():
        middle_s, worst_s = _timed(lambda query=query: leaderboard_json(store, query))  # type: ignore[misc]
        yield judge(f"results, {name}", middle_s, "s", limit=0.5, against=f"worst of {TIMES}: {worst_s:.2f} s")
    a, b = board["rows"][0]["row"], board["rows"][2]["row"]
    others: dict[str, Callable[[], Any]] = {
        "one listener": lambda: model_json(store, {"row": a}),
        "two compared": lambda: compare_json(store, {"a": a, "b": b}),
        "a page of items": lambda: list_items(store, {"row": a, "label": "early", "page": "20"}),
        "a page of flipped items": lambda: list_items(store, {"a": a, "b": b, "flip": "b_wrong", "page": "20"}),
    }
    for name, view in others.items():
        middle_s, worst_s = _timed(view)
        yield judge(f"results, {name}", middle_s, "s", limit=1.0, against=f"worst of {TIMES}: {worst_s:.2f} s")


def _timed(view: Callable[[], Any]) -> tuple[float, float]:
    """Median and worst seconds of TIMES runs; nothing of a view is kept from one to the next."""
    spent_s = []
    for _ in range(TIMES):
        began = time.perf_counter()
        view()
        spent_s.append(time.perf_counter() - began)
    return statistics.median(spent_s), max(spent_s)


def _pandas(store: Store, folder: Path) -> float:
    """Seconds that pandas takes for the cells and their intervals over sources, from a file of columns it can read."""
    frame = _frame(store._database, folder)
    began = time.perf_counter()
    pandas_cells(frame)
    return time.perf_counter() - began


def _frame(database: Database, folder: Path) -> Any:
    """The columns that the leaderboard needs, as a DataFrame read from Parquet."""
    path = folder / "responses.parquet"
    columns = "listener_key, arm, question_set, task, condition, expected, source, clip_id, label"
    with database.reading() as cursor:
        if not path.is_file():
            where = str(path).replace("'", "''")
            cursor.execute(f"COPY (SELECT {columns} FROM response WHERE live) TO '{where}' (FORMAT parquet)").fetchall()
        return cursor.execute("SELECT * FROM read_parquet(?)", [str(path)]).df()


def pandas_cells(frame: Any) -> Any:
    """Share right per row, task and side with a bootstrap over sources, as one writes it with groupby."""
    edited = frame["condition"] != "original"
    right = frame["label"] == frame["expected"]
    keys = ["listener_key", "arm", "question_set", "task", "edited", "source"]
    sums = frame.assign(edited=edited, right=right).groupby(keys, sort=False)["right"].agg(["sum", "count"])
    weights = None
    found = {}
    for cell, part in sums.groupby(level=keys[:-1], sort=False):
        counts = part.to_numpy(dtype=np.float64)
        if weights is None or weights.shape[1] != len(counts):
            shares = np.full(len(counts), 1 / len(counts))
            weights = np.random.default_rng(0).multinomial(len(counts), shares, DRAWS)
        drawn = weights @ counts
        found[cell] = (counts[:, 0].sum() / counts[:, 1].sum(), *np.percentile(drawn[:, 0] / drawn[:, 1], [2.5, 97.5]))
    return found


if __name__ == "__main__":
    for row in results_page():
        print(f"{row.name:40} {row.value:10.3f} {row.unit:6} {row.target:8} {row.met!s:6} {row.against}")
