"""Checks of single rows: what a text says against what is recorded of the stimulus it is about."""

from __future__ import annotations

import re
from collections.abc import Iterator

from thud.evaluation.scoring import expected_label
from thud.pairs.lint.told import READ, Told, letter_told, told
from thud.pairs.pair import Pair

GAP_OFF_S = 0.5
"""A stated gap further than this from the recorded shift is reported: event times are rounded by whoever wrote it."""
KNOWN_GAP_OFF_S = 0.2
"""The same where both event times are recorded: then only rounding of the two is left."""
TIME_OFF_S = 0.11
"""A time in a text may be this far from the recorded one: it is rounded to a tenth."""
OWN_GAP_OFF_S = 0.15
"""The gap in words and the two times of the same text may differ by this."""
EPSILON_S = 1e-6

_SAYS_NOTHING = frozenset({"unparsed", "refused", "visual_only", ""})
_OFF = frozenset({"early", "delayed", "desync"})
_JUNK = (
    ("two full stops in a row", re.compile(r"(?<!\.)\.\.(?!\.)")),
    ("a character that could not be decoded", re.compile("\ufffd")),
    ("letters garbled by a wrong encoding", re.compile(r"â€|Ã[\u0080-\u00bf]|Â[\u00a0-\u00bf]")),
    ("a control character", re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")),
    ("a media placeholder inside the text", re.compile(r"<(?:video|audio|image)>")),
    ("a gap of a template that nothing filled", re.compile(r"(?<!\{)\{[a-z_]+\}(?!\})")),
)
_SUSPECT = re.compile("\\.\\.|[\ufffd{<âÃÂ\\x00-\\x08\\x0b\\x0c\\x0e-\\x1f\\x7f]")
_RATIONALE_WORDS = 12
_VERDICT_WORDS = 9


def expected(pair: Pair) -> str:
    """What an answer about this stimulus has to say; "" where nothing is recorded. The recorded condition decides."""
    if pair.task not in READ:
        return pair.label if pair.task == "choice" else ""
    return expected_label(pair.task, pair.condition) or pair.label


def readable(pair: Pair) -> bool:
    """Whether the chosen answer is read: its task is one that is, and what it should say is known."""
    return pair.task in READ and bool(expected(pair))


def claims(pair: Pair) -> Told | None:
    """What the chosen answer says; None where it is not read."""
    return told(pair.task, pair.chosen, pair.prompt) if readable(pair) else None


def understood(pair: Pair, said: Told | None) -> bool:
    """Whether the chosen answer says what its label can be held against; what cannot be read passes nothing."""
    if pair.task == "choice":
        return bool(pair.label)
    return said is not None and said.label not in _SAYS_NOTHING


def against_label(pair: Pair, said: Told | None) -> str:
    """How label and text differ, in words that count alike; "" where they do not."""
    if pair.task == "choice":
        return _letters(pair)
    if said is None:
        return ""
    right = expected(pair)
    if pair.label and not _agree(pair.label, right):
        return f"labelled {_word(pair.label)} and recorded as {_word(right)}"
    if not _agree(said.label, right) and not (said.label in ("early", "delayed") and turned(pair, said)):
        return f"recorded as {_word(right)}, says {_word(said.label)}"
    return _rejected_right(pair, said, right) if pair.rejected and pair.rejected_shown is None else ""


def _rejected_right(pair: Pair, said: Told, right: str) -> str:
    """Whether the rejected answer is right too. Words of tested templates are taken to say what is recorded of them."""
    if pair.rejected_label == right or (pair.template and pair.type != "SP" and "rewritten" not in pair.origin):
        return ""
    other = told(pair.task, pair.rejected, pair.prompt)
    same_times = (other.visual_s, other.audio_s) == (said.visual_s, said.audio_s)
    alike = other.label not in _SAYS_NOTHING and other.label == right and same_times
    return f"rejected answer says {_word(right)} too" if alike else ""


def _agree(label: str, right: str) -> bool:
    return label in _SAYS_NOTHING or label == right or (label == "desync" and right in _OFF)


def _word(label: str) -> str:
    return {"desync": "out of sync", "synced": "in sync"}.get(label, label.replace("_", " "))


def _letters(pair: Pair) -> str:
    if not pair.options or not pair.label:
        return ""
    if pair.label not in dict(pair.options):
        return "the right letter is none of the options"
    said = letter_told(pair.chosen, pair)
    if said and said != pair.label:
        return "chosen answer names another option than the right one"
    if pair.rejected and letter_told(pair.rejected, pair) == pair.label and pair.rejected_shown is None:
        return "rejected answer names the right option"
    return ""


def turned(pair: Pair, said: Told) -> bool:
    """Whether the two times told say that the sound is late where it is early, or the other way round."""
    right, later_s = expected(pair), said.later_s
    if pair.task != "sync" or right not in ("early", "delayed") or later_s is None or abs(later_s) < EPSILON_S:
        return False
    return (later_s > 0) != (right == "delayed")


def true_gap_s(pair: Pair) -> float | None:
    """How far apart sight and sound are in what is shown, as recorded; None where that is not known."""
    if pair.visual_s is not None and pair.audio_s is not None:
        return abs(pair.audio_s - pair.visual_s)
    return None if pair.offset_s is None else abs(pair.offset_s)


def gap_off_s(pair: Pair, said: Told | None) -> float | None:
    """How far the stated gap is from the recorded one; None where either is unknown."""
    true_s = true_gap_s(pair)
    return None if said is None or said.gap_s is None or true_s is None else abs(said.gap_s - true_s)


def gap_allowed_s(pair: Pair) -> float:
    """How far a stated gap may be from the recorded one."""
    return GAP_OFF_S if pair.visual_s is None or pair.audio_s is None else KNOWN_GAP_OFF_S


def times_off(pair: Pair, said: Told | None) -> str:
    """How the times of a text contradict each other or the recorded ones, in words that count alike; "" = not."""
    if said is None:
        return ""
    for true_s, told_s in ((pair.visual_s, said.visual_s), (pair.audio_s, said.audio_s)):
        if true_s is not None and told_s is not None and abs(true_s - told_s) > TIME_OFF_S:
            return "a time is not the recorded one"
    if said.later_s is not None and said.stated_s is not None:
        off_s = abs(abs(said.later_s) - said.stated_s)
        return "the gap in words is not that of the two times" if off_s > OWN_GAP_OFF_S else ""
    return ""


def outside(pair: Pair, said: Told | None) -> bool:
    """Whether the event, as recorded or as told, lies before the clip's start or behind its end."""
    times = [pair.visual_s, pair.audio_s] + ([said.visual_s, said.audio_s] if said else [])
    known = [one for one in times if one is not None]
    end_s = pair.duration_s
    return any(one < 0 or (end_s is not None and one > end_s + EPSILON_S) for one in known)


def cut_off(pair: Pair, said: Told | None) -> bool | None:
    """Whether a sound moved to an earlier time is told or recorded at exactly 0.0 s; None where no time is known."""
    if pair.task != "sync" or expected(pair) != "early":
        return None
    times = [one for one in (pair.audio_s, said.audio_s if said else None) if one is not None]
    return any(abs(one) < EPSILON_S for one in times) if times else None


def same(pair: Pair) -> bool:
    """Whether there is nothing to prefer: chosen and rejected are the same words about the same media."""
    other = pair.rejected_shown
    return bool(pair.rejected) and pair.chosen.split() == pair.rejected.split() and other in (None, pair.shown)


def same_rationale(pair: Pair) -> bool:
    """Whether chosen and rejected argue in the same words and differ only in the option they end (or begin) with."""
    if pair.task != "choice" or not pair.rejected or pair.type in ("FV-A", "LV-MCQA") or same(pair):
        return False
    a, b = pair.chosen.split(), pair.rejected.split()
    head = _shared(a, b)
    tail = _shared(a[head:][::-1], b[head:][::-1])
    texts = dict(pair.options)
    left = max(len(a), len(b)) - head - tail
    verdict = max((len(texts.get(one, "").split()) for one in (pair.label, pair.rejected_label)), default=0)
    return head + tail >= _RATIONALE_WORDS and left <= verdict + _VERDICT_WORDS


def _shared(a: list[str], b: list[str]) -> int:
    count = 0
    for one, other in zip(a, b, strict=False):
        if one != other:
            break
        count += 1
    return count


def junk(pair: Pair) -> Iterator[str]:
    """What does not belong in a text, each kind once."""
    if "placeholders" in pair.origin:
        yield "media placeholders that do not fit the media"
    texts = [one for one in (pair.prompt, pair.chosen, pair.rejected) if _SUSPECT.search(one)]
    for kind, pattern in _JUNK if texts else ():
        if any(pattern.search(one) for one in texts):
            yield kind
