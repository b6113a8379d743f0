"""Tensors of sequences put together: texts filled up on the right, media one after the other. It knows no rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from thud.providers.local_inputs import Fed

PER_TOKEN = frozenset({"input_ids", "attention_mask", "token_type_ids", "mm_token_type_ids"})
"""What processors give one number of for each token, by name: a spectrogram may happen to be as long as the text."""


@dataclass(frozen=True, slots=True)
class Half:
    """One sequence: a question with its media, and the tokens of its answer, the mark that ends it included."""

    fed: Fed
    answer: list[int]

    def __len__(self) -> int:
        return int(self.fed.inputs["input_ids"].shape[1]) + len(self.answer)


class Shelf:
    """Questions that are tensors already, up to so many bytes; with a small set each file is decoded once only.

    What comes when it is full is made anew each time. A copy in another process begins empty.
    """

    def __init__(self, room: int) -> None:
        self.room, self._left = room, room
        self._held: dict[Any, Fed] = {}

    def __reduce__(self) -> tuple[type[Shelf], tuple[int]]:
        return Shelf, (self.room,)

    def fed(self, key: Any, make: Callable[[], Fed]) -> Fed:
        """What lies there under that key, else what is made."""
        if key in self._held:
            return self._held[key]
        made = make()
        size = sum(value.numel() * value.element_size() for value in made.inputs.values() if hasattr(value, "numel"))
        if size <= self._left and not made.problem:
            self._held[key] = made
            self._left -= size
        return made


def with_answer(half: Half, name: str, answer: Sequence[int], known: int | None = None) -> Any:
    """(1, tokens): what `name` says of the question's tokens (or `known` for all of them), then `answer`."""
    import torch

    before = half.fed.inputs[name]
    before = before if known is None else torch.full_like(before, known)
    return torch.cat([before, torch.tensor([answer], dtype=before.dtype)], dim=1)


def stacked(rows: Sequence[Any], fill: int) -> Any:
    """(sequences, tokens), filled on the right."""
    import torch

    longest = max(row.shape[1] for row in rows)
    return torch.cat([torch.nn.functional.pad(row, (0, longest - row.shape[1]), value=fill) for row in rows])


def gathered(values: Sequence[Any]) -> Any:
    """Media one after the other; spectrograms of different lengths filled with zeros on the right."""
    import torch

    if not hasattr(values[0], "shape"):
        return [item for value in values for item in value]
    if values[0].ndim > 1 and len({value.shape[1:] for value in values}) > 1:
        widest = max(value.shape[-1] for value in values)
        values = [torch.nn.functional.pad(value, (0, widest - value.shape[-1])) for value in values]
    return torch.cat(list(values))


def placed(config: Any, ids: Any, fed: Fed) -> Any:
    """(3, 1, tokens): as the model itself would place this sequence alone."""
    import torch
    from transformers.models.auto.modeling_auto import MODEL_FOR_MULTIMODAL_LM_MAPPING

    kind: Any = MODEL_FOR_MULTIMODAL_LM_MAPPING[type(config)]
    model: Any = kind.__new__(kind)  # its arithmetic is wanted, not its weights
    model.__dict__.update(config=config, spatial_merge_size=config.vision_config.spatial_merge_size)
    heard = fed.inputs.get("feature_attention_mask")
    places, _ = model.get_rope_index(
        ids,
        None,
        fed.inputs.get("video_grid_thw"),
        torch.ones_like(ids),
        fed.interleaved,
        heard.sum(1) if heard is not None else None,
        fed.inputs.get("video_second_per_grid"),
    )
    return places
