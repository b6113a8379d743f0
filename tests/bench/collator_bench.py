"""What our collator, callbacks and log add to a training, against a bare loop on the same batches.

overhead()   rows; `python -m tests.bench.collator_bench` prints them

Measured in CPU seconds on one thread, so that other work on the machine does not count. The bare loop is forward,
backward, clipping and a step of AdamW on batches that lie ready. Decoding media is no overhead, for any loop has to do
it once; it has a row of its own. Held-out rounds and checkpoints are work of their own and have no part in this.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from tests.bench.rows import Row, judge, show
from tests.sounds import ding, make_ding_clip
from thud.media.sound import Sound
from thud.media.write import MODELS_RATE_HZ, to_models, write_wav
from thud.pairs.formats.write import write_trl
from thud.pairs.pair import Pair, Shown

CLIPS, SECONDS = 8, 4.0
STEPS = {"sft": 14, "dpo": 8}
ANSWERS = {
    "synced": "Yes, they are in time with each other.",
    "delayed": "No. The sound comes late.",
    "early": "No. The sound comes early.",
    "muted": "There is no sound at all; the clip is silent.",
}


@dataclass(slots=True)
class Spent:
    """CPU seconds, by what they went into; the batches that were made, in their order."""

    collator: list[float] = field(default_factory=list)
    callbacks: list[float] = field(default_factory=list)
    log: list[float] = field(default_factory=list)
    batches: list[dict[str, Any]] = field(default_factory=list)

    @property
    def total(self) -> float:
        return sum((*self.collator, *self.callbacks, *self.log))


def overhead() -> list[Row]:
    """Supervised and preference training of the tiny model with the settings of the demo."""
    with tempfile.TemporaryDirectory() as name:
        data = _export(Path(name))
        found = {stage: _measured(stage, data, Path(name) / stage) for stage in STEPS}
    rows = []
    for stage, (spent, bare_s, decoding_s) in found.items():
        share = 100 * spent.total / bare_s
        about = f"{stage}: collator, callbacks and log"
        rows += [
            judge(about, share, "%", limit=5.0, baseline=bare_s, ratio=1 + share / 100, against="bare loop, s"),
            *(judge(f"{stage}: {part}, a step", 1000 * sum(seconds) / STEPS[stage], "ms")
              for part, seconds in (("collator", spent.collator), ("callbacks", spent.callbacks), ("log", spent.log))),
            judge(f"{stage}: decoding, once a row", 1000 * decoding_s / (CLIPS * len(ANSWERS)), "ms"),
        ]  # fmt: skip
    return rows


def _measured(stage: str, data: Path, output: Path) -> tuple[Spent, float, float]:
    """What was ours, the CPU seconds of the bare loop, and those of decoding each row once."""
    start = _session(stage, data, output)
    from training import session

    made = session.prepared(start)
    begun = time.process_time()
    for row in made.rows:
        made.collator([row])  # decodes what it shows; from here on it lies on the collator's shelf
    decoding_s = time.process_time() - begun
    spent = Spent()
    trainer = _trainer(stage, start, made, spent)
    state = session.run(start, trainer, made.policy, answer_tokens=12.0)
    assert (state, len(spent.batches)) == ("done", STEPS[stage]), (state, len(spent.batches))
    return spent, _bare_s(trainer, spent.batches), decoding_s


def _session(stage: str, data: Path, output: Path) -> Any:
    from training.recipes import find_recipe
    from training.session import Session, _prepare

    recipe = find_recipe(f"demo-{stage}").config
    config = replace(recipe, data=data, output=output, max_steps=STEPS[stage], eval_every=0, save_every=0)
    _prepare(config)
    output.mkdir()
    from training.journal import Journal
    from training.progress import Stop

    log = (output / "log.txt").open("w", encoding="utf-8")
    return Session(config, Journal(output / "metrics.jsonl", log), Stop(), None, 0)


def _trainer(stage: str, start: Any, made: Any, spent: Spent) -> Any:
    """TRL's trainer as the stage makes it, with a stopwatch on our parts."""
    from trl import DPOConfig, DPOTrainer, SFTConfig, SFTTrainer

    from training import session
    from training.dpo import _loss

    def collated(rows: Any) -> Any:
        spent.batches.append(batch := _timed(spent.collator, made.collator)(rows))
        return dict(batch)

    kind, args = SFTTrainer, SFTConfig(**session.arguments(start))
    if stage == "dpo":
        kind, args = DPOTrainer, DPOConfig(**session.arguments(start), **_loss(start.config))
    trainer = kind(
        model=made.policy.model, args=args, train_dataset=made.rows, data_collator=collated,
        processing_class=made.policy.processor,
    )  # fmt: skip
    trainer.log = _timed(spent.log, trainer.log)
    watched = trainer.callback_handler
    watched.on_step_end = _timed(spent.callbacks, watched.on_step_end)
    return trainer


def _timed(seconds: list[float], work: Callable[..., Any]) -> Callable[..., Any]:
    """The same, with what it takes written down."""

    def measured(*args: Any, **named: Any) -> Any:
        begun = time.process_time()
        try:
            return work(*args, **named)
        finally:
            seconds.append(time.process_time() - begun)

    return measured


def _bare_s(trainer: Any, batches: list[dict[str, Any]]) -> float:
    """CPU seconds of the loop that has nothing but the model, the loss and the optimizer."""
    import torch

    model, dpo = trainer.model.train(), trainer.__class__.__name__ == "DPOTrainer"
    learnt = [tensor for tensor in model.parameters() if tensor.requires_grad]
    optimizer = torch.optim.AdamW(learnt, lr=1e-5)
    begun = time.process_time()
    for batch in batches:
        loss = trainer.compute_loss(model, dict(batch)) if dpo else model(**batch).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(learnt, 1.0)
        optimizer.step()
        optimizer.zero_grad()
    return time.process_time() - begun


def _export(folder: Path) -> Path:
    """Pairs about clips as long as the demo's, each in time, late, early and silent."""
    media = folder / "media"
    media.mkdir()
    write_trl([pair for number in range(CLIPS) for pair in _pairs(media, number)], folder / "export", folder)
    return folder / "export"


def _pairs(media: Path, number: int) -> list[Pair]:
    at_s = 1.6 + 0.1 * number
    clip = make_ding_clip(media / f"{number}.mp4", SECONDS, at_s, seed=number)
    silent = Sound(np.zeros((round(SECONDS * MODELS_RATE_HZ), 1), np.float32), MODELS_RATE_HZ)
    heard = {"muted": silent} | {
        label: ding(SECONDS, at_s + offset_s, seed=number)
        for label, offset_s in (("synced", 0.0), ("delayed", 0.6), ("early", -0.6))
    }
    made = []
    for label, sound in heard.items():
        path = media / f"{number}-{label}.wav"
        write_wav(path, to_models(sound))
        wrong = "synced" if label != "synced" else "delayed"
        about = {"clip_id": clip.id, "source": clip.id, "task": "sync", "condition": label, "label": label}
        question = "Do the picture and the sound of this clip belong together?"
        shown = Shown(clip.path, str(path), clip.sha256)
        made.append(Pair("shift", question, ANSWERS[label], ANSWERS[wrong], shown, **about, split="train"))
    return made


if __name__ == "__main__":
    sys.exit(show(overhead()))
