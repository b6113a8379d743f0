"""The answer to "what do you hear?": sounds described, silence claimed, or only the picture spoken of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from thud.evaluation.reading import words
from thud.evaluation.reading.claims import Claim, cue, find
from thud.evaluation.reading.silence import CUES as SILENCE
from thud.evaluation.reading.silence import EXCEPT
from thud.evaluation.reading.sync import Reading, final_from, picture_only, quoted, total
from thud.evaluation.reading.text import Sentence

_NOUN = words.any_of(
    (words.SOUNDS | words.MAYBE_SOUNDS)
    - {
        "loud",
        "words",
        "report",
        "wind",
        "horse",
        "engine",
        "beat",
        "tone",
        "snap",
        "drum",
        "bass",
        "horn",
        "static",
        "song",
        "ring",
        "pop",
        "tap",
        "click",
        "laugh",
        "shout",
        "scream",
        "cheer",
        "gasp",
        "yell",
        "crack",
    }
)
_ANY = words.any_of((words.SOUNDS | words.MAYBE_SOUNDS) - {"loud"})
_HEAR = r"(?:hear|heard|hears|hearing|audible|audibly|overheard)"
_NOT_MUSIC = r"(?:sound|sounds|audio|noise|noises|soundtrack|track|anything|thing|nothing)"
HEARD = (
    cue(
        r"(?:is|are|was|gets) (?:\w+ )?(?:noisy|loud)|(?:hissing|whining|grinding|scraping|humming"
        r"|wailing) throughout",
        "audio",
        "",
        1.4,
    ),
    cue(
        r"(?:makes? up|fills?|dominates?|pierces|breaks) the (?:\w+ )?(?:audio|soundtrack|sound"
        r"|silence|air|clip)",
        "audio",
        "",
        1.6,
    ),
    cue(
        r"(?:someone|somebody|he|she|man|woman|person|child|boy|girl|they|people) (?:\w+ )?(?:coughs?|sneezes|chuckles?"
        r"|whistles|sobs|snores|sighs|giggles?|mutters|murmurs|hums|curses|swears|grunts)|(?:voice|voices) (?:\w+ )?"
        r"(?:rises?|rising|speaks?|calls?|shouts?|announces?|comments?|says|saying)",
        "audio",
        "",
        1.4,
    ),
    cue(
        r"(?<!what )(?<!that )(?:i|we|you|one|viewer|viewers|listener)(?: can| could| also| do| "
        r"clearly| then| distinctly| briefly| am| are)* (?:hear|heard|hearing)(?! (?:no|nothing|not"
        r"|only silence|silence|any|anything|absolutely|complete|the audio|:))",
        "audio",
        "",
        2.0,
    ),
    cue(
        rf"(?:{_ANY}|impact|hit|steps|traffic|chewing|breathing|talking|splash|something)(?: "
        rf"\w+){{0,8}} (?:is|are|was|were|can be|becomes?|being)(?: \w+)? (?:heard|audible)",
        "audio",
        "",
        2.0,
    ),
    cue(r"(?:is|are|was|were|can be) (?:\w+ )?(?:heard|audible)", "audio", "", 1.5),
    cue(
        rf"(?:loud|sharp|dull|heavy|faint|soft|metallic|deep|high pitched|low|muffled|hollow|distinct"
        rf"|clear|sudden|quiet|brief|crisp|shrill|wet|resounding|big|hard|solid|rhythmic|thunderous"
        rf"|distant|echoing|strong|short|harsh|single|upbeat|background|ambient|percussive|clean)(?: "
        rf"\w+)?(?: \w+)? (?:{_ANY}|noise|noises|sound|sounds|tones?|impact sound|effects?|conversation"
        rf"|chirps?|atmosphere)",
        "audio",
        "",
        1.6,
    ),
    cue(
        r"(?:the |a |an )?(?:\w+ )?(?:sounds?|noises?) (?:of|from|made by|like|when|as|resembling"
        r"|effects?|accompan\w+)(?! (?:is|are|was))",
        "audio",
        "",
        1.6,
    ),
    cue(rf"(?:a|an|the|with|by|and|of|some|no other) {_NOUN}", "audio", "", 1.0),
    cue(
        r"(?:ambient|background|room|street|crowd|traffic|wind|environmental|natural|engine|impact"
        r"|crashing|breaking|clattering|barking|scraping|rustling|splashing|mechanical|white|grinding"
        r"|buzzing|humming|street|indistinct) (?:noises?|sounds?|music|chatter|hum|hiss|ambience"
        r"|conversations?|audio|tone)",
        "audio",
        "",
        1.6,
    ),
    cue(
        r"(?:audio|soundtrack|sound track|sound|clip|track)(?: \w+)? (?:contains?|features?|consists?"
        r"|includes?|captures?|has|presents?|carries|begins with|starts with|opens with|comprises|is "
        r"dominated by|is composed of|mainly)(?! (?:of )?(?:no|nothing|only|silence|complete|total"
        r"|pure|been|not|neither|any|absolutely))",
        "audio",
        "",
        1.4,
    ),
    cue(
        r"(?:there is|there are|has|contains?|includes?|features?|with)(?: (?:definitely|clearly|some"
        r"|an?|the|also|clear|actual|audible|indeed))* (?:sound|sounds|audio|soundtrack|audio "
        r"track)(?! (?:delay|issue))",
        "audio",
        "muted",
        1.3,
    ),
    cue(
        r"(?:man|woman|person|people|someone|crowd|child|narrator|speaker|voice|voices|announcer|he"
        r"|she|boy|girl|host|male|female|commentator|dog|bird|birds|dogs)(?: \w+){0,2} (?:speaks"
        r"|speaking|talks|talking|says|saying|shouts|shouting|yells|yelling|screams|screaming|laughs"
        r"|laughing|sings|singing|barks|barking|chirping|narrates|narrating|whispering|cheering|gasps"
        r"|exclaims|groans|cries|crying)",
        "audio",
        "",
        1.3,
    ),
    cue(
        r"(?:engines?|people|tyres|tires|dogs?|birds|crowds?|sirens?|bells?|phones?|alarms?) (?:\w+ "
        r")?(?:roar|yell|screech|bark|sing|cheer|wail|rings?|ringing|rang|chirp|scream|laugh|honks?"
        r"|blares?)|what (?:i|you|we) (?:can )?hear (?:is|:|are)(?! (?:nothing|silence|no|absolutely))",
        "audio",
        "",
        1.5,
    ),
    cue(
        r"(?:audible|sound|audio|has sound|has audio|sounds?) (?::|=) (?:yes|true|present)|(?:melody"
        r"|song|tune|music|piano|guitar|track|jingle) (?:plays|playing|is playing|starts|begins)",
        "audio",
        "",
        1.8,
    ),
    cue(
        r"(?:thuds|bangs|crackles|clangs|clanks|booms|rings out|echoes|clatters|rattles|roars|rumbles"
        r"|hums|buzzes|squeaks|squeals|screeches|beeps|music plays|music playing|plays in the "
        r"background)",
        "audio",
        "",
        1.3,
    ),
)
_LIST = words.phrase(
    rf"(?:(?:a|an|the|some|loud|sharp|dull|heavy|faint|soft|metallic|big|then|and|,|followed by|two"
    rf"|three) )*(?:{_ANY}|noise|noises)(?: .*)?"
)
_EXCEPT = words.phrase(r"except|apart from|aside from|other than|besides|save for|but for|only|until|before|then|just")
_WOULD = words.phrase(
    r"would|looks? as (?:though|if)|as though|as if|seems? to be|suppose|would have|expect"
    r"|expected|expecting|imagine|presumably|probably|likely|suggests?"
    r"|suggesting|implies|implied|imply|should"
    r"|might|could|must have|no doubt made|appears to (?:make|produce)|typically|usually|if|one "
    r"would|assume|supposed|inferred?"
)
_DODGE = words.phrase(
    r"would|expect|expected|imagine|presumably|probably|likely|must have|must be|might include"
    r"|typical|suggests?|implies"
    r"|should (?:sound|make|be)|assume|infer|inferred|may be|might be|could be"
)
_YES = words.phrase(r"yes|yeah|yep|there is|there are|definitely|certainly|it does|it has")
_NO = words.phrase(
    r"no|nope|none|nothing|not at all|there is not|there is none|silence|silent|muted|it does not"
    r"|no sound|no audio|silent clip"
)


def read_existence(found: Sequence[Sentence]) -> Reading:
    """audio_described, muted, visual_only or unparsed."""
    said = [(i, one) for i, one in enumerate(found) if not one.asks]
    claims = [claim for i, one in said for claim in _claims(one, i)]
    final = final_from(said)
    if final is not None:
        claims = [claim for claim in claims if (claim.sentence, claim.first) >= final] or claims
    sounds = [claim for claim in claims if claim.label == "audio"]
    muted = [claim for claim in claims if claim.label == "muted"]
    loud, quiet = total(sounds), total(muted)
    if max(loud, quiet) < 0.9:
        return _without_claim(found, said)
    if quiet == 0 or loud >= 0.9 and _told_apart(found, sounds, muted):
        return quoted("audio_described", found, max(sounds, key=lambda claim: claim.weight).sentence)
    if loud < 0.9 or quiet >= 1.3 * loud:
        return quoted("muted", found, max(muted, key=lambda claim: claim.weight).sentence)
    if loud >= 2 * quiet:
        return quoted("audio_described", found, max(sounds, key=lambda claim: claim.weight).sentence)
    return Reading("unparsed")


def heard(said: Sequence[tuple[int, Sentence]]) -> bool:
    """Whether anything is said to have been heard."""
    return total([claim for i, one in said for claim in _claims(one, i) if claim.label == "audio"]) >= 0.9


def _claims(one: Sentence, number: int) -> list[Claim]:
    about_sound = [replace(claim, weight=min(claim.weight, 2.2)) for claim in find(one, number, SILENCE)]
    quiet = [claim for claim in about_sound if claim.label == "muted"]
    if EXCEPT.search(one.line) and words.HEARD_NAMES & {token.text for token in one.tokens}:
        quiet = [replace(claim, label="audio") for claim in quiet]
    quiet += [replace(claim, weight=1.0) for claim in about_sound if claim.label == "audio"]
    covered = {i for claim in quiet for i in range(claim.first, claim.last + 1)}
    sounds = []
    for claim in find(one, number, HEARD, False):
        if covered & set(range(claim.first, claim.last + 1)) or _only_imagined(one, claim):
            continue
        sounds.append(claim)
    return [*quiet, *sounds]


def _only_imagined(one: Sentence, claim: Claim) -> bool:
    before = one.line[: one.places[claim.first]]
    after = [token.text for token in one.tokens[claim.last + 1 : claim.last + 3]]
    if after[:1] in ([":"], ["="]) and after[1:] in (["none"], ["no"], ["nothing"], ["absent"]):
        return True
    cut = max((before.rfind(mark) for mark in (" but ", " ; ", " however ", " -- ")), default=-1)
    within = one.line[max(cut, 0) : one.places[claim.last]]
    real = [match.span() for match in words.REAL_AGAIN.finditer(within)]
    if {token.text for token in one.tokens[claim.last + 1 : claim.last + 4]} & {"would", "might", "must"}:
        return True
    return any(not any(a <= hit.start() < b for a, b in real) for hit in _WOULD.finditer(within))


def _told_apart(found: Sequence[Sentence], sounds: Sequence[Claim], muted: Sequence[Claim]) -> bool:
    """Whether the silence is only that of a part: "no sound except …", "silent until …", sound after silence."""
    for quiet in muted:
        for loud in sounds:
            if loud.sentence != quiet.sentence:
                continue
            line, places = found[quiet.sentence].line, found[quiet.sentence].places
            a, b = sorted((quiet.last, loud.first))
            if _EXCEPT.search(line[places[a] : places[b]] + " "):
                return True
    return False


def _without_claim(found: Sequence[Sentence], said: Sequence[tuple[int, Sentence]]) -> Reading:
    if not said:
        return Reading("unparsed")
    number, first = said[0]
    length = sum(len(one.tokens) for _, one in said)
    if length <= 8 and _NO.fullmatch(first.line):
        return quoted("muted", found, number)
    if length <= 8 and _YES.fullmatch(first.line):
        return quoted("audio_described", found, number)
    if length <= 25 and _LIST.fullmatch(first.line):
        return quoted("audio_described", found, number)
    if _fragments(said):
        return quoted("audio_described", found, number)
    if picture_only(said) or dodges(said):
        return quoted("visual_only", found, number)
    return Reading("unparsed")


def _fragments(said: Sequence[tuple[int, Sentence]]) -> bool:
    """Whether these are mere names of sounds: few words, a sound among them, and no sentence about anything."""
    texts = [token.text for _, one in said for token in one.tokens]
    sounds = words.HEARD_WORDS - words.AUDIO | {"strings", "choir"}
    told = len(set(texts) & sounds) >= 1 and not set(texts) & {"is", "are", "was", "not", "would", "can", "i", "does"}
    imagined = any(_WOULD.search(one.line) for _, one in said) or bool(set(texts) & words.PICTURE)
    return told and not imagined and len(texts) <= 20


def dodges(said: Sequence[tuple[int, Sentence]]) -> bool:
    texts = {token.text for _, one in said for token in one.tokens}
    told = texts & (words.SCENE | words.SOUNDS | words.MAYBE_SOUNDS | {"sounds", "noise"})
    return any(_DODGE.search(one.line) for _, one in said) and len(told) >= 1 and len(texts) >= 5
