"""A service over the sample company, and a browser that looks at its page. Tests here are of one process, few and long.

A page that asks another host for anything, writes an error to its console or throws, fails its test.
"""

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Route, expect, sync_playwright

from settings import Settings
from tests.service.serving import ROOT, Server, clearance
from tools.supply_chain.demo import make_demo
from tools.supply_chain.store import open_records

FLAGS = (
    "--no-sandbox --disable-gpu --disable-quic --no-first-run "
    "--disable-background-networking --disable-component-update --disable-sync"
)
AXE = ROOT / "ui" / "node_modules" / "axe-core" / "axe.min.js"
WAIT_MS = 90_000  # for what the service does: a slow machine is not wrong
RULES = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa")


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Server]:
    """`clearance serve` on a home of the test's own, with the sample company."""
    records = open_records(Settings(home=tmp_path / "home"))
    make_demo(records.writing)
    records.close()
    with clearance(tmp_path / "home") as server:
        yield server


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Ends with its file: while it is open an event loop runs in this thread, in which other files' tests could start none."""
    found = os.environ.get("CHROMIUM") or shutil.which("chromium")
    if not found:
        pytest.skip("no Chromium: install it, or say where it is in CHROMIUM")
    expect.set_options(timeout=WAIT_MS)
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=found, args=FLAGS.split())
        yield running
        running.close()


@dataclass
class Watched:
    """A browser's profile whose tabs are watched."""

    url: str
    context: BrowserContext
    wrong: list[str] = field(default_factory=list)
    forgiven: Callable[[str], bool] = lambda said: False

    def tab(self, path: str = "") -> Page:
        page = self.context.new_page()
        page.set_default_timeout(WAIT_MS)
        page.on(
            "console",
            lambda said: (
                self._hear(f"{said.text} {said.location.get('url', '')}") if said.type in ("error", "warning") else None
            ),
        )
        page.on("pageerror", lambda error: self.wrong.append(f"thrown: {error}"))
        page.goto(f"{self.url}/{path}")
        return page

    def _hear(self, text: str) -> None:
        if not self.forgiven(text):
            self.wrong.append(f"console: {text}")

    def only_own(self, route: Route) -> None:
        if urlsplit(route.request.url).netloc == urlsplit(self.url).netloc:
            route.continue_()
        else:
            self.wrong.append(f"asked another host: {route.request.url}")
            route.abort()


@pytest.fixture
def watched(served: Server, browser: Browser) -> Iterator[Watched]:
    context = browser.new_context(viewport={"width": 1440, "height": 900}, locale="en-GB")
    mine = Watched(served.url, context)
    context.route("**/*", mine.only_own)
    yield mine
    context.close()
    assert mine.wrong == []


def accessible(page: Page) -> None:
    """No violation of WCAG 2.2 AA that axe finds, in both themes."""
    if not AXE.exists():
        pytest.skip("axe-core is missing: run make clients")
    for theme in ("light", "dark"):
        page.emulate_media(color_scheme=theme)
        page.evaluate("document.getAnimations().forEach((one) => one.cancel())")
        if not page.evaluate("'axe' in window"):
            page.evaluate(AXE.read_text(encoding="utf-8"))
        only = {
            "runOnly": list(RULES),
            "resultTypes": ["violations"],
        }  # to tell all that is well besides takes five times as long
        found = page.evaluate("(only) => axe.run(only)", only)["violations"]
        said = [f"{theme} {one['id']}: {one['help']}: " + "; ".join(n["html"][:160] for n in one["nodes"][:3]) for one in found]
        assert said == []
    page.emulate_media(color_scheme="light")
