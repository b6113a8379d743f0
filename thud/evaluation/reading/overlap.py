"""Who comes first, told by what is over or yet to come while the other happens, and by what would mend it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from thud.evaluation.reading import words
from thud.evaluation.reading.claims import Claim
from thud.evaluation.reading.text import Sentence
from thud.evaluation.reading.times import leaning, quantities

_JOINS = words.bag("when while as by once whilst")
_OVER = words.phrase(
    r"(?:is|are|was|were|has been|have been)(?: \w+){0,2} (?:over|finished|done|gone|past|complete|behind (?:him|her"
    r"|us))"
    r"|(?:has|have|had|is|are|was|were|he is|she is)(?: \w+)? (?:already|long)(?: \w+)?"
    r"|(?<!an )(?<!the )(?<!a )already (?:\w+ ){0,2}\w+"
    r"|(?:has|have|had) (?:just |since |now )?(?:stopped|ended|finished|passed|left|landed|fallen|rolled|settled"
    r"|faded|come"
    r"|hit|broken|touched|subsided|died)|long (?:gone|since|left|past|over)|(?:comes|came|come) and (?:goes|went|gone)"
)
_TO_COME = words.phrase(
    r"(?:not|nothing|no \w+|nobody|hardly)(?: \S+){0,5} yet|yet to \w+|still(?: \S+){1,4}|(?:has|have|had) not"
    r"(?: even| yet)? (?:\w+ed|begun|fallen|hit|come|broken|left|made|happened|moved|reached|there)|mid air|midair"
    r"|(?:is|are) about to [a-z]+|(?:only|just) (?:starts?|begins?|now)|before (?:it|he|she|they|the \w+) (?:has|have"
    r"|even)"
)
_SOUNDLESS = words.phrase(
    r"(?:no sound|nothing|no noise|not a sound)(?: \w+){0,3} (?:yet|so far|still)|(?:stays?|remains?|keeps?|is|are"
    r"|still)"
    r" (?:\w+ )?(?:silent|quiet|mute|soundless)|in (?:complete |total )?silence|silently|nothing (?:can be |is "
    r"|to be )?(?:heard|audible)"
)
_AFTERWARDS = words.phrase(
    r"later|after(?:wards?)?|then|only|follows?|subsequently|delay|further on|eventually"
    r"|finally|until"
)
_EARLIER = r"(?:earlier|forwards? in|to the left|left|sooner|advanced|pulled forwards?|brought forwards?)"
_LATER = r"(?:later|back|backwards?|to the right|right|delayed|held back|postponed)"
_TRACK = r"(?:audio|sound|soundtrack|audio track|sound track|track|sound stream|it|thud|sounds|recording)"
_MUST = (
    r"(?:should|needs? to|has to|have to|would have to|must|ought to|would need to|requires? to|could)(?: be| come)?"
)
_MOVED = r"(?: (?:moved|shifted|pushed|pulled|slid|nudged|dragged|set|start|come|placed|put|happen|play|brought))?"
_HOW_MUCH = r"(?: (?:about|around|roughly|by|some|a|bit|little|slightly|\d\S*|s|ms|seconds?|half|one|two|full|the))*"
_FIX_LATE = words.phrase(
    rf"{_TRACK} {_MUST}{_MOVED}{_HOW_MUCH} {_EARLIER}|(?:delay|postpone|hold back|push back) the (?:video|picture"
    rf"|image|visuals)"
    r"|(?:advance|pull|bring|move|shift) the (?:audio|sound|soundtrack)(?: track)?(?: \S+){0,4} (?:earlier|forward"
    r"|left)"
)
_FIX_EARLY = words.phrase(
    rf"{_TRACK} {_MUST}{_MOVED}{_HOW_MUCH} {_LATER}"
    r"|(?:delay|postpone|hold back|push back|delaying) the (?:audio|sound|soundtrack)"
    r"|(?:push|move|shift) the (?:audio|sound|soundtrack)(?: track)?(?: \S+){0,4} (?:later|back|right)"
)
_NAMED = words.phrase(
    r"(?:(?P<first>first|earlier|ahead|leading|leads?|early|precedes|in front|comes first)|(?P<last>late|later|behind"
    r"|lagging|lags?|second"
    r"|delayed|trailing|last))(?: \w+){0,2} (?::|=|--) (?:the )?(?:(?P<sound>audio|sound|soundtrack)|(?P<sight>video"
    r"|picture|image"
    r"|visuals?))(?: track)?$"
)
_WHICH = words.phrase(
    r"(?:which|what|who)(?: \S+){0,5} (?:(?P<first>first|earlier|ahead|leading|leads|early)|(?P<last>late|later"
    r"|behind|lagging|lags|second"
    r"|delayed|trailing))(?: \S+){0,3}$"
)
_ONE_OF = words.phrase(
    r"^(?:it is |that is )?(?:the )?(?:(?P<sound>audio|sound|soundtrack)|(?P<sight>video|picture"
    r"|image|visuals?))(?: track)?$"
)


_AT_ONCE = words.phrase(
    r"(?:the (?:very |exact |same )?(?:moment|instant)|as soon as|whenever|(?:right|immediately|exactly|precisely"
    r"|just) (?:when|as))"
)
_APART = words.phrase(
    r"not|no|never|before|after|later|earlier|already|still|yet|until|only|delay|lag|early|late|ahead|behind|then|if"
    r"|apart|follows?"
    r"|nothing|without|silent|silence|prior|gap|offset|off|second|s|ms|and the (?:moment|instant)"
)


def at_once(sentence: Sentence, number: int) -> Iterator[Claim]:
    """A claim "synced" where a sound is heard "the moment" something is seen, unless the sentence says otherwise."""
    match = _AT_ONCE.search(sentence.line)
    if match is None or _APART.search(sentence.line) or leaning(sentence.line.split()) < 0:
        return
    if any(leaning([token.text]) >= 1 for token in sentence.tokens):
        yield Claim("synced", 1.2, number, sentence.token_at(match.start()), sentence.token_at(match.end() - 1))


def named(found: Sequence[Sentence]) -> list[Claim]:
    """Claims made by naming a side: "Leading track: audio", "Which comes first? The sound."."""
    claims = []
    for i, one in enumerate(found):
        whole = None if one.asks else _NAMED.search(one.line)
        asked, told = (
            (_WHICH.search(found[i - 1].line), _ONE_OF.search(one.line)) if i and found[i - 1].asks else (None, None)
        )
        order, side = (whole, whole) if whole else (asked, told)
        if order and side:
            label = "early" if bool(order["first"]) == bool(side["sound"]) else "delayed"
            claims.append(Claim(label, 2.2, i, 0, len(one.tokens) - 1))
    return claims


_UNSEEN_YET = words.phrase(
    r"(?:hear|heard|hears|audible|sounds?)(?: \S+){0,4} (?:has|have|had) not(?: \S+){0,4} (?:yet|happened|occurred"
    r"|taken place)(?: \S+){0,4}"
)
_UNHEARD_YET = words.phrase(
    r"(?:see|seen|sees|shown|visible)(?: \S+){0,4} (?:has|have|is|can) not(?: \S+){0,4} (?:heard|audible"
    r"|sounded)(?: \S+){0,4}"
)


def overlaps(sentence: Sentence, number: int) -> Iterator[Claim]:
    """Claims "delayed" and "early" made by what is over or yet to come, and by the move that would put it right."""
    last = len(sentence.tokens) - 1
    for pattern, label in (
        (_FIX_LATE, "delayed"),
        (_FIX_EARLY, "early"),
        (_UNSEEN_YET, "early"),
        (_UNHEARD_YET, "delayed"),
    ):
        match = pattern.search(sentence.line)
        if match and " but " not in sentence.line[match.end() :]:
            yield Claim(label, 2.2, number, sentence.token_at(match.start()), sentence.token_at(match.end() - 1))
            return
    yield from _in_order(sentence, number)
    if sum(one.point for one in quantities(sentence)) > 1:
        return
    for a, b in _parts(sentence):
        label = _compared(a, b) or _compared(b, a)
        if label:
            yield Claim(label, 2.2, number, 0, last)
            return


_THEN = words.phrase(
    r"(?P<firm>(?:, |; )?(?:and |but )?(?:only|not until|just) (?:then|later|afterwards?|after that|thereafter)"
    r"|(?:, |; )?(?:and |but )?only \S+ (?:\S+ )?(?:seconds? |s |ms )?later)"
    r"|(?:, |; )?(?:and |but )?(?:then|after which|whereupon|followed by)"
)
_LATER_ON = words.phrase(
    r"(?:(?:there is|is) nothing|(?:without|no) (?:any |a )?(?:noise|sound)s?|in silence|silently|(?:stays?|keeps?"
    r"|remains?|is) (?:quiet"
    r"|silent|mute))(?: \S+){0,8} (?:and|but|then|only)(?: \S+){0,8} (?:later|afterwards?|then|when|next|only"
    r"|follows?|eventually|delay)"
    r"(?: \S+){0,3}|no (?:sound|noise|bang|thud|splash|crash|\w+ sound) yet|nothing (?:to be |is |can be )?(?:heard"
    r"|audible)? ?yet"
)


_WAITING = words.phrase(
    r"wait(?:s|ing|ed)?(?: \S+){0,7} (?:for the|for its|until|till|before)(?: \S+){0,3} (?:sound|audio|noise|hear"
    r"|heard|hears|bang|thud"
    r"|crash|splash|impact sound)|(?:pass|passes|elapses?|go by|goes by|lapses?)(?: \S+){0,3} (?:before|until"
    r"|till)(?: \S+){0,4}"
    r" (?:sound|audio|noise|hear|heard|audible)|(?:a (?:beat|moment|second) passes"
    r"|pause)(?: \S+){0,4} then(?: \S+){0,4}"
)
_BETWEEN = words.phrase(r"between (?P<a>(?:\S+ ){1,10}?)and (?P<b>(?:\S+ ?){1,8})")
_PASS = words.phrase(r"pass|passes|elapses?|go by|goes by|lapses?|wait|waiting")
_AFTER = words.phrase(r"^(?:only )?(?:\S+ \S+ )?after (?P<a>[^,]+) ,(?P<b>.*)$")


_DONE = words.phrase(r"has|have|had|is|was|lands?|hits?|falls?|strikes?|drops?|moment|impact|\w+ed")


def _spans(line: str) -> str:
    """The direction told by what passes between sight and sound, or by "after … you hear"; "" where nothing is."""
    if words.phrase(r"not|no|without|never|nothing").search(line):
        return ""
    if _WAITING.search(line):
        return "delayed"
    match = _BETWEEN.search(line) if _PASS.search(line) else None
    match = match or _AFTER.search(line)
    if match is None:
        return ""
    a, b = leaning(match["a"].split()), leaning(match["b"].split())
    if a < 0.5 <= b and (a < 0 or _DONE.search(match["a"])):
        return "delayed"
    return "early" if a >= 0.5 and b < 0 else ""


def _in_order(sentence: Sentence, number: int) -> Iterator[Claim]:
    """Claims made by telling the sound and the sight in the order in which they came: "I heard …, only then …"."""
    line, last = sentence.line, len(sentence.tokens) - 1
    later = _LATER_ON.search(line)
    if later and (leaning(line[later.start() :].split()) > 0 or " rings " in line):
        yield Claim("delayed", 2.0, number, 0, last)
        return
    if label := _spans(line):
        yield Claim(label, 1.8, number, 0, last)
        return
    for match in _THEN.finditer(line):
        a, b = leaning(line[: match.start()].split()), leaning(line[match.end() :].split())
        weight = 2.0 if match["firm"] else 1.2
        if line.count(" ", match.end()) < 3:
            continue
        if a >= 0.5 and b < 0 or (match["firm"] and a >= 1 and b == 0):
            yield Claim("early", weight, number, 0, last)
        elif b >= 0.5 and a < 0 or (match["firm"] and b >= 1 and a == 0):
            yield Claim("delayed", weight, number, 0, last)


def _parts(sentence: Sentence) -> Iterator[tuple[str, str]]:
    """The clauses on either side of a "when", "while" or "by the time"."""
    texts = [token.text for token in sentence.tokens]
    for i, word in enumerate(texts):
        if (
            word not in _JOINS
            or (word == "by" and texts[i + 1 : i + 3] != ["the", "time"])
            or texts[i + 1 : i + 2] == ["if"]
        ):
            continue
        rest = texts[i + 1 :]
        if i > 2:
            yield " ".join(texts[:i]), " ".join(rest)
        elif "," in rest:
            cut = rest.index(",")
            yield " ".join(rest[cut + 1 :]), " ".join(rest[:cut])
        return


def _compared(a: str, b: str) -> str:
    """What clause `a` says of its own side, the other side's event happening in clause `b`; "" where nothing."""
    side, other = leaning(a.split()), leaning(b.split())
    if side < 0.5 <= other or (side <= 0 and other >= 0.5):
        if _TO_COME.search(a):
            return "early"
        return "delayed" if _OVER.search(a) else ""
    if side >= 0.5 and other <= 0:
        if _SOUNDLESS.search(a) and _AFTERWARDS.search(a):
            return "delayed"
        if _TO_COME.search(a):
            return "delayed"
        return "early" if _OVER.search(a) else ""
    return ""
