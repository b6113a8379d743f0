"""Held-out questions during training: which are asked, what the model says, and how often it is right.

Answers are generated and read by the rules that read every listener's answers, so an answer that says nothing counts
as wrong and never as a class.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from thud.evaluation.answers import TASKS, read_answer
from thud.evaluation.scoring import ABSENT, is_right
from thud.providers.local_inputs import Feeder, choosing, ends_of
from thud.providers.local_load import core_of
from training.batches import OmniCollator
from training.ranks import any_of, from_all, rank, world_size

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Tally:
    """Right answers by class. accuracy, n: of "all" and of each expected answer. unread: said, but no answer.

    asked: by source, or file where none is told, "1" for each answer that is right and "0" for any other, in order.
    """

    accuracy: dict[str, float]
    n: dict[str, int]
    unread: int
    asked: dict[str, str]


def spread_out(rows: Sequence[Row], most: int) -> list[int]:
    """Places of at most `most` rows (0 = all), as even over the expected answers as they are; the first of each."""
    if not most or most >= len(rows):
        return list(range(len(rows)))
    seen: Counter[str] = Counter()
    order: list[tuple[int, int]] = []
    for place, row in enumerate(rows):
        kind = class_of(row)
        order.append((seen[kind], place))
        seen[kind] += 1
    return sorted(place for _, place in sorted(order)[:most])


def held_out(rows: Sequence[Row], most: int) -> list[int]:
    """Places of at most `most` rows (0 = all): spread over those that can be asked, then over the others, if need be.

    The others count for the held-out loss only.
    """
    if not most or most >= len(rows):
        return list(range(len(rows)))
    first = asked(rows)
    others = sorted({*range(len(rows))} - {*first})
    chosen: list[int] = []
    for places in (first, others):
        left = most - len(chosen)
        chosen += [places[one] for one in spread_out([rows[place] for place in places], left)] if left else []
    return sorted(chosen)


def asked(rows: Sequence[Row]) -> list[int]:
    """Places of the rows whose answer can be read and is known; the same question about the same clip only once."""
    places: dict[tuple[str, ...], int] = {}
    for place, row in enumerate(rows):
        if row["task"] in TASKS and row["label"]:
            places.setdefault((str(row["prompt"]), row["video"], row["sound"]), place)
    return list(places.values())


def class_of(row: Row) -> str:
    """What a row is counted under: its expected answer; the letters of choice questions are one class."""
    return "choice" if row["task"] == "choice" else row["label"] or "other"


def tally(rows: Sequence[Row], texts: Sequence[str]) -> Tally:
    """How often `texts`, the answers to `rows`, are right."""
    n: Counter[str] = Counter()
    right: Counter[str] = Counter()
    asked: dict[str, str] = {}
    unread = 0
    for row, text in zip(rows, texts, strict=True):
        answer = read_answer(row["task"], text, _options(row), str(row["prompt"]))
        unread += answer.label in ABSENT
        well = is_right(row["label"], answer.label)
        source = row["source"] or Path(row["video"] or row["sound"]).name
        asked[source] = asked.get(source, "") + ("1" if well else "0")
        for kind in ("all", class_of(row)):
            n[kind] += 1
            right[kind] += well
    return Tally({kind: right[kind] / count for kind, count in n.items()}, dict(n), unread, asked)


def _options(row: Row) -> list[tuple[str, str]]:
    return [(letter, text) for letter, text in row["options"]] if row["task"] == "choice" else []


@dataclass(frozen=True, slots=True)
class Examiner:
    """Asks the model that is being trained. rows: all that are asked. stop: whether somebody wants an end.

    together: whether processes hold parts of one model, and so have to generate in step.
    """

    collator: OmniCollator
    rows: Sequence[Row]
    batch_size: int
    answer_tokens: int
    together: bool = False

    def answers(self, model: Any, stop: Callable[[], bool]) -> list[str] | None:
        """What the model says to each of the rows, the likeliest token each time; None when `stop` came up.

        The rows are shared out among the processes, and every one gets all answers.
        """
        import torch

        said: list[tuple[int, str]] = []
        was_training = model.training
        if self.together:
            _gather_for_generation(model)
        model.eval()
        try:
            for batch in self._batches():
                if any_of(stop(), model.device):
                    return None
                with torch.no_grad():
                    said += zip(batch, self._generated(model, [self.rows[place] for place in batch]), strict=True)
        finally:
            model.train(was_training)
        everything = dict(pair for part in from_all(said) for pair in part)
        return [everything[place] for place in range(len(self.rows))]

    def _batches(self) -> list[list[int]]:
        """The places of this process; as many batches as every other has, the last ones asked again where needed."""
        size = 1 if self.together else self.batch_size  # one by one they are as many forward passes everywhere
        world = world_size()
        batches = [list(range(len(self.rows)))[start : start + size] for start in range(0, len(self.rows), size)]
        batches += batches[-1:] * (-len(batches) % world)
        return batches[rank() :: world]

    def _generated(self, model: Any, rows: Sequence[Row]) -> list[str]:
        tokens = self.collator.feeder.processor.tokenizer
        said: dict[int, str] = {}
        for places, batch in self.collator.prompts(rows):
            inputs = {name: value.to(model.device) if hasattr(value, "to") else value for name, value in batch.items()}
            with _greedy(model, self.collator.feeder, self.answer_tokens) as greedy:
                out = model.generate(**inputs, generation_config=greedy, synced_gpus=self.together)
            texts = tokens.batch_decode(out[:, inputs["input_ids"].shape[1] :], skip_special_tokens=True)
            said |= dict(zip(places, texts, strict=True))
        return [said[place].strip() for place in range(len(rows))]


def _gather_for_generation(model: Any) -> None:
    """Lets FSDP gather the outermost weights for `generate` too, as it does for a forward pass."""
    from torch.distributed.fsdp import FSDPModule, register_fsdp_forward_method

    if isinstance(model, FSDPModule):
        register_fsdp_forward_method(model, "generate")


@contextmanager
def _greedy(model: Any, feeder: Feeder, most: int) -> Iterator[Any]:
    """A block in which the checkpoint's own settings are put aside, with those by which tokens are chosen instead."""
    from transformers import GenerationConfig

    core = core_of(model)
    chosen = choosing(ends_of(core, feeder.processor.tokenizer), feeder.pad, most)
    own, core.generation_config = core.generation_config, GenerationConfig()
    try:
        yield chosen
    finally:
        core.generation_config = own
