"""Asking a listener as the page does: plan, run, responses in the store.

No failure is an answer, and nothing is asked twice.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.annotate_kit import Place, workspace
from tests.hearing_server import deaf, hearing, words_sent
from tests.killing import killed_on_the_way
from tests.unit.listeners_kit import made
from tests.vendors import Asked, ChatServer, Fault
from tests.vendors.kit import give_keys
from thud.errors import BadRequest
from thud.evaluation.answers import RULES_VERSION
from thud.listeners.canary import QUESTIONS
from thud.listeners.questions import QUESTION_SETS
from thud.listeners.roster import LISTENERS, Listener
from thud.records import Answer, Reading, Run
from thud.runs.listening.listen import ListenPlan, Wanted, device_of, plan_listening, start_listening
from thud.runs.listening.responses import reread
from thud.runs.training import default_device
from thud.store import changes

DIRECT = Wanted(QUESTION_SETS["direct"], tasks=("existence",))


@contextmanager
def stage(folder: Path) -> Iterator[Place]:
    """A workspace with two clips, all their stimuli and their event times."""
    (folder / "workspace").mkdir()
    world = made(folder / "workspace")
    with workspace(folder, list(world.clips.values())) as place:
        place.store.add_stimuli(world.stimuli, "test")
        for clip_id, times in world.times.items():
            place.store.set_times(clip_id, times, "test")
        yield place


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with stage(tmp_path_factory.mktemp("stage")) as made_place:
        yield made_place


@pytest.fixture(autouse=True)
def keys(monkeypatch: pytest.MonkeyPatch) -> None:
    give_keys(monkeypatch)


def at(server: ChatServer, name: str = "tiny", **changed: Any) -> Listener:
    listener = Listener(name, "compatible", "tiny-omni", server.url, per_minute=10_000, at_once=1)
    return replace(listener, transport="frames+input_audio", **changed)


def planned(place: Place, listener: Listener, wanted: Wanted = DIRECT) -> ListenPlan:
    return plan_listening(place.store, place.runs, listener, wanted)


def asked(place: Place, listener: Listener, wanted: Wanted = DIRECT) -> Run:
    run = start_listening(place.store, place.runs, planned(place, listener, wanted), "ana")
    return place.runs.wait(run.id)


def scoring(server: ChatServer) -> list[Asked]:
    """The requests that are no canary."""
    return [one for one in server.questions if not canary(one)]


def canary(one: Asked) -> bool:
    return words_sent(one).endswith(tuple(QUESTIONS.values()))


def test_what_a_listener_says_is_in_the_store_read_and_asked_once(place: Place) -> None:
    with ChatServer(answer=hearing) as server:
        listener = at(server, "hears")
        run = asked(place, listener)
        assert run.state == "done", run.message
        found = place.store.responses(run.id)
        labels = {(one.item.condition, one.answer.label) for one in found if one.item.condition == "original"}
        assert labels == {("original", "audio_described")} and len(found) == run.done
        silent = [one for one in found if one.item.condition == "muted"]
        assert silent and {one.answer.label for one in silent} == {"muted"}
        canary = place.store.definitions("canary")[f"{listener.key()}.audio_video"]
        assert canary["hears"] and canary["passed"] == 6 and canary["override"] == ""
        before = len(server.questions)
        again = planned(place, listener)
        assert again.items == () and again.answered == len(found)
        with pytest.raises(BadRequest, match="nothing to ask"):
            start_listening(place.store, place.runs, again, "ana")
        assert len(server.questions) == before
        (spent,) = [line for line in place.store.ledger() if line["run_id"] == run.id]
        assert spent["annotator"] == "hears" and spent["replies"] == len(found)


def test_other_settings_are_other_rows(place: Place) -> None:
    with ChatServer(answer=hearing) as server:
        first, second = at(server, "warm", temperature=0.0), at(server, "warm", temperature=0.7)
        asked(place, first)
        assert planned(place, first).items == () and len(planned(place, second).items) > 0
        faster = replace(first, per_minute=5, at_once=2, name="another name")
        assert planned(place, faster).items == (), "pace and name change no answer"


def test_a_listener_that_does_not_hear_is_not_scored(place: Place) -> None:
    with ChatServer(answer=deaf) as server:
        listener = at(server, "deaf")
        run = asked(place, listener)
        assert run.state == "failed" and "audio canary failed" in run.message and "Nothing was scored" in run.message
        assert place.store.responses(run.id) == [] and scoring(server) == []
        forced = asked(place, listener, replace(DIRECT, override=True))
        assert forced.state == "done" and len(place.store.responses(forced.id)) == forced.total
        kept = place.store.definitions("canary")[f"{listener.key()}.audio_video"]
        assert not kept["hears"] and "all the same" in kept["override"]


def test_the_picture_alone_needs_no_canary(place: Place) -> None:
    with ChatServer(answer=deaf) as server:
        run = asked(place, at(server, "eyes"), replace(DIRECT, arm="picture_only"))
        assert run.state == "done" and len(scoring(server)) == len(server.questions)


def test_a_server_that_becomes_another_model_stops_the_run(place: Place) -> None:
    with ChatServer(answer=hearing) as server:

        def answer(one: Asked) -> str:
            server.model_echo = "other-omni" if len(server.questions) > 8 else "tiny-omni"
            return hearing(one)

        server.answer = answer
        run = asked(place, at(server, "turncoat"))
        assert run.state == "failed" and "other-omni" in run.message and "never mixed" in run.message
        assert 0 < len(place.store.responses(run.id)) < run.total


def test_missing_stimuli_stop_the_run_before_it_costs(tmp_path: Path) -> None:
    with stage(tmp_path) as place, ChatServer(answer=hearing) as server:
        lost = next(one for one in place.store.stimuli() if one.condition == "muted" and one.models)
        (place.workspace / "stimuli" / lost.clip_id / lost.models).unlink()
        plan = planned(place, at(server))
        assert [one.reason for one in plan.missing] and "gone" in plan.blocked
        with pytest.raises(BadRequest, match="build it again"):
            start_listening(place.store, place.runs, plan, "ana")
        assert server.requests == []


def test_no_failure_is_counted_as_an_answer(place: Place) -> None:
    kinds = ("empty", "refusal", "truncated", "garbage", "400", "drop", "cut", "list")
    with ChatServer(answer=hearing) as server:
        turn = iter(kinds)

        def fault(one: Asked) -> Fault | None:
            if canary(one):
                return None
            kind = next(turn, None)
            return Fault(kind) if kind else None  # type: ignore[arg-type]

        server.fault_of = fault
        run = asked(place, at(server, "frail"), replace(DIRECT, tasks=("sync", "existence")))
        found = place.store.responses(run.id)
        outcomes = Counter(one.outcome for one in found)
        assert run.state == "done" and sum(outcomes.values()) == run.total and "not:" in run.message
        assert outcomes["ok"] == run.total - len(kinds), outcomes
        bad = [one for one in found if one.outcome != "ok"]
        assert {one.answer.label for one in bad} <= {"error", "refused", "unparsed"}
        assert all(one.problem for one in bad)


def test_a_killed_run_asks_nothing_twice(tmp_path: Path) -> None:
    wanted = Wanted(QUESTION_SETS["direct"])
    with stage(tmp_path) as place, ChatServer(answer=hearing) as server:
        run = start_listening(place.store, place.runs, planned(place, at(server), wanted), "ana")
        ended, _ = killed_on_the_way(place.runs, run, 2)
        assert ended.state == "done" and len(place.store.responses(run.id)) == ended.total
        assert max(server.billed.values()) == 1


def test_the_baselines_answer_here(place: Place) -> None:
    for name in ("always-synced", "signal"):
        run = asked(place, LISTENERS[name], Wanted(QUESTION_SETS["structured"]))
        assert run.state == "done"
    labels = {
        (one.listener, one.item.task, one.item.condition): one.answer.label for one in place.store.responses()
        if one.item.question_set == QUESTION_SETS["structured"].id
    }  # fmt: skip
    assert labels["always-synced", "sync", "delayed"] == "synced"
    assert labels["always-synced", "existence", "muted"] == "audio_described"
    assert labels["always-synced", "consistency", "swapped"] == "match"


def test_on_a_cluster_a_model_gets_a_gpu_whatever_this_machine_has(tmp_path: Path) -> None:
    """Nobody has seen its machines; the small ones need none there."""
    for name, size in (("big", 2**30), ("made of tiny", 2**20)):
        (tmp_path / name).mkdir()
        with (tmp_path / name / "model.safetensors").open("wb") as file:
            file.truncate(size)
    big = Listener("big", "local", str(tmp_path / "big"))
    small = replace(big, model=str(tmp_path / "made of tiny"))
    nowhere = replace(big, model=str(tmp_path / "nowhere"))
    everyone = (big, small, LISTENERS["tiny"], nowhere, replace(small, four_bit=True), LISTENERS["signal"])
    assert [device_of(one, "slurm") for one in everyone] == ["0", "", "", "0", "0", ""]
    here = default_device().replace("cpu", "")
    assert [device_of(one, "") for one in everyone] == [here, here, here, here, here, ""]


def test_older_readings_are_read_anew_and_nobody_is_asked(tmp_path: Path) -> None:
    with stage(tmp_path) as place:
        run = asked(place, LISTENERS["always-synced"], Wanted(QUESTION_SETS["structured"]))
        before = place.store.responses(run.id)
        stale = [replace(one, answer=Answer("muted"), rules=RULES_VERSION - 1) for one in before[:3]]
        place.store.write_many([changes.add_response(one, "test") for one in stale])
        place.store.add_reading(Reading(before[0].id, "person:ana", Answer("early", method="person")), "ana")
        assert place.store.count_older(RULES_VERSION) == 3
        assert reread(place.store, "test") == (3, 3) and place.store.count_older(RULES_VERSION) == 0
        assert {one.id: one for one in place.store.responses(run.id)} == {one.id: one for one in before}
        assert [one.answer.label for one in place.store.readings(before[0].id)] == ["early"]
