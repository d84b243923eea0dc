"""The meter of every role's model calls: tokens, money and calls are reserved before each try and settled after it.

The innermost wrapper of the model call, inside the retries, so that each request that leaves is paid for. Built into the agents by
`services.py` only where something has a limit. Money needs a price (`CLEARANCE_MODEL_PRICE`); without one it is unknown, counted
as 0, and a limit of money holds nothing back.
"""

import uuid
from collections.abc import Awaitable, Callable
from typing import Any

from langchain.agents.middleware import AgentMiddleware, ModelRequest, ModelResponse
from langchain_core.messages import AIMessage, BaseMessage

from governance.asking import Lack
from governance.budgets import Account, Budgets, BudgetSpent, Spender
from governance.limits import MICRO, PARTS, Unit
from graphs.context import StepContext
from models.budget import UNCAPPED_OUTPUT
from models.metered import refused
from models.price import Price, estimate
from models.retry import ModelUnavailable

Left = Callable[[], Awaitable[list[dict[str, Any]]]]
"""Asks how the budgets of a step stand, as `left_of` tells it."""


class OutOfBudget(ModelUnavailable):
    """A budget does not leave what the next call may need, so it was not made. `unit` and `amount` (in its parts) are what it needs."""

    def __init__(self, reason: str, unit: Unit, amount: int) -> None:
        super().__init__(reason)
        self.lack = Lack(unit, amount, reason)


class Spending(AgentMiddleware[Any, Any, Any]):
    """Holds each model call against the budgets. `output` caps a call's output tokens, 0: unknown. Raises `OutOfBudget`."""

    def __init__(self, budgets: Budgets, price: Price | None, output: int) -> None:
        super().__init__()
        self.budgets, self.price, self.output = budgets, price, output or UNCAPPED_OUTPUT

    async def awrap_model_call(
        self, request: ModelRequest[Any], handler: Callable[[ModelRequest[Any]], Awaitable[ModelResponse[Any]]]
    ) -> ModelResponse[Any]:
        context: StepContext = request.runtime.context
        who = spender(context)
        messages: list[BaseMessage] = [*([request.system_message] if request.system_message else []), *request.messages]
        sent = estimate(messages, {"tools": [_schema(one) for one in request.tools]})
        id = str(uuid.uuid4())
        try:
            await self.budgets.reserve(who, id, self._amounts(sent, self.output), self._amounts(sent, 0))
        except BudgetSpent as spent:
            raise OutOfBudget(str(spent), spent.unit, spent.asked) from spent
        real = self._amounts(sent, 0)  # a call that was cut off may have been served all the same
        try:
            answer = await handler(request)
            real = self._amounts(*_used(answer, sent))
            return answer
        except Exception as error:  # only looked at: it goes on as it is
            if refused(error):
                real = self._amounts(0, 0)
            raise
        finally:
            await self.budgets.settle(id, real)

    def _amounts(self, sent: int, given: int) -> dict[Unit, int]:
        money = round(self.price.cost(sent, given) * MICRO) if self.price else 0
        return {"tokens": sent + given, "money": money, "model_calls": 1}


def spender(context: StepContext) -> Spender:
    return Spender(context.caller.org, context.caller.user, context.execution_id, context.step_id)


def left_of(accounts: list[Account]) -> list[dict[str, Any]]:
    """Accounts as events and `--json` tell them; money in US dollars."""

    def amount(one: Account, value: int) -> float | int:
        return value / PARTS[one.unit] if one.unit in PARTS else value

    names = ("limit", "used", "reserved", "left")
    return [
        {"scope": one.scope, "unit": one.unit, **{name: amount(one, getattr(one, name)) for name in names}} for one in accounts
    ]


def _schema(tool: Any) -> Any:
    return tool if isinstance(tool, dict) else [tool.name, tool.description, getattr(tool, "args_schema", None)]


def _used(answer: ModelResponse[Any], sent: int) -> tuple[int, int]:
    """Input and output tokens: as the endpoint says, else what was sent and what can be seen of the answer."""
    said = [m for m in answer.result if isinstance(m, AIMessage)]
    counted = [m.usage_metadata for m in said if m.usage_metadata]
    if counted:
        return sum(one["input_tokens"] for one in counted), sum(one["output_tokens"] for one in counted)
    return sent, estimate(said, {})
