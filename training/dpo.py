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


def main(argv: Sequence[str] | None = None) -> int:
    """The exit code, as `training.endings` lists them."""
    return session.main("dpo", train, argv)


def train(start: session.Session) -> str:
    """The state in which training ended: done, early, stopped or failed."""
    from trl import DPOConfig, DPOTrainer

    args = DPOConfig(**session.arguments(start), **_loss(start.config))
    made = session.prepared(start)
    trainer = DPOTrainer(
        model=made.policy.model,
        ref_model=made.policy.reference,
        args=args,
        train_dataset=made.rows,
        eval_dataset=made.held,
        data_collator=made.collator,
        processing_class=made.policy.processor,
    )
    _as_wide(trainer.model)
    return session.run(start, trainer, made.policy, _answer_tokens(made.rows, made.policy.processor.tokenizer))


def _loss(config: TrainConfig) -> dict[str, Any]:
    """The loss as TRL is told it. Dropout is left out of policy and reference alike, as TRL does by itself."""
    loss = config.loss
    return {"loss_type": list(loss.types), "loss_weights": list(loss.weights) or None, "beta": loss.beta}


def _as_wide(model: Any) -> None:
    """Gives the reference's copy of the adapter the number format of the adapter itself; TRL makes it of 32 bits.

    ZeRO-3 gathers weights of one format only, and QLoRA's policy, cut to 16 bits, would not begin at its reference.
    """
    for name, tensor in model.named_parameters():
        if ".ref." in name:
            tensor.data = tensor.data.to(model.get_parameter(name.replace(".ref.", ".default.")).dtype)


def _answer_tokens(rows: Any, tokens: Any) -> float:
    """Mean length of the chosen answers: a sum of logarithms says nothing without it."""
    lengths = [len(ids) for ids in tokens(rows["chosen"][:1000]).input_ids]
    return sum(lengths) / len(lengths)


if __name__ == "__main__":
    sys.exit(main())
