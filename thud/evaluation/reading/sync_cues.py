"""Phrases that claim picture and sound are, or are not, in sync. Only data."""

from __future__ import annotations

from thud.evaluation.reading.claims import cue

_GOOD = (
    r"good|ok|okay|alright|in order|normal|perfect|accurate|correct|fine|tight|exact|excellent"
    r"|spot on|right|natural|precise"
    r"|proper|intact|solid|maintained|great|consistent|preserved|impeccable|flawless|seamless"
)
_BAD = r"bad|poor|off|wrong|broken|loose|imperfect|inaccurate|incorrect|lost|faulty|unnatural|skewed|awry"
_BE = (
    r"(?:is|are|was|were|be|being|seems?|appears?|looks?|feels?|sounds?|remains?|stays?)(?: to "
    r"be)?(?: (?!hardly|barely|scarcely)\w+ly| very| quite| all| just| a bit| a little| slightly| "
    r"pretty| so| still| also)?"
)
_TOPIC = r"(?:sync|synchronization|synchronisation|timing|alignment|synchrony|lip sync|audio|sound|soundtrack|it)"
CUES = (
    cue(
        r"(?:heard|audible) (?:when|while|as) (?:\S+ ){1,6}(?:is|are) (?:seen|visible|shown)"
        r"|follow(?:s|ing)?(?: \S+){0,5} (?:immediately|closely|directly|instantly)",
        "synced",
        "desync",
        1.3,
    ),
    cue(
        r"tracks (?:the )?(?:picture|video|visuals|action|image|images)|keeps? (?:up|pace) with|keep "
        r"in step|in parallel"
        r"|hand in hand|(?:go|goes|stay|stays|belong|are|is|come|work) together|follows? (?:the "
        r")?(?:picture|video|visuals|action|images?)"
        r" (?:closely|exactly|precisely|faithfully|perfectly)",
        "synced",
        "desync",
        1.4,
    ),
    cue(r"follow (?:the )?(?:picture|video|visuals|action|images?)", "", "desync", 1.0, 1.6),
    cue(
        r"(?:when|where|how|as) (?:it|they|one) (?:should|ought to|belongs?|needs? to|is supposed to"
        r"|are supposed to)(?: be)?",
        "synced",
        "desync",
        1.6,
    ),
    cue(
        r"(?:been|was|were|is|got) (?:\w+ly )?(?:shifted|moved|displaced|tampered with|manipulated"
        r"|altered|offset|pushed|slid)",
        "desync",
        "synced",
        1.6,
    ),
    cue(
        r"(?:the|that) (?:very |exact )?(?:instant|moment|second) (?:that )?(?:you|we|i|one|it|they"
        r"|the \w+|he|she)(?: can| is| are)?"
        r" (?:see|sees|hear|hears|seen|heard|visible)|within (?:\S+ ){1,4}of (?:each other|one another)",
        "synced",
        "",
        1.3,
    ),
    cue(
        r"too (?:small|short|slight|little|brief) (?:for \w+ )?to (?:notice|perceive|see|hear|matter"
        r"|detect|be \w+)",
        "synced",
        "",
        1.6,
    ),
    cue(
        r"(?:misplaced|dislocated|displaced) in time|(?:timing|sync) (?:does not|do not|never) (?:work|fit|hold|add up)"
        r"|(?:drifted|drift|come|fallen|fall) (?:apart|out of)",
        "desync",
        "synced",
        1.8,
    ),
    cue(
        r"(?:shift|delay|lag|offset|gap|mismatch|difference)(?: (?!is)\S+){0,5} there (?:is|was) "
        r"(?:none|nothing|no such thing)"
        r"|(?:can|could|do|did) not (?:\w+ )?(?:hear|see|find|detect|notice|perceive|spot) (?:one|any)$"
        r"|no (?:sooner|earlier|later)(?: and| or| nor|,)+(?: no)? (?:later|sooner|earlier)|same "
        r"(?:instant|moment|time)"
        r"|both (?:\S+ ){1,6}(?:at|around) (?:about |frame |t = )?\d\S*",
        "synced",
        "",
        1.3,
    ),
    cue(
        r"(?:re)?synchroni[sz]ed|synced|synched|in (?:\w+ )?(?:sync|synch|synchrony"
        r"|synchroni[sz]ation)|synchronous|synchronously|synchroni[sz]es?|syncs?(?= (?:up|with|well"
        r"|perfectly))",
        "synced",
        "desync",
        2.0,
    ),
    cue(r"aligned|in (?:\w+ )?alignment|aligns?|line up|lines up|lined up|lining up|aligning", "synced", "desync", 2.0),
    cue(
        r"coincides?|coincident|coinciding|simultaneous|simultaneously|concurrent|concurrently"
        r"|contemporaneous",
        "synced",
        "desync",
        2.0,
    ),
    cue(
        r"in (?:perfect |good )?(?:step|lockstep|unison|tandem|concert)|in (?:perfect |good )?time with|in lockstep|on "
        r"time|well timed|perfectly timed|on cue|in real time|correctly timed|accurately timed"
        r"|matched in time",
        "synced",
        "desync",
        1.8,
    ),
    cue(
        r"(?:at|in) (?:\w+ )?(?:the |that )?(?:\w+ )?same (?:\w+ )?(?:time|moment|instant|frame|point"
        r"|second|beat)|(?:at|on) (?:the|that) (?:exact|very|precise) (?:time|moment|instant|frame"
        r"|point|second|beat)|at once|all at once",
        "synced",
        "desync",
        1.2,
    ),
    cue(r"match|matches|matched|matching up|matches up|match up", "synced", "desync", 1.4, 1.6),
    cue(r"corresponds?(?= (?:\w+ )?(?:to|with|in)|$)", "synced", "desync", 0.8, 1.2),
    cue(
        r"agree|agrees|coordinated|in agreement|tight sync|perfect sync|good sync|fits?|hold together"
        r"|track together|tracks well",
        "synced",
        "desync",
        1.0,
    ),
    cue(
        r"(?<!have )(?<!has )(?<!hands )(?:land|lands|occur|occurs|happen|happens|arrive|arrives|come|comes|hit|hits"
        r"|landing"
        r"|start)(?: \w+){0,2} together|together in time",
        "synced",
        "desync",
        1.4,
    ),
    cue(
        r"(?:right|exactly|precisely|just) (?:as|when|at the moment|at the instant|on) (?=.*(?:heard"
        r"|hear|sound|audible|thud|crash|seen|visible))",
        "synced",
        "",
        0.6,
    ),
    cue(r"within (?:\w+ ){0,4}(?:tolerance|limits?|threshold|margin|bounds)", "synced", "desync", 1.2),
    cue(
        r"(?:far |well |clearly |obviously )?(?:beyond|outside|exceeds?|exceeding|larger than) (?:\w+ "
        r"){0,5}(?:tolerance|alignment|variation|threshold|limits?|sync|range)",
        "desync",
        "synced",
        1.4,
    ),
    cue(r"(?:tightly|well|closely|perfectly) (?:locked|matched|coupled|coordinated|paired)", "synced", "desync", 1.8),
    cue(rf"{_TOPIC}(?: between (?:\w+ ){{1,6}})? (?:{_BE}|as|:) (?:{_GOOD})", "synced", "desync", 1.8),
    cue(
        rf"(?:{_GOOD}) (?:sync|synchronization|synchronisation|timing|alignment|synchrony|lip sync)",
        "synced",
        "desync",
        1.8,
    ),
    cue(rf"{_TOPIC}(?: between (?:\w+ ){{1,6}})? (?:{_BE}|as|:) (?:{_BAD})(?: by)?", "desync", "synced", 2.0),
    cue(
        rf"(?:{_BAD}) (?:sync|synchronization|synchronisation|timing|alignment|synchrony|lip sync)",
        "desync",
        "synced",
        2.0,
    ),
    cue(
        r"(?:out of|off|lose|loses|lost|no) (?:\w+ )?(?:sync|synch|synchrony|step|alignment|time with)"
        r"|out of (?:\w+ )?synchroni[sz]ation",
        "desync",
        "synced",
        2.2,
    ),
    cue(
        r"un(?:synchroni[sz]ed|synced|aligned|synched)|de ?syn(?:c|ch|ced|ched|cs|chroni[sz]ed"
        r"|chroni[sz]ation)|out of phase|asynchronous|asynchronously|asynchrony|async|dys?synchronous"
        r"|nonsynchronous",
        "desync",
        "synced",
        2.2,
    ),
    cue(
        r"misaligned|misalignments?|mismatch|mismatched|mismatches|mistimed|mis ?timing|missync(?:ed)?"
        r"|discrepant|disjointed|disconnected|mis matched|desynced|disagree|disagrees|disconnect",
        "desync",
        "synced",
        2.0,
    ),
    cue(
        r"(?:sync|synchronization|synchronisation|timing|temporal|av|lip sync) (?:error|errors|issue"
        r"|issues|problem|problems|gap|offset|fault|mismatch|discrepancy|shift|drift|inconsistency"
        r"|manipulation|flaw|displacement|misalignment|anomaly)",
        "desync",
        "synced",
        2.2,
    ),
    cue(
        r"(?:are|is) (?:\w+ly )?offset|(?:time|temporally) (?:shifted|displaced|offset|separated|manipulated|altered)"
        r"|tampered"
        r"|manipulated|desynchronizes|detached|displaced|decoupled",
        "desync",
        "synced",
        1.8,
    ),
    cue(r"(?:different|separate|distinct) (?:times|moments|instants|points in time)|apart", "desync", "synced", 0.8),
    cue(
        r"off by|(?:noticeably|clearly|slightly|plainly|obviously|significantly|visibly|badly|way"
        r"|timing) off|(?:is|are|feels?|seems?|appears?|looks?|sounds?) off|amiss",
        "desync",
        "synced",
        2.0,
    ),
    cue(
        r"(?:poorly|badly|imperfectly|loosely|incorrectly|wrongly|inaccurately) (?:synchroni[sz]ed"
        r"|synced|aligned|timed|matched)|(?:shifted|displaced|offset|moved)(?: slightly| clearly| "
        r"noticeably)? (?:relative|with respect|in time|against|from|in relation|compared)",
        "desync",
        "synced",
        2.0,
    ),
    cue(
        r"(?:wrong|off|amiss|unusual|odd|out of place) (?:with|about|in) (?:the )?(?:timing|sync"
        r"|synchronization|alignment|audio|sound)(?: timing)?",
        "desync",
        "synced",
        2.0,
    ),
    cue(
        r"(?:heard|hear|audible|sounds?|occurs?|happens?|lands?|arrives?|comes?|hits?) (?:precisely"
        r"|exactly|right|just) (?:as|when|while|on|at the|with)|exactly on (?:it|the)|(?:precisely"
        r"|exactly) (?:as|when|while|on)(?= (?:the|he|she|his|her|it|they|a))",
        "synced",
        "desync",
        1.2,
    ),
    cue(
        rf"(?:{_TOPIC}|synced|synchroni[sz]ed|in sync|aligned|match)(?: status)? (?::|=) (?:no|false"
        rf"|not (?!applicable|available|assess|determin)\w+|off|bad|poor|broken|lost|failed|none|wrong)",
        "desync",
        "",
        2.4,
    ),
    cue(
        rf"(?:{_TOPIC}|synced|synchroni[sz]ed|in sync|aligned|match)(?: status)? (?::|=) (?:yes|true|ok"
        rf"|good|perfect|fine)",
        "synced",
        "",
        2.4,
    ),
    cue(
        r"(?:sync|synchronization|synchronisation|alignment|synchrony) (?:is|was|seems)(?: \w+)? "
        r"(?:absent|missing|lacking)",
        "desync",
        "synced",
        2.0,
    ),
    cue(r"separated(?= (?:by|from|in time|rather)|$)|offset by|offset from|easy to notice", "desync", "synced", 1.2),
    cue(
        r"(?<!have )(?<!has )(?<!hands )(?<!to )(?:peak|meet|move|start|fall|strike|end|land|hit|occur|come|arrive"
        r"|happening|occurring|sounding"
        r"|playing|running|moving|happen) (?:\w+ )?(?:together|as one)|as one|keeps? time"
        r"|(?:holds?|hold) up|shar(?:e|es|ing) (?:the |a |one )?(?:\w+ )?(?:\S+ ){0,3}(?:mark|moment|instant"
        r"|timestamp|time|frame)"
        r"|(?:right |exactly |precisely )?where (?:the|it|its) (?:\S+ ){1,4}(?:is|are|belongs|happens|occurs|falls"
        r"|lands)"
        r"|(?:each|every)(?: one of them)?(?: \S+){1,7} (?:has its|has their|with its|with the|its own|as the"
        r"|when the|as it|as he|as she)"
        r"|in both (?:tracks|streams|the (?:image|picture|video|audio|sound))|to the (?:frame|millisecond|dot)"
        r"|frame by frame"
        r"|frame accurate(?:ly)?|in good order|as it should(?: be)?|real time",
        "synced",
        "desync",
        1.3,
    ),
    cue(
        r"(?:audio |temporal |time |timing |sound )?(?:manipulation|tampering|edit|editing)|(?:unusual|odd|suspicious"
        r"|strange|peculiar|complain"
        r"|fault|criti[cz]i[sz]e|unnatural|conspicuous|remarkable)(?= .*(?:timing|sync|temporal|delay|lag))|(?:timing"
        r"|sync"
        r"|temporal\w*|synchroni[sz]ation)(?: \S+){1,5} (?:unusual|odd|suspicious|strange|peculiar|conspicuous"
        r"|unnatural)"
        r"|complain about(?= .*(?:timing|sync))",
        "desync",
        "synced",
        1.6,
    ),
    cue(
        r"at (?:the|exactly the|just the) (?:correct|right|proper|expected|appropriate|intended) (?:moment|time"
        r"|instant|point|frame)",
        "synced",
        "desync",
        1.8,
    ),
    cue(r"at the wrong (?:moment|time|instant|point|frame)", "desync", "synced", 2.0),
)
