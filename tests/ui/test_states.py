"""What the page says when something is not as it should be: of one's own doing, of the service's, or of nobody's."""

import json
import re
from pathlib import Path

import httpx
from playwright.sync_api import Browser, BrowserContext, Page, Route, expect

from settings import Settings
from tests.service.identity_provider import CLIENT, SECRET, identity_provider
from tests.service.serving import Server, clearance
from tests.ui.conftest import WAIT_MS, Watched, accessible
from tests.ui.test_flagship import FLAGSHIP, begin, waits
from tools.supply_chain.demo import make_demo
from tools.supply_chain.store import open_records

SUSPENDED = {"kind": "tool", "name": "country_risk", "reason": "The indicator service is down"}


def sample(home: Path) -> Path:
    """A home with the sample company."""
    records = open_records(Settings(home=home))
    make_demo(records.writing)
    records.close()
    return home


def test_a_specialist_that_failed_says_why_and_what_the_plan_did(served: Server, watched: Watched) -> None:
    said = httpx.post(f"{served.url}/governance/fleet/suspend", json=SUSPENDED, timeout=WAIT_MS / 1000)
    assert said.status_code == 200, said.text
    page = watched.tab()
    begin(page)
    waits(page, "0 of ")
    row = page.locator(".work .specialist", has_text="Country risk")
    expect(row).to_contain_text("The indicator service is down")
    row.locator("summary").click()
    expect(row).to_contain_text("What the plan did: Now risk makes risk score per supplier")
    page.get_by_role("tab", name="Specialists").click()
    lane = page.get_by_role("listitem").filter(has_text="Country risk").get_by_role("img")
    expect(lane).to_have_attribute("aria-label", re.compile("^Country risk: failed "))
    expect(page.locator(".failure")).to_contain_text("Country risk failed: ")
    accessible(page)


def test_a_budget_that_is_spent(tmp_path: Path, browser: Browser) -> None:
    (tmp_path / "budgets.toml").write_text("[run]\ntool_calls = 5\n[org]\ntool_calls = 100\n", encoding="utf-8")
    env = {"CLEARANCE_BUDGETS": str(tmp_path / "budgets.toml")}
    with clearance(sample(tmp_path / "home"), env=env) as served, browser.new_context(locale="en-GB") as context:
        watched = seen(served.url, context)
        page = watched.tab()
        begin(page)
        trouble = page.locator(".trouble")
        expect(trouble).to_contain_text("The budget is spent.")
        expect(trouble).to_contain_text("5 tool calls of 5 tool calls are used")
        trouble.get_by_role("button", name="Raise budget…").click()
        expect(trouble.get_by_label("Which limit")).to_contain_text("This run: 5 of 5 tool calls used")
        accessible(page)
        trouble.get_by_label("How much more").fill("40")
        trouble.get_by_role("button", name="Raise", exact=True).click()
        expect(trouble.get_by_role("status")).to_contain_text("The budget was raised")
        trouble.get_by_role("button", name="Edit goal").click()
        expect(page.get_by_label("Your message")).to_have_value(FLAGSHIP)
        page.get_by_role("button", name="Cancel").click()
        trouble.get_by_role("button", name="Retry").click()
        expect(page.locator(".goal", has_text=FLAGSHIP)).to_have_count(2)
        assert watched.wrong == []


def seen(url: str, context: BrowserContext) -> Watched:
    watched = Watched(url, context)
    context.route("**/*", watched.only_own)
    return watched


def test_signing_in_being_signed_out_and_too_many_requests(tmp_path: Path, browser: Browser) -> None:
    with identity_provider() as idp:
        env = {
            "CLEARANCE_SIGN_IN": "oidc",
            "CLEARANCE_ISSUER": idp.issuer,
            "CLEARANCE_AUDIENCE": "clearance-api",
            "CLEARANCE_GROUPS": json.dumps({"requesters": ["requester"]}),
            "CLEARANCE_CLIENT_ID": CLIENT,
            "CLEARANCE_CLIENT_SECRET": SECRET,
            "CLEARANCE_RATE": "60",
        }
        with clearance(sample(tmp_path / "home"), env=env) as served, browser.new_context(locale="en-GB") as context:
            watched = Watched(served.url, context)
            watched.forgiven = lambda said: "401" in said or "429" in said  # the browser's own lines about what is tried here
            page = watched.tab()
            expect(page.get_by_role("alert")).to_contain_text("You are not signed in.")
            accessible(page)
            page.get_by_role("link", name="Sign in").click()
            expect(page.locator(".who summary")).to_contain_text("Signed in as ann")
            too_many(page)
            context.clear_cookies()
            page.get_by_label("Message").fill("Where are we single-sourced?")
            page.get_by_label("Message").press("Enter")
            expect(page.get_by_role("alert").filter(has_text="You are signed out.")).to_be_visible()
            expect(page.get_by_label("Message")).to_have_value("Where are we single-sourced?")
            accessible(page)
            assert watched.wrong == []


def too_many(page: Page) -> None:
    """Use up the person's requests of a minute, then ask for something."""
    spent = "async () => { while ((await fetch('auth/me')).status !== 429); }"
    page.evaluate(spent)
    page.get_by_label("Message").fill("Where are we single-sourced?")
    page.get_by_label("Message").press("Enter")
    told = page.get_by_role("alert").filter(has_text="Too many requests.")
    expect(told).to_contain_text("Try again in ")
    expect(told).to_contain_text("You can try again now.")
    expect(page.get_by_label("Message")).to_have_value("Where are we single-sourced?")


def test_a_page_that_is_older_than_the_service(watched: Watched) -> None:
    page = watched.tab()
    page.clock.install()
    page.reload()
    expect(page.locator(".who summary")).to_be_visible()

    def newer(route: Route) -> None:  # a second build cannot be made without Node
        real = route.fetch()
        body = real.json()
        body["server"]["build"] = "another"
        route.fulfill(response=real, json=body)

    page.route("**/info", newer)
    page.clock.run_for(61_000)
    told = page.get_by_text("The service was updated.")
    expect(told).to_be_visible()
    accessible(page)
    page.unroute("**/info")
    page.get_by_role("button", name="Reload").click()
    expect(told).to_have_count(0)
