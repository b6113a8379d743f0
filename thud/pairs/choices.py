"""Multiple choice questions about clips: LLaVA-Video's, flat rows, the benchmarks', and those made from sounds."""

from __future__ import annotations

import bisect
import re
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from thud.evaluation.answers import read_answer
from thud.evaluation.benchmarks.files import Folder
from thud.evaluation.benchmarks.layouts import flat, kind_of, question_of
from thud.evaluation.benchmarks.question import LETTERS, BadRow, Options, letter_of, lettered, listed, text_of
from thud.pairs.material import Choice, Segment
from thud.pairs.rows import Finder, Row
from thud.pairs.said import alike, capital, moment
from thud.records import Clip, content_id

AUDIO = ("audio", "fv-a", "fv-a-l", "audio-dependent", "audio_dependent", "sound")
TURNS = {"human": "asks", "user": "asks", "gpt": "tells", "assistant": "tells"}
_PLACEHOLDER = re.compile(r"<(?:image|video|audio)>\s*")
_OPTION = re.compile(r"^\s*\(?([A-Z])[.):]\s*(\S.*?)\s*$")
_LOOKED_AT = 64
"""So many sounds of other clips are ranked for three that differ enough."""


class _Clips(Folder):
    """Stands for the folder of a benchmark: gives the ids of clips instead of paths."""

    def __init__(self, finder: Finder) -> None:
        super().__init__(Path("/"))
        self._finder = finder

    def video(self, path: str, stems: Iterable[str]) -> str:
        return self._finder.named([path, *stems]).id


def choices_in(row: Row, number: int, finder: Finder) -> Iterator[Choice | BadRow]:
    """The questions that a row holds, each with a BadRow where it cannot be asked about a clip of the workspace."""
    kind = kind_of(row)
    if kind == "vggsync":
        yield BadRow("it asks about synchrony, which shift pairs teach from the workspace's own stimuli")
        return
    if kind:
        for each in flat(kind, row):
            yield _tried(lambda each=each: _of_benchmark(kind, each, number, finder))
        return
    turns = next((row[name] for name in ("conversations", "messages") if isinstance(row.get(name), list)), None)
    if turns is None:
        yield _tried(lambda: _flat(row, finder))
        return
    asked = _turns(turns)
    if not asked:
        yield BadRow("it holds no question with its answer")
    for question, answer in asked:
        yield _tried(lambda q=question, a=answer: _talked(row, q, a, finder))


def looks_asked(row: Row) -> bool:
    """Whether a row's fields are those of choice questions."""
    if kind_of(row) or isinstance(row.get("conversations"), list):
        return True
    return bool(text_of(row, "question")) and bool(_options_of(row))


def _tried(make: Any) -> Choice | BadRow:
    try:
        made: Choice = make()
    except BadRow as error:
        return error
    return made


def _of_benchmark(kind: str, row: Row, number: int, finder: Finder) -> Choice:
    asked = question_of(kind, row, number, _Clips(finder))
    return Choice(asked.video, asked.question, asked.options, asked.answer, "", _family(row))


def _turns(turns: Sequence[Any]) -> list[tuple[str, str]]:
    """(question, answer) of a conversation in order."""
    found, question = [], ""
    for turn in turns:
        if not isinstance(turn, Mapping):
            continue
        who = TURNS.get(text_of(turn, "from", "role"), "")
        text = text_of(turn, "value", "content")
        if who == "asks":
            question = _PLACEHOLDER.sub("", text).strip()
        elif who == "tells" and question and text:
            found.append((question, text))
            question = ""
    return found


def _talked(row: Row, question: str, answer: str, finder: Finder) -> Choice:
    words, options = _split(question)
    if not options:
        raise BadRow("it is no multiple choice question: its options are not on lines A., B., …")
    letter = read_answer("choice", answer, options, question).label
    if letter not in dict(options):
        raise BadRow("its answer is not one of its options")
    return Choice(finder.of_row(row).id, words, options, letter, _rest(answer, dict(options)[letter]), _family(row))


def _split(text: str) -> tuple[str, Options]:
    """(question, options) of a text with its options on lines of their own; what follows them is left out."""
    lines = text.splitlines()
    at = [(number, match) for number, line in enumerate(lines) if (match := _OPTION.match(line))]
    first = next((i for i, (_, match) in enumerate(at) if match[1] == "A"), len(at))
    run = [match for (_, match), letter in zip(at[first:], LETTERS, strict=False) if match[1] == letter]
    if len(run) < 2:
        return text, ()
    options = tuple((match[1], match[2]) for match in run)
    return "\n".join(lines[: at[first][0]]).strip(), options


