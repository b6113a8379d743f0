"""500 people who mark clips on the running server, and the same while it is killed over and over.

    load(people, seconds)   5 s think time each (exponential): how long a save takes, whether any is lost or doubled
    kills(times)            kill -9 and start again under that load: what was acknowledged must be there

People are accounts with signed cookies; a save that gets no answer is sent again with its save_id, as the page does.
"""

from __future__ import annotations

import asyncio
import json
import random
import secrets
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import httpx

from app import ACCOUNTS, parse, place
from tests.bench.store_bench import a_clip
from tests.e2e.app_server import free_port
from thud.store import open_store
from ui.door.auth import AccountBook

ROOT = Path(__file__).resolve().parents[2]
THINK_S, RETRY_S = 5.0, 0.2
Row = dict[str, Any]


@dataclass(slots=True)
class Seen:
    """What the people saw. told: save_id -> (clip, person, audio_s) that the server said is saved."""

    told: dict[str, tuple[str, str, float]] = field(default_factory=dict)
    waits_s: list[float] = field(default_factory=list)
    holders: dict[str, str] = field(default_factory=dict)
    doubles: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Place:
    """A workspace with clips that have no files, and a signed-in cookie for everybody."""

    folder: Path
    flags: list[str]
    database: Path
    cookies: dict[str, str]

    @classmethod
    def make(cls, folder: Path, clips: int, people: int) -> Place:
        (folder / "nothing").mkdir()
        flags = ["--clips", str(folder / "nothing"), "--workspace", str(folder / "workspace")]
        database, workspace, _ = place(parse(flags))
        with open_store(database, workspace) as store:
            store.add_clips([a_clip(str(number)) for number in range(clips)], "bench")
        (workspace / ACCOUNTS).write_bytes(accounts(people))
        book = AccountBook(workspace / ACCOUNTS)
        cookies = {account.name: book.cookie(account) for account in book.all() if account.role == "annotator"}
        return cls(folder, flags, database, cookies)

    def missing(self, seen: Seen) -> int:
        """Saves that were acknowledged and are not in the log with what they said."""
        return len(set(seen.told.items()) - self._in_log().items())

    def doubled(self, seen: Seen) -> int:
        """Saves that are in the log more than once."""
        with open_store(self.database, self.folder) as store:
            ids = [event.payload["save_id"] for event in store.events(limit=10**7) if event.kind == "submit_mark"]
        return len(ids) - len(set(ids))

    def _in_log(self) -> dict[str, tuple[str, str, float]]:
        with open_store(self.database, self.folder) as store:
            marks = [event.payload for event in store.events(limit=10**7) if event.kind == "submit_mark"]
        return {mark["save_id"]: (mark["clip_id"], mark["annotator"], mark["audio_s"]) for mark in marks}


@cache
def accounts(people: int) -> bytes:
    """An accounts.json, made once: hashing 500 passwords takes a minute."""
    with tempfile.TemporaryDirectory() as folder:
        book = AccountBook(Path(folder) / ACCOUNTS)
        password = secrets.token_hex(8)
        book.add("boss", password, "admin")
        for number in range(people):
            book.add(f"person{number}", password, "annotator")
        return (Path(folder) / ACCOUNTS).read_bytes()


class Server:
    """The real app in a child that can be killed and started again within a second."""

    def __init__(self, where: Place) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.command = json.dumps([*where.flags, "--port", str(self.port)])
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.bench.warm_server"], cwd=ROOT, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        )  # fmt: skip

    def tell(self, line: str) -> str:
        assert self.process.stdin and self.process.stdout
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        return self.process.stdout.readline().strip()

    async def start(self, client: httpx.AsyncClient) -> None:
        await asyncio.to_thread(self.tell, self.command)
        while True:
            try:
                if (await client.get(self.url + "/sign-in", timeout=2)).status_code == 200:
                    return
            except httpx.HTTPError:
                await asyncio.sleep(0.02)

    async def kill(self) -> None:
        await asyncio.to_thread(self.tell, "kill")

    def close(self) -> None:
        self.process.kill()
        self.process.wait()


@contextmanager
def serving(people: int, clips: int) -> Iterator[tuple[Place, Server]]:
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        where = Place.make(Path(folder), clips, people)
        server = Server(where)
        try:
            yield where, server
        finally:
            try:
                server.tell("kill")
            finally:
                server.close()


