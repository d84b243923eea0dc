"""Who is known to hold which roles where people sign in, and the sessions that say who they are: on both databases."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from app.auth.keys import Keys
from app.auth.people import People, roles_of
from app.auth.sessions import Sessions, proof_of
from app.db.upgrade import upgrade
from database import Database
from governance.identity import Caller

ANN = Caller("ann", "acme", ("requester",))


@pytest.fixture
async def db(database_url: str) -> AsyncIterator[Database]:
    one = Database(database_url)
    upgrade(one)
    yield one
    one.close()


async def test_roles_are_those_of_keys_that_work_and_of_the_providers_last_word(db: Database) -> None:
    people, keys = People(db), Keys(db)

    async def known(user: str, org: str = "acme") -> frozenset[str] | None:
        return await db.run(lambda c: roles_of(c, org, user))

    assert await known("ann") is None
    await people.met(ANN)
    await people.met(ANN)
    await People(db).met(Caller("ann", "acme", ("risk-manager", "requester")))
    assert await known("ann") == {"risk-manager", "requester"} and await known("ann", "other") is None
    await People(db).met(Caller("ann", "acme", ("clerk",)))
    key, _ = await keys.create("ann's", Caller("ann", "acme", ("auditor",)))
    await keys.create("a program's", Caller("ann", "acme", ("admin",), person=False))
    assert await known("ann") == {"clerk", "auditor"}
    await keys.revoke(key.key_id)
    assert await known("ann") == {"clerk"}
    made, _ = await keys.create("bob's", Caller("bob", "acme", ("auditor",)))
    await keys.revoke(made.key_id)
    assert await known("bob") == frozenset(), "known, and without any role"
    await people.met(Caller("bot", "acme", ("admin",), person=False))
    assert await known("bot") is None


async def test_a_session_is_found_by_its_secret_until_it_is_over_or_ended(db: Database) -> None:
    sessions, short = Sessions(db, timedelta(hours=1)), Sessions(db, timedelta(microseconds=1))
    secret = await sessions.open(ANN, "id-token")
    found = await sessions.find(secret)
    assert found and (found.caller, found.proof) == (ANN, proof_of(secret)) and found.proof != proof_of("another")
    over = await short.open(ANN, "id-token")
    begun = await sessions.begin({"state": "s"})
    for other in (over, begun, "", "guessed"):
        assert await sessions.find(other) is None
    assert await sessions.finish(secret) is None, "a session is no sign-in under way"
    assert await sessions.finish(begun) == {"state": "s"} and await sessions.finish(begun) is None
    assert await sessions.close(over) == "" and await sessions.close(begun) == ""
    assert await sessions.close(secret) == "id-token" and await sessions.find(secret) is None
