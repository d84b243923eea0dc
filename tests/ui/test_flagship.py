"""The flagship at a browser: from an empty page to the answer, with an approval edited, one rejected, and a reload on the way."""

import json
import re
from pathlib import Path

from playwright.sync_api import Page, expect

from tests.ui.conftest import Watched, accessible

FLAGSHIP = "Analyze supplier risk across our logistics network"


def begin(page: Page) -> None:
    page.get_by_label("Message").fill(FLAGSHIP)
    page.get_by_label("Message").press("Enter")
    expect(page).to_have_url(re.compile(r"#/t/[0-9a-f-]{36}$"))


def waits(page: Page, progress: str) -> None:
    expect(page.get_by_role("group", name="Open case")).to_be_visible()
    expect(page.locator(".ask header")).to_contain_text(progress)


def test_from_an_empty_page_to_the_answer(watched: Watched, tmp_path: Path) -> None:
    page = watched.tab()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Give a goal")
    expect(page.get_by_text("Offline model")).to_be_visible()
    accessible(page)
    begin(page)
    page.get_by_role("region", name="Plan").get_by_text("Financial exposure").wait_for()
    page.reload()  # in the middle of the run: what was streamed comes again, once
    waits(page, "0 of 3 decided")
    expect(page.locator(".steps li")).to_have_count(10)
    expect(page.locator(".specialist", has_text="Financial exposure by supplier: done.")).to_have_count(1)
    expect(page.locator(".ask .why")).to_contain_text("changes-need-their-approver")
    accessible(page)

    first = page.locator(".ask h3").inner_text()
    page.get_by_role("button", name="Edit", exact=True).last.click()
    page.get_by_label("Severity").select_option("medium")
    expect(page.locator(".diff ins")).to_have_text("medium")
    accessible(page)
    page.get_by_role("button", name="Approve with edits").click()
    waits(page, "1 of 3 decided")
    assert page.locator(".ask h3").inner_text() != first

    page.get_by_role("button", name="Reject…").click()
    expect(page.get_by_role("button", name="Reject", exact=True)).to_be_disabled()
    page.get_by_label("Why is it rejected?").fill("Known, and in hand")
    page.get_by_role("button", name="Reject", exact=True).click()
    waits(page, "2 of 3 decided")
    page.get_by_role("button", name="Approve", exact=True).click()

    report = page.locator("article.report")
    report.wait_for()
    expect(page.locator(".head")).to_contain_text("Done")
    expect(report).to_contain_text("3 of 24 suppliers are at or over the risk threshold")
    assert page.evaluate("document.scrollingElement.scrollTop") == 0
    record = page.get_by_role("region", name="Decisions")
    expect(record.get_by_text("Approved and carried out")).to_have_count(2)
    expect(record.get_by_text("Replaced by an edit")).to_have_count(1)
    expect(record.get_by_text("Rejected", exact=True)).to_have_count(1)

    report.get_by_role("button", name="Source 1", exact=True).first.click()
    evidence = page.get_by_role("tabpanel")
    expect(evidence).to_contain_text("245 records of order_lines")
    expect(evidence).to_contain_text("score_suppliers")
    evidence.get_by_role("button", name="Open the 245 records").click()
    expect(evidence.get_by_role("region", name="Records of order_lines").locator("tbody tr")).to_have_count(100)
    evidence.get_by_role("button", name="Next", exact=True).click()
    expect(evidence).to_contain_text("101 to 200 of 245")
    expect(evidence).to_contain_text("The result's digest stands in the ledger")
    accessible(page)
    for tab in ("Plan", "Specialists", "Files", "History"):
        page.get_by_role("tab", name=tab).click()
        expect(page.get_by_role("tabpanel").locator("[aria-busy=true]")).to_have_count(0)
        accessible(page)

    page.get_by_role("button", name="Export").click()
    with page.expect_download() as saved:
        page.get_by_role("button", name="JSON").click()
    saved.value.save_as(tmp_path / "answer.json")
    answer = json.loads((tmp_path / "answer.json").read_text(encoding="utf-8"))["report"]
    assert answer["status"] == "complete" and len(answer["citations"]) > 20
    page.get_by_role("button", name="Export").click()
    with page.expect_download() as saved:
        page.get_by_role("button", name="HTML").click()
    saved.value.save_as(tmp_path / saved.value.suggested_filename)
    exported = (tmp_path / saved.value.suggested_filename).read_text(encoding="utf-8")
    assert saved.value.suggested_filename.endswith(".html") and "Oskvar Laboratories" in exported and "<script" not in exported
    page.set_viewport_size({"width": 390, "height": 844})
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    accessible(page)
