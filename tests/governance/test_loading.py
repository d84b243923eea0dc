"""Who may load records, and what the ledger says of it."""

from pathlib import Path

import pytest

from database import Database
from governance.decisions import Decisions, record_of
from governance.identity import Caller
from governance.loading import LoadRefused, Loads
from governance.tables import ledger, metadata

STEWARD = Caller("ann", "acme", ("data-steward",))


@pytest.mark.parametrize(
    "caller",
    [
        Caller("bob", "acme", ("requester",)),
        Caller("eve", "other", ("data-steward",)),
        Caller("bot", "acme", ("data-steward",), person=False),
    ],
)
async def test_only_a_steward_of_the_records_organisation_loads(tmp_path: Path, caller: Caller) -> None:
    db = Database(f"sqlite:///{tmp_path / 'app.db'}")
    db.create(metadata)
    loads = Loads(Decisions(db), ("data-steward", "admin"), "acme")
    assert loads.may(STEWARD) and not loads.may(caller)
    with pytest.raises(LoadRefused, match=f"{caller.user} may not .* a person of acme with the role data-steward or admin"):
        async with loads.recorded(caller, "orders", {}):
            raise AssertionError("it is refused before")
    async with loads.recorded(STEWARD, "orders", {"file": "a.csv"}) as told:
        told["kept"] = 3
    with pytest.raises(ValueError, match="no table"):
        async with loads.recorded(STEWARD, "orders", {"file": "b.csv"}):
            raise ValueError("no table")
    records = [
        record_of(body) for body in await db.run(lambda c: c.scalars(ledger.select().with_only_columns(ledger.c.body)).all())
    ]
    said = [(one.org, one.user, one.outcome) for one in records]
    ann = ("acme", "ann")
    assert sorted(said) == sorted(
        [(caller.org, caller.user, "refused"), (*ann, "begun"), (*ann, "loaded"), (*ann, "begun"), (*ann, "failed")]
    )
    by = {one.outcome: one for one in records}
    assert by["loaded"].known == {"kept": 3} and by["failed"].error == "no table"
    calls = [one.call_id for one in records if one.user == "ann"]
    assert calls[0] == calls[1] != calls[2] == calls[3]
    db.close()
