"""The app's own routes: JSON under /api, files under /media. Gradio shows pages; everything else passes here."""

from __future__ import annotations

from fastapi import APIRouter

from ui.house import House
from ui.routes.clips import clip_router
from ui.routes.media import media_router
from ui.routes.work import work_router


def all_routers(house: House) -> list[APIRouter]:
    return [clip_router(house), work_router(house), media_router(house)]
