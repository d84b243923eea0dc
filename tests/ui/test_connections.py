"""Many tabs of one browser over HTTP/1.1, which opens six connections to a host."""

import httpx
from playwright.sync_api import Page, expect

from tests.service.serving import Server
from tests.ui.conftest import WAIT_MS, Watched
from tests.ui.test_flagship import FLAGSHIP, waits

TABS = 8  # more than connections
HELD = "async () => (await navigator.locks.query()).held.filter((one) => one.name.startsWith('clearance.stream')).length"


def goals(served: Server, number: int) -> list[str]:
    """The threads of so many flagship goals that have begun."""
    threads = []
    with httpx.Client(base_url=served.url, timeout=WAIT_MS / 1000) as http:
        for _ in range(number):
            made = http.post("/threads", json={"metadata": {"goal": FLAGSHIP, "graph_id": "orchestrator"}}).json()
            run = {"assistant_id": "orchestrator", "input": {"messages": [{"role": "user", "content": FLAGSHIP}]}}
            run |= {"stream_mode": ["custom"], "stream_resumable": True}
            http.post(f"/threads/{made['thread_id']}/runs", json=run).raise_for_status()
            threads.append(made["thread_id"])
    return threads


def streams(page: Page) -> int:
    """How many tabs of the browser hold a thread's stream."""
    held: int = page.evaluate(HELD)
    return held


def test_more_tabs_than_connections(served: Server, watched: Watched) -> None:
    threads = goals(served, TABS)
    tabs = [watched.tab(f"#/t/{id}") for id in threads]  # all of them run
    for tab in tabs:
        waits(tab, "0 of 3 decided")
    for _ in range(WAIT_MS // 100):
        if streams(tabs[0]) == 0:
            break
        tabs[0].wait_for_timeout(100)
    assert streams(tabs[0]) == 0, "while all wait for a person, none holds a stream of its own"
    twin = watched.tab(f"#/t/{threads[-1]}")
    waits(twin, "0 of 3 decided")
    for _ in range(3):
        before = tabs[-1].locator(".ask h3").inner_text()
        tabs[-1].get_by_role("button", name="Approve", exact=True).click()
        expect(tabs[-1].locator(".ask h3").filter(has_text=before)).to_have_count(0)
    for tab in (tabs[-1], twin):  # the run that goes on is seen by who decided and by who only looks
        expect(tab.locator("article.report")).to_be_visible()
    for tab in tabs[:-1]:
        waits(tab, "0 of 3 decided")
        expect(tab.get_by_role("link", name=f"Approvals {3 * (TABS - 1)}")).to_be_visible()
