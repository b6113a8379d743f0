"""What both stages share: from the command line to the exit code, with the trainer in between."""

from __future__ import annotations

import argparse
import json
import logging
import os
import sys
import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from thud.disk import file_sha256
from thud.errors import RunFailed, ThudError
from training import checkpoints
from training.account import account
from training.config import ConfigError, TrainConfig, planned_steps, read_config, to_json
from training.endings import DISK_FULL, FAILED, OK, WRONG_CONFIG, ending
from training.journal import Journal
from training.progress import Stop
from training.ranks import any_of, check_world, end_with_launcher, rank, wait_for_all

log = logging.getLogger(__name__)

REPORT = "report.json"
SHARDED = {"fsdp2": "FSDP", "zero3": "DEEPSPEED"}
"""Ways of sharing one model among processes, and what accelerate calls them."""


@dataclass(frozen=True, slots=True)
class Session:
    """One start of a run. checkpoint: where it goes on from, None at the beginning; step: of that checkpoint."""

    config: TrainConfig
    journal: Journal
    stop: Stop
    checkpoint: Path | None
    step: int

    @property
    def folder(self) -> Path:
        """Where checkpoints lie."""
        return self.config.output / "checkpoints"

    @property
    def kept(self) -> Path:
        """Where the best weights lie: an adapter, or a whole model."""
        return self.config.output / ("model" if self.config.tuning == "full" else "adapter")


def main(stage: str, train: Callable[[Session], str], argv: Sequence[str] | None = None) -> int:
    """The exit code of `python -m training.STAGE --config FILE`. train: gives the state in which it ended."""
    parser = argparse.ArgumentParser(prog=f"python -m training.{stage}", description="Trains as a config file says.")
    parser.add_argument("--config", required=True, type=Path, help="config.json of the run")
    asked = parser.parse_args(argv)
    try:
        config = read_config(asked.config)
        if config.stage != stage:
            raise ConfigError(f"stage is {config.stage}; start it with python -m training.{config.stage}.")
        check_world(config)
        end_with_launcher()
        config.output.mkdir(parents=True, exist_ok=True)
    except (ThudError, OSError) as error:
        return _told(str(error), WRONG_CONFIG)
    journal = Journal(config.output / "metrics.jsonl", sys.stderr if rank() == 0 else None)
    return OK if journal.finished else _trained(config, journal, train)


def _trained(config: TrainConfig, journal: Journal, train: Callable[[Session], str]) -> int:
    try:
        session = _opened(config, journal)
        state = train(session)
        _end(session, state)
        return FAILED if state == "failed" else OK
    except Exception as error:  # a run must say how it ended, whatever a library raises
        code, sentence = ending(error, config)
        if not isinstance(error, ThudError):  # the sentence may be guessed from words: the log gets all of it
            log.exception("Training broke off.")
        if code == DISK_FULL and rank() == 0:  # half a checkpoint takes room and is of no use
            checkpoints.drop_torn(config.output / "checkpoints")
        _last_line(journal, sentence)
        return _told(sentence, code)


def _opened(config: TrainConfig, journal: Journal) -> Session:
    """The start of the run, or its going on from its last whole checkpoint."""
    stop = Stop()
    stop.listen()
    _prepare(config)
    folder = config.output / "checkpoints"
    checkpoint, step = checkpoints.last_whole(folder)
    if rank() == 0:
        (config.output / REPORT).unlink(missing_ok=True)  # it tells of an earlier end
        checkpoints.drop_torn(folder)
    journal.rewind(step)
    return Session(config, journal, stop, checkpoint, step)


def _prepare(config: TrainConfig) -> None:
    """Settings that count only before the libraries are loaded: threads, one GPU for a process that is alone, and that
    no request leaves the machine."""
    if config.world_size == 1:  # to several GPUs in sight Trainer would copy the model, which TRL refuses
        os.environ["CUDA_VISIBLE_DEVICES"] = os.environ.get("CUDA_VISIBLE_DEVICES", "0").partition(",")[0]
    os.environ.setdefault("OMP_NUM_THREADS", str(config.threads))
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    os.environ |= {"HF_HUB_OFFLINE": "1", "HF_HUB_DISABLE_TELEMETRY": "1", "HF_DATASETS_OFFLINE": "1"}
    import torch

    from thud.providers.torchvision_shim import mend_torchvision

    warnings.filterwarnings("ignore", category=FutureWarning)  # what a library will change is not the user's to mend
    torch.set_num_threads(config.threads)
    mend_torchvision()
    if not torch.cuda.is_available():
        _check_without_gpu(config)


