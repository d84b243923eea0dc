"""The ledger: one chain an organisation, whatever writes to it, and nobody changes it without being seen."""

import json
import shutil
import sqlite3
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from database import Database
from governance.decisions import Decisions, Record
from governance.digest import canonical
from governance.identity import Caller
from governance.ledger import SIGN_EVENTS, START, Entry, Head, LedgerBroken, body_of, hash_of
from governance.ledger_check import chain_faults, check
from governance.signing import KEY_FILE, BadKey, Signed, open_signer, signer_for
from governance.tables import metadata
from settings import Settings
from tests.governance.cases import ANN, Time, call

TEXT = st.text(st.characters(exclude_categories=("Cs",)), max_size=30)
KNOWN = st.dictionaries(
    st.sampled_from(["asked", "hour", "target"]), TEXT | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1)
)
EVENTS = st.dictionaries(
    st.sampled_from(["agent", "known", "labels", "ms", "seq", "tool", "user", "zone"]),
    KNOWN
    | TEXT
    | st.lists(TEXT, max_size=3)
    | st.integers(0, 2**53 - 1)
    | st.none()
    | st.integers(0, 10**12).map(lambda n: n / 1000),
)


def record(n: int = 1, who: Caller = ANN) -> Record:
    facts = call(n, execution=f"e{n % 3}", who=who)
    return Record.of(facts, "decided", "approve", f"c{n}", rules=("effects",), reasons=(f"“{n}” \n",), ms=n / 8)


def entries(db: Database, org: str = "acme") -> list[Entry]:
    query = text("SELECT org, seq, execution_id, body, hash FROM ledger WHERE org = :org ORDER BY seq")
    return db.run_sync(lambda c: [Entry(*row) for row in c.execute(query, {"org": org})])


@given(EVENTS)
def test_the_body_is_rfc_8785(event: dict[str, object]) -> None:
    assert body_of(event).encode() == canonical(event)


async def test_each_entry_holds_the_hash_of_the_one_before(db: Database, decisions: Decisions) -> None:
    for who in (ANN, Caller("olga", "other"), ANN):
        await decisions.append(record(100, who), call(100).args)
    assert [one.seq for one in entries(db)] == [1, 2] and [one.seq for one in entries(db, "other")] == [1]
    before = START
    for one in entries(db):
        said = json.loads(one.body)
        assert (said["prev"], said["seq"], said["org"]) == (before, one.seq, "acme") and hash_of(one.body) == one.hash
        before = one.hash
    found = db.run_sync(lambda c: check(c, ()))
    assert (found.entries, found.erased, found.faults) == ({"acme": 2, "other": 1}, 0, ())
    db.run_sync(lambda c: c.execute(text("DELETE FROM payloads")))
    assert db.run_sync(lambda c: check(c, ())).erased == 1


async def test_a_batch_is_one_chain(db: Database, decisions: Decisions) -> None:
    await db.run(lambda c: decisions.add_all(c, [record(n) for n in range(5)]))
    await decisions.append(record(9))
    assert len(entries(db)) == 6 and db.run_sync(lambda c: check(c, ())).faults == ()


async def test_what_is_rolled_back_was_never_in_the_chain(db: Database, decisions: Decisions) -> None:
    def work(c: object) -> None:
        decisions.add(c, record())  # type: ignore[arg-type]
        raise KeyError("no")

    with pytest.raises(KeyError):
        await db.run(work)
    await decisions.append(record())
    assert len(entries(db)) == 1 and db.run_sync(lambda c: check(c, ())).faults == ()


WRITER = """
import sys
from database import Database
from governance.decisions import Decisions, Record
from tests.governance.cases import call
db = Database(sys.argv[1])
for n in range(25):
    db.run_sync(lambda c: Decisions(db).add(c, Record.of(call(n), "decided", "deny", sys.argv[2]), call(n).args))
db.close()
"""


