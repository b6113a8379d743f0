"""Answers of pairs in other words: what a model is sent, how its reply is read, and which pairs take it.

Answers are sent one by one, in an order that tells nothing of which is chosen, so that no manner of speaking can mark a
side. The same answer to the same question is sent once. Of a pair both answers are replaced, or none.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from thud.evaluation.reading.jsonish import one_object
from thud.pairs.pair import Pair
from thud.prompts import fill, prompt_text
from thud.providers.question import object_schema
from thud.records import content_id

FOLDER = Path(__file__).with_name("prompts")
PROMPT, ITEM_PROMPT = "rewrite_v1", "rewrite_item_v1"
"""A prompt that was used is not edited; a new one is added."""

TEXTS_A_REQUEST = 12
FEWEST_WORDS = 4
LONGEST_TEXT, LONGEST_REPLY = 2000, 200_000

AS_IS = "Its answers have a form of their own (JSON, a bare letter, very long), so they stay as they are."
GONE = "It did not come back."
ALIKE = "Both answers came back in the same words."
SAME = "The same words came back."


@dataclass(frozen=True, slots=True)
class Piece:
    """One answer, and what is needed to check that a new wording says the same. options: (letter, text) as shown."""

    task: str
    question: str
    text: str
    options: tuple[tuple[str, str], ...] = ()

    @property
    def id(self) -> str:
        return content_id(self.task, self.question, self.text, [list(one) for one in self.options])


@dataclass(frozen=True, slots=True)
class Wording:
    """What became of a piece: a new text that says the same, or "" and the reason."""

    text: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Prompt:
    """What is sent: the rules, the answers, and the shape of the reply."""

    system: str
    text: str
    schema: dict[str, Any]


def pieces_of(pair: Pair) -> tuple[Piece, ...]:
    """The answers of a pair that are to be reworded; () where they stay as they are.

    What a listener itself said (SP) stays its own. Of the same answer on both sides (input) there is one piece.
    """
    texts = [pair.chosen]
    if pair.rejected and pair.rejected != pair.chosen and not own_words(pair):
        texts.append(pair.rejected)
    if not all(_plain(text) for text in texts):
        return ()
    return tuple(Piece(pair.task, pair.prompt, text, pair.options) for text in texts)


def own_words(pair: Pair) -> bool:
    """Whether the rejected answer is a listener's recorded response."""
    return pair.type == "SP" and bool(pair.rejected)


def _plain(text: str) -> bool:
    said = text.strip()
    return not said.startswith(("{", "[", "```")) and len(said.split()) >= FEWEST_WORDS and len(said) <= LONGEST_TEXT


def requests_of(pairs: Iterable[Pair], size: int = TEXTS_A_REQUEST) -> list[tuple[Piece, ...]]:
    """All pieces of the pairs in requests of `size`, ordered by their hashes: no order gives a side away."""
    found = {piece.id: piece for pair in pairs for piece in pieces_of(pair)}
    ordered = [found[key] for key in sorted(found)]
    return [tuple(ordered[at : at + size]) for at in range(0, len(ordered), size)]


def piece_json(piece: Piece) -> dict[str, Any]:
    """The piece as JSON can hold it; `piece_from_json` reads it back."""
    return {**asdict(piece), "options": [list(one) for one in piece.options]}


def piece_from_json(row: Mapping[str, Any]) -> Piece:
    """The piece that `piece_json` took apart."""
    options = tuple((letter, text) for letter, text in row["options"])
    return Piece(row["task"], row["question"], row["text"], options)


def prompt_of(pieces: Sequence[Piece]) -> Prompt:
    """The prompt about some pieces; the same ones are always asked about in the same words."""
    blocks = [f"[{n}] question: {_line(one.question)}\n[{n}] answer: {one.text}" for n, one in enumerate(pieces, 1)]
    # Named by a hash of what stands inside, so that no answer can know how to close it.
    fence = f"texts-{content_id([one.id for one in pieces])[:16]}"
    places = {"count": str(len(pieces)), "fence": fence, "texts": "\n\n".join(blocks)}
    text = fill(prompt_text(FOLDER, ITEM_PROMPT), **places)
    return Prompt(prompt_text(FOLDER, PROMPT), text, SCHEMA)


def _line(text: str) -> str:
    return " ".join(text.split())


SCHEMA = object_schema(texts={"type": "array", "items": object_schema(n={"type": "integer"}, text={"type": "string"})})


def protocol_id() -> str:
    """The hash of the words and the shape in which rewriters are asked."""
    return content_id(prompt_text(FOLDER, PROMPT), prompt_text(FOLDER, ITEM_PROMPT), SCHEMA)


def read_texts(reply: str, count: int) -> dict[int, str] | None:
    """Number (from 1) -> new text; None where the reply is not one object of the form that was asked for. Never raises.

    A number that was not asked for, or that comes twice, is left out.
    """
    row = one_object(reply, LONGEST_REPLY)
    listed = row.get("texts") if row is not None else None
    if not isinstance(listed, list):
        return None
    found: dict[int, list[str]] = {}
    for one in listed:
        if isinstance(one, dict) and type(one.get("n")) is int and isinstance(one.get("text"), str):
            found.setdefault(one["n"], []).append(_line(one["text"]))
    return {n: texts[0] for n, texts in found.items() if len(texts) == 1 and 1 <= n <= count and texts[0]}


def reworded(pair: Pair, wordings: Mapping[str, Wording], model: str) -> tuple[Pair, str]:
    """(the pair in new words, ""), or (the pair as it is, why). wordings: by id of the piece."""
    pieces = pieces_of(pair)
    if not pieces:
        return pair, AS_IS
    found = [wordings.get(piece.id, Wording("", GONE)) for piece in pieces]
    if reason := next((one.reason for one in found if not one.text), ""):
        return pair, reason
    chosen = found[0].text
    rejected = found[1].text if len(found) > 1 else pair.rejected
    if pair.rejected and pair.rejected == pair.chosen:
        rejected = chosen
    elif chosen == rejected:
        return pair, ALIKE
    if (chosen, rejected) == (pair.chosen, pair.rejected):
        return pair, SAME
    return replace(pair, chosen=chosen, rejected=rejected, origin={**pair.origin, "rewritten": model}), ""
