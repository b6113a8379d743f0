"""The pages, in the order of the bar. A page is a path, a word for the bar and the module that draws it."""

from __future__ import annotations

from dataclasses import dataclass

from ui.door.accounts import Role


@dataclass(frozen=True, slots=True)
class Page:
    """path: without slash, also the Gradio route. title: as the bar and the browser's tab say it.

    It is drawn by widget/`path`/page.js. least: whom the bar shows it to; what people may do is decided elsewhere
    (ui/door/rights.py).
    """

    path: str
    title: str
    least: Role = "annotator"

    @property
    def entry(self) -> str:
        return f"{self.path}/page.js"


ANNOTATE = Page("annotate", "Annotate")
LISTEN = Page("listen", "Listen")
CLIPS = Page("clips", "Clips")
RESULTS = Page("results", "Results", least="researcher")
PAIRS = Page("pairs", "Pairs", least="researcher")
TRAIN = Page("train", "Train", least="researcher")
ADMIN = Page("admin", "Admin", least="researcher")
PAGES: tuple[Page, ...] = (ANNOTATE, LISTEN, CLIPS, RESULTS, PAIRS, TRAIN, ADMIN)
HOME = ANNOTATE
"""Where "/" leads."""
