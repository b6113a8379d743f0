"""What pairs are made from, gathered before the first is built: values only, so that a worker needs no database."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from thud.records import (
    Clip,
    EventTimes,
    Response,
    Stimulus,
    clip_from_json,
    content_id,
    item_json,
    response_from_json,
    stimulus_from_json,
)


@dataclass(frozen=True, slots=True)
class EventWords:
    """How the event of a clip is named in a sentence: "the ball hits the concrete", "the thud of the ball"."""

    seen: str
    heard: str


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch of a clip that somebody described (FineVideo's layout). sounds: what is heard in it, one phrase each.

    by: who wrote it: "file", a model's name after re-annotation, a person after a correction.
    """

    clip_id: str
    start_s: float
    end_s: float
    description: str
    sounds: tuple[str, ...] = ()
    by: str = "file"

    @property
    def id(self) -> str:
        return content_id(self.clip_id, self.start_s, self.end_s, self.description, list(self.sounds))


@dataclass(frozen=True, slots=True)
class Choice:
    """A multiple choice question about a clip. answer: the right letter. why: what speaks for it, "" if unsaid.

    family: "audio" (answerable only by listening: FV-A) or "general" (LV-MCQA).
    """

    clip_id: str
    question: str
    options: tuple[tuple[str, str], ...]
    answer: str
    why: str = ""
    family: str = "general"

    @property
    def id(self) -> str:
        return content_id(self.clip_id, self.question, [list(one) for one in self.options], self.answer)


@dataclass(frozen=True, slots=True)
class Material:
    """Everything that builders may use, by clip id. No test clip and no held-out clip is taken out here.

    stimuli: verified ones only. wrong: responses whose answer is not what was expected (for SP). picture_only: of each
    choice (by id) that was asked without sound, whether every listener so asked failed it.
    """

    clips: Mapping[str, Clip]
    times: Mapping[str, EventTimes] = field(default_factory=dict)
    stimuli: Mapping[str, tuple[Stimulus, ...]] = field(default_factory=dict)
    words: Mapping[str, EventWords] = field(default_factory=dict)
    wrong: Mapping[str, tuple[Response, ...]] = field(default_factory=dict)
    segments: Mapping[str, tuple[Segment, ...]] = field(default_factory=dict)
    choices: Mapping[str, tuple[Choice, ...]] = field(default_factory=dict)
    picture_only: Mapping[str, bool] = field(default_factory=dict)


def material_json(material: Material) -> dict[str, Any]:
    """The material as JSON can hold it; `material_from_json` reads it back."""
    return {
        "clips": [asdict(clip) for clip in material.clips.values()],
        "times": {key: asdict(times) for key, times in material.times.items()},
        "stimuli": {key: [asdict(one) for one in many] for key, many in material.stimuli.items()},
        "words": {key: asdict(words) for key, words in material.words.items()},
        "wrong": {key: [_response(one) for one in many] for key, many in material.wrong.items()},
        "segments": {key: [asdict(one) for one in many] for key, many in material.segments.items()},
        "choices": {key: [asdict(one) for one in many] for key, many in material.choices.items()},
        "picture_only": dict(material.picture_only),
    }


def material_from_json(row: dict[str, Any]) -> Material:
    """The material that `material_json` took apart."""
    clips = [clip_from_json(one) for one in row["clips"]]
    return Material(
        clips={clip.id: clip for clip in clips},
        times={key: EventTimes(**one) for key, one in row["times"].items()},
        stimuli={key: tuple(stimulus_from_json(one) for one in many) for key, many in row["stimuli"].items()},
        words={key: EventWords(**one) for key, one in row["words"].items()},
        wrong={key: tuple(response_from_json(one) for one in many) for key, many in row["wrong"].items()},
        segments={key: tuple(segment_from_json(one) for one in many) for key, many in row["segments"].items()},
        choices={key: tuple(choice_from_json(one) for one in many) for key, many in row["choices"].items()},
        picture_only=row["picture_only"],
    )


def segment_from_json(row: dict[str, Any]) -> Segment:
    """The segment that `asdict` took apart."""
    return Segment(**{**row, "sounds": tuple(row["sounds"])})


def choice_from_json(row: dict[str, Any]) -> Choice:
    """The choice question that `asdict` took apart."""
    return Choice(**{**row, "options": tuple((letter, text) for letter, text in row["options"])})


def _response(response: Response) -> dict[str, Any]:
    return {**asdict(response), "item": item_json(response.item)}
