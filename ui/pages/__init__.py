"""The pages, in the order of the bar. A page is a path, a word for the bar and a function that fills a Gradio route."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Page:
    """path: without slash, also the Gradio route. title: as the bar and the browser's tab say it."""

    path: str
    title: str


CLIPS = Page("clips", "Clips")
PAGES: tuple[Page, ...] = (CLIPS,)
HOME = CLIPS
"""Where "/" leads."""
