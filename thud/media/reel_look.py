"""How a reel looks: a static card per part, drawn with Pillow in the app's dark colours. Sizes are pixels.

Everything but the picture and the playhead stands still, so a card is drawn twice, before (dim) and after (lit) the
playhead has passed, and a film frame is put together from slices of the two.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from thud.records import Condition

WIDTH, HEIGHT = 1280, 720
HEAD, FOOT = 64, 568
"""The picture lies between these two heights, with a little air."""
LEFT, RIGHT = 112, WIDTH - 32
SEEN_Y, WAVE_Y, HEARD_Y, WAVE_HALF, SCALE_Y = 590, 636, 682, 27, 707

BG, SURFACE, LINE, CTL = "#0e1013", "#15181c", "#2a2f36", "#69727e"
TEXT, TEXT_2, TEXT_3 = "#e7e9ec", "#b3bac3", "#8d96a1"
COLOURS: dict[Condition, str] = {
    "original": TEXT, "early": "#a99bff", "delayed": "#f2de85", "muted": "#8d96a1", "swapped": "#6fae45",
}  # fmt: skip
GLYPHS: dict[Condition, tuple[tuple[float, ...], ...]] = {
    "original": ((3, 6, 13, 6), (3, 10, 13, 10)),
    "early": ((13.5, 8, 3, 8), (7, 4, 3, 8, 7, 12)),
    "delayed": ((2.5, 8, 13, 8), (9, 4, 13, 8, 9, 12)),
    "muted": ((4.2, 11.8, 11.8, 4.2),),
    "swapped": ((3, 5.5, 12.5, 5.5), (10, 3, 12.5, 5.5, 10, 8), (13, 10.5, 3.5, 10.5), (6, 8, 3.5, 10.5, 6, 13)),
}
"""The app's condition glyphs as polylines on a 16-unit grid; muted has a circle besides."""

FALLBACK_FONTS = ("NotoSans-Regular.ttf", "DejaVuSans.ttf", "Arial Unicode.ttf", "Arial.ttf", "NotoSansCJK-Regular.ttc")
"""Tried in turn for letters that Pillow's own font lacks (accents, other scripts)."""


@dataclass(frozen=True, slots=True)
class Card:
    """What a part's card tells. peaks: int8 (n, 2) over duration_s. heard_s: None when no event is heard in this part.

    source_heard_s: where the event is heard in the original, drawn hollow when it differs from heard_s.
    """

    condition: Condition
    asked: str
    title: str
    counter: str
    peaks: NDArray[np.int8]
    duration_s: float
    seen_s: float | None
    heard_s: float | None
    source_heard_s: float | None

    def x(self, time_s: float) -> int:
        return round(LEFT + (RIGHT - LEFT) * time_s / self.duration_s)


def draw_card(card: Card, lit: bool) -> NDArray[np.uint8]:
    """uint8 (720, 1280, 3): the card without picture and playhead, before or after (`lit`) the playhead passed."""
    image = Image.new("RGB", (WIDTH, HEIGHT), BG)
    pen = ImageDraw.Draw(image)
    pen.rectangle((0, FOOT, WIDTH, HEIGHT), SURFACE)
    pen.line((0, FOOT, WIDTH, FOOT), LINE)
    _head(image, pen, card)
    _lanes(pen, card)
    _wave(pen, card, lit)
    _marks(pen, card, lit)
    return np.asarray(image)


