"""Responses in which the model says that it cannot do what is asked."""

from __future__ import annotations

from collections.abc import Sequence

from thud.evaluation.reading import words
from thud.evaluation.reading.text import Sentence

_MEDIA = (
    r"(?:audio|sound|sounds|audios|soundtrack|video|videos|clip|clips|file|files|media|multimedia"
    r"|attachments?|recording|footage|content|audio video|(?:audio|video|sound) \w+)"
)
_DO = (
    r"(?:hear|listen to|listen|process|access|analyze|analyse|play|perceive|view|watch|open"
    r"|evaluate|receive|handle|interpret|assist|help|comply|hear or|examine|directly \w+|provide"
    r"|fulfill|answer|do|load|see or hear|watch or)"
)
_SELF = r"(?:i|we|this model|my|me|the model)"
_REFUSES = words.phrase(
    rf"(?:{_SELF} )(?:\w+ )?(?:can|could|am|are|do|does|was|have|will)(?: \w+)? not (?:\w+ "
    rf"){{0,2}}(?:able to |capable of |have the (?:ability|capability|capacity|means|tools) to "
    rf")?(?!(?<=do not )(?:hear|see|perceive)){_DO}(?:ing)?(?: \w+){{0,4}} {_MEDIA}"
    rf"|(?:{_SELF} )?(?:\w+ )?(?:unable|not able|incapable|not equipped|not designed|not capable"
    rf"|not built|not possible)(?: for me)? (?:to|of) (?:\w+ly )?{_DO}(?:ing)?(?: \w+){{0,4}} "
    rf"{_MEDIA}"
    rf"|(?:i )?(?:can|do|am|could|will) not (?:\w+ )?(?:assist|help|comply|fulfill|provide|answer)(?: \w+){{0,6}}"
    rf"|(?:unable|not able) to (?:assist|help|comply|fulfill|answer|provide)(?: \w+){{0,6}}"
    r"|as (?:an? )?(?:ai|a i|artificial intelligence|large|language|text|text based|vision|multimodal)(?: \w+){0,5}"
    r"|i am (?:just |only |merely )?(?:an? )?(?:ai|text|language|large language|vision|text based"
    r"|vision only)(?: \w+){0,3} (?:model|assistant)(?: \w+){0,4}"
    r"|(?:i )?(?:do|does) not have (?:the |any )?(?:ability|capability|capabilities|capacity"
    r"|access|means|audio|auditory|hearing|ears)(?: \w+){0,5}"
    r"|(?:i )?(?:lack|without) (?:the |any )?(?:ability|capability|capacity|access|hearing|audio "
    r"(?:capabilit\w+|processing|input))(?: \w+){0,4}"
    r"|i have no (?:access|ability|way|means|capability|ears|audio input)(?: \w+){0,5}|no access "
    r"to (?:the |any )?(?:audio|sound|video)"
    r"|(?:only|just) (?:see|view|have access to|process|analyze|given|received|provided with|been "
    r"given|been provided with|work with|have) (?:the |a few |some |static |still |visual "
    r"|individual |text |sampled )*(?:frames|images|text|visuals|visual content|stills|pictures"
    r"|transcript)(?: \w+){0,3}"
    r"|(?:can not|not able to|unable to) (?:hear|listen)(?: to)?(?: the| this| your| actual)? "
    r"(?:audio|sound|sounds|clip|video|files?|recordings?|soundtrack)"
    r"|(?:no|not any) (?:video|clip|file|media|attachment|audio file|audio or video|video or "
    r"audio)(?: \w+){0,2} (?:was|were|has been|is|are) (?:\w+ )?(?:attached|provided|uploaded"
    r"|included|shared|given|supplied)"
    r"|(?:not|did not|do not) (?:\w+ )?(?:see|received?|find) (?:any|a|the) (?:video|clip"
    r"|attachment|file|media)(?: \w+)?"
    r"|(?:model|system|assistant|i|tool) do(?:es)? not (?:\w+ )?(?:support|process|accept|handle"
    r"|take|receive|have) (?:\w+ )?(?:audio|sound|hearing|ears)(?: \w+)?"
    r"|(?:capabilit\w+|abilit\w+|access|tools?|inputs?|i am|perception)(?: \w+){0,3} (?:limited"
    r"|restricted|confined)(?: \w+){0,5}"
    r"|not (?:\w+ ){0,3}(?:given|granted|equipped with|provided with) (?:the |any )?(?:capability"
    r"|ability|access|means|ears)(?: \w+){0,4}"
    r"|(?:audio|sound|hearing|listening) is not (?:something|anything|a \w+)(?: that)? i(?: "
    r"\w+){0,5}|only (?:let|allow|permit|enable)s? me(?: \w+){0,4}"
    r"|can not be (?:answered|done|judged|heard) by me|i can not (?:comment|listen|hear)(?= (?:on"
    r"|to|,|so|and|at all)|$)(?: \w+){0,4}"
    r"|audio (?:processing|input|perception|analysis) is (?:not|un)(?: )?(?:supported|available)"
    r"|(?:blind|deaf) to (?:the |this |any )?(?:audio|sound|sounds|clip|soundtrack)|i am deaf"
    r"|(?:beyond|outside) (?:of )?my (?:\w+ )?(?:abilities|capabilities|means|powers|scope|reach)"
    r"|(?:only|just) (?:handed|given|shown|fed|process|receive|get|see) (?:the |a few |some "
    r"|still )*(?:pictures|images|frames|text)(?: only)?"
    r"|hidden from me|(?:process|see|receive|handle|read) (?:pictures|images|text|frames) only"
    r"|among my inputs|not part of what i can"
    r"|i have no (?:hearing|sense of hearing|audio)|not something(?: that)? i (?:can|am able "
    r"to)(?: \w+){0,4}|for me to (?:hear|listen)"
    r"|(?:audio|sound|soundtrack) is (?:not (?:available|accessible|perceptible)|unavailable"
    r"|inaccessible) (?:to|for) me"
    r"|i (?:am |can )?only (?:able to |capable of )?(?:see|view|seeing|viewing|work with) (?:the "
    r")?(?:frames|images|pictures|visuals|video frames)"
    r"|(?:i )?must decline|i have to decline|i would rather not|i decline|i refuse"
)
_SENSE = (
    r"(?:audio|sound|sounds|soundtrack|hearing|listening|acoustics?|acoustic information|it|that|this|which|stream)"
)
_IMAGES = (
    r"(?:frames|images|text|visuals|stills|pictures|screenshots|snapshots|still images|still frames|video frames"
    r"|image data"
    r"|(?:visual|video|image|picture|pictorial) (?:stream|track|channel|part|data|information|input|inputs|side|feed"
    r"|content"
    r"|component|frames))"
)
_WITHOUT = words.phrase(
    rf"{_SENSE}(?: \w+){{0,3}} (?:is|are|lies|lie|stays?|remains?|falls?|sits?)(?: \w+){{0,2}} (?:out of|outside|beyond"
    rf"|not within|not among|not part of|not in|not one of)(?: of)? (?:my|our|the scope|what (?:i|we|this)|anything i"
    rf"|this)"
    rf"(?: \w+){{0,5}}"
    rf"|(?:beyond|outside|outside of|exceeds?) (?:what|anything|the things)(?: that)? (?:i|we|this \w+) (?:can|am|may"
    rf"|could)"
    rf"(?: \w+){{0,4}}"
    rf"|{_SENSE}(?: \w+)? (?:can|could|may) not be (?:\w+ )?(?:processed|handled|analy[sz]ed|played|heard|evaluated"
    rf"|accessed"
    rf"|interpreted|perceived|examined|judged) (?:by|in|with) (?:me|us|this|my|the)(?: \w+)?"
    rf"|no (?:audio|sound)(?: \w+)? can be (?:processed|handled|analy[sz]ed|played|heard|accessed|perceived) by (?:me"
    rf"|us|this)"
    rf"(?: \w+)?|{_SENSE} (?:is|are) (?:something|a thing|one thing|things)(?: that)? (?:i|we) (?:can not|am not"
    rf"|am unable"
    rf"|lack|have no|do not|will not)(?: \w+){{0,4}}"
    rf"|(?:something|anything) (?:that )?i am not (?:able|equipped|designed|built)(?: \w+){{0,3}}"
    rf"|(?:only|just|merely|nothing but|solely)(?: \w+)? {_IMAGES} (?:are|were|is|was|have been"
    rf"|has been)(?: \w+)? (?:visible"
    rf"|given|available|passed|sent|shown|provided|accessible|supplied|handed)(?: to| on to)? (?:me|us|this model)"
    rf"|(?:receive|see|get|have|given|process|works?(?: only)? with|handle|handles|sees|receives)(?: \w+){{0,2}}"
    rf" (?:(?:text|images) and )?{_IMAGES} (?:and nothing (?:else|more)|only|alone|and no (?:audio|sound))"
    rf"|(?:assistant|model|system|tool|i) (?:only |just )?works? (?:only )?with (?:text|images|pictures"
    rf"|frames)(?: and \w+)?(?: only)?"
    rf"|(?:audio|sound|video)(?: (?:modality|inputs?|streams?|files?|processing|data|content))?(?: is"
    rf"| are)? (?:not|un) ?"
    rf"supported(?: by(?: \w+){{0,2}})?|(?:model|system|assistant) (?:can|could|is|was) (?:not|unable to) (?:able to )?"
    rf"(?:process|hear|access|listen)(?: \w+){{0,4}}|^(?:can not|could not|unable to|failed to) (?:process"
    rf"|access|decode)"
    rf" (?:the )?(?:audio|sound)(?: \w+)?|no (?:audio|sound) (?:input|access|modality|data|stream)(?: is"
    rf"| was)? ?(?:available"
    rf"|accessible|provided|given|supported) (?:to|for) (?:me|the model|this model|us)|(?:see|view|look at"
    rf"|watch|seeing)"
    rf" (?:\S+ ){{1,5}}(?:and|but) not (?:able )?to (?:hear|listen to) (?:its|the|this|any) (?:\w+ )?(?:audio|sounds?"
    rf"|soundtrack|track)"
    rf"|(?:only|just) (?:have access to|have|see|get|received?|given|process) (?:the |a |some )?{_IMAGES}"
    rf"|(?:audio|sound|soundtrack)(?: stream| track| signal| data| part| input| channel)? (?:is|was|are|were|has been"
    rf"|gets)"
    rf" (?:not|never) (?:\w+ )?(?:passed|sent|given|forwarded|made available|supplied|delivered|supported|transmitted"
    rf"|fed"
    rf"|part of my|accessible|shared with|handed)(?: \w+){{0,3}}"
    rf"|(?:capabilit\w+|abilit\w+|skills|senses|modalities|inputs?|perception)(?: \w+)? (?:do|does|are"
    rf"|is) not (?:\w+ ){{0,2}}"
    rf"(?:extend|include|cover|comprise|reach|encompass|audio)(?: \w+){{0,3}}"
    rf"|i (?:only |just )?(?:have|possess) (?:only |just )?(?:eyes|the latter|vision)|i have no (?:way|possibility"
    rf"|means) (?:of"
    rf"|to) (?:\w+ )?(?:listen|hear|play|access)\w*"
    rf"|not (?:possible|feasible|doable) for (?:me|us|this model)(?: \w+)?|(?:i|we) can not do (?:that|this|so)"
)
_POLICY = words.phrase(
    r"(?:violates?|against|breach(?:es)?|conflicts? with|contrary to|break|prohibited by|forbidden by|not in line with)"
    r" (?:my |our |the |usage |content |safety )*(?:guidelines?|polic(?:y|ies)|rules|terms|principles|instructions"
    r"|safety)"
    r"|(?:not|unable|never) (?:be )?(?:allowed|permitted|authori[sz]ed|supposed|willing|comfortable"
    r"|in a position)(?: to| with)?"
    r" (?:\w+ ){0,2}(?:help|answer|analy[sz]e|describ\w+|do|assist\w*|comment|discuss|process|respond|engag\w+"
    r"|provide|judge)"
    r"(?: \w+){0,4}|(?:i|we) (?:am|are) not going to (?:help|answer|analy[sz]e|describe|do|assist|discuss"
    r"|respond)(?: \w+){0,3}"
    r"|(?:i|we) will not (?:be )?(?:answering|describing|analy[sz]ing|helping|assisting|doing|answer|describe"
    r"|analy[sz]e|discuss"
    r"|engage|respond|assist|help|judge)(?: (?!as)\w+){0,4}|what i am (?:permitted|allowed) to(?: \w+)?"
    r"|(?:refrain|abstain|desist) from (?:\w+ )?(?:giving|making|answering|judging|guessing|commenting|an? \w+)"
    r"|would be (?:an invention|a fabrication|fabricated|invented|made up)"
    r"|(?:can|could|will|do) not (?:fulfil|engage with|continue with|proceed with|complete|honou?r|satisfy|accept)"
    r"(?: with)? (?:this|that|the|your)(?: \w+){0,3}|request (?:is|was|has been|must be) (?:declined|denied|refused"
    r"|rejected)"
)
_NO_SOUND = words.phrase(
    r"(?:contains?|(?<!i )has|(?<!i )have|with|there is|is|includes?) no (?:\w+ )?(?:sound|audio)(?! (?:input|access"
    r"|capab\w+))"
    r"|without (?:any )?(?:sound|audio)(?! (?:input|access|capab\w+))|lacks? (?:any |an )?(?:sound|audio)(?: track"
    r"| stream)?$"
    r"|(?:hear|hearing|detect|perceive) (?:any|anything|nothing)|there is no (?:\w+ )?(?:sound|audio)|is "
    r"silent|completely silent|hear one"
)
_SELF_TOLD = words.phrase(
    r"as an? (?:\w+ )?(?:\w+ )?(?:ai|model|assistant)|as a (?:\w+ )?(?:\w+ )?(?:model|assistant|ai)"
    r"|language model|i do not have (?:the |any )?(?:ability|capability|access|ears|hearing)|text based|i lack"
    r"|as a model|among my inputs|only (?:see|have access to|process|analyze)"
)
_SOFT = words.phrase(r"as (?:an? )?(?:ai|large|language|text|vision|multimodal)(?: \w+){0,5}")


def refusal(said: Sequence[tuple[int, Sentence]]) -> int | None:
    """Number of the sentence in which the model says that it cannot listen, watch or answer; None where none does."""
    for i, one in said:
        if _WITHOUT.search(one.line) or _POLICY.search(one.line):
            return i
        match = _REFUSES.search(one.line)
        if match is None:
            continue
        if _NO_SOUND.search(one.line) and not _SELF_TOLD.search(one.line):
            continue
        if _SOFT.fullmatch(match[0]) and not _unable(one, said):
            continue
        return i
    return None


_UNABLE = words.phrase(r"not|unable|no|lack|without|only|cannot|limited|incapable")


def _unable(one: Sentence, said: Sequence[tuple[int, Sentence]]) -> bool:
    if not words.phrase(r"ai|model|assistant").search(one.line):
        return False
    return bool(_UNABLE.search(one.line))
