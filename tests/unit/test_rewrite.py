"""Answers in other words: what is taken, what stays, and the set that a run leaves, with a server that makes faults."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.annotate_kit import Place, workspace
from tests.vendors import Asked, ClaudeServer, Fault
from tests.vendors.anthropic_server import texts
from tests.vendors.kit import give_keys
from thud.errors import BadRequest
from thud.pairs.faithful import LABEL, LENGTH, LOST_NUMBER, NAMES, NEW_NUMBER, OPTION, TIMES, check, numbers
from thud.pairs.pair import Pair, Shown
from thud.pairs.pair_set import PairSet, SetWriter, open_set
from thud.pairs.rewrite import AS_IS, GONE, Piece, pieces_of, prompt_of, read_texts, requests_of, reworded
from thud.pairs.rewrite import Wording as W
from thud.records import Run
from thud.runs.listening.judges import Judge
from thud.runs.pairs.rewriting import parse_rewriter, plan_rewriting, start_rewriting

ASKED = "Do picture and sound of this clip fit in time?"
LATE = "The clapper shuts at 2.1 s, but its clap is heard at 3.3 s: the sound is delayed by 1.2 seconds."
SYNCED = "The clapper shuts at 2.1 s and its clap is heard at 2.1 s, so the sound is in sync."
PIECE = Piece("sync", ASKED, LATE)


def a_pair(number: int = 0, **changed: Any) -> Pair:
    given: dict[str, Any] = {
        "type": "shift", "prompt": ASKED, "chosen": LATE.replace("clapper", f"clapper{'abcdefghijkl'[number]}"),
        "rejected": SYNCED, "shown": Shown(f"v{number}.mp4", f"s{number}.wav"), "clip_id": f"{number:016x}",
        "task": "sync", "condition": "delayed", "offset_s": 1.2, "label": "delayed", "rejected_label": "synced",
        "split": "train",
    }  # fmt: skip
    return Pair(**{**given, **changed})


GOOD = "You see the clapper shut at 2.1 s, yet the clap only comes at 3.3 s; the sound is delayed by 1.2 seconds."
WORDINGS = [
    (GOOD, ""),
    (GOOD.replace("2.1 s", "2.10 s").replace("1.2 seconds", "1200 ms"), ""),
    (GOOD.replace("the sound is delayed by", "the sound is early by"), LABEL),
    (GOOD.replace("1.2 seconds", "some time"), LOST_NUMBER),
    (GOOD.replace("1.2 seconds", "1.2 seconds, after half a second of quiet"), NEW_NUMBER),
    (GOOD.replace("2.1 s", "2.4 s"), LOST_NUMBER),
    (GOOD + " It was recorded in 1999.", NEW_NUMBER),
    ("The clap is heard at 2.1 s and the clapper shuts at 3.3 s: the sound is delayed by 1.2 seconds.", TIMES),
    (GOOD + " And this goes on and on, since somebody likes to write many more words than were asked for." * 2, LENGTH),
    (GOOD.replace("clapper", "dog").replace("clap", "bark").replace("shut", "jump").replace("delayed", "late"), NAMES),
    ("", GONE),
]  # fmt: skip


@pytest.mark.parametrize(("text", "reason"), WORDINGS)
def test_only_a_wording_that_says_the_same_is_taken(text: str, reason: str) -> None:
    assert check(PIECE, text) == W("" if reason else text, reason)


def test_numbers_are_read_in_any_of_their_forms() -> None:
    assert numbers("At 1:02.5, then 350 ms, 2,5 s and 2.50 s again; take 3.") == [62.5, 0.35, 2.5, 3.0]
    spelled = Piece("sync", ASKED, "The sound comes 2 seconds after the door shuts; it is delayed.")
    assert check(spelled, "The door shuts and the sound comes two seconds after it; it is delayed.").text
    assert (
        check(spelled, "The door shuts and the sound comes five seconds after it; it is delayed.").reason == LOST_NUMBER
    )


def test_options_and_descriptions_keep_what_they_name() -> None:
    options = (("A", "a barking dog"), ("B", "a ringing bell"))
    chosen = Piece("choice", "What is heard?", "B. a ringing bell, since it rings on while the door is shut.", options)
    assert check(chosen, "B. a ringing bell: it keeps ringing while the door is shut.").text
    assert check(chosen, "B. a bell that rings: it keeps ringing while the door is shut.").reason == OPTION
    assert check(chosen, "A. a ringing bell: it keeps ringing while the door is shut.").reason == LABEL
    seen = Piece(
        "describe", "What happens?", "A waiter drops a tray of glasses on a marble floor, and guests turn round."
    )
    assert check(seen, "On a marble floor a waiter drops his tray with the glasses, so guests turn.").text
    assert (
        check(seen, "A juggler throws several bottles into the air while children keep laughing loudly.").reason
        == NAMES
    )


def test_what_has_a_form_of_its_own_stays() -> None:
    for changed in ({"chosen": '{"in_sync": false, "offset_s": 1.2}'}, {"chosen": "B"}, {"rejected": "Yes, fully."}):
        assert pieces_of(a_pair(**changed)) == ()
        assert reworded(a_pair(**changed), {}, "m") == (a_pair(**changed), AS_IS)
    own = a_pair(type="SP")
    assert [one.text for one in pieces_of(own)] == [own.chosen], "a listener's own words stay its own"
    same = a_pair(rejected=a_pair().chosen, type="input", rejected_shown=Shown("v.mp4", "t.wav"))
    assert len(pieces_of(same)) == 1
    new, _ = reworded(same, {pieces_of(same)[0].id: W(GOOD)}, "m")
    assert new.chosen == new.rejected == GOOD and new.origin["rewritten"] == "m"


def test_both_answers_are_replaced_or_none() -> None:
    pair = a_pair()
    chosen, rejected = pieces_of(pair)
    assert reworded(pair, {chosen.id: W("new")}, "m") == (pair, GONE)
    assert reworded(pair, {chosen.id: W("new"), rejected.id: W("", LABEL)}, "m") == (pair, LABEL)
    new, reason = reworded(pair, {chosen.id: W("new"), rejected.id: W("other")}, "m")
    assert (new.chosen, new.rejected, reason) == ("new", "other", "")
    assert reworded(pair, {chosen.id: W("new"), rejected.id: W("new")}, "m")[0] == pair


def test_nothing_that_is_sent_tells_which_answer_is_chosen() -> None:
    pairs = [a_pair(n) for n in range(12)]
    requests = requests_of(pairs, 4)
    assert requests == requests_of(pairs[::-1], 4) and sum(map(len, requests)) == 13, "the shared answer is sent once"
    sent = json.dumps([[prompt_of(one).system, prompt_of(one).text] for one in requests])
    assert not re.search(r"chosen|rejected|preferred", sent)


WHOLE = '{"texts": [{"n": 1, "text": "one"}]}'


@pytest.mark.parametrize(
    "reply",
    [
        "",
        "Sorry, no.",
        "[]",
        "{}",
        '{"texts": 4}',
        '{"texts": [',
        "null",
        '{"a": {"texts"',
        f"{WHOLE} {WHOLE}",
        f"Draft: {WHOLE} Final: {WHOLE.replace('one', 'two')}",
        '{"a":' * 40_000,
    ],
)
def test_a_reply_of_another_form_gives_nothing(reply: str) -> None:
    assert not read_texts(reply, 3)


def test_what_was_not_asked_for_or_comes_twice_is_left_out() -> None:
    rows = [{"n": 1, "text": " one\n "}, {"n": 2, "text": "a"}, {"n": 2, "text": "b"}, {"n": 9, "text": "c"}]
    rows += [{"n": True, "text": "d"}, {"n": 3, "text": ""}, {"n": 3.0, "text": "e"}, "f"]  # type: ignore[list-item]
    fenced = f"Here you are:\n```json\n{json.dumps({'texts': rows})}\n```"
    assert read_texts(fenced, 3) == {1: "one"}


# With a worker and a server.

ANSWER = re.compile(r"^\[(\d+)\] answer: (.*)$", re.M)


def rephrase(text: str) -> str:
    return text.replace("shuts", "closes").replace("is heard", "sounds")


def rewriting(change: Callable[[str], str] = rephrase) -> Callable[[Asked], str]:
    def answer(asked: Asked) -> str:
        found = ANSWER.findall("\n".join(texts(asked.json)))
        return json.dumps({"texts": [{"n": int(n), "text": change(text)} for n, text in found]})

    return answer


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    give_keys(monkeypatch)
    with workspace(tmp_path, []) as opened:
        yield opened


def put(place: Place, pairs: list[Pair]) -> str:
    with SetWriter(place.workspace) as writer:
        for pair in pairs:
            writer.add(pair)
            for name in (pair.shown.video, pair.shown.sound):
                (place.workspace / name).write_bytes(b"media")
        set_id = writer.finish({"title": "my mix", "stage": "dpo"})
    body = {
        "title": "my mix",
        "recipe": None,
        "stage": "dpo",
        "pairs": len(pairs),
        "held": 0,
        "made_at": "",
        "origin": "built",
    }
    place.store.define("pair_set", set_id, {**body, "parent": ""}, "ana")
    return set_id


def at(server: ClaudeServer) -> Judge:
    return parse_rewriter({"model": "claude-test", "base_url": server.url, "per_minute": 10_000, "at_once": 1})


def rewrite(place: Place, judge: Judge, set_id: str) -> Run:
    plan = plan_rewriting(place.store, place.runs, judge, set_id)
    return place.runs.wait(start_rewriting(place.store, place.runs, plan, "ana").id)


def new_set(place: Place, old: str) -> PairSet:
    (name,) = [one for one in place.store.definitions("pair_set") if one != old]
    return open_set(place.workspace, name)


def test_a_run_leaves_a_new_set_with_what_survived(place: Place) -> None:
    json_pair = a_pair(5, chosen='{"in_sync": false}')
    old = put(place, [*(a_pair(n) for n in range(4)), json_pair])

    def odd(text: str) -> str:
        return rephrase(text).replace("1.2 seconds", "a while" if "clapperc" in text else "1.2 seconds")

    with ClaudeServer(answer=rewriting(odd)) as server:
        run = rewrite(place, at(server), old)
        assert (run.state, run.message) == ("done", "4 answers in new words, 1 stay as they were.")
        found = new_set(place, old)
        told = found.summary
        assert (told["origin"], told["parent"], told["pairs"]) == ("rewritten", old, 5)
        (fix,) = told["fixes"]
        assert (fix["count"], fix["kept"]) == (3, {LOST_NUMBER: 1, AS_IS: 1})
        pairs = [pair for _, pair in found.pairs(held=True)]
        assert [pair.origin.get("rewritten") for pair in pairs] == [
            "claude-test",
            "claude-test",
            None,
            "claude-test",
            None,
        ]
        assert "closes" in pairs[0].chosen and "sounds" in pairs[0].rejected and pairs[4] == json_pair
        assert len(list(open_set(place.workspace, old).pairs())) == 5, "the old set stays"
        (spent,) = place.store.ledger()
        assert (spent["replies"], spent["run_id"]) == (1, run.id)
        again = rewrite(place, at(server), old)
        assert again.state == "done" and len(server.questions) == 1, "what was answered is not asked again"


def test_what_was_dropped_is_not_sent(place: Place) -> None:
    from thud.runs.pairs.sets import say

    pairs = [a_pair(n) for n in range(3)]
    old = put(place, pairs)
    say(place.store, pairs[1].id, "dropped", "ana")
    with ClaudeServer(answer=rewriting()) as server:
        assert plan_rewriting(place.store, place.runs, at(server), old).pairs == 2
        rewrite(place, at(server), old)
    assert [pair.clip_id for _, pair in new_set(place, old).pairs()] == [pairs[0].clip_id, pairs[2].clip_id]


def test_a_reworded_pair_whose_media_is_gone_is_held_back(place: Place) -> None:
    pairs = [a_pair(n) for n in range(3)]
    old = put(place, pairs)
    (place.workspace / pairs[1].shown.sound).unlink()
    with ClaudeServer(answer=rewriting()) as server:
        rewrite(place, at(server), old)
    found = new_set(place, old)
    assert (found.summary["pairs"], [line.held for line in found.index]) == (2, [(), ("media",), ()])
    assert found.summary["funnel"] == {}, "the parent's losses are the parent's"


@pytest.mark.parametrize("fault", ["refusal", "truncated", "prose", "garbage"])
def test_a_reply_that_is_none_changes_nothing(place: Place, fault: Any) -> None:
    old = put(place, [a_pair()])
    with ClaudeServer(answer=rewriting(), faults=[Fault(fault)]) as server:
        run = rewrite(place, at(server), old)
    assert run.state == "done" and len(place.runs.problems(run.id)) == 1
    assert set(place.store.definitions("pair_set")) == {old} and "0 answers in new words" in run.message


def test_a_model_out_of_reach_leaves_no_set_and_the_run_can_go_on(place: Place) -> None:
    old = put(place, [a_pair()])
    busy = Fault("503", headers={"retry-after-ms": "1"}, message="overloaded")
    with ClaudeServer(answer=rewriting(), fault_of=lambda asked: busy) as server:
        run = rewrite(place, at(server), old)
        assert run.state == "failed" and "does not answer" in run.message
        assert set(place.store.definitions("pair_set")) == {old}
        server.fault_of = lambda asked: None
        place.runs.resume(run.id)
        assert place.runs.wait(run.id).state == "done" and new_set(place, old).summary["pairs"] == 1


def test_a_plan_says_what_stands_in_the_way(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    old = put(place, [a_pair(chosen="B")])
    nothing = plan_rewriting(place.store, place.runs, parse_rewriter({}), old)
    with pytest.raises(BadRequest, match="nothing to rewrite"):
        start_rewriting(place.store, place.runs, nothing, "ana")
    more = put(place, [a_pair(n) for n in range(9)])
    monkeypatch.delenv("ANTHROPIC_API_KEY")
    plan = plan_rewriting(place.store, place.runs, parse_rewriter({}), more)
    assert (plan.texts, len(plan.requests)) == (10, 1) and plan.cost_usd and "ANTHROPIC_API_KEY" in plan.blocked
    with pytest.raises(BadRequest, match="not set"):
        start_rewriting(place.store, place.runs, plan, "ana")
