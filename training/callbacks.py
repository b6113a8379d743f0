"""What happens around the steps of TRL's trainers: when to ask, save and stop; what is written down; what is kept.

    Timing    decides after each step: held-out round, checkpoint, end (also on a signal)
    Record    one line per step, and the alerts: a loss that is no number, a chosen answer that gets unlikely
    HeldOut   asks the held-out questions, keeps the best weights, ends a run that gets no better
    Keep      marks a checkpoint as whole, and only then gives up an older one

They are called in this order. What they know of earlier steps they take from the journal, so that a run that was
interrupted decides as if it had not been.
"""

from __future__ import annotations

import math
import time
from pathlib import Path
from typing import Any

from transformers import TrainerCallback

from training import checkpoints
from training.account import write_round
from training.config import TrainConfig
from training.evaluate import Examiner, tally
from training.journal import Journal, Line
from training.models import in_16_bits, write_made_for
from training.progress import Stop, best, displaced, impatient, step_line
from training.ranks import any_of, held_gb, rank, wait_for_all


class NotBegun(Exception):
    """A stop came before the first step; there is nothing to save."""


class Timing(TrainerCallback):
    """Decides after each step. state: how the run came to its end, as the journal's last line says it."""

    def __init__(self, config: TrainConfig, stop: Stop, asks: bool) -> None:
        self.config, self.stop, self.asks = config, stop, asks
        self.state = "done"
        self._since = time.monotonic()

    def lap_s(self) -> float:
        """Seconds since this was called last; what is between steps is taken out by calling it behind."""
        before, self._since = self._since, time.monotonic()
        return self._since - before

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> Any:
        """Sets what the trainer does next."""
        last = state.global_step >= state.max_steps
        control.should_evaluate = self.asks and (last or _due(state.global_step, self.config.eval_every))
        control.should_save = last or _due(state.global_step, self.config.save_every)
        if any_of(self.stop.asked, args.device) and not last:
            self.state = "stopped"
            control.should_save = control.should_training_stop = True
        return control


class Record(TrainerCallback):
    """Writes the lines of steps. answer_tokens: mean length of a chosen answer, for the alert. facts: of the run."""

    def __init__(self, journal: Journal, timing: Timing, facts: Line, answer_tokens: float = 0.0) -> None:
        self.journal, self.timing, self.facts, self.answer_tokens = journal, timing, facts, answer_tokens
        self._tokens_before = max((line.get("tokens") or 0 for line in journal.of("step")), default=0)

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """The first line."""
        self.journal.write("begin", from_step=state.global_step, of=state.max_steps, at=time.time(), **self.facts)
        self.timing.lap_s()

    def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **_: Any) -> Any:
        """The line of a step, and the alerts that follow from it."""
        if not logs or "loss" not in logs:
            return control
        line = step_line(logs, self._tokens_before)
        line |= {"seconds": self.timing.lap_s(), "memory_gb": held_gb()}
        self.journal.write("step", step=state.global_step, of=state.max_steps, **line)
        if not math.isfinite(logs["loss"]) or not math.isfinite(logs.get("grad_norm") or 0.0):
            self._no_number(state.global_step, control)
        self._displacement(state.global_step)
        return control

    def _no_number(self, step: int, control: Any) -> None:
        self.timing.state = "failed"
        control.should_save = control.should_evaluate = False
        control.should_training_stop = True
        self.journal.write(
            "alert", what="nan", step=step,
            sentence=f"The loss of step {step} is no number, so training stopped; the last checkpoint is unharmed. "
            "Try a lower learning rate.",
        )  # fmt: skip

    def _displacement(self, step: int) -> None:
        if any(line["what"] == "displacement" for line in self.journal.of("alert")):
            return
        fallen = displaced(self.journal.of("step"), self.answer_tokens)
        if fallen:
            self.journal.write(
                "alert", what="displacement", step=step,
                sentence=f"The chosen answers have become less likely, by {fallen:.2f} nats a token, while the margin "
                "grows. Add the sft loss, or lower the learning rate or the number of steps.",
            )  # fmt: skip


