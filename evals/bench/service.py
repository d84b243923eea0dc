"""The service measured from outside, over real sockets: beside a bare application as 1.0, and beside `langgraph dev`.

Each is a process of its own over the same graphs, asked in turns, so that a neighbour on the machine slows all of them; medians count.
"""

import asyncio
import os
import re
import signal
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import httpx

from evals.bench.show import table

ROOT = Path(__file__).parent.parent.parent
GRAPHS = Path(__file__).parent / "served"
CALLERS = 32
STARTS_S = 120


@dataclass(frozen=True)
class Served:
    """What one service does. `runs`: a second, of `CALLERS` that wait for theirs at once. The rest in milliseconds: until the first
    event of a stream, until the end of a stream of 50 tokens."""

    runs: float
    first: float
    tokens: float


@dataclass(frozen=True)
class ServiceCost:
    """The service beside others over the same database; `dev` is None where it was not asked for."""

    database: str
    bare: Served
    ours: Served
    dev: Served | None

    @property
    def ratio(self) -> float:
        return self.ours.runs / self.bare.runs

    @property
    def tokens_ratio(self) -> float:
        return self.ours.tokens / self.bare.tokens

    @property
    def sooner(self) -> float:
        """How many times sooner than `langgraph dev` the first event comes; 0: not compared."""
        return self.dev.first / self.ours.first if self.dev else 0.0


def service_cost(*, rounds: int, runs: int, url: str = "", dev: bool = True) -> ServiceCost:
    """Start the three, and ask them in turns. `url`: a PostgreSQL database, SQLAlchemy's way; empty: SQLite."""
    with TemporaryDirectory() as folder, ExitStack() as started:
        home = Path(folder)
        database = re.sub(r"^postgresql\+\w+", "postgresql", url) or str(home / "bare.db")
        port = free_port()
        bare = started.enter_context(
            running([sys.executable, "-m", "evals.bench.bare_service", str(port), database], home / "bare.log", port=port)
        )
        ours = started.enter_context(clearance(home / "home", {"CLEARANCE_DATABASE_URL": url} if url else {}))
        urls = [bare.url, ours.url]
        if dev:
            urls.append(started.enter_context(reference(home / "dev")).url)
        return asyncio.run(_measure(urls, rounds, runs, "PostgreSQL" if url else "SQLite"))


async def _measure(urls: Sequence[str], rounds: int, runs: int, database: str) -> ServiceCost:
    taken: list[list[Served]] = []
    async with httpx.AsyncClient(timeout=120, limits=httpx.Limits(max_connections=CALLERS)) as http:
        for number in range(rounds + 1):
            few = CALLERS if not number else runs  # the first round warms up
            taken.append([await served(http, url, few if url is not urls[-1] or len(urls) < 3 else CALLERS) for url in urls])
    best = [_median([one[place] for one in taken[1:]]) for place in range(len(urls))]
    return ServiceCost(database, best[0], best[1], best[2] if len(best) > 2 else None)


async def served(http: httpx.AsyncClient, url: str, runs: int) -> Served:
    """One round against one service."""
    left = iter(range(runs))

    async def caller() -> None:
        for _ in left:
            values = await wait(http, url, "three", {"said": []})
            assert values["said"] == ["one"] * 3, values

    began = time.perf_counter()
    await asyncio.gather(*(caller() for _ in range(CALLERS)))
    seconds = time.perf_counter() - began
    streams = [await stream(http, url, "speaking") for _ in range(7)]
    return Served(runs / seconds, median(first for first, _ in streams) * 1000, median(whole for _, whole in streams) * 1000)


async def wait(http: httpx.AsyncClient, url: str, graph: str, given: dict[str, Any], thread: str = "") -> Any:
    """The values after a run on a thread, a new one if none is named."""
    body = {"assistant_id": graph, "input": given, "if_not_exists": "create"}
    answer = await http.post(f"{url}/threads/{thread or uuid.uuid4()}/runs/wait", json=body)
    return answer.raise_for_status().json()


