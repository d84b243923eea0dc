"""Ten thousand ways to tamper with a ledger, and how many of them `audit verify` finds: `make tamper`, or `python -m evals.tamper`.

Each change (`forging.py`) is made by SQL in a real SQLite file, checked by the product's own check, and taken back. Half of the time
the forger moves the head row along, so that the chain looks whole. What a chain cannot show without a head that is held elsewhere
is tried without one too, and told apart.
"""

import argparse
import random
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import text

from database import Database
from evals.forging import ENTRIES, KINDS, NEED_A_HELD_HEAD, ORG, OTHER, Forger
from governance.decisions import Decisions, Record
from governance.identity import Caller
from governance.ledger_check import Finding, check
from governance.manifest import ToolManifest
from governance.policy import CallFacts
from governance.signing import Signed, Signer, open_signer
from governance.tables import metadata

CHANGES = 10_000


@dataclass
class Tally:
    """Changes made and found, by kind; `without` the same for those that only a held head shows, checked without one."""

    made: dict[str, int] = field(default_factory=dict)
    found: dict[str, int] = field(default_factory=dict)
    without: dict[str, tuple[int, int]] = field(default_factory=dict)
    seconds: float = 0.0

    @property
    def missed(self) -> int:
        return sum(self.made.values()) - sum(self.found.values())


@contextmanager
def ledger_copy(folder: Path) -> Iterator[tuple[Database, Signer, list[Signed]]]:
    """A file with two chains, heads signed along the way and the last one held; without the triggers, which a forger drops."""
    signer, db = open_signer(folder / "ledger.pem", make=True), Database(f"sqlite:///{folder / 'ledger.db'}")
    db.create(metadata)
    decisions = Decisions(db, signer=signer)
    for org, count in ((ORG, ENTRIES), (OTHER, 1)):
        for n in range(count):
            db.run_sync(lambda c, n=n, org=org: decisions.add(c, *_event(n, org)))  # type: ignore[misc]  # a lambda with defaults
            if n % 3 == 2:
                db.run_sync(lambda c, org=org: decisions.ledger.sign(c, org))  # type: ignore[misc]
    held = [db.run_sync(lambda c: decisions.ledger.sign(c, ORG))]
    with db.engine.begin() as connection:
        for name in connection.scalars(text("SELECT name FROM sqlite_master WHERE type = 'trigger'")).all():
            connection.execute(text(f"DROP TRIGGER {name}"))
    try:
        yield db, signer, [one for one in held if one]
    finally:
        db.close()


def _event(n: int, org: str) -> tuple[Record, dict[str, Any]]:
    args = {"who": f"Société Bolorino {n}", "amount": n + 0.25}
    manifest = ToolManifest(effect="write", approvers=("risk-manager",))
    facts = CallFacts(Caller("ann", org, ("requester",)), "closer", "act_on", manifest, args, f"e{n % 3}", f"s{n}")
    record = Record.of(facts, "decided", "approve", f"c{n}", rules=("effects",), reasons=("société",), ms=n + 0.5)
    return record, args


def trial(changes: int = CHANGES, seed: int = 7) -> Tally:
    """Make that many changes, each on the untouched ledger, and count those that the check finds."""
    tally, rng, began = Tally(), random.Random(seed), time.perf_counter()
    with tempfile.TemporaryDirectory() as folder, ledger_copy(Path(folder)) as (db, signer, held):
        stranger = open_signer(Path(folder) / "stranger.pem", make=True)
        with db.engine.connect() as connection:

            def after(kind: Callable[[Forger], None], heads: list[Signed], moves: bool) -> Finding:
                with connection.begin() as transaction:
                    kind(Forger(connection, rng, stranger, moves))
                    found = check(connection, [signer.key], heads)
                    transaction.rollback()
                return found

            def is_found(kind: Callable[[Forger], None], moves: bool) -> bool:
                """An entry put in after the end is told as one that nobody vouches for."""
                found = after(kind, held, moves)
                return bool(found.faults or found.unsigned.get(ORG))

            assert not is_found(lambda forger: None, False), "the untouched ledger is sound"
            for n in range(changes):
                kind = KINDS[n % len(KINDS)]
                tally.made[kind.__name__] = tally.made.get(kind.__name__, 0) + 1
                tally.found[kind.__name__] = tally.found.get(kind.__name__, 0) + is_found(kind, bool(n // len(KINDS) % 2))
            for kind in NEED_A_HELD_HEAD:
                times = max(changes // 200, 1)
                without = sum(bool(after(kind, [], True).faults) for _ in range(times))
                tally.without[kind.__name__] = (times, without)
                tally.made[kind.__name__] = times
                tally.found[kind.__name__] = sum(is_found(kind, True) for _ in range(times))
    tally.seconds = time.perf_counter() - began
    return tally


def main() -> int:
    parser = argparse.ArgumentParser(description="Tamper with a ledger and count what is found.")
    parser.add_argument("--changes", type=int, default=CHANGES)
    parser.add_argument("--seed", type=int, default=7)
    given = parser.parse_args()
    tally = trial(given.changes, given.seed)
    for name, made in tally.made.items():
        print(f"{name.replace('_', ' '):40} {tally.found[name]:>6} of {made:>6} found")
    for name, (made, found) in tally.without.items():
        print(f"{name.replace('_', ' '):40} {found:>6} of {made:>6} found with no head held elsewhere: a chain cannot show it")
    print(f"{sum(tally.made.values())} changes, {tally.missed} missed, {tally.seconds:.1f} s (seed {given.seed})")
    return 1 if tally.missed else 0


if __name__ == "__main__":
    sys.exit(main())
