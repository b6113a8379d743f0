"""Parquet tables of others: rows as they are, one sentence when it is no Parquet."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from thud.errors import BadRequest
from thud.store.parquet import read_parquet


def test_rows_come_out_as_they_are(tmp_path: Path) -> None:
    path = tmp_path / "it's.parquet"
    with duckdb.connect() as database:
        copy = "COPY (SELECT 'v1' AS video, ['A. yes', 'B. no'] AS options, 3 AS n) TO '{}' (FORMAT parquet)"
        database.execute(copy.format(str(path).replace("'", "''"))).fetchall()
    assert read_parquet(path) == [{"video": "v1", "options": ["A. yes", "B. no"], "n": 3}]


def test_what_is_no_parquet_is_refused_with_its_name(tmp_path: Path) -> None:
    broken = tmp_path / "broken.parquet"
    broken.write_bytes(b"PAR1 and nothing more")
    for path in (broken, tmp_path / "missing.parquet"):
        with pytest.raises(BadRequest, match=path.name):
            read_parquet(path)
