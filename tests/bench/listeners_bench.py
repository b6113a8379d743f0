"""Five hundred items asked of a server with every fault it can have, and workers killed while they ask: is an item
asked twice, is a failure counted as an answer?

hard_run(clips, kills)   rows; `python -m tests.bench.listeners_bench` prints them
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.annotate_kit import EVENT_S, HEARD_S, Place, make_numbered_clip, workspace
from tests.bench.annotators_bench import BUSY, FINAL, Faults
from tests.bench.rows import Row, judge, show
from tests.hearing_server import hearing, words_sent
from tests.killing import killed_on_the_way
from tests.vendors import Asked, ChatServer, Fault
from tests.vendors.kit import give_keys
from thud.listeners.canary import QUESTIONS
from thud.listeners.questions import QUESTION_SETS
from thud.listeners.roster import Listener
from thud.records import EventTimes, Run, stimulus_folder
from thud.runs.listening.listen import Wanted, plan_listening, start_listening
from thud.stimuli.build import BuildSettings, build_clip, plan_clip
from thud.stimuli.donors import Donor

SETTINGS = BuildSettings(
    shifts=(-0.6, -0.4, -0.2, 0.2, 0.4, 0.6), mutes=("silence", "room", "drop_stream"), swap=True
)  # fmt: skip


def hard_run(count: int = 42, kills: int = 3) -> list[Row]:
    """Asks about all stimuli of `count` clips and kills the run's workers `kills` times on the way."""
    with tempfile.TemporaryDirectory() as name, pytest.MonkeyPatch.context() as patch:
        give_keys(patch)
        folder, faults = Path(name), Faults(7)
        clips = [make_numbered_clip(folder, number) for number in range(count)]
        server = ChatServer(answer=hearing, fault_of=lambda one: _fault(one, faults))
        with server, workspace(folder, clips) as place:
            build(place)
            listener = Listener(
                "hard", "compatible", "tiny-omni", server.url, transport="frames+input_audio", at_once=4,
                per_minute=10_000,
            )  # fmt: skip
            plan = plan_listening(place.store, place.runs, listener, Wanted(QUESTION_SETS["direct"]))
            began = time.monotonic()
            run, killed = killed_on_the_way(place.runs, start_listening(place.store, place.runs, plan, "bench"), kills)
            return list(_rows(place, server, run, killed, faults.given, time.monotonic() - began))


def build(place: Place) -> None:
    """All stimuli of all clips, and their event times."""
    clips = place.store.clips()
    times = EventTimes(EVENT_S, HEARD_S, "gold")
    pool = [Donor(clip, HEARD_S) for clip in clips]
    paths = {clip.id: clip.path for clip in clips}
    for clip in clips:
        place.store.set_times(clip.id, times, "bench")
        plan = plan_clip(clip, times, SETTINGS, pool)
        built, _ = build_clip(clip, times, plan.edits, paths, stimulus_folder(place.workspace, clip.id))
        place.store.add_stimuli(built, "bench")


def _fault(one: Asked, faults: Faults) -> Fault | None:
    return None if words_sent(one).endswith(tuple(QUESTIONS.values())) else faults(one)


def _rows(place: Place, server: ChatServer, run: Run, killed: int, given: Counter[str], took_s: float) -> Iterator[Row]:
    found = place.store.responses(run.id)
    outcomes = Counter(one.outcome for one in found)
    failures = [one for one in found if one.outcome != "ok"]
    yield judge("items", run.total, "items", limit=500, sense="at least")
    yield judge("items with an outcome in the store", len(found), "items", limit=run.total, sense="at least")
    yield judge("items the run could not settle", run.failed + run.refused, "items", limit=0)
    yield judge("kinds of fault met", len(given), "kinds", limit=len(BUSY) + len(FINAL), sense="at least")
    yield judge("faults met", given.total(), "answers")
    yield judge("kill -9 of workers", killed, "kills")
    yield judge("items answered (billed) twice", sum(n > 1 for n in server.billed.values()), "items", limit=0)
    lost = sum(server.billed[item] > 0 for item in server.doubtful)
    yield judge("items asked again after a lost answer", lost, "items", limit=0)
    counted = sum(one.answer.label not in ("error", "refused", "unparsed") for one in failures)
    yield judge("failures counted as an answer", counted, "items", limit=0)
    for name, number in outcomes.most_common():
        yield judge(f"outcome: {name}", number, "items")
    yield judge("seconds", took_s, "s")


if __name__ == "__main__":
    sys.exit(show(hard_run(*(int(word) for word in sys.argv[1:]))))
