"""Answers in other languages than English: plain statements are read, anything finer is left unparsed."""

from __future__ import annotations

import re
from dataclasses import dataclass

_STOPWORDS = {
    "de": "ton bild zum passt der die das und ist nicht ein eine es ich zu dem den im wird mit auf kein keine man von"
    " hört sich"
    " aber genau",
    "fr": "le la les est un une des et ne pas du dans il je que son qui avec sur aucun aucune on sont très mais"
    " en au entend",
    "es": "el la los las es un una y no se en del con por lo que está al oye hay sonido pero son muy ningún ninguna",
    "it": "il lo la gli è un una e non del della con che sono si nel per sente audio ma molto nessun nessuna suono",
    "pt": "o a os as é um uma e não do da com que são se no na por som mas muito nenhum nenhuma há ouve está",
    "nl": "de het een is niet en van op met geen te ik er dat hoort zijn maar in geluid wordt beeld",
}
_LATIN = {name: frozenset(listed.split()) for name, listed in _STOPWORDS.items()}
_ENGLISH = frozenset(
    [
        "the",
        "is",
        "are",
        "of",
        "and",
        "to",
        "in",
        "it",
        "that",
        "this",
        "not",
        "with",
        "sound",
        "audio",
        "video",
        "no",
        "there",
        "can",
        "be",
        "at",
        "was",
        "i",
        "as",
        "on",
        "picture",
        "a",
    ]
)
_CHARACTERS = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\u0400-\u04ff]")
_NOT = (
    r"\b(?:nicht|kein\w*|nichts|nada|rien|nulla|niente|ne|n'\S+|pas|aucune?|no|ning[uú]n\w*|sin|non|nessun\w*|senza"
    r"|não|nenhum\w*|sem|niet|geen|sans|не|нет|без)\b"
    r"|不|没|没有|無|沒|未|ない|ません|않|없|안 "
)
_SOUND = (
    r"\b(?:ton|audio|klang|geräusch\w*|sound|knall|aufprall|son|bruit|sonido|ruido|suono|rumore|som|áudio|barulho"
    r"|geluid|звук\w*"
    r"|hört|hören|entend|oye|sente|ouve|hoort)\b|声音|音频|聲音|音訊|音声|音が|音は|소리|오디오|음향"
)
_PICTURE = (
    r"\b(?:bild\w*|video|image|vidéo|imagen|vídeo|imagem|immagine|immagini|beeld|изображени\w*|видео|картинк\w*)\b"
    r"|画面|视频|圖像|映像|画像|영상|화면|비디오"
)
_LATE = (
    r"zu spät|verspätet|verzögert\w*|hinterher|hinkt|später|nach dem bild|en retard|retardé|après|tard\b|retras\w*"
    r"|después|ritardo"
    r"|dopo|atrasad\w*|atraso|depois|te laat|vertraagd|later\b|achter|опазд\w*|отста\w*|позже|задерж\w*"
    r"|延迟|晚|滞后|遅れ|遅く|後から|늦|지연"
)
_EARLY = (
    r"zu früh|verfrüht|früher|voraus|vor dem bild|trop tôt|en avance|avant|plus tôt|antes|temprano|adelantad\w*"
    r"|anticip\w*|prima\b"
    r"|in anticipo|adiantad\w*|cedo|te vroeg|eerder|раньше|опереж\w*|早|提前|先于|早く|先に|빠르|먼저|일찍"
)
_SYNC = (
    r"synchron\w*|gleichzeitig|zeitgleich|synchronis\w*|simultan\w*|sincroniz\w*|sincronizzat\w*|gelijktijdig"
    r"|gelijk\b|синхронн\w*"
    r"|совпада\w*|同步|一致|同期|일치|동기|sincron\w*|en même temps|al mismo tiempo"
)
_UNSYNC = (
    r"asynchron\w*|désynchron\w*|desincroniz\w*|dessincroniz\w*|fuori sincrono|рассинхрон\w*"
    r"|versatz|decalage|décalage|desfase|ずれ"
)
_SILENT = (
    r"\b(?:stumm|tonlos|lautlos|muet(?:te)?|silencieu\w*|mudo|muda|silencio\w*|muto|muta|silenzios\w*|silenciad\w*"
    r"|stil|geluidloos)\b"
    r"|静音|无声|靜音|無音|무음|тишин\w*|беззвучн\w*"
    r"|nichts zu hören|kein(?:en)? (?:ton|geräusch\w*|laut|audio)|(?:pas|aucun) (?:de |d')?(?:son|bruit|audio)"
    r"|n'entend rien|rien"
    r"|(?:no (?:hay|tiene|se oye)(?: ningún)?|sin|ningún) (?:sonido|audio|nada)|no se oye nada|(?:nessun"
    r"|senza) (?:suono|audio)"
    r"|non si sente (?:nulla|niente)|(?:não (?:há|tem)|sem|nenhum) (?:som|áudio)|geen (?:geluid"
    r"|audio)|没有声音|没有音频|听不到"
    r"|音がない|音はありません|聞こえない|소리가 없|звука нет|нет звука|ничего не слышно"
)
_MATCH = (
    r"passt|passen|stimm\w* überein|gehör\w* zu|entspricht|corresponds?|correspond\w*|coïncide|va avec|coincide\w*"
    r"|corrisponde\w*"
    r"|concorda\w*|encaja\w*|pertenece\w*|combina\w*|klopt|past|hoort bij|соответств\w*|совпада\w*"
    r"|匹配|相符|符合|一致|吻合|合っ"
    r"|일치|맞"
)
_MISMATCH = (
    r"unpassend|falsche\w*|incohérent\w*|incoheren\w*|andere[rnms]? (?:video|szene|quelle)"
    r"|autre (?:vidéo|scène)|otro (?:vídeo|video)|不符|不匹配|違う|다른"
)
_HEARD = (
    r"hört|hören|entend|on perçoit|se oye\w*|se escucha\w*|oigo|escucho|si sente|si sentono|sento|ouve-se|ouço|ouve"
    r"|hoort|hoor|слыш\w*"
    r"|听到|听见|能听|聞こえ|聴こえ|들리|들린|들려"
)
_CANNOT = (
    r"(?:kann|könnte) (?:\w+ ){0,4}(?:nicht|keine?) (?:\w+ ){0,3}(?:hören|anhören|verarbeiten|abspielen|beurteilen"
    r"|analysieren|helfen)"
    r"|ne (?:peux|suis) pas (?:\S+ ){0,3}(?:écouter|entendre|traiter|analyser|aider|capable)"
    r"|no puedo (?:\S+ ){0,2}(?:escuchar|oír|procesar"
    r"|analizar|ayudar)|non posso (?:\S+ ){0,2}(?:ascoltare|sentire|elaborare|aiutare)|não (?:posso"
    r"|consigo) (?:\S+ ){0,2}(?:ouvir"
    r"|processar|ajudar)|kan (?:\w+ ){0,4}(?:niet|geen) (?:\w+ ){0,3}(?:horen|luisteren|verwerken|beluisteren)"
    r"|无法(?:处理|听|分析|播放)"
    r"|不能(?:处理|听|分析)|処理できません|聞くことができません|聴くことができません|처리할 수 없"
    r"|들을 수 없|не могу (?:\S+ ){0,2}(?:слыш|слуш|обраб|прослуш)\w*"
)


