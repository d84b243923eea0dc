"""The time budgets of a run and its steps: an attempt gets the time that is left, and is charged for what it took.

A run's time passes while an attempt of any of its steps is at work, so parallel steps do not pay twice; nobody's passes while
people are waited for, since no attempt lasts that long. Charged as each attempt ends: what a crash cuts off is not charged.
Used by `step.py`.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from governance.budgets import NAMES, Account, Budgets, Spender
from governance.limits import PARTS, spoken
from graphs.spending import OutOfBudget


@dataclass
class WorkingTime:
    """The attempts of one execution that are at work in this process, and since when nothing was charged to the run."""

    active: int = 0
    since: float = 0.0

    @asynccontextmanager
    async def spent(self, budgets: Budgets, who: Spender) -> AsyncIterator[None]:
        """Hold what is inside to the time that is left, and charge it. Raises `OutOfBudget` when that is over."""
        if not budgets.counts("seconds"):
            yield
            return
        found = [one for one in await budgets.accounts(who) if one.unit == "seconds"]
        began = time.monotonic()
        if not self.active:
            self.since = began
        self.active += 1
        try:
            left = [one.left - (self._uncharged(began) if one.scope == "run" else 0) for one in found]
            least = min(range(len(found)), key=lambda at: left[at])
            if left[least] <= 0:
                raise OutOfBudget(_over(found[least]), "seconds", 1)
            try:
                async with asyncio.timeout(left[least] / PARTS["seconds"]) as timer:
                    yield
            except TimeoutError:
                if not timer.expired():  # a time-out inside, which is not ours to explain
                    raise
                raise OutOfBudget(_over(found[least]), "seconds", 1) from None
        finally:
            ended = time.monotonic()
            of_run, self.since, self.active = self._uncharged(ended), ended, self.active - 1
            await budgets.charge(who, {("run", "seconds"): of_run, ("step", "seconds"): _parts(ended - began)})

    def _uncharged(self, at: float) -> int:
        return _parts(at - self.since)


def _parts(seconds: float) -> int:
    return round(seconds * PARTS["seconds"])


def _over(account: Account) -> str:
    return f"the budget of this {NAMES[account.scope]} is spent: {spoken('seconds', account.limit)} of work have passed"
