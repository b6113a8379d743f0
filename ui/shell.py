"""One Gradio component per page: a `gr.HTML` whose template never changes, and the module that fills it.

The template holds no placeholder: Gradio compiles a filled template as a JavaScript template string, so data in
it could run. Data reaches the page over /api and is set with `textContent` only.
"""

from __future__ import annotations

from pathlib import Path

import gradio as gr

WIDGET = Path(__file__).parent / "widget"


class Shell(gr.HTML):
    """The whole page. `module_url` names the ES module that boot.js imports; `page` tells it which page this is."""

    def __init__(self, *, module_url: str = "", page: str = "", **kwargs: object) -> None:
        super().__init__(
            html_template='<div class="thud-root"></div>',
            js_on_load=(WIDGET / "base/boot.js").read_text(encoding="utf-8"),
            apply_default_css=False,
            module_url=module_url,
            page=page,
            **kwargs,
        )

    def api_info(self) -> dict[str, object]:
        return {"type": "string"}
