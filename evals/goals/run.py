"""Run the blind goals on the real files and judge what comes out: `python -m evals.goals.run` (or `make goals`).

    python -m evals.goals.run [--set paraphrases|heldout|variants] [--only ID] [--data DIR] [--json]

The public files are imported once into a temporary home; each goal then runs on a thread of its own, in process, with the offline
model. Nothing is approved: what waits for an approval is refused, and the answer is judged. Variants are planned, not carried
out. Exit code 1 if a figure was wrong or an entity invented, or fewer than nine in ten were handled rightly.
"""

import argparse
import asyncio
import json
import os
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import select

from app.runner import Runner, open_runner
from evals.goals.cases import SETS, Case, cases
from evals.goals.judge import VERDICTS, Judged, judge
from evals.goals.plans import judge_plan
from graphs.plan import Plan
from settings import Settings
from tools.supply_chain.importers import import_scms, import_sdn, import_sites, import_wgi
from tools.supply_chain.importers.source_file import ImportProblem
from tools.supply_chain.store import open_records
from tools.supply_chain.tables import suppliers

LEAST_RIGHT = 0.9
"""The share of the goals that has to be handled rightly; a wrong figure or an invented entity is never right."""
SOURCES = {
    "scms_delivery_history.csv": import_scms,
    "scms_manufacturing_sites.csv": import_sites,
    "wgi_1996_2023.csv": import_wgi,
    "ofac_sdn_2024-05-03.csv": import_sdn,
}


def fill(home: Path, data: Path) -> Settings:
    """Import the public files into a home. Raises ImportProblem when one is not there or is another file."""
    settings = Settings(home=home, model="")
    records = open_records(settings)
    try:
        for name, importer in SOURCES.items():
            importer(records.writing, data / name)
    finally:
        records.close()
    return settings


async def run_case(runner: Runner, case: Case, known: Iterable[str]) -> Judged:
    """One goal on a thread of its own; what waits for an approval is refused."""
    if case.set == "variants":
        planned = await runner.plan(case.text)
        return judge_plan(case, planned) if isinstance(planned, Plan) else judge_plan(case, None, planned.message)
    outcome = await runner.run(case.text)
    waited: list[dict[str, Any]] = []
    while outcome.status == "interrupted" and (pending := [a for a in outcome.approvals if a["status"] == "pending"]):
        waited += pending
        for row in pending:
            await runner.vote(row["id"], "reject", message="goals are run without approving anything")
        outcome = await runner.resume(outcome.thread_id)
    return judge(case, outcome, waited, known)


async def run_all(settings: Settings, chosen: Iterable[Case]) -> list[Judged]:
    """Every goal in turn."""
    async with open_runner(settings) as runner:
        known = runner.services.resources.reading.run_sync(lambda c: set(c.execute(select(suppliers.c.name)).scalars()))
        return [await run_case(runner, case, known) for case in chosen]


def summary(judged: Sequence[Judged]) -> dict[str, int]:
    """How many goals ended as what."""
    counts = Counter(one.verdict for one in judged)
    return {verdict: counts[verdict] for verdict in VERDICTS}


def right_share(judged: Sequence[Judged]) -> float:
    """Share handled rightly, 0 to 1."""
    return sum(one.verdict == "right" for one in judged) / len(judged)


def show(judged: Sequence[Judged]) -> str:
    """What went wrong, a line each with its reasons, then the shares by set."""
    lines = []
    for one in judged:
        if one.verdict != "right":
            lines.append(f"{one.verdict.upper():16} {one.case.name:26} {one.case.text}")
            lines += [f"{'':16} - {reason}" for reason in one.reasons]
    for name in dict.fromkeys(one.case.set for one in judged):
        part = [one for one in judged if one.case.set == name]
        counts = ", ".join(f"{count} {verdict}" for verdict, count in summary(part).items())
        lines.append(f"{name}: {right_share(part):.1%} of {len(part)} handled rightly ({counts})")
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(description="Run the blind goals on the real files and judge the answers.")
    parser.add_argument("--set", choices=SETS, help="only this set")
    parser.add_argument("--only", help="only the case of this id")
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("CLEARANCE_DATA", "../shared/data")))
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args()
    chosen = [case for name in SETS if options.set in (None, name) for case in cases(name) if options.only in (None, case.id)]
    if not chosen:
        sys.exit(f"There is no case {options.only!r} in {options.set or 'the sets'}.")
    with tempfile.TemporaryDirectory(prefix="clearance-goals-") as home:
        try:
            settings = fill(Path(home), options.data)
        except ImportProblem as error:
            sys.exit(f"{error}. Name the folder of the raw files with --data or CLEARANCE_DATA.")
        judged = asyncio.run(run_all(settings, chosen))
    if options.json:
        told = [
            {"set": j.case.set, "id": j.case.name, "goal": j.case.text, "status": j.status, "verdict": j.verdict,
             "reasons": j.reasons} for j in judged
        ]  # fmt: skip
        print(json.dumps({"summary": summary(judged), "goals": told}, ensure_ascii=False))
    else:
        print(show(judged))
    return 1 if right_share(judged) < LEAST_RIGHT or any(one.wrong or one.invented for one in judged) else 0


if __name__ == "__main__":
    sys.exit(main())
