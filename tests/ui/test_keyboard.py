"""The flagship without a mouse, and without motion for who wants none."""

import json
from pathlib import Path

from playwright.sync_api import Page, expect

from tests.ui.conftest import Watched
from tests.ui.test_flagship import FLAGSHIP, waits

MOST = 400  # keys: a report has many sources
FOCUSED = "() => { const at = document.activeElement; return (at.ariaLabel || at.innerText || '').trim() }"


def press_to(page: Page, name: str, key: str = "Tab") -> None:
    """Move the focus to what is called so, by its key alone."""
    for _ in range(MOST):
        if page.evaluate(FOCUSED) == name:
            return
        page.keyboard.press(key)
    raise AssertionError(f"{name} is not reached by {key}; the focus is on {page.evaluate(FOCUSED)!r}")


def test_the_flagship_by_keys_alone(watched: Watched, tmp_path: Path) -> None:
    page = watched.tab()
    page.emulate_media(reduced_motion="reduce")
    expect(page.get_by_label("Message")).to_be_focused()
    page.keyboard.type(FLAGSHIP)
    page.keyboard.press("Enter")
    waits(page, "0 of 3 decided")
    expect(page.get_by_role("heading", name="Decisions that wait for you")).to_be_focused()
    assert page.evaluate("document.getAnimations().length") == 0, "reduced motion: nothing moves"
    for decided in range(3):
        press_to(page, "Approve")
        page.keyboard.press("Enter")
        if decided < 2:
            waits(page, f"{decided + 1} of 3 decided")
    page.locator("article.report").wait_for()
    press_to(page, "Source 1")
    page.keyboard.press("Enter")
    expect(page.get_by_role("tabpanel").get_by_role("heading").first).to_be_focused()
    press_to(page, "Evidence", "Shift+Tab")
    page.keyboard.press("ArrowLeft")
    expect(page.get_by_role("tab", name="Specialists")).to_be_focused()
    expect(page.get_by_role("tabpanel")).to_contain_text("Who worked when")
    press_to(page, "Export", "Shift+Tab")
    page.keyboard.press("Enter")
    press_to(page, "JSON")
    with page.expect_download() as saved:
        page.keyboard.press("Enter")
    saved.value.save_as(tmp_path / "answer.json")
    assert json.loads((tmp_path / "answer.json").read_text(encoding="utf-8"))["report"]["status"] == "complete"
    page.reload()
    page.locator("article.report").wait_for()  # before that there is little to go to
    page.keyboard.press("Tab")
    assert page.evaluate(FOCUSED) == "Skip to the conversation"
    page.keyboard.press("Enter")
    expect(page.locator("#main")).to_be_focused()
