"""How the tests take hold of the Train page, and runs written by hand that it shows."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import httpx
from playwright.sync_api import Locator, Page

from tests.e2e.page import PATIENCE_MS, WORK_MS

LONG_MS = 2 * WORK_MS
"""How long the trainer's libraries may take to load on a busy machine."""


def ready(page: Page) -> Page:
    """The page once its panels are drawn and it sits in Gradio's component."""
    marks = "['thud-train', 'thud-mount'].every((name) => performance.getEntriesByName(name).length > 0)"
    page.wait_for_function(marks, timeout=3 * PATIENCE_MS)
    return page


def panel(page: Page, title: str) -> Locator:
    return page.get_by_role("region", name=title, exact=True)


def line(page: Page, name: str) -> Locator:
    """A run's line in the table."""
    return page.locator(f"tr[data-run='{name}']")


def chart(page: Page, title: str) -> Locator:
    return page.locator(f".chart1[aria-label='{title}'] .ch")


def head(page: Page) -> Locator:
    return page.locator(".rh1")


@dataclass(frozen=True, slots=True)
class Hand:
    """The app on runs written by hand. trouble: what its pages complained of."""

    url: str
    workspace: Path
    page: Page
    trouble: list[str]

    def open(self, path: str = "/train") -> Page:
        self.page.goto(self.url + path)
        return ready(self.page)

    def folder(self, name: str) -> Path:
        runs = httpx.get(f"{self.url}/api/train", timeout=60).json()["runs"]
        return self.workspace / "runs" / next(str(run["run"]) for run in runs if run["name"] == name)
