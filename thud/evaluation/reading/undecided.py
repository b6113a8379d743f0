"""Responses that decide nothing: torn between two answers, or speaking of such clips in general."""

from __future__ import annotations

from collections.abc import Sequence

from thud.evaluation.reading import words
from thud.evaluation.reading.text import Sentence

_FIRMLY = words.phrase(
    r"yes and no|that is the question|^(?:not sure|unsure|not certain|maybe|perhaps)$|fifty to fifty|(?:can|could|do|am"
    r"|will) not (?:\w+ ){0,2}(?:decide|make up my mind|settle|give (?:you )?an? (?:\w+ )?answer|commit"
    r"|say which|choose between|come to a (?:conclusion|decision|verdict))"
    r"|unable to (?:decide|settle|choose|commit|come to a (?:conclusion|decision))"
    r"|(?:i am|i remain|i feel|still) (?:\w+ )?(?:torn|undecided|unsure|uncertain|of two minds|in two minds|at a loss"
    r"|on the fence|clueless|stumped)|back and forth|give up|no conclusion"
    r"|which (?:of (?:these|the two|them) )?(?:is|one is) (?:right|true|correct)$"
)
_TORN = words.phrase(
    r"(?:inconclusive|undecidable)"
    r"|(?:no|not) (?:\w+ ){0,2}(?:definite|definitive|clear|firm|final) (?:answer|verdict|conclusion|judgement"
    r"|judgment)"
    r"|i (?:honestly |really |simply |just )*(?:do not|can not) (?:\w+ )?(?:know|tell)$|no (?:clue|idea)$"
    r"|can not (?:tell|say) which(?: \w+){0,3}$|your guess is as good as mine|it is (?:a )?(?:toss up|coin toss"
    r"|coin flip)|could (?:just as well )?go either way"
    r"|hard to (?:say|tell|judge|decide)$|(?:impossible|difficult) to (?:say|tell|decide)$"
    r"|(?:is|remains) (?:an open question|unclear|open|beyond me|a mystery)$|beyond me$"
)
_EITHER = words.phrase(
    r"(?:perhaps|maybe) (?:\S+ ){1,10}(?:perhaps|maybe) (?:\S+ ){0,8}(?:not|is|it)(?: \S+){0,4}"
    r"|(?:might|may|could) (?:\S+ ){1,10}(?:or it |or they |but it |but |or |and )(?:might|may"
    r"|could)(?: \w+){0,2} (?:not|be)"
    r"(?: \S+){0,6}|(?:might|may|could) (?:or|and) (?:might|may|could) not(?: \S+){0,4}|or not$|(?:seems?|is"
    r"|was)(?: to be)? either (?:\S+ ){1,6}or (?:\S+ ?){1,4}$"
)
_GENERAL = words.phrase(
    r"(?:a|an) (?:\w+ )?(?:film|movie)|makes? a (?:film|video|movie|clip) \w+|in general|generally speaking|as a rule"
    r"|in (?:\w+ )?(?:film|movie|video|tv|television|cinema|audio|post)"
    r" (?:production|editing|making|engineering|work)|in (?:films|movies|cinema|dubbing|broadcasting|filmmaking|editing"
    r"|most cases|theory|practice|physics|principle)|(?:is|are) (?:often|usually|commonly|sometimes|frequently"
    r"|typically)"
    r" (?:used|caused|added|replaced|recorded|dubbed|measured|referred|called|corrected|due|the result|done|defined)"
    r"|(?:is|are) (?:a|an|the) (?:\w+ )?(?:well known|common|frequent|technical|hard|classic|known|difficult|standard"
    r"|frequent"
    r"|process|practice|art|term|technique|phenomenon|vibration|form|kind|type)(?: \w+)?|refers? to|is defined as"
    r"|is (?:a |the )?(?:term|word|name|process|practice|art|technique) (?:for|of|in|by|where|that)|stands for"
    r"|usually stems?"
    r"|(?:a |the )?(?:good|most|many|professional|skilled|experienced|every|any|sound|film|foley|video) (?:editors?"
    r"|viewers?|people|engineers?|artists|systems"
    r"|players"
    r"|humans|studios)|(?:noticeable|visible|perceptible|detectable) (?:to|for|by) (?:most|many|human|the average)"
    r"|human (?:perception|viewers|observers|ears?)|propagates?|travels? (?:slower|faster|at)|clapperboards?"
    r"|films? (?:had|have|are|were)|often|figure of speech|^(?:the )?(?:term|word|phrase) .*|depends on the \w+"
    r"|^\w+ noise is an? .*"
    r"|^(?:he|she|those|whoever) who .*|(?:my )?favou?rite(?: \w+)?|^i (?:really )?(?:love|like|enjoy|prefer) (?:music"
    r"|songs?|sounds?|\w+ music)(?: .*)?"
)
_ANSWERS = words.phrase(
    r"but|however|say|conclude|because|since|refrain|decline|unable|not|answer|unfortunately|so"
    r"|only|call"
)
_HERE = words.phrase(
    r"here|this|these|i|the (?:clip|video|audio|sound|soundtrack|picture|footage|impact|man|woman|dog|two|recording)"
    r"|in the clip|\d+(?:[.,]\d+)? s|at \d\S*"
)

