"""/api/leak: what can be scored on the stimuli of this workspace without watching and listening together."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter

from ui.house import House

Json = dict[str, Any]


def leak_router(house: House) -> APIRouter:
    """One route. Where the sound lies is told at once; files are measured behind it, and told when that is done."""
    router = APIRouter(prefix="/api/leak")

    @router.get("/report")
    def leak() -> Json:
        from thud.runs.listening.leak import heard_without_picture, leak_report, measure_soon

        measuring = measure_soon(house.store, house.workspace)
        told = leak_report(house.store, house.workspace, heard=heard_without_picture(house.store))
        return {**told, "measuring": measuring}

    return router
