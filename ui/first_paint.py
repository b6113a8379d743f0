"""What the browser paints before Gradio's own code has loaded, and the headers every answer carries.

Gradio's index.html is an empty element until about a second of JavaScript has run. This ASGI layer puts our bar, grey
blocks and stylesheets into that HTML, and wraps Gradio's global reset in a cascade layer, so that our plain
rules win over it.
"""

from __future__ import annotations

import html
import re
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from ui.pages import PAGES, Page
from ui.widget_files import WIDGET, Widget

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

GRADIO_RESET = re.compile(r"^/assets/index-[\w-]+\.css$")
POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; media-src 'self' data: blob:; font-src 'self' data:; connect-src 'self' blob:; "
    "worker-src 'self' blob:; object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors 'none'"
)
"""Gradio compiles templates and runs inline scripts, hence the two 'unsafe' words; no other host is allowed."""
HEADERS = (
    (b"content-security-policy", POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), microphone=(), geolocation=(), payment=(), usb=()"),
)
ICON = (
    "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 20 20'%3E"
    "%3Crect width='20' height='20' rx='3' fill='%230e1013'/%3E"
    "%3Cpath d='M7 3v14M10.5 6v8M14 8v4' stroke='%2345c4b0' stroke-width='2'/%3E%3C/svg%3E"
)


def _nav(current: Page) -> str:
    links = []
    for page in PAGES:
        here = ' aria-current="page"' if page is current else ""
        here += f' data-least="{page.least}"' if page.least != "annotator" else ""
        links.append(f'<a href="/{page.path}"{here}>{html.escape(page.title)}</a>')
    return "".join(links)


def _head(page: Page, widget: Widget) -> str:
    sheets = "".join(f'<link rel="stylesheet" href="{widget.url(name)}">' for name in widget.sheets)
    modules = "".join(f'<link rel="modulepreload" href="{widget.url(name)}">' for name in widget.modules(page.entry))
    return f'<link rel="icon" href="{ICON}"><title>{html.escape(page.title)} · thud</title>{sheets}{modules}'


def _body(page: Page, widget: Widget) -> str:
    """The theme script, so that the first paint has the right colours; the page's frame; the module that fills it."""
    script = (WIDGET / "base/first.js").read_text(encoding="utf-8")
    ghost = WIDGET / page.path / "ghost.html"
    frame = (WIDGET / "base/page.html").read_text(encoding="utf-8").replace("<!--nav-->", _nav(page))
    frame = frame.replace("<!--ghost-->", ghost.read_text(encoding="utf-8") if ghost.is_file() else "")
    begin = f'import {{ start }} from "{widget.url(page.entry)}"; start(document.getElementById("thud"));'
    return f'<script>{script}</script>{frame}<script type="module">{begin}</script>'


class FirstPaint:
    """Adds the first paint to page answers and the security headers to all of them."""

    def __init__(self, app: App, widget: Widget) -> None:
        self.app = app
        self.pages = {f"/{page.path}": (_head(page, widget).encode(), _body(page, widget).encode()) for page in PAGES}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        edit = self._edit_for(scope["path"])
        if edit is None:
            await self.app(scope, receive, _with_headers(send))
            return
        # Gradio would compress the body, and we must read it.
        plain = [(name, value) for name, value in scope["headers"] if name != b"accept-encoding"]
        await self.app({**scope, "headers": plain}, receive, _Rewriter(_with_headers(send), edit))

    def _edit_for(self, path: str) -> Callable[[bytes], bytes] | None:
        if GRADIO_RESET.match(path):
            return lambda body: b"@layer gradio{" + body + b"}"
        if path not in self.pages:
            return None
        head, frame = self.pages[path]

        def add(body: bytes) -> bytes:
            return body.replace(b"</head>", head + b"</head>", 1).replace(b"</gradio-app>", b"</gradio-app>" + frame, 1)

        return add


def _with_headers(send: Send) -> Send:
    async def out(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message.get("headers", ()), *HEADERS]
        await send(message)

    return out


class _Rewriter:
    """Holds a 200 answer back until it is whole, edits it and sends it with its new length; passes other answers on."""

    def __init__(self, send: Send, edit: Callable[[bytes], bytes]) -> None:
        self.send, self.edit = send, edit
        self.start: Message | None = None
        self.parts: list[bytes] = []

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start" and message["status"] == 200:
            self.start = message
            return
        if self.start is None or message["type"] != "http.response.body":
            await self.send(message)
            return
        self.parts.append(message.get("body", b""))
        if message.get("more_body"):
            return
        body = self.edit(b"".join(self.parts))
        kept = [(name, value) for name, value in self.start["headers"] if name.lower() != b"content-length"]
        self.start["headers"] = [*kept, (b"content-length", str(len(body)).encode())]
        await self.send(self.start)
        await self.send({"type": "http.response.body", "body": body})
