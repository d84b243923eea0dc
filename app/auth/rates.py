"""How often one caller may call: a token bucket each, in this process. Used by `access.py`."""

import math
import time
from collections.abc import Callable

from governance.identity import Caller

MOST = 10_000
"""Callers remembered; with more, full buckets are forgotten."""


class Rates:
    """`per_minute` requests of one caller, which may come at once; 0: no limit. `clock` counts seconds."""

    def __init__(self, per_minute: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._size, self._clock = per_minute, clock
        self._buckets: dict[tuple[str, str], tuple[float, float]] = {}

    def wait(self, caller: Caller) -> int:
        """Take one; the whole seconds to wait if there is none left, else 0."""
        if not self._size:
            return 0
        at, who = self._clock(), (caller.org, caller.user)
        left = self._left(self._buckets.get(who, (float(self._size), at)), at)
        if left < 1:
            return max(1, math.ceil((1 - left) * 60 / self._size))
        if len(self._buckets) >= MOST:
            self._buckets = {one: kept for one, kept in self._buckets.items() if self._left(kept, at) < self._size}
        self._buckets[who] = (left - 1, at)
        return 0

    def _left(self, bucket: tuple[float, float], at: float) -> float:
        return min(float(self._size), bucket[0] + (at - bucket[1]) * self._size / 60)