def _rest(answer: str, option: str) -> str:
    """What an answer says after its letter and option, "" when that is all."""
    at = answer.lower().find(option.lower().rstrip(" ."))
    rest = answer[at + len(option.rstrip(" .")) :] if at >= 0 else ""
    return rest.strip(" .\n") and rest.lstrip(" .,:;-–—\n").strip()


def _flat(row: Row, finder: Finder) -> Choice:
    question = text_of(row, "question")
    if not question:
        raise BadRow("it asks nothing: the question is empty")
    values = _options_of(row)
    question, options = (question, lettered(values)) if values else _split(question)
    if len(options) < 2:
        raise BadRow("it has fewer than two options")
    why = text_of(row, "explanation", "why", "rationale", "reasoning")
    return Choice(finder.of_row(row).id, question, options, _answer(row, options), why, _family(row))


def _options_of(row: Row) -> list[Any]:
    for name in ("options", "choices", "candidates", "answer_options"):
        value = row.get(name)
        if isinstance(value, Mapping) and value:
            return [value[letter] for letter in sorted(value)]
        if found := listed(value):
            return found
    for pattern in ("{}", "option_{}", "a{}"):
        keys = [pattern.format(each) for each in ("ABCDEFGH" if pattern != "a{}" else "01234567")]
        found = [row[key] for key in keys if isinstance(row.get(key), str)]
        if len(found) > 1:
            return found
    return []


def _answer(row: Row, options: Options) -> str:
    value = next((row[name] for name in ("answer", "correct_answer", "answer_text", "correct") if name in row), None)
    if isinstance(value, (int, float)):
        raise BadRow("its answer is a number, which may count from 0 or 1: give the letter or the option's words")
    said = value.strip() if isinstance(value, str) else ""
    same = [letter for letter, text in options if text.lower().rstrip(" .") == said.lower().rstrip(" .")]
    if len(same) == 1:
        return same[0]
    match = re.match(r"\(?([A-Za-z])[.):]\s+\S", said)
    return letter_of(match[1] if match else value, options)


def _family(row: Row) -> str:
    told = [str(row.get(name) or "").strip().lower() for name in ("family", "modality", "type", "question_type")]
    return "audio" if any(one in AUDIO for one in told) or row.get("audio_dependent") is True else "general"


def sound_choices(
    clips: Mapping[str, Clip], segments: Mapping[str, Sequence[Segment]]
) -> dict[str, tuple[Choice, ...]]:
    """A question per described sound, by clip: which of four sounds is heard there. The same segments, the same ids.

    The other three are sounds of clips of another kind and source, with other words and of similar length; where three
    are not found there is no question.
    """
    pool = sorted(
        (content_id(sound, one.clip_id), sound, clips[one.clip_id])
        for many in segments.values()
        for one in many
        for sound in one.sounds
        if one.clip_id in clips
    )
    keys = [key for key, _, _ in pool]
    found: dict[str, tuple[Choice, ...]] = {}
    for clip_id, many in segments.items():
        if clip_id not in clips:
            continue
        own = [sound for one in many for sound in one.sounds]
        made = [
            _sound_choice(one, sound, others)
            for one in many
            for sound in one.sounds
            if len(others := _others(clips[clip_id], sound, own, pool, bisect.bisect(keys, one.id))) == 3
        ]
        if made:
            found[clip_id] = tuple(made)
    return found


def _others(clip: Clip, sound: str, own: Sequence[str], pool: Sequence[tuple[str, str, Clip]], at: int) -> list[str]:
    """Up to three sounds of other clips.

    From place `at` of the ring on, ranked by a hash of both sounds: none is drawn more often than others, and a new
    clip changes few questions.
    """
    near = [pool[(at + step) % len(pool)] for step in range(min(len(pool), _LOOKED_AT))]
    close: list[str] = []
    loose: list[str] = []
    for _, text, other in sorted(near, key=lambda one: zlib.crc32(f"{clip.id} {sound} {one[0]}".encode())):
        same_kind = bool(clip.kind) and clip.kind == other.kind
        if other.id == clip.id or same_kind or (clip.source and clip.source == other.source):
            continue
        if any(alike(text, each) for each in (*own, *close, *loose)):
            continue
        (close if 0.6 <= len(text) / len(sound) <= 1.67 else loose).append(text)
        if len(close) == 3:
            break
    return (close + loose)[:3]


def _sound_choice(segment: Segment, sound: str, others: Sequence[str]) -> Choice:
    texts = sorted((sound, *others), key=lambda text: content_id(segment.id, sound, text))
    options = tuple((letter, capital(text)) for letter, text in zip(LETTERS, texts, strict=False))
    answer = LETTERS[texts.index(sound)]
    where = f"between {moment(segment.start_s)} and {moment(segment.end_s)}"
    return Choice(segment.clip_id, f"Which of these sounds is heard {where}?", options, answer, "", "audio")
