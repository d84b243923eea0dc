"""`RetryModel`: middleware around every model call of an agent. Retries what may pass, repairs once, then says what happened.

LangChain's own retry middleware does not honour Retry-After and takes a truncated answer for an answer. Clients are made with
`max_retries=0`, so that retries do not multiply.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from langchain.agents.middleware import AgentMiddleware, AgentState
from langchain.agents.middleware.types import ModelRequest, ModelResponse
from langchain_core.messages import AIMessage, AnyMessage, HumanMessage

PASSING = frozenset({408, 409, 425, 429, 500, 502, 503, 504, 529})
# Named, not imported: the clients derive from different HTTP libraries, and none of them has to be there.
PASSING_NAMES = frozenset({"APIConnectionError", "APITimeoutError", "TransportError", "TimeoutException"})


class ModelUnavailable(RuntimeError):
    """The model gave no usable answer within the allowed attempts and time; the message says why and what to do."""


class Unusable(Exception):
    """An answer came and cannot be used."""


@dataclass(frozen=True)
class Retried:
    """One more try: its number (from 2), why, and after how many seconds."""

    attempt: int
    reason: str
    wait: float


@dataclass
class Counts:
    """How often a middleware retried and repaired, over all calls it wrapped."""

    calls: int = 0
    retries: int = 0
    repairs: int = 0
    reasons: dict[str, int] = field(default_factory=dict)


class RetryModel(AgentMiddleware[AgentState[Any], Any, Any]):
    """Retry 429, 5xx, time-outs, dropped connections, cut-off and empty answers; show broken tool arguments to the model once.

    `attempts`: tries of one call. `longest`: seconds one call may spend waiting between tries, over all of them; a server
    that asks for more is not waited for. `on_retry` is told of each further try. Raises `ModelUnavailable` at the end.
    Asynchronous agents only.
    """

    def __init__(
        self,
        *,
        attempts: int = 4,
        longest: float = 30.0,
        backoff: float = 0.5,
        on_retry: Callable[[Retried], None] | None = None,
    ) -> None:
        super().__init__()
        self.attempts, self.longest, self.backoff = attempts, longest, backoff
        self.on_retry = on_retry
        self.counts = Counts()

    async def awrap_model_call(
        self,
        request: ModelRequest[Any],
        handler: Callable[[ModelRequest[Any]], Awaitable[ModelResponse[Any]]],
    ) -> ModelResponse[Any]:
        self.counts.calls += 1
        repaired = False
        waited = 0.0
        attempt = 1
        while True:
            failure: Exception
            try:
                response = await handler(request)
                message = spoken(response)
                if message and message.invalid_tool_calls and not repaired:
                    repaired = True
                    self._count("repairs", "broken tool arguments")
                    request = request.override(messages=[*request.messages, *objection(message)])
                    continue
                if message:
                    check(message)
                return response
            except Unusable as error:
                failure = error
            except Exception as error:  # any client's errors: what cannot pass goes on as it is
                if not may_pass(error):
                    raise
                failure = error
            wait = self._wait(failure, attempt)
            if attempt >= self.attempts:
                raise ModelUnavailable(explain(failure, attempt)) from failure
            if waited + wait > self.longest:
                raise ModelUnavailable(f"{explain(failure, attempt)} It asks to wait {wait:.0f} s more.") from failure
            attempt += 1
            self._count("retries", describe(failure))
            if self.on_retry:
                self.on_retry(Retried(attempt, describe(failure), wait))
            await asyncio.sleep(wait)
            waited += wait

    def _wait(self, failure: Exception, attempt: int) -> float:
        """Seconds to wait: what the server asks for, else twice as long each time, spread so that steps do not collide."""
        asked = retry_after(failure)
        if asked is not None:
            return asked
        return float(min(self.backoff * 2 ** (attempt - 1), 8.0) * random.uniform(0.5, 1.0))

    def _count(self, what: str, reason: str) -> None:
        setattr(self.counts, what, getattr(self.counts, what) + 1)
        self.counts.reasons[reason] = self.counts.reasons.get(reason, 0) + 1


def spoken(response: ModelResponse[Any]) -> AIMessage | None:
    """The model's own message in a response."""
    return next((message for message in response.result if isinstance(message, AIMessage)), None)


def check(message: AIMessage) -> None:
    """Raise `Unusable` for an answer that was cut off, is empty, or has tool arguments that are still broken."""
    about = message.response_metadata
    if about.get("finish_reason") == "length":
        raise Unusable("its answer was cut off at the length limit")
    # A client that names its provider also gives a finish reason, unless the stream broke off.
    if "model_provider" in about and not about.get("finish_reason") and not about.get("status"):
        raise Unusable("its answer broke off in the middle")
    if message.invalid_tool_calls:
        raise Unusable("its tool calls have arguments that are no valid JSON")
    if not message.tool_calls and not message.text.strip():
        raise Unusable("its answer was empty")


def objection(message: AIMessage) -> list[AnyMessage]:
    """What the model is told about its broken calls. The calls themselves are not sent again: endpoints refuse broken JSON."""
    broken = "\n".join(
        f"- {call['name']}: {call['error'] or 'not valid JSON'}\n  you sent: {str(call['args'])[:500]}"
        for call in message.invalid_tool_calls
    )
    text = f"Your tool calls were not run: the arguments of these are not valid JSON.\n{broken}"
    return [HumanMessage(f"{text}\nSend all calls again, with valid JSON.")]


def may_pass(error: BaseException) -> bool:
    """May the same call succeed later?"""
    status = getattr(error, "status_code", None)
    if isinstance(status, int):
        return status in PASSING and getattr(error, "code", None) != "insufficient_quota"
    return isinstance(error, TimeoutError | ConnectionError) or any(c.__name__ in PASSING_NAMES for c in type(error).__mro__)


def retry_after(error: BaseException) -> float | None:
    """Seconds from the Retry-After header (a number or a date) of the response an error carries, or None."""
    headers: Mapping[str, str] = getattr(getattr(error, "response", None), "headers", None) or {}
    value = headers.get("retry-after") or headers.get("Retry-After")
    if not value:
        return None
    try:
        return max(0.0, float(value))
    except ValueError:
        pass
    try:
        return max(0.0, (parsedate_to_datetime(value) - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError):  # neither a number nor a date with a zone: as if it were not there
        return None


def describe(error: Exception) -> str:
    """The failure in a few words."""
    if isinstance(error, Unusable):
        return str(error)
    status = getattr(error, "status_code", None)
    if status == 429:
        return "it is rate-limited (HTTP 429)"
    if isinstance(status, int):
        return f"its server failed (HTTP {status})"
    timed = isinstance(error, TimeoutError) or any("Timeout" in c.__name__ for c in type(error).__mro__)
    return "it did not answer in time" if timed else "it could not be reached"


def explain(error: Exception, attempts: int) -> str:
    """A message for people."""
    tries = "one attempt" if attempts == 1 else f"{attempts} attempts"
    fix = "Try again later, or check CLEARANCE_MODEL and its endpoint."
    return f"The model gave no usable answer in {tries}: {describe(error)}. {fix}"
