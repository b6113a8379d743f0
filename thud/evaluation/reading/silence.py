"""Claims that there is nothing to hear."""

from __future__ import annotations

from collections.abc import Sequence

from thud.evaluation.reading.claims import cue, find
from thud.evaluation.reading.text import Sentence
from thud.evaluation.reading.words import phrase

_WHAT = r"(?:sound|sounds|audio|noise|soundtrack|audio track|sound track|audio signal|sound effects?)"
_NOT_OF = (
    r"(?! (?:delay|lag|offset|issue|issues|problem|problems|mismatch|gap|drift|desync|error|errors"
    r"|difference|manipulation|discrepancy|shift|misalignment|sync|synchronization|tampering"
    r"|distortion|glitch|glitches|artifacts|is (?:out|off|delayed|late|early)|that (?:does not|is "
    r"not|is out)|quality|description|cues? (?:to|that)|other than|except|apart|besides|but"
    r"|beyond|aside|louder|yet|until|before|at first))"
)
EXCEPT = phrase(r"(?:apart|aside) from|except(?: for)?|besides|other than|save for|but for")
CUES = (
    cue(
        r"listened (?:\S+ ){0,6}(?:but|and|yet) (?:there (?:is|was) |i |heard |hear |found ){0,2}nothing"
        r"|none (?:is|are|was|can be|could be)(?: \w+)? (?:heard|audible|present|there|detected)"
        r"|(?:breaks?|falls?|lands?|hits?|shatters?|moves?|plays?|happens?|crashes?|drops?) "
        r"(?:completely |totally )?silently"
        r"|(?:dead|deathly|completely|totally|entirely|absolutely|perfectly|utterly) (?:quiet|silent)"
        r"|not (?:(?!sure|certain|whether|if|clear|know)\w+ ){0,5}any (?:audible |actual |kind of "
        r")?(?:sound|audio|noise)" + _NOT_OF,
        "muted",
        "",
        1.8,
    ),
    cue(
        r"(?:audibly|acoustically|sonically|sound wise|as (?:for|to) (?:the )?(?:audio|sounds?)"
        r"|in terms of (?:audio|sound)) ,?"
        r" ?(?:there is |i hear |it is )?(?:absolutely |simply )?(?:nothing(?! (?:else|more|wrong|unusual|but"
        r"|odd|about))|none)"
        r"|nothing (?:in|on|from) the (?:audio|sound|soundtrack)(?: track)?|nothing to hear|no anything"
        r"|no sounds? of any (?:kind|sort)|all is (?:quiet|silent|still)|(?:sound|audio)(?: present| track)? "
        r"(?::|=) (?:false|no|absent|not present|missing)|^not a thing$|hear not a thing"
        r"|(?:sound|audio|soundtrack)(?: \S+){0,6} there (?:is|was) none|(?:audio|sound|soundtrack)(?: \w+){1,4} is "
        r"(?:blank|empty|silent|muted|missing)",
        "muted",
        "",
        2.0,
    ),
    cue(
        r"(?:waveform|(?:audio |sound |volume )?level|volume|signal|track|soundtrack|audio|meter)(?: (?!not|never"
        r"|hardly)\w+){0,3} (?:flat|zero|0"
        r"|at zero|flatlines?|empty|blank)|(?:waveform|level|volume|meter|needle) (?:\w+ ){0,4}(?:zero|flat|0)"
        r"|flat line"
        r"|no signal|no audible \w+|(?:video|clip|recording|footage|it) (?:has|contains|includes) none|(?:quiet"
        r"|silent) as (?:a|the) \w+"
        r"|(?:audio|sound|sounds|soundtrack|track|audio track|sound track)(?: \w+){0,3} been (?:\w+ )?(?:removed"
        r"|stripped"
        r"|muted|cut|turned off|switched off|silenced|deleted|disabled|erased|dropped|taken out|stripped out)"
        r"|(?:sounds?|audio|noises?|soundtrack|speech|music)(?: \S+){0,5} there (?:is|are|was) (?:not any|none"
        r"|nothing)(?= at all|$| ,)"
        r"|(?:sounds?|audio|noises?|soundtrack) (?::|=|--|,) (?:none|nothing(?! (?:else|more|but))|not any|nil"
        r"|zero|there (?:is"
        r"|are) (?:not any|none))"
        r"|none of (?:these|those|them|this|that|which|it)(?: \w+){0,2} (?:present|audible|heard|there|found|detected)"
        r"|(?:nor|neither|and neither)(?: is| can| was)? (?:is |can |any |there )*(?:anything|any other sound"
        r"|other sounds?)"
        r"(?: else)?|i (?:got|found|heard|hear|have) (?:neither|none of (?:it|them|that))(?! (?:silence|the))"
        r"|(?:no|not|dont|nt) have (?:any )?(?:sounds?|audio)(?! (?:delay|issue))|comes? without (?:any )?(?:sound"
        r"|audio)"
        r"|(?:it is|is|is all|there is only|just|got|hear|only|of|contains?|all) (?:complete |total |pure |utter "
        r"|only )?silence"
        r"(?! (?:until|before|at first|then|of|is|was|broken))",
        "muted",
        "audio",
        1.9,
    ),
    cue(r"otherwise (?:silent|quiet|mute|muted|soundless)(?: \w+)?", "audio", "", 1.5),
    cue(
        rf"(?:no|without|without any|zero|not any|(?:lacks?|lacking|missing|for want of|for lack of)(?: any| an| its"
        rf"| the)?|devoid of(?: any)?"
        rf"|absence of(?: any)?|absent) (?:(?:accompanying|audible|actual|discernible|detectable"
        rf"|corresponding|real|recorded|perceptible|embedded|usable) )*{_WHAT}{_NOT_OF}",
        "muted",
        "audio",
        2.0,
    ),
    cue(
        r"(?:is|are|was|remains?|stays?|seems?|appears?|sounds?|plays?|be|goes|completely|totally"
        r"|entirely|fully|utterly|totally|totally)(?: to be)?(?: (?!hardly|barely|scarcely)\w+ly| all"
        r"| just| quite)? (?:silent|mute|muted|soundless|inaudible|noiseless)",
        "muted",
        "audio",
        2.0,
    ),
    cue(
        r"(?:silent|muted|mute|soundless) (?:video|clip|audio|track|footage|film|recording|soundtrack"
        r"|scene|throughout)",
        "muted",
        "audio",
        2.0,
    ),
    cue(
        r"(?:complete|total|only|just|pure|absolute|entirely|utter|dead|digital|nothing but) silence"
        r"|silence (?:throughout|only)|hear silence|in silence|muted|soundless",
        "muted",
        "audio",
        1.6,
    ),
    cue(
        r"(?:hear|heard|hearing|detect|perceive|pick up|make out) (?:absolutely |completely "
        r"|literally )?(?:nothing|no (?:sounds?|audio|noise))(?: at all)?(?! (?:wrong|unusual|out|off"
        r"|else|other))",
        "muted",
        "",
        2.0,
    ),
    cue(
        r"nothing (?:\w+ )?(?:can be heard|is heard|to hear|audible|is audible|to be heard|was heard"
        r"|on the (?:audio|sound)(?: ?track)?)",
        "muted",
        "",
        2.0,
    ),
    cue(
        r"not (?:\w+ ){0,2}(?:hear|detect|perceive|contain|have|include|pick up|feature|carry|identify"
        r"|discern) (?:any|a single|any kind of|any actual) (?:\w+ )?(?:sounds?|audio|noises?|thing"
        r"|soundtrack|audio track)"
        + _NOT_OF
        + r"|not (?:\w+ ){0,2}(?:hear|hearing|detect|perceive) (?:anything|a thing|a sound)(?! (?:unusual|out"
        r"|off|wrong|else))",
        "muted",
        "",
        2.2,
    ),
    cue(r"(?:unable|inability) to (?:hear|detect|perceive) (?:any (?:sounds?|audio|noise)|anything)", "muted", "", 2.0),
    cue(
        r"(?:audio|sound|track|soundtrack|audio track)(?: \w+)? (?:is|are|seems|appears|appears to be|seems to be"
        r"|has been|was)(?: (?!not|never|hardly|no)\w+)? (?:absent|missing|empty|removed|stripped"
        r"|silent|off|turned off|nonexistent|blank|lacking|disabled|switched off|not present|cut|gone"
        r"|not audible|unavailable)(?! (?:by|sync))",
        "muted",
        "audio",
        1.8,
    ),
    cue(
        r"not a (?:single )?(?:sound|noise|peep|whisper)(?: \w+){0,3}|no other (?:sounds?|noises?) "
        r"either|(?:hear|heard|audible|sound|audio) (?::|=) (?:absolutely |literally )?(?:nothing|none"
        r"|silence|no sound|no audio|complete silence)",
        "muted",
        "",
        2.2,
    ),
    cue(
        r"not (?:\w+ ){0,2}hear (?:\S+ ){1,8}(?:or|nor) (?:anything|any other|any sound)(?: else)?"
        r"|(?:no|lacks any|not any|without any|without) audible (?:content|signal|information"
        r"|component|material)|of (?:complete |total |pure |only |nothing but |absolute )?silence(?! "
        r"(?:followed|then|before|and))",
        "muted",
        "",
        2.0,
    ),
    cue(r"silence|silent|mute|quiet", "quiet", "audio", 0.8),
)


def silence(said: Sequence[tuple[int, Sentence]], least: float = 0.5) -> list[int]:
    """Numbers of the sentences that claim there is no sound at all."""
    return [i for i, one in said if any(c.label == "muted" and c.weight >= least for c in find(one, i, CUES))]
