"""The page behind a reverse proxy that serves it under a path of its own."""

import http.client
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

from playwright.sync_api import expect

from tests.service.serving import Server
from tests.ui.conftest import WAIT_MS, Watched
from tests.ui.test_flagship import begin, waits

PREFIX = "/tools/clearance"
HOP = {"connection", "transfer-encoding", "content-length"}


@contextmanager
def proxied(url: str) -> Iterator[str]:
    """Its address; it hands on what is under PREFIX, answers as they come, and knows nothing else."""
    behind = urlsplit(url).netloc

    class Proxy(BaseHTTPRequestHandler):
        def handle_any(self) -> None:
            if not self.path.startswith(f"{PREFIX}/"):
                self.send_error(404)
                return
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            asked = http.client.HTTPConnection(behind, timeout=WAIT_MS / 1000)
            asked.request(self.command, self.path.removeprefix(PREFIX), body, dict(self.headers))
            answer = asked.getresponse()
            self.send_response(answer.status)
            for name, value in answer.getheaders():
                if name.lower() not in HOP:
                    self.send_header(name, value)
            self.end_headers()
            try:
                while part := answer.read1(65_536):
                    self.wfile.write(part)
            except OSError:
                pass  # the browser left the stream
            finally:
                asked.close()

        do_GET = do_POST = do_PATCH = do_DELETE = handle_any

        def log_message(self, *_: object) -> None:
            """Says nothing: the service's log has it."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Proxy)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}{PREFIX}"
    finally:
        server.shutdown()
        server.server_close()


def test_the_page_works_under_a_path(served: Server, watched: Watched) -> None:
    with proxied(served.url) as url:
        watched.url = url
        page = watched.tab()
        begin(page)
        waits(page, "0 of 3 decided")
        page.get_by_role("button", name="Approve", exact=True).click()
        waits(page, "1 of 3 decided")
        page.get_by_role("link", name="Policies").click()
        expect(page.get_by_text("rules are in use")).to_be_visible()
        page.close()
