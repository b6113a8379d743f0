"""`parse --task TASK`: reads responses as JSON lines on standard input, writes the answer of each in the same order."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any

from thud.cli.output import Output
from thud.records import Answer

MOST_SHOWN = 20
"""Bad lines told one by one; the rest are counted."""


def add_parser(verbs: Any) -> None:
    parser = verbs.add_parser("parse", help="read the answers in responses: JSON lines in, JSON lines out")
    parser.add_argument("--task", required=True, choices=("sync", "existence", "consistency", "choice"))
    parser.add_argument("--paper", action="store_true", help="read as the paper's own rules do, for comparison")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace, out: Output) -> int:
    """Exit code 0, or 2 when some lines could not be read; every other line has been answered then."""
    read = _reader(args.task, args.paper)
    bad = 0
    for number, line in enumerate(_lines(sys.stdin.buffer), 1):
        if not line.strip():
            continue
        try:
            row = answered(line, read)
        except ValueError as error:
            bad += 1
            if bad <= MOST_SHOWN:
                out.refuse("parse", f"line {number}: {error}")
            continue
        out.line(row, json.dumps(row, ensure_ascii=False))
    if bad > MOST_SHOWN:
        out.refuse("parse", f"{bad} lines in all could not be read")
    return 2 if bad else 0


def answered(line: str, read: Callable[..., Answer]) -> dict[str, Any]:
    """The row for one input line. ValueError with a sentence for a line that holds no response."""
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):
        raise ValueError('is not JSON; write one object a line: {"id": …, "response": …}') from None
    if not isinstance(row, dict):
        raise ValueError('is not an object; write {"id": …, "response": …}')
    if "response" not in row:
        raise ValueError('has no "response"')
    if not isinstance(row["response"], str):
        raise ValueError(f'"response" is {_kind(row["response"])}; it must be a text in quotes')
    answer = read(_clean(row["response"]), options=_options(row))
    return {
        "id": _clean(row["id"]) if isinstance(row.get("id"), str) else row.get("id"),
        "label": answer.label,
        "offset_s": answer.offset_s,
        "visual_s": answer.visual_s,
        "audio_s": answer.audio_s,
        "quote": answer.quote,
        "method": answer.method,
    }


def _reader(task: str, paper: bool) -> Callable[..., Answer]:
    if paper:
        from thud.evaluation.paper_parser import paper_answer

        return lambda text, options=(): paper_answer(task, text)
    from thud.evaluation.answers import read_answer

    return partial(read_answer, task)


def _lines(stream: Iterable[bytes]) -> Iterator[str]:
    for number, line in enumerate(stream):
        text = line.decode("utf-8", errors="replace")
        yield text.removeprefix("\ufeff") if number == 0 else text


def _clean(text: str) -> str:
    """Without halves of surrogate pairs, which JSON can spell and no encoding can write."""
    return text.encode("utf-8", errors="replace").decode("utf-8")


def _kind(value: object) -> str:
    kinds = {bool: "true or false", int: "a number", float: "a number", list: "a list", dict: "an object"}
    return kinds.get(type(value), "null")


def _options(row: dict[str, Any]) -> list[tuple[str, str]]:
    """The row's "options", [[letter, label], …] as shown to the model; empty where there are none."""
    options = row.get("options", [])
    if not isinstance(options, list):
        raise ValueError('"options" must be a list of [letter, label]')
    pairs = []
    for option in options:
        if not (isinstance(option, list) and len(option) == 2 and all(isinstance(part, str) for part in option)):
            raise ValueError('"options" must be a list of [letter, label]')
        pairs.append((option[0], option[1]))
    return pairs
