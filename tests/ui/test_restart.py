"""The server is killed and started again under an open page: what is there stays, and the page goes on where it was."""

from pathlib import Path
from urllib.parse import urlsplit

from playwright.sync_api import expect

from tests.service.serving import Server, clearance
from tests.ui.conftest import Watched, accessible
from tests.ui.test_flagship import begin, waits


def test_a_killed_server_comes_back(served: Server, watched: Watched, tmp_path: Path) -> None:
    watched.forgiven = lambda said: "net::ERR_" in said  # the browser's own lines about the server that is not there
    page = watched.tab()
    begin(page)
    waits(page, "0 of 3 decided")
    served.kill()
    lost = page.get_by_text("The run continues on the server")
    expect(lost.first).to_be_attached()
    expect(page.locator(".steps li")).to_have_count(10)
    accessible(page)
    with clearance(tmp_path / "home", "--port", str(urlsplit(served.url).port)):
        page.get_by_role("button", name="Retry now").click()
        expect(page.get_by_text("Reconnected")).to_be_attached()
        expect(lost).to_have_count(0)
        expect(page.locator(".steps li")).to_have_count(10)
        page.get_by_role("button", name="Approve", exact=True).click()
        waits(page, "1 of 3 decided")
        page.close()
