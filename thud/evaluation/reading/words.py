"""Words and phrases, by what they say. Only data: no reading is done here.

Patterns are searched in `Sentence.line` (lower case, one blank between words, contractions and joining hyphens taken
apart) and are bounded by blanks on both sides.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

from thud.evaluation.reading.needles import Phrase


@cache
def phrase(pattern: str) -> Phrase:
    """A pattern that begins and ends at a word's edge."""
    return Phrase(rf"(?<!\S)(?:{pattern})(?!\S)")


def bag(text: str) -> frozenset[str]:
    """The words of a text."""
    return frozenset(text.split())


def any_of(words: Iterable[str]) -> str:
    """One group of alternatives, longest first."""
    return "(?:" + "|".join(sorted(words, key=len, reverse=True)) + ")"


# Who is spoken of ------------------------------------------------------------------------------------------------
AUDIO = bag(
    "sound sounds audio soundtrack heard hear hears hearing audible audibly acoustic noise "
    "noises auditory sonic"
    " ear ears soundwave listen listening sfx foley"
)
SOUNDS = bag(
    "thud thuds bang bangs smack smacks thump thumps clank boom pop snap crack clatter "
    "clattering clang whack thwack"
    " crunch crunching click clap clapping screech squeal squeak bark barks barking voice voices speech dialogue music"
    " scream screams shout shouts laughter laugh gunshot report ring ringing beep loud clunk rattle rattling hiss"
    " sizzle whoosh whistle roar rumble thunk thunder chime jingle tap tapping crackle narration singing song cheer"
    " cheering applause murmur chatter meow chirping siren horn engine bass words vocals vocal splat slam crashing"
    " shatter shattering hum buzz buzzing growl moan groan gasp yell yelling squelch creak drum beat tone footsteps"
    " wind static crackling hissing whining wailing grinding crickets chuckle chuckles giggle "
    "giggling whirring thumping cough coughs coughing sneeze"
    " clink clinking jingling sobbing snoring honk honking beeping ticking gurgle fizz whispers whispering humming"
    " rustle rustling swish swoosh twang plop pings ping chirp chirps mooing neigh roaring howling howl drone purr"
    " clunking banging pounding slamming squawk gunfire strings choir melody rattles scrunch knocking clonk clop"
)
MAYBE_SOUNDS = bag("crash crashes splash splashing slap knock explosion blast scrape scraping")
PICTURE = bag(
    "visual visually visuals visible visibly seen see sees seeing sight picture pictures image "
    "images video screen"
    " frame frames footage shown shows show showing watch pictured onscreen lips lip mouth imagery vision pictorial"
    " view eyes look"
)
EVENTS = bag(
    "impact impacts action event motion movement contact hit collision strike landing fall "
    "moment gesture hammer"
    " movements lands hits falls strikes touches swing jump object"
)

