"""A runner whose goals the live service of the home carries out, so that they are in its queue, its streams and its inbox.

What is read (how a thread stands, what waits) is read where the service writes it, in the home, by the same code: a person sees
the same, whoever does the work. Made by `open_runner` in `app/runner.py`.
"""

import json
from collections.abc import AsyncIterator
from typing import Any

import httpx2
from langgraph.types import Command

from app.calling import ServiceSays, ok, said_by
from app.runner import OnEvent, Outcome, Runner
from app.runs.spec import ACTIVE
from app.served_acts import ServedActs
from governance.approval import Approval, VoteRefused
from governance.identity import Caller
from graphs.executions import OPEN, AlreadyRunning
from graphs.services import Services


class ServedRunner(Runner):
    """A client of the service, as whoever the settings say."""

    def __init__(self, services: Services, graph: Any, http: httpx2.AsyncClient) -> None:
        super().__init__(services, graph)
        self._http = http
        self.acts = ServedActs(services, self.caller, http)

    async def steer(self, thread_id: str, text: str) -> Outcome:
        id = str((await self._state(thread_id)).values.get("execution_id") or "")
        if not id or not (found := await self.services.executions.get(id)) or found.status not in OPEN:
            raise AlreadyRunning(f"thread {thread_id} is still reading its goal: say it again when its plan is there")
        await self._post(f"/governance/executions/{id}/steers", {"text": text})
        return await self.outcome(thread_id)

    async def vote(
        self,
        approval_id: str,
        verdict: Any,
        *,
        message: str = "",
        args: dict[str, Any] | None = None,
        voter: Caller | None = None,
    ) -> Approval:
        if voter is not None:
            return await super().vote(approval_id, verdict, message=message, args=args, voter=voter)
        answer = await self._http.post(
            f"/governance/approvals/{approval_id}/votes", json={"verdict": verdict, "message": message, "args": args}
        )
        if answer.is_client_error:
            raise VoteRefused(said_by(answer))
        return await self.services.approvals.resolve(ok(answer).json()["id"])

    async def cancel(self, thread_id: str) -> Outcome:
        id = (await self._state(thread_id)).values.get("execution_id", "")
        found = await self.services.executions.get(id) if id else None
        if found and found.thread_id == thread_id and found.status in ("running", "waiting"):
            run_id = (await self._post(f"/governance/executions/{id}/cancel", None)).json()["run_id"]
            if run_id:
                ok(await self._http.get(f"/threads/{thread_id}/runs/{run_id}/join", timeout=None))
        return await self.outcome(thread_id)

    async def _carry_out(self, thread: str, given: Any, on_event: OnEvent, *, review: bool, interrupt_before: Any) -> str:
        asked: dict[str, Any] = {
            "assistant_id": "orchestrator",
            "config": {"configurable": {"review_plan": review}, "recursion_limit": 200},
            "stream_mode": ["custom"],
            "if_not_exists": "create",
            "multitask_strategy": "reject",
            "on_disconnect": "cancel",
        }
        if interrupt_before:
            asked["interrupt_before"] = interrupt_before
        if isinstance(given, Command):
            asked["command"] = {"resume": given.resume}
        elif given is not None:
            said = [{"role": "user", "content": one.content} for one in given["messages"]]
            asked["input"] = {**given, "messages": said}
        async with self._http.stream("POST", f"/threads/{thread}/runs/stream", json=asked) as answer:
            if answer.status_code != 409:
                return await _followed(answer, on_event)
            refused = (await answer.aread(), said_by(answer))[1]
        if not isinstance(given, Command):
            raise AlreadyRunning(f"thread {thread} is being run by the service: {refused}")
        rows = ok(await self._http.get(f"/threads/{thread}/runs", params={"limit": 1})).json()
        if not rows or rows[0]["status"] not in ACTIVE:  # the service went on by itself, and is done
            return rows[0]["run_id"] if rows else ""
        path = f"/threads/{thread}/runs/{rows[0]['run_id']}/stream"  # it goes on by itself: watch it from its beginning
        watched = {"cancel_on_disconnect": True}
        async with self._http.stream("GET", path, params=watched, headers={"Last-Event-ID": "-1"}) as answer:
            return await _followed(answer, on_event)

    async def _post(self, path: str, body: Any) -> httpx2.Response:
        return ok(await self._http.post(path, json=body))


async def _followed(answer: httpx2.Response, on_event: OnEvent) -> str:
    """Hand on the custom events of a run to its end; its id. Raises `ServiceSays`."""
    if not answer.is_success:
        await answer.aread()
    ok(answer)
    async for name, body in _events(answer):
        if name == "custom":
            on_event(body)
        elif name == "error":
            raise ServiceSays(str(body.get("message") or body.get("error")))
    where: str = answer.headers["content-location"]
    return where.rpartition("/")[2]


async def _events(answer: httpx2.Response) -> AsyncIterator[tuple[str, Any]]:
    name = ""
    async for line in answer.aiter_lines():
        field, _, text = line.partition(": ")
        if field == "event":
            name = text
        elif field == "data":
            yield name, json.loads(text)
