"""Who holds which roles now, where people sign in: what their keys say, and what the identity provider said last.

Asked by the delegations, which end when their giver no longer holds the role; told by `access.py` whom it admitted.
"""

import time

from sqlalchemy import Connection, select, update

from app.db.clock import stamp
from app.db.tables import api_keys, people
from database import Database
from governance.identity import Caller
from governance.tables import insert_new

TOLD_AGAIN_S = 60.0
MOST = 10_000
"""Callers remembered as told; with more, all are told again."""


class People:
    """The people of one database."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._told: dict[tuple[str, str], tuple[tuple[str, ...], float]] = {}

    async def met(self, caller: Caller) -> None:
        """The identity provider said these roles of a person; written when they changed, and now and then."""
        who, at = (caller.org, caller.user), time.monotonic()
        roles, told_at = self._told.get(who, ((), 0.0))
        if not caller.person or (who in self._told and roles == caller.roles and at - told_at < TOLD_AGAIN_S):
            return
        row = {"roles": list(caller.roles), "seen_at": stamp()}

        def work(c: Connection) -> None:
            mine = (people.c.org == caller.org) & (people.c.user == caller.user)
            if not insert_new(c, people, {"org": caller.org, "user": caller.user, **row}):
                c.execute(update(people).where(mine).values(**row))

        await self._db.run(work)
        if len(self._told) >= MOST:
            self._told.clear()
        self._told[who] = (caller.roles, at)


def roles_of(c: Connection, org: str, user: str) -> frozenset[str] | None:
    """The roles of a person, of keys that work and as the provider last said; None for whom neither ever named."""
    said = c.execute(select(people.c.roles).where(people.c.org == org, people.c.user == user)).scalars().all()
    keys = select(api_keys.c.caller, api_keys.c.revoked_at).where(
        api_keys.c.caller["org"].as_string() == org,
        api_keys.c.caller["user"].as_string() == user,
    )
    made = [(Caller.from_dict(row.caller), row.revoked_at is None) for row in c.execute(keys)]
    held = [one.roles if works else () for one, works in made if one.person]
    every = [*said, *held]
    return frozenset(role for roles in every for role in roles) if every else None
