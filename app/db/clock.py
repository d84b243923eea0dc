"""Times and ids of the service's rows. Used by `app/db`, `app/runs` and the routers' queries."""

import os
import time
import uuid
from datetime import UTC, datetime, timedelta


def stamp(later: float = 0.0) -> str:
    """Now, or so many seconds later, in UTC, as text that sorts as it reads: 2026-11-22T21:00:00.000000+00:00."""
    return (datetime.now(UTC) + timedelta(seconds=later)).isoformat(timespec="microseconds")


def new_id() -> str:
    """A UUID (version 7) that sorts by the time it was made: rows that come together lie together in an index."""
    bits = (time.time_ns() // 1_000_000) << 80 | 0x7 << 76 | 0x2 << 62
    noise = int.from_bytes(os.urandom(10))
    return str(uuid.UUID(int=bits | (noise & 0xFFF) << 64 | (noise >> 12) & ((1 << 62) - 1)))