def _check_without_gpu(config: TrainConfig) -> None:
    """RunFailed for what the libraries would either refuse in their own words, or leave out in silence."""
    if config.precision == "bf16":
        raise RunFailed("precision bf16 needs a GPU, and there is none here; set precision to fp32.")
    if config.parallel in SHARDED:
        raise RunFailed(f"parallel {config.parallel} needs GPUs, and there are none here; set parallel to ddp.")


def arguments(session: Session) -> dict[str, Any]:
    """What the trainers of both stages are told alike. They neither save, ask nor stop by themselves: `Timing` does."""
    import torch

    config, cuda = session.config, torch.cuda.is_available()
    return {
        "output_dir": str(session.folder), "seed": config.seed, "use_cpu": not cuda, "bf16": config.precision == "bf16",
        "per_device_train_batch_size": config.batch_size, "per_device_eval_batch_size": config.batch_size,
        "gradient_accumulation_steps": config.accumulation, "num_train_epochs": config.epochs,
        "max_steps": config.max_steps or -1, "learning_rate": config.learning_rate,
        "lr_scheduler_type": "constant_with_warmup" if config.scheduler == "constant" else config.scheduler,
        "warmup_steps": config.warmup, "weight_decay": config.weight_decay, "max_grad_norm": config.max_grad_norm,
        "activation_checkpointing": config.gradient_checkpointing, "max_length": None, "remove_unused_columns": False,
        "dataloader_num_workers": config.workers, "dataloader_pin_memory": cuda, "ddp_timeout": 7200,
        "save_strategy": "no", "eval_strategy": "no", "logging_steps": 1, "logging_nan_inf_filter": False,
        "report_to": [], "disable_tqdm": True, **_sharding(config),
    }  # fmt: skip


def _sharding(config: TrainConfig) -> dict[str, Any]:
    if config.parallel == "fsdp2":
        return {"fsdp": True, "fsdp_config": {"version": 2, "auto_wrap_policy": "TRANSFORMER_BASED_WRAP"}}
    if config.parallel != "zero3":
        return {}
    zero = {"stage": 3, "overlap_comm": True, "stage3_gather_16bit_weights_on_model_save": True}
    names = ("train_micro_batch_size_per_gpu", "train_batch_size", "gradient_accumulation_steps", "gradient_clipping")
    return {"deepspeed": {"zero_optimization": zero, "bf16": {"enabled": "auto"}, **dict.fromkeys(names, "auto")}}


@dataclass(frozen=True, slots=True)
class Prepared:
    """What a trainer is made of. rows: to train on. held: rows of held-out rounds, None = there are no such rounds."""

    rows: Any
    held: Any
    policy: Any
    collator: Any


def prepared(session: Session) -> Prepared:
    """Rows, model and collator of the run, each row looked over. Raises BadRow for one that cannot be trained on.

    The trainer's config has to be made before: it tells this process its GPU, and under ZeRO-3 that weights are dealt
    out as they are read.
    """
    from training.data import OmniCollator, check_rows, read_rows
    from training.models import load_policy

    config = session.config
    rows = read_rows(config.data, "train", config.stage)
    held = _held_out(config)
    policy = load_policy(config)
    collator = OmniCollator(
        policy.feeder, config.stage, config.fps, config.max_frames, config.size_px, config.max_tokens, policy.dtype
    )
    if rank() == 0:  # the others would find the same
        for some in filter(None, (rows, held)):
            check_rows(some, collator)
    return Prepared(rows, held, policy, collator)


def _held_out(config: TrainConfig) -> Any:
    """The validation rows that are asked during training, None where there are none or none are wanted."""
    from training.data import read_rows
    from training.evaluate import held_out

    if not config.eval_every or not (config.data / "validation.jsonl").is_file():
        return None
    rows = read_rows(config.data, "validation", config.stage)
    return rows.select(held_out(rows, config.eval_rows))


def run(session: Session, trainer: Any, policy: Any, answer_tokens: float = 0.0) -> str:
    """Trains to the end, to a stop, or to a failure; the state. trainer: of TRL. policy: what it trains.

    answer_tokens: mean length of a chosen answer, for DPO's alert.
    """
    from training.callbacks import NotBegun

    _check_shared(session.config, trainer)
    _keep_trainable(policy.model)
    _keep_format(session.config, policy.model)
    state = _watched(session, trainer, policy, answer_tokens)
    if any_of(session.stop.asked, trainer.args.device):
        return "stopped"
    try:
        if session.step < planned_steps(session.config, len(trainer.train_dataset)):
            trainer.train(resume_from_checkpoint=str(session.checkpoint) if session.checkpoint else None)
    except NotBegun:
        return "stopped"
    return state()


