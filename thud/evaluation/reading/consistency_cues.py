"""Phrases that claim the sound belongs, or does not belong, to the picture. Only data."""

from __future__ import annotations

from thud.evaluation.reading import words
from thud.evaluation.reading.claims import cue

CUES = (
    cue(
        r"hear(?:s|d|ing)? (?:it|its|his|her|their) (?:break|crack|ring|land|splash|bounce|bark|steps)",
        "match",
        "",
        1.0,
    ),
    cue(
        r"reflects?|mirrors?|(?:reflected|mirrored|echoed)(?: \w+ly)? (?:by|in)|complements?|accompan(?:y|ies)"
        r"|represents? (?:the|what)|supports? (?:the|what)",
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
        r"|made)|is not what (?:i|you|we|is)|different (?:stories|things|worlds|events|scenes|story)"
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
        r"|fits?(?: together)?|fitting|suits?|go(?:es)? (?:\w+ )?with|go together|belongs?(?: together)?|goes together",
        "match",
        "mismatched",
        1.8,
    ),
    cue(
        r"plausibly|convincingly|realistically|naturally|appropriate|suitable|apt|plausible|believable|credible"
        r"|realistic|natural|authentic|genuine"
        r"|accurate|logical|sensible|convincing|original (?:audio|sound|recording)|real",
        "match",
        "mismatched",
        1.2,
    ),
    cue(
        r"(?:as|what|exactly what|just what|precisely what)(?: (?:one|you|i|we))?(?: would| might| is"
        r"| was)?(?: be)? (?:expect|expected|anticipated)|expected (?:sound|noise)|makes? sense"
        r"|makes? (?:perfect|complete|good|total) sense|tells? (?:the |one )(?:and the )?"
        r"(?:same )?(?:\w+ )?story|that is (?:exactly |just |also |precisely )?what (?:i|we|you|one) (?:hears?"
        r"|sees?)(?! (?:from|about|of))"
        r"|(?:the )?same (?:event|source|scene|recording|clip)|comes? from the (?:same|visible|scene"
        r"|video|object|event|action)|expected",
        "match",
        "mismatched",
        1.4,
    ),
    cue(
        r"related(?= (?:to|:|and)|$)|produced by|caused by (?:the )?(?:visible|action|event)|made by the|true to",
        "match",
        "mismatched",
        1.2,
    ),
    cue(
        r"(?:come|comes|coming|came|be|is|originates?|stems?) from (?:this|that|the) (?!other)(?:\w+ )?\w+",
        "match",
        "mismatched",
        1.0,
        2.0,
    ),
    cue(
        r"(?:right|correct|proper|true|original|genuine|own) (?:sound|audio|soundtrack|noise|recording"
        r"|one|track)|one and the same(?: \w+)?|same (?:accident|incident|moment|action|situation|place)",
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
    cue(
        r"what(?: \w+){1,3} (?:hear|hears|heard|see|sees|seen|shown|audible) (?:is|are) (?:exactly |precisely "
        r"|just )?what(?: \w+){1,4}"
        r"|(?:what|the noise|the sound)(?: that)? (?:you|one|we|i) (?:would|might|could) (?:get|hear|expect) (?:from"
        r"|of|for|with|in)"
        r"|what (?:a|an|such|the) (?:\w+ ){1,3}sounds? like|explained by|(?:we|you|i) hear (?:is"
        r"|are) (?:\w+ly )?the(?: \w+){1,3} (?:we|you|i) see|(?:way|how) (?:a|an|the|such)(?: \w+){1,4} (?:would"
        r"|should|does|sounds?)"
        r"|(?:exactly|precisely|just) the (?:kind of |sort of )?(?:noise|sound)(?: \w+){1,4}"
        r"|(?:noise|sound)(?: that)? (?:such|a|an)(?: \w+){1,3} (?:makes?|produces?|gives?|would (?:make|produce|give))"
        r"|(?:is|are) (?:\w+ly )?(?:that|those) of the (?:\S+ ){1,6}(?:in the|shown|on|seen|visible|we|you|i|as)"
        r"|source of (?:the |this |that )"
        r"?(?:sound|noise|audio|bang|thud|crash)(?: \w+ly)? (?:is|was|lies)(?! not)|is (?:his|hers|theirs|its own)"
        r"|just right|(?:right|correct|proper) (?:for|one for)|as it (?:should|ought to)",
        "match",
        "mismatched",
        1.6,
    ),
    cue(
        r"(?:go|goes|going) (?:\w+ )?(?:well|together|hand in hand)(?: with| together)?|(?:checks?|bears?) out"
        r"|adds? up|rings? true"
        r"|holds? up|holds? water|are a pair|paired|(?:is|are) (?:\w+ )?(?:the )?same(?= (?:with|as|thing|one|sound)"
        r"|$)|same thing"
        r"|shares? (?:a|the|one|their|its)(?: \w+)? (?:source|origin)|(?:in common|to do with)"
        r"|(?:something|anything|much) (?:\w+ ){0,3}to do with|reconciled?|form a (?:unit|unity|whole)"
        r"|what (?:\S+ ){1,5}expect|(?:sound|audio|soundtrack|noise|it) is (?:the )?(?:original|genuine|authentic)"
        r"|bearing on|resembles?|resemblance",
        "match",
        "mismatched",
        1.8,
    ),
    cue(
        r"(?:explains?|explaining|accounts? for) (?:the |this |that |these |what )?(?:\w+ )?(?:noise|sound|sounds"
        r"|bang|thud|crash|it|hear)"
        r"|attributable to|attributed to|(?:traced|tied|linked|connected|related|ascribed|assigned|relate|connect"
        r"|link|tie)"
        r"(?: \w+){0,3}? (?:back )?(?:to|with)|(?:stems?|results?|arises?|emanates?|coming|issues?) from|(?:emitted"
        r"|generated"
        r"|created|given off) by|(?:link|connection|relation|relationship|tie|association|bond|agreement"
        r"|harmony) (?:between|with|to)",
        "match",
        "mismatched",
        1.4,
        2.0,
    ),
    cue(
        r"contradictions?|contradict|contradicting|conflict|conflicting|clashing|speaks? against|argues? against"
        r"|variance|contrast"
        r"|(?:two|entirely|completely|totally|very|wholly) (?:\w+ )?different(?: \w+)?|(?:worlds|poles|miles) apart"
        r"|separate (?:things"
        r"|events|sources|worlds)|diverge|diverges|do(?:es)? not add up|can not be right|nonsensical|absurd",
        "mismatched",
        "match",
        2.0,
    ),
    cue(
        r"alien|out of (?:character|keeping|context|tune with)|different (?:\w+ )?(?:sources|videos|clips|scenes"
        r"|recordings|events|takes|places|films)|suspicious|suspect|borrowed|imported|transplanted|pasted|grafted"
        r"|stray|unconnected|unlinked"
        r"|divorced from|detached"
        r"|(?:someone|somebody|they|editor|was|been|is) (?:has |have |had |simply |deliberately )?(?:swapped|replaced"
        r"|changed|switched"
        r"|exchanged)|foreign|mixed up|swap|replacement|dub|substitution|(?:belongs?|comes?|is) (?:to |from )?elsewhere"
        r"|other (?:video|clip|film|source|recording|scene|event)|not (?:from|of) (?:the )?same (?:\w+)"
        r"|different from (?:what|the)",
        "mismatched",
        "match",
        1.8,
    ),
)
_ONE = r"(?:i|we|you|one)"
_SOUND = r"(?:sound|audio|noise|soundtrack|it|this|that|they|what (?:i|we|you) hear)"
FIRM = (
    (
        words.phrase(
            rf"expect(?:ed|ing)? (?:\S+ ){{1,9}}instead|{_ONE} (?:only |just |can )?(?:hear|heard"
            rf"|get) (?:\S+ ){{1,7}}instead"
            rf"|instead of (?:a|an|the|its|any) (?:\w+ ){{1,3}}?,? ?{_ONE} (?:only |just |can )?(?:hear|heard|get)"
            rf"|instead ,? ?(?:{_ONE} (?:only |just |can )?(?:hear|heard|get)|there is|comes|a \w+ is heard)"
            rf"|{_SOUND}(?: \w+)? (?:is|are|does|do|can|could) not (?:\w+ )?(?:come |stem |originate |be "
            rf"|heard )?from (?:what"
            rf"|anything|any object|any thing|the thing|the object) (?:{_ONE} see|(?:that )?(?:is )?(?:seen"
            rf"|shown|visible"
            rf"|on screen|in view|in the \w+))"
            r"|(?:hardly|not|barely|scarcely) what (?:such |a |the |this |an )*(?:\w+ ){1,3}(?:would |should "
            r"|does )?sounds? like"
            r"|(?:relation|relationship|connection|link|correspondence|agreement) (?::|=|--) (?:none|no|nil"
            r"|absent|zero)"
            r"|(?:sound|audio|soundtrack) is that of (?:\S+ ){1,5}instead"
        ),
        "mismatched",
    ),
    (
        words.phrase(
            r"(?:would|should|might|could) (?:\w+ )?(?:expect|be|hear|have been|make|sound)(?: \S+){0,12}? ,? ?(?:but"
            r"|yet|however|instead)"
            r"(?! (?:it is|that is) (?:fine|close))"
            r"|where (?:a|an|the|one|you|there)(?: \w+){0,4} should|instead of (?:the |a |an "
            r"|any )?(?:\w+ ){0,3}?(?:sound|noise|thud"
            r"|bang|splash|crash|expected|impact|crunch|smack|shatter\w*|bark\w*|voice|voices|crack|thump|clang"
            r"|break\w*)"
            r"|in (?:its|their) (?:place|stead)|(?:nothing|no object|no one|nobody|no \w+)(?: \w+)? (?:on screen"
            r"|in the (?:video|picture"
            r"|image|scene|frame|clip|shot|footage)|in (?:view|sight|shot)|visible|shown"
            r"|to be seen)(?: \w+)? (?:could|would|can|makes"
            r"|explains|accounts|corresponds|that|which|, (?:yet|but|and))"
            r"|(?:but|yet|though|although|while) (?:there is )?(?:nothing|nobody|no one|no \w+)(?: \S+){1,5} (?:in"
            r"|on) (?:the |this )?(?:video"
            r"|picture|screen|image|scene|footage|clip|frame|shot)|is not (?:the|a|an|that of"
            r"|from)(?! (?:another|some other|a different|different|elsewhere))"
            r" (?:\S+ ){1,6}but"
            r"|(?:nothing|little) (?:\w+ ){0,3}to do with|(?:we|you|i) hear (?:is|are) not the(?: \w+){1,4}|(?:laid"
            r"|layered|put|pasted|dubbed|edited|mixed) (?:\S+ ){1,6}over"
            r"|(?:but|yet|though|while|whereas) (?:there is |i see |we see |you see |the \w+ shows )?(?:only|just"
            r"|merely) (?:a|an|the|some) \w+|(?:poor|bad|terrible|awkward|odd|weak|wrong) (?:fit|match|pairing)"
            r"|source of (?:the |this "
            r"|that )?(?:sound|noise|audio)"
            r" (?:is not|can not|could not|was not)(?: \w+)?|(?:even though|although|whereas|despite the fact that"
            r"|though) (?:the|what)"
            r" (?:\S+ ){0,3}?(?:on screen|in the (?:video|picture|clip)|video|picture|we see|shown"
            r"|visible)(?: \S+){0,3} (?:is|are|shows?)"
            r"|whatever (?:\S+ ){1,6}(?:is not|was not|did not|does not)(?: \w+)?"
            r"|(?:made|makes|caused|causing|producing|produced) (?:that|this|the|such a) (?:noise"
            r"|sound)(?: \w+)? (?:is not|is nowhere)"
            r"|not how (?:a|an|the|it|that|such)(?: \w+){0,4}|anything but (?:what|the (?:sound|noise))"
            r"|no (?:\w+ ){1,2}(?:ever )?(?:makes?|sounds?|produces?) (?:a |an |like |such |this |that )?(?:\w+)?"
        ),
        "mismatched",
    ),
)
