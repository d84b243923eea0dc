"""A thread with several answers: each keeps its sources, of its own run."""

from playwright.sync_api import Page, expect

from tests.ui.conftest import Watched, accessible


def ask(page: Page, text: str, answers: int) -> None:
    page.get_by_label("Message").fill(text)
    page.get_by_label("Message").press("Enter")
    expect(page.locator("article.report")).to_have_count(answers)
    expect(page.locator(".head")).to_contain_text("Done")


def opened(page: Page, answer: int) -> str:
    """The records' heading and the run of the ledger entry behind the first source of an answer."""
    page.locator("article.report").nth(answer).get_by_role("button", name="Source 1", exact=True).first.click()
    evidence = page.get_by_role("tabpanel")
    evidence.get_by_role("button", name="Open the").first.click()
    expect(evidence.locator(".opened tbody tr").first).to_be_visible()
    return evidence.get_by_role("link", name="ledger").first.get_attribute("href") or ""


def test_every_answer_of_a_thread_opens_its_own_records(watched: Watched) -> None:
    page = watched.tab()
    ask(page, "Which suppliers deliver late?", 1)
    ask(page, "How did you get this?", 2)
    ask(page, "Where are we single-sourced?", 3)
    page.reload()
    expect(page.locator("article.report").last).to_contain_text("Single-sourced")
    page.locator(".goal").first.scroll_into_view_if_needed()  # the past is read when it is near
    expect(page.locator("article.report")).to_have_count(3)
    expect(page.locator("article.said")).to_have_count(0)
    runs = [opened(page, answer) for answer in (0, 2)]
    assert all(run.startswith("#/audit/") for run in runs) and runs[0] != runs[1]
    accessible(page)
