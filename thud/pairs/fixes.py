"""What can be mended without a person's judgement. Pure: pairs in, other pairs out, with what was done.

A fix never touches a pair that it cannot rewrite without doubt; it says how many it left alone.
"""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from thud.pairs.lint.rows import expected
from thud.pairs.pair import Pair

Numbered = tuple[int, Pair]


@dataclass(slots=True)
class Done:
    """What a fix did while its pairs were drawn from it: complete once they all are. left_alone: reason → count."""

    changed: int = 0
    dropped: int = 0
    left_alone: Counter[str] = field(default_factory=Counter)

    def words(self) -> str:
        """What was done, for people."""
        told = [f"{self.changed:,} pairs rewritten"] * bool(self.changed)
        told += [f"{self.dropped:,} pairs dropped"] * bool(self.dropped)
        told += [f"{count:,} left as they were: {reason}" for reason, count in self.left_alone.most_common()]
        return "; ".join(told) or "Nothing had to change."


def shuffle_letters(pairs: Iterable[Numbered], seed: int, done: Done) -> Iterator[Numbered]:
    """The pairs with the options of multiple choice questions in a new order, right letters dealt out evenly.

    Letters are dealt from decks, one for each number of options, so that no letter is right more often than another.
    """
    draw = random.Random(seed)
    decks: dict[int, list[int]] = {}
    for n, pair in pairs:
        if not pair.options or pair.label not in dict(pair.options):
            yield n, pair
            continue
        if reason := _unsafe(pair):
            done.left_alone[reason] += 1
            yield n, pair
            continue
        deck = decks.setdefault(len(pair.options), [])
        if not deck:
            deck += draw.sample(range(len(pair.options)), len(pair.options))
        done.changed += 1
        yield n, _relettered(pair, _dealt(pair, deck.pop(), draw))


def drop(pairs: Iterable[Numbered], numbers: Collection[int], done: Done) -> Iterator[Numbered]:
    """The pairs without those of these numbers."""
    for n, pair in pairs:
        if n in numbers:
            done.dropped += 1
        else:
            yield n, pair


def surplus(labels: Sequence[tuple[int, str]], seed: int) -> frozenset[int]:
    """Numbers of the pairs to drop, so that early and delayed sounds are equally many, and in sync no more than both.

    labels: (number, what a right answer says) of every pair about timing, from `timing`.
    """
    draw = random.Random(seed)
    numbers: dict[str, list[int]] = {"early": [], "delayed": [], "synced": []}
    for n, label in labels:
        if label in numbers:
            numbers[label].append(n)
    shifted = min(len(numbers["early"]), len(numbers["delayed"])) or max(len(numbers["early"]), len(numbers["delayed"]))
    most = {"early": shifted, "delayed": shifted}
    most["synced"] = sum(min(shifted, len(numbers[one])) for one in most) or len(numbers["synced"])
    return frozenset(
        n for label, found in numbers.items() for n in draw.sample(found, max(0, len(found) - most[label]))
    )


def timing(pairs: Iterable[Numbered]) -> list[tuple[int, str]]:
    """(number, what a right answer says) of every pair about timing."""
    return [(n, expected(pair)) for n, pair in pairs if pair.task == "sync"]


def _dealt(pair: Pair, place: int, draw: random.Random) -> list[tuple[str, str]]:
    """(old letter, text) in the new order, with the right option at `place`."""
    others = [one for one in pair.options if one[0] != pair.label]
    draw.shuffle(others)
    right = next(one for one in pair.options if one[0] == pair.label)
    return [*others[:place], right, *others[place:]]


def _listed(letter: str, text: str) -> re.Pattern[str]:
    """The line of the question that lists this option."""
    return re.compile(rf"^(?P<open>[ \t]*\(?){letter}(?P<close>[.):]+[ \t]+){re.escape(text)}(?=[ \t]*$)", re.MULTILINE)


def _named(options: Sequence[tuple[str, str]]) -> re.Pattern[str]:
    """Letters that stand for options in an answer: before the option's words, in brackets, or after "answer is"."""
    letters = "".join(re.escape(letter) for letter, _ in options)
    words = "|".join(rf"{letter}[.):]*[ \t]+(?={re.escape(text)})" for letter, text in options)
    return re.compile(
        rf"(?<![\w'])(?:(?P<before>{words})|\((?P<round>[{letters}])\)"
        rf"|(?<=answer is )(?P<told>[{letters}])\b(?!')|(?<=ption )(?P<said>[{letters}])\b(?!'))"
    )


_LETTER = re.compile(r"(?<![\w'])[A-H](?=[.):,;]|$|\))(?!')")


def _unsafe(pair: Pair) -> str:
    """Why the letters of this pair cannot be changed; "" if they can."""
    letters = [letter for letter, _ in pair.options]
    if len({text for _, text in pair.options}) < len(letters):
        return "two options have the same words"
    if any(len(_listed(letter, text).findall(pair.prompt)) != 1 for letter, text in pair.options):
        return "the question does not list its options one a line"
    named = _named(pair.options)
    for text in (pair.chosen, pair.rejected):
        if not text:
            continue
        if not _letters_in(named, text):
            return "an answer names no letter"
        rest = named.sub(" ", text)
        if any(match[0] in letters for match in _LETTER.finditer(rest)):
            return "an answer speaks of letters in a way that cannot be rewritten safely"
    return ""


def _letters_in(named: re.Pattern[str], text: str) -> list[str]:
    found = [next(part for part in match.groups() if part)[0] for match in named.finditer(text)]
    return sorted(set(found))


def _relettered(pair: Pair, order: Sequence[tuple[str, str]]) -> Pair:
    letters = [letter for letter, _ in pair.options]
    new = {old: letter for letter, (old, _) in zip(letters, order, strict=True)}
    named = _named(pair.options)

    def again(match: re.Match[str]) -> str:
        name = next(kind for kind, part in match.groupdict().items() if part)
        at = match.start(name) - match.start()
        return match[0][:at] + new[match[0][at]] + match[0][at + 1 :]

    return replace(
        pair,
        prompt=_question(pair, order),
        chosen=named.sub(again, pair.chosen),
        rejected=named.sub(again, pair.rejected),
        options=tuple((letter, text) for letter, (_, text) in zip(letters, order, strict=True)),
        label=new[pair.label],
        rejected_label=new.get(pair.rejected_label, pair.rejected_label),
    )


def _question(pair: Pair, order: Sequence[tuple[str, str]]) -> str:
    """The question with its options' words in the new order; the letters stand where they stood."""
    spans = []
    for (letter, text), (_, put) in zip(pair.options, order, strict=True):
        match = _listed(letter, text).search(pair.prompt)
        assert match is not None  # _unsafe has found it
        spans.append((match.end() - len(text), match.end(), put))
    prompt = pair.prompt
    for start, end, put in sorted(spans, reverse=True):
        prompt = prompt[:start] + put + prompt[end:]
    return prompt
