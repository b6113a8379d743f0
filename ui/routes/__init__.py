"""The app's own routes: JSON under /api, files under /media. Gradio shows pages; everything else passes here."""

from __future__ import annotations

from fastapi import APIRouter

from ui.house import House
from ui.routes.admin import admin_router
from ui.routes.agreement import agreement_router
from ui.routes.annotate import annotate_router
from ui.routes.annotators import annotators_router
from ui.routes.benchmarks import benchmarks_router
from ui.routes.clips import clip_router
from ui.routes.judging import judging_router
from ui.routes.leak import leak_router
from ui.routes.listeners import listeners_router
from ui.routes.listening_test import listening_router
from ui.routes.media import media_router
from ui.routes.pairs import pairs_router
from ui.routes.results import results_router
from ui.routes.rewriting import rewriting_router
from ui.routes.segments import segments_router
from ui.routes.train import train_router
from ui.routes.work import work_router


def all_routers(house: House) -> list[APIRouter]:
    makers = (
        clip_router,
        annotate_router,
        annotators_router,
        work_router,
        media_router,
        admin_router,
        agreement_router,
        results_router,
        benchmarks_router,
        listeners_router,
        leak_router,
        listening_router,
        judging_router,
        pairs_router,
        rewriting_router,
        segments_router,
        train_router,
    )
    return [make(house) for make in makers]
