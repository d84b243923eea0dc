"""`python -m evals.chaos [--times N] [--seed S]`: so many rounds, a line for each; exit 1 if a rule was broken."""

import argparse
import os
import shutil
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path

from evals.chaos.rounds import NoReference, Round, prepare, run_round


def main() -> int:
    asked = _arguments()
    began, folder = time.monotonic(), Path(tempfile.mkdtemp(prefix="clearance-chaos-"))
    try:
        reference = prepare(folder)
    except NoReference as error:
        print(f"{error}\nwhat was made is kept in {folder}", file=sys.stderr)
        return 1
    steps, cases = len(reference.evidence.finished), len(reference.evidence.cases)
    print(f"undisturbed: {steps} steps, {cases} cases, {reference.seconds:.1f} s. {asked.times} rounds, seed {asked.seed}.")
    task = partial(run_round, seed=asked.seed, folder=folder, reference=reference)
    rounds = []
    # A worker runs its rounds one after the other: it must be single-threaded to fork, so these are processes.
    with ProcessPoolExecutor(asked.jobs, mp_context=get_context("fork")) as pool:
        for done in pool.map(task, range(1, asked.times + 1)):
            rounds.append(done)
            print(line(done), flush=True)
    print(summary(rounds, time.monotonic() - began))
    if any(done.violations for done in rounds):
        print(f"the homes of the failed rounds are kept in {folder}")
        return 1
    shutil.rmtree(folder)
    return 0


def line(done: Round) -> str:
    """One round as a line; below a failed one what was broken and where its home is."""
    told = "; then ".join(f"killed {kill}: {where}" for kill, where in zip(done.kills, done.where, strict=True))
    head = f"{done.number:4}  {'FAILED' if done.violations else 'ok':6} {done.seconds:5.1f} s  {told}"
    more = [f"- {broken}" for broken in done.violations] + ([f"home: {done.kept}"] if done.kept else [])
    return "\n      ".join([head, *more])


def summary(rounds: list[Round], seconds: float) -> str:
    """How many rounds, kills and violations, where the kills fell, and the time it took."""
    failed, kills = sum(bool(done.violations) for done in rounds), sum(len(done.kills) for done in rounds)
    fell = Counter(one.partition(" (")[0] for done in rounds for one in done.where)
    again = sum(max(done.repeated, 0) for done in rounds)
    return "\n".join(
        [
            f"\n{len(rounds)} rounds, {kills} kills, {failed} rounds in which a rule was broken; {seconds:.0f} s in all",
            f"the kills fell: {', '.join(f'{n} {moment}' for moment, n in fell.most_common())}",
            f"of steps that were under way when killed, {again} records of tool calls were made a second time",
        ]
    )


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m evals.chaos", description=__doc__)
    parser.add_argument("--times", type=int, default=100, metavar="N", help="rounds (100)")
    parser.add_argument("--seed", type=int, default=1, metavar="S", help="draws the moments (1)")
    parser.add_argument("--jobs", type=int, default=min(2, os.cpu_count() or 1), metavar="J", help="rounds at a time")
    asked = parser.parse_args()
    if asked.times < 1 or asked.jobs < 1:
        parser.error("--times and --jobs are 1 or more")
    return asked


if __name__ == "__main__":
    sys.exit(main())