def draw_lead(card: Card, picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The film frame that announces a part: `picture` (a whole frame) dimmed, with the condition in large over it."""
    image = Image.fromarray((picture * 0.22).astype(np.uint8))
    pen = ImageDraw.Draw(image)
    word_width = round(_width(card.condition, 48))
    left, y = (WIDTH - word_width - 64) // 2, 290
    glyph(image, card.condition, left, y - 24, 48)
    write(pen, (left + 64, y), card.condition, 48, COLOURS[card.condition])
    write(pen, (WIDTH // 2, y + 60), card.asked, 26, TEXT_2, "m")
    return np.asarray(image)


def draw_playhead(frame: NDArray[np.uint8], x: int, time_s: float) -> None:
    """Draw the playhead at `x` into `frame`, and the running time at the left of the lanes."""
    frame[FOOT + 10 : HEIGHT - 24, x - 1 : x + 1] = (69, 196, 176)
    image = Image.fromarray(frame[WAVE_Y - 16 : WAVE_Y + 16, 20 : LEFT - 12])
    pen = ImageDraw.Draw(image)
    write(pen, (image.width, 16), f"{time_s:.2f} s", 18, TEXT, "r")
    frame[WAVE_Y - 16 : WAVE_Y + 16, 20 : LEFT - 12] = np.asarray(image)


def write(
    pen: ImageDraw.ImageDraw, at: tuple[float, float], text: str, size: int, colour: str, align: str = "l"
) -> None:
    """One line of text, centred on at[1]; `align` l, m or r says which end of it is at[0]."""
    x = at[0] - {"l": 0.0, "m": 0.5, "r": 1.0}[align] * _width(text, size)
    font = _font(size, text)
    for number, piece in enumerate(text.split("−")):
        if number:  # Pillow's font has no minus sign: a bar as wide and as high up as the plus
            bar, middle = font.getlength("+"), at[1] + size * 0.06
            pen.line((x + bar * 0.12, middle, x + bar * 0.88, middle), colour, max(1, round(size / 11)))
            x += bar
        pen.text((x, at[1]), piece, colour, font, anchor="lm")
        x += font.getlength(piece)


def glyph(image: Image.Image, condition: Condition, left: int, top: int, size: int) -> None:
    """The condition's glyph, `size` pixels square, drawn four times as large and scaled down for smooth edges."""
    scale = size / 16 * 4
    mask = Image.new("L", (size * 4, size * 4))
    pen = ImageDraw.Draw(mask)
    for line in GLYPHS[condition]:
        pen.line([value * scale for value in line], 255, round(1.6 * scale), joint="curve")
        for x, y in ((line[0], line[1]), (line[-2], line[-1])):
            pen.circle((x * scale, y * scale), 0.8 * scale, 255)
    if condition == "muted":
        pen.circle((8 * scale, 8 * scale), 6.3 * scale, outline=255, width=round(1.6 * scale))
    mask = mask.resize((size, size), Image.Resampling.LANCZOS)
    image.paste(Image.new("RGB", (size, size), COLOURS[condition]), (left, top), mask)


def _head(image: Image.Image, pen: ImageDraw.ImageDraw, card: Card) -> None:
    glyph(image, card.condition, 32, 18, 28)
    write(pen, (72, 32), card.condition, 26, COLOURS[card.condition])
    write(pen, (72 + _width(card.condition, 26) + 20, 33), card.asked, 20, TEXT_2)
    write(pen, (WIDTH - 32, 33), card.counter, 18, TEXT_3, "r")
    write(pen, (WIDTH - 32 - _width(card.counter, 18) - 20, 33), card.title, 18, TEXT_3, "r")


def _lanes(pen: ImageDraw.ImageDraw, card: Card) -> None:
    write(pen, (LEFT - 12, SEEN_Y), "seen", 16, TEXT_3, "r")
    write(pen, (LEFT - 12, HEARD_Y), "heard", 16, TEXT_3, "r")
    pen.line((LEFT, WAVE_Y, RIGHT, WAVE_Y), LINE)
    for second in range(int(card.duration_s) + 1):
        write(pen, (card.x(second), SCALE_Y), f"{second} s", 12, CTL, "m")


def _wave(pen: ImageDraw.ImageDraw, card: Card, lit: bool) -> None:
    """The outline, one bar a pixel, scaled so that the loudest peak of the part nearly fills the lane."""
    if not len(card.peaks):
        return
    columns = RIGHT - LEFT
    starts = np.arange(columns) * len(card.peaks) // columns
    low = np.minimum.reduceat(card.peaks[:, 0], starts).astype(float)
    high = np.maximum.reduceat(card.peaks[:, 1], starts).astype(float)
    loudest = max(float(np.abs(card.peaks.astype(int)).max()), 127 / 4)
    for column in range(columns):
        top, bottom = (WAVE_Y - value / loudest * WAVE_HALF for value in (high[column], low[column]))
        pen.line((LEFT + column, top, LEFT + column, bottom), TEXT_2 if lit else "#474e58")


def _marks(pen: ImageDraw.ImageDraw, card: Card, lit: bool) -> None:
    """Seen from above, heard from below; the way from where the sound belongs to where it was put is an arrow."""
    colour = COLOURS[card.condition]
    if card.seen_s is not None:
        x = card.x(card.seen_s)
        _dashes(pen, x, SEEN_Y + 8, WAVE_Y + WAVE_HALF, TEXT if lit else CTL)
        pen.polygon([(x - 8, SEEN_Y - 7), (x + 8, SEEN_Y - 7), (x, SEEN_Y + 7)], TEXT)
        _label(pen, x, SEEN_Y, f"{card.seen_s:.3f} s", TEXT)
    if card.heard_s is None:
        gone = "no sound of the event in this part" if card.condition == "muted" else ""
        write(pen, (LEFT + 8, HEARD_Y), gone, 16, TEXT_3)
        return
    x, moved = card.x(card.heard_s), card.heard_s - (card.source_heard_s or card.heard_s)
    _dashes(pen, x, WAVE_Y - WAVE_HALF, HEARD_Y - 8, colour if lit else CTL)
    if abs(moved) >= 0.0005:
        was = card.x(card.heard_s - moved)
        pen.polygon([(was - 7, HEARD_Y + 7), (was + 7, HEARD_Y + 7), (was, HEARD_Y - 7)], outline=TEXT_3, width=2)
        side = 1 if moved > 0 else -1
        pen.line((was + side * 12, HEARD_Y + 2, x - side * 12, HEARD_Y + 2), colour, 2)
    pen.polygon([(x - 8, HEARD_Y + 7), (x + 8, HEARD_Y + 7), (x, HEARD_Y - 7)], colour)
    _label(pen, x, HEARD_Y, f"{card.heard_s:.3f} s", colour, leftwards=moved < 0)


def _label(pen: ImageDraw.ImageDraw, x: int, y: int, text: str, colour: str, leftwards: bool = False) -> None:
    """Text beside a mark, away from the arrow, but never out of the frame."""
    room = _width(text, 16) + 16
    leftwards = (leftwards and x - room > LEFT) or x + room > WIDTH - 16
    write(pen, (x - 16, y) if leftwards else (x + 16, y), text, 16, colour, "r" if leftwards else "l")


def _dashes(pen: ImageDraw.ImageDraw, x: int, top: int, bottom: int, colour: str) -> None:
    for y in range(top, bottom, 6):
        pen.line((x, y, x, min(y + 3, bottom)), colour, 1)


def _width(text: str, size: int) -> float:
    return _font(size, text).getlength(text.replace("−", "+"))


@cache
def _font(size: int, text: str) -> ImageFont.FreeTypeFont:
    """Pillow's own font, or the one on this machine that has most letters of `text` when it lacks some."""
    own = ImageFont.load_default(size)
    assert isinstance(own, ImageFont.FreeTypeFont)
    letters = set(text) - set(" −")
    best, fewest = own, _missing(own, letters)
    for name in FALLBACK_FONTS if fewest else ():
        with suppress(OSError):
            font = ImageFont.truetype(name, size)
            if (missing := _missing(font, letters)) < fewest:
                best, fewest = font, missing
    return best


def _missing(font: ImageFont.FreeTypeFont, letters: set[str]) -> int:
    """How many letters are drawn as the box that stands for unknown ones."""
    box = bytes(font.getmask("\U000fffff"))
    return sum(bytes(font.getmask(letter)) == box for letter in letters)
