"""Pre-trains the tiny model: `python -m training.tiny.pretrain --out DIR --seed N`; a quarter of an hour on one core.

First eyes and ears learn alone, by throwaway heads (`senses`); then, those held still, the language model learns to
answer, shown by more such heads what to look for (`hints`). Of synchrony it learns only to claim it. What is logged
goes to DIR/log.jsonl.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from training.tiny import senses
from training.tiny.feed import IGNORED, Example, Feed, Felt
from training.tiny.hints import Hints
from training.tiny.material import LOOKS_PER_SEED, draw_example, looks
from training.tiny.model import build, save
from training.tiny.words import ORDERS, QUESTIONS, known, questions

HELD_OUT_SEED = 100
ORDER_WEIGHT = 4.0
"""The few words that tell the order weigh this much more: all others are learnt long before them."""
FIRST_WORDING = 0.35
"""Share of questions asked in their first wording, which is the one that the demo uses."""
OTHERS = {"event": 0.25, "existence": 0.25, "consistency": 0.25, "sync": 0.1, "relate": 0.15}
"""What is asked beside the order, and how often."""


@dataclass(frozen=True, slots=True)
class Settings:
    """seeds: how many sets of looks are learnt from. pool: stimuli made of them. *_steps, *_rate: of each half."""

    seed: int = 0
    seeds: int = 10
    looks_per_seed: int = LOOKS_PER_SEED
    pool: int = 4000
    held_out: int = 240
    senses_steps: int = 250
    senses_rate: float = 2e-3
    senses_rows: int = 24
    words_steps: int = 550
    words_rate: float = 2e-3
    words_rows: int = 16
    asked: int = 2


class Log:
    """Lines of JSON in DIR/log.jsonl, each with the seconds since the start."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._path, self._began = folder / "log.jsonl", time.monotonic()
        self._path.write_text("", encoding="utf-8")

    def add(self, stage: str, **values: Any) -> None:
        row = {"stage": stage, **values, "wall_s": round(time.monotonic() - self._began, 1)}
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")


def pretrain(out: Path, kept: Path, settings: Settings) -> dict[str, float]:
    """What the model answers rightly on held-out looks, by task; the checkpoint and its log lie in `out`.

    kept: folder in which drawn looks are kept from one call to the next.
    """
    log = Log(out)
    log.add("settings", **asdict(settings), torch=torch.__version__)
    torch.manual_seed(settings.seed)
    dice = np.random.default_rng(settings.seed)
    model, processor = build(settings.seed)
    feed = Feed(model, processor)
    learnt = looks(range(HELD_OUT_SEED + 1, HELD_OUT_SEED + 1 + settings.seeds), kept, settings.looks_per_seed)
    other = looks([HELD_OUT_SEED], kept, settings.looks_per_seed)
    pool = [draw_example(learnt, learnt[i % len(learnt)], dice, processor) for i in range(settings.pool)]
    held = [draw_example(other, other[i % len(other)], dice, processor) for i in range(settings.held_out)]
    log.add("material", looks=len(learnt), pool=len(pool), held_out=len(held))
    for row in learn_senses(model, feed, pool, held, settings, dice):
        log.add("senses", **row)
    right: dict[str, float] = {}
    for row in learn_words(model, feed, pool, held, settings, dice):
        log.add("words", **row)
        right = row.get("right", right)
    save(out, model, processor)
    log.add("saved", parameters=sum(each.numel() for each in model.parameters()))
    return right


def learn_senses(
    model: Any,
    feed: Feed,
    pool: Sequence[Example],
    held: Sequence[Example],
    settings: Settings,
    dice: np.random.Generator,
) -> Iterator[dict[str, Any]]:
    """Trains eyes and ears with a head each; one row to log every 50 steps."""
    heads = senses.Heads(model)
    trained = [*model.model.visual.parameters(), *model.model.audio_tower.parameters(), *heads.parameters()]
    step = _stepper(trained, settings.senses_rate, settings.senses_steps)
    for number in range(1, settings.senses_steps + 1):
        loss = heads.loss(model, feed, _some(pool, settings.senses_rows, dice))
        step(loss)
        if number % 50 == 0 or number == settings.senses_steps:
            with torch.no_grad():
                right = heads.right(model, feed, held[:96])
            yield {"step": number, "loss": round(float(loss), 4), "right": right}


def learn_words(
    model: Any,
    feed: Feed,
    pool: Sequence[Example],
    held: Sequence[Example],
    settings: Settings,
    dice: np.random.Generator,
) -> Iterator[dict[str, Any]]:
    """Trains the language model on what eyes and ears, held still, make of the clips; a row every 25 steps."""
    senses.level(model, feed, held[:96])
    felt, felt_held = feed.felt(pool), feed.felt(held)
    fixed, hints = ("model.visual", "model.audio_tower"), Hints(model)
    trained = [each for name, each in model.named_parameters() if not name.startswith(fixed)] + [*hints.parameters()]
    step = _stepper(trained, settings.words_rate, settings.words_steps)
    for number in range(1, settings.words_steps + 1):
        drawn = [int(i) for i in dice.integers(len(pool), size=settings.words_rows)]
        asked = [_asked(pool[i], settings.asked, dice) for i in drawn]
        answers, hinted, shown = _losses(model, feed, hints, [pool[i] for i in drawn], [felt[i] for i in drawn], asked)
        step(answers + hinted)
        row: dict[str, Any] = {"step": number, "loss": round(float(answers), 4), "hints": shown}
        if number % 100 == 0 or number == settings.words_steps:
            row["right"] = right_answers(model, feed, held, felt_held)
        if number % 25 == 0 or "right" in row:
            yield row