class HeldOut(TrainerCallback):
    """Asks after the trainer has taken the held-out loss. kept: folder of the best weights."""

    def __init__(self, trainer: Any, examiner: Examiner, journal: Journal, timing: Timing, kept: Path) -> None:
        self.trainer, self.examiner, self.journal, self.timing, self.kept = trainer, examiner, journal, timing, kept

    def on_evaluate(self, args: Any, state: Any, control: Any, metrics: Any = None, **_: Any) -> Any:
        """One held-out round. A stop breaks it off, but not the one at the end; it is asked again on going on."""
        last = state.global_step >= state.max_steps
        model = self.trainer.accelerator.unwrap_model(self.trainer.model)
        texts = self.examiner.answers(model, lambda: self.timing.stop.asked and not last)
        if texts is None and state.global_step == 0:
            raise NotBegun
        if texts is None:
            self.timing.state = "stopped"
            control.should_save = control.should_training_stop = True
            return control
        found = tally(self.examiner.rows, texts)
        self.journal.write(
            "held_out", step=state.global_step, loss=metrics.get("eval_loss"), accuracy=found.accuracy, n=found.n,
            unread=found.unread, asked=found.asked,
        )  # fmt: skip
        self._keep_best(state.global_step)
        if not last and impatient(self.journal.of("held_out"), self.timing.config.patience):
            self.timing.state = "early"
            control.should_save = control.should_training_stop = True
        self.timing.lap_s()
        return control

    def _keep_best(self, step: int) -> None:
        chosen = best(self.journal.of("held_out"))
        if chosen and chosen["step"] == step:
            keep_weights(self.trainer, self.timing.config, self.kept, step, chosen)


class Keep(TrainerCallback):
    """Has the last word on a checkpoint. kept: where the last weights go when no held-out round chooses any."""

    def __init__(self, trainer: Any, journal: Journal, timing: Timing, folder: Path, kept: Path) -> None:
        self.trainer, self.journal, self.timing, self.folder, self.kept = trainer, journal, timing, folder, kept

    def on_save(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Marks the checkpoint once every process has written its part."""
        if state.global_step >= state.max_steps and best(self.journal.of("held_out")) is None:
            keep_weights(self.trainer, self.timing.config, self.kept, state.global_step)
        wait_for_all()
        if rank() == 0:
            path = self.folder / f"checkpoint-{state.global_step}"
            checkpoints.mark_whole(path, state.global_step)
            checkpoints.drop_old(self.folder)
            self.journal.write("checkpoint", step=state.global_step, path=f"checkpoints/{path.name}")
        self.timing.lap_s()


def keep_weights(trainer: Any, config: TrainConfig, folder: Path, step: int, held_out: Line | None = None) -> None:
    """Writes the weights of `step` in place of what is there: a whole model, or an adapter without anything else.

    held_out: the round that chose them. Of a model that was trained in bf16 only the steps needed 32 bits: it is kept
    in 16, so that it answers in the number format in which its base does.
    """
    part = folder.with_name(f".{folder.name}.part")
    if rank() == 0:
        checkpoints.remove(part)
    wait_for_all()
    trainer.save_model(str(part))
    wait_for_all()
    if rank() == 0:
        whole = config.tuning == "full"
        for path in part.iterdir():  # TRL leaves its notes, the tokenizer, and the reference that DPO began with
            if path.name in ("README.md", "training_args.bin") or not (whole or path.name.startswith("adapter_")):
                checkpoints.remove(path)
        if not whole:
            write_made_for(part, config.base)
        elif config.precision == "bf16":
            in_16_bits(part)
        write_round(part, step, held_out)
        checkpoints.swap_in(part, folder)
    wait_for_all()


def _due(step: int, every: int) -> bool:
    return every > 0 and step % every == 0
