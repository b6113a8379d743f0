"""The shapes in which files hold a pair's words and media, taken apart: TRL's and ShareGPT's, and mixtures of both."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from thud.evaluation.benchmarks.question import BadRow

Row = Mapping[str, Any]
PLACEHOLDER = re.compile(r"<(video|audio|image)>")
_USER = frozenset({"user", "human"})
_MODEL = frozenset({"assistant", "gpt", "model"})


@dataclass(frozen=True, slots=True)
class Parts:
    """A row in plain terms. prompt: with the placeholders that its file has. rejected "": an example for SFT.

    other: (videos, audios) under which the rejected answer is read. parts: the media stand as parts of the message, so
    that its text needs no placeholders.
    """

    prompt: str
    chosen: str
    rejected: str
    videos: tuple[str, ...]
    audios: tuple[str, ...]
    other: tuple[tuple[str, ...], tuple[str, ...]] | None = None
    parts: bool = False
    system: str = ""


def parts_of(row: Any) -> Parts:
    """The words and media of a row. Raises BadRow."""
    if not isinstance(row, Mapping):
        raise BadRow("it is no object with fields")
    turns, answers = _turns(row)
    system = "\n".join(turn.text for turn in turns if turn.role == "system")
    asked = [turn for turn in turns if turn.role == "user"]
    if len(asked) != 1 or len(turns) != 1 + sum(turn.role == "system" for turn in turns):
        raise BadRow("it has no question" if not asked else "it has several turns; one question and answer are read")
    chosen, rejected = answers
    if not asked[0].text.strip():
        raise BadRow("its question is empty")
    return Parts(
        asked[0].text, chosen, rejected,
        _paths(row, "videos", "video") or asked[0].videos,
        _paths(row, "audios", "audio") or asked[0].audios,
        _other(row), asked[0].parts, system,
    )  # fmt: skip


def _other(row: Row) -> tuple[tuple[str, ...], tuple[str, ...]] | None:
    if row.get("rejected_videos") is None and row.get("rejected_audios") is None:
        return None
    return _paths(row, "rejected_videos"), _paths(row, "rejected_audios")


@dataclass(frozen=True, slots=True)
class _Turn:
    role: str
    text: str
    videos: tuple[str, ...] = ()
    audios: tuple[str, ...] = ()
    parts: bool = False


def _turns(row: Row) -> tuple[list[_Turn], tuple[str, str]]:
    """What comes before the answer, and (chosen, rejected)."""
    if "chosen" in row or "rejected" in row:
        return _preference(row)
    if "completion" in row:
        return _list(row.get("prompt"), "prompt"), (_answer(row["completion"], "completion"), "")
    before = _list(row.get("messages", row.get("conversations")), "messages")
    if before[-1].role != "assistant":
        raise BadRow("it has no answer: neither chosen and rejected, nor completion, nor a last message by the model")
    return before[:-1], (_said(before[-1].text, "answer"), "")


def _preference(row: Row) -> tuple[list[_Turn], tuple[str, str]]:
    for name in ("chosen", "rejected"):
        if row.get(name) is None:
            raise BadRow(f"it has no column {name}")
    before = next((row[name] for name in ("prompt", "messages", "conversations") if row.get(name)), None)
    if before is not None:
        return _list(before, "prompt"), (_answer(row["chosen"], "chosen"), _answer(row["rejected"], "rejected"))
    both = _list(row["chosen"], "chosen"), _list(row["rejected"], "rejected")
    if len(both[0]) < 2 or both[0][:-1] != both[1][:-1]:
        raise BadRow("it has no column prompt or messages")
    return both[0][:-1], (_said(both[0][-1].text, "chosen"), _said(both[1][-1].text, "rejected"))


def _list(value: Any, name: str) -> list[_Turn]:
    if isinstance(value, str):
        return [_Turn("user", value)]
    if isinstance(value, Mapping):
        value = [value]
    if not isinstance(value, Sequence) or not value:
        raise BadRow(f"it has no column {name}" if value is None else f"its {name} is neither text nor messages")
    return [_turn(one) for one in value]


def _answer(value: Any, name: str) -> str:
    if isinstance(value, str):
        return _said(value, name)
    turns = _list(value, name)
    return _said(turns[-1].text, name)


def _said(text: str, name: str) -> str:
    if not text.strip():
        raise BadRow(f"its {name} is empty")
    return text


def _turn(value: Any) -> _Turn:
    if not isinstance(value, Mapping):
        raise BadRow("one of its messages is no object with role and content")
    role = str(value.get("role", value.get("from", ""))).lower()
    role = "user" if role in _USER else "assistant" if role in _MODEL else role
    content = value.get("content", value.get("value"))
    if role not in ("user", "assistant", "system"):
        raise BadRow("one of its messages is by neither user, assistant nor system")
    if isinstance(content, str):
        return _Turn(role, content)
    if not isinstance(content, Sequence) or not all(isinstance(one, Mapping) for one in content):
        raise BadRow("one of its messages has no text")
    texts = [one["text"] for one in content if one.get("type") == "text" and isinstance(one.get("text"), str)]
    return _Turn(role, "\n".join(texts), _of(content, "video"), _of(content, "audio"), True)


def _of(content: Sequence[Row], kind: str) -> tuple[str, ...]:
    found = (one.get(kind) or one.get("path") or one.get("url") for one in content if one.get("type") == kind)
    return tuple(one for one in found if isinstance(one, str))


def _paths(row: Row, *names: str) -> tuple[str, ...]:
    value = next((row[name] for name in names if row.get(name)), ())
    found = (value,) if isinstance(value, str) else value
    if not isinstance(found, Sequence) or not all(isinstance(one, str) and one.strip() for one in found):
        raise BadRow("its videos or audios are no paths")
    return tuple(found)
