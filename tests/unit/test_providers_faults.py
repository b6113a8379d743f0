"""When vendors fail: what is tried again, what is not, what is kept, and that the key is written nowhere."""

from __future__ import annotations

import json
import logging
import multiprocessing
import os
import re
import signal
import socket
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from email.utils import formatdate
from pathlib import Path
from typing import Any

import pytest

from tests.unit.runs_kit import gone, tiny_disk
from tests.vendors import Asked, Fault, FaultKind
from tests.vendors.kit import KEY, VENDORS, Naps, give_keys, question, vendor
from thud.errors import BadRequest, RunFailed, StoreFull
from thud.providers import Endpoint, Pace, Provider, Question, Shelf, Text, Video, ask

SPAWN = multiprocessing.get_context("spawn")


@pytest.fixture(autouse=True)
def keys(monkeypatch: pytest.MonkeyPatch) -> None:
    give_keys(monkeypatch)


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    return Shelf(tmp_path / "shelf")


def closed_port() -> int:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        port: int = held.getsockname()[1]
    return port


@pytest.mark.parametrize("kind", ["408", "409", "429", "500", "502", "503", "529"])
@pytest.mark.parametrize("provider", VENDORS)
def test_a_busy_vendor_is_asked_again(provider: Provider, kind: FaultKind, shelf: Shelf) -> None:
    naps = Naps()
    with vendor(provider, faults=[kind, kind]) as (server, endpoint):
        reply = ask(question(provider), endpoint, shelf=shelf, sleep=naps)
        assert (reply.outcome, reply.attempts, sum(server.billed.values())) == ("ok", 3, 1)
    assert len(naps.taken) == 2
    assert 0.25 <= naps.taken[0] <= 0.5 <= naps.taken[1] <= 1.0


@pytest.mark.parametrize(
    ("headers", "waits_s"),
    [
        ({"retry-after": "7"}, 7.0),
        ({"retry-after-ms": "1500"}, 1.5),
        ({"retry-after": "7", "retry-after-ms": "90"}, 0.09),
    ],
)
@pytest.mark.parametrize("provider", VENDORS)
def test_the_wait_that_a_vendor_asks_for_is_kept(provider: Provider, headers: dict[str, str], waits_s: float) -> None:
    naps = Naps()
    with vendor(provider, faults=[Fault("429", headers)]) as (_, endpoint):
        assert ask(question(provider), endpoint, sleep=naps).outcome == "ok"
    assert naps.taken == [waits_s]


def test_a_wait_may_be_a_date_or_stand_in_geminis_body() -> None:
    naps = Naps()
    date = Fault("503", {"retry-after": formatdate(time.time() + 30, usegmt=True)})
    body = Fault("429", message='slow down", "retryDelay": "36s')
    with vendor("gemini", faults=[date]) as (server, endpoint):
        assert ask(question("gemini"), endpoint, sleep=naps).outcome == "ok"
        server.error = lambda status, message: {"error": {"details": [{"retryDelay": "36s"}], "message": message}}
        server.faults.append(body)
        assert ask(question("gemini"), endpoint, sleep=naps).outcome == "ok"
    assert 20 < naps.taken[0] <= 30 and naps.taken[1] == 36.0


def test_a_vendor_may_forbid_or_ask_for_another_attempt() -> None:
    naps = Naps()
    never, please = Fault("500", {"x-should-retry": "false"}), Fault("400", {"x-should-retry": "true"})
    with vendor("anthropic", faults=[never, please, None, Fault("429", {"retry-after": "86400"})]) as (_, endpoint):
        assert ask(question("anthropic"), endpoint, sleep=naps).outcome == "error"
        assert naps.taken == []
        assert ask(question("anthropic"), endpoint, sleep=naps).outcome == "ok"
        assert len(naps.taken) == 1
        assert ask(question("anthropic"), endpoint, sleep=naps).outcome == "error"
        assert len(naps.taken) == 1


@pytest.mark.parametrize("provider", VENDORS)
def test_a_vendor_that_stays_busy_is_an_error_that_resume_asks_again(provider: Provider, shelf: Shelf) -> None:
    with vendor(provider, faults=["529"] * 6) as (server, endpoint):
        reply = ask(question(provider), endpoint, shelf=shelf, sleep=Naps())
        assert (reply.outcome, reply.attempts, len(server.questions)) == ("error", 6, 6)
        assert "made to fail" in reply.problem
        assert ask(question(provider), endpoint, shelf=shelf).outcome == "ok"


