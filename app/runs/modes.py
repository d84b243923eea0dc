"""Stream modes: what LangGraph's stream yields, worded as the wire's events. Used by `carry_out.py`.

| asked for       | LangGraph's mode | events                                                        |
|-----------------|------------------|---------------------------------------------------------------|
| messages-tuple  | messages         | messages: [chunk, metadata]                                   |
| messages        | messages         | messages/metadata, then messages/partial or messages/complete |
| any other       | the same         | the same; below the root with `|namespace`                     |
"""

from collections.abc import Iterator, Sequence
from typing import Any

from langchain_core.messages import AIMessageChunk, BaseMessage, BaseMessageChunk, message_chunk_to_message

MODES = ("values", "updates", "messages", "messages-tuple", "custom", "events", "debug", "tasks", "checkpoints")
INTERRUPT = "__interrupt__"
OWN = "v3:"
"""How the names of entries begin that only the event protocol shows."""
REQUESTED = f"{OWN}input.requested"


def graph_modes(asked: Sequence[str]) -> list[str]:
    """LangGraph's modes for those that were asked for. The values are always among them: they are how the run ends."""
    named = ["messages" if mode == "messages-tuple" else mode for mode in asked if mode != "events"]
    return list(dict.fromkeys([*named, "values"]))


class Wording:
    """The events of one run, for the modes that were asked for."""

    def __init__(self, asked: Sequence[str]) -> None:
        self._asked = frozenset(asked)
        self._said: dict[str, BaseMessageChunk] = {}
        self._known: set[str] = set()
        self._requested: set[str] = set()

    def events(self, namespace: Sequence[str], mode: str, data: Any) -> Iterator[tuple[str, Any]]:
        """What is sent for one item of LangGraph's stream."""
        if mode == "values" and isinstance(data, dict) and data.get(INTERRUPT):
            yield from self._requests(namespace, data[INTERRUPT])
        if mode == "messages":
            yield from self._messages(namespace, data)
        elif mode in self._asked or mode.startswith(OWN):
            yield "|".join((mode, *namespace)), data

    def _requests(self, namespace: Sequence[str], waiting: Sequence[Any]) -> Iterator[tuple[str, Any]]:
        """What the event protocol asks of people: each interrupt once, where it was raised."""
        for one in waiting:
            if one.id not in self._requested:
                self._requested.add(one.id)
                yield "|".join((REQUESTED, *namespace)), {"interrupt_id": one.id, "payload": one.value}

    def _messages(self, namespace: Sequence[str], data: Any) -> Iterator[tuple[str, Any]]:
        message, metadata = data
        if "messages-tuple" in self._asked:
            yield "|".join(("messages", *namespace)), [message, metadata]
        if "messages" not in self._asked:
            return
        id = str(message.id)
        if id not in self._known:
            self._known.add(id)
            yield "messages/metadata", {id: {"metadata": metadata}}
        if isinstance(message, BaseMessageChunk):
            whole: BaseMessageChunk = self._said[id] + message if id in self._said else message
            self._said[id] = whole
            yield "messages/partial", [message_chunk_to_message(whole) if isinstance(whole, AIMessageChunk) else whole]
        elif isinstance(message, BaseMessage):
            yield "messages/complete", [message]
