"""Servers as their users meet them: `clearance serve` and `langgraph dev`, each a process of its own on a loopback port.

Ours are forked (tests/forking.py): a start takes a tenth of what its imports would. test_deployment.py starts them as they are written.
"""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from tests.forking import ROOT, Forked

PROJECT = Path(__file__).parent / "project"
STARTS_S = 120


@dataclass
class Server:
    """A running server. `kill` is a power cut for it, `stop` the polite way."""

    url: str
    process: Forked | subprocess.Popen[bytes]
    log: Path

    def kill(self) -> None:
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(30)

    def stop(self) -> int:
        os.killpg(self.process.pid, signal.SIGTERM)
        return self.process.wait(60)


@contextmanager
def started(process: Forked | subprocess.Popen[bytes], log: Path, url: str = "", says: str = "") -> Iterator[Server]:
    """The process, once it answers or says that it is ready; ended at the end if it still runs."""
    try:
        yield Server(_answering(process, log, url, says), process, log)
    finally:
        if process.poll() is None:
            try:
                os.killpg(process.pid, signal.SIGKILL)
            except ProcessLookupError:  # a fork that does not lead its group yet
                os.kill(process.pid, signal.SIGKILL)
            process.wait(30)


@contextmanager
def clearance(home: Path, *options: str, env: Mapping[str, str] | None = None) -> Iterator[Server]:
    """`clearance serve` on a home, on any free port."""
    log = home / f"serve-{time.monotonic_ns()}.out"
    with started(_forked(home, ["serve", "--port", "0", *options], log, env or {}), log) as server:
        yield server


@contextmanager
def worker(home: Path, *options: str, env: Mapping[str, str]) -> Iterator[Server]:
    """`clearance worker` on a home; it has no address."""
    log = home / f"worker-{time.monotonic_ns()}.out"
    with started(_forked(home, ["worker", *options], log, env), log, says="Clearance works on") as working:
        yield working


def _forked(home: Path, words: list[str], log: Path, env: Mapping[str, str]) -> Forked:
    home.mkdir(parents=True, exist_ok=True)
    log.touch()
    return Forked(words, {**os.environ, "CLEARANCE_HOME": str(home), "PYTHONPATH": str(ROOT), **env}, log, log)


@contextmanager
def reference(folder: Path) -> Iterator[Server]:
    """`langgraph dev` over the same graphs."""
    for file in PROJECT.iterdir():
        if file.is_file():
            (folder / file.name).write_bytes(file.read_bytes())
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port = one.getsockname()[1]
    command = [str(Path(sys.executable).parent / "langgraph"), "dev", "--no-browser", "--no-reload", "--port", str(port)]
    log, env = folder / "log", {**os.environ, "LANGSMITH_TRACING": "false"}
    with log.open("ab") as out:
        process = subprocess.Popen(command, cwd=folder, env=env, stdout=out, stderr=subprocess.STDOUT, start_new_session=True)
    with started(process, log, f"http://127.0.0.1:{port}") as server:
        yield server


def _answering(process: Forked | subprocess.Popen[bytes], log: Path, url: str, says: str) -> str:
    """Its address, once it answers; nothing, once it says that it is ready."""
    deadline = time.monotonic() + STARTS_S
    with httpx.Client(timeout=30) as http:
        while time.monotonic() < deadline:
            said = log.read_text(errors="replace")
            assert process.poll() is None, said[-3000:]
            if says and says in said:
                return ""
            found = url or next(iter(re.findall(r"serves on (http://\S+)", said)), "")
            try:
                if found and http.get(f"{found}/ok").status_code == 200:
                    return found
            except httpx.TransportError:
                pass
            time.sleep(0.05)
    raise AssertionError(f"it did not start: {log.read_text(errors='replace')[-3000:]}")
