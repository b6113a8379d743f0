"""The answer to "does the sound belong to the picture?"."""

from __future__ import annotations

from collections.abc import Sequence

from thud.evaluation.reading import words
from thud.evaluation.reading.claims import Claim, cue, find
from thud.evaluation.reading.existence import dodges, heard
from thud.evaluation.reading.silence import silence
from thud.evaluation.reading.sync import Reading, final_from, picture_only, quoted, total
from thud.evaluation.reading.text import Sentence

CUES = (
    cue(
        r"reflects?|mirrors?|complements?|accompan(?:y|ies)|represents? (?:the|what)|supports? (?:the"
        r"|what)",
        "match",
        "mismatched",
        1.2,
        1.8,
    ),
    cue(r"disconnect|disconnection|disjunction|disparity", "mismatched", "match", 1.6),
    cue(
        r"what (?:i|you|we|one) (?:hear|hears|see|sees) is what (?:i|you|we|one) (?:see|sees|hear|hears)"
        r"|(?:indeed|clearly|exactly|definitely|obviously|really|just) (?:the (?:sound|noise)|that) of"
        r"|go(?:es)? hand in hand",
        "match",
        "mismatched",
        1.5,
    ),
    cue(
        r"(?:is|was|are) not (?:\w+ly )?(?:indeed )?(?:the (?:sound|noise)|that) (?:of|such|that|a|an"
        r"|made)|is not what (?:i|you|we|is)"
        r"|different (?:stories|things|worlds|events|scenes|story)"
        r"|(?:but|yet|though|while|with|and|although) (?:there (?:is|are) |i see |we see |shows? |the "
        r"\w+ shows? )?no (?:\w+ ){1,3}"
        r"(?:in|on|is|are|visible|to be seen|can be seen)(?: \w+){0,2} (?:picture|video|screen|sight"
        r"|visible|frame|seen|image|scene|there|shown)"
        r"|nowhere to be seen|no (?:\w+ ){1,2}(?:in sight|to be seen|on screen|visible|in the picture"
        r"|in the video|in the scene)",
        "mismatched",
        "",
        1.8,
    ),
    cue(
        r"(?:the one|what|the sound|the noise|the kind of sound)(?: that)? (?:\w+ ){1,4}would (?:make"
        r"|produce|give|sound)"
        r"|does justice|(?:as|how|what) it (?:should|ought to)(?: be| sound)?|part of the (?:same|scene|picture)",
        "match",
        "mismatched",
        1.6,
    ),
    cue(
        r"makes? no sense|makes? little sense|no \w+ (?:makes?|sounds? like|ever sounds?|could make"
        r"|would make|produces?)",
        "mismatched",
        "",
        1.8,
    ),
    cue(r"match|matches|matched|matching|matches up|match up|good match|perfect match", "match", "mismatched", 2.0),
    cue(
        r"consistent|consistency|congruent|congruence|coherent|coheres?|compatible|concordant|in "
        r"keeping|in line|in agreement|aligns?|aligned|harmonious",
        "match",
        "mismatched",
        2.0,
    ),
    cue(
        r"corresponds?|correspondence|corresponding|agrees?|tally|tallies|pair well|pairs well"
        r"|fits?(?: together)?|fitting|suits?|goes? (?:\w+ )?with|go together|belongs?(?: together)?"
        r"|goes together",
        "match",
        "mismatched",
        1.8,
    ),
    cue(
        r"appropriate|suitable|apt|plausible|believable|credible|realistic|natural|authentic|genuine"
        r"|accurate|logical|sensible|convincing|original (?:audio|sound|recording)|real",
        "match",
        "mismatched",
        1.2,
    ),
    cue(
        r"(?:as|what|exactly what|just what|precisely what)(?: (?:one|you|i|we))?(?: would| might| is"
        r"| was)?(?: be)? (?:expect|expected|anticipated)|expected (?:sound|noise)|makes? sense"
        r"|(?:the )?same (?:event|source|scene|recording|clip)|comes? from the (?:same|visible|scene"
        r"|video|object|event|action)|expected",
        "match",
        "mismatched",
        1.4,
    ),
    cue(
        r"related(?= (?:to|$|and))|produced by|caused by (?:the )?(?:visible|action|event)|made by the"
        r"|true to",
        "match",
        "mismatched",
        1.2,
    ),
    cue(
        r"(?:come|comes|coming|came|be|is|originates?|stems?) from (?:this|that|the) (?!other)(?:\w+ "
        r")?\w+",
        "match",
        "mismatched",
        1.0,
        2.0,
    ),
    cue(
        r"(?:right|correct|proper|true|original|genuine|own) (?:sound|audio|soundtrack|noise|recording"
        r"|one|track)|one and the same(?: \w+)?|same (?:accident|incident|moment|action|situation"
        r"|place)",
        "match",
        "mismatched",
        1.5,
        2.0,
    ),
    cue(
        r"(?:belongs?|comes?|come|coming|taken|is|are|be|was|were|originates?|stems?|recorded"
        r"|sounds?)(?: (?!not|never)\w+)? (?:to|from|of|at|in|like) (?:some other|some different|another|a "
        r"different|something else|someone else|other|an entirely different|an unrelated|a completely "
        r"different|a totally different)(?: \w+)?",
        "mismatched",
        "match",
        2.2,
    ),
    cue(
        r"(?:some other|another|a different) (?:one|event|source|scene|video|clip|place|film"
        r"|recording)|recorded (?:somewhere|elsewhere|at (?:the|a)|in (?:the|a)|on (?:the|a))",
        "mismatched",
        "match",
        1.8,
    ),
    cue(r"in sync|synchroni[sz]ed|synced|line up|lines up", "match", "", 1.0),
    cue(
        r"mismatch|mismatched|mismatches|mismatching|inconsistent|inconsistency|incongruent"
        r"|incongruous|incongruity|incoherent|incompatible|contradict(?:s|ory)?|conflicts?|discordant"
        r"|misaligned(?= semantic)|clashes|clash|at odds|discrepancy|disagree|disagrees",
        "mismatched",
        "match",
        2.0,
    ),
    cue(
        r"unrelated|irrelevant|nothing to do with|disconnected|foreign to|bears? no (?:relation"
        r"|resemblance|connection)|no (?:relation|relationship|connection|resemblance|bearing)(?= "
        r"(?:to|with|between))|different (?:source|video|clip|scene|recording|event|material|object"
        r"|place)|another (?:source|video|clip|scene|recording|event|film)|somewhere else|somewhere "
        r"different|something else entirely|something else|from elsewhere",
        "mismatched",
        "match",
        2.0,
    ),
    cue(
        r"(?:over)?dubbed(?: over)?|dubbed in|overdub|replaced|swapped|substituted|superimposed"
        r"|overlaid|added in post|added afterwards|added later|spliced|stock sound|edited in|taken "
        r"from|lifted from|wrong (?:sound|audio|soundtrack|track|clip)|fake|altered|tampered",
        "mismatched",
        "match",
        1.7,
    ),
    cue(
        r"out of place|does not belong|odd|strange|strangely|weird|bizarre|unexpected|unexpectedly"
        r"|surprising|jarring|implausible|inappropriate|unnatural|unfitting|ill fitting|puzzling"
        r"|incorrect|unlike|wrong|off|artificial",
        "mismatched",
        "match",
        1.4,
    ),
)
_YES = words.phrase(r"yes|yeah|yep|yup|correct|indeed|absolutely|definitely|certainly|they do|it does|of course|true")
_NO = words.phrase(
    r"no|nope|not really|not quite|not at all|not exactly|they do not|it does not|false|negative"
    r"|definitely not|absolutely not|certainly not"
)


