"""How a training ends badly: the exit code and the sentence for each way.

0  done, stopped on a signal with a checkpoint, or ended early
1  failed (a sentence in the journal and on stderr)
2  the config is wrong, or the wrong number of processes started
3  memory does not suffice
4  the disk is full; the checkpoint before is whole
"""

from __future__ import annotations

import errno
from collections.abc import Sequence

from thud.errors import ThudError
from training import checkpoints
from training.config import TrainConfig

OK, FAILED, WRONG_CONFIG, NO_MEMORY, DISK_FULL = range(5)
NO_ROOM = (
    "Memory did not suffice. Start it anew with a smaller batch_size and more accumulation, fewer or smaller pictures "
    "(max_frames, size_px), gradient_checkpointing, or qlora; resuming keeps the settings, and needs other programs to "
    "free memory."
)
FULL = (
    "The disk is full, so the checkpoint could not be saved{last}. Free some space on the disk of {folder} and go on."
)
_FULL_ERRORS = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_FULL_WORDS = (
    "No space left on device", "(os error 28)", "(os error 27)",
    "PytorchStreamWriter failed writing", "iostream error", "unexpected pos ",
)  # fmt: skip
"""How libraries that write past Python say it; torch's writer does not say why a write failed."""
_MEMORY_WORDS = ("out of memory", "can't allocate memory", "not enough memory")


def ending(error: BaseException, config: TrainConfig) -> tuple[int, str]:
    """The exit code and the sentence for what ended a training."""
    chain = _chain(error)
    if any(_is_full(one) for one in chain):
        _, step = checkpoints.last_whole(config.output / "checkpoints")
        last = f"; the one of step {step} is whole" if step else ""
        return DISK_FULL, FULL.format(last=last, folder=config.output)
    if any(isinstance(one, MemoryError) or _says(one, _MEMORY_WORDS) for one in chain):
        return NO_MEMORY, str(error) if isinstance(error, ThudError) else NO_ROOM
    if isinstance(error, ThudError):
        return FAILED, str(error)
    first = (str(error).splitlines() or [""])[0] or type(error).__name__
    return FAILED, f"Training broke off: {first} The log has the details."


def _chain(error: BaseException | None) -> list[BaseException]:
    """The error and what it came from."""
    found: list[BaseException] = []
    while error is not None and error not in found:
        found.append(error)
        error = error.__cause__ or error.__context__
    return found


def _is_full(error: BaseException) -> bool:
    if isinstance(error, TypeError):  # a wrong call, whatever it quotes
        return False
    return (isinstance(error, OSError) and error.errno in _FULL_ERRORS) or _says(error, _FULL_WORDS)


def _says(error: BaseException, words: Sequence[str]) -> bool:
    text = str(error)
    return any(word in text for word in words)
