"""`ReplayModel`: a chat model that says what a recording says. No socket, no key, no cost; `models.server` can serve it.

The same request gets the same answer as then; one that was made several times gets its answers in order, the last one ever after.
"""

from collections.abc import Callable, Sequence
from typing import Any

from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from langchain_core.language_models import LanguageModelInput
from langchain_core.language_models.chat_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, convert_to_messages
from langchain_core.messages.ai import UsageMetadata
from langchain_core.outputs import ChatGeneration, ChatResult
from langchain_core.runnables import Runnable
from langchain_core.tools import BaseTool
from langchain_core.utils.function_calling import convert_to_openai_tool
from pydantic import PrivateAttr

from models.recording import Exchange, Json, Recording, as_request, key
from models.redaction import redact


class NotRecorded(LookupError):
    """The recording has no answer to this request."""


class ReplayModel(BaseChatModel):
    """Plays `recording`. Raises `NotRecorded` for a request that is not in it, or that only ever failed."""

    recording: Recording
    _answers: dict[str, list[Exchange]] = PrivateAttr(default_factory=dict)
    _failed: dict[str, str] = PrivateAttr(default_factory=dict)

    def model_post_init(self, context: Any, /) -> None:
        super().model_post_init(context)
        for one in self.recording.exchanges:
            if one.response:
                self._answers.setdefault(key(one.request), []).append(one)
            else:
                self._failed[key(one.request)] = one.error

    @property
    def model_name(self) -> str:
        return self.recording.head.model

    @property
    def _llm_type(self) -> str:
        return "replay"

    def bind_tools(
        self,
        tools: Sequence[dict[str, Any] | type | Callable[..., Any] | BaseTool],
        *,
        tool_choice: str | None = None,
        **kwargs: Any,
    ) -> Runnable[LanguageModelInput, AIMessage]:
        """Bind tools; they are part of what makes a request the same."""
        return self.bind(tools=[convert_to_openai_tool(tool) for tool in tools], tool_choice=tool_choice, **kwargs)

    def _answer(self, messages: list[BaseMessage], options: Json) -> AIMessage:
        asked = key(redact(as_request(messages, options)))
        if asked not in self._answers:
            head, why = self.recording.head, self._failed.get(asked)
            raise NotRecorded(
                f"the recording of {head.model} (made on {head.made_on}, {len(self.recording.exchanges)} calls) has "
                + (
                    f"only a failure for this request: {why}"
                    if why
                    else "no such request: it is of another goal, day or version"
                )
            )
        left = self._answers[asked]
        return as_message((left.pop(0) if len(left) > 1 else left[0]).response or {}, self.model_name)

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        return ChatResult(generations=[ChatGeneration(message=self._answer(messages, kwargs))])

    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        return self._generate(messages, stop, None, **kwargs)  # it looks a request up in memory


def as_message(completion: Json, model: str) -> AIMessage:
    """The message in a `chat.completion` object."""
    choice, usage = completion["choices"][0], completion.get("usage")
    (said,) = convert_to_messages([choice["message"]])
    assert isinstance(said, AIMessage)
    about = {"model_name": model, "finish_reason": choice["finish_reason"]}
    counted = None
    if usage:
        counted = UsageMetadata(
            input_tokens=usage["prompt_tokens"], output_tokens=usage["completion_tokens"], total_tokens=usage["total_tokens"]
        )
    return said.model_copy(update={"response_metadata": about, "usage_metadata": counted})
