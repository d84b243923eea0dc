"""What is said to a run that goes on, what is typed and not sent, and a run that broke."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
from playwright.sync_api import Page, expect

from tests.service.serving import Server
from tests.ui.conftest import WAIT_MS, Watched, accessible
from tests.ui.test_flagship import FLAGSHIP, begin, waits


@contextmanager
def held(served: Server) -> Iterator[None]:
    """The service stands still meanwhile; what it is sent comes first when it goes on."""
    os.kill(served.process.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(served.process.pid, signal.SIGCONT)


def say_while_it_runs(page: Page, served: Server, text: str, button: str) -> None:
    page.get_by_role("region", name="Plan").get_by_text("Financial exposure").wait_for()
    with held(served):
        page.get_by_label("Message").fill(text)
        page.get_by_role("button", name=button, exact=True).click()


def test_a_running_plan_is_changed_by_a_word(served: Server, watched: Watched) -> None:
    page = watched.tab()
    begin(page)
    say_while_it_runs(page, served, "only ocean", "Change the plan")
    expect(page.get_by_text("The plan is changed")).to_be_visible()
    page.get_by_role("button", name="What changed").click()
    expect(page.locator(".changes li").first).to_be_visible()


def test_a_follow_up_waits_its_turn_and_drafts_stay_with_their_threads(served: Server, watched: Watched) -> None:
    page = watched.tab()
    begin(page)
    say_while_it_runs(page, served, "Where are we single-sourced?", "Queue follow-up")
    waits(page, "0 of 3 decided")
    expect(page.locator(".goal", has_text="Where are we single-sourced?")).to_be_visible()
    page.get_by_label("Message").fill("Not sent yet")
    page.get_by_role("link", name="New goal").click()
    expect(page.get_by_label("Message")).to_have_value("")
    page.get_by_label("Message").fill("Another thought")
    page.go_back()
    expect(page.get_by_label("Message")).to_have_value("Not sent yet")
    page.reload()
    waits(page, "0 of 3 decided")
    expect(page.get_by_label("Message")).to_have_value("Not sent yet")
    page.get_by_label("Message").fill("")
    for decided in (1, 2, 3):
        page.get_by_role("button", name="Approve", exact=True).click()
        if decided < 3:
            waits(page, f"{decided} of 3 decided")
    expect(page.locator("article.report").last).to_contain_text("Single-sourced items")
    expect(page.locator(".head")).to_contain_text("Done")
    page.get_by_role("link", name="New goal").click()
    expect(page.get_by_label("Message")).to_have_value("Another thought")


def test_a_run_that_broke_says_why_and_goes_on(served: Server, watched: Watched) -> None:
    said = {"messages": [{"role": "user", "content": FLAGSHIP}]}
    run = {"assistant_id": "orchestrator", "input": said, "config": {"recursion_limit": 3}, "stream_resumable": True}
    with httpx.Client(base_url=served.url, timeout=WAIT_MS / 1000) as http:
        thread = http.post("/threads", json={"metadata": {"goal": FLAGSHIP, "graph_id": "orchestrator"}}).json()["thread_id"]
        http.post(f"/threads/{thread}/runs/wait", json=run)
        assert http.get(f"/threads/{thread}").json()["status"] == "error"
    page = watched.tab(f"#/t/{thread}")
    trouble = page.locator(".trouble")
    expect(trouble).to_contain_text("The run failed.")
    expect(trouble).to_contain_text("Recursion limit of 3")
    expect(page.locator(".head")).to_contain_text("Failed")
    accessible(page)
    trouble.get_by_role("button", name="Retry").click()
    waits(page, "0 of 3 decided")
    expect(trouble).to_have_count(0)
