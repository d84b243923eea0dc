"""Serve an application over a loopback socket, in a thread: the offline model for `clearance model try --offline`, and tests."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from fastapi import FastAPI


class ServerNotStarted(RuntimeError):
    """The server did not start in time."""


@contextmanager
def served(app: FastAPI) -> Iterator[str]:
    """The base URL (with /v1) of `app` on a free port of the loopback address."""
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_level="error", lifespan="off"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    deadline = time.monotonic() + 10
    while not server.started:
        if time.monotonic() > deadline or not thread.is_alive():
            raise ServerNotStarted("the server on the loopback address did not start within 10 s")
        time.sleep(0.005)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        server.should_exit = True
        thread.join(10)