def test_processes_write_one_chain(db: Database) -> None:
    url = db.url.render_as_string(hide_password=False)
    root = Path(__file__).parents[2]
    writers = [subprocess.Popen([sys.executable, "-c", WRITER, url, f"w{n}"], cwd=root) for n in range(4)]
    assert [one.wait(120) for one in writers] == [0] * 4
    found = db.run_sync(lambda c: check(c, ()))
    assert (found.entries, found.faults) == ({"acme": 100}, ())
    assert len({json.loads(one.body)["call_id"] for one in entries(db)}) == 4


# -- tampering ---------------------------------------------------------------------------------------------------------


async def test_a_cut_end_needs_a_held_head(db: Database, decisions: Decisions) -> None:
    await db.run(lambda c: decisions.add_all(c, [record(n) for n in range(6)]))
    chain = entries(db)
    held, moved = Head("acme", 6, chain[5].hash), Head("acme", 4, chain[3].hash)
    assert chain_faults("acme", chain[:4], moved, []) == []  # by itself a shorter chain is a chain
    (fault,) = chain_faults("acme", chain[:4], moved, [held])
    assert "cut off" in str(fault)


TAMPERING = {
    "an edit": "UPDATE ledger SET body = replace(body, 'approve', 'allow  ') WHERE seq = 3",
    "an edit of the execution": "UPDATE ledger SET execution_id = 'e9' WHERE seq = 3",
    "an edit to no text": "UPDATE ledger SET body = x'00ff' WHERE seq = 3",
    "a deletion": "DELETE FROM ledger WHERE seq = 3",
    "a cut end": "DELETE FROM ledger WHERE seq > 4",
    "a cut start": "DELETE FROM ledger WHERE seq < 3",
    "no head": "DELETE FROM ledger_heads",
    "a head set back": "UPDATE ledger_heads SET seq = 4, hash = (SELECT hash FROM ledger WHERE seq = 4)",
    "another head": "UPDATE ledger_heads SET hash = '00'",
    "a moved place": "UPDATE ledger SET seq = 99 WHERE seq = 3",
    "another organisation": "UPDATE ledger SET org = 'zeta' WHERE seq = 6",
    "a signature": "UPDATE ledger_signatures SET signature = replace(signature, 'a', 'b')",
    "a signed head": """UPDATE ledger_signatures SET statement = replace(statement, '"seq": 6', '"seq": 5')""",
    "an argument": "UPDATE payloads SET body = '{}'",
}


@pytest.fixture
def signed_file(tmp_path: Path) -> Path:
    """A ledger of six entries with a signed head, without the triggers that would refuse any change."""
    path, signer = tmp_path / "signed.db", open_signer(tmp_path / "key.pem", make=True)
    db = Database(f"sqlite:///{path}")
    db.create(metadata)
    decisions = Decisions(db, signer=signer)
    for n in range(6):
        db.run_sync(lambda c, n=n: decisions.add(c, record(n), call(n).args))  # type: ignore[misc]
    db.run_sync(lambda c: decisions.ledger.sign(c, "acme"))
    db.close()
    with sqlite3.connect(path) as own:
        for (name,) in own.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            own.execute(f"DROP TRIGGER {name}")
    own.close()
    return path


