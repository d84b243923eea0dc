"""What others wrote is text: in a goal and in an answer, nothing of it runs, and nothing of it is asked for elsewhere."""

import httpx
from playwright.sync_api import expect

from tests.service.serving import Server
from tests.ui.conftest import WAIT_MS, Watched

HOSTILE = """\u202ekcab<img src="https://elsewhere.example/a.png" onerror="window.ran=1"><svg onload="window.ran=2"></svg>

![figures](https://elsewhere.example/b.png) ![inline](data:image/svg+xml,<svg/>)

[run](javascript:window.ran=3) [read](https://elsewhere.example/c) <style>body{display:none}</style><script>window.ran=4</script>

| a | b |
|---|---|
| <iframe src="https://elsewhere.example/d"></iframe> | 2 |
"""


def test_nothing_runs_and_nothing_is_loaded(served: Server, watched: Watched) -> None:
    with httpx.Client(base_url=served.url, timeout=WAIT_MS / 1000) as http:
        id = http.post("/threads", json={"metadata": {"goal": HOSTILE, "graph_id": "orchestrator"}}).json()["thread_id"]
        said = [{"role": "user", "content": HOSTILE}, {"role": "assistant", "content": HOSTILE}]
        made = http.post(f"/threads/{id}/state", json={"values": {"messages": said}, "as_node": "report"})
        assert made.status_code == 200, made.text
    page = watched.tab(f"#/t/{id}")
    answer = page.locator(".said")
    expect(answer).to_contain_text("[image not shown: figures]")
    expect(answer).to_contain_text("‹U+202E›")
    expect(answer.get_by_role("table")).to_be_visible()
    expect(answer.get_by_role("link")).to_have_count(1)
    expect(answer.get_by_role("link")).to_contain_text("(elsewhere.example)")
    expect(page.locator(".goal")).to_contain_text("<script>window.ran=4</script>")
    assert page.locator("main img, main iframe, main script, main style").count() == 0
    assert page.evaluate("window.ran") is None
    assert page.locator(".thread b").first.inner_text().startswith("‹U+202E›")
