"""Batches of rows: what TRL's trainers are given, and what a model is asked with.

The media of a row are decoded here and turned into tensors by the code that asks a model on this machine, so that a
model is trained on what it will be shown. Nothing is drawn at random and nothing of a row is ever cut.
"""

from __future__ import annotations

import atexit
import functools
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from thud.errors import BadRequest, RefusedClip, RunFailed
from thud.media.probe import probe
from thud.media.sound import Sound
from thud.media.write import MODELS_RATE_HZ, write_wav
from thud.providers.local_inputs import WOVEN, Fed, Feeder, cast, joined
from thud.providers.transformers import Seen
from training.tensors import PER_TOKEN, Half, Shelf, gathered, placed, stacked, with_answer

Row = Mapping[str, Any]
IGNORED = -100
"""The label of a token that is not learnt."""

KEPT_BYTES = 512 * 1024 * 1024
"""How much of what was decoded stays in memory, per process: some hundred rows of the demo, a few of a large model."""

_MARK = "ANSWER"


class BadRow(RunFailed):
    """A row cannot be trained on; the sentence begins with its number."""


class BadMedia(BadRow):
    """A file of a row cannot be read; the sentence names both."""


@dataclass(frozen=True, slots=True)
class OmniCollator:
    """Batches for TRL's trainers: `collator(rows)`, rows as `training.data.read_rows` gives them. Can be pickled.

    feeder: the policy's. stage: "sft" gives labels; "dpo" gives twice the rows, all chosen answers before all rejected
    ones, and completion_mask. fps, max_frames, size_px: how pictures are sampled. max_tokens: the longest sequence, 0 =
    as long as the model allows. dtype: of what is seen and heard, as torch names it; the policy's. shelf: what is kept
    in memory, so that a small set is decoded once.
    """

    feeder: Feeder
    stage: str
    fps: float = 2.0
    max_frames: int = 64
    size_px: int = 448
    max_tokens: int = 0
    dtype: str = "float32"
    shelf: Shelf = field(default_factory=lambda: Shelf(KEPT_BYTES), repr=False, compare=False)

    def __call__(self, rows: Sequence[Row]) -> dict[str, Any]:
        """The batch. Raises BadMedia, and BadRow for a row that is too long or that the model cannot take."""

        halves = self._sequences(rows)
        ids = [with_answer(half, "input_ids", half.answer) for half in halves]
        learnt = [with_answer(half, "input_ids", [1] * len(half.answer), known=0) for half in halves]
        answers = stacked(learnt, 0)
        batch = {**self._texts(halves), **self._media(halves), "input_ids": stacked(ids, self.pad)}
        if self.stage == "dpo":
            batch["completion_mask"] = answers
        else:
            batch["labels"] = batch["input_ids"].masked_fill(answers == 0, IGNORED)
        if any(half.fed.interleaved for half in halves):
            batch[WOVEN] = True
            if any(_only_seen(half.fed) for half in halves):
                batch["position_ids"] = self._places(ids, halves)
        return batch

    def prompts(self, rows: Sequence[Row]) -> Iterator[tuple[list[int], dict[str, Any]]]:
        """(places in `rows`, batch for `model.generate`): the questions alone, padded on the left.

        Rows that cannot be asked in one batch come in several. Raises as a call does.
        """
        kinds: dict[Any, list[tuple[int, Fed]]] = {}
        for place, row in enumerate(rows):
            fed = self._fed(row, "")
            kinds.setdefault(fed.kind, []).append((place, fed))
        for same in kinds.values():
            batch = joined([fed for _, fed in same], self.pad)
            yield [place for place, _ in same], {name: self._cast(name, value) for name, value in batch.items()}

    def length(self, row: Row) -> int:
        """How many tokens the longest sequence of the row takes. Raises BadMedia, BadRow."""
        return max(len(half) for half in self._halves(row, self.ending()))

    def ending(self) -> tuple[str, str]:
        """What the chat template writes between a question and its answer, and behind it up to the mark that ends it.

        BadRequest for a template that writes a question otherwise once it is answered.
        """
        processor = self.feeder.processor
        asked = [{"role": "user", "content": [{"type": "text", "text": "?"}]}]
        before = processor.apply_chat_template(asked, tokenize=False, add_generation_prompt=True)
        for content in ([{"type": "text", "text": _MARK}], _MARK):
            whole = processor.apply_chat_template([*asked, {"role": "assistant", "content": content}], tokenize=False)
            if whole.startswith(before) and whole.count(_MARK) == 1:
                lead, _, closing = whole[len(before) :].partition(_MARK)
                return lead, closing.rstrip() or processor.tokenizer.eos_token
        raise BadRequest(
            "The chat template of this model writes a question differently once it is answered, so what is learnt "
            "would not be what is asked. Take the model's instruct version."
        )

    @property
    def pad(self) -> int:
        """The token that fills."""
        return self.feeder.pad

    def _sequences(self, rows: Sequence[Row]) -> list[Half]:
        """All chosen answers, then, for DPO, all rejected ones."""
        ending = self.ending()
        made = [self._halves(row, ending) for row in rows]
        for row, halves in zip(rows, made, strict=True):
            self._check_length(row, max(map(len, halves)))
        return [half for side in zip(*made, strict=True) for half in side]

    def _halves(self, row: Row, ending: tuple[str, str]) -> tuple[Half, ...]:
        chosen = Half(self._fed(row, ""), self._answer(row, "chosen", ending))
        if self.stage != "dpo":
            return (chosen,)
        same = row["rejected_video"] == row["video"] and row["rejected_sound"] == row["sound"]
        fed = chosen.fed if same else self._fed(row, "rejected_")
        return chosen, Half(fed, self._answer(row, "rejected", ending))

    def _fed(self, row: Row, side: str) -> Fed:
        """The question under the media of that side ("" or "rejected_")."""
        text, video = row["prompt"], row[f"{side}video"] if self.feeder.sees else ""
        self._check_words(row, text)
        try:
            sound = self._sound(row, side)
            seen = Seen(text, video, sound, self.fps, self.max_frames, self.size_px)
            fed = self.shelf.fed((text, video, sound), lambda: self.feeder.feed(seen))
        except RefusedClip as error:
            raise BadMedia(f"{_named(row)}: {error} Export the pairs again, or drop it.") from error
        except BadRequest as error:
            raise BadRow(f"{_named(row)} cannot be trained on: {error}") from error
        if fed.problem:
            raise BadRow(f"{_named(row)} cannot be trained on: {fed.problem}")
        return fed

    def _sound(self, row: Row, side: str) -> str:
        """The sound of that side; zeros where it is muted. A model that does not hear is shown the picture alone.

        A clip without a sound takes fewer tokens than one that is silent, which a model would learn instead of
        listening.
        """
        own, video = row[f"{side}sound"], row[f"{side}video"]
        if own or not self.feeder.hears or not video:
            return str(own) if self.feeder.hears else ""
        hushed = row["condition"] == "muted" or row["sound"] or (self.stage == "dpo" and row["rejected_sound"])
        return silence(round(probe(video).duration_s * MODELS_RATE_HZ)) if hushed else ""

    def _answer(self, row: Row, name: str, ending: tuple[str, str]) -> list[int]:
        lead, closing = ending
        words = row[name].strip()
        self._check_words(row, words)
        ids: list[int] = self.feeder.processor.tokenizer(lead + words + closing, add_special_tokens=False).input_ids
        return ids

    def _check_words(self, row: Row, text: str) -> None:
        found = next((mark for mark in self.feeder.processor.tokenizer.all_special_tokens if mark in text), "")
        if found:
            raise BadRow(f"{_named(row)} holds “{found}”, which this model reads as a command. Rewrite or drop it.")

    def _check_length(self, row: Row, length: int) -> None:
        limit = self.limit
        if limit and length > limit:
            raise BadRow(
                f"{_named(row)} takes {length:,} tokens and there is room for {limit:,}: allow more tokens, show fewer "
                "or smaller pictures, or drop it."
            )

    @property
    def limit(self) -> int:
        """The longest sequence that is let through, 0 = any."""
        room = int(getattr(self.feeder.config.get_text_config(), "max_position_embeddings", None) or 0)
        limits = [limit for limit in (room, self.max_tokens) if limit]
        return min(limits, default=0)

    def _texts(self, halves: Sequence[Half]) -> dict[str, Any]:
        """attention_mask, and what else there is one of for each token; 0 for answers, as they show nothing."""
        names = sorted(PER_TOKEN & set(halves[0].fed.inputs) - {"input_ids"})
        fills = {name: int(name == "attention_mask") for name in names}
        return {
            name: stacked([with_answer(half, name, [fill] * len(half.answer)) for half in halves], 0)
            for name, fill in fills.items()
        }

    def _media(self, halves: Sequence[Half]) -> dict[str, Any]:
        """All that is seen and heard, one medium after the other in the order of the sequences."""
        kept: dict[str, list[Any]] = {}
        for inputs in (half.fed.inputs for half in halves):
            for name in (name for name in inputs if name not in PER_TOKEN):
                kept.setdefault(name, []).append(inputs[name])
        return {name: self._cast(name, gathered(values)) for name, values in kept.items()}

    def _cast(self, name: str, value: Any) -> Any:
        import torch

        return cast(name, value, getattr(torch, self.dtype))

    def _places(self, ids: Sequence[Any], halves: Sequence[Half]) -> Any:
        """Places in time of every token, (3, sequences, tokens).

        A model places a batch either as woven or as not; in a mixed batch it would number the pictures of a clip
        without sound like words. So each sequence is placed by itself.
        """
        import torch

        found = [placed(self.feeder.config, known, half.fed) for known, half in zip(ids, halves, strict=True)]
        longest = max(place.shape[-1] for place in found)
        return torch.cat([torch.nn.functional.pad(place, (0, longest - place.shape[-1])) for place in found], dim=1)


@functools.cache
def silence(samples: int) -> str:
    """A WAV of so many zeros at 16 kHz; it is deleted when the process ends."""
    path = _folder() / f"{samples}.wav"
    write_wav(path, Sound(np.zeros((samples, 1), np.float32), MODELS_RATE_HZ))
    return str(path)


@functools.cache
def _folder() -> Path:
    made = Path(tempfile.mkdtemp(prefix="thud-silence-"))
    atexit.register(shutil.rmtree, made, ignore_errors=True)
    return made


def _named(row: Row) -> str:
    files = ", ".join(Path(path).name for path in (row["video"], row["sound"]) if path)
    return f"Row {row['row']} ({files})" if files else f"Row {row['row']}"


def _only_seen(fed: Fed) -> bool:
    return fed.frames > 0 and not fed.interleaved
