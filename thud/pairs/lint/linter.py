"""The linter: one row at a time, in bounded memory; then a report."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from thud.pairs.lint import rows
from thud.pairs.lint.catalogue import CATALOGUE, CHECKS
from thud.pairs.lint.guess import WARN, Guesser
from thud.pairs.lint.letters import LEAST_ROWS, Letters
from thud.pairs.lint.repeats import Leaks, Repeats
from thud.pairs.lint.report import Finding, Report
from thud.pairs.lint.spread import Balance, Gaps, Lengths, Whole
from thud.pairs.lint.tally import Tally
from thud.pairs.lint.told import Told
from thud.pairs.pair import Pair, Shown

Media = Callable[[Shown], str]
TOO_FEW = "too few rows to judge by."


class Linter:
    """Reads pairs one by one and keeps none of them. media: what is wrong with what is shown, "" if nothing."""

    def __init__(self, media: Media | None = None) -> None:
        self._media = media
        self._rows = 0
        self._tallies = {check.name: Tally() for check in CATALOGUE}
        self._gaps, self._whole, self._lengths = Gaps(), Whole(), Lengths()
        self._balance, self._letters, self._guesser = Balance(), Letters(), Guesser()
        self._repeats, self._leaks = Repeats(), Leaks()

    def add(self, n: int, pair: Pair) -> tuple[str, ...]:
        """Names of the checks of single rows that this pair breaks. n: its number, for the report."""
        return self.add_told(n, pair, rows.claims(pair))

    def add_told(self, n: int, pair: Pair, said: Told | None) -> tuple[str, ...]:
        """As `add`, where what the chosen answer says has been read elsewhere (`rows.claims`)."""
        self._rows += 1
        for part in (self._lengths, self._balance, self._letters, self._guesser):
            part.add(pair)
        self._whole.add(pair, said)
        broken: dict[str, list[str]] = {}
        for check, kind in self._found(pair, said):
            broken.setdefault(check, []).append(kind)
        for check, kinds in broken.items():
            self._tallies[check].hit(n, *(kind for kind in kinds if kind))
        return tuple(broken)

    def _found(self, pair: Pair, said: Told | None) -> Iterator[tuple[str, str]]:
        """(check, kind) of whatever is wrong with this row; the kind is "" where there is only one."""
        yield from self._against(pair, said)
        yield from self._timed(pair, said)
        if self._judged("same", bool(pair.rejected)) and rows.same(pair):
            yield "same", ""
        if self._judged("same_text", bool(pair.rejected) and pair.task == "choice") and rows.same_rationale(pair):
            yield "same_text", ""
        for kind in rows.junk(pair):
            yield "junk", kind
        if self._repeats.again(pair):
            yield "near_duplicate", ""
        if self._judged("split_leak", bool(pair.split)):
            for kind in self._leaks.of(pair):
                yield "split_leak", kind
        for shown in (pair.shown, pair.rejected_shown) if self._media is not None else ():
            if shown is not None and self._media is not None and (problem := self._media(shown)):
                yield "media", problem

    def _against(self, pair: Pair, said: Told | None) -> Iterator[tuple[str, str]]:
        self._judged("label_text", rows.understood(pair, said))
        if kind := rows.against_label(pair, said):
            yield "label_text", kind

    def _timed(self, pair: Pair, said: Told | None) -> Iterator[tuple[str, str]]:
        times = said is not None and said.later_s is not None
        right = rows.expected(pair)
        if (
            self._judged("direction_times", times and right in ("early", "delayed"))
            and said
            and rows.turned(pair, said)
        ):
            yield "direction_times", f"recorded as {right}, times say {'delayed' if right == 'early' else 'early'}"
        off_s = rows.gap_off_s(pair, said)
        if off_s is not None and self._judged("gap", True):
            self._gaps.add(off_s)
            if off_s > rows.gap_allowed_s(pair) + rows.EPSILON_S:
                yield "gap", ""
        kind = rows.times_off(pair, said)
        if self._judged("text_times", times) and kind:
            yield "text_times", kind
        if self._judged("outside", times or pair.audio_s is not None) and rows.outside(pair, said):
            yield "outside", ""
        cut = rows.cut_off(pair, said)
        if self._judged("edge", cut is not None) and cut:
            yield "edge", ""

    def _judged(self, check: str, could: bool) -> bool:
        """`could`, counted: the check could be made on this row."""
        self._tallies[check].of += could
        return could

    def report(self) -> Report:
        """Everything found so far, all checks of the catalogue."""
        return Report(self._rows, tuple(self._finding(check.name) for check in CATALOGUE))

    def _finding(self, name: str) -> Finding:
        check, tally = CHECKS[name], self._tallies[name]
        of = tally.of
        if not check.of_rows:
            count, of, words = self._whole_set(name)
            fix = check.fix if count else ""
            return Finding(name, check.title, check.severity, count, of, words, (), False, fix)
        if name in ("junk", "near_duplicate") or (name == "media" and self._media is not None):
            of = self._rows
        words = self._gaps.words(tally.count) if name == "gap" else tally.told()
        return Finding(
            name, check.title, check.severity, tally.count, of, words, tuple(tally.rows),
            tally.count > len(tally.rows), check.fix if tally.count else "",
        )  # fmt: skip

    def _whole_set(self, name: str) -> tuple[int, int, str]:
        """(rows concerned, rows judged, what was found) of a check on the whole set; too few rows are not judged."""
        if name == "text_only":
            return self._guessed()
        letters = self._letters
        found, of = {
            "letter_prior": (letters.prior, letters.rows),
            "option_length": (letters.length, letters.rows),
            "length": (self._lengths.found, self._lengths.rows),
            "balance": (self._balance.found, self._balance.labels.total()),
            "whole_seconds": (self._whole.found, self._whole.rows),
        }[name]
        count, words = found()
        if of >= LEAST_ROWS:
            return count, of, words
        return 0, 0, f"{words.rstrip('.')}; {TOO_FEW}" if of and words else words

    def _guessed(self) -> tuple[int, int, str]:
        share, rows_guessed, each = self._guesser.guess()
        if share is None:
            return 0, 0, "Too few pairs to guess by."
        listed = ", ".join(f"{name} {100 * one:.0f} %" for name, one in each.items())
        words = (
            f"A guesser that sees the words alone tells chosen from rejected in {100 * share:.1f} % of"
            f" {rows_guessed:,} pairs (50 % is chance; {listed})."
        )
        return (round((share - 0.5) * 2 * rows_guessed) if share > WARN else 0), rows_guessed, words
