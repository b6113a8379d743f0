"""Judging as the page does it, with real workers and servers that speak the vendors' protocols, faults included."""

from __future__ import annotations

import json
import os
import re
import signal
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.annotate_kit import Place, workspace
from tests.results_kit import Ask, Mind, make_item, make_response
from tests.vendors import Asked, ChatServer, ClaudeServer, Fault, VendorServer
from tests.vendors.kit import give_keys
from thud.errors import BadRequest
from thud.records import Answer, Reading, Response, Run
from thud.runs.listening.judges import Judge, parse_judge
from thud.runs.listening.judging import JudgePlan, Wanted, plan_judging, start_judging
from thud.store import changes
from thud.store.score_filter import ScoreFilter

FENCED = re.compile(r"<(answer-\w+)>\n(.*)\n</\1>", re.DOTALL)
ALL, UNPARSED = Wanted("all"), Wanted()
SOME = Mind("m")


def answered_text(asked: Asked) -> str:
    """The response that a request is about."""
    found = FENCED.search("\n".join(_texts(asked.json)))
    assert found
    return found[2]


def _texts(value: Any) -> Iterator[str]:
    """Every text in a request's body, whoever's protocol it is."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if key == "text" and isinstance(inner, str):
                yield inner
            else:
                yield from _texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner)


def says(label: str, quote: str, confidence: float = 0.9) -> str:
    return json.dumps({"label": label, "quote": quote, "confidence": confidence, "offset_s": None, "visual_s": None,
                       "audio_s": None})  # fmt: skip


def read_well(asked: Asked) -> str:
    """Reads by the word after "Hm": the texts of these tests name their label."""
    text = answered_text(asked)
    return says(text.split()[1], text.split()[0] + "  " + text.split()[1])


@pytest.fixture(autouse=True)
def keys(monkeypatch: pytest.MonkeyPatch) -> None:
    give_keys(monkeypatch)


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    with workspace(tmp_path, []) as opened:
        yield opened


def put(place: Place, texts: Iterable[str], mind: Mind = SOME, **changed: Any) -> list[Response]:
    """A response of its own clip for each text, which the rules could not read."""
    made = []
    for number, text in enumerate(texts):
        item = make_item(f"{number:016x}", "early", -0.5, Ask("sync"))
        made.append(replace(make_response(mind, item, "unparsed"), **{"text": text, **changed}))
    place.store.write_many([changes.add_response(one, "test") for one in made])
    return made


def at(server: VendorServer, **changed: Any) -> Judge:
    provider = "anthropic" if isinstance(server, ClaudeServer) else "compatible"
    row = {"provider": provider, "model": "tiny-judge", "base_url": server.url, "per_minute": 10_000, "at_once": 1}
    return parse_judge({**row, **changed})


def planned(place: Place, judge: Judge, wanted: Wanted = UNPARSED) -> JudgePlan:
    return plan_judging(place.store, place.runs, judge, wanted)


def judged(place: Place, judge: Judge, wanted: Wanted = UNPARSED) -> Run:
    return place.runs.wait(start_judging(place.store, place.runs, planned(place, judge, wanted), "ana").id)


def readings(place: Place, judge: Judge) -> dict[str, Reading]:
    return {one.response_id: one for one in place.store.readings() if one.reader == judge.reader}


def test_a_judge_reads_what_the_rules_left_and_its_word_is_in_the_store(place: Place) -> None:
    early, synced = put(place, ["Hm early it may be", "Hm   synced I think"])
    (parsed,) = put(place, ["Hm delayed"], Mind("other"), answer=Answer("early", method="rules"))
    with ChatServer(answer=read_well) as server:
        judge = at(server)
        run = judged(place, judge)
        assert (run.state, run.message) == ("done", "2 read.")
        found = readings(place, judge)
        assert {own: one.answer.label for own, one in found.items()} == {early.id: "early", synced.id: "synced"}
        assert found[synced.id].answer.quote == "Hm   synced", "the words as the response has them"
        assert (found[early.id].answer.method, found[early.id].answer.confidence) == ("judge", 0.9)
        said = place.store.score_of(early.id, ScoreFilter(answers="judge"))
        assert said and (said["said"], said["method"], said["hit"]) == ("early", "judge", True)
        assert place.store.definitions("judge")[judge.key]["model"] == "tiny-judge"
        (spent,) = place.store.ledger()
        assert (spent["replies"], spent["run_id"]) == (2, run.id)
        again = planned(place, judge)
        assert (again.groups, again.read) == ((), 2)
        with pytest.raises(BadRequest, match="nothing to judge"):
            start_judging(place.store, place.runs, again, "ana")
        assert {one.responses for one in planned(place, judge, ALL).groups} == {(parsed.id,)}
        assert len(server.questions) == 2


def test_an_invented_quote_counts_nothing_and_is_not_asked_again_by_itself(place: Place) -> None:
    (one,) = put(place, ["Hm early"])
    with ChatServer(answer=lambda asked: says("early", "the sound is early")) as server:
        judge = at(server)
        run = judged(place, judge)
        assert run.message == "0 read; 1 not: 1 unfounded."
        reading = readings(place, judge)[one.id]
        assert "does not occur" in reading.problem and reading.answer.label == "unparsed"
        said = place.store.score_of(one.id, ScoreFilter(answers="judge"))
        assert said and (said["said"], said["method"]) == ("unparsed", "rules")
        plan = planned(place, judge)
        assert (plan.groups, plan.before) == ((), 1)
        server.answer = read_well
        judged(place, judge, Wanted(again=True))
        assert readings(place, judge)[one.id].problem == "" and len(server.questions) == 2


def test_the_same_words_are_asked_about_once_now_and_later(place: Place) -> None:
    put(place, ["Hm early"] * 4)
    with ChatServer(answer=read_well) as server:
        judge = at(server)
        plan = planned(place, judge)
        assert (plan.responses, len(plan.groups)) == (4, 1)
        judged(place, judge)
        assert len(readings(place, judge)) == 4 and len(server.questions) == 1
        (late,) = put(place, ["Hm early"], Mind("late"))
        judged(place, judge)
        assert readings(place, judge)[late.id].answer.label == "early" and len(server.questions) == 1


def test_other_judges_are_other_readers(place: Place) -> None:
    (one,) = put(place, ["Hm early"])
    with ChatServer(answer=read_well) as server:
        first = at(server)
        second = at(server, model="tiny-judge-2")
        assert len({first.key, second.key, at(server, temperature=0.5).key}) == 3
        assert at(server, at_once=9, per_minute=3, key_env="OTHER_KEY").key == first.key
        judged(place, first)
        server.answer = lambda asked: says("desync", "Hm")
        judged(place, second)
        assert readings(place, first)[one.id].answer.label == "early"
        assert readings(place, second)[one.id].answer.label == "desync"


def test_no_failure_is_a_label(place: Place) -> None:
    kinds = ("refusal", "truncated", "garbage", "empty", "400", "drop", "prose", "list")
    made = put(place, [f"Hm early {number}" for number in range(len(kinds) + 2)])
    with ChatServer(answer=read_well, faults=[Fault(kind) for kind in kinds]) as server:
        judge = at(server)
        run = judged(place, judge)
        assert run.state == "done" and run.message.startswith("2 read; 8 not: "), run.message
        found = readings(place, judge)
        assert len(found) == len(made)
        assert sum(bool(one.problem) for one in found.values()) == len(kinds)
        assert {one.answer.label for one in found.values() if one.problem} == {"unparsed"}
        assert len(place.runs.problems(run.id)) == len(kinds)


def test_a_judge_out_of_reach_leaves_all_as_it_is_and_the_run_can_go_on(place: Place) -> None:
    put(place, ["Hm early", "Hm synced"])
    busy = Fault("503", headers={"retry-after-ms": "1"}, message="overloaded")
    with ChatServer(answer=read_well, fault_of=lambda asked: busy) as server:
        judge = at(server)
        run = judged(place, judge)
        assert run.state == "failed" and "does not answer" in run.message and "resume" in run.message
        assert readings(place, judge) == {} and planned(place, judge).responses == 2
        server.fault_of = lambda asked: None
        place.runs.resume(run.id)
        assert place.runs.wait(run.id).message == "2 read." and len(readings(place, judge)) == 2


def test_a_killed_run_asks_nothing_twice(place: Place) -> None:
    put(place, [f"Hm early {number}" for number in range(30)])
    with ChatServer(answer=read_well, fault_of=lambda asked: Fault("slow", seconds=0.02)) as server:
        judge = at(server, at_once=2)
        run = start_judging(place.store, place.runs, planned(place, judge), "ana")
        while (now := place.runs.run(run.id)).state in ("queued", "running") and now.done < 4:
            time.sleep(0.01)
        with suppress(ProcessLookupError):
            os.kill(now.pid, signal.SIGKILL)
        if place.runs.wait(run.id).state != "done":
            place.runs.resume(run.id)
        assert place.runs.wait(run.id).state == "done"
        assert len(readings(place, judge)) == 30 and max(server.billed.values()) == 1


def test_a_batch_reads_the_same_and_what_it_read_is_not_asked_singly(place: Place) -> None:
    made = put(place, ["Hm early", "Hm synced", "Hm delayed", "broken"])

    def fate(params: dict[str, Any]) -> str:
        return "errored" if any("broken" in text for text in _texts(params)) else ""

    with ClaudeServer(answer=read_well, result_of=fate) as server:
        judge = at(server)
        plan = planned(place, judge, Wanted(batch=True))
        run = start_judging(place.store, place.runs, plan, "ana")
        ended = place.runs.wait(run.id)
        assert ended.state == "done" and ended.kind == "judge_batch" and "3 read; 1 not" in ended.message
        found = readings(place, judge)
        assert {found[one.id].answer.label for one in made[:3]} == {"early", "synced", "delayed"}
        assert made[3].id not in found, "what the vendor did not answer may be asked again"
        assert server.questions == [] and sum(server.billed.values()) == 3
        (late,) = put(place, ["Hm early"], Mind("late"))
        judged(place, judge)
        assert readings(place, judge)[late.id].answer.label == "early"
        assert not any("Hm early" in answered_text(asked) for asked in server.questions)


def test_which_responses_are_read(place: Place) -> None:
    made = put(place, [f"Hm early {number}" for number in range(6)])
    put(place, ["", " "], Mind("quiet"))
    put(place, ["Hm early"], Mind("person", rater="eva"))
    put(place, ["Hm early"], Mind("cut"), outcome="truncated")
    place.store.add_reading(Reading(made[2].id, "person:eva", Answer("early", method="person")), "eva")
    with ChatServer() as server:
        judge = at(server)
        assert planned(place, judge).responses == 6 == planned(place, judge, ALL).responses
        assert planned(place, judge, Wanted("audit", 3)).responses == 3
        (only,) = planned(place, judge, Wanted("labelled")).groups
        assert only.responses == (made[2].id,)


def test_a_response_that_says_something_else_now_is_read_anew(place: Place) -> None:
    (one,) = put(place, ["Hm early"])
    with ChatServer(answer=read_well) as server:
        judge = at(server)
        judged(place, judge)
        place.store.write_many([changes.add_response(replace(one, text="Hm delayed surely"), "test")])
        judged(place, judge)
        assert readings(place, judge)[one.id].answer.label == "delayed"


def test_a_judge_of_the_listeners_family_is_warned_of(place: Place) -> None:
    put(place, ["Hm early"], Mind("Gemini-3.1-Pro"))
    put(place, ["Hm early"], Mind("my own Qwen3"))
    claude, gemini = (parse_judge({"provider": name}) for name in ("anthropic", "gemini"))
    local = parse_judge({"provider": "compatible", "base_url": "http://127.0.0.1:1", "model": "Qwen/Qwen3-8B"})
    assert planned(place, claude).warnings == ()
    assert "Gemini-3.1-Pro and this judge are of one family" in planned(place, gemini).warnings[0]
    assert "my own Qwen3" in planned(place, local).warnings[0]


def test_a_missing_key_is_said_before_anything_is_asked(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    put(place, ["Hm early"])
    monkeypatch.delenv("ANTHROPIC_API_KEY")
    plan = planned(place, parse_judge({"provider": "anthropic"}))
    assert "ANTHROPIC_API_KEY is not set" in plan.blocked and plan.cost_usd
    with pytest.raises(BadRequest, match="not set"):
        start_judging(place.store, place.runs, plan, "ana")


NONSENSE: list[Any] = [
    None, {}, {"provider": "local"}, {"provider": "compatible", "model": "x"}, {"provider": "openai", "voice": 1},
    {"provider": "openai", "key_env": "PATH"}, {"provider": "openai", "base_url": "file:///etc/passwd"},
    {"provider": "openai", "temperature": "hot"}, {"provider": "compatible", "base_url": "http://127.0.0.1:1"},
]  # fmt: skip


@pytest.mark.parametrize("row", NONSENSE)
def test_nonsense_is_no_judge(row: Any) -> None:
    with pytest.raises(BadRequest):
        parse_judge(row)
