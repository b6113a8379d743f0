"""People going over described segments: the queue, what counts, how far they agree, and who may see what over HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from tests.annotate_kit import Place, make_numbered_clip, workspace
from tests.unit.segments_kit import SOUNDS, described, put_segments
from tests.unit.test_routes_annotate import serving
from thud.errors import BadRequest, NotFound, ThudError
from thud.pairs.material import Segment
from thud.pairs.segment_words import KIND, Word, corrected, name_of, overlap, word_from_json, word_json
from thud.pairs.segment_words import say as says
from thud.records import Clip
from thud.runs.annotating.segments import FILE, agreement, find_task, queue, say_word
from thud.runs.pairs.material import segments_of
from ui.door.auth import AccountBook, Guard
from ui.door.rights import may
from ui.house import House
from ui.routes.segments import segments_router
from ui.serve import _say

MODEL = "gemini-3.1-pro-preview"


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> list[Clip]:
    folder = tmp_path_factory.mktemp("clips")
    return [make_numbered_clip(folder, number) for number in (1, 2)]


@pytest.fixture
def place(tmp_path: Path, clips: list[Clip]) -> Iterator[Place]:
    with workspace(tmp_path, clips) as opened:
        yield opened


@pytest.fixture
def four(place: Place, clips: list[Clip]) -> list[Segment]:
    made = [described(clip.id, start_s, 1.4, f"Stripes {start_s}.") for clip in clips for start_s in (0.0, 0.4)]
    put_segments(place.store, place.workspace, made)
    return made


def by_model(place: Place, segment: Segment, verdict: Any, **changed: Any) -> Word:
    word = replace(says(segment, MODEL, verdict, at="2026-01-01T00:00:00+00:00"), **changed)
    place.store.define(KIND, name_of(word), word_json(word), "ana")
    return word


def say(place: Place, person: str, segment: Segment, verdict: str, **told: Any) -> Word:
    note = "not there" if verdict == "reject" else ""
    found = say_word(place.store, person, segment.id, verdict, told, note).of(person)
    assert found
    return found


def left(place: Place, person: str) -> list[str]:
    return [task.segment.id for task in queue(place.store, person).tasks]


def test_what_nobody_has_spoken_of_comes_first_and_a_clips_segments_follow_each_other(
    place: Place, four: list[Segment]
) -> None:
    first = queue(place.store, "eva")
    ids = [task.clip.id for task in first.tasks]
    assert (first.all, first.seen, first.mine, len(ids)) == (4, 0, 0, 4) and ids[0] == ids[1] and ids[2] == ids[3]
    by_model(place, four[3], "reject")
    assert sorted(left(place, "eva")) == sorted(one.id for one in four), "a model's word takes nothing from people"
    say(place, "eva", four[0], "agree")
    assert four[0].id not in left(place, "eva") and left(place, "ben")[-1] == four[0].id
    say(place, "ben", four[0], "agree")
    assert four[0].id not in left(place, "cem"), "two people are enough"
    named = queue(place.store, "eva", four[0].id)
    assert named.tasks[0].segment == four[0] and (named.seen, named.mine) == (1, 1)


def test_a_persons_word_beats_a_models_and_the_newest_person_counts(place: Place, four: list[Segment]) -> None:
    one, two, three, _ = four

    def now(segment: Segment) -> list[Segment]:
        return [each for each in segments_of(place.store)[segment.clip_id] if each.start_s == segment.start_s]

    by_model(place, one, "correct", description="A model's words.", at="2999-01-01")
    assert now(one)[0].description == "A model's words." and now(one)[0].by == MODEL
    say(place, "eva", one, "correct", description="Eva's words.", sounds=["a beep"])
    assert (now(one)[0].description, now(one)[0].sounds, now(one)[0].by) == ("Eva's words.", ("a beep",), "person:eva")
    say(place, "ben", one, "agree")
    assert now(one) == [one]
    say(place, "eva", two, "reject")
    assert now(two) == []
    by_model(place, three, "reject")
    assert now(three) == []


def test_what_cannot_be_is_refused_in_a_sentence(place: Place, four: list[Segment]) -> None:
    odd: list[dict[str, Any]] = [
        {"start_s": 1.0, "end_s": 0.5}, {"end_s": 9.0}, {"start_s": -1}, {"start_s": "1"}, {"description": " "},
        {"description": "x" * 700}, {"sounds": "a beep"}, {"sounds": ["a"] * 13}, {"start_s": float("nan")},
    ]  # fmt: skip
    for told in odd:
        with pytest.raises(BadRequest):
            say_word(place.store, "eva", four[0].id, "correct", told)
    with pytest.raises(BadRequest, match="why"):
        say_word(place.store, "eva", four[0].id, "reject", {}, " ")
    with pytest.raises(BadRequest, match="one of agree"):
        say_word(place.store, "eva", four[0].id, "perhaps", {})
    with pytest.raises(NotFound):
        find_task(place.store, "nothing")
    assert place.store.definitions(KIND) == {}
    assert say(place, "eva", four[0], "correct", description=four[0].description).verdict == "agree"


def test_agreement_is_counted_on_what_was_said_before_others_were_seen(place: Place, four: list[Segment]) -> None:
    one, two, three, four_ = four
    by_model(place, one, "correct", start_s=0.1, end_s=1.3)
    by_model(place, two, "reject")
    by_model(place, three, "agree")
    by_model(place, four_, "reject")
    say(place, "eva", one, "correct", start_s=0.1)
    say(place, "eva", two, "reject")
    say(place, "eva", three, "reject")
    say(place, "eva", four_, "reject")
    for _ in range(2):
        filed, model = agreement(place.store).against
        assert (filed.name, filed.n, filed.agree.value, filed.kappa.value) == (FILE, 4, 0.0, None)
        assert filed.iou == pytest.approx(1.3 / 1.4)
        assert (model.name, model.n, model.agree.value) == (MODEL, 4, 0.75)
        assert model.iou == pytest.approx(1.2 / 1.3)
        assert model.kappa.value == pytest.approx((0.75 - 0.5) / (1 - 0.5)), "rejected: 2 by the model, 3 by eva"
        say(place, "eva", three, "agree")  # after she saw the model's word: in force, and not counted
    blind = find_task(place.store, three.id).of("eva")
    assert blind and blind.verdict == "agree" and blind.unseen.verdict == "reject"


def test_two_people_who_differ_are_shown(place: Place, four: list[Segment]) -> None:
    one, two, *_ = four
    say(place, "eva", one, "correct", start_s=0.1)
    say(place, "ben", one, "correct", start_s=0.15)
    assert agreement(place.store).disputes == (), "they overlap enough"
    say(place, "eva", two, "agree")
    say(place, "ben", two, "reject")
    found = agreement(place.store)
    assert (found.disputed, found.disputes, found.seen) == (1, (two.id,), 2)


def test_a_word_is_read_back_as_it_was_written() -> None:
    segment = described("c")
    word = replace(says(segment, "person:eva", "agree", note="n", at="t"), blind=("reject", 0.1, 0.9))
    assert word_from_json(segment.id, word_json(word)) == word
    assert corrected(segment, [word]) == segment and corrected(segment, []) == segment
    assert overlap((0, 2), (1, 3)) == pytest.approx(1 / 3) and overlap((0, 1), (2, 3)) == 0


@pytest.fixture
def client(place: Place, tmp_path: Path) -> Iterator[httpx.Client]:
    house = House(place.store, place.runs, place.workspace, "test")
    app = FastAPI()
    app.add_exception_handler(ThudError, _say)
    app.include_router(segments_router(house))
    app.add_middleware(Guard, accounts=AccountBook(tmp_path / "accounts.json"), allowed_hosts=("127.0.0.1",))
    with serving(app) as url, house.desk, httpx.Client(base_url=url, timeout=60) as opened:
        yield opened


def test_over_http_others_words_come_after_ones_own(client: httpx.Client, place: Place, four: list[Segment]) -> None:
    by_model(place, four[0], "correct", description="A model's words.")
    say(place, "ben", four[0], "reject")
    found = client.get("/api/segments").json()
    assert found["counts"] == {"all": 4, "seen": 1, "mine": 0, "left": 4}
    assert "A model's words." not in client.get("/api/segments").text and "not there" not in str(found)
    row = found["segments"][0]
    assert row["sounds"] == [*SOUNDS] and row["mine"] is None and row["others"] == []
    answer = client.post("/api/segments/word", json={"segment": four[0].id, "verdict": "correct", "end_s": 1.2})
    said = answer.json()["segment"]
    assert (said["mine"]["verdict"], said["mine"]["end_s"], said["end_s"]) == ("correct", 1.2, 1.4)
    assert [(one["by"], one["person"], one["verdict"]) for one in said["others"]] == [
        (MODEL, False, "correct"), ("ben", True, "reject"),
    ]  # fmt: skip
    assert client.get("/api/segments/count").json() == {"all": 4, "seen": 1, "mine": 1, "left": 3}
    assert client.get("/api/segments/agreement").json()["against"][1]["name"] == MODEL
    for body in (
        {},
        {"segment": four[0].id},
        {"segment": four[0].id, "verdict": "reject"},
        {"segment": 4, "verdict": "agree"},
    ):
        refused = client.post("/api/segments/word", json=body)
        assert refused.status_code == 400 and refused.json()["error"]
    plan = client.post("/api/segments/check/plan", json={"annotator": {"name": "claude"}}).json()
    assert (plan["segments"], plan["hears"]) == (4, False)


def test_annotators_may_speak_of_segments_and_nothing_more() -> None:
    assert may("annotator", "GET", "/api/segments") and may("annotator", "POST", "/api/segments/word")
    assert not may("annotator", "GET", "/api/segments/agreement")
    assert not may("annotator", "POST", "/api/segments/check") and not may("annotator", "POST", "/api/pairs/rewrite")