@pytest.mark.parametrize("kind", ["400", "413", "422"])
@pytest.mark.parametrize("provider", VENDORS)
def test_what_a_vendor_will_not_take_is_rejected_in_its_words(
    provider: Provider, kind: FaultKind, shelf: Shelf
) -> None:
    with vendor(provider, faults=[Fault(kind, message="image 3 is too large")]) as (server, endpoint):
        reply = ask(question(provider), endpoint, shelf=shelf, sleep=Naps())
        assert (reply.outcome, reply.problem) == ("rejected", f"{kind}: image 3 is too large")
        assert ask(question(provider), endpoint, shelf=shelf) == reply
        assert len(server.questions) == 1


@pytest.mark.parametrize(("kind", "named"), [("401", "KEY"), ("403", "KEY"), ("404", "model"), ("402", "credit")])
@pytest.mark.parametrize("provider", VENDORS)
def test_what_fails_for_every_question_stops_the_run(
    provider: Provider, kind: FaultKind, named: str, shelf: Shelf
) -> None:
    with vendor(provider, faults=[Fault(kind, message=f"bad {KEY}")]) as (_, endpoint):
        with pytest.raises(BadRequest, match=named) as caught:
            ask(question(provider), endpoint, shelf=shelf, sleep=Naps())
        assert KEY not in str(caught.value) and "[key]" in str(caught.value)
        assert ask(question(provider), endpoint, shelf=shelf).outcome == "ok"


@pytest.mark.parametrize(
    ("provider", "fault", "named"),
    [
        ("gemini", Fault("400", message="API key not valid. Please pass a valid API key."), "GEMINI_API_KEY"),
        ("anthropic", Fault("400", message="Your credit balance is too low"), "credit"),
        ("openai", Fault("429", message="insufficient_quota"), "credit"),
    ],
)
def test_a_bad_key_or_no_credit_is_known_under_any_status(provider: Provider, fault: Fault, named: str) -> None:
    naps = Naps()
    with vendor(provider, faults=[fault]) as (_, endpoint), pytest.raises(BadRequest, match=named):
        ask(question(provider), endpoint, sleep=naps)
    assert naps.taken == []


@pytest.mark.parametrize("kind", ["drop", "cut"])
@pytest.mark.parametrize("provider", VENDORS)
def test_a_connection_that_breaks_after_sending_is_in_doubt(provider: Provider, kind: FaultKind, shelf: Shelf) -> None:
    naps = Naps()
    with vendor(provider, faults=[kind]) as (server, endpoint):
        replies = [ask(question(provider), endpoint, shelf=shelf, sleep=naps) for _ in range(3)]
        assert [reply.outcome for reply in replies] == ["in_doubt"] * 3
        assert (len(server.questions), naps.taken) == (1, [])
        assert shelf.doubtful() == [replies[0].sent_sha256]
        shelf.forgive(replies[0].sent_sha256)
        assert ask(question(provider), endpoint, shelf=shelf).outcome == "ok"
        assert shelf.doubtful() == []


def test_an_answer_that_takes_too_long_is_in_doubt(shelf: Shelf) -> None:
    for provider in VENDORS:
        with vendor(provider, faults=[Fault("slow", seconds=30.0)]) as (server, endpoint):
            reply = ask(question(provider), replace(endpoint, timeout_s=0.3), shelf=shelf, sleep=Naps())
            assert (reply.outcome, len(server.questions)) == ("in_doubt", 1)


@pytest.mark.parametrize("provider", VENDORS)
def test_a_vendor_out_of_reach_is_an_error_and_not_in_doubt(provider: Provider, shelf: Shelf) -> None:
    naps = Naps()
    endpoint = Endpoint(provider, base_url=f"http://127.0.0.1:{closed_port()}", attempts=3)
    reply = ask(question(provider), endpoint, shelf=shelf, sleep=naps)
    assert (reply.outcome, reply.attempts, len(naps.taken)) == ("error", 3, 2)
    assert shelf.doubtful() == []


def test_a_base_url_that_is_none_is_said() -> None:
    with pytest.raises(BadRequest, match="base URL"):
        ask(question("anthropic"), Endpoint("anthropic", base_url="127.0.0.1:8000"), sleep=Naps())