# Scope -----------------------------------------------------------------------------------------------------------
NEGATORS = bag(
    "not no never neither nor without hardly barely scarcely none nothing lacks lack lacking "
    "fails fail failed failing"
    " nobody noone cannot absence devoid rarely unlikely zero non mis isnt nowhere free lost loses lose seldom little"
    " doubt doubts doubtful"
)
SHORT_REACH = dict.fromkeys(bag("fails fail failed failing free zero lost loses lose little lack lacks lacking"), 3)
SHORT_REACH |= {"no": 6, "none": 4, "nothing": 9}
NOT_NEGATING = phrase(
    r"not only|no doubt|no question|without (?:a |any )?(?:doubt|question)|no wonder|not just|not to mention|a little"
    r"|no matter|no shortage of|no lack of|no mistaking|not (?:\w+ ){0,4}(?:until|till)|no less"
    r"|not necessarily because|whether or not|little by little|free fall|loses? (?:his|her|its"
    r"|their|the)"
    r"|lost (?:his|her|its|their|the)|fails? to (?:land|make|catch|clear|stop)|failed (?:\w+ )?(?:attempt|\w*flip|jump)"
)
LONG_NEGATORS = phrase(
    r"far from|anything but|rather than|instead of|as opposed to|nowhere near|no longer|free of|free from|in no way"
    r"|stretch to|difficult to call|hard to call|hesitate to|not (?:go|going) (?:as|so) far as|rule out|ruled out"
    r"|rules out|by no "
    r"means|opposite of|(?:wrong|incorrect|mistaken|inaccurate|misleading|false|untrue|unfair|a mistake|an error"
    r"|absurd) to"
    r" (?:\w+ )?(?:say|claim|think|call|describe|speak|consider|conclude|label|suggest|assume|regard|believe|argue"
    r"|state)"
    r"|(?:hard|difficult|impossible|tough) to (?:see|believe|fathom|conceive|reconcile|understand|accept|imagine)"
    r" (?:how|that|why)|not true that|not the case that|it is false that|no evidence|no "
    r"sign|no signs|no indication|no hint|no trace|no suggestion|no reason|not (?:\w+ ){0,3}reason to|not any (?:sign"
    r"|evidence|indication|hint)|short of|too \w+ (?:for \w+ )?to"
)
EDGES = frozenset({",", ";", ":", "--", "(", ")", "but", "however", "while", "whereas", "although", "though", "so"})
EDGES |= {
    "because",
    "except",
    "besides",
    "apart",
    "aside",
    "since",
    "yet",
    "which",
    "therefore",
    "thus",
    "hence",
    "if",
    "?",
}
LISTING = bag(
    "or nor and any even other audible noticeable obvious apparent visible significant "
    "perceptible clear major real"
    " detectable discernible evident audio video sound time timing temporal sync signs sign of perceivable much"
)
UNKNOWN = phrase(
    r"who knows|no idea|can not decide|undecided|anyone s guess|(?:do|does|did) not know|can not (?:really |quite "
    r"|reliably )?tell(?! (?:them|you|which|who|how|the|by|in which))"
)
ASKED = bag("say choose answer reply respond select decide pick describe determine judge state tell indicate classify")
UNREAL = phrase(
    r"let(?: us| me)? (?:look|check|see|analy[sz]e|examine|listen|compare|watch|start|go|find|consider|begin|take)|"
    r"if|whether|nothing to|can not (?:comment|speak)|considered|guessed|assumed|wondered|should"
    r"|should have|would need|would have to|would have been|needs? to be|need to"
    r"|would|supposed to|ought to"
    r"|were it|as if|as though|in order to|would expect|you would expect|one would expect|expected to|to determine"
    r"|to check|to verify|to assess|to judge|to evaluate|to tell|question of|asked|asks|hard to "
    r"say|imagine|ideally|normally"
    r"|typically|usually|unclear|uncertain|not sure|unsure|not certain|can not (?:determine|verify"
    r"|confirm|assess|judge|say (?:if|whether)|say with)|can not be (?:determined|verified"
    r"|confirmed|assessed|judged|evaluated|established)"
    r"|unable to (?:determine|verify|confirm|assess|judge|tell)"
)
REAL_AGAIN = phrase(
    r"nothing (?:\w+ )?(?:that|which) would (?:\w+ )?(?:point|suggest|indicate|hint|speak|contradict|argue|imply)|"
    r"would (?:\w+ )?be (?:perceived|considered|read|regarded|heard|judged|called|described|classified)"
    r"|(?:nobody|no one|anyone|anybody|everyone|most|few|hardly anyone|you|one) would (?:\w+ )?(?:say|call|describe"
    r"|judge"
    r"|consider|rate)|(?:hard|difficult|impossible|tough) to imagine (?:how|that|why)"
    r"|(?:i|we) would (?:\w+ )?(?:say|call|describe|judge|conclude|classify|rate|consider"
    r"|characterize|characterise|put|go|answer|argue|pick|choose|opt|vote|lean|guess)|as if nothing|if anything"
    r"|even if|would be "
    r"(?:wrong|incorrect|a stretch|hard|difficult) to|would rule out|if you (?:look|listen|watch)"
)
HEDGED = phrase(r"could|might|may|perhaps|maybe|(?<!not )possibly|potentially")
HEARD_WORDS = AUDIO | (
    SOUNDS
    - bag("drum horn engine bass siren song beat wind ring words tone static report tap snap pop click choir strings")
)
HEARD_NAMES = SOUNDS | MAYBE_SOUNDS | {"noise", "footstep", "sounds", "breathing"}
CONCEDED = phrase(
    r"at first|at first glance|initially|on first|might seem|may seem|might appear|may appear|might think|could think"
    r"|although|though|even though|despite|in spite of|admittedly|granted|seemingly|one might|you might"
)
TURNS = phrase(
    r"but|however|yet|nevertheless|nonetheless|on closer (?:inspection|look|listening|viewing)|in fact|actually|still"
)
CONCLUDES = phrase(
    r"so|therefore|thus|hence|overall|in conclusion|in summary|to summarize|to sum up|in short|all in all|consequently"
    r"|as a result|ultimately|i conclude|in the end|meaning|indicating|my conclusion|which means|on balance"
)
FINAL = phrase(
    r"i take (?:that|it) back|scratch that|(?:i |let me )correct (?:myself|that)|i was wrong|on second thoughts?"
    r"|correction :|"
    r"(?:my |the )?(?:final |correct |overall |short )?(?:answer|verdict|conclusion|judg(?:e)?ment"
    r"|decision|label|assessment)"
    r"(?: is)?(?: that)?(?: :| =|(?= ))|(?:conclusion|verdict|result|status|label|prediction"
    r"|classification|final|summary|judg(?:e)?ment|answer) (?::|=)"
)

# Off-topic or not ------------------------------------------------------------------------------------------------
SCENE = bag(
    "man woman person people boy girl child kid kids baby toddler dog cat car truck bike bicycle "
    "ball camera scene clip"
    " video footage screen floor ground wall water street road room background foreground wearing standing sitting"
    " running walking falls fall falling jumps jumping hits hit strikes drops dropped lands landing rides skateboard"
    " skateboarder rider player glass hammer table door tree hand hands head shirt field pool grass snow someone"
    " appears shows shown seen see visible frame frames image images picture visual visuals blue red green white black"
    " slips crashes breaks throws rolls kicks catches moves window wooden concrete kitchen athlete skier horse"
    " van lorry crane sofa stairs staircase hill tree fence chair chain container aisle supermarket slope stage"
    " driver dancer"
    " snowboarder teacher pupil classroom park garden bench ladder roof bus train boat horse bottle tiles shelf box"
    " wheel"
    " collides colliding topples tumbles slides breaks trips rolls stumbles carries carrying swings flies spins"
    " slipped kicked"
    " cyclist drummer guitar vase bottle cup plate nail wood"
)
