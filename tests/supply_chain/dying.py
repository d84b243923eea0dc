"""Opens one approved case through the gateway, and ends its process at the n-th commit: odd points before it, even ones after."""

import asyncio
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, select

from database import Database
from governance.approvals import Approvals
from governance.bundle import load
from governance.cedar import CedarPolicy
from governance.decisions import Decisions
from governance.effects import Effects
from governance.identity import Caller
from governance.tables import metadata
from graphs.services import load_domain, registry_of
from settings import Settings
from tests.supply_chain.test_cases import TODAY, opening
from tools.calls import ProposedCall, ToolOutcome
from tools.gateway import Gateway
from tools.supply_chain.demo import make_demo
from tools.supply_chain.store import SystemOfRecord, open_records

ROOT = Path(__file__).parent.parent.parent
DIED = 77
MOST = 40  # points; the path has far fewer
ANN = Caller("ann", "acme", ("requester",))
RISK = Caller("ravi", "acme", ("risk-manager",))


def door(db: Database) -> tuple[Gateway, Approvals]:
    domain = load_domain("supply_chain")
    registry, decisions = registry_of(domain), Decisions(db)
    engine = CedarPolicy(registry.manifests(), load(*domain.policies))
    approvals = Approvals(db, decisions=decisions, decide=engine.decide)
    return Gateway(registry, engine, approvals, Effects(db), decisions, db), approvals


def call(records: SystemOfRecord) -> ProposedCall:
    args = opening(records)
    granted = frozenset({"open_case"})
    return ProposedCall(
        ANN, "escalation", "open_case", args, "c1", "e1", "s1", granted=granted, planned=granted, resources=records, today=TODAY
    )


async def prepare(home: Path) -> None:
    """A home with records, a proposed case and its approval."""
    records, db = open_records(Settings(home=home)), Database(Settings(home=home).app_url())
    make_demo(records.writing)
    db.create(metadata)
    gateway, approvals = door(db)
    clearing = await gateway.propose(call(records))
    await approvals.vote(str(clearing.approval_id), RISK, "approve")
    gateway.close()
    records.close()
    db.close()


async def act(home: Path, point: int = 0) -> ToolOutcome:
    """Propose the same call again and act on it, as a resumed step does; the process ends at `point`, 0: it does not."""
    records, db = open_records(Settings(home=home)), Database(Settings(home=home).app_url())
    gateway, _ = door(db)
    if point:
        doomed(point, db, records.writing)
    told = await gateway.act(call(records), await gateway.propose(call(records)))
    gateway.close()
    records.close()
    db.close()
    return told


def doomed(point: int, *databases: Database) -> None:
    """Count the commits of these databases together and let none after `point` happen."""
    met = 0

    def meet() -> None:
        nonlocal met
        met += 1
        if met == point:
            os._exit(DIED)

    for db in databases:
        run = db._run_once

        def dying(work: Callable[[Connection], Any], durable: bool, *, run: Any = run) -> Any:
            def inside(connection: Connection) -> Any:
                done = work(connection)
                connection.execute(select(1))  # all is written, nothing is committed
                meet()
                return done

            result = run(inside, durable)
            meet()
            return result

        db._run_once = dying  # type: ignore[method-assign]  # the database is to be caught at its commits


def die_everywhere(home: Path) -> None:
    """Make a copy of a prepared home for each point, and in it a process that dies there. Says the exit codes, point by point."""
    for point in range(1, MOST):
        copy = home.parent / str(point)
        shutil.copytree(home, copy)
        child = os.fork()  # there is no thread and no connection yet
        if not child:
            asyncio.run(act(copy, point))
            os._exit(0)
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        print(code, flush=True)
        if code != DIED:
            return


if __name__ == "__main__":
    die_everywhere(Path(sys.argv[1]))
