"""`clearance keys`: the API keys of the service, made, listed and revoked by whoever holds its database."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

import typer

from app.auth.keys import Keys
from app.db.upgrade import upgrade
from database import Database
from governance.identity import Caller
from settings import Settings

T = TypeVar("T")


def create(name: str, user: str, org: str, roles: list[str], machine: bool) -> int:
    """Make a key; its secret is printed once, alone on its line."""
    caller = Caller(user, org or Settings().org, tuple(roles), person=not machine)
    key, secret = _with(lambda keys: keys.create(name or user, caller))
    typer.echo(
        f"Key {key.key_id} acts as {user} of {caller.org} ({', '.join(roles) or 'no roles'}). It is shown only now:", err=True
    )
    typer.echo(secret)
    return 0


def every() -> int:
    """List the keys, never their secrets."""
    for key in _with(lambda keys: keys.every()):
        who = f"{key.caller.user}@{key.caller.org}" + ("" if key.caller.person else " (a machine)")
        state = f"revoked {key.revoked_at}" if key.revoked_at else "works"
        typer.echo(f"{key.key_id}  {key.name}  {who}  {','.join(key.caller.roles) or '-'}  {state}")
    return 0


def revoke(key_id: str) -> int:
    """Stop a key from working, at once."""
    _with(lambda keys: keys.revoke(key_id))
    typer.echo(f"Key {key_id} no longer works.")
    return 0


def _with(work: Callable[[Keys], Awaitable[T]]) -> T:
    settings = Settings()
    settings.home.mkdir(parents=True, exist_ok=True)
    db = Database(settings.app_url())

    async def go() -> T:
        return await work(Keys(db))

    try:
        upgrade(db)
        return asyncio.run(go())
    finally:
        db.close()