async def stream(http: httpx.AsyncClient, url: str, graph: str) -> tuple[float, float]:
    """Seconds until the first event of a run's stream, and until its end."""
    body = {"assistant_id": graph, "input": {"messages": []}, "stream_mode": ["messages-tuple"], "if_not_exists": "create"}
    began, first, tokens = time.perf_counter(), 0.0, 0
    async with http.stream("POST", f"{url}/threads/{uuid.uuid4()}/runs/stream", json=body) as answer:
        async for part in answer.aiter_raw():
            first = first or time.perf_counter() - began
            tokens += part.count(b"event: messages")
    assert tokens >= 50, f"{url} streamed {tokens} tokens"
    return first, time.perf_counter() - began


@dataclass
class Process:
    """A service that answers."""

    url: str
    pid: int


@contextmanager
def clearance(home: Path, env: dict[str, str]) -> Iterator[Process]:
    """`clearance serve` over the benchmark's graphs, on any free port."""
    home.mkdir(parents=True)
    config = str(GRAPHS / "langgraph.json")
    own = {"CLEARANCE_HOME": str(home), **env}
    with running([sys.executable, "-m", "app.cli", "serve", "--port", "0", "--config", config], home / "log", env=own) as one:
        yield one


@contextmanager
def reference(folder: Path) -> Iterator[Process]:
    """`langgraph dev` over the same graphs."""
    folder.mkdir()
    for name in ("langgraph.json", "served_graphs.py"):
        (folder / name).write_bytes((GRAPHS / name).read_bytes())
    port = free_port()
    command = [str(Path(sys.executable).parent / "langgraph"), "dev", "--no-browser", "--no-reload", "--port", str(port)]
    with running(command, folder / "log", cwd=folder, env={"LANGSMITH_TRACING": "false"}, port=port) as one:
        yield one


@contextmanager
def running(
    command: list[str], log: Path, *, cwd: Path = ROOT, env: dict[str, str] | None = None, port: int = 0
) -> Iterator[Process]:
    """A process, once it answers; without a port its first line says where. Raises `RuntimeError` with what it said if it does not."""
    every = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1", **(env or {})}
    with log.open("ab") as out:
        process = subprocess.Popen(command, cwd=cwd, env=every, stdout=out, stderr=subprocess.STDOUT, start_new_session=True)
    try:
        yield Process(_answering(process, log, f"http://127.0.0.1:{port}" if port else ""), process.pid)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(30)


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def shown(cost: ServiceCost) -> str:
    """The comparison as a Markdown table."""
    rows = [("bare FastAPI + saver", cost.bare), ("Clearance", cost.ours), ("langgraph dev", cost.dev)]
    return table(
        [
            f"the service on {cost.database}",
            f"{CALLERS} × runs.wait, runs/s",
            "÷ bare",
            "first event, ms",
            "50 tokens, ms",
            "÷ bare",
        ],
        [
            [
                name,
                f"{one.runs:.0f}",
                f"{one.runs / cost.bare.runs:.2f}",
                f"{one.first:.1f}",
                f"{one.tokens:.0f}",
                f"{one.tokens / cost.bare.tokens:.2f}",
            ]
            for name, one in rows
            if one
        ],
    )


def _median(several: Sequence[Served]) -> Served:
    return Served(*(median(getattr(one, name) for one in several) for name in ("runs", "first", "tokens")))


def _answering(process: subprocess.Popen[bytes], log: Path, url: str) -> str:
    deadline = time.monotonic() + STARTS_S
    while time.monotonic() < deadline and process.poll() is None:
        found = url or next(iter(re.findall(r"serves on (http://\S+)", log.read_text(errors="replace"))), "")
        try:
            if found and httpx.get(f"{found}/ok", timeout=10).status_code == 200:
                return found
        except httpx.TransportError:
            pass
        time.sleep(0.05)
    raise RuntimeError(f"it did not start: {log.read_text(errors='replace')[-2000:]}")
