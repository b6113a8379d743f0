"""Batches: handed over once, whatever dies in between; results in any order, each question with its outcome."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import pytest

from tests.vendors import anthropic_server, openai_server
from tests.vendors.kit import KEY, Naps, give_keys, question, vendor
from thud.errors import BadRequest, RunFailed
from thud.providers import Endpoint, Question, Shelf, Text, poll_batch, read_batch, submit_batch
from thud.providers.batches import SURE_AFTER_S

Both = Literal["anthropic", "openai"]
BOTH: tuple[Both, ...] = ("anthropic", "openai")
TEXTS = {"anthropic": anthropic_server.texts, "openai": openai_server.texts}


@pytest.fixture(autouse=True)
def keys(monkeypatch: pytest.MonkeyPatch) -> None:
    give_keys(monkeypatch)


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    return Shelf(tmp_path / "shelf")


def asked(provider: Both, count: int = 6) -> list[tuple[str, Question]]:
    return [(f"clip {n}/é", question(provider, parts=(Text(f"number {n}"),))) for n in range(count)]


def serving(provider: Both, kinds: dict[int, str] | None = None) -> Any:
    """A server that answers each question with its own text, and lets some go wrong."""
    texts = TEXTS[provider]

    def kind(body: dict[str, Any]) -> str:
        return (kinds or {}).get(int(texts(body)[0].split()[1]), "")

    return vendor(provider, answer=lambda asked: f"you asked\u2028{texts(asked.json)[0]}", result_of=kind)


def hold_back(shelf: Shelf, name: str, seconds: float) -> None:
    """As if the batch had been handed over earlier."""
    noted = shelf.batch(name)
    assert noted
    shelf.put_batch(name, {**noted, "at": noted["at"] - seconds})


@pytest.mark.parametrize("provider", BOTH)
def test_a_batch_comes_back_by_our_own_ids(provider: Both, shelf: Shelf) -> None:
    questions = asked(provider)
    with serving(provider) as (server, endpoint):
        batch_id = submit_batch(questions, endpoint, shelf, "run 1")
        assert poll_batch(batch_id, endpoint).state == "working"
        state = poll_batch(batch_id, endpoint)
        assert (state.state, state.done, state.failed, state.total) == ("ended", 6, 0, 6)
        replies = read_batch(batch_id, endpoint, questions)
        assert sum(server.billed.values()) == 6
    assert {own: reply.text for own, reply in replies.items()} == {
        own: f"you asked\u2028number {n}" for n, (own, _) in enumerate(questions)
    }
    assert all(replies[own].sent_sha256 == one.sent_sha256(provider) for own, one in questions)
    assert {reply.outcome for reply in replies.values()} == {"ok"}
    assert all(reply.usage.output_tokens and reply.request_id for reply in replies.values())


@pytest.mark.parametrize("provider", BOTH)
def test_each_question_of_a_batch_has_its_outcome(provider: Both, shelf: Shelf) -> None:
    kinds = {0: "invalid", 1: "errored", 2: "expired", 3: "refusal", 4: "truncated"}
    questions = asked(provider)
    with serving(provider, kinds) as (server, endpoint):
        server.polls = 0
        batch_id = submit_batch(questions, endpoint, shelf, "run 1")
        state = poll_batch(batch_id, endpoint)
        stranger = ("not in it", question(provider, parts=(Text("other"),)))
        replies = read_batch(batch_id, endpoint, [*questions, stranger])
    assert (state.state, state.done, state.failed) == ("ended", 3, 3)
    outcomes = [reply.outcome for reply in replies.values()]
    assert outcomes == ["rejected", "error", "error", "refused", "truncated", "ok", "error"]
    assert all(reply.problem for reply in replies.values() if reply.outcome != "ok")


@pytest.mark.parametrize("provider", BOTH)
def test_handing_over_again_gives_the_same_batch(provider: Both, shelf: Shelf) -> None:
    questions = asked(provider)
    with serving(provider) as (server, endpoint):
        first = submit_batch(questions, endpoint, shelf, "run 1")
        assert submit_batch(questions, endpoint, Shelf(shelf.folder), "run 1") == first
        assert submit_batch(questions, endpoint, shelf, "run 2") != first
        assert len(server.batches) == 2
        with pytest.raises(BadRequest, match="another name"):
            submit_batch(questions[:3], endpoint, shelf, "run 1")


@pytest.mark.parametrize("provider", BOTH)
def test_a_batch_whose_id_never_came_back_is_found_again(provider: Both, shelf: Shelf) -> None:
    questions = asked(provider)
    with serving(provider) as (server, endpoint):
        submit_batch(asked(provider, 5), endpoint, Shelf(shelf.folder / "another"), "other size")
        server.lose_create = 1
        batch_id = submit_batch(questions, endpoint, shelf, "run 1")
        assert (batch_id, len(server.batches)) == (server.batches[0]["id"], 2)
        noted = shelf.batch("run 1")
        assert noted and noted["batch_id"] == batch_id


@pytest.mark.parametrize("provider", BOTH)
def test_a_process_that_died_before_noting_the_id_is_made_good(provider: Both, shelf: Shelf) -> None:
    questions = asked(provider)
    with serving(provider) as (server, endpoint):
        batch_id = submit_batch(questions, endpoint, shelf, "run 1")
        noted = shelf.batch("run 1")
        assert noted
        shelf.put_batch("run 1", {**noted, "batch_id": ""})
        assert submit_batch(questions, endpoint, shelf, "run 1") == batch_id
        assert len(server.batches) == 1


@pytest.mark.parametrize("provider", BOTH)
def test_a_batch_that_was_never_taken_is_handed_over_after_a_while(provider: Both, shelf: Shelf) -> None:
    questions = asked(provider)
    with serving(provider) as (server, endpoint):
        submit_batch(questions, endpoint, shelf, "run 1")
        noted = shelf.batch("run 1")
        assert noted
        shelf.put_batch("run 1", {**noted, "batch_id": ""})
        server.batches.clear()
        with pytest.raises(RunFailed, match="not known yet"):
            submit_batch(questions, endpoint, shelf, "run 1")
        assert not server.batches
        hold_back(shelf, "run 1", SURE_AFTER_S + 1)
        assert submit_batch(questions, endpoint, shelf, "run 1") == server.batches[0]["id"]


def test_two_batches_that_look_alike_are_left_to_the_user(shelf: Shelf) -> None:
    questions = asked("anthropic")
    with serving("anthropic") as (server, endpoint):
        for number in range(2):
            submit_batch(questions, endpoint, Shelf(shelf.folder / f"{number}"), "elsewhere")
        server.lose_create = 1
        with pytest.raises(RunFailed, match="3 batches that could be 'run 1'"):
            submit_batch(questions, endpoint, shelf, "run 1")


@pytest.mark.parametrize("provider", BOTH)
def test_a_refused_batch_says_why_and_may_be_handed_over_again(
    provider: Both, shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving(provider) as (server, endpoint):
        real = server._create
        server._create = lambda asked: type(real(asked))(server.error(400, f"too many of {KEY}"), 400)
        with pytest.raises(RunFailed, match="too many of") as caught:
            submit_batch(asked(provider), endpoint, shelf, "run 1", Naps())
        assert KEY not in str(caught.value)
        server.batches.clear()
        server._create = real
        assert submit_batch(asked(provider), endpoint, shelf, "run 1") == server.batches[0]["id"]


def test_a_batch_the_vendor_gave_up_says_why(shelf: Shelf) -> None:
    with serving("openai") as (server, endpoint):
        batch_id = submit_batch(asked("openai"), endpoint, shelf, "run 1")
        server.batches[0] |= {"status": "failed", "errors": {"data": [{"message": "line 3 is no JSON"}]}}
        state = poll_batch(batch_id, endpoint)
        assert (state.state, "line 3 is no JSON" in state.message) == ("failed", True)
        replies = read_batch(batch_id, endpoint, asked("openai"))
    assert {reply.outcome for reply in replies.values()} == {"error"}


def test_what_cannot_be_a_batch_is_said(shelf: Shelf) -> None:
    with serving("anthropic") as (server, endpoint):
        with pytest.raises(BadRequest, match="nothing to ask"):
            submit_batch([], endpoint, shelf, "run 1")
        batch_id = submit_batch(asked("anthropic"), endpoint, shelf, "run 2")
        with pytest.raises(RunFailed, match="still being worked on"):
            read_batch(batch_id, endpoint, asked("anthropic"))
    for provider in ("gemini", "compatible"):
        with pytest.raises(BadRequest, match="one question at a time"):
            submit_batch([("a", question(provider))], Endpoint(provider, base_url="http://x"), shelf, "run 3")
