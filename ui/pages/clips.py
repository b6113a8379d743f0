"""Clips: the gallery, a clip's page, the dialogs to add and build, and the runs; widget/main.js draws all of it."""

from __future__ import annotations

from ui.pages import CLIPS
from ui.shell import Shell


def fill(module_url: str) -> Shell:
    """The page's one component; call inside the page's Gradio route."""
    return Shell(module_url=module_url, page=CLIPS.path, elem_id="shell")
