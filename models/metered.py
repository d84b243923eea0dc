"""`MeteredModel`: any chat model with a meter in front of it. Each call is held against a budget, counted, timed and recorded."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from langchain_core.language_models import LanguageModelInput
from langchain_core.language_models.chat_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.outputs import ChatResult
from langchain_core.runnables import Runnable, RunnableBinding
from langchain_core.tools import BaseTool

from models.budget import Budget, Charge
from models.price import CAREFUL_CHARACTERS, estimate
from models.recording import Recording


@dataclass(frozen=True)
class Spent:
    """One call: input and output tokens (as the endpoint counts them, else estimated), seconds, and the failure, if it failed."""

    sent: int
    given: int
    seconds: float
    error: str = ""


@dataclass
class Meter:
    """What the calls of a model cost so far, and the budget and recording that the next ones go to."""

    budget: Budget
    recording: Recording
    calls: list[Spent] = field(default_factory=list)


class MeteredModel(BaseChatModel):
    """Hands every call to `inner`, asynchronously and whole (no streaming). Raises `CostLimit`."""

    inner: BaseChatModel
    meter: Meter

    @property
    def model_name(self) -> str:
        return str(getattr(self.inner, "model_name", "") or self.inner._llm_type)

    @property
    def _llm_type(self) -> str:
        return self.inner._llm_type

    def bind_tools(
        self,
        tools: Sequence[dict[str, Any] | type | Callable[..., Any] | BaseTool],
        *,
        tool_choice: str | None = None,
        **kwargs: Any,
    ) -> Runnable[LanguageModelInput, AIMessage]:
        """Bind tools as `inner` binds them."""
        bound = self.inner.bind_tools(tools, tool_choice=tool_choice, **kwargs)
        assert isinstance(bound, RunnableBinding)
        return self.bind(**bound.kwargs)

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        raise NotImplementedError("a metered model is called asynchronously: use ainvoke")

    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        async with self.meter.budget.call(estimate(messages, kwargs)) as charge:
            began = time.monotonic()
            try:
                result = await self.inner._agenerate(messages, stop=stop, **kwargs)
            except Exception as error:  # whatever the client raises is counted, recorded and goes on as it is
                if refused(error):
                    charge.real = (0, 0)
                self._note(messages, kwargs, charge, began, None, f"{type(error).__name__}: {error}")
                raise
            answer = result.generations[0].message
            assert isinstance(answer, AIMessage)
            charge.real = used(answer, charge)
            self._note(messages, kwargs, charge, began, answer, "")
        return result

    def _note(
        self, messages: list[BaseMessage], options: Any, charge: Charge, began: float, answer: AIMessage | None, error: str
    ) -> None:
        seconds = time.monotonic() - began
        self.meter.calls.append(Spent(*(charge.real or (charge.sent, 0)), seconds, error))
        self.meter.recording.add(messages, options, answer, error, round(seconds * 1000))


def refused(error: Exception) -> bool:
    """Was the request answered with an HTTP error, and so not served?"""
    return isinstance(getattr(error, "status_code", None), int)


def used(answer: AIMessage, charge: Charge) -> tuple[int, int]:
    """Input and output tokens of an answer: what the endpoint says, else what was reserved and what can be seen."""
    if answer.usage_metadata:
        return answer.usage_metadata["input_tokens"], answer.usage_metadata["output_tokens"]
    seen = len(answer.text) + sum(len(str(call["args"])) for call in answer.tool_calls)
    return charge.sent, seen // CAREFUL_CHARACTERS + 1
