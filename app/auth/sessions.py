"""Sessions of browsers: a random secret in a cookie, and a row that says who it is. Used by `browser.py` and `access.py`.

As with API keys, only the secret's hash is kept: whoever reads the database cannot sign in with what it holds. The row is the
session, so signing out ends it wherever the cookie went.
"""

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, delete, insert, select

from app.db.clock import stamp
from app.db.tables import sessions
from database import Database
from governance.identity import Caller

SIGNING_IN = timedelta(minutes=10)
"""How long a person may take at the provider."""


@dataclass(frozen=True)
class Session:
    """Who signed in at a browser; `proof` is what its pages must send along with every write."""

    caller: Caller
    proof: str
    expires_at: str


class Sessions:
    """The sessions of one database; `lasting` is how long one lasts."""

    def __init__(self, db: Database, lasting: timedelta) -> None:
        self._db, self.lasting = db, lasting

    async def begin(self, kept: dict[str, Any]) -> str:
        """A sign-in that is under way; the secret that ties it to this browser."""
        return await self._insert(None, kept, SIGNING_IN)

    async def finish(self, secret: str) -> dict[str, Any] | None:
        """What was kept of a sign-in under way, once; None if there is none, or it took too long."""
        return await self._take(secret, signed_in=False)

    async def open(self, caller: Caller, id_token: str) -> str:
        """A session, and its secret. The sessions and sign-ins that are over go."""
        return await self._insert(caller, {"id_token": id_token}, self.lasting)

    async def find(self, secret: str) -> Session | None:
        """Whose session it is; None if it is none, was ended, or is over."""
        mine = (sessions.c.digest == _digest(secret)) & sessions.c.caller.is_not(None) & (sessions.c.expires_at > stamp())
        query = select(sessions.c.caller, sessions.c.expires_at).where(mine)
        row = await self._db.run(lambda c: c.execute(query).one_or_none(), durable=False)
        return Session(Caller.from_dict(row.caller), proof_of(secret), row.expires_at) if row else None

    async def close(self, secret: str) -> str:
        """End a session; its ID token, empty if it was none."""
        kept = await self._take(secret, signed_in=True)
        return str(kept["id_token"]) if kept else ""

    async def _insert(self, caller: Caller | None, kept: dict[str, Any], lasting: timedelta) -> str:
        secret = secrets.token_urlsafe(32)
        until = (datetime.now(UTC) + lasting).isoformat(timespec="microseconds")
        row = dict(digest=_digest(secret), caller=caller.as_dict() if caller else None, kept=kept, expires_at=until)

        def work(c: Connection) -> None:
            c.execute(delete(sessions).where(sessions.c.expires_at <= stamp()))
            c.execute(insert(sessions).values(**row))

        await self._db.run(work)
        return secret

    async def _take(self, secret: str, *, signed_in: bool) -> dict[str, Any] | None:
        kind = sessions.c.caller.is_not(None) if signed_in else sessions.c.caller.is_(None)
        mine = (sessions.c.digest == _digest(secret)) & kind

        def work(c: Connection) -> dict[str, Any] | None:
            row = c.execute(select(sessions).where(mine).with_for_update()).mappings().one_or_none()
            if row is None:
                return None
            c.execute(delete(sessions).where(mine))
            return row["kept"] if row["expires_at"] > stamp() else None

        return await self._db.run(work)


def proof_of(secret: str) -> str:
    """What only a page of ours can know of a session: made from the secret, which no page can read."""
    return hmac.new(secret.encode(), b"a page of this service", hashlib.sha256).hexdigest()


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
