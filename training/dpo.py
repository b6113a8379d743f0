"""Preference training: chosen answers get likelier than rejected ones.

`python -m training.dpo --config RUN/config.json`

The policy starts from the adapter of the config. Its reference is a frozen copy of that adapter, which TRL makes of
it, or for a whole model a second copy of the weights. Going on, and several processes: as in `training.sft`.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

from training import session
from training.config import TrainConfig
from training.ranks import rank


def main(argv: Sequence[str] | None = None) -> int:
    """The exit code, as `training.endings` lists them."""
    return session.main("dpo", train, argv)


def train(start: session.Session) -> str:
    """The state in which training ended: done, early, stopped or failed."""
    from training.data import OmniCollator, check_rows, read_rows
    from training.models import load_policy

    config = start.config
    rows = read_rows(config.data, "train", "dpo")
    held = session.held_out(start)
    policy = load_policy(config)
    collator = OmniCollator(
        policy.feeder, "dpo", config.fps, config.max_frames, config.size_px, config.max_tokens, policy.dtype
    )
    if rank() == 0:  # the others would find the same
        for some in filter(None, (rows, held)):
            check_rows(some, collator)

    from trl import DPOConfig, DPOTrainer

    trainer = DPOTrainer(
        model=policy.model,
        ref_model=policy.reference,
        args=DPOConfig(**session.arguments(start), **_loss(config)),
        train_dataset=rows,
        eval_dataset=held,
        data_collator=collator,
        processing_class=policy.processor,
    )
    return session.run(start, trainer, policy, _answer_tokens(rows, policy.processor.tokenizer))


def _loss(config: TrainConfig) -> dict[str, Any]:
    """The loss as TRL is told it. Dropout is left out of policy and reference alike, as TRL does by itself."""
    loss = config.loss
    return {"loss_type": list(loss.types), "loss_weights": list(loss.weights) or None, "beta": loss.beta}


def _answer_tokens(rows: Any, tokens: Any) -> float:
    """Mean length of the chosen answers: a sum of logarithms says nothing without it."""
    lengths = [len(ids) for ids in tokens(rows["chosen"][:1000]).input_ids]
    return sum(lengths) / len(lengths)


if __name__ == "__main__":
    sys.exit(main())
