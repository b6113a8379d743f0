"""A pair as a row of a file: TRL's conversational layout, and ShareGPT as LLaMA-Factory reads it.

Both carry the column `thud`: what they have no column for, as JSON text, so that reading the file gives the same pair.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from thud.pairs.formats.read import OWN, placeholders
from thud.pairs.formats.shapes import PLACEHOLDER
from thud.pairs.pair import Pair, Shown, pair_json

Row = dict[str, Any]
Media = tuple[Sequence[str], Sequence[str]]
FORMATS = ("trl", "sharegpt")
TITLES = {"trl": "TRL", "sharegpt": "LLaMA-Factory (ShareGPT)"}
_WORDS = ("prompt", "chosen", "rejected")


def trl_row(pair: Pair, media: Media, other: Media | None, contrastive: bool) -> Row:
    """prompt, and chosen and rejected or, without a rejected answer, completion.

    contrastive: whether some pair of the file has other media for its rejected answer; all its rows say then which
    media that answer goes with, so that the columns are the same throughout.
    """
    videos, audios = media
    parts: list[Row] = [{"type": "video"} for _ in videos] + [{"type": "audio"} for _ in audios]
    prompt = [{"role": "user", "content": [*parts, _text(pair.prompt)]}]
    answers = {"chosen": _answer(pair.chosen), "rejected": _answer(pair.rejected)}
    if not pair.rejected:
        answers = {"completion": _answer(pair.chosen)}
    rejected_videos, rejected_audios = other or media
    twin = {"rejected_videos": [*rejected_videos], "rejected_audios": [*rejected_audios]} if contrastive else {}
    return {"prompt": prompt, **answers, "videos": [*videos], "audios": [*audios], **twin, **_facts(pair)}


def sharegpt_row(pair: Pair, media: Media) -> Row:
    """messages, and chosen and rejected or, without a rejected answer, the answer as the last message."""
    messages = [{"role": "user", "content": placeholders(pair.shown) + pair.prompt}]
    chosen = {"role": "assistant", "content": pair.chosen}
    if pair.rejected:
        answers: Row = {"chosen": chosen, "rejected": {"role": "assistant", "content": pair.rejected}}
    else:
        messages, answers = [*messages, chosen], {}
    return {"messages": messages, **answers, "videos": [*media[0]], "audios": [*media[1]], **_facts(pair)}


def unfit(pair: Pair, layout: str) -> str:
    """Why a pair cannot stand in a file of that layout, "" where it can; the same words for the same reason."""
    if not pair.prompt.strip() or not pair.chosen.strip():
        return "Its question or its answer is empty."
    if any(map(_half, (pair.prompt, pair.chosen, pair.rejected))):
        return "It holds half of a letter (a lone surrogate), which no file can hold."
    if layout == "sharegpt" and pair.rejected_shown is not None:
        return "Its answers go with two different sounds, which ShareGPT has no columns for; TRL has."
    if layout == "sharegpt" and any(PLACEHOLDER.search(text) for text in (pair.prompt, pair.chosen, pair.rejected)):
        return "Its words contain a placeholder such as <video>, which LLaMA-Factory would count as a medium."
    return ""


def dataset_info(name: str, files: dict[str, str], stage: str) -> Row:
    """LLaMA-Factory's description of those files (split → file name), by data set name."""
    columns = {"messages": "messages", "videos": "videos", "audios": "audios"}
    if stage == "dpo":
        columns |= {"chosen": "chosen", "rejected": "rejected"}
    tags = {"role_tag": "role", "content_tag": "content", "user_tag": "user", "assistant_tag": "assistant"}
    ranking = {"ranking": True} if stage == "dpo" else {}
    return {
        name if split == "train" else f"{name}_{split}": {
            "file_name": file, "formatting": "sharegpt", **ranking, "columns": columns, "tags": tags,
        }
        for split, file in files.items()
    }  # fmt: skip


def _text(words: str) -> Row:
    return {"type": "text", "text": words}


def _answer(words: str) -> list[Row]:
    return [{"role": "assistant", "content": [_text(words)]}]


def _facts(pair: Pair) -> Row:
    held = {name: value for name, value in pair_json(pair).items() if name not in _WORDS}
    held["shown"] = _hashes(pair.shown)
    held["rejected_shown"] = _hashes(pair.rejected_shown) if pair.rejected_shown else None
    return {"id": pair.id, "type": pair.type, OWN: json.dumps(held, ensure_ascii=True)}


def _hashes(shown: Shown) -> dict[str, str]:
    """Without paths: where files lay on the machine that exported them is nobody's business."""
    return {"video_sha256": shown.video_sha256, "sound_sha256": shown.sound_sha256}


def _half(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return True
    return False