def right_answers(model: Any, feed: Feed, examples: Sequence[Example], felt: Sequence[Felt]) -> dict[str, float]:
    """Share of examples whose whole answer, word for word, is the likeliest one, by task in its first wording."""
    told: dict[str, list[bool]] = {}
    for start in range(0, len(examples), 40):
        some = examples[start : start + 40]
        asked = [[(task, questions(task)[0]) for task in QUESTIONS if _fits(task, one)] for one in some]
        with torch.no_grad():
            batch = feed.woven(some, felt[start : start + 40], _pairs(some, asked))
            guessed = model.lm_head(_layers(model, batch)[-1])[:, :-1].argmax(-1)
        wanted = batch["labels"][:, 1:]
        good = (guessed == wanted) | (wanted == IGNORED)
        for row, tasks in enumerate(asked):
            for number, (task, _) in enumerate(tasks, 1):
                told.setdefault(task, []).append(bool(good[row][batch["parts"][row, 1:] == number].all()))
    return {task: round(sum(right) / len(right), 4) for task, right in told.items()}


def _asked(example: Example, count: int, dice: np.random.Generator) -> list[tuple[str, str]]:
    """(task, question): the order in two of its ways and `count` others, each in one of its wordings."""
    ordered = dice.choice(list(ORDERS), size=2, replace=False)
    tasks = [
        *map(str, ordered),
        *map(str, dice.choice(list(OTHERS), size=count, replace=False, p=list(OTHERS.values()))),
    ]
    tasks = [task if _fits(task, example) else "event" for task in tasks]
    return [(task, _worded(task, dice)) for task in dict.fromkeys(tasks)]


def _worded(task: str, dice: np.random.Generator) -> str:
    wordings = questions(task)
    return wordings[0 if dice.random() < FIRST_WORDING else int(dice.integers(len(wordings)))]


def _fits(task: str, example: Example) -> bool:
    """Whether the question has an answer: nothing matches in silence, and what is swapped in has no order."""
    heard, kind = example.facts.heard, example.facts.kind
    return heard in (None, kind) if task in ORDERS else task != "consistency" or heard is not None


def _pairs(examples: Sequence[Example], asked: Sequence[Sequence[tuple[str, str]]]) -> list[list[tuple[str, str]]]:
    """(question, answer) of each example."""
    return [[(text, known(task, one.facts)) for task, text in each] for one, each in zip(examples, asked, strict=True)]


def _losses(
    model: Any,
    feed: Feed,
    hints: Hints,
    examples: Sequence[Example],
    felt: Sequence[Felt],
    asked: Sequence[Sequence[tuple[str, str]]],
) -> tuple[torch.Tensor, torch.Tensor, dict[str, float]]:
    """(loss of the answers, loss of the hints, how many of the hints are found)."""
    batch = feed.woven(examples, felt, _pairs(examples, asked))
    layers = _layers(model, batch)
    wanted = batch["labels"][:, 1:]
    told = wanted != IGNORED
    logits = model.lm_head(layers[-1][:, :-1][told])
    heavy = torch.ones_like(wanted, dtype=torch.float32)
    for row, tasks in enumerate(asked):
        for number, (task, _) in enumerate(tasks, 1):
            if task in ORDERS:
                heavy[row][batch["parts"][row, 1:] == number] = ORDER_WEIGHT
    each = nn.functional.cross_entropy(logits, wanted[told], reduction="none")
    return (each * heavy[told]).sum() / heavy[told].sum(), *hints.loss(layers, batch["input_ids"], examples)


def _layers(model: Any, batch: dict[str, torch.Tensor]) -> tuple[torch.Tensor, ...]:
    """What goes into the language model and what comes out of each layer; answers are read from the last."""
    fed = {name: batch[name] for name in ("inputs_embeds", "attention_mask", "position_ids")}
    out = model.model.language_model(**fed, use_cache=False, output_hidden_states=True)
    return (*out.hidden_states[:-1], out.last_hidden_state)


def _stepper(trained: list[nn.Parameter], rate: float, steps: int) -> Any:
    """A function that takes a loss and makes one step: AdamW, one cycle, gradients cut at 1."""
    optimizer = torch.optim.AdamW(trained, rate, weight_decay=0.01, betas=(0.9, 0.98))
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, rate, max(2, steps), pct_start=0.08)

    def step(loss: torch.Tensor) -> None:
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(trained, 1.0)
        optimizer.step()
        schedule.step()

    return step


def _some(pool: Sequence[Example], count: int, dice: np.random.Generator) -> list[Example]:
    return [pool[int(i)] for i in dice.integers(len(pool), size=count)]


def main(argv: Sequence[str] | None = None) -> None:
    """The command: pre-trains and writes the checkpoint."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument("--out", type=Path, required=True, help="folder of the checkpoint and its log")
    parser.add_argument("--looks", type=Path, help="folder in which drawn looks are kept; OUT/looks without it")
    for name, value in asdict(Settings()).items():
        parser.add_argument(f"--{name.replace('_', '-')}", type=type(value), default=value)
    told = vars(parser.parse_args(argv))
    out, kept = told.pop("out"), told.pop("looks")
    pretrain(out, kept or out / "looks", Settings(**told))


if __name__ == "__main__":
    main()