@dataclass(frozen=True, slots=True)
class _Words:
    text: str

    def find(self, pattern: str) -> re.Match[str] | None:
        return re.search(pattern, self.text)

    def denied(self, match: re.Match[str]) -> bool:
        """Whether a "not" stands in the few words around: before it in most languages, after the verb in German."""
        around = self.text[max(0, match.start() - 22) : match.end() + 14]
        cut = re.split(r"[.;:，。、,]|\baber\b|\bmais\b|\bpero\b|\bma\b|但", around)
        part = next((piece for piece in cut if match[0] in piece), around)
        return re.search(_NOT, part) is not None


def foreign(text: str) -> bool:
    """Whether a response is in a language of which only plain statements are read."""
    if len(_CHARACTERS.findall(text)) >= 4 and not re.search(r"[a-z]{3,} [a-z]{2,} [a-z]{2,}", text):
        return True
    said = re.findall(r"[^\W\d_]+", text.lower()[:1500])
    if not said:
        return False
    english = sum(word in _ENGLISH for word in said)
    best = max(sum(word in listed for word in said) for listed in _LATIN.values())
    return best >= 2 and best > 2 * english


def foreign_label(task: str, text: str) -> str:
    """The label of a plain statement in another language; "unparsed" where it makes none."""
    said = _Words(text.lower())
    if said.find(_CANNOT):
        return "refused"
    if said.find(_SILENT) and not (task == "existence" and _hears(said)):
        return "muted"
    if task == "existence":
        return "audio_described" if _hears(said) else "unparsed"
    return _timing(said) if task == "sync" else _belonging(said)


def _hears(said: _Words) -> bool:
    match = said.find(_HEARD)
    return match is not None and not said.denied(match)


def _timing(said: _Words) -> str:
    late, early = said.find(_LATE), said.find(_EARLY)
    told = [(one, sign) for one, sign in ((late, 1), (early, -1)) if one is not None and not said.denied(one)]
    if len(told) == 1:
        return _whose(said, *told[0])
    off = said.find(_UNSYNC)
    if off is not None:
        return "synced" if said.denied(off) else "desync"
    good = said.find(_SYNC)
    if good is not None and not told:
        return "desync" if said.denied(good) else "synced"
    return "synced" if (late or early) and not told else "unparsed"


def _whose(said: _Words, match: re.Match[str], sign: int) -> str:
    """Whether what is late or early is the sound: what is named first is what is spoken of."""
    sound, picture = said.find(_SOUND), said.find(_PICTURE)
    if sound is None and picture is None:
        return "unparsed"
    of_sound = sound is not None and (picture is None or sound.start() < picture.start())
    return "delayed" if (sign > 0) == of_sound else "early"


def _belonging(said: _Words) -> str:
    if said.find(_MISMATCH):
        return "mismatched"
    match = said.find(_MATCH)
    if match is None:
        return "unparsed"
    return "mismatched" if said.denied(match) else "match"
