"""The jobs, by kind. Loaded on first use: a job brings the codecs with it, and the page must open before that."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import import_module

from thud.runs.job import Job

KINDS = (
    "ingest", "build", "demo", "annotate", "annotate_batch", "listen", "canary", "judge", "judge_batch",
    "pairs", "rewrite", "reannotate", "pairs_export", "pairs_import",
    "train", "train_export",
)  # fmt: skip


class _Jobs(Mapping[str, Job]):
    def __getitem__(self, kind: str) -> Job:
        if kind not in KINDS:
            raise KeyError(kind)
        job: Job = import_module(f"thud.runs.jobs.{kind}")
        return job

    def __iter__(self) -> Iterator[str]:
        return iter(KINDS)

    def __len__(self) -> int:
        return len(KINDS)


JOBS: Mapping[str, Job] = _Jobs()
