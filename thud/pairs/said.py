"""Small words that the pairs about general video share: times in a sentence, and whether two phrases say the same."""

from __future__ import annotations

import re
from functools import lru_cache

_COMMON = """a an and are as at by for from her his in into is it its of off on one onto out over some that the their
    then there this to two up while with"""
_NO_CONTENT = frozenset(_COMMON.split())


def moment(at_s: float) -> str:
    """A time of a clip in words: "2.1 s", "1:05" from a minute on."""
    if at_s < 60:
        return f"{at_s:.1f} s"
    whole = round(at_s)
    hours, minutes, seconds = whole // 3600, whole // 60 % 60, whole % 60
    return f"{hours}:{minutes:02d}:{seconds:02d}" if hours else f"{minutes}:{seconds:02d}"


@lru_cache(maxsize=100_000)
def content_words(text: str) -> frozenset[str]:
    """The words of a phrase that carry meaning, cut to their first five letters so that endings do not count."""
    return frozenset(word[:5] for word in re.findall(r"[a-z]+", text.lower()) if word not in _NO_CONTENT)


def alike(first: str, second: str, limit: float = 0.34) -> bool:
    """Whether two phrases share so many of their words that one could pass for the other."""
    one, two = content_words(first), content_words(second)
    return first.lower() == second.lower() or len(one & two) > limit * min(len(one), len(two))


def bare(text: str) -> str:
    """The text without the full stop or spaces at its end."""
    return text.strip().rstrip(" .")


def capital(text: str) -> str:
    """The text with a capital at its beginning."""
    return text[:1].upper() + text[1:]
