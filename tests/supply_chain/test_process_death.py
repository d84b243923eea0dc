"""The process goes, at every commit of the act path, before it and after it: the next one finds one case, decided on before.

Processes of their own (`python -m tests.supply_chain.dying HOME`) open a case through the gateway, and the n-th ends itself by
`os._exit` at the n-th point; nothing of ours runs after that. This one then makes the same call again, as the graph would.
"""

import asyncio
import subprocess
import sys
from pathlib import Path

from sqlalchemy import text

from database import Database
from governance.ledger_check import check
from settings import Settings
from tests.supply_chain.dying import DIED, ROOT, act, prepare
from tools.supply_chain.store import open_records


def test_one_case_and_never_without_a_decision_wherever_the_process_goes(tmp_path: Path) -> None:
    asyncio.run(prepare(tmp_path / "home"))
    command = [sys.executable, "-m", "tests.supply_chain.dying", str(tmp_path / "home")]
    ran = subprocess.run(command, cwd=ROOT, timeout=300, check=True, capture_output=True, text=True)
    codes = [int(line) for line in ran.stdout.split()]
    assert codes == [DIED] * (len(codes) - 1) + [0], "each died at its point, until the path had no such point"
    for point in range(1, len(codes) + 1):
        look(tmp_path / str(point), told="")
        look(tmp_path / str(point), told=asyncio.run(act(tmp_path / str(point))).status)  # the next process
    print(f"{len(codes) - 1} points of process death on the act path")
    assert len(codes) > 6, "intent, the case and the outcome, before and after each"


def look(home: Path, told: str) -> None:
    """Hold the system of record against the ledger and what was reported."""
    settings = Settings(home=home)
    records, db = open_records(settings), Database(settings.app_url())
    opened = records.reading.run_sync(lambda c: c.execute(text("SELECT count(*) FROM cases")).scalar_one())
    sent = records.reading.run_sync(lambda c: c.execute(text("SELECT count(*) FROM notifications")).scalar_one())
    log = db.run_sync(lambda c: c.execute(text("SELECT body FROM ledger ORDER BY seq")).scalars().all())
    found = db.run_sync(lambda c: check(c, ()))
    states = db.run_sync(lambda c: c.execute(text("SELECT state FROM effects")).scalars().all())
    records.close()
    db.close()
    phases = [phase for body in log for phase in ("decided", "intent", "outcome") if f'"phase":"{phase}"' in body]
    assert found.faults == () and opened == sent and opened <= 1, "half a case, or two"
    assert not opened or {"decided", "intent"} <= set(phases), "a case that nobody decided on"
    assert "done" not in states or opened == 1, "done, and it was not"
    if told:
        assert told == "ok" and opened == 1 and list(states) == ["done"]
        assert phases.index("decided") < phases.index("intent") < phases.index("outcome")