@dataclass(slots=True)
class Line:
    """One browser's kept connection. By hand: a client library takes more of two cores than the server it measures."""

    port: int
    cookie: str
    reader: asyncio.StreamReader | None = None
    writer: asyncio.StreamWriter | None = None

    async def post(self, path: str, body: Row, on: Callable[[], bool]) -> Row | None:
        """The answer with its status, asked for again until there is one; None when the time is over first."""
        data = json.dumps(body).encode()
        head = (
            f"POST {path} HTTP/1.1\r\nhost: 127.0.0.1:{self.port}\r\ncookie: thud_session={self.cookie}\r\n"
            f"content-type: application/json\r\ncontent-length: {len(data)}\r\n\r\n"
        )
        while on():
            try:
                return await asyncio.wait_for(self._once(head.encode() + data), 20)
            except (OSError, EOFError, TimeoutError):
                self.close()
                await asyncio.sleep(RETRY_S)
        return None

    async def _once(self, request: bytes) -> Row:
        if self.writer is None or self.reader is None or self.reader.at_eof():  # the server closes what idles
            self.close()
            self.reader, self.writer = await asyncio.open_connection("127.0.0.1", self.port)
        self.writer.write(request)
        head = (await self.reader.readuntil(b"\r\n\r\n")).decode().lower()
        length = int(head.split("content-length:")[1].split("\r\n")[0])
        return {"status": int(head.split()[1]), **json.loads(await self.reader.readexactly(length))}

    def close(self) -> None:
        if self.writer is not None:
            self.writer.close()
        self.reader = self.writer = None


async def _person(name: str, line: Line, seen: Seen, on: Callable[[], bool]) -> None:
    chance = random.Random(name)
    await asyncio.sleep(chance.uniform(0, THINK_S))
    while on():
        got = await line.post("/api/tasks", {"count": 1, "have": []}, on)
        if got is None or not got.get("tasks"):
            await asyncio.sleep(1)
            continue
        clip_id = got["tasks"][0]["clip"]
        if seen.holders.setdefault(clip_id, name) != name:
            seen.doubles.append(clip_id)
        await asyncio.sleep(chance.expovariate(1 / THINK_S))
        mark = {
            "save_id": uuid.UUID(int=chance.getrandbits(128)).hex, "seq": time.time_ns() // 10**6, "clip": clip_id,
            "visual_s": 1.0, "audio_s": round(chance.uniform(0, 3.9), 6), "verdict": "placed", "reason": "",
            "note": "", "detail": {},
        }  # fmt: skip
        seen.holders.pop(clip_id, None)  # from here on it may be given to the second person at any moment
        begin = time.monotonic()
        saved = await line.post("/api/marks", mark, on)
        if saved is None:
            return
        if saved["status"] == 200 and saved["state"] in ("saved", "known"):
            seen.waits_s.append(time.monotonic() - begin)
            seen.told[mark["save_id"]] = (clip_id, name, mark["audio_s"])
        else:
            seen.refused.append(str(saved))


async def _crowd(where: Place, server: Server, seen: Seen, work: Callable[[httpx.AsyncClient], Any]) -> None:
    going = True
    async with httpx.AsyncClient() as client:
        await server.start(client)
        first = Line(server.port, next(iter(where.cookies.values())))
        await first.post("/api/tasks", {"count": 0, "have": []}, lambda: True)  # the desk reads the store once
        first.close()
        people = [
            asyncio.create_task(_person(name, Line(server.port, cookie), seen, lambda: going))
            for name, cookie in where.cookies.items()
        ]
        await work(client)
        going = False
        await asyncio.gather(*people)


def load(people: int = 500, seconds: float = 60.0) -> Row:
    """Saves of `people` on one server that is left alone."""
    seen = Seen()
    with serving(people, clips=round(people * seconds / THINK_S * 1.5)) as (where, server):
        asyncio.run(_crowd(where, server, seen, lambda client: asyncio.sleep(seconds)))
        server.tell("kill")
        lost, doubled = where.missing(seen), where.doubled(seen)
        server.tell(server.command)  # something to kill at the end
    waits = sorted(seen.waits_s)
    return {
        "people": people, "saves": len(seen.told), "p50_ms": 1000 * waits[len(waits) // 2],
        "p99_ms": 1000 * waits[len(waits) * 99 // 100], "lost": lost, "doubled": doubled,
        "double_leases": len(seen.doubles), "refused": len(seen.refused),
    }  # fmt: skip


def kills(times: int = 200, people: int = 500, between_s: float = 2.0) -> Row:
    """The same while the server is killed `times` times."""
    seen, spent = Seen(), []

    async def work(client: httpx.AsyncClient) -> None:
        chance = random.Random(0)
        for _ in range(times):
            await asyncio.sleep(chance.uniform(0.5, 1.5) * between_s)
            await server.kill()
            begin = time.monotonic()
            await server.start(client)
            spent.append(time.monotonic() - begin)

    with serving(people, clips=8000) as (where, server):
        asyncio.run(_crowd(where, server, seen, work))
        server.tell("kill")
        lost, doubled = where.missing(seen), where.doubled(seen)
        server.tell(server.command)
    return {
        "kills": times, "saves": len(seen.told), "lost": lost, "doubled": doubled, "refused": len(seen.refused),
        "restart_s": sorted(spent)[len(spent) // 2],
    }  # fmt: skip


if __name__ == "__main__":
    sys.stdout.write(json.dumps({"load": load(), "kills": kills()}, indent=1) + "\n")