_FIELD = words.phrase(
    r"^in (?:\w+ )?(?:film|movie|video|tv|television|cinema|audio|post|sound) (?:production|editing|making|engineering"
    r"|work|design)"
)
_THIS = words.phrase(r"here|this|these|i|the clip|in the clip")


def torn(said: Sequence[tuple[int, Sentence]], divided: bool) -> bool:
    """Whether the response ends undecided. divided: whether it says both things, or neither firmly."""
    if not said:
        return False
    last = said[-1][1].line
    if _FIRMLY.search(last) or (len(said) > 1 and _FIRMLY.search(said[0][1].line) and divided):
        return True
    if divided and any(_TORN.search(one.line) for _, one in said[-2:]):
        return True
    return bool(_EITHER.search(last)) and len(said) <= 3


_REQUEST = words.phrase(
    r"^(?:a|any|every|most|all|the average) (?:\w+ )?(?:editor|engineer|viewer|listener|person|filmmaker"
    r"|human)s?(?: \w+)?"
    r" (?:always|usually|should|must|will|needs?|notices?|can|tends?)(?: .*)?|^you (?:should|must|need to"
    r"|have to)(?: .*)?"
    r"|^i (?:really )?(?:love|like|enjoy"
    r"|prefer) (?:music|songs?|sounds?|\w+ music)$|^(?:please|kindly|could you|can you|would you|(?:i|we) (?:will "
    r"|would )?(?:need|like|want) (?:to|you|the|a"
    r"|more)|upload|share|send"
    r"|provide|feel free|let me know|(?:i|we) (?:hope|will|am going to)|let (?:us|me) (?!be|say)|thank you|thanks|try"
    r"|make sure|be sure|turn (?:on|up|down)|adjust|install|remember to"
    r"|(?:i (?:can|could|am able to)|i am happy to|i would be (?:happy|glad) to|happy to|you (?:can|could|may)"
    r"|one (?:can|could)) (?:\w+ly )?(?:describe"
    r"|use|check|match|compare|edit|analy[sz]e|help|identify|try|provide|assist|tell whether"
    r"|determine whether)(?! (?:that|them|it)))(?: .*)?$"
)


def general(one: Sentence) -> bool:
    """Whether the sentence asks for something, or speaks of clips, sound or film in general, and not of this clip."""
    if _REQUEST.search(one.line) and not _ANSWERS.search(one.line):
        return True
    if _FIELD.search(one.line) and not _THIS.search(one.line):
        return True
    return bool(_GENERAL.search(one.line)) and not _HERE.search(one.line)
