"""What a local model is fed: one question at a time through its own processor, then several joined into a batch; and
how it chooses the tokens of its answer.

Each question goes through the processor alone, because a processor takes one rate of pictures per call; the rate, the
size and the clock of the model are passed on every call and checked in what comes back, since a processor that
ignores one of them says nothing and shifts the picture against the sound.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from thud.errors import BadRequest, RunFailed
from thud.media.write import MODELS_RATE_HZ
from thud.providers.local_load import quiet, raised
from thud.providers.local_media import Pictures, pictures, sound_samples
from thud.providers.wire import library

if TYPE_CHECKING:
    from thud.providers.transformers import Seen

GRID_TIMES = ("video_second_per_grid", "second_per_grid_ts")
"""The names under which families of models are told how many seconds one step of the picture lasts."""

CAST = ("pixel_values_videos", "input_features")
"""What a model takes in the number format of its weights."""

WOVEN = "use_audio_in_video"
"""What tells a model that sound and picture are woven by time; the processor's name for it is another one."""

LONGEST_SIDES = 200
"""More than this many times as wide as high (or as high as wide), processors refuse a picture."""


@dataclass(frozen=True, slots=True)
class Fed:
    """One question as tensors. tokens: how many of each modality. fps: the true rate of its pictures, 0 without any.

    interleaved: the sound is woven into the picture by time. problem: why it cannot be asked, "" when it can.
    """

    inputs: dict[str, Any]
    tokens: dict[str, int]
    fps: float = 0.0
    frames: int = 0
    interleaved: bool = False
    problem: str = ""

    @property
    def kind(self) -> tuple[bool, tuple[str, ...]]:
        """Questions of the same kind can be answered in one batch."""
        return self.interleaved, tuple(sorted(self.inputs))


