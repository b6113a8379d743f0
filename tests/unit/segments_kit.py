"""What the tests of described segments share: material in a workspace as an import leaves it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from thud.pairs.material import Segment
from thud.records import content_id
from thud.store import Store

SOUNDS = ("a tone, short and high",)


def described(
    clip_id: str, start_s: float = 0.2, end_s: float = 1.2, words: str = "A bright pattern slides past."
) -> Segment:
    return Segment(clip_id, start_s, end_s, words, SOUNDS)


def put_segments(store: Store, workspace: Path, segments: Sequence[Segment]) -> str:
    """The id of the material that these segments are."""
    rows = [asdict(one) for one in segments]
    name = content_id(rows)
    path = workspace / "pairs" / "material" / f"{name}.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    store.define(
        "pair_material",
        name,
        {"title": "test", "kind": "segments", "rows": len(rows), "refused": {}, "from": ""},
        "ana",
    )
    return name
