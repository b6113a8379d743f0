"""The web app: our routes first, Gradio mounted at "/", one guard before everything; and the server that runs it."""

from __future__ import annotations

import errno
import os
import sys
import warnings
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from fastapi import APIRouter, FastAPI
from starlette.responses import JSONResponse, RedirectResponse

from thud.errors import BadRequest, Conflict, NotFound, RefusedClip, RefusedEdit, StoreFull, ThudError
from ui.door.auth import LOCAL_HOSTS, Accounts, Guard
from ui.door.sign_in import sign_in_router
from ui.first_paint import FirstPaint
from ui.pages import HOME, PAGES
from ui.widget_files import Widget, find_widget, widget_router

if TYPE_CHECKING:
    import gradio
    from starlette.requests import Request

QUIET = {
    "GRADIO_ANALYTICS_ENABLED": "False",
    "GRADIO_RUN_HISTORY": "False",
    "GRADIO_SSR_MODE": "False",
    "HF_HUB_OFFLINE": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
}
"""Read by Gradio when it is imported: no request leaves this machine."""
STATUS: dict[type[ThudError], int] = {
    BadRequest: 400,
    NotFound: 404,
    Conflict: 409,
    RefusedClip: 422,
    RefusedEdit: 422,
    StoreFull: 507,
}
GIL_S = 0.0005
"""Python's threads take turns this often: a request hops between threads a dozen times, and beside the desk's own
thinking each hop would wait 5 ms otherwise.
"""
HANDLERS_AT_ONCE, WAITING_AT_MOST, SECONDS_TO_STOP = 4, 64, 2


def create_app(
    routers: Sequence[APIRouter] = (),
    *,
    accounts: Accounts | None = None,
    allowed_hosts: Iterable[str] = LOCAL_HOSTS,
) -> FastAPI:
    """The whole app. `routers` bring /api and /media; without `accounts` nobody signs in, and of Host names only
    `allowed_hosts` are answered.
    """
    app = FastAPI(title="thud", docs_url=None, redoc_url=None, openapi_url=None)
    app.add_exception_handler(ThudError, _say)
    app.add_exception_handler(OSError, _say_full)
    widget = find_widget()
    app.include_router(widget_router(widget))
    if accounts is not None:
        app.include_router(sign_in_router(accounts))
    for router in routers:
        app.include_router(router)

    @app.get("/", include_in_schema=False)
    async def home() -> RedirectResponse:
        return RedirectResponse(f"/{HOME.path}")

    _mount_gradio(app, widget)
    app.add_middleware(Guard, accounts=accounts, allowed_hosts=frozenset(allowed_hosts))
    app.add_middleware(FirstPaint, widget=widget)
    return app


def _say(_request: Request, error: Exception) -> JSONResponse:
    """The one place where an error becomes an answer: {"error": sentence}."""
    status = next((code for kind, code in STATUS.items() if isinstance(error, kind)), 500)
    return JSONResponse({"error": str(error)}, status_code=status)


def _say_full(request: Request, error: Exception) -> JSONResponse:
    """A full disk met outside the store, by whatever was writing a file for the page."""
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return _say(request, StoreFull("The disk is full. Free some space and try again; nothing saved is lost."))
    raise error


def _mount_gradio(app: FastAPI, widget: Widget) -> None:
    os.environ.update({name: os.environ.get(name, value) for name, value in QUIET.items()})
    import gradio as gr  # after the environment: Gradio reads it at import

    from ui.theme import make_theme  # imports Gradio

    blocks = _blocks(gr, widget)
    with warnings.catch_warnings():
        # said about every app of more than one page, even when server-side rendering was not asked for
        warnings.filterwarnings("ignore", message="SSR mode is not supported")
        gr.mount_gradio_app(
            app,
            blocks,
            path="/",
            theme=make_theme(),
            footer_links=[],
            run_history=False,
            ssr_mode=False,
            show_error=True,
            enable_monitoring=False,
            pwa=False,
            mcp_server=False,
            max_file_size="1mb",  # clips go through /api/upload; Gradio's own upload has no use here
        )


def _blocks(gr: gradio, widget: Widget) -> gradio.Blocks:  # type: ignore[valid-type]
    from ui.shell import Shell  # imports Gradio

    with gr.Blocks(title="thud", analytics_enabled=False, fill_width=True) as blocks:
        gr.Navbar(visible=False)
    for page in PAGES:
        with blocks.route(page.title, page.path):
            gr.Navbar(visible=False)
            Shell(module_url=widget.url(page.entry), page=page.path, elem_id="shell")
    blocks.queue(default_concurrency_limit=HANDLERS_AT_ONCE, max_size=WAITING_AT_MOST, api_open=False)
    return blocks


def serve(app: FastAPI, host: str = "127.0.0.1", port: int = 7860) -> None:
    """Answer until interrupted. Pages keep a stream open, hence `SECONDS_TO_STOP`: else stopping waits for them."""
    import uvicorn

    sys.setswitchinterval(GIL_S)
    uvicorn.run(
        app,
        host=host,
        port=port,
        log_level="warning",
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=SECONDS_TO_STOP,
    )
