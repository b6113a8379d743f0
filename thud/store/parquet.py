"""Tables in Parquet files that others made."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb

from thud.errors import BadRequest
from thud.store.database import CONFIG

MOST_ROWS = 2_000_000


def read_parquet(path: Path | str) -> list[dict[str, Any]]:
    """The rows of one Parquet file. BadRequest when it is not one, or holds more than MOST_ROWS."""
    try:
        with duckdb.connect(config=CONFIG) as database:
            found = database.execute("SELECT * FROM read_parquet(?) LIMIT ?", [str(path), MOST_ROWS + 1])
            names = [column[0] for column in found.description or ()]
            rows = [dict(zip(names, values, strict=True)) for values in found.fetchall()]
    except duckdb.Error as error:
        reason = str(error).splitlines()[0]
        raise BadRequest(f"{Path(path).name} is not a Parquet file that can be read ({reason}).") from error
    if len(rows) > MOST_ROWS:
        raise BadRequest(f"{Path(path).name} holds more than {MOST_ROWS:,} rows. Split it.")
    return rows
