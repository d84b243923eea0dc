"""What can this endpoint do? A handful of small requests to a live model, each of which shows one thing.

What it finds becomes `Capabilities`. A capability counts only when the answer is right, not when the request is merely accepted.
Called by the trial (`clearance model try`).
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

import openai
from langchain_core.messages import AIMessage, AIMessageChunk, HumanMessage
from langchain_core.utils.function_calling import convert_to_openai_tool
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from models.capabilities import Capabilities
from models.live import LiveModel, strictly
from models.metered import Meter, MeteredModel
from models.price import estimate

ONE = "Use the tool to look up the word 'lead'."
TWO = "Use the tool twice in this same message: look up the word 'lead', and look up the word 'zinc'."
NOTE = "Use the tool to file a note whose text is 'buy milk', with the count 7, of the kind errand."
TALK = "Say in one short sentence what a purchase order is."


class EndpointFailed(RuntimeError):
    """The endpoint cannot be used at all; the message says why and what to set."""


class NoTools(RuntimeError):
    """The model calls no tool: nothing here can work with it. The message says what it did."""


class LookUp(BaseModel):
    """Look a word up in the dictionary."""

    model_config = ConfigDict(extra="forbid")
    word: str = Field(description="the word")


class FileNote(BaseModel):
    """File a note."""

    model_config = ConfigDict(extra="forbid")
    text: str = Field(description="what is to be remembered")
    count: int
    kind: Literal["errand", "idea"]
    due: str | None = Field(description="a date; null if there is none")


@dataclass(frozen=True)
class Tried:
    """One thing that was tried: `ok`, and what was seen, in a few words."""

    name: str
    ok: bool
    seen: str


@dataclass(frozen=True)
class Probed:
    capabilities: Capabilities
    tried: tuple[Tried, ...]


class Probe:
    """The requests. `model` is made with no assumptions: its capabilities are the defaults."""

    def __init__(self, model: LiveModel, meter: Meter, host: str) -> None:
        self.model, self.meter, self.host = model, meter, host
        self.metered = MeteredModel(inner=model, meter=meter)

    async def run(self) -> Probed:
        """Try everything. Raises `EndpointFailed`, `NoTools`, or `CostLimit` where the budget ends."""
        try:
            return await self._run()
        except openai.APIError as error:
            raise EndpointFailed(f"{self.model.model_name} at {self.host} cannot be used: {reason(error)}") from error

    async def _run(self) -> Probed:
        answer = await self.metered.ainvoke([HumanMessage(TALK)])
        found = [Tried("answers", bool(answer.text.strip()), "an answer came" if answer.text.strip() else "it was empty")]
        forced = await self._tried("calls the tool it must call", self._forced)
        free = await self._tried("calls tools by itself", self._free)
        found += [forced, free]
        if not (forced.ok or free.ok):
            raise NoTools(f"{self.model.model_name} at {self.host} calls no tool: {forced.seen}. Choose a model that does")
        force = {"tool_choice": "required"} if forced.ok else {}
        strict = await self._tried("strict schemas", lambda: self._strict(force))
        parallel = await self._tried("parallel tool calls", self._parallel)
        switch = await self._tried("one call at a time on request", self._switch)
        streams = await self._tried("streams", self._stream)
        counted = await self._tried("counts tokens in a stream", self._stream_usage)
        context = await self._context()
        shown = f"{context:,} tokens" if context else "not declared in its model list"
        found += [strict, parallel, switch, streams, counted, Tried("context length", context is not None, shown)]
        known = Capabilities(
            model=self.model.model_name,
            host=self.host,
            probed_at=datetime.now(UTC).isoformat(timespec="seconds"),
            forced_tools=forced.ok,
            strict_tools=strict.ok,
            parallel_tools=parallel.ok,
            parallel_switch=switch.ok,
            streaming=streams.ok,
            stream_usage=counted.ok,
            context_tokens=context,
        )
        return Probed(known, tuple(found))

    async def _tried(self, name: str, attempt: Callable[[], Awaitable[str]]) -> Tried:
        try:
            return Tried(name, True, await attempt())
        except Unfit as unfit:
            return Tried(name, False, str(unfit))
        except openai.APIStatusError as error:  # the endpoint refused the request: it cannot do this
            if error.status_code in (401, 403, 429) or error.status_code >= 500:
                raise
            return Tried(name, False, f"refused (HTTP {error.status_code}): {error.message[:120]}")

    async def _ask(self, text: str, tool: type[BaseModel], **options: Any) -> list[BaseModel]:
        """The tool's arguments in each call the model made. Raises `Unfit` when there is none, or one does not fit."""
        bound = options.pop("tools", [convert_to_openai_tool(tool)])
        answer = await self.metered.bind(tools=bound, **options).ainvoke([HumanMessage(text)])
        assert isinstance(answer, AIMessage)
        if answer.invalid_tool_calls:
            raise Unfit("its arguments are no valid JSON")
        if not answer.tool_calls:
            raise Unfit("it answered in words instead of calling")
        if strange := [call["name"] for call in answer.tool_calls if call["name"] != tool.__name__]:
            raise Unfit(f"it called {strange[0]!r}, which does not exist")
        try:
            return [tool.model_validate(call["args"]) for call in answer.tool_calls]
        except ValidationError as error:
            first = error.errors()[0]
            raise Unfit(f"arguments that do not fit: {'.'.join(map(str, first['loc']))}: {first['msg']}") from error

    async def _forced(self) -> str:
        (first, *_) = await self._ask(ONE, LookUp, tool_choice="required")
        return f"it looked up {first.model_dump()['word']!r}"

    async def _free(self) -> str:
        (first, *_) = await self._ask(ONE, LookUp)
        return f"it looked up {first.model_dump()['word']!r}"

    async def _strict(self, force: dict[str, str]) -> str:
        await self._ask(NOTE, FileNote, tools=[strictly(convert_to_openai_tool(FileNote))], **force)
        return "accepted, and the arguments fit"

    async def _parallel(self) -> str:
        words = sorted(str(call.model_dump()["word"]).lower() for call in await self._ask(TWO, LookUp))
        if words != ["lead", "zinc"]:
            raise Unfit(f"asked for two words it looked up {', '.join(words)}")
        return "two sound calls in one message"

    async def _switch(self) -> str:
        made = await self._ask(TWO, LookUp, parallel_tool_calls=False)
        if len(made) != 1:
            raise Unfit(f"it made {len(made)} calls although told to make one")
        return "accepted, and kept"

    async def _stream(self) -> str:
        pieces, full = await self._streamed(usage=False)
        if not full.response_metadata.get("finish_reason"):
            raise Unfit("the stream ended without a finish reason")
        return f"{pieces} pieces"

    async def _stream_usage(self) -> str:
        _, full = await self._streamed(usage=True)
        if not full.usage_metadata:
            raise Unfit("the stream said nothing about tokens")
        return f"{full.usage_metadata['total_tokens']} tokens"

    async def _streamed(self, usage: bool) -> tuple[int, AIMessageChunk]:
        """How many pieces came, and the whole. The meter wraps whole answers only, so the budget is kept here."""
        messages, full, pieces = [HumanMessage(TALK)], None, 0
        async with self.meter.budget.call(estimate(messages, {})) as charge:
            async for chunk in self.model.astream(messages, stream_usage=usage):
                assert isinstance(chunk, AIMessageChunk)
                full = chunk if full is None else full + chunk
                pieces += bool(chunk.text)
            charge.real = (charge.sent, len(full.text) if full else 0)
            if full and full.usage_metadata:
                charge.real = (full.usage_metadata["input_tokens"], full.usage_metadata["output_tokens"])
        if full is None or not full.text.strip():
            raise Unfit("nothing came")
        return pieces, full

    async def _context(self) -> int | None:
        """What the endpoint's model list says of the context length, under any of the names that are in use."""
        try:
            listed = await self.model.root_async_client.models.list()
        except openai.APIError:  # an endpoint need not have a list
            return None
        for one in listed.data:
            if one.id == self.model.model_name:
                about = one.model_dump()
                about = {**about, **(about.get("meta") or {})}
                sizes = (about.get(name) for name in ("context_length", "context_window", "max_model_len", "n_ctx_train"))
                return next((size for size in sizes if isinstance(size, int)), None)
        return None


def reason(error: openai.APIError) -> str:
    """A client's error for people, and what to do."""
    status = getattr(error, "status_code", None)
    if status in (401, 403):
        return f"it refuses the key (HTTP {status}): check CLEARANCE_MODEL_API_KEY"
    if status == 404:
        return "it knows no such model or address (HTTP 404): check CLEARANCE_MODEL and CLEARANCE_MODEL_BASE_URL"
    if status == 429:
        return "it takes no more requests now, or the account has no credit (HTTP 429): try again later"
    said = " ".join(error.message.split())[:200]
    return f"HTTP {status}: {said}" if status else f"it could not be reached ({said}): check CLEARANCE_MODEL_BASE_URL"


class Unfit(Exception):
    """The answer shows that the model cannot do what was tried."""