def _check_shared(config: TrainConfig, trainer: Any) -> None:
    """RunFailed when the model would not be shared out as asked, but copied whole to every process."""
    way = trainer.accelerator.distributed_type.value
    if config.parallel in SHARDED and way != SHARDED[config.parallel]:
        raise RunFailed(f"parallel is {config.parallel}, and accelerate has set up {way}; start it with torchrun.")


def _keep_trainable(model: Any) -> None:
    """Keeps bitsandbytes from packing 4-bit weights for a CPU's own way of answering: it does not unpack them again,
    and a step after a held-out round would fail, or compute with shuffled weights."""
    for module in model.modules():
        if hasattr(module, "support_avx512bf16_for_cpu"):
            module.support_avx512bf16_for_cpu = False


def _keep_format(config: TrainConfig, model: Any) -> None:
    """Has the adapter of a checkpoint come back in the number format that it was trained in: on weights of 4 bits TRL
    trains it in 16 bits, and PEFT would give it back in 32, so that its next steps were others."""
    if config.tuning == "qlora":
        model.load_adapter = partial(model.load_adapter, autocast_adapter_dtype=False)


def _watched(session: Session, trainer: Any, policy: Any, answer_tokens: float) -> Callable[[], str]:
    """Puts the callbacks into the trainer, in their order; gives what tells the state afterwards."""
    from transformers import PrinterCallback

    from training.callbacks import HeldOut, Keep, Record, Timing

    journal, held = session.journal, trainer.eval_dataset
    timing = Timing(session.config, session.stop, asks=held is not None)
    facts = _facts(session.config, policy, len(trainer.train_dataset), 0 if held is None else len(held))
    trainer.remove_callback(PrinterCallback)  # the journal says the same, and shorter
    trainer.add_callback(timing)
    trainer.add_callback(Record(journal, timing, facts, answer_tokens))
    if held is not None:
        trainer.add_callback(HeldOut(trainer, _examiner(session.config, trainer), journal, timing, session.kept))
        told = any(line["step"] == session.step for line in journal.of("held_out"))
        trainer.args.eval_on_start = not told and session.step % session.config.eval_every == 0
    trainer.add_callback(Keep(trainer, journal, timing, session.folder, session.kept))
    return lambda: timing.state


def _examiner(config: TrainConfig, trainer: Any) -> Any:
    from training.evaluate import Examiner, asked

    questions = trainer.eval_dataset.select(asked(trainer.eval_dataset))
    together = config.parallel in SHARDED
    return Examiner(trainer.data_collator, questions, config.batch_size, config.answer_tokens, together)


def _facts(config: TrainConfig, policy: Any, rows: int, held: int) -> dict[str, Any]:
    return {
        "stage": config.stage, "base": config.base, "adapter": config.adapter, "tuning": config.tuning,
        "data": _data_hash(config.data), "rows": rows, "held_out_rows": held,
        "rows_per_step": config.rows_per_step, "world_size": config.world_size,
        "hears": policy.hears, "sees": policy.sees, "model": policy.facts,
    }  # fmt: skip


def _end(session: Session, state: str) -> None:
    """The report and the last line."""
    journal = session.journal
    wait_for_all()
    told = account(journal.lines, session.kept)
    if rank() == 0:
        report = {
            "state": state, "config": to_json(session.config), "data": _data_hash(session.config.data),
            "weights": session.kept.name if session.kept.is_dir() else "", **told,
        }  # fmt: skip
        part = session.config.output / f".{REPORT}"
        part.write_text(json.dumps(report, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
        part.replace(session.config.output / REPORT)
    journal.write("end", state=state, step=told["step"], best=told["weights_step"], at=time.time())
    wait_for_all()


def _data_hash(folder: Path) -> str:
    """SHA-256 of an export's manifest, which holds the hash of every file; of its rows where it has none."""
    path = next((folder / name for name in ("manifest.json", "train.jsonl") if (folder / name).is_file()), None)
    return file_sha256(path) if path else ""


def _last_line(journal: Journal, sentence: str) -> None:
    """The end in the journal, as far as the disk takes it."""
    steps = journal.of("step")
    try:
        journal.write("end", state="failed", step=steps[-1]["step"] if steps else 0, best=None, sentence=sentence)
    except OSError:
        return


def _told(sentence: str, code: int) -> int:
    sys.stderr.write(f"{sentence}\n")
    return code
