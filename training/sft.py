"""Supervised training: the model learns to give the chosen answers. `python -m training.sft --config RUN/config.json`

The same command goes on from the last whole checkpoint, and does nothing once the run is finished. With several
processes: `python -m torch.distributed.run --nproc-per-node N -m training.sft --config RUN/config.json`.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from training import session


def main(argv: Sequence[str] | None = None) -> int:
    """The exit code, as `training.endings` lists them."""
    return session.main("sft", train, argv)


def train(start: session.Session) -> str:
    """The state in which training ended: done, early, stopped or failed."""
    from trl import SFTConfig, SFTTrainer

    args = SFTConfig(**session.arguments(start))
    made = session.prepared(start)
    trainer = SFTTrainer(
        model=made.policy.model,
        args=args,
        train_dataset=made.rows,
        eval_dataset=made.held,
        data_collator=made.collator,
        processing_class=made.policy.processor,
    )
    return session.run(start, trainer, made.policy)


if __name__ == "__main__":
    sys.exit(main())
