"""The set that a run of rewriting leaves: pairs in new words where both answers survived, all others as they were."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from thud.pairs.lint import Linter, errors_among
from thud.pairs.pair import Pair
from thud.pairs.pair_set import PairSet, SetWriter, open_set
from thud.pairs.rewrite import Piece, Wording, prompt_of, protocol_id, reworded
from thud.providers import Question, Text
from thud.records import Run, content_id
from thud.runs.jobs.pairs import DEFINITION, TAKEN_OVER, told_of
from thud.runs.listening.judges import Judge
from thud.runs.pairs.media import MediaCheck
from thud.runs.tail import Tail

if TYPE_CHECKING:
    from thud.store import Store

DROPPED, TWICE = "It was dropped from the set.", "Another pair came back in the same words."


def question_of(judge: Judge, pieces: Sequence[Piece]) -> Question:
    """What is asked about some answers: words only."""
    prompt = prompt_of(pieces)
    return Question(
        judge.model, (Text(prompt.text),), prompt.system, prompt.schema, judge.max_tokens, judge.effort,
        judge.temperature,
    )  # fmt: skip


def rewriter_key(judge: Judge) -> str:
    """The hash of all that determines the new words: model, settings, the prompts, the reply's shape."""
    server = judge.base_url if judge.provider == "compatible" else ""
    settings = (judge.max_tokens, judge.temperature, judge.effort)
    return content_id(judge.provider, judge.model, server, settings, protocol_id())


def source_pairs(store: Store, set_id: str) -> tuple[str, list[Pair]]:
    """(title, pairs) of a set, without those that were dropped and those that are held back."""
    from thud.runs.pairs.sets import find_set

    found = find_set(store, set_id)
    return str(found.summary["title"]), [pair for pair in _kept(store, found) if pair is not None]


def _kept(store: Store, found: PairSet) -> Iterator[Pair | None]:
    """The pairs of a set in order, one at a time; None for each that was dropped."""
    from thud.runs.pairs.sets import words

    said = words(store)
    return (pair if said.get(pair.id) != "dropped" else None for _, pair in found.pairs())


def make_set(store: Store, run: Run) -> str:
    """The id of the new set, or of the old one where nothing changed; the same run makes the same one again."""
    source = open_set(store.workspace, run.settings["set"])
    wordings = wordings_of(store.workspace / run.folder)
    model, why, changed = str(run.settings["model"]), Counter[str](), 0
    with closing(MediaCheck(store.workspace)) as media, SetWriter(store.workspace) as writer:
        linter, seen = Linter(media), set[str]()
        for pair in _kept(store, source):
            if pair is None:
                why[DROPPED] += 1
                continue
            new, reason = reworded(pair, wordings, model)
            if not reason and new.id in seen:
                new, reason = pair, TWICE
            seen.add(new.id)
            changed += not reason
            why[reason] += bool(reason)
            findings = linter.add(writer.lines, new)
            writer.add(new, errors_among(findings), findings)
        if not changed:
            return source.id
        set_id = writer.finish(_about(source, run, changed, +why, linter.report().to_json()))
    made = open_set(store.workspace, set_id).summary
    store.define(DEFINITION, set_id, told_of(made), run.started_by)
    return set_id


def _about(source: PairSet, run: Run, changed: int, why: Counter[str], lint: dict[str, Any]) -> dict[str, Any]:
    told = source.summary
    model = run.settings["model"]
    note = f"{changed} pairs in the words of {model}; {why.total()} not."
    fix = {"fix": "rewrite", "check": "", "count": changed, "words": note, "kept": dict(why.most_common())}
    return {
        **{name: told[name] for name in TAKEN_OVER}, "title": f"{told['title']}, reworded", "origin": "rewritten",
        "parent": source.id, "made_at": run.created_at, "by": run.started_by, "lint": lint,
        "fixes": [*told["fixes"], fix],
    }  # fmt: skip


def wordings_of(folder: Path) -> dict[str, Wording]:
    """What became of each answer, by the piece's id, from all results of a run."""
    found = {}
    for line in Tail(folder / "results.jsonl").read():
        for row in line.get("result", {}).get("texts", ()):
            found[row["id"]] = Wording(row["text"], row["reason"])
    return found
