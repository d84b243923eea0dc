"""The pages beside the conversation, each after a run that has something for it to show."""

import json
import re
from pathlib import Path

from playwright.sync_api import Page, expect

from tests.ui.conftest import Watched, accessible
from tests.ui.test_flagship import begin, waits


def narrow(page: Page) -> None:
    """Nothing of it is wider than a phone."""
    page.set_viewport_size({"width": 390, "height": 844})
    assert page.evaluate("document.querySelector('.page .inner').getBoundingClientRect().right") <= 390
    accessible(page)
    page.set_viewport_size({"width": 1440, "height": 900})


def test_what_waits_what_was_decided_and_in_whose_stead(watched: Watched) -> None:
    watched.forgiven = lambda said: "403" in said  # the browser's own line about the vote that is refused here
    page = watched.tab()
    begin(page)
    waits(page, "0 of 3 decided")
    page.get_by_role("link", name="Approvals 3").click()
    expect(page.locator(".queued")).to_have_count(2)
    accessible(page)
    page.locator(".queued").last.click()
    shown = page.locator(".ask h3").inner_text().removesuffix("?")
    page.get_by_role("button", name="Approve", exact=True).click()
    expect(page.get_by_text("Decided just now")).to_be_visible()
    expect(page.locator(".queued")).to_have_count(1)
    narrow(page)

    page.get_by_role("link", name="Decided").click()
    row = page.locator(".record", has_text=shown)
    expect(row).to_contain_text("by local")
    row.locator("summary").click()
    expect(row.get_by_text("Supplier id")).to_be_visible()
    page.get_by_label("Search", exact=True).fill("nothing like it")
    expect(page.get_by_text("Nothing was decided yet")).to_be_visible()
    accessible(page)

    page.get_by_role("link", name="Delegations").click()
    page.get_by_role("combobox", name="To", exact=True).select_option("rita")
    page.get_by_role("combobox", name="Role", exact=True).select_option("risk-manager")
    page.get_by_role("button", name="Delegate").click()
    lent = page.get_by_role("list", name="Delegations")
    expect(lent).to_contain_text("rita decides as risk-manager for local")
    narrow(page)

    page.locator(".who summary").click()
    accessible(page)
    page.get_by_role("button", name="rita ").click()
    expect(page.locator(".who summary")).to_contain_text("rita")
    page.get_by_role("link", name="Approvals 2").click()
    expect(page.locator(".ask h3")).to_be_visible()  # lent to her
    page.get_by_role("button", name="Reject…").click()
    page.get_by_label("Why is it rejected?").fill("In hand")
    page.get_by_role("button", name="Reject", exact=True).click()
    expect(page.locator(".record")).to_contain_text("by rita for local")

    page.locator(".who summary").click()
    page.get_by_role("button", name="ada ").click()
    expect(page.get_by_text("Nothing waits for you. One decision waits for others.")).to_be_visible()
    page.get_by_role("link", name="All open").click()
    page.get_by_role("button", name="Approve", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("You may not do this.")


def test_the_audit_is_filtered_verified_and_taken_along(watched: Watched, tmp_path: Path) -> None:
    page = watched.tab()
    begin(page)
    waits(page, "0 of 3 decided")
    page.get_by_role("link", name="Audit").click()
    badge = page.locator(".badge")
    expect(badge).to_contain_text("Verified")
    expect(badge).to_contain_text("26 entries hold")
    rows = page.locator("table.rows tbody tr:not(.detail)")
    expect(rows).to_have_count(26)
    page.get_by_role("combobox", name="Outcome", exact=True).select_option("approve")
    expect(rows).to_have_count(3)
    rows.first.get_by_role("button").click()
    detail = page.locator(".facts")
    expect(detail).to_contain_text("changes-need-their-approver")
    accessible(page)
    detail.get_by_role("link").click()
    expect(page.get_by_label("Execution", exact=True)).not_to_have_value("")
    expect(rows).to_have_count(26)
    with page.expect_download() as saved:
        page.get_by_role("button", name="Signed bundle").click()
    saved.value.save_as(tmp_path / "bundle.json")
    assert set(json.loads((tmp_path / "bundle.json").read_text(encoding="utf-8"))) == {"statement", "key", "signature"}
    page.get_by_role("link", name="Clear").click()
    page.get_by_label("Person", exact=True).fill("nobody")
    page.get_by_role("button", name="Filter").click()
    expect(page.get_by_text("No entry fits.")).to_be_visible()
    narrow(page)


def test_the_policies_are_read_laid_out_and_explained(watched: Watched) -> None:
    page = watched.tab("#/policies")
    expect(page.locator(".badge")).to_contain_text("Valid")
    page.get_by_label("Search rules").fill("secret-leaves")
    expect(page.locator(".ruled li")).to_have_count(1)
    page.get_by_text("The file as it is written").click()
    expect(page.locator(".source")).to_contain_text('@id("secret-leaves")')
    accessible(page)
    page.get_by_role("link", name="Matrix").click()
    page.get_by_role("combobox", name="Specialist", exact=True).select_option("escalation")
    page.get_by_label("Tool", exact=True).fill("open case")
    page.get_by_role("combobox", name="Role of who asks", exact=True).select_option("auditor")
    row = page.locator("table.matrix tbody tr")
    expect(row).to_have_count(1)
    expect(row).to_have_text(re.compile("^open_case ?Escalation ?denied$"))
    page.get_by_role("combobox", name="Role of who asks", exact=True).select_option("requester")
    expect(row).to_contain_text("asks")
    narrow(page)
    row.get_by_role("link").click()
    expect(page.get_by_role("combobox", name="Tool", exact=True)).to_have_value("open_case")
    page.get_by_role("checkbox", name="requester").uncheck()
    page.get_by_role("checkbox", name="auditor").check()
    page.get_by_label("What they asked for").fill("Open a case for Acme")
    page.get_by_label("Arguments (JSON)").fill('{"supplier": "Acme"')
    page.get_by_role("button", name="Explain").click()
    expect(page.get_by_role("alert")).to_contain_text("no valid JSON")
    page.get_by_label("Arguments (JSON)").fill('{"supplier": "Acme"}')
    page.get_by_role("button", name="Explain").click()
    told = page.locator(".told")
    expect(told).to_contain_text("denied")
    expect(told).to_contain_text("whoever audits may not also act")
    expect(told).to_contain_text("a requester asked, with no other role")
    narrow(page)
