"""Lints a stream of pairs with every core: texts are read in child processes, everything else here."""

from __future__ import annotations

import multiprocessing
import os
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from itertools import islice

from thud.pairs.lint import rows
from thud.pairs.lint.linter import Linter, Media
from thud.pairs.lint.report import Report
from thud.pairs.lint.told import Told, told
from thud.pairs.pair import Pair

CHUNK = 200
"""Rows that are sent to a child at once."""

Numbered = tuple[int, Pair]
_Asked = tuple[str, str, str]


def lint_rows(pairs: Iterable[Numbered], media: Media | None = None, workers: int | None = None) -> Report:
    """The report on (number, pair)s. workers: child processes; 0 = none, unsaid = one per core, for long files only."""
    linter, stream = Linter(media), iter(pairs)
    head = list(islice(stream, 2 * CHUNK))
    workers = min(4, os.cpu_count() or 1) if workers is None else workers
    if len(head) < 2 * CHUNK or workers < 2:
        for n, pair in (*head, *stream):
            linter.add(n, pair)
        return linter.report()
    with ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("fork")) as pool:
        for chunk, said in _read(pool, _chunks(head, stream), workers):
            for (n, pair), one in zip(chunk, said, strict=True):
                linter.add_told(n, pair, one)
    return linter.report()


def _chunks(head: Sequence[Numbered], stream: Iterator[Numbered]) -> Iterator[Sequence[Numbered]]:
    for start in range(0, len(head), CHUNK):
        yield head[start : start + CHUNK]
    while chunk := list(islice(stream, CHUNK)):
        yield chunk


def _read(
    pool: ProcessPoolExecutor, chunks: Iterator[Sequence[Numbered]], workers: int
) -> Iterator[tuple[Sequence[Numbered], Sequence[Told | None]]]:
    """Each chunk with what its chosen answers say, in order; no more than a few chunks are under way."""
    waiting: deque[tuple[Sequence[Numbered], Future[list[Told | None]]]] = deque()
    for chunk in chunks:
        waiting.append((chunk, pool.submit(_told, [_asked(pair) for _, pair in chunk])))
        if len(waiting) > 2 * workers:
            first, future = waiting.popleft()
            yield first, future.result()
    for first, future in waiting:
        yield first, future.result()


def _asked(pair: Pair) -> _Asked | None:
    return (pair.task, pair.chosen, pair.prompt) if rows.readable(pair) else None


def _told(asked: Sequence[_Asked | None]) -> list[Told | None]:
    return [None if one is None else told(*one) for one in asked]
