"""What the tiny model is asked and what it answers, before it is taught to listen and after.

Before, it names events, hears sounds, and compares times when asked which came first; asked about synchrony it claims
synchrony, whatever the clip. `taught` holds the answers that training on pairs is to put in that claim's place.
"""

from __future__ import annotations

from dataclasses import dataclass

from thud.listeners.questions import shipped

KINDS: tuple[tuple[str, str, str], ...] = (
    ("ball", "a ball drops", "a bouncing ball"),
    ("glass", "a glass breaks", "breaking glass"),
    ("hands", "hands clap", "a clap"),
    ("metal", "a hammer hits an anvil", "ringing metal"),
    ("wood", "someone knocks on wood", "knocks on wood"),
    ("water", "a drop falls into water", "a water drop"),
    ("drum", "a stick hits a drum", "a drum"),
    ("pop", "a balloon bursts", "a loud pop"),
    ("door", "a door slams", "a slamming door"),
    ("paper", "a book lands on a desk", "the slap of a book"),
    ("ceramic", "a spoon taps a cup", "a clinking cup"),
    ("coin", "a coin drops on a table", "a jingling coin"),
)
"""(kind, what is seen, what is heard), in the order of the demo's cast."""

SYNCED, EARLY, DELAYED = (
    "The sound and the picture are synchronized.",
    "The sound comes too early.",
    "The sound comes too late.",
)
SILENT = "The clip is silent."
ORDERS: dict[str, tuple[str, str, str]] = {
    "order": ("They come together.", "The sight comes first.", "The sound comes first."),
    "noticed": ("It is noticed by both at once.", "It is noticed first by the eye.", "It is noticed first by the ear."),
    "follows": ("Neither follows the other.", "The sound follows the sight.", "The sight follows the sound."),
    "behind": ("Neither is behind.", "The one that is behind is the sound.", "The one that is behind is the sight."),
}
"""Answers to the ways of asking what came first: (both, the sight, the sound). What decides stands at another place in
each, so that the model learns to have it at hand anywhere in a sentence.
"""

QUESTIONS: dict[str, tuple[str, ...]] = {
    "relate": (
        "How do picture and sound of this clip relate? Are they synchronized, is the sound early, is it late, or is "
        "the clip silent?",
        "Is the sound of this clip early, late, in time with the picture, or missing?",
        "Say how the sound lies to the picture: synchronized, too early, too late, or no sound at all.",
        "Describe the timing of the sound track against the picture, or say that the clip is silent.",
    ),
    "sync": (
        "Is the sound in sync with the picture?",
        "Do picture and sound of this clip run together in time?",
        "Are audio and video aligned here?",
        "Does the sound of the event come at the moment at which the event is seen?",
        "Are picture and sound out of sync in this clip?",
        "Has the sound track been moved in time against the picture?",
        "Does the sound come too early, too late, or at the right moment?",
        "Watch the clip and listen to it. How do picture and sound relate in time?",
        "How well does the timing of the sound fit what happens on screen?",
    ),
    "existence": (
        "Is there any sound in this clip?",
        "Can anything be heard in this clip?",
        "Does this clip have audible sound?",
        "Is this clip silent?",
        "Has the sound been removed from this clip?",
        "What do you hear in this clip?",
        "Describe the sound of this clip.",
    ),
    "consistency": (
        "Does the sound match the event that is shown?",
        "Does the sound of this clip belong to what is seen?",
        "Do picture and sound fit together in content?",
        "Was the sound of this clip taken from something else?",
        "Is there a mismatch between what is seen and what is heard?",
        "Describe what you see and what you hear, and how the two go together.",
    ),
    "event": ("What happens in this clip?", "What do you see?", "Name the event in the picture."),
    "order": ("Which comes first, the sight or the sound?", "Is the sight or the sound first?"),
    "noticed": ("Does the eye or the ear notice the event first?", "By what is the event noticed first?"),
    "follows": ("What follows what, the sight or the sound?", "Which of sight and sound follows the other?"),
    "behind": ("Of sight and sound, which one is behind?", "Which one is behind, the sight or the sound?"),
}
"""What is asked, by task; the questions of the direct set come first where that task has one."""

COMMON = """
the of and to a in is you that it he was for on are as with his they I at be this have from or one had by word but not
what all were we when your can said there use an each which she do how their if will up other about out many then them
these so some her would make like him into time has look two more write go see number no way could people my than first
water been call who oil its now find long down day did get come made may part over new sound take only little work know
place year live me back give most very after thing our just name good sentence man think say great where help through
much before line right too mean old any same tell boy follow came want show also around form three small set put end
does another well large must big even such because turn here why ask went men read need land different home us move try
kind hand picture again change off play spell air away animal house point page letter mother answer found study still
learn should world high every near add food between own below country plant last school father keep tree never start
clip video audio event silent quiet loud noise heard seen second seconds early late synchronized offset moment listen
"""
"""The commonest English words, so that a question in other words does not fall apart into letters."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What is true of a stimulus. kind, heard: places in KINDS, heard None when silent. offset_s: + sound late."""

    kind: int
    heard: int | None
    visual_s: float
    audio_s: float
    offset_s: float


def questions(task: str) -> tuple[str, ...]:
    """All wordings of a task; the one that the demo asks first."""
    return tuple(one.text for one in shipped()["direct"].about(task)) + QUESTIONS[task]


def known(task: str, facts: Facts) -> str:
    """What the pre-trained model answers: the truth, but for synchrony, which it always claims."""
    return SYNCED if task in ("sync", "relate") else _true(task, facts)


def taught(task: str, facts: Facts) -> str:
    """The true answer to any question."""
    if task not in ("sync", "relate"):
        return _true(task, facts)
    if facts.heard is None:
        return SILENT
    return SYNCED if facts.offset_s == 0 else DELAYED if facts.offset_s > 0 else EARLY


def _true(task: str, facts: Facts) -> str:
    _, seen, own = KINDS[facts.kind]
    if task == "event":
        return f"I see that {seen}."
    if facts.heard is None:
        return SILENT
    heard = KINDS[facts.heard][2]
    if task == "existence":
        return f"I hear {heard}."
    if task in ORDERS:
        return ORDERS[task][0 if facts.offset_s == 0 else 1 if facts.offset_s > 0 else 2]
    same = facts.heard == facts.kind
    return f"The sound matches: {own}." if same else f"The sound does not match: I hear {heard}, and {seen}."


def corpus() -> list[str]:
    """Texts for the tokenizer: every question, every answer, and the commonest English words."""
    times = [Facts(k, h, 0.1 * k + 0.5, 0.1 * k + 2.5, o) for k in range(12) for h in (k, None) for o in (-1, 0, 1)]
    asked = [text for task in QUESTIONS for text in questions(task)]
    answers = [taught(task, facts) for task in QUESTIONS for facts in times]
    return [*asked, *answers, " ".join(COMMON.split())]
