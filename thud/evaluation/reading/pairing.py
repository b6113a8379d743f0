"""What is seen beside what is heard: whether the one thing named could make the other's sound."""

from __future__ import annotations

import re
from collections.abc import Sequence

from thud.evaluation.reading import words
from thud.evaluation.reading.text import Sentence

_SEEN = words.phrase(
    r"picture|pictures|video|screen|onscreen|see|sees|seen|saw|shows?|showing|shown|visuals?|visually|image|images"
    r"|footage"
    r"|watch|watching|visible|frames?|depicts?|displays?|scene|in view|look at|visible event|visible action"
)
_HEARD = words.phrase(
    r"audio|sounds?|hear|heard|hears|soundtrack|noises?|listen|listening|audible|audibly|listening to|audio track"
    r"|what sounds"
)
_CUT = re.compile(r" (?:,|;|:|\.|but|while|whereas|and|yet|though|although|although|--|with|is that of|then) ")
_AGAINST = words.phrase(r"but|whereas|yet|;|however|instead")
_CONCEPTS = (
    "water splash splashing splashes pool swim swimmer swimming swimmers dive diver dives diving lake river sea waves"
    " boat surf"
    " surfer puddle pond canoe kayak flop waterfall",
    "dog dogs bark barks barking puppy woof yelp growl growling poodle terrier",
    "cat cats meow meows meowing kitten purr purring",
    "glass bottle window vase plate plates shatter shatters shattering porcelain cup mug dish dishes mirror crockery"
    " tinkle"
    " tinkling pane glassware",
    "pan pans pot pots clang clank metal metallic cymbal anvil can cans tin bucket clatter clattering tray",
    "bell bells chime chimes ringing church gong",
    "wood wooden log logs axe chop chopping hammer hammering nail saw sawing plank carpenter",
    "door doors slam slams knock knocks knocking",
    "car cars truck tires tyres brakes screech skid skidding horn vehicle traffic driver bus motorcycle motorbike"
    " lorry",
    "engine engines motor car cars truck motorcycle motorbike revving lorry vehicle plane airplane helicopter",
    "train trains locomotive railway tram",
    "chainsaw drill lawnmower jackhammer vacuum dryer mower blender machine machinery",
    "music guitar guitarist strum strumming piano pianist orchestra violin violinist drums drummer drumming band"
    " trumpet"
    " accordion song singer singing sings melody jazz flute organ saxophone concert choir waltz tune",
    "applause cheer cheering cheers crowd audience stadium spectators fans clapping",
    "laughter laugh laughs laughing giggling comedian",
    "gun gunshot gunshots shot shooting rifle pistol gunfire",
    "horse horses hoof hooves hoofbeats neigh neighing gallop gallops galloping rider stable",
    "cow cows moo moos mooing cattle",
    "duck ducks quack quacks quacking goose",
    "bird birds chirp chirping birdsong tweeting parrot pigeon seagull seagulls gulls",
    "sheep goat bleat bleating lamb",
    "fall falls falling trip trips slips slipping tumble tumbles thud thump body groan lands landing flop jump jumps"
    " stairs",
    "ball balls bounce bounces bouncing basketball hoop",
    "tennis racket rally rallies racquet",
    "football soccer kick kicks goal",
    "keyboard typewriter typing typist",
    "thunder storm lightning",
    "rain wind umbrella",
    "skate skates skateboard skateboarder skateboarding skater wheels",
    "phone ringtone telephone",
    "baby cry cries crying infant",
    "explosion explodes blast firework fireworks bomb detonation",
    "balloon pop pops popping",
    "clock ticking tick watchmaker",
    "frying sizzle sizzling steak bacon",
    "bowling pins skittles",
    "speech speaker speaking newsreader commentator lecture interview",
    "kitchen cook cooking chef",
    "snow shovel shovels ski skier skiing",
    "sneeze sneezes cough coughs",
    "scissors hair haircut barber",
)
_CLASSES: dict[str, set[int]] = {}
for _number, _listed in enumerate(_CONCEPTS):
    for _word in _listed.split():
        _CLASSES.setdefault(_word, set()).add(_number)
_COMMON = words.bag(
    "the a an is are was and of in on it that this what i you we one there with to as picture video screen see sound"
    " audio"
    " hear heard shows shown from by at seen noise noises sounds soundtrack hears image footage visible only no not"
    " be being"
    " which can has have an its his her their for while so then but visuals visual scene clip audible"
)


def paired(said: Sequence[tuple[int, Sentence]]) -> tuple[str, int] | None:
    """(label, sentence) where what is seen and what is heard are both named; None where they cannot be compared."""
    seen: set[str] = set()
    heard: set[str] = set()
    against, last = False, said[0][0] if said else 0
    for i, one in said:
        for piece in _CUT.split(f" {one.line} ".replace(" in the audio", " audio").replace(" on the audio", " audio")):
            sees, hears = bool(_SEEN.search(piece)), bool(_HEARD.search(piece))
            if sees == hears:
                continue
            (seen if sees else heard).update(word for word in piece.split() if word not in _COMMON)
            last = i
        against = against or bool(_AGAINST.search(one.line))
    a, b = _classes(seen), _classes(heard)
    if not a or not b:
        return ("mismatched", last) if against and b and seen and not seen & heard else None
    return ("match" if a & b else "mismatched", last)


def _classes(said: set[str]) -> set[int]:
    return {number for word in said for number in _CLASSES.get(word, ())}
