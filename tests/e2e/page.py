"""How the tests take hold of the page."""

from __future__ import annotations

import re
from collections.abc import Callable

from playwright.sync_api import Locator, Page, Route

Visit = Callable[[str], Page]
PATIENCE_MS = 20_000
"""How long anything that a page is to show may take: machines are slow and busy, and nothing here measures time."""
WIDER = "(root => root.scrollWidth - innerWidth)(document.documentElement)"
"""How far the page reaches beyond the window, in pixels; above 0 it scrolls sideways."""
WORK_MS = 120_000
"""How long a run of a few small clips may take: its workers start first, and that alone can take many seconds."""


class Held:
    """Requests to `address` that stay on their way. `times`: so many, then others pass; all by default.

    Made well before the first of them: a request that leaves in the same moment may get past.
    """

    def __init__(self, page: Page, address: str, times: int | None = None) -> None:
        self.page, self.routes = page, list[Route]()
        page.route(address, lambda route: self.routes.append(route), times=times)

    def wait(self) -> None:
        """Returns when one is held."""
        for _ in range(PATIENCE_MS // 20):
            if self.routes:
                return
            self.page.wait_for_timeout(20)
        raise AssertionError("the request that was to be held back was never made")

    def let_go(self) -> None:
        """Sends them on, once there is one."""
        self.wait()
        for route in self.routes:
            route.continue_()


def ready(page: Page) -> Page:
    """The page once its clips are listed and it sits in Gradio's component."""
    marks = "['thud-cards', 'thud-mount'].every((name) => performance.getEntriesByName(name).length > 0)"
    page.wait_for_function(marks, timeout=3 * PATIENCE_MS)
    return page


def head(page: Page) -> Locator:
    """The words beside "Clips": how many there are, or how many of them the filter lets through."""
    return page.locator(".head .lead")


def cards(page: Page) -> Locator:
    return page.locator(".card")


def search_field(page: Page) -> Locator:
    return page.get_by_label("Filter by name, sound or id")


def drawer(page: Page) -> Locator:
    return page.locator("#drawer")


def run_row(page: Page, title: str) -> Locator:
    """The run with just this title, in the drawer."""
    named = page.locator("b", has_text=re.compile(f"^{re.escape(title)}$"))
    return drawer(page).locator("li.run").filter(has=named)


def toast(page: Page) -> Locator:
    return page.locator(".toast")
