"""Whether words describe what this clip shows, and nothing else: not a sound, not the world at large."""

from __future__ import annotations

from collections.abc import Sequence

from thud.evaluation.reading import words
from thud.evaluation.reading.lexicon import NAMES, VISIBLE
from thud.evaluation.reading.text import Sentence

_OPENERS = words.bag(
    "a an the two three four some several in on at we you i one when what someone somebody he she they as it while this"
)
_OPENERS |= words.bag(
    "after before there people children kids here his her scene action pictured seen video clip frame"
)
_HEARD_NAMES = (NAMES - VISIBLE) | {"loudspeaker", "loudspeakers"}
_CLIP = words.phrase(
    r"(?:video|clip|footage|film|scene|frames?|camera|picture|image|images|visuals?|screen|foreground|background|shot"
    r"|view)(?! (?:of music|games?|production|editing))"
    r"|compilation|what happens|what happened|visually|shown|shows|depicts?|depicted|pictured|visible|(?:we|i"
    r"|you)(?: can| could)? (?:see|watch)|is seen"
    r"|are seen"
)
_FILMED = words.phrase(
    r"(?:slow motion|time lapse|close up|wide shot|aerial view|panning shot|bird s eye view|stop motion)(?: \w+)?"
    r" (?:of|on|from|showing|as) (?:\S+ ){1,}\S+"
)
_WHO = (
    r"(?:a|an|the|two|three|four|five|several|some|one|another|his|her|their|its|someone|somebody|people|he|she|it|they"
    r"|children|kids)"
)
_ACTOR = (
    r"(?:man|woman|boy|girl|child|kid|person|player|rider|dog|cat|driver|dancer|athlete|skier|teacher|guy|lady|baby"
    r"|toddler|hand|finger|car|ball|truck|lorry|cyclist|worker|chef|skater|skateboarder)"
)
_EVENT = words.phrase(
    rf"{_ACTOR}(?: in \S+ \S+| in (?:a|the|his|her) \S+ \S+)? (?!(?:has|is|was|his|this|its|as|always|means"
    r"|costs)(?!\S))\w{2,}[^\s'us]s(?= \S)"
    r"|^(?:two|three|four|five|several) (?:\w+ )?\w+s (?!(?:of|or|and|in|are|is|was|were|have|has|had)(?!\S))\w+ \S+"
    r"|^(?:a|an) [^,]+(?: , (?:and )?(?:a|an) [^,]+){2,}$|"
    rf"{_WHO} (?:[^\s,;:]+ ){{0,6}}?(?!(?:has|is|was|his|this|its|as|us|less|across|always|means|calls|costs|makes"
    rf"|contains|needs|lives|exists)(?!\S))\w{{2,}}[^\s'us]s(?= (?:a|an|the|his|her|its|their|two|off|on|onto|into|over"
    rf"|down|out|up|to|from|through|under|by|against|with|along|past|across|toward|towards|around|away|back|in|at|and"
    rf"|,|open|apart|forward|about)|$)"
    rf"|{_WHO} (?:[^\s,;:]+ ){{0,6}}?(?:fall|run|jump|stand|sit|walk|hit|drop|land|roll|collide|slide|throw|ride|drive"
    rf"|play|move|fly|swim|climb|cross|crash|break|lie|dance|fight)(?: \S+|$)"
    r"|(?:is|are|being) (?:\w+ly )?(?:being )?\w{2,}(?:ing|ed|en)|\w{2,}ing (?:a|an|the|his|her|its|on|in|off|onto|into"
    r"|over|down|along|through|across|past|from|towards?|near|beside|around|up|out)"
)
_ELSEWHERE = words.phrase(
    r"quick brown fox|lorem ipsum|recipe|ingredients?|flour|tablespoons?|teaspoons?|calls? for|invented|century|capital"
    r"|popular|history|founded|once upon a time|loyal|mammals?|(?:is|are) (?:a|an) \w+(?: \w+)? used|used to|my \w+|our"
    r"|your|yours|humpty|dumpty|nursery|poem|novel|roses are|proverb|percent|share price|in (?:1[5-9]|20)\d\d"
    r"|(?:mon|tues|wednes|thurs|fri|satur|sun)days?|noon|company|in chess|the world|bird catches"
    r"|as the saying goes|how to|steps? (?:\d|to)|always|never|usually|typically|every (?:day|year|morning)|in general"
)
_STATED = words.phrase(
    r"^(?!there )(?:a|an|the|most|all|every|many|some)? ?(?:[^\s,]+ ){1,3}(?:have|has|are|is|were|was|consists?"
    r"|contains?)"
    r" (?!\w+ing)(?:[^\s,]+)"
)
_TOLD_TO = words.phrase(
    r"^(?:to \w+ (?:a|an|the)|wash|add|put|take|close|open|use|mix|stir|press|click|cut|pour|turn|place|go|first wash"
    r"|make|bring|keep|remember|insert|remove|attach|preheat|whisk|fold|stick|clean|fill|heat)"
)


def picture_only(said: Sequence[tuple[int, Sentence]]) -> bool:
    """Whether the words describe the scene of this clip and never speak of anything heard."""
    texts = [token.text for _, one in said for token in one.tokens]
    if (words.HEARD_WORDS | _HEARD_NAMES) & set(texts) or len(texts) < 5:
        return False
    if any(_FILMED.search(one.line) for _, one in said):
        return True
    scene = set(texts) & words.SCENE
    acts = sum(
        len(word) > 3 and word.endswith(("s", "ing", "ed")) and not word.endswith(("ss", "thing"))
        for word in set(texts)
    )
    first = {one.tokens[0].text for _, one in said}
    named = bool(first & (_OPENERS | words.SCENE)) or any(_CLIP.search(one.line) for _, one in said)
    opens = texts[0] not in words.ASKED and named
    event = opens and bool(scene) and _happens(said)
    told = len(scene) >= 3 or (len(scene) >= 1 and len(scene) + acts >= 3 and opens) or event
    return told and _of_this_clip(said)


def _happens(said: Sequence[tuple[int, Sentence]]) -> bool:
    return any(_EVENT.search(one.line) for _, one in said)


def _of_this_clip(said: Sequence[tuple[int, Sentence]]) -> bool:
    """Whether the words speak of a clip, or tell in the present tense of something that goes on."""
    if any(_CLIP.search(one.line) for _, one in said):
        return True
    if any(_ELSEWHERE.search(one.line) or _TOLD_TO.search(one.line) for _, one in said):
        return False
    return any(_EVENT.search(one.line) and not _STATED.search(one.line) for _, one in said)