@pytest.mark.parametrize("how", [None, *TAMPERING])
def test_changes_in_a_file_are_found(how: str | None, signed_file: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy.db"
    shutil.copy(signed_file, copy)
    if how:
        with sqlite3.connect(copy) as own:
            assert own.execute(TAMPERING[how]).rowcount > 0
        own.close()
    db = Database(f"sqlite:///{copy}", readonly=True)
    found = db.run_sync(lambda c: check(c, [open_signer(tmp_path / "key.pem", make=False).key]))
    db.close()
    assert bool(found.faults) == bool(how), found


def test_another_key_is_not_trusted(signed_file: Path, tmp_path: Path) -> None:
    other = open_signer(tmp_path / "other.pem", make=True)
    db = Database(f"sqlite:///{signed_file}", readonly=True)
    (fault,) = db.run_sync(lambda c: check(c, [other.key])).faults
    db.close()
    assert "not known here" in str(fault)


@pytest.mark.parametrize("how", ["an edit of the end", "a cut end", "no head", "a head set back", "another head"])
async def test_a_broken_end_takes_no_more_entries(how: str, signed_file: Path) -> None:
    change = {**TAMPERING, "an edit of the end": TAMPERING["an edit"].replace("3", "6")}[how]
    with sqlite3.connect(signed_file) as own:
        assert own.execute(change).rowcount > 0
    own.close()
    db = Database(f"sqlite:///{signed_file}")
    with pytest.raises((LedgerBroken, IntegrityError)):  # the latter where the place is taken
        await Decisions(db).append(record())
    db.close()


# -- signing -----------------------------------------------------------------------------------------------------------


async def test_heads_are_signed_after_so_many_events_and_after_a_time(db: Database, time: Time, tmp_path: Path) -> None:
    signer = open_signer(tmp_path / "key.pem", make=True)
    decisions = Decisions(db, time, signer)
    await db.run(lambda c: decisions.add_all(c, [record(n) for n in range(SIGN_EVENTS - 1)]))
    assert db.run_sync(lambda c: check(c, [signer.key])).signatures == 0
    await decisions.append(record())
    assert db.run_sync(lambda c: check(c, [signer.key])).signatures == 1
    await decisions.append(record())
    time.pass_(minutes=2)
    await decisions.append(record())
    found = db.run_sync(lambda c: check(c, [signer.key]))
    assert (found.signatures, found.faults) == (2, ())


async def test_a_head_held_elsewhere_shows_a_chain_written_anew(db: Database, time: Time, tmp_path: Path) -> None:
    signer = open_signer(tmp_path / "key.pem", make=True)
    decisions = Decisions(db, time, signer)
    await decisions.append(record(1))
    held = await db.run(lambda c: decisions.ledger.sign(c, "acme"))
    assert held and held.genuine and db.run_sync(lambda c: check(c, (), [held])).faults == ()
    other = Database(f"sqlite:///{tmp_path / 'anew.db'}")
    other.create(metadata)
    await Decisions(other).append(record(2))
    faults = other.run_sync(lambda c: check(c, (), [held])).faults
    other.close()
    assert "not the one that was there" in str(faults[0]) and "is gone from the database" in str(faults[1])


def test_the_key_is_made_once_and_is_its_owners_alone(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "ledger.pem"
    first = open_signer(path, make=True)
    assert open_signer(path, make=True).key == first.key and path.stat().st_mode & 0o777 == 0o600
    assert [one.name for one in path.parent.iterdir()] == ["ledger.pem"]
    path.chmod(0o644)
    with pytest.raises(BadKey, match="chmod 600"):
        open_signer(path, make=False)
    for bad in ("", "-----BEGIN PRIVATE KEY-----\nAA==\n-----END PRIVATE KEY-----\n"):
        path.write_text(bad)
        path.chmod(0o600)
        with pytest.raises(BadKey, match="cannot be used"):
            open_signer(path, make=True)
    path.unlink()
    with pytest.raises(BadKey, match="there is no signing key"):
        open_signer(path, make=False)


def test_a_signature_is_of_one_statement(tmp_path: Path) -> None:
    made = open_signer(tmp_path / "key.pem", make=True).sign({"seq": 1})
    assert made.genuine and Signed.from_dict(made.as_dict()).genuine
    assert not replace(made, statement={"seq": 2}).genuine
    assert not replace(made, signature="zz").genuine and not replace(made, key="00" * 32).genuine
    with pytest.raises(ValueError, match="no statement"):
        Signed.from_dict({"statement": {}})


def test_homes_that_share_a_server_share_a_key(database_url: str, tmp_path: Path) -> None:
    db, homes = Database(database_url), [Settings(home=tmp_path / name, database_url=database_url) for name in ("one", "two")]
    db.create(metadata)
    first = signer_for(homes[0], db)
    assert signer_for(homes[0], db).key == first.key
    shared = Settings(home=tmp_path / "two", database_url=database_url, signing_key=str(tmp_path / "one" / KEY_FILE))
    assert signer_for(shared, db).key == first.key
    if not db.sqlite:
        with pytest.raises(BadKey, match="set CLEARANCE_SIGNING_KEY"):
            signer_for(homes[1], db)
    db.close()
