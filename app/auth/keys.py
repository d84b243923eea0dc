"""API keys: random, kept as a hash only, each acting as one caller. Used by `access.py` and by `clearance keys`.

A key is 256 random bits, so a plain SHA-256 of it cannot be guessed back; whoever reads the database cannot call with what it holds.
"""

import hashlib
import secrets
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, insert, select, update

from app.db.clock import new_id, stamp
from app.db.tables import api_keys
from database import Database
from governance.identity import Caller

PREFIX = "clr_"


class NoSuchKey(LookupError):
    """There is no key with this id that still works."""


@dataclass(frozen=True)
class Key:
    """A key as it is listed: never the secret itself. Times are text from `app.db.clock.stamp`."""

    key_id: str
    name: str
    caller: Caller
    created_at: str
    revoked_at: str | None


class Keys:
    """The keys of one database."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def create(self, name: str, caller: Caller) -> tuple[Key, str]:
        """A new key and its secret, which is not kept: this is the only time that it can be read."""
        secret = PREFIX + secrets.token_urlsafe(32)
        row = dict(
            key_id=new_id(), name=name, digest=_digest(secret), caller=caller.as_dict(), created_at=stamp(), revoked_at=None
        )
        await self._db.run(lambda c: c.execute(insert(api_keys).values(**row)))
        return _key(row), secret

    async def every(self) -> list[Key]:
        """All of them, the oldest first, the revoked too."""
        query = select(api_keys).order_by(api_keys.c.created_at)
        return await self._db.run(lambda c: [_key(dict(row)) for row in c.execute(query).mappings()], durable=False)

    async def revoke(self, key_id: str) -> None:
        """From now on the key does not work. Raises `NoSuchKey`."""

        def work(c: Connection) -> int:
            here = (api_keys.c.key_id == key_id) & api_keys.c.revoked_at.is_(None)
            return c.execute(update(api_keys).where(here).values(revoked_at=stamp())).rowcount

        if await self._db.run(work) != 1:
            raise NoSuchKey(f"there is no working key {key_id!r}: clearance keys list shows them")

    async def caller(self, secret: str) -> Caller | None:
        """Whom a key acts as; None if it is none, or was revoked. Looked up at each request, so that revoking works at once."""
        query = select(api_keys.c.caller).where(api_keys.c.digest == _digest(secret), api_keys.c.revoked_at.is_(None))
        found = await self._db.run(lambda c: c.execute(query).scalar_one_or_none(), durable=False)
        return Caller.from_dict(found) if found else None


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def _key(row: dict[str, Any]) -> Key:
    return Key(row["key_id"], row["name"], Caller.from_dict(row["caller"]), row["created_at"], row["revoked_at"])
