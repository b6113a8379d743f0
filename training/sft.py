"""Supervised training: the model learns to give the chosen answers. `python -m training.sft --config RUN/config.json`

The same command goes on from the last whole checkpoint, and does nothing once the run is finished. With several
processes: `python -m torch.distributed.run --nproc-per-node N -m training.sft --config RUN/config.json`.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from training import session
from training.ranks import rank


def main(argv: Sequence[str] | None = None) -> int:
    """The exit code, as `training.endings` lists them."""
    return session.main("sft", train, argv)


def train(start: session.Session) -> str:
    """The state in which training ended: done, early, stopped or failed."""
    from training.data import OmniCollator, check_rows, read_rows
    from training.models import load_policy

    config = start.config
    rows = read_rows(config.data, "train", "sft")
    held = session.held_out(start)
    policy = load_policy(config)
    collator = OmniCollator(
        policy.feeder, "sft", config.fps, config.max_frames, config.size_px, config.max_tokens, policy.dtype
    )
    if rank() == 0:  # the others would find the same
        for some in filter(None, (rows, held)):
            check_rows(some, collator)

    from trl import SFTConfig, SFTTrainer

    trainer = SFTTrainer(
        model=policy.model,
        args=SFTConfig(**session.arguments(start)),
        train_dataset=rows,
        eval_dataset=held,
        data_collator=collator,
        processing_class=policy.processor,
    )
    return session.run(start, trainer, policy)


if __name__ == "__main__":
    sys.exit(main())
