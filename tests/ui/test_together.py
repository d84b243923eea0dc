"""One thread in several tabs and in several branches."""

import httpx
from playwright.sync_api import Route, expect

from tests.ui.conftest import WAIT_MS, Watched, accessible
from tests.ui.test_flagship import begin, waits


def test_two_tabs_decide_the_same_approval(watched: Watched) -> None:
    watched.forgiven = lambda said: "409" in said  # the browser's own line about the refusal that is tried here
    one = watched.tab()
    begin(one)
    waits(one, "0 of 3 decided")
    other = watched.tab(f"#{one.url.partition('#')[2]}")
    waits(other, "0 of 3 decided")
    asked = one.locator(".ask h3").inner_text()
    assert other.locator(".ask h3").inner_text() == asked

    def first(route: Route) -> None:  # between the other tab's last look and its vote this approval is decided
        vote = route.request.url
        assert httpx.post(vote, json={"verdict": "approve"}, timeout=WAIT_MS / 1000).status_code == 200
        route.continue_()

    other.route("**/governance/approvals/*/votes", first)
    other.get_by_role("button", name="Reject…").click()
    other.get_by_label("Why is it rejected?").fill("No")
    other.get_by_role("button", name="Reject", exact=True).click()
    expect(other.get_by_role("alert")).to_contain_text("Already decided by local")
    for tab in (one, other):  # both go on with what is left
        waits(tab, "1 of 3 decided")
        assert tab.locator(".ask h3").inner_text() != asked


def test_a_goal_said_differently_is_a_branch(watched: Watched) -> None:
    page = watched.tab()
    begin(page)
    waits(page, "0 of 3 decided")
    page.get_by_role("button", name="Stop").click()
    expect(page.locator(".head")).to_contain_text("Stopped")
    expect(page.get_by_text("Stopped by you")).to_be_visible()
    accessible(page)
    page.get_by_role("button", name="Edit", exact=True).first.click()
    page.get_by_label("Your message").fill("Which suppliers deliver late?")
    page.get_by_role("button", name="Send as a new branch").click()
    expect(page.locator(".head")).to_contain_text("Done")
    expect(page.locator("article.report")).to_contain_text("late")
    branches = page.get_by_role("group", name="Branch 2 of 2")
    branches.wait_for()
    page.get_by_role("button", name="Branch before").click()
    expect(page.locator(".goal").first).to_contain_text("Analyze supplier risk")
    expect(page.locator("article.report")).to_have_count(0)
    page.get_by_role("button", name="Next branch").click()
    expect(page.locator(".goal").first).to_have_text("You said: Which suppliers deliver late?")
    expect(page.locator("article.report")).to_contain_text("late")
