"""The meter of every role's model calls: tokens, money and calls are reserved before each try and settled after it.

The innermost wrapper of the model call, inside the retries, so that each request that leaves is paid for. Built into the agents by
`services.py` only where something has a limit. Money needs a price (`CLEARANCE_MODEL_PRICE`). Without one what a call costs is not
known: a limit of money holds nothing back then, which is said in every answer, or the model is not called, as the limits say.
"""

import uuid
from collections.abc import Awaitable, Callable
from typing import Any

from langchain.agents.middleware import AgentMiddleware, ModelRequest, ModelResponse
from langchain_core.messages import AIMessage, BaseMessage

from governance.asking import Lack
from governance.budgets import Account, Budgets, BudgetSpent, Spender
from governance.limits import MICRO, Limits, Unit, people
from graphs.context import StepContext
from models.budget import UNCAPPED_OUTPUT
from models.metered import refused
from models.price import Price, estimate
from models.retry import ModelUnavailable
from settings import Settings

Left = Callable[[], Awaitable[list[dict[str, Any]]]]
"""Asks how the budgets of a step stand, as `left_of` tells it."""


class OutOfBudget(ModelUnavailable):
    """A budget does not leave what the next call may need, so it was not made.

    `unit` and `amount` (in its parts) are what it needs; without them no raise would help.
    """

    def __init__(self, reason: str, unit: Unit | None = None, amount: int = 0) -> None:
        super().__init__(reason)
        self.lack = Lack(unit, amount, reason) if unit else None


class Spending(AgentMiddleware[Any, Any, Any]):
    """Holds each model call against the budgets. `output` caps a call's output tokens, 0: unknown. `refuse` says why no call may
    be made at all; empty: they may. Raises `OutOfBudget`."""

    def __init__(self, budgets: Budgets, price: Price | None, output: int, refuse: str = "") -> None:
        super().__init__()
        self.budgets, self.price, self.output, self.refuse = budgets, price, output or UNCAPPED_OUTPUT, refuse

    async def awrap_model_call(
        self, request: ModelRequest[Any], handler: Callable[[ModelRequest[Any]], Awaitable[ModelResponse[Any]]]
    ) -> ModelResponse[Any]:
        if self.refuse:
            raise OutOfBudget(self.refuse)
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


def price_of(settings: Settings) -> Price | None:
    """What a model call costs; None: nobody said. The offline model costs nothing."""
    return Price.of(settings.model_price) if settings.model_price or settings.model else Price(0, 0)


def unpriced(settings: Settings, limits: Limits) -> str:
    """That money is limited and the model's price is not known, for people; empty if it is, or nothing limits money."""
    if price_of(settings) or not any(unit == "money" for _, unit in limits.of):
        return ""
    then = "no call is made" if limits.without_price == "stop" else "the limit holds nothing back"
    return (
        f"Money is limited, and what {settings.model} costs is not known, so {then}: say its price in CLEARANCE_MODEL_PRICE "
        "(US dollars for a million input and output tokens, such as 2.50/10)."
    )


def left_of(accounts: list[Account], *, priced: bool = True) -> list[dict[str, Any]]:
    """Accounts as events and `--json` tell them; money in US dollars. What is used and left of it is None without a price."""

    def amount(one: Account, name: str) -> float | int | None:
        unknown = one.unit == "money" and not priced and name != "limit"
        return None if unknown else people(one.unit, getattr(one, name))

    names = ("limit", "used", "reserved", "left")
    return [{"scope": one.scope, "unit": one.unit, **{name: amount(one, name) for name in names}} for one in accounts]


def _schema(tool: Any) -> Any:
    return tool if isinstance(tool, dict) else [tool.name, tool.description, getattr(tool, "args_schema", None)]


def _used(answer: ModelResponse[Any], sent: int) -> tuple[int, int]:
    """Input and output tokens: as the endpoint says, else what was sent and what can be seen of the answer."""
    said = [m for m in answer.result if isinstance(m, AIMessage)]
    counted = [m.usage_metadata for m in said if m.usage_metadata]
    if counted:
        return sum(one["input_tokens"] for one in counted), sum(one["output_tokens"] for one in counted)
    return sent, estimate(said, {})
