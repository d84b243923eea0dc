"""Ids of the threads that a run makes for its parts: its steps, its plans, its report. The same part has the same thread after a crash.

They are UUIDs of version 8, which nobody else makes: the service gives no client a thread of such an id (`app/runs/making.py`), so
that nobody who can work one out reads what a step read, or deletes it.
"""

import uuid

_VERSION = 8


def part_thread(execution_id: str, *part: object) -> str:
    """The thread of this part of an execution."""
    path = "/".join(str(one) for one in ("clearance", execution_id, *part))
    bits = uuid.uuid5(uuid.NAMESPACE_URL, path).int
    return str(uuid.UUID(int=bits & ~(0xF << 76) | _VERSION << 76))


def is_part(thread_id: str) -> bool:
    """May this be the thread of a part? Raises `ValueError` for what is no UUID."""
    return uuid.UUID(thread_id).version == _VERSION
