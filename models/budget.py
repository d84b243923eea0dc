"""A limit on what model calls may cost: reserved before each call, settled after it. Used by whoever runs many calls on trial."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from models.price import Price
from models.retry import ModelUnavailable

UNCAPPED_OUTPUT = 8192
"""Output tokens that are reserved for a call whose output nobody limits."""


class CostLimit(ModelUnavailable):
    """The next call could pass the limit, so it was not made."""


@dataclass
class Charge:
    """One call's money: tokens reserved for it, and what was really used, if the endpoint said so."""

    sent: int
    given: int
    real: tuple[int, int] | None = None


class Budget:
    """Dollars that calls may cost together. `spent` never passes `limit` as long as no call gives more than `output` tokens.

    A call that would pass the limit because others are still under way waits for them; `stopped` says that one was refused.
    One event loop only.
    """

    def __init__(self, price: Price, limit: float, output: int = 0) -> None:
        self.price, self.limit, self.output = price, limit, output or UNCAPPED_OUTPUT
        self.spent = 0.0
        self._open: list[float] = []  # what each call under way has reserved; kept apart, as sums of dollars do not cancel out
        self.stopped = False
        self._freed = asyncio.Event()

    @property
    def reserved(self) -> float:
        """Dollars that calls under way may still cost."""
        return sum(self._open)

    @asynccontextmanager
    async def call(self, sent: int) -> AsyncIterator[Charge]:
        """Around one call of about `sent` input tokens; whoever makes it fills in `real`. Raises `CostLimit` before the call.

        A call that ends without saying what it used is charged what was sent: a time-out may have been served all the same.
        """
        charge = Charge(sent, self.output)
        cost = self.price.cost(charge.sent, charge.given)
        while self._open and self.spent + self.reserved + cost > self.limit:
            self._freed.clear()
            await self._freed.wait()
        if self.spent + cost > self.limit:
            self.stopped = True
            raise CostLimit(
                f"the next model call could cost ${cost:.4f}, and ${self.spent:.4f} of the limit of ${self.limit:.2f} is spent: "
                "stopped before it"
            )
        self._open.append(cost)
        try:
            yield charge
        finally:
            self._open.remove(cost)
            self.spent += self.price.cost(*(charge.real or (charge.sent, 0)))
            self._freed.set()
