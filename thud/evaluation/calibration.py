"""How far a judge can be trusted: its word and the rules' against people's, on the same responses. Pure values."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from thud.records import content_id
from thud.statistics import ClassScore, Estimate, Kappa, cohen_kappa, confusion_counts, precision_recall, wilson

ENOUGH = 200
"""So many responses that people have read, spread over listeners and over what the rules say, carry a judgement."""

BIN_EDGES = (0.0, 0.5, 0.7, 0.8, 0.9, 0.95, 1.0)


@dataclass(frozen=True, slots=True)
class Case:
    """One response that a person has read. judge: the judge's label, None where it gave none that counts.

    problem: why not, "" where it was not asked.
    """

    response_id: str
    listener: str
    task: str
    person: str
    rules: str
    judge: str | None = None
    confidence: float | None = None
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Reader:
    """A reader against people. agreed: how many responses both read alike, with its interval."""

    kappa: Kappa
    agreed: Estimate
    classes: Mapping[str, ClassScore]


@dataclass(frozen=True, slots=True)
class Bin:
    """Readings whose confidence lies from `low` up to `high`. said: its mean; right: the share people agree with."""

    low: float
    high: float
    said: float
    right: Estimate


@dataclass(frozen=True, slots=True)
class Calibration:
    """labelled: responses that people have read; judged: those with a judge's word that counts; rejected: those where
    it does not. judge and rules: on the judged ones (rules alone on all labelled while there are none).

    confusion: (person, judge) -> how often. commonest: people's most frequent label with its share.
    """

    labelled: int
    judged: int
    rejected: int
    rules: Reader
    judge: Reader | None
    confusion: Mapping[tuple[str, str], int]
    bins: tuple[Bin, ...]
    disagreements: tuple[Case, ...]
    commonest: tuple[str, float] | None

    @property
    def enough(self) -> bool:
        return self.judged >= ENOUGH


def calibrate(cases: Sequence[Case]) -> Calibration:
    """The calibration over `cases`, each of another response."""
    judged = [case for case in cases if case.judge is not None]
    same = judged or list(cases)
    people, words = [case.person for case in same], [case.judge or "" for case in judged]
    counted = Counter(people).most_common(1)
    return Calibration(
        labelled=len(cases),
        judged=len(judged),
        rejected=sum(bool(case.problem) for case in cases),
        rules=_reader(people, [case.rules for case in same]),
        judge=_reader(people, words) if judged else None,
        confusion=confusion_counts(people, words) if judged else {},
        bins=_bins(judged),
        disagreements=tuple(
            sorted((case for case in judged if case.judge != case.person), key=lambda case: -(case.confidence or 0.0))
        ),
        commonest=(counted[0][0], counted[0][1] / len(people)) if counted else None,
    )


def _reader(people: Sequence[str], said: Sequence[str]) -> Reader:
    agreed = sum(a == b for a, b in zip(people, said, strict=True))
    return Reader(cohen_kappa(people, said), wilson(agreed, len(people)), precision_recall(people, said))


def _bins(judged: Sequence[Case]) -> tuple[Bin, ...]:
    found = []
    for low, high in zip(BIN_EDGES, BIN_EDGES[1:], strict=False):
        last = high == BIN_EDGES[-1]
        inside = [case for case in judged if case.confidence is not None and low <= case.confidence <= high]
        inside = [case for case in inside if last or case.confidence != high]
        if inside:
            said = sum(case.confidence or 0.0 for case in inside) / len(inside)
            right = sum(case.judge == case.person for case in inside)
            found.append(Bin(low, high, said, wilson(right, len(inside))))
    return tuple(found)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A response that might be put to a person. stratum: listener and what the rules say."""

    response_id: str
    stratum: tuple[str, ...]


def sample(candidates: Sequence[Candidate], n: int, seed: int = 0) -> list[str]:
    """Ids of `n` candidates or fewer: one of each stratum in turn, so that rare ones are not missed.

    The same candidates, seed and n give the same ids in the same order; more of them begin with fewer of them.
    """
    strata: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for one in sorted(candidates, key=lambda each: content_id(seed, each.response_id)):
        strata[one.stratum].append(one.response_id)
    turns = [
        (turn, content_id(seed, turn, list(stratum)), response_id)
        for stratum, ids in strata.items() for turn, response_id in enumerate(ids)
    ]  # fmt: skip
    return [response_id for _, _, response_id in sorted(turns)[:n]]
