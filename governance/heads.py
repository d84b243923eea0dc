"""Signed heads kept outside the database: by each process at its end, in a file of the home, and by people wherever they like.

A ledger whose end was cut off, or which was written anew, is found by them (`ledger_check.py`). JSON lines, newest last.
"""

import json
import logging
from functools import partial
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from database import Database, DatabaseUnavailable
from governance.ledger import Head, Ledger, LedgerBroken
from governance.signing import BadKey, Signed, signer_for
from governance.tables import ledger_heads
from settings import Settings

HEADS_FILE = "ledger.heads"
log = logging.getLogger(__name__)


class BadHeads(ValueError):
    """A file of heads that cannot be read; the message names it and the line."""


def sign_heads(settings: Settings, db: Database) -> list[Signed]:
    """Sign where each organisation's chain ends now. Raises `LedgerBroken`, `BadKey`."""
    chains = Ledger(signer=signer_for(settings, db))
    orgs = db.run_sync(lambda c: c.scalars(select(ledger_heads.c.org).order_by(ledger_heads.c.org)).all())
    signed = (db.run_sync(partial(chains.sign, org=org)) for org in orgs)
    return [one for one in signed if one is not None]


def read_heads(path: Path) -> list[Signed]:
    """The heads of a file. Raises `BadHeads`."""
    heads = []
    for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), 1):
        try:
            heads.append(Signed.from_dict(json.loads(line)))
            Head.of(heads[-1])
        except (ValueError, AttributeError) as error:
            raise BadHeads(f"{path}, line {number} is no signed head as clearance audit head prints it: {error}") from error
    if not heads:
        raise BadHeads(f"{path} holds no head")
    return heads


def keep_head(settings: Settings, db: Database) -> None:
    """Add to the home's file the heads that have moved since. A ledger that cannot be signed is logged: its next writer, and
    the next check, are told."""
    path = settings.home / HEADS_FILE
    try:
        last = {head.org: head.seq for head in map(Head.of, read_heads(path))} if path.exists() else {}
        now = db.run_sync(lambda c: {row.org: row.seq for row in c.execute(select(ledger_heads))})
        if now == last:
            return
        moved = [one for one in sign_heads(settings, db) if Head.of(one).seq != last.get(Head.of(one).org)]
        with path.open("a", encoding="utf-8") as file:
            file.writelines(f"{json.dumps(one.as_dict(), ensure_ascii=False)}\n" for one in moved)
    except (LedgerBroken, BadKey, BadHeads, OSError, SQLAlchemyError, DatabaseUnavailable) as error:
        log.error("the ledger's head could not be signed and kept in %s: %s", path, error)
