"""Order: what needs a browser runs last, since Playwright keeps an event loop running until the session ends.

Every process computes with one thread: as many tests run side by side as there are cores, and each starts others.
And no test may leave this process with a real-time priority: everything started from it would starve the machine.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

os.environ.setdefault("OMP_NUM_THREADS", "1")

BROWSER = Path(__file__).parent / "e2e"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: BROWSER in item.path.parents)


@pytest.fixture(autouse=True)
def ordinary_priority() -> Iterator[None]:
    yield
    if hasattr(os, "sched_getscheduler"):
        assert os.sched_getscheduler(0) == os.SCHED_OTHER
