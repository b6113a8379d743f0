"""Pairs survive both file formats unchanged, whatever their words are; so do rows among any others."""

from __future__ import annotations

import json
import tempfile
from dataclasses import replace
from pathlib import Path

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from thud.pairs.formats import read_any
from thud.pairs.formats.layouts import sharegpt_row, trl_row, unfit
from thud.pairs.formats.read import remapped
from thud.pairs.pair import Pair, Shown

WORDS = st.text(st.characters(exclude_categories=("Cs",)), max_size=60)
SPOKEN = WORDS.filter(lambda text: bool(text.strip()))
NUMBER = st.none() | st.floats(-10, 10, allow_nan=False)
HASH = st.just("") | st.text("0123456789abcdef", min_size=64, max_size=64)
PLACE = st.just("") | st.integers(0, 99).map(lambda number: f"media/{number}.bin")
SHOWN = st.builds(Shown, PLACE, PLACE, HASH, HASH)
ORIGIN = st.dictionaries(WORDS, st.none() | WORDS | st.integers() | st.lists(NUMBER, max_size=3), max_size=3)
PAIRS = st.builds(
    Pair,
    type=st.sampled_from(("CTP", "shift", "FV-A", "input", "imported")),
    prompt=SPOKEN, chosen=SPOKEN, rejected=SPOKEN | st.just(""), shown=SHOWN, rejected_shown=st.none() | SHOWN,
    clip_id=WORDS, stimulus_id=WORDS, source=WORDS, task=WORDS, condition=WORDS, offset_s=NUMBER, visual_s=NUMBER,
    audio_s=NUMBER, duration_s=NUMBER, label=WORDS, rejected_label=WORDS,
    options=st.lists(st.tuples(WORDS, WORDS), max_size=4).map(tuple), template=WORDS, seed=st.integers(0, 2**40),
    split=st.sampled_from(("", "train", "validation", "test")), origin=ORIGIN,
)  # fmt: skip

VALUES = st.recursive(
    st.none() | st.integers() | WORDS, lambda inner: st.lists(inner) | st.dictionaries(WORDS, inner), max_leaves=8
)


def paths(shown: Shown) -> tuple[list[str], list[str]]:
    return ([shown.video] if shown.video else [], [shown.sound] if shown.sound else [])


def there(shown: Shown, folder: Path) -> Shown:
    def place(path: str) -> str:
        return str(folder / path) if path else ""

    return replace(shown, video=place(shown.video), sound=place(shown.sound))


@settings(max_examples=60, deadline=None)
@given(st.lists(PAIRS, min_size=1, max_size=3), st.sampled_from(("trl", "sharegpt")))
def test_writing_and_reading_is_the_identity(pairs: list[Pair], layout: str) -> None:
    kept = [pair for pair in pairs if not unfit(pair, layout)]
    assume(kept and len({pair.id for pair in kept}) == len(kept))
    twins = any(pair.rejected_shown for pair in kept)
    rows = []
    for pair in kept:
        other = paths(pair.rejected_shown) if pair.rejected_shown else None
        media = paths(pair.shown)
        rows.append(sharegpt_row(pair, media) if layout == "sharegpt" else trl_row(pair, media, other, twins))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name).resolve()
        text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
        (folder / "train.jsonl").write_text(text, encoding="utf-8", newline="\n")
        found = list(read_any(folder / "train.jsonl"))
        want = [
            replace(
                pair, shown=there(pair.shown, folder),
                rejected_shown=there(pair.rejected_shown, folder) if pair.rejected_shown else None,
            )
            for pair in kept
        ]  # fmt: skip
        assert found == want


@settings(max_examples=100, deadline=None)
@given(st.lists(VALUES, max_size=5), st.integers(0, 3))
def test_whatever_json_holds_each_row_is_told_of_once(values: list[object], indent: int) -> None:
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "p.json"
        path.write_text(json.dumps(values, indent=indent or None), encoding="utf-8")
        assert [one.row for one in read_any(path)] == list(range(1, len(values) + 1))  # type: ignore[union-attr]


@given(st.text("ab/", max_size=12), st.text("ab", min_size=1, max_size=3), st.text("ab", min_size=1, max_size=3))
def test_mapping_there_and_back_changes_nothing(rest: str, old: str, new: str) -> None:
    path = f"/{old}/{rest}"
    assert remapped(path, [(f"/{old}", f"/{new}/")]) == f"/{new}/{rest}"
    assert remapped(remapped(path, [(f"/{old}/", f"/{new}")]), [(f"/{new}", f"/{old}")]) == path
