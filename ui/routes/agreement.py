"""/api/agreement: how far annotators agree and how good people are. For researchers and admins."""

from __future__ import annotations

import csv
import io
import threading
from collections.abc import Callable
from typing import Any, Literal

from fastapi import APIRouter
from starlette.responses import Response

from ui.house import House

Json = dict[str, Any]
Stage = Literal["first", "final"]
Sense = Literal["visual", "audio"]


def agreement_router(house: House) -> APIRouter:
    """Answers are computed once per state of the log: at 10,000 clips the learning takes seconds."""
    router = APIRouter(prefix="/api/agreement")
    told = Once(lambda: _newest(house))

    @router.get("")
    def agreement(stage: Stage = "first") -> Json:
        found: Json = told.get(("agreement", stage), lambda: _agreement(house, stage))
        return found

    @router.get("/pair")
    def pair(a: str, b: str, sense: Sense = "visual", stage: Stage = "first") -> Json:
        from ui.figures import points

        return points(told.get(("material",), lambda: _material(house)), sense, stage, a, b)

    @router.get("/pairs.csv")
    def pairs(stage: Stage = "first") -> Response:
        from ui.figures import pair_table

        text = io.StringIO()
        csv.writer(text).writerows(pair_table(agreement(stage)))
        headers = {"content-disposition": f'attachment; filename="agreement-{stage}.csv"'}
        return Response(text.getvalue(), media_type="text/csv; charset=utf-8", headers=headers)

    @router.get("/quality")
    def quality(stage: Stage = "final") -> Json:
        from ui.figures import quality

        found: Json = told.get(("quality", stage), lambda: quality(_material(house), stage))
        return found

    return router


class Once:
    """Keeps what was computed until `state()` gives something else. One computation at a time."""

    def __init__(self, state: Callable[[], Any]) -> None:
        self._state = state
        self._lock = threading.Lock()
        self._seen: Any = None
        self._held: dict[tuple[str, ...], Any] = {}

    def get(self, key: tuple[str, ...], compute: Callable[[], Any]) -> Any:
        with self._lock:
            now = self._state()
            if now != self._seen:
                self._seen, self._held = now, {}
            if key not in self._held:
                self._held[key] = compute()
            return self._held[key]


def _newest(house: House) -> int:
    newest = house.store.events(limit=1)
    return newest[0].ev_id if newest else 0


def _material(house: House) -> Any:
    from ui.figures import material

    store = house.store
    return material(store.clips(), store.marks(), store.times())


def _agreement(house: House, stage: Stage) -> Json:
    from thud.events.needs import judge
    from thud.events.settings import read_settings
    from thud.events.settle import read_cases
    from ui.figures import agreement, retention

    settings = read_settings(house.store.settings())
    judged = [judge(case, settings) for case in read_cases(house.store).values() if case.marks]
    eps = {"eps_visual_s": settings.eps_visual_s, "eps_audio_s": settings.eps_audio_s}
    return {**agreement(_material(house), stage), "rule": {**retention(judged), **eps}, "stage": stage}
