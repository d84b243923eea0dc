"""What people decided, in lines of an answer: each approval and what came of it, and what nobody decided in time.

An approval that ran out of time denies its action, but nobody said no: it must not read like a refusal. Called by `report.py`.
"""

from collections.abc import Mapping, Sequence

from governance.approval import Approval

ENDED: Mapping[str, str] = {
    "pending": "still waits for a decision",
    "approved": "approved, not carried out",
    "consumed": "approved and carried out",
    "answered": "answered instead of approved",
    "void": "withdrawn before it was decided",
    "superseded": "replaced by an edited request",
}


def about(row: Approval) -> str:
    """What an approval was about: its title, or what the action would have changed."""
    targets = ", ".join(str(row.args[name]) for name in row.manifest.targets if name in row.args)
    return str(row.args.get("title") or targets or row.tool)


def decisions(rows: Sequence[Approval]) -> tuple[str, ...]:
    """One line for each approval: what was asked, what was decided, by whom."""
    lines = []
    for row in rows:
        if row.status == "expired":
            lines.append(f"{row.tool} ({about(row)}): nobody decided in time, so it was not done")
            continue
        why = f": {row.message}" if row.message else ""
        lines.append(f"{row.tool} ({about(row)}): {ENDED.get(row.status, row.status)}{row.by_whom}{why}")
    return tuple(lines)


def undecided(rows: Sequence[Approval]) -> tuple[str, ...]:
    """What was asked and ran out of time: nobody said no, so it is still to be decided."""
    return tuple(
        f"{about(row)}: nobody decided in time ({row.tool}, until {row.expires_at:%Y-%m-%d %H:%M} UTC), so nothing was done"
        for row in rows
        if row.status == "expired"
    )
