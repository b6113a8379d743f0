"""What is seen beside what is heard: whether the one thing named could make the other's sound."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from thud.evaluation.reading import words
from thud.evaluation.reading.text import Sentence

_SEEN = words.phrase(
    r"picture|pictures|video|screen|onscreen|see|sees|seen|saw|shows?|showing|shown|visuals?|visually|image|images"
    r"|footage"
    r"|watch|watching|visible|frames?|depicts?|displays?|scene|in view|look at|visible event|visible action"
)
_HEARD = words.phrase(
    r"audio|sounds?|hear|heard|hears|soundtrack|noises?|listen|listening|audible|audibly|listening to"
    r"|audio track|hearing"
    r"|what sounds"
)
_CUT = re.compile(r" (?:,|;|:|\.|but|while|whereas|and|yet|though|although|although|--|with|is that of|then) ")
_AGAINST = words.phrase(r"but|whereas|yet|;|however|instead")
_CONCEPTS: tuple[str, ...] = (
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
    "engine engines motor car cars truck motorcycle motorbike revving lorry vehicle plane airplane helicopter tractor"
    " speedboat motorboat",
    "train trains locomotive railway tram",
    "chainsaw drill lawnmower jackhammer vacuum dryer mower blender machine machinery",
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
_MUSIC = "music band melody jazz song singer singing sings concert choir waltz tune orchestra"
_INSTRUMENTS = (
    "guitar guitarist strum strumming",
    "piano pianist",
    "violin violinist",
    "drums drummer drumming",
    "trumpet trumpeter",
    "accordion",
    "flute flautist",
    "organ organist",
    "saxophone",
)
_CONCEPTS += tuple(f"{one} {_MUSIC}" for one in _INSTRUMENTS)
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
    said = [(i, one) for i, one in said if not _SUPPOSED.search(one.line)]
    for i, one in said:
        for piece, sees in _sides(one.line):
            (seen if sees else heard).update(word for word in piece.split() if word not in _COMMON)
            last = i
        against = against or bool(_AGAINST.search(one.line))
    a, b = _classes(seen), _classes(heard)
    alike = not any(_DENIES.search(one.line) for _, one in said)
    if a and b and (alike or not a & b):
        return ("match" if a & b else "mismatched", last)
    if against and seen and not seen & heard and (b or _opposed(said)):
        return "mismatched", last
    return ("match", last) if alike and _same(seen, heard, against) else None


_SUPPOSED = words.phrase(
    r"if|suppose|supposing|imagine|whether|would (?:have|need)|have to|needs?|needed|let me|lets me|let us"
    r"|please|tell me"
    r"|^first (?:i|we|you)|(?:i|we) (?:will|shall|am going to)|^(?:see|hear|look|listen|watch|compare|check) .*"
)
_DENIES = words.phrase(
    r"(?:hear|hears|heard|hearing|and|but|audio|sound) (?:no|not)|(?:not|never|nothing) .*(?:hear|heard)"
)


def _sides(line: str) -> Iterator[tuple[str, bool]]:
    """(words, whether they tell of the picture) for each part of a sentence that tells of one side alone.

    A part behind a colon or "is that of" belongs to the side named before it.
    """
    line = f" {line} ".replace(" in the audio", " audio").replace(" on the audio", " audio")
    ends = [match.span() for match in _CUT.finditer(line)] + [(len(line), len(line))]
    start, before = 0, None
    for a, b in ends:
        piece = line[start:a]
        sees, hears = bool(_SEEN.search(piece)), bool(_HEARD.search(piece))
        if not sees and not hears and before is not None:
            yield piece, before
        if sees != hears:
            yield piece, sees
        before = sees if sees != hears and line[a:b].strip() in {":", "is that of", "--"} else None
        start = b - 1 if b < len(line) else b


_OPPOSED = words.phrase(
    r"(?:but|whereas|yet|instead|however)(?: ,)? (?:all )?(?:what )?(?:i|we|you|one|the (?:sound|audio"
    r"|soundtrack|noise))"
    r"(?: can| only| just)? (?:hears?|heard|is|is that of|has|gives us|contains|offers|features)(?: is)?"
    r" (?:only |just |clearly )?(?:a|an|some) (?P<what>(?:\w+ ?){1,3})$"
)
_VAGUE = words.bag(
    "voice voices music noise noises sound sounds speech background wind ambience something hum thing bit"
    " little silence"
    " delay lag moment second match fit good lot quiet"
)


def _opposed(said: Sequence[tuple[int, Sentence]]) -> bool:
    """Whether a plain thing heard is set against what is seen: "…, but I hear a tractor"."""
    found = [match for _, one in said if (match := _OPPOSED.search(one.line))]
    return bool(found) and not any(_VAGUE & set(match["what"].split()) for match in found)


_THINGS = words.bag("options things choices labels words files clips answers events items sides parts what same both")


def _same(seen: set[str], heard: set[str], against: bool) -> bool:
    """Whether the same thing is seen and heard: "A kettle is shown, and I hear a kettle"."""
    shared = {word for word in seen & heard if len(word) > 3 and word.isalpha()} - _THINGS
    return bool(shared) and not against and len(heard) <= 6


def _classes(said: set[str]) -> set[int]:
    return {number for word in said for number in _CLASSES.get(word, ())}
