"""A chat model that says what a script says, or fails in the way it is told to. For tests of whatever calls a model.

A script is a list of messages (one a call) or a function of the messages. A `fault` strikes the first `times` calls.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import Any, Literal

from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from langchain_core.language_models import LanguageModelInput
from langchain_core.language_models.chat_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.messages.ai import UsageMetadata
from langchain_core.messages.tool import invalid_tool_call
from langchain_core.outputs import ChatGeneration, ChatResult
from langchain_core.runnables import Runnable
from langchain_core.tools import BaseTool
from langchain_core.utils.function_calling import convert_to_openai_tool
from pydantic import PrivateAttr

Fault = Literal["", "rate_limit", "server_error", "timeout", "slow", "junk", "ghost_tool", "loop", "truncated", "empty"]
Script = Sequence[AIMessage] | Callable[[list[BaseMessage]], AIMessage]


class ScriptEnded(AssertionError):
    """The script has no more messages: the model was called more often than the test expected."""


class HttpFault(Exception):
    """What an HTTP client raises: `status_code`, and a `response` with headers as clients have it."""

    def __init__(self, status_code: int, retry_after: str = "") -> None:
        super().__init__(f"HTTP {status_code}")
        self.status_code = status_code
        self.response = FaultResponse({"retry-after": retry_after} if retry_after else {})


class FaultResponse:
    def __init__(self, headers: dict[str, str]) -> None:
        self.headers = headers


class ScriptedModel(BaseChatModel):
    """Says the script's messages in order. `calls` keeps what it was sent, `bound` the tools of each `bind_tools`.

    Faults: rate_limit (429 with `retry_after`), server_error (503), timeout, slow (`delay` seconds, then the script), junk
    (arguments that are no JSON), ghost_tool (a tool nobody bound), loop (the same call for ever), truncated (half of the
    script's text, finish reason "length"), empty (neither text nor call). Raises `ScriptEnded` past the script's end.
    """

    script: Any = ()
    fault: Fault = ""
    times: int = 1
    delay: float = 0.05
    retry_after: str = ""
    model_name: str = "scripted"
    _calls: list[list[BaseMessage]] = PrivateAttr(default_factory=list)
    _bound: list[list[dict[str, Any]]] = PrivateAttr(default_factory=list)
    _said: int = PrivateAttr(default=0)

    @property
    def _llm_type(self) -> str:
        return "scripted"

    @property
    def calls(self) -> list[list[BaseMessage]]:
        return self._calls

    @property
    def bound(self) -> list[list[dict[str, Any]]]:
        return self._bound

    def _get_ls_params(self, stop: list[str] | None = None, **kwargs: Any) -> Any:
        params = super()._get_ls_params(stop=stop, **kwargs)
        return {**params, "ls_provider": "scripted", "ls_model_name": kwargs.get("model") or self.model_name}

    def bind_tools(
        self,
        tools: Sequence[dict[str, Any] | type | Callable[..., Any] | BaseTool],
        *,
        tool_choice: str | None = None,
        **kwargs: Any,
    ) -> Runnable[LanguageModelInput, AIMessage]:
        """Record the tools and bind them."""
        converted = [convert_to_openai_tool(tool) for tool in tools]
        self._bound.append(converted)
        return self.bind(tools=converted, tool_choice=tool_choice, **kwargs)

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        self._calls.append(messages)
        if self._struck("slow"):
            time.sleep(self.delay)
        return self._result(messages)

    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        self._calls.append(messages)
        if self._struck("slow"):
            await asyncio.sleep(self.delay)
        return self._result(messages)

    def _struck(self, fault: Fault) -> bool:
        return self.fault == fault and (fault == "loop" or len(self._calls) <= self.times)

    def _result(self, messages: list[BaseMessage]) -> ChatResult:
        message = self._say(messages)
        if message.usage_metadata is None:
            tokens = UsageMetadata(input_tokens=10 * len(messages), output_tokens=10, total_tokens=10 * len(messages) + 10)
            message = message.model_copy(update={"usage_metadata": tokens})
        known = {"model_name": self.model_name, "finish_reason": "stop", **message.response_metadata}
        return ChatResult(generations=[ChatGeneration(message=message.model_copy(update={"response_metadata": known}))])

    def _say(self, messages: list[BaseMessage]) -> AIMessage:
        number = len(self._calls)
        if self._struck("rate_limit"):
            raise HttpFault(429, self.retry_after)
        if self._struck("server_error"):
            raise HttpFault(503)
        if self._struck("timeout"):
            raise TimeoutError("the model did not answer in time")
        if self._struck("empty"):
            return AIMessage("")
        tool = self._bound[-1][0]["function"]["name"] if self._bound else "no_tool"
        if self._struck("junk"):
            broken = invalid_tool_call(name=tool, args='{"broken": ', id=f"call_junk_{number}", error="not valid JSON")
            return AIMessage("", invalid_tool_calls=[broken])
        if self._struck("ghost_tool"):
            return AIMessage("", tool_calls=[{"name": "ghost_tool", "args": {}, "id": f"call_ghost_{number}"}])
        if self._struck("loop"):
            return AIMessage("", tool_calls=[{"name": tool, "args": {}, "id": f"call_loop_{number}"}])
        message = self._next(messages)
        if self._struck("truncated"):
            text = message.text[: len(message.text) // 2]
            return AIMessage(text, response_metadata={"finish_reason": "length"})
        return message

    def _next(self, messages: list[BaseMessage]) -> AIMessage:
        if callable(self.script):
            said: AIMessage = self.script(messages)
            return said
        if self._said >= len(self.script):
            raise ScriptEnded(f"call {len(self._calls)} of a script of {len(self.script)} messages")
        self._said += 1
        return AIMessage.model_validate(self.script[self._said - 1].model_dump())