def test_an_upload_is_tried_again(shelf: Shelf, tmp_path: Path) -> None:
    path = tmp_path / "clip.mp4"
    path.write_bytes(b"a clip")
    naps = Naps()
    with vendor("gemini") as (server, endpoint):
        real, left = server.other, [503, 0]

        def failing(asked):  # type: ignore[no-untyped-def]
            if asked.path.startswith("/upload") and left:
                if status := left.pop(0):
                    return type(real(asked))(server.error(status, "busy"), status)
                raise ConnectionResetError
            return real(asked)

        server.other = failing
        asked = question("gemini", parts=(Video(str(path), "0" * 64), Text("When?")))
        assert ask(asked, endpoint, shelf=shelf, sleep=naps).outcome == "ok"
        assert (server.uploads, len(server.questions), left) == (1, 1, [])


@pytest.mark.parametrize("provider", VENDORS)
def test_a_stored_reply_is_not_asked_for_again(
    provider: Provider, shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    with vendor(provider) as (server, endpoint):
        first = ask(question(provider), endpoint, shelf=shelf)
        for name in ("ANTHROPIC_API_KEY", "OPENAI_API_KEY", "GEMINI_API_KEY", "OPENAI_COMPATIBLE_API_KEY"):
            monkeypatch.delenv(name)
        assert ask(question(provider), endpoint, shelf=Shelf(shelf.folder)) == first
        assert len(server.questions) == 1


@pytest.mark.parametrize("provider", VENDORS)
def test_a_crowd_with_every_fault_is_billed_once_each(provider: Provider, shelf: Shelf) -> None:
    faults: list[FaultKind | None] = ["429", "500", "drop", "cut", "garbage", "empty", "refusal", "400", "prose", None]

    def about(body: dict[str, Any]) -> str:
        return next(word for word in re.findall(r"clip\d+", json.dumps(body)))

    def fault_of(asked: Asked) -> FaultKind | None:
        return faults[int(asked.item[4:]) % len(faults)] if asked.attempt == 1 else None

    with vendor(provider, item_of=about, fault_of=fault_of) as (server, endpoint):
        questions = [question(provider, parts=(Text(f"clip{n}"),)) for n in range(20)]
        for _ in range(2):
            with ThreadPoolExecutor(4) as pool:
                replies = list(pool.map(lambda one: ask(one, endpoint, shelf=shelf, sleep=Naps()), questions))
        assert max((server.billed + server.doubtful).values()) == 1
    counted = Counter(reply.outcome for reply in replies)
    assert counted == {"ok": 8, "in_doubt": 4, "error": 4, "refused": 2, "rejected": 2}


def _ask_and_wait(asked: Question, endpoint: Endpoint, folder: Path) -> None:
    ask(asked, endpoint, shelf=Shelf(folder))


@pytest.mark.parametrize("provider", VENDORS)
def test_a_worker_killed_before_the_answer_leaves_it_in_doubt(provider: Provider, shelf: Shelf) -> None:
    with vendor(provider, faults=[Fault("slow", seconds=60.0)]) as (server, endpoint):
        worker = SPAWN.Process(target=_ask_and_wait, args=(question(provider), endpoint, shelf.folder))
        worker.start()
        assert server.asking.acquire(timeout=30)
        os.kill(worker.pid or 0, signal.SIGKILL)
        worker.join(30)
        reply = ask(question(provider), endpoint, shelf=shelf)
        assert (reply.outcome, len(server.questions)) == ("in_doubt", 1)
        shelf.forgive(reply.sent_sha256)
        assert ask(question(provider), endpoint, shelf=shelf).outcome == "ok"


def test_a_worker_killed_while_waiting_to_try_again_leaves_nothing_in_doubt(shelf: Shelf) -> None:
    busy = Fault("429", {"retry-after": "500"})
    with vendor("anthropic", faults=[busy]) as (server, endpoint):
        worker = SPAWN.Process(target=_ask_and_wait, args=(question("anthropic"), endpoint, shelf.folder))
        worker.start()
        assert server.asking.acquire(timeout=30)
        key = question("anthropic").sent_sha256("anthropic")
        limit = time.monotonic() + 30
        while shelf.in_doubt(key):
            assert time.monotonic() < limit
            time.sleep(0.01)
        os.kill(worker.pid or 0, signal.SIGKILL)
        worker.join(30)
        assert gone(worker.pid or 0)
        assert ask(question("anthropic"), endpoint, shelf=shelf).outcome == "ok"


def test_two_workers_with_one_question_ask_once(shelf: Shelf) -> None:
    with vendor("openai", faults=[Fault("slow", seconds=0.2)]) as (server, endpoint):
        outcomes: list[str] = []

        def work() -> None:
            outcomes.append(ask(question("openai"), endpoint, shelf=Shelf(shelf.folder)).outcome)

        workers = [threading.Thread(target=work) for _ in range(4)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        assert (outcomes, len(server.questions)) == (["ok"] * 4, 1)


def test_two_workers_with_one_clip_upload_it_once(shelf: Shelf, tmp_path: Path) -> None:
    path = tmp_path / "clip.mp4"
    path.write_bytes(b"a clip")
    clip = Video(str(path), "0" * 64)
    with vendor("gemini") as (server, endpoint):

        def work(text: str) -> None:
            asked = question("gemini", parts=(clip, Text(text)))
            ask(asked, endpoint, shelf=shelf, sleep=lambda _: time.sleep(0.01))

        workers = [threading.Thread(target=work, args=(text,)) for text in ("When?", "What?", "Where?")]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        assert (server.uploads, sum(server.billed.values())) == (1, 3)


def test_a_full_disk_stops_before_anything_is_asked(tmp_path: Path) -> None:
    with tiny_disk(tmp_path) as folder, vendor("anthropic") as (server, endpoint):
        shelf = Shelf(folder)
        blocks = folder / "full"
        with pytest.raises(OSError, match="No space"), blocks.open("wb") as file:
            while True:
                file.write(bytes(4096))
                file.flush()
        with pytest.raises(StoreFull, match="disk is full"):
            ask(question("anthropic"), endpoint, shelf=shelf)
        assert not server.questions
        blocks.unlink()
        assert ask(question("anthropic"), endpoint, shelf=shelf).outcome == "ok"


def test_a_reply_that_cannot_be_read_is_named_and_not_paid_for_again(shelf: Shelf) -> None:
    with vendor("anthropic") as (server, endpoint):
        key = ask(question("anthropic"), endpoint, shelf=shelf).sent_sha256
        (shelf.folder / "replies" / f"{key}.json").write_text('{"text": ')
        with pytest.raises(RunFailed, match=key):
            ask(question("anthropic"), endpoint, shelf=shelf)
        assert len(server.questions) == 1


@pytest.fixture
def everything_logged(caplog: pytest.LogCaptureFixture) -> Iterator[pytest.LogCaptureFixture]:
    names = ("", "anthropic", "openai", "google_genai", "httpx", "httpx2", "httpcore", "httpcore2")
    before = {name: logging.getLogger(name).level for name in names}
    for name in names:
        logging.getLogger(name).setLevel(logging.DEBUG)
    yield caplog
    for name, level in before.items():
        logging.getLogger(name).setLevel(level)


def test_the_key_is_in_no_file_log_or_error(
    shelf: Shelf, tmp_path: Path, everything_logged: pytest.LogCaptureFixture
) -> None:
    told: list[str] = []
    pace = Pace(tmp_path / "pace", "all", 2, 100_000)
    path = tmp_path / "clip.mp4"
    path.write_bytes(b"a clip")
    kinds: list[FaultKind] = ["429", "400", "401", "403", "500", "drop", "cut", "garbage"]
    for provider in VENDORS:
        faults = [Fault(kind, {"retry-after": "0"}, f"wrong: {KEY}") if kind.isdigit() else kind for kind in kinds]
        with vendor(provider, faults=faults, answer=lambda asked: f"you said {KEY}") as (server, endpoint):
            for number in range(len(kinds) + 1):
                clip = (Video(str(path), "0" * 64),) if provider == "gemini" else ()
                asked = question(provider, parts=(Text(f"{number}"), *clip))
                try:
                    told.append(repr(ask(asked, endpoint, pace, shelf, Naps())))
                except BadRequest as error:
                    told += [repr(error), repr(error.__cause__), repr(error.__context__)]
            assert any(KEY in str(asked.headers) for asked in server.questions)
    told += [path.read_text(errors="replace") for path in tmp_path.rglob("*") if path.is_file()]
    told.append(everything_logged.text)
    assert len(everything_logged.text) > 1000
    assert not [text for text in told if KEY in text]
