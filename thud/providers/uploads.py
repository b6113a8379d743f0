"""Files that Gemini keeps for two days: each is uploaded once for an account, whatever is asked about it."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from thud.errors import NotFound
from thud.providers.keys import fingerprint
from thud.providers.line import Line, sentence
from thud.providers.question import Audio, Video
from thud.providers.read import Read, at, words
from thud.providers.shelf import Shelf, Upload
from thud.providers.wire import Answer, NoAnswer

if TYPE_CHECKING:
    import httpx2

KEPT_S = 46 * 3600.0
"""How long a file is taken to be kept when the vendor does not say."""

SPARE_S = 900.0
"""A file that expires within this time is uploaded again."""

LOOK_EVERY_S = 2.0

ClientOf = Callable[["httpx2.Client", Line], Any]


def uploaded(part: Video | Audio, line: Line, shelf: Shelf | None, client: ClientOf) -> Upload | Read:
    """Where the file lies, ready to be asked about; or a Read that says why the vendor does not take it.

    Two workers with questions about one file upload it once.
    """
    if shelf is None:
        return _put_there(part, line, client)
    account = fingerprint(line.key)
    with shelf.alone(f"{part.sha256}-{account}", "uploads"):
        known = shelf.upload(part.sha256, account, time.time() + SPARE_S)
        if known:
            return known
        lies = _put_there(part, line, client)
        if isinstance(lies, Upload):
            shelf.put_upload(part.sha256, account, lies)
        return lies


def _put_there(part: Video | Audio, line: Line, client: ClientOf) -> Upload | Read:
    if not Path(part.path).is_file():
        raise NotFound(f"{part.path} is gone. Put it back and resume.")

    def upload(http: httpx2.Client) -> None:
        # An open file, not its path: a file's name may hold letters that no header can.
        with Path(part.path).open("rb") as file:
            client(http, line).files.upload(file=file, config={"mime_type": part.mime})

    got = line.exchange(upload, free=True)[0]
    row = _row(got, line)
    return row if isinstance(row, Read) else _when_ready(at(row, "file") or {}, line, client)


def _when_ready(row: dict[str, Any], line: Line, client: ClientOf) -> Upload | Read:
    name = words(at(row, "name"))
    if not name:
        return Read("error", problem="The vendor did not say where it keeps the uploaded file. Resume to try again.")
    for _ in range(max(1, round(line.endpoint.timeout_s / LOOK_EVERY_S))):
        if at(row, "state") == "FAILED":
            why = words(at(row, "error", "message")) or "no reason given"
            return Read("rejected", problem=f"The vendor could not read the file ({why}).")
        if at(row, "state") == "ACTIVE" and words(at(row, "uri")):
            return Upload(name, row["uri"], _expiry(row))
        line.sleep(LOOK_EVERY_S)
        got = line.exchange(lambda http: client(http, line).files.get(name=name), free=True)[0]
        read = _row(got, line)
        if isinstance(read, Read):
            return read
        row = read
    return Read("error", problem="The vendor was not done with the uploaded file in time. Resume to try again.")


def _row(got: Answer | NoAnswer, line: Line) -> dict[str, Any] | Read:
    line.stop_if_pointless(got)
    if isinstance(got, NoAnswer):
        return Read("error", problem=f"The file could not be uploaded ({got.reason}). Resume to try again.")
    if not got.good:
        return Read("rejected" if got.status in (400, 413, 422) else "error", problem=sentence(got))
    return got.json()


def _expiry(row: dict[str, Any]) -> float:
    try:
        return datetime.fromisoformat(words(row.get("expirationTime")).replace("Z", "+00:00")).timestamp()
    except ValueError:
        return time.time() + KEPT_S
