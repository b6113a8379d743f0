"""The Gradio theme: only what shows before and around our own page; every value of ours lives in widget/tokens.css."""

from __future__ import annotations

import gradio as gr

SANS = (
    "-apple-system",
    "BlinkMacSystemFont",
    "Segoe UI",
    "Roboto",
    "Noto Sans",
    "Liberation Sans",
    "Helvetica Neue",
    "Arial",
    "sans-serif",
)
MONO = ("ui-monospace", "SFMono-Regular", "Menlo", "Consolas", "Liberation Mono", "monospace")
LIGHT, DARK = "#f5f6f7", "#0e1013"
TEXT_LIGHT, TEXT_DARK = "#16191d", "#e7e9ec"


def make_theme() -> gr.themes.Base:
    """A theme with system fonts given as strings, so that Gradio asks nobody for a font, and our ground colours."""
    theme = gr.themes.Base(font=SANS, font_mono=MONO, text_size="sm", spacing_size="sm", radius_size="sm")
    return theme.set(
        body_background_fill=LIGHT,
        body_background_fill_dark=DARK,
        background_fill_primary=LIGHT,
        background_fill_primary_dark=DARK,
        body_text_color=TEXT_LIGHT,
        body_text_color_dark=TEXT_DARK,
        layout_gap="0px",
        block_padding="0px",
    )
