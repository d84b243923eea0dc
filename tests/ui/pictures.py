"""Takes the pictures of the README, on the sample company: `make pictures`. Not a test; the tests look at the same page."""

import shutil
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Page, expect, sync_playwright

from settings import Settings
from tests.service.serving import ROOT, clearance
from tests.ui.conftest import FLAGS, WAIT_MS
from tests.ui.test_flagship import begin, waits
from tools.supply_chain.demo import make_demo
from tools.supply_chain.store import open_records

FOLDER = ROOT / "docs" / "pictures"


def take(page: Page) -> None:
    begin(page)
    waits(page, "0 of 3 decided")
    page.get_by_text("waits for you").last.wait_for()
    page.get_by_role("link", name="Approvals 3").wait_for()
    page.screenshot(path=FOLDER / "decide.png")
    for decided in (1, 2, 3):
        page.get_by_role("button", name="Approve", exact=True).click()
        if decided < 3:
            waits(page, f"{decided} of 3 decided")
    report = page.locator("article.report")
    report.wait_for()
    report.get_by_role("button", name="Source 5", exact=True).first.click()
    pane = page.get_by_role("tabpanel")
    pane.get_by_role("button", name="Open the 55 records").click()
    expect(pane.get_by_role("region", name="Records of order_lines").locator("tbody tr")).to_have_count(55)
    page.screenshot(path=FOLDER / "evidence.png")


def main() -> int:
    found = shutil.which("chromium")
    if not found:
        print("no Chromium on the path", file=sys.stderr)
        return 1
    expect.set_options(timeout=WAIT_MS)
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        records = open_records(Settings(home=home))
        make_demo(records.writing)
        records.close()
        with clearance(home) as server, sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=found, args=FLAGS.split())
            page = browser.new_context(viewport={"width": 1440, "height": 900}, locale="en-GB").new_page()
            page.goto(server.url)
            take(page)
            browser.close()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