@dataclass(frozen=True, slots=True)
class Feeder:
    """A model's processor, with what the model's own configuration says about time."""

    processor: Any
    config: Any
    hears: bool
    sees: bool

    @property
    def weaves(self) -> bool:
        """Whether sound and picture of one clip are interleaved by time."""
        return self.hears and hasattr(self.processor, "load_audio_from_video")

    @property
    def pad(self) -> int:
        """The token that fills."""
        tokens = self.processor.tokenizer
        return int(tokens.pad_token_id if tokens.pad_token_id is not None else tokens.eos_token_id)

    def feed(self, seen: Seen) -> Fed:
        """The question as tensors, or a Fed with a problem. Raises RefusedClip for a file that cannot be read."""
        problem = self._cannot(seen)
        if problem:
            return Fed({}, {}, problem=problem)
        shown = self._pictures(seen) if seen.video else None
        heard = sound_samples(seen.sound) if seen.sound else None
        woven = self.weaves and shown is not None and heard is not None
        try:
            inputs = dict(self._processed(seen.text, shown, heard, woven))
        except raised() as error:
            raise BadRequest(f"The model's processor refuses this question: {error}") from error
        self._check_times(inputs, shown)
        fps, frames = (shown.fps, len(shown.rgb) - shown.held) if shown else (0.0, 0)
        problem = self._too_long(inputs, heard)
        return Fed(inputs, self._tokens(inputs), fps, frames, woven, problem)

    def _cannot(self, seen: Seen) -> str:
        if seen.sound and not self.hears:
            return "This model does not hear; ask it with the picture only."
        if seen.video and not self.sees:
            return "This model does not see video; ask it with the sound only."
        return ""

    def _pictures(self, seen: Seen) -> Pictures:
        eyes = self.processor.video_processor
        shown = pictures(seen.video, seen.fps, seen.max_frames, seen.size_px, _edge(eyes), _group(eyes))
        height, width = shown.rgb.shape[1:3]
        if max(height, width) > LONGEST_SIDES * min(height, width):
            raise BadRequest(f"The picture of {seen.video} is too narrow for a model: {width} x {height}.")
        return shown

    def _processed(
        self, text: str, shown: Pictures | None, heard: NDArray[np.float32] | None, woven: bool
    ) -> dict[str, Any]:
        parts: list[dict[str, str]] = [{"type": "video"}] if shown else []
        parts += [{"type": "audio"}] if heard is not None and not woven else []
        messages = [{"role": "user", "content": [*parts, {"type": "text", "text": text}]}]
        asked: dict[str, Any] = {"return_tensors": "pt"}
        asked["text"] = [self.processor.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)]
        if shown:
            asked |= {"videos": [shown.rgb], "videos_kwargs": self._video_settings(shown)}
        if heard is not None:
            asked["audio"] = [heard]
        if woven:
            asked |= {"load_audio_from_video": True, "audio_from_video_indices": [0], **self._clock()}
        with quiet():
            fed: dict[str, Any] = self.processor(**asked)
        return fed

    def _video_settings(self, shown: Pictures) -> dict[str, Any]:
        """Everything about the pictures that a processor would otherwise guess or take from its class."""
        metadata = library("transformers.video_utils").VideoMetadata
        count, height, width = shown.rgb.shape[:3]
        told = metadata(count, shown.fps, width, height, count / shown.fps, None, list(range(count)))
        settings: dict[str, Any] = {"do_sample_frames": False, "fps": shown.fps, "video_metadata": [told]}
        if _edge(self.processor.video_processor) > 2:
            # Of one picture for some families, of all together for others; between the two neither resizes.
            settings["size"] = {"shortest_edge": height * width, "longest_edge": count * height * width}
        if "cap_pixels_per_frame" in self.processor.video_processor.valid_kwargs.__annotations__:
            settings["cap_pixels_per_frame"] = False
        return settings

    def _clock(self) -> dict[str, float]:
        """The model's own clock: the processor has one of its class, and weaving by another puts sound too late."""
        names = ("position_id_per_seconds", "seconds_per_chunk")
        return {name: float(getattr(self.config, name)) for name in names if hasattr(self.config, name)}

    def _check_times(self, inputs: dict[str, Any], shown: Pictures | None) -> None:
        """RunFailed when the processor did not keep the rate or the size of the pictures."""
        if shown is None:
            return
        eyes = self.processor.video_processor
        for name in GRID_TIMES:
            if name in inputs and not math.isclose(float(inputs[name][0]), _group(eyes) / shown.fps, rel_tol=1e-5):
                raise RunFailed(
                    f"The processor gives each step {float(inputs[name][0]):.4f} s of picture where "
                    f"{_group(eyes) / shown.fps:.4f} s were sampled; this version of transformers cannot be used."
                )
        if "video_grid_thw" in inputs and hasattr(eyes, "patch_size"):
            count, height, width = shown.rgb.shape[:3]
            wanted = [count // _group(eyes), height // eyes.patch_size, width // eyes.patch_size]
            if inputs["video_grid_thw"][0].tolist() != wanted:
                raise RunFailed(f"The processor changed the size of the pictures: {wanted} patches were asked for.")

    def _too_long(self, inputs: dict[str, Any], heard: NDArray[np.float32] | None) -> str:
        room = getattr(self.config.get_text_config(), "max_position_embeddings", None)
        length = inputs["input_ids"].shape[1]
        if room and length >= room:
            return (
                f"The clip takes {length} tokens and the model has room for {room}: ask for fewer or smaller pictures."
            )
        mask = inputs.get("feature_attention_mask")
        if heard is not None and mask is not None:
            ears = self.processor.feature_extractor
            taken = int(mask[0].sum()) * ears.hop_length
            if taken < len(heard) - ears.hop_length:
                return f"The model hears the first {taken / MODELS_RATE_HZ:.0f} s of a sound only; use a shorter clip."
        return ""

    def _tokens(self, inputs: dict[str, Any]) -> dict[str, int]:
        ids = inputs["input_ids"][0]
        counts = {"video": _count(ids, self.processor, "video"), "audio": _count(ids, self.processor, "audio")}
        return counts | {"text": len(ids) - sum(counts.values())}


def joined(fed: Sequence[Fed], pad: int) -> dict[str, Any]:
    """One batch of questions of the same kind: texts padded on the left, media one after the other."""
    batch = dict(fed[0].inputs) if len(fed) == 1 else _side_by_side(fed, pad)
    return {**batch, WOVEN: True} if fed[0].interleaved else batch


def cast(name: str, value: Any, dtype: Any) -> Any:
    """That part of a batch, in the torch.dtype of the model's weights where it is taken so."""
    return value.to(dtype) if name in CAST else value


def ends_of(core: Any, tokens: Any) -> list[int]:
    """Tokens that end an answer: the checkpoint's, and the tokenizer's, which a fine-tuned folder may have only."""
    told = getattr(core.generation_config, "eos_token_id", None)
    ends = {*([told] if isinstance(told, int) else told or []), tokens.eos_token_id}
    return sorted(end for end in ends if end is not None)


def choosing(ends: list[int], pad: int, max_tokens: int, temperature: float = 0.0) -> Any:
    """A GenerationConfig: how the tokens of an answer are chosen; temperature 0: the likeliest each time.

    What it leaves as None, `generate` takes from the model's own generation_config: that has to be an empty one, so
    that nothing comes from the checkpoint's settings.
    """
    chosen: dict[str, Any] = {"do_sample": False}
    if temperature:
        chosen = {"do_sample": True, "temperature": temperature, "top_k": 0, "top_p": 1.0}
    return library("transformers").GenerationConfig(
        max_new_tokens=max_tokens,
        num_beams=1,
        repetition_penalty=1.0,
        no_repeat_ngram_size=0,
        pad_token_id=pad,
        eos_token_id=ends,
        **chosen,
    )


def _side_by_side(fed: Sequence[Fed], pad: int) -> dict[str, Any]:
    torch = library("torch")
    longest = max(one.inputs["input_ids"].shape[1] for one in fed)
    batch: dict[str, Any] = {}
    for name in fed[0].inputs:
        values = [one.inputs[name] for one in fed]
        if not hasattr(values[0], "shape"):
            batch[name] = [item for value in values for item in value]
            continue
        if all(one.inputs[name].shape == one.inputs["input_ids"].shape for one in fed):
            fill = pad if name == "input_ids" else 0
            values = [_widened(value, longest, fill, left=True) for value in values]
        elif values[0].ndim > 1 and len({value.shape[1:] for value in values}) > 1:
            widest = max(value.shape[-1] for value in values)
            values = [_widened(value, widest, 0, left=False) for value in values]
        batch[name] = torch.cat(values)
    return batch


def _widened(value: Any, width: int, fill: int, *, left: bool) -> Any:
    missing = width - value.shape[-1]
    return library("torch").nn.functional.pad(value, (missing, 0) if left else (0, missing), value=fill)


def _edge(eyes: Any) -> int:
    """The sides of a picture must be multiples of this; 2 where the family sizes pictures by its own rule."""
    patch, merge = getattr(eyes, "patch_size", None), getattr(eyes, "merge_size", None)
    return patch * merge if isinstance(patch, int) and isinstance(merge, int) else 2


def _group(eyes: Any) -> int:
    """How many pictures make one step in time."""
    return int(getattr(eyes, "temporal_patch_size", None) or 1)


def _count(ids: Any, processor: Any, kind: str) -> int:
    token = getattr(processor, f"{kind}_token_id", None)
    return 0 if token is None else int((ids == token).sum())