def read_consistency(found: Sequence[Sentence]) -> Reading:
    """match, mismatched, muted, visual_only or unparsed."""
    said = [(i, one) for i, one in enumerate(found) if not one.asks]
    claims: list[Claim] = [claim for i, one in said for claim in find(one, i, CUES)]
    claims = [claim for claim in claims if not _spatial(found, claim)]
    final = final_from(said)
    if final is not None:
        claims = [claim for claim in claims if (claim.sentence, claim.first) >= final] or claims
    good = [claim for claim in claims if claim.label == "match"]
    bad = [claim for claim in claims if claim.label == "mismatched"]
    quiet = silence(said)
    elsewhere = [claim for claim in claims if claim.sentence not in quiet]
    if quiet and total(elsewhere) < 1.9:
        return quoted("muted", found, quiet[0])
    if max(total(good), total(bad)) < 0.9:
        return _without_claim(found, said)
    if good and bad and all(claim.hedged for claim in claims):
        return Reading("unparsed")
    if total(good) >= 1.3 * total(bad):
        return quoted("match", found, max(good, key=lambda claim: claim.weight).sentence)
    if total(bad) >= 1.3 * total(good):
        return quoted("mismatched", found, max(bad, key=lambda claim: claim.weight).sentence)
    last = claims[-1]
    if last.weight >= 2.4:
        return quoted(last.label, found, last.sentence)
    return Reading("unparsed")


def _spatial(found: Sequence[Sentence], claim: Claim) -> bool:
    """Words that judge nothing here: "falls off the roof", "a strange man"."""
    tokens = found[claim.sentence].tokens
    word = tokens[claim.first].text
    after = tokens[claim.last + 1].text if claim.last + 1 < len(tokens) else ""
    before = tokens[claim.first - 1].text if claim.first else ""
    if word == "off":
        return before not in {
            "is",
            "are",
            "feels",
            "seems",
            "sounds",
            "very",
            "slightly",
            "quite",
            "completely",
            "clearly",
            "way",
            "bit",
        } or after in {"the", "a", "his", "her", "camera"}
    if word in {"fit", "fits", "natural", "real", "wrong", "odd", "strange"}:
        return after in {"man", "woman", "person", "place", "into", "light", "way", "time", "number"}
    return False


def _without_claim(found: Sequence[Sentence], said: Sequence[tuple[int, Sentence]]) -> Reading:
    if not said:
        return Reading("unparsed")
    number, first = said[0]
    if len(first.tokens) <= 6 and sum(len(one.tokens) for _, one in said) <= 40:
        if _NO.match(first.line):
            return quoted("mismatched", found, number)
        if _YES.match(first.line):
            return quoted("match", found, number)
    if picture_only(said) or (dodges(said) and not heard(said)):
        return quoted("visual_only", found, number)
    return Reading("unparsed")
