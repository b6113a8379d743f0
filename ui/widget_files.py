"""The page's own files: their version, their addresses and the route that serves them under /av."""

from __future__ import annotations

import hashlib
import posixpath
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from fastapi import APIRouter, Request
from starlette.responses import FileResponse, PlainTextResponse, Response

WIDGET = Path(__file__).parent / "widget"
SHEETS = (
    "base/tokens.css",
    "base/page.css",
    "clips/clip.css",
    "annotate/page.css",
    "admin/page.css",
    "results/page.css",
    "results/model.css",
    "results/listeners.css",
    "listen/page.css",
    "results/judging.css",
    "pairs/page.css",
    "annotate/segments.css",
    "train/page.css",
)
IMPORTED = re.compile(r"""(?:from|import|import\()\s*["'](\.\.?/[\w./-]+\.js)["']""")
TYPES = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}


@dataclass(frozen=True, slots=True)
class Widget:
    """version: hash of all files and part of every address: a changed file is a new address, and caches never lie.
    imports: of each module, the modules that it asks for. Names are paths under widget/: "results/page.js".
    """

    version: str
    sheets: tuple[str, ...]
    imports: Mapping[str, tuple[str, ...]]

    def url(self, name: str) -> str:
        return f"/av/{self.version}/{name}"

    def modules(self, entry: str) -> tuple[str, ...]:
        """Every module that a page needs which begins with `entry`, that one first."""
        found = [entry]
        for name in found:
            found += [each for each in self.imports.get(name, ()) if each not in found]
        return tuple(found)


def find_widget(folder: Path = WIDGET) -> Widget:
    """The files as they are on disk now."""
    digest = hashlib.sha256()
    files = _served(folder)
    for name, path in files.items():
        digest.update(name.encode() + b"\0" + path.read_bytes())
    scripts = {name: path.read_text(encoding="utf-8") for name, path in files.items() if path.suffix == ".js"}
    imports = {name: tuple(each for each in _imported(name, text) if each in scripts) for name, text in scripts.items()}
    sheets = tuple(name for name in SHEETS if (folder / name).is_file())
    return Widget(digest.hexdigest()[:12], sheets, imports)


def _served(folder: Path) -> dict[str, Path]:
    found = (path for path in folder.rglob("*") if path.suffix in TYPES)
    return {path.relative_to(folder).as_posix(): path for path in sorted(found)}


def _imported(name: str, text: str) -> list[str]:
    """What a module asks for, each once, as paths under widget/."""
    here = posixpath.dirname(name)
    return list(dict.fromkeys(posixpath.normpath(posixpath.join(here, each)) for each in IMPORTED.findall(text)))


def widget_router(widget: Widget, folder: Path = WIDGET) -> APIRouter:
    """GET /av/{version}/{name}: kept for ever under the current version; any other version is checked on each use."""
    router = APIRouter()
    names = _served(folder)

    @router.get("/av/{version}/{name:path}", include_in_schema=False)
    async def widget_file(version: str, name: str, request: Request) -> Response:
        path = names.get(name)
        if path is None:
            return PlainTextResponse("There is no such file.", status_code=404)
        cache = "public, max-age=31536000, immutable" if version == widget.version else "no-cache"
        answer = FileResponse(path, media_type=TYPES[path.suffix], headers={"cache-control": cache})
        answer.set_stat_headers(path.stat())
        if request.headers.get("if-none-match") == answer.headers["etag"]:
            return Response(status_code=304, headers={"etag": answer.headers["etag"], "cache-control": cache})
        return answer

    return router
