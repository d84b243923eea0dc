"""A client of the service: has a goal carried out, follows every run, approves what is asked, and goes to another process if one fails.

It speaks the Agent Server API with plain HTTP, so that nothing of ours or of LangGraph's hides a broken connection.
"""

import asyncio
import random
import time
import uuid
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any, TypeVar

import httpx

T = TypeVar("T")
ENDS_S = 180.0  # a goal takes a few seconds, and a takeover up to twenty
PAUSES = 10
BREAKS = (httpx.HTTPError,)


class Unended(RuntimeError):
    """The goal was not reached in time, or the service said what it must not say."""


@dataclass
class Followed:
    """What a client saw of one run: the numbers of the events, in the order in which they came."""

    run_id: str
    seen: list[int] = field(default_factory=list)
    breaks: Counter[str] = field(default_factory=Counter)  # by what broke


@dataclass
class Client:
    """One goal on one thread. `urls` are the processes that serve; the first is asked as long as it answers. Before it approves
    anything it waits for `together`, so that nobody finds done already what the goal would have done."""

    urls: list[str]
    goal: str
    rng: random.Random
    together: asyncio.Barrier
    thread: str = field(default_factory=lambda: str(uuid.uuid4()))
    runs: list[Followed] = field(default_factory=list)
    _until: float = 0.0

    async def lead(self) -> None:
        """To the answer. Raises `Unended`."""
        self._until = time.monotonic() + ENDS_S
        self.rng.shuffle(self.urls)
        asked: dict[str, Any] = {"input": {"messages": [{"role": "user", "content": self.goal}]}}
        async with httpx.AsyncClient(timeout=httpx.Timeout(30.0, read=20.0)) as http:
            for _ in range(PAUSES):
                await self._run(http, asked)
                state = await self._answer(http, "GET", f"/threads/{self.thread}/state")
                waiting = [one for task in state["tasks"] for one in task["interrupts"]]
                if not waiting:
                    if state["values"].get("status") != "reported":
                        raise Unended(f"thread {self.thread} ended as {state['values'].get('status')}, next {state['next']}")
                    return
                if len(self.runs) == 1:
                    await self.together.wait()
                asked = {"command": {"resume": {one["id"]: _approved(one["value"]) for one in waiting}}}
        raise Unended(f"thread {self.thread} pauses again and again")

    async def check(self) -> list[str]:
        """Every rule that was broken for who followed: each event of a run's log seen, once, in its order."""
        broken = []
        async with httpx.AsyncClient(timeout=30.0) as http:
            for run in self.runs:
                log = [number async for number in self._events(http, run.run_id, -1)]
                broken += gaps(run, log)
        return broken

    async def _run(self, http: httpx.AsyncClient, asked: dict[str, Any]) -> None:
        """Make one run and follow it to its end. Whether a request that broke made one, the thread's list says."""
        body = {
            "assistant_id": "orchestrator",
            "stream_mode": ["custom"],
            "stream_resumable": True,
            "if_not_exists": "create",
            **asked,
        }
        known = {run.run_id for run in self.runs}

        async def make() -> str:
            there = await self._ask(http, "GET", f"/threads/{self.thread}/runs?limit=100", missing=[])
            found = [run["run_id"] for run in there if run["run_id"] not in known]
            made = {"run_id": found[0]} if found else await self._ask(http, "POST", f"/threads/{self.thread}/runs", body)
            return str(made["run_id"])

        run = Followed(await self._trying(make))
        self.runs.append(run)
        while True:
            try:
                async for number in self._events(http, run.run_id, run.seen[-1] if run.seen else -1):
                    run.seen.append(number)
                row = await self._ask(http, "GET", f"/threads/{self.thread}/runs/{run.run_id}")
                if row["status"] not in ("pending", "running"):
                    break
            except BREAKS as error:
                status = f" {error.response.status_code}" if isinstance(error, httpx.HTTPStatusError) else ""
                run.breaks[f"{type(error).__name__}{status}"] += 1
                await self._elsewhere()
        if row["status"] not in ("success", "interrupted"):
            raise Unended(f"run {run.run_id} ended as {row['status']}: {row.get('error')}")

    async def _events(self, http: httpx.AsyncClient, run_id: str, after: int) -> AsyncIterator[int]:
        path, headers = f"/threads/{self.thread}/runs/{run_id}/stream", {"Last-Event-ID": str(after)}
        async with http.stream("GET", self.urls[0] + path, headers=headers) as stream:
            stream.raise_for_status()
            async for line in stream.aiter_lines():
                if line.startswith("id: "):
                    yield int(line[4:])

    async def _answer(self, http: httpx.AsyncClient, method: str, path: str) -> Any:
        return await self._trying(lambda: self._ask(http, method, path))

    async def _trying(self, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
        while True:
            try:
                return await work()
            except BREAKS:
                await self._elsewhere()

    async def _ask(self, http: httpx.AsyncClient, method: str, path: str, body: Any = None, missing: Any = None) -> Any:
        answer = await http.request(method, self.urls[0] + path, json=body)
        if answer.status_code == 404 and missing is not None:
            return missing
        answer.raise_for_status()
        return answer.json()

    async def _elsewhere(self) -> None:
        """Ask the next process from now on."""
        if time.monotonic() > self._until:
            raise Unended(f"thread {self.thread} did not end within {ENDS_S:g} s")
        self.urls.append(self.urls.pop(0))
        await asyncio.sleep(0.2)


def gaps(run: Followed, log: list[int]) -> list[str]:
    """What is wrong with what was seen of a run whose log has these numbers. Events that a killed process had told and not yet
    written are in no log, and their numbers are not given again."""
    broken = []
    if run.seen != sorted(set(run.seen)):
        broken.append(f"run {run.run_id}: events came twice or out of order: {run.seen}")
    if missed := sorted(set(log) - set(run.seen)):
        broken.append(f"run {run.run_id}: of {len(log)} events {len(missed)} never came: {missed[:10]}")
    return broken


def _approved(asked: dict[str, Any]) -> dict[str, Any]:
    return {"decisions": [{"type": "approve"} for _ in asked["action_requests"]]}
