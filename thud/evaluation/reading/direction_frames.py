"""Ways to say that something comes late or early. Only data."""

from __future__ import annotations

from dataclasses import dataclass

from thud.evaluation.reading import words
from thud.evaluation.reading.needles import Phrase

LATE, EARLY = 1, -1


@dataclass(frozen=True, slots=True)
class Frame:
    """A way to say that its subject is late (+1) or early (-1). loose: says so only with a known subject or object."""

    pattern: Phrase
    sign: int
    weight: float
    loose: bool


def _frame(pattern: str, sign: int, weight: float, loose: bool = True) -> Frame:
    return Frame(words.phrase(pattern), sign, weight, loose)


_HOW = (
    r"(?:slightly |noticeably |clearly |significantly |well |a (?:bit|little) |somewhat |far |way "
    r"|much |too |very )?"
)
FRAMES = (
    _frame(
        r"(?<!the )(?<!a )(?<!any )(?<!no )(?<!of )(?<!noticeable )(?<!this )lag(?:s|ged|ging)?(?: "
        r"(?:far |well |slightly )?behind)?",
        LATE,
        2.5,
        False,
    ),
    _frame(r"trail(?:s|ed|ing)(?: behind)?", LATE, 2.5),
    _frame(r"delayed", LATE, 2.5, False),
    _frame(rf"{_HOW}(?:late|tardy|belated|belatedly|overdue)(?! (?:in|at night))", LATE, 2.5, False),
    _frame(
        r"(?:comes?|arrives?|occurs?|happens?|heard|lands?|plays?|starts?) (?:too |very |a bit )?late", LATE, 2.5, False
    ),
    _frame(rf"{_HOW}later(?! in)(?: than)?", LATE, 1.2),
    _frame(rf"{_HOW}behind", LATE, 2.0),
    _frame(r"(?:follows|following)(?!(?: \S+){0,5} (?:immediately|closely|directly|instantly|naturally))", LATE, 0.8),
    _frame(r"follows (?:it |the \w+ )?by", LATE, 2.0),
    _frame(
        r"afterwards?|subsequently|after the fact|a (?:\w+ ){0,2}(?:moment|beat|while|bit|instant) later", LATE, 1.6
    ),
    _frame(r"not (?:\w+ ){0,3}until", LATE, 1.5),
    _frame(r"catch(?:es|ing)? up(?: with| to)?|slow(?: to \w+)", LATE, 2.0),
    _frame(r"faster than|quicker than", EARLY, 1.8),
    _frame(r"slower than|runs? slow|postponed|shifted later|pushed (?:back|later)|delays behind", LATE, 2.0),
    _frame(rf"(?:{_HOW}|only |right |shortly |just |immediately |long |soon )after", LATE, 1.2),
    _frame(r"subsequent to", LATE, 1.6),
    _frame(rf"{_HOW}(?:early|premature|prematurely|too soon)(?! (?:in|on|part|morning|stages?))", EARLY, 2.5, False),
    _frame(rf"{_HOW}(?:earlier|sooner)(?! in)(?: than)?", EARLY, 1.8),
    _frame(rf"{_HOW}(?:ahead|in advance)(?: of)?", EARLY, 2.3),
    _frame(r"precede[sd]?|preceding|anticipates?|pre empts?|preempts?|jumps? the gun|beats", EARLY, 2.3),
    _frame(r"leads(?! to)|leading(?! to| up)|lead(?! to)|led(?! to)", EARLY, 2.3),
    _frame(rf"(?:{_HOW}|right |shortly |just |immediately |long |already )(?:before|prior to)", EARLY, 1.2),
    _frame(
        r"(?:comes?|arrives?|is|occurs?|happens?|starts?) (?:(?!seen|heard|visible|audible|shown)\w+ )?first",
        EARLY,
        1.6,
    ),
    _frame(r"(?:comes?|arrives?|is|occurs?|starts?) (?:\w+ )?(?:second|last)(?! (?:\d|and))", LATE, 2.0),
    _frame(
        r"predates?|antedates?|foreshadows?|outruns?|outpaces?|(?:has|have|gets?|got|with|had) (?:a"
        r"|the) (?:\S+ ){0,4}?(?:head start|lead)"
        r"(?: \w+)?|(?:head start|lead) of(?: \S+){1,6} (?:over|on)|runs? ahead|jumps? ahead|rushes ahead"
        r"|gives? \S+ \S+ away",
        EARLY,
        2.3,
    ),
    _frame(
        r"postdates?|straggles?(?: in)?|drag(?:s|ging)? (?:behind|after)|takes? (?:its|their) time|in the wake of"
        r"|can not keep (?:up|pace)(?: with)?|limps? (?:behind|after)|hangs? back|comes? in after|ensues?"
        r"|needs? (?:\S+ ){1,4}to arrive",
        LATE,
        2.3,
    ),
    _frame(r"(?:well |long )?past", LATE, 1.0),
    _frame(r"first", EARLY, 1.3),
    _frame(r"shifted earlier|advanced (?:relative|with|by)|brought forward", EARLY, 2.0),
)
PRECEDED = words.phrase(r"preceded by")
FOLLOWED = words.phrase(r"(?:\w+ )?followed (?:\w+ )?by")
_DELAY_NOUN = words.phrase(
    r"(?:audio|sound|acoustic|auditory) (?:delay|lag|latency|lateness|tardiness)"
    r"|(?:delay|lag|latency)(?: of(?: \S+){1,4})? (?:in|of|on|with|to|for) (?:the |its )?(?:\w+ "
    r")?(?:audio|sound|soundtrack|thud|crash|bang)"
    r"|(?:audio|sound|soundtrack|thud|bang|crash)(?: track)? (?:has|shows|exhibits|suffers)(?: "
    r"from)?(?! no| not| little)(?: \w+){0,3} (?:lag|delay|latency)"
    r"|delay before (?:the |we |you |any )?(?:\w+ )?(?:\w+ )?(?:audio|sound|thud|crash|bang|hear"
    r"|noise|smack|thump|splash)"
    r"|(?:delay|lag)(?: of(?: \S+){1,4})? between (?:the |what is )?(?:\w+ )?(?:visual|picture"
    r"|impact|image|video|seen|seeing|action|visible)"
    r"(?: \w+){0,3} and (?:the |its )?(?:\w+ )?(?:sound|audio|heard|hearing|thud|noise|crash|bang|corresponding)"
)
_HEARD = r"(?:sound|audio|thud|bang|crash|noise|splash|heard|hear|hearing|thump|smack|shot|voice|soundtrack)"
_ALREADY = words.phrase(
    r"(?:already|can) (?:\w+ ){0,2}(?:hear|heard|audible)(?: \S+){1,14} (?:still|not yet|yet to|has not)"
    rf"|by the time (?:(?!{_HEARD})[^\s,]+ ){{1,10}}, (?:\S+ ){{0,4}}{_HEARD}(?: \S+){{0,4}} "
    rf"(?:already|long|over)(?: \S+)?"
    rf"|still (?:\S+ ){{1,9}}when (?:\S+ ){{0,4}}{_HEARD}|(?:heard|sounds|plays|audible|comes) "
    rf"(?:\S+ ){{0,6}}while (?:\S+ ){{1,6}}still"
    r"|(?:audio|sound|soundtrack|it) (?:would have to|should|needs? to|has to|must|ought to)(?: "
    r"be)? (?:moved|shifted|pushed)? ?(?:later|delayed)"
)
_ALREADY_SEEN = words.phrase(
    rf"already (?:\S+ ){{1,8}}(?:when|before) (?:\S+ ){{0,3}}{_HEARD}"
    rf"|by the time (?:\S+ ){{0,3}}{_HEARD}(?: \S+){{0,10}} (?:already|long|over)"
    r"|(?:audio|sound|soundtrack|it) (?:would have to|should|needs? to|has to|must|ought to)(?: "
    r"be)? (?:moved|shifted|pulled|brought) earlier"
    r"|(?:wait|pause|interval|lapse|delay|lag)(?: of(?: \S+){1,4})? between (?:the |what is "
    r")?(?:\w+ )?(?:hit|landing|fall|strike|contact|impact|collision|seeing)"
    rf"(?: \w+){{0,3}} and (?:the |its )?(?:\w+ )?{_HEARD}"
)
_LATE_ENTRY = words.phrase(
    r"(?:sound|audio) (?::|=) (?:behind|late|lagging|delayed|trailing|after)|(?:video|picture) "
    r"(?::|=) (?:ahead|early|leading|first)"
    r"|(?:picture|video|visual|visuals|image|impact|action)(?: first)?(?: ,| and)* then (?:the "
    r"|its )?(?:sound|audio|noise|thud|bang)"
)
_EARLY_ENTRY = words.phrase(
    r"(?:sound|audio) (?::|=) (?:ahead|early|leading|first|before)|(?:video|picture) (?::|=) "
    r"(?:behind|late|lagging|delayed)"
    r"|(?:sound|audio|noise|thud|bang)(?: first)?(?: ,| and)* then (?:the |its )?(?:picture|video"
    r"|visual|visuals|image|impact|action)"
)
_LEAD_NOUN = words.phrase(
    r"(?:audio|sound) (?:lead|advance|earliness|prematurity)|(?:video|picture|visual|image) (?:delay|lag|latency)"
)
LATE_NOUNS = (_ALREADY_SEEN, _DELAY_NOUN, _LATE_ENTRY)
EARLY_NOUNS = (_LEAD_NOUN, _ALREADY, _EARLY_ENTRY)
