"""The thread's log as the event protocol shows it. Used by `stream_events.py`.

One entry is one event or none, so that an event's number is its entry's: the same at every replay, whoever reads.

| entry                         | event                                                                |
|-------------------------------|----------------------------------------------------------------------|
| metadata, end                 | lifecycle of the root: running, then completed, interrupted, failed  |
| values                        | values, without `__interrupt__`; messages without their empty fields |
| updates                       | updates: what the node wrote, and which node                         |
| custom                        | custom: {payload}, with the name of one that names itself            |
| tasks, checkpoints            | the same, a checkpoint without the state                             |
| v3:…                          | as it is                                                             |
| error, messages, events, debug | none                                                                |
"""

import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app.encoding import dumps, loads
from app.runs.events_v3 import light
from app.runs.log import END, Event
from app.runs.modes import INTERRUPT, OWN

CHANNELS = ("values", "updates", "checkpoints", "messages", "tools", "custom", "lifecycle", "input", "tasks")
EMPTY_OF_MESSAGES: dict[str, Any] = {
    "additional_kwargs": {},
    "response_metadata": {},
    "name": None,
    "tool_calls": [],
    "invalid_tool_calls": [],
    "usage_metadata": None,
}
FindRun = Callable[[str], Awaitable[Mapping[str, Any] | None]]


@dataclass(frozen=True)
class Wanted:
    """What a client subscribes to: channels; namespaces by their beginnings, None for all; how deep below those, None for any."""

    channels: frozenset[str]
    namespaces: Sequence[Sequence[str]] | None = None
    depth: int | None = None

    def channel(self, name: str) -> bool:
        return name in self.channels or (name.startswith("custom:") and "custom" in self.channels)

    def place(self, namespace: Sequence[str]) -> bool:
        if not self.namespaces:
            return True
        below = (len(namespace) - len(one) for one in self.namespaces if _begins(namespace, one))
        return any(self.depth is None or levels <= self.depth for levels in below)


class Wording:
    """The events for one reader. `find_run` gives a run's row, for its graph's name and its error."""

    def __init__(self, wanted: Wanted, find_run: FindRun) -> None:
        self._wanted, self._find_run = wanted, find_run
        self._runs: dict[str, Mapping[str, Any]] = {}

    async def frame(self, entry: Event) -> bytes | None:
        """The entry as it goes over the wire, if it is one that the reader wants."""
        name, *namespace = entry.event.split("|")
        method = name.removeprefix(OWN)
        if not self._wanted.place(namespace):
            return None
        if name in ("metadata", END):
            if not self._wanted.channel("lifecycle"):
                return None
            return _framed(entry, "lifecycle", {"namespace": [], "data": await self._lifecycle(entry)})
        channel = {"input.requested": "input"}.get(method, method).partition(":")[0]
        may_be_wanted = self._wanted.channel(channel) or (channel == "custom" and self._wanted.channels - set(CHANNELS))
        if channel not in CHANNELS or not may_be_wanted or name == "messages":
            return None
        params = _params(name, loads(entry.data))
        if params is None or (channel == "custom" and not self._wanted.channel(_named(params["data"]))):
            return None
        return _framed(entry, "custom" if channel == "custom" else method, {"namespace": namespace, **params})

    async def _lifecycle(self, entry: Event) -> dict[str, Any]:
        run = self._runs.get(entry.run_id)
        if run is None or entry.event == END:
            run = self._runs[entry.run_id] = await self._find_run(entry.run_id) or {}
        said = {"graph_name": run["graph_id"]} if run else {}  # a run that was rolled back left no row
        if entry.event != END:
            return {"event": "running", **said}
        end = loads(entry.data)
        if end["status"] == "success":
            return {"event": "interrupted" if end.get("waiting") else "completed", **said}
        if end["status"] == "interrupted":
            return {"event": "interrupted", **said}
        return {"event": "failed", **said, "error": (run.get("error") or {}).get("message", end["status"])}


def _params(name: str, data: Any) -> dict[str, Any] | None:
    if name.startswith(f"{OWN}custom:"):
        return {"data": {"name": name.removeprefix(f"{OWN}custom:"), "payload": data}}
    if name == "custom":
        own = data.get("event") if isinstance(data, dict) else None
        return {"data": ({"name": own} if isinstance(own, str) else {}) | {"payload": data}}
    if name == "values":
        return {"data": _slim(data)}
    if name == "checkpoints":
        return {"data": light(data)}
    if name == "updates":
        if not isinstance(data, dict) or INTERRUPT in data or not data:
            return None
        [(node, wrote), *_] = data.items()
        return {"data": _slim(wrote), "node": node}
    return {"data": data}


def _slim(values: Any) -> Any:
    """The values of a state without what waits, its messages without what is empty."""
    if not isinstance(values, dict):
        return values
    kept = {name: value for name, value in values.items() if name != INTERRUPT}
    return {name: [_message(one) for one in value] if isinstance(value, list) else value for name, value in kept.items()}


def _message(one: Any) -> Any:
    if not (isinstance(one, dict) and "type" in one and "content" in one and "additional_kwargs" in one):
        return one
    kept = {name: value for name, value in one.items() if name not in EMPTY_OF_MESSAGES or value != EMPTY_OF_MESSAGES[name]}
    return {"type": kept.pop("type"), **kept}


def _named(data: Mapping[str, Any]) -> str:
    return f"custom:{data['name']}" if data.get("name") else "custom"


def _framed(entry: Event, method: str, params: dict[str, Any]) -> bytes:
    body = {
        "type": "event",
        "event_id": f"{entry.run_id}:{entry.seq}",
        "seq": entry.seq,
        "method": method,
        "params": {"timestamp": time.time_ns() // 1_000_000, **params},
    }
    return b"event: " + method.encode() + b"\ndata: " + dumps(body) + f"\nid: {entry.seq}\n\n".encode()


def _begins(namespace: Sequence[str], start: Sequence[str]) -> bool:
    """Does it begin so? A segment is `node:task`, and may be named by its node alone."""
    return len(start) <= len(namespace) and all(
        own == asked or (":" not in asked and own.partition(":")[0] == asked)
        for own, asked in zip(namespace, start, strict=False)
    )
