"""What the service holds: the storage of a long thread, the memory of threads that wait for people, and streams that stay open.

Measured from outside, on a service of its own over SQLite.
"""

import asyncio
import sqlite3
import time
import uuid
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import httpx

from evals.bench.service import CALLERS, Process, clearance, wait
from evals.bench.show import table

SETTLES_S = 3.0  # what is let go is let go within a second of a turn


@dataclass(frozen=True)
class Storage:
    """Bytes in use on disk a turn of one thread: over its turns from a fifth to two fifths, and over the last fifth."""

    turns: int
    early: float
    late: float

    @property
    def ratio(self) -> float:
        return self.late / self.early


@dataclass(frozen=True)
class Waiting:
    """Threads that wait for a person, asked for in two halves. MiB of the process after each half; runs it carries out meanwhile.

    `answered`: milliseconds of a run on another thread while they wait.
    """

    threads: int
    half: float
    whole: float
    running: int
    answered: float

    @property
    def grown(self) -> float:
        return self.whole - self.half


@dataclass(frozen=True)
class Streams:
    """Streams that were open at once, all of which began; milliseconds of a run on another thread meanwhile."""

    open: int
    answered: float


@dataclass(frozen=True)
class Held:
    """The three together."""

    storage: Storage
    waiting: Waiting
    streams: Streams


def held(short: bool) -> Held:
    """Measure the three, one after the other; in full a thread has 1,000 turns."""
    return Held(
        asyncio.run(storage(200 if short else 1000)),
        asyncio.run(waiting(200 if short else 1000)),
        asyncio.run(streams(50 if short else 200)),
    )


async def storage(turns: int) -> Storage:
    """One thread, turn after turn, each a message and its answer."""
    with TemporaryDirectory() as folder, clearance(Path(folder) / "home", {}) as served:
        used: dict[int, int] = {}
        async with httpx.AsyncClient(timeout=120) as http:
            thread = str(uuid.uuid4())
            for turn in range(turns + 1):
                if turn in (turns // 5, turns * 2 // 5, turns * 4 // 5, turns):
                    await asyncio.sleep(SETTLES_S)
                    used[turn] = _used(Path(folder) / "home")
                await wait(http, served.url, "talk", {"messages": [{"role": "user", "content": f"turn {turn}"}]}, thread)
        early, later, late, end = used.values()
        return Storage(turns, (later - early) / (turns / 5), (end - late) / (turns / 5))


async def waiting(threads: int) -> Waiting:
    """Threads whose graph asked a person; nobody answers."""
    with TemporaryDirectory() as folder, clearance(Path(folder) / "home", {}) as served:
        async with httpx.AsyncClient(timeout=120) as http:
            await _ask(http, served, CALLERS)  # imports and caches
            await _ask(http, served, threads // 2)
            half = _resident(served.pid)
            await _ask(http, served, threads - threads // 2)
            busy = (await http.post(f"{served.url}/threads/count", json={"status": "busy"})).raise_for_status().json()
            return Waiting(threads, half, _resident(served.pid), int(busy), await _answered(http, served))


async def streams(count: int) -> Streams:
    """Streams of runs that go on, all open at once. Each run has a place of its own."""
    with TemporaryDirectory() as folder, clearance(Path(folder) / "home", {"CLEARANCE_RUNS": str(count + 1)}) as served:
        limits = httpx.Limits(max_connections=count + 10)
        async with httpx.AsyncClient(timeout=120, limits=limits) as http, AsyncExitStack() as opened:

            async def begun() -> None:
                body = {"assistant_id": "holding", "input": {"said": []}, "stream_mode": ["custom"], "if_not_exists": "create"}
                asked = http.stream("POST", f"{served.url}/threads/{uuid.uuid4()}/runs/stream", json=body)
                answer = await opened.enter_async_context(asked)
                said = b""
                async for part in answer.aiter_raw():
                    said += part
                    if b"event: custom" in said:
                        return
                raise RuntimeError(f"a stream ended before it began: {said[-300:]!r}")

            await asyncio.gather(*(begun() for _ in range(count)))
            return Streams(count, await _answered(http, served))


def shown(found: Held) -> str:
    """The three as a Markdown table."""
    kept, waits, opened = found.storage, found.waiting, found.streams
    rows = [
        [f"storage of a turn of a thread of {kept.turns}, early in it", f"{kept.early / 1024:.1f} KiB"],
        ["storage of a turn late in it", f"{kept.late / 1024:.1f} KiB"],
        [f"runs going on while {waits.threads} threads wait for a person", str(waits.running)],
        ["memory of the second half of these threads", f"{waits.grown:.1f} MiB"],
        ["another run meanwhile", f"{waits.answered:.0f} ms"],
        [f"another run while {opened.open} streams are open", f"{opened.answered:.0f} ms"],
    ]
    return table(["what the service holds", "measured"], rows)


async def _ask(http: httpx.AsyncClient, served: Process, threads: int) -> None:
    left = iter(range(threads))

    async def caller() -> None:
        for _ in left:
            values: Any = await wait(http, served.url, "asking", {"said": []})
            assert values["__interrupt__"], values

    await asyncio.gather(*(caller() for _ in range(CALLERS)))


async def _answered(http: httpx.AsyncClient, served: Process) -> float:
    taken = []
    for _ in range(7):
        began = time.perf_counter()
        await wait(http, served.url, "three", {"said": []})
        taken.append((time.perf_counter() - began) * 1000)
    return median(taken)


def _used(home: Path) -> int:
    """Bytes of the databases' pages that hold something."""
    total = 0
    for file in ("clearance.db", "checkpoints.db"):
        with sqlite3.connect(home / file) as database:
            pages, free, size = (
                database.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "freelist_count", "page_size")
            )
        total += (pages - free) * size
    return total


def _resident(pid: int) -> float:
    """MiB that the system has given a process; zero where it does not say."""
    try:
        status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    except OSError:  # no Linux
        return 0.0
    return next((float(line.split()[1]) / 1024 for line in status.splitlines() if line.startswith("VmRSS:")), 0.0)
