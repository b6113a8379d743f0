"""Models under test that run on this machine: what is shown goes in, what they say comes out.

    opened = open_model(LocalModel("models/Qwen2.5-Omni-7B"))
    opened.answer([Seen("Do picture and sound fit?", video="clip.mp4", sound="clip.wav")], max_tokens=64)

A model that hears and sees gets the sound woven into the picture by time where its family does so; one that only sees
comes through the same door. Greedy answers in a batch are those given alone. Neither torch nor transformers is
imported before a model is opened. It does not know what is asked, nor why.
"""

from __future__ import annotations

import gc
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from thud.errors import BadRequest, RefusedClip, RunFailed
from thud.providers.local_files import LocalModel, probe_local, weights_id
from thud.providers.local_inputs import WOVEN, Fed, Feeder, cast, choosing, ends_of, joined
from thud.providers.local_load import core_of, is_out_of_memory, load, quiet, senses
from thud.providers.wire import library

__all__ = ["Heard", "LocalModel", "Opened", "Seen", "close_model", "open_model", "probe_local", "weights_id"]

HeardOutcome = Literal["ok", "truncated", "empty", "no_audio", "rejected", "error"]

NO_ROOM = (
    "One clip alone does not fit in the memory of this machine. Show fewer or smaller pictures, or load the model in "
    "4 bits."
)


@dataclass(frozen=True, slots=True)
class Seen:
    """What one question shows. video: a file, "" = no picture. sound: a WAV at 16 kHz, "" = no sound at all, which a
    model tells from a silent one: give zeros for a muted clip. fps: pictures a second, lowered where `max_frames`
    would be exceeded. size_px: the longest side of a picture.
    """

    text: str
    video: str = ""
    sound: str = ""
    fps: float = 2.0
    max_frames: int = 64
    size_px: int = 448


@dataclass(frozen=True, slots=True)
class Heard:
    """What the model said. seconds: its share of the batch's time. tokens: video, audio, text, and answer.

    fps, frames: what it was shown in truth. problem: what went wrong, a sentence; "" when nothing did.
    """

    text: str
    seconds: float
    tokens: dict[str, int]
    model_echo: str
    problem: str = ""
    outcome: HeardOutcome = "ok"
    fps: float = 0.0
    frames: int = 0


