"""What an agent had seen when its call was proposed, kept with the approval: an edit is judged by what the call was judged by.

Called by the approvals only. Each result is stored once, by its digest, beside the raw arguments, where it can be erased.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, select

from governance.digest import digest
from governance.policy import Seen
from governance.tables import insert_new, payloads


class Erased(LookupError):
    """A result that a call was judged by is no longer there."""


def keep(connection: Connection, trace: Sequence[Seen]) -> list[dict[str, Any]]:
    """Store the results; answers the rest of the trace as JSON values, each result by its digest."""
    results, kept = dict[str, Any](), []
    for seen in trace:
        named = digest(seen.result)
        results[named] = seen.result
        head = {"tool": seen.tool, "args": dict(seen.args), "confirmed": seen.confirmed, "derived": seen.derived}
        kept.append({**head, "result": named})
    for named in sorted(results):  # all in one order: an insert waits for another's of its key, and no two for each other
        insert_new(connection, payloads, {"digest": named, "body": results[named]})
    return kept


def recall(connection: Connection, kept: Sequence[Mapping[str, Any]]) -> tuple[Seen, ...]:
    """The trace again. Raises `Erased`."""
    found = []
    for one in kept:
        body = connection.execute(select(payloads.c.body).where(payloads.c.digest == one["result"])).first()
        if body is None:
            raise Erased(f"a result of {one['tool']}, by which it was judged, has been erased")
        found.append(Seen(**{**one, "result": body[0]}))
    return tuple(found)
