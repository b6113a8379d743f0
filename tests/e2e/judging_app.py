"""A process with the app as app.py makes it, on responses that a judge and people have read. No clip has media.

python -m tests.e2e.judging_app FOLDER PORT
"""

from __future__ import annotations

import random
import sys
from pathlib import Path

from tests.e2e.results_app import fill
from thud.evaluation.judge import labels_of
from thud.records import Answer, Reading
from thud.runs.listening.judges import parse_judge, to_json
from thud.runs.listening.judging import judgeable
from thud.runs.local import LocalExecutor
from thud.runs.run import Runs
from thud.store import Store, changes, open_store
from ui.house import House
from ui.routes import all_routers
from ui.serve import create_app, serve

LABELLED, WRONG, REJECTED = 240, 24, 6
JUDGE = parse_judge({"provider": "anthropic"})


def read_some(store: Store) -> None:
    """Readings by a person and a judge: the person says what was meant, the judge errs WRONG times."""
    able = [one for one in store.responses() if judgeable(one)][::2][:LABELLED]
    draw = random.Random(7)
    new = [changes.define("judge", JUDGE.key, {"name": JUDGE.model, "provider": JUDGE.provider, "prompt": "judge_v1",
                                               "settings": to_json(JUDGE)}, "test")]  # fmt: skip
    for number, one in enumerate(able):
        meant = one.answer.label
        new.append(changes.add_reading(Reading(one.id, "person:eva", Answer(meant, method="person")), "eva"))
        said, sure, problem = meant, draw.uniform(0.8, 1.0), ""
        if number % (LABELLED // WRONG) == 0:
            said, sure = next(each for each in labels_of(one.item.task) if each != meant), draw.uniform(0.4, 0.9)
        elif number % (LABELLED // REJECTED) == 1:
            said, problem = "unparsed", "The judge's quote does not occur in the response: “a loud bang”."
        quote = "" if problem else one.text[:12]
        answer = Answer(said, quote=quote, method="judge", confidence=None if problem else sure)
        new.append(changes.add_reading(Reading(one.id, JUDGE.reader, answer, problem), "test"))
    store.write_many(new)


def main(folder: Path, port: int) -> None:
    with open_store(folder / "annotations.duckdb", folder) as store, Runs(store, folder, LocalExecutor()) as runs:
        fill(store)
        read_some(store)
        house = House(store, runs, folder, "judging")
        serve(create_app(all_routers(house)), port=port)
        house.desk.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