class Opened:
    """A model in memory. hears, sees: what its architecture takes. batch_limit: how many questions fit at once, None
    until memory has run out once. Not for several threads at a time: calls wait for each other.
    """

    def __init__(self, model: LocalModel) -> None:
        self.asked = model
        self._model, self._processor = load(model)
        self.hears, self.sees = senses(self._model, self._processor)
        self.model_echo = self._named()
        self.batch_limit: int | None = None
        self._ends = ends_of(self._core, self._processor.tokenizer)
        # What is set in a generation's own settings as None would be taken from here.
        self._core.generation_config = library("transformers").GenerationConfig()
        self._feeder = Feeder(self._processor, self._core.config, self.hears, self.sees)
        self._busy = threading.Lock()

    def answer(
        self, batch: Sequence[Seen], max_tokens: int = 256, temperature: float = 0.0, seed: int = 0
    ) -> list[Heard]:
        """One Heard for each of `batch`, in its order; a file that cannot be read, or a question with no room, has a
        problem and does not keep the others from being answered.

        temperature 0: the likeliest token each time, whatever the checkpoint's own settings say. Above 0 each
        question is sampled alone from `seed`, so that its answer does not depend on its neighbours.
        Raises BadRequest and RunFailed for what concerns all of them.
        """
        if max_tokens < 1 or temperature < 0:
            raise BadRequest("An answer needs at least one token, and a temperature of 0 or more.")
        heard: dict[int, Heard] = {}
        fed: dict[int, Fed] = {}
        with self._busy, quiet():
            self._check_open()
            for place, seen in enumerate(batch):
                fed[place] = self._fed(seen)
                if fed[place].problem:
                    heard[place] = self._failed(fed[place], seen)
            asking = [place for place in fed if place not in heard]
            for places in self._batches(asking, fed, 1 if temperature else None):
                heard |= self._answered(places, fed, max_tokens, temperature, seed)
        return [heard[place] for place in range(len(batch))]

    def option_scores(self, seen: Seen, options: Sequence[str]) -> list[float]:
        """For each option the natural logarithm of its probability as the beginning of the answer.

        Raises BadRequest, RefusedClip, RunFailed.
        """
        with self._busy, quiet():
            self._check_open()
            fed = self._feeder.feed(seen)
            if fed.problem:
                raise BadRequest(fed.problem)
            try:
                return [self._score(fed, option) for option in options]
            except RuntimeError as error:
                raise RunFailed(NO_ROOM if is_out_of_memory(error) else _failure(error)) from error

    def close(self) -> None:
        """Frees the memory. Closing twice does nothing."""
        with self._busy:
            self._model = self._processor = self._feeder = None  # type: ignore[assignment]
            gc.collect()
            _free()

    @property
    def closed(self) -> bool:
        """Whether its memory was freed."""
        return self._model is None

    @property
    def _core(self) -> Any:
        return core_of(self._model)

    def _named(self) -> str:
        """Family, folder and adapter, as they are loaded."""
        names = [type(self._core).__name__, Path(self.asked.path).resolve().name]
        names += [f"+ {Path(self.asked.adapter).resolve().name}"] if self.asked.adapter else []
        return " ".join([*names, "(4 bits)"] if self.asked.four_bit else names)

    def _check_open(self) -> None:
        if self.closed:
            raise RunFailed(f"{self.asked.path} was closed; open it again.")

    def _fed(self, seen: Seen) -> Fed:
        try:
            return self._feeder.feed(seen)
        except (RefusedClip, BadRequest) as error:
            return Fed({}, {}, problem=str(error))

    def _failed(self, fed: Fed, seen: Seen) -> Heard:
        deaf = bool(seen.sound) and not self.hears
        outcome: HeardOutcome = "no_audio" if deaf else "rejected"
        return Heard("", 0.0, fed.tokens, self.model_echo, fed.problem, outcome, fed.fps, fed.frames)

    def _batches(self, places: list[int], fed: dict[int, Fed], most: int | None) -> Iterator[list[int]]:
        """Places of the same kind together, at most `most` of them."""
        kinds: dict[Any, list[int]] = {}
        for place in places:
            kinds.setdefault(fed[place].kind, []).append(place)
        for same in kinds.values():
            size = most or len(same)
            yield from (same[start : start + size] for start in range(0, len(same), size))

    def _answered(
        self, places: list[int], fed: dict[int, Fed], max_tokens: int, temperature: float, seed: int
    ) -> dict[int, Heard]:
        """The answers; where memory runs out, in halves, down to one at a time."""
        limit = self.batch_limit or len(places)
        if len(places) > limit:
            parts = [places[start : start + limit] for start in range(0, len(places), limit)]
            return _merged(self._answered(part, fed, max_tokens, temperature, seed) for part in parts)
        began = time.monotonic()
        try:
            ids = self._generate([fed[place] for place in places], max_tokens, temperature, seed)
        except RuntimeError as error:
            if not is_out_of_memory(error):
                raise RunFailed(_failure(error)) from error
            ids = None
        if ids is None:  # out of the handler, whose traceback holds the tensors
            _free()
            if len(places) == 1:
                return {places[0]: self._unanswered(fed[places[0]])}
            self.batch_limit = len(places) // 2
            return self._answered(places, fed, max_tokens, temperature, seed)
        seconds = (time.monotonic() - began) / len(places)
        return {place: self._said(fed[place], row, seconds, max_tokens) for place, row in zip(places, ids, strict=True)}

    def _unanswered(self, fed: Fed) -> Heard:
        return Heard("", 0.0, fed.tokens, self.model_echo, NO_ROOM, "error", fed.fps, fed.frames)

    def _generate(self, fed: list[Fed], max_tokens: int, temperature: float, seed: int) -> list[list[int]]:
        """The tokens of each answer, as generated."""
        torch, inputs = library("torch"), self._inputs(fed)
        with torch.inference_mode(), torch.random.fork_rng():
            torch.manual_seed(seed)
            out = self._model.generate(**inputs, generation_config=self._settings(max_tokens, temperature))
        rows: list[list[int]] = out[:, inputs["input_ids"].shape[1] :].tolist()
        return rows

    def _inputs(self, fed: list[Fed]) -> dict[str, Any]:
        batch = joined(fed, self._feeder.pad)
        tensors = {name: value for name, value in batch.items() if hasattr(value, "to")}
        core = self._core
        placed = {name: cast(name, value, core.dtype).to(core.device) for name, value in tensors.items()}
        return placed | {name: batch[name] for name in (WOVEN,) if name in batch}

    def _settings(self, max_tokens: int, temperature: float) -> Any:
        return choosing(self._ends, self._feeder.pad, max_tokens, temperature)

    def _said(self, fed: Fed, row: list[int], seconds: float, max_tokens: int) -> Heard:
        ends = set(self._ends)
        length = next((place for place, token in enumerate(row) if token in ends), len(row))
        text = self._processor.tokenizer.decode(row[:length], skip_special_tokens=True).strip()
        outcome: HeardOutcome = "ok" if text else "empty"
        problem = "" if text else "The model said nothing."
        if length == max_tokens:
            outcome, problem = "truncated", f"The answer was cut at {max_tokens} tokens."
        tokens = fed.tokens | {"answer": length}
        return Heard(text, seconds, tokens, self.model_echo, problem, outcome, fed.fps, fed.frames)

    def _score(self, fed: Fed, option: str) -> float:
        torch, inputs = library("torch"), self._inputs([fed])
        ids = self._processor.tokenizer(option, add_special_tokens=False, return_tensors="pt").input_ids
        start, ids = inputs["input_ids"].shape[1], ids.to(self._core.device)
        for name in ("input_ids", "attention_mask", "mm_token_type_ids"):
            if name in inputs:
                more = {"input_ids": ids, "attention_mask": torch.ones_like(ids)}.get(name, torch.zeros_like(ids))
                inputs[name] = torch.cat([inputs[name], more], dim=1)
        with torch.inference_mode():
            logits = self._model(**inputs).logits[0, start - 1 : -1].float()
        return float(logits.log_softmax(-1).gather(1, ids[0][:, None]).sum())


_open: dict[LocalModel, Opened] = {}
_opening = threading.Lock()


def open_model(model: LocalModel) -> Opened:
    """The model in memory, loaded once per process; opening another one closes it, as few machines hold two.

    Raises BadRequest, MissingPart, RunFailed.
    """
    with _opening:
        if model not in _open or _open[model].closed:
            _close_all()
            _open[model] = Opened(model)
        return _open[model]


def close_model() -> None:
    """Frees the memory of the model that is open, if one is."""
    with _opening:
        _close_all()


def _close_all() -> None:
    while _open:
        _open.popitem()[1].close()


def _free() -> None:
    torch = library("torch")
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def _merged(parts: Iterator[dict[int, Heard]]) -> dict[int, Heard]:
    return {place: heard for part in parts for place, heard in part.items()}


def _failure(error: RuntimeError) -> str:
    return f"The model broke off: {(str(error).splitlines() or ['no reason given'])[0]}"
