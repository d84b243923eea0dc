"""`python -m evals.chaos.service [--times N] [--seed S]`: so many rounds, a line for each; exit 1 if a rule was broken."""

import argparse
import asyncio
import shutil
import sys
import tempfile
import time
from pathlib import Path

from evals.chaos.postgres import NoPostgres, own_postgres
from evals.chaos.service.client import Unended
from evals.chaos.service.fleet import NotStarted
from evals.chaos.service.rounds import CLIENTS, TAKEOVER_S, Installation, Round, run_round


def main() -> int:
    asked = _arguments()
    folder = Path(tempfile.mkdtemp(prefix="clearance-chaos-service-"))
    try:
        rounds = asyncio.run(_rounds(asked.times, asked.seed, folder))
    except (NoPostgres, NotStarted, Unended) as error:
        print(f"{error}\nwhat was made is kept in {folder}", file=sys.stderr)
        return 1
    if any(done.violations for done in rounds):
        print(f"the logs are kept in {folder}")
        return 1
    shutil.rmtree(folder)
    return 0


async def _rounds(times: int, seed: int, folder: Path) -> list[Round]:
    began, rounds = time.monotonic(), []
    with own_postgres() as postgres:
        there = await asyncio.to_thread(Installation, postgres, folder)
        with there.fleet:
            normal = await there.prepare()
            done = ", ".join(f"{n} × {what}" for what, n in there.expected.items())
            print(f"undisturbed: {normal:.1f} s, {done}. {times} rounds of {CLIENTS} goals, seed {seed}.", flush=True)
            for number in range(1, times + 1):
                rounds.append(await run_round(number, seed, there, normal))
                print(line(rounds[-1]), flush=True)
    print(summary(rounds, time.monotonic() - began))
    return rounds


def line(done: Round) -> str:
    """One round as a line; below a failed one what was broken."""
    taken = f", {done.held} runs taken over within {max(done.takeovers):.1f} s" if done.takeovers else ""
    head = f"{done.number:4}  {'FAILED' if done.violations else 'ok':6} {done.seconds:5.1f} s  killed {done.killed}{taken}"
    why = ", ".join(f"{n} {what}" for what, n in done.breaks.items())
    return "\n      - ".join([f"{head}; streams broken: {why or 'none'}", *done.violations])


def summary(rounds: list[Round], seconds: float) -> str:
    """How many rounds, how many violations, how long a takeover took."""
    failed, taken = sum(bool(done.violations) for done in rounds), sorted(s for done in rounds for s in done.takeovers)
    middle = (
        f", half of them within {taken[len(taken) // 2]:.1f} s, the longest {taken[-1]:.1f} s (limit {TAKEOVER_S:g})"
        if taken
        else ""
    )
    breaks = sum(done.breaks.total() for done in rounds)
    outages = sum(done.killed.startswith("PostgreSQL") for done in rounds)
    return "\n".join(
        [
            f"\n{len(rounds)} rounds, {failed} in which a rule was broken; {seconds:.0f} s in all",
            f"{len(rounds) - outages} times a process was killed, {len(taken)} runs were taken over{middle}",
            f"{outages} times PostgreSQL was restarted; {breaks} streams were broken and joined again",
        ]
    )


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m evals.chaos.service", description=__doc__)
    parser.add_argument("--times", type=int, default=50, metavar="N", help="rounds (50); every fifth restarts PostgreSQL")
    parser.add_argument("--seed", type=int, default=1, metavar="S", help="draws the moments (1)")
    asked = parser.parse_args()
    if asked.times < 1:
        parser.error("--times is 1 or more")
    return asked


if __name__ == "__main__":
    sys.exit(main())
