"""Writes pairs as a folder that trains elsewhere: rows, media, a manifest with the hash of every file, a data card."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from string import Template
from typing import Any, TextIO

from thud.disk import file_sha256
from thud.errors import BadRequest
from thud.evaluation.handover.folder import plain_name, whole_folder
from thud.pairs.formats.layouts import FORMATS, TITLES, dataset_info, sharegpt_row, trl_row, unfit
from thud.pairs.formats.media import MediaFolder, Unusable
from thud.pairs.lint.repeats import identities
from thud.pairs.pair import Pair

LAYOUT = 1
"""Of the manifest; raised when its fields change their meaning."""

CARD = Path(__file__).parent / "card.md"
HOW = {
    "trl": "datasets.load_dataset(FOLDER)",
    "sharegpt": "dataset_dir: FOLDER, dataset: {name}",
}
NO_REJECTED = "It has no rejected answer, while the others have one."
Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Written:
    """What an export came to. splits: pairs per file. left_out: pairs per reason."""

    folder: Path
    format: str
    stage: str
    pairs: int
    splits: Mapping[str, int]
    left_out: Mapping[str, int] = field(default_factory=dict)


def write_trl(pairs: Iterable[Pair], folder: Path, root: Path, about: Mapping[str, Any] | None = None) -> Written:
    """A new folder for TRL; see `write_export`."""
    return write_export(pairs, folder, "trl", root, about)


def write_export(
    pairs: Iterable[Pair], folder: Path, layout: str, root: Path, about: Mapping[str, Any] | None = None
) -> Written:
    """The folder, whole or not at all. pairs: gone through twice, one in memory at a time.

    root: what the pairs' relative media paths start from. about: what the manifest says beside counts and hashes
    (title, set, recipe, lint, fixes …). Pairs that cannot stand in it are left out and counted by reason; so is the
    second of two with one id. Raises BadRequest where splits share a source or nothing is left, StoreFull.
    """
    if layout not in FORMATS:
        raise BadRequest(f"There is no format “{layout[:40]}”: {' or '.join(FORMATS)}.")
    overview = _overview(pairs)
    hashes: dict[str, str] = {}
    with whole_folder(folder, hashes) as part, ExitStack() as files:
        writer = _Writer(part, layout, root, overview, files)
        for pair in pairs:
            writer.add(pair)
        files.close()
        if not writer.splits:
            raise BadRequest(_nothing(writer.left_out))
        written = writer.written(folder)
        hashes |= _describe(part, written, writer.types, about or {})
    return written


@dataclass(frozen=True, slots=True)
class _Overview:
    """What is known of all pairs before the first row. stage: sft where no pair has a rejected answer."""

    stage: str
    contrastive: bool


def _overview(pairs: Iterable[Pair]) -> _Overview:
    owner: dict[tuple[str, str], tuple[str, str]] = {}
    rejected = contrastive = False
    for pair in pairs:
        rejected = rejected or bool(pair.rejected)
        contrastive = contrastive or pair.rejected_shown is not None
        split = pair.split or "train"
        for key in identities(pair):
            first, what = owner.setdefault(key, (split, pair.source or pair.clip_id or pair.shown.video))
            if first != split:
                raise BadRequest(
                    f"The splits leak: {Path(what).name} is in {first} and in {split}. Drop one side, or build anew."
                )
    return _Overview("dpo" if rejected else "sft", contrastive)


class _Writer:
    """Rows into one file per split. counts what it writes and why it leaves out."""

    def __init__(self, part: Path, layout: str, root: Path, overview: _Overview, files: ExitStack) -> None:
        self.part, self.layout, self.overview, self.stack = part, layout, overview, files
        self.media = MediaFolder(part, root)
        self.files: dict[str, TextIO] = {}
        self.splits: Counter[str] = Counter()
        self.types: Counter[str] = Counter()
        self.left_out: Counter[str] = Counter()
        self._ids: set[str] = set()

    def add(self, pair: Pair) -> None:
        why = unfit(pair, self.layout) or ("" if pair.rejected or self.overview.stage == "sft" else NO_REJECTED)
        why = why or ("It is in the set twice." if pair.id in self._ids else "")
        if why:
            self.left_out[why] += 1
            return
        try:
            row = self._row(pair)
        except Unusable as error:
            self.left_out[str(error)] += 1
            return
        split = pair.split or "train"
        self._file(split).write(json.dumps(row, ensure_ascii=False) + "\n")
        self._ids.add(pair.id)
        self.splits[split] += 1
        self.types[pair.type] += 1

    def _row(self, pair: Pair) -> Json:
        media = self.media.place(pair.shown)
        if self.layout == "sharegpt":
            return sharegpt_row(pair, media)
        other = self.media.place(pair.rejected_shown) if pair.rejected_shown else None
        return trl_row(pair, media, other, self.overview.contrastive)

    def _file(self, split: str) -> TextIO:
        if split not in self.files:
            file = (self.part / f"{split}.jsonl").open("w", encoding="utf-8", newline="\n")
            self.files[split] = self.stack.enter_context(file)
        return self.files[split]

    def written(self, folder: Path) -> Written:
        total = sum(self.splits.values())
        return Written(
            folder.expanduser().absolute(), self.layout, self.overview.stage, total, dict(self.splits),
            dict(self.left_out.most_common()),
        )  # fmt: skip


def _nothing(left_out: Mapping[str, int]) -> str:
    if not left_out:
        return "There is no pair to export: all are dropped or kept back by the linter."
    reason, count = next(iter(Counter(left_out).most_common()))
    return f"No pair is left to export: {sum(left_out.values())} cannot be, {count} of them because: {reason}"


def _describe(part: Path, written: Written, types: Mapping[str, int], about: Mapping[str, Any]) -> Json:
    """Writes dataset_info.json, the card, and last the manifest with the hashes of all; those are what comes back."""
    name = plain_name(str(about.get("name") or about.get("title") or "pairs"))
    files = {split: f"{split}.jsonl" for split in written.splits}
    if written.format == "sharegpt":
        _json(part / "dataset_info.json", dataset_info(name, files, written.stage))
    (part / "README.md").write_text(_card(written, types, about, name), encoding="utf-8")
    hashes = {
        path.relative_to(part).as_posix(): file_sha256(path) for path in sorted(part.rglob("*")) if path.is_file()
    }
    counts = {"pairs": written.pairs, "splits": dict(written.splits), "types": dict(types)}
    left_out = [{"reason": reason, "count": count} for reason, count in written.left_out.items()]
    head = {"made_by": "thud", "layout": LAYOUT, "format": written.format, "stage": written.stage}
    _json(part / "manifest.json", {**head, **counts, "left_out": left_out, **about, "files": hashes})
    return hashes


def _json(path: Path, value: Any) -> None:
    path.write_text(json.dumps(value, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def _card(written: Written, types: Mapping[str, int], about: Mapping[str, Any], name: str) -> str:
    lint = [f"- {one['title']}: {one['count']}" for one in about.get("waived", ())]
    words = {
        "files": "\n".join(f"  - split: {split}\n    path: {split}.jsonl" for split in written.splits),
        "title": str(about.get("title") or name),
        "format": TITLES[written.format],
        "stage": "chosen and rejected answers (DPO)" if written.stage == "dpo" else "answers (SFT)",
        "pairs": f"{written.pairs:,}",
        "splits": "\n".join(f"| `{split}.jsonl` | {count:,} |" for split, count in written.splits.items()),
        "types": "\n".join(f"| {kind} | {count:,} |" for kind, count in sorted(types.items())),
        "how": HOW[written.format].format(name=name),
        "lint": "\n".join(lint) or "Nothing was found in these pairs.",
    }
    return Template(CARD.read_text(encoding="utf-8")).substitute(words)
