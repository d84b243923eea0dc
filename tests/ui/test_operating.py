"""Day by day: steps changed before they start, numbers that open their runs, a specialist taken out of service, settings."""

import re

from playwright.sync_api import expect

from tests.ui.conftest import Watched, accessible
from tests.ui.test_flagship import FLAGSHIP


def test_steps_are_edited_before_the_run_and_its_numbers_open_it(watched: Watched) -> None:
    page = watched.tab()
    page.get_by_label("Look at the plan before it starts").check()
    page.get_by_label("Message").fill(FLAGSHIP)
    page.get_by_label("Message").press("Enter")
    expect(page.get_by_role("heading", name="Review the plan before it starts")).to_be_visible()
    pane = page.get_by_role("tabpanel")
    pane.get_by_role("button", name="Edit the steps").click()
    editing = pane.get_by_role("form", name="Edit the steps")
    editing.get_by_label("Sanctions screening", exact=True).uncheck()
    setting = editing.get_by_label("Another setting of Delivery performance")
    setting.fill("colour")
    setting.locator("..").get_by_role("button", name="Add").click()
    editing.get_by_label("Colour").fill("red")
    editing.get_by_label("Why?").fill("We know them")
    accessible(page)
    watched.forgiven = lambda said: "422" in said  # the browser says of every refused request that it was
    editing.get_by_role("button", name="Apply 2 changes").click()
    expect(editing.get_by_role("alert")).to_contain_text("takes no setting colour; it takes:")
    editing.get_by_label("Colour").fill("")
    setting.fill("modes")
    setting.locator("..").get_by_role("button", name="Add").click()
    editing.get_by_label("Modes").fill("Ocean")
    editing.get_by_role("button", name="Apply 2 changes").click()
    expect(page.get_by_role("group", name="Open case")).to_be_visible()
    expect(page.locator(".steps li", has_text="Sanctions screening")).to_have_count(0)
    expect(pane).to_contain_text("local edited the plan: We know them")
    revision = pane.locator(".revision", has_text="We know them")
    revision.locator("summary").click()
    expect(revision.locator(".del")).to_have_text("−Taken out: Sanctions screening")
    expect(revision.locator(".mod")).to_contain_text("Delivery performanceModes: not set → Ocean")
    head = page.locator(".ask header")
    expect(head).to_contain_text("0 of 7 decided")  # without the screening the other parts of the score weigh more
    for decided in range(1, 8):
        page.get_by_role("button", name="Approve", exact=True).click()
        if decided < 7:
            expect(head).to_contain_text(f"{decided} of 7 decided")
    page.locator("article.report").wait_for()
    page.get_by_role("button", name="Not good").click()
    page.get_by_label("What was wrong?").fill("Too long")
    page.get_by_role("button", name="Keep it").click()
    expect(page.get_by_role("region", name="Was this answer any good?")).to_contain_text("Kept: Too long")

    page.get_by_role("link", name="Operations").click()
    expect(page.get_by_role("heading", name="Goals", level=2)).to_be_visible()
    tokens = page.get_by_role("button", name=re.compile(r"^[\d,]+ ?tokens$"))
    tokens.click()
    expect(page.get_by_role("region", name="Runs: tokens").get_by_role("link", name=FLAGSHIP)).to_be_visible()
    expect(page.get_by_role("region", name="What used most").locator("tbody tr")).to_have_text(
        re.compile(f"^{FLAGSHIP} ?[0-9,]+$")
    )
    page.get_by_role("button", name=re.compile("^1 ?succeeded")).click()
    runs = page.get_by_role("region", name="Runs: succeeded")
    accessible(page)
    runs.get_by_role("link", name=FLAGSHIP).click()
    expect(page.locator("article.report")).to_be_visible()


def test_a_specialist_is_taken_out_of_service_and_the_goal_says_so(watched: Watched) -> None:
    page = watched.tab("#/fleet")
    expect(page.get_by_role("heading", name="Specialists", level=2)).to_be_visible()
    accessible(page)
    page.get_by_role("button", name="Suspend Sanctions").click()
    page.get_by_label("Why?").fill("Its list is old")
    page.get_by_role("button", name="Suspend", exact=True).first.click()
    row = page.get_by_role("row", name="Sanctions Screens names")
    expect(row).to_contain_text("Its list is old")
    accessible(page)
    page.get_by_role("link", name="New goal").click()
    page.get_by_label("Message").fill("Screen our suppliers against the sanctions list")
    page.get_by_label("Message").press("Enter")
    expect(page.get_by_role("log").first).to_contain_text("Its list is old")
    page.get_by_role("link", name="Fleet").click()
    page.get_by_role("button", name="Put back Sanctions").click()
    page.get_by_label("Why?").fill("Renewed")
    page.get_by_role("button", name="Put back", exact=True).first.click()
    expect(row).not_to_contain_text("Out of service")


def test_settings_say_who_one_is_and_let_local_mode_play_another(watched: Watched) -> None:
    page = watched.tab("#/settings")
    expect(page.get_by_role("heading", name="Demo people")).to_be_visible()
    for group in page.locator("details.group summary").all():
        group.click()
    accessible(page)
    page.get_by_role("button", name="Act as rita").click()
    expect(page.locator(".who summary")).to_contain_text("rita")
    expect(page.get_by_text("rita (requester)")).to_be_visible()
    page.locator("main").get_by_label("Theme").select_option("dark")
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"
    page.get_by_role("link", name="Fleet").click()
    expect(page.get_by_role("heading", name="Tools", level=2)).to_be_visible()
    expect(page.get_by_role("button", name=re.compile("^Suspend"))).to_have_count(0)  # it takes an operator
