"""One round: copy the prepared home, start the run, kill it, kill it again perhaps, let it end, and compare.

`prepare` makes the home and the undisturbed run that every round is held against. Nothing is shared between rounds.
"""

import json
import random
import shutil
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from evals.chaos.answers import difference, normal
from evals.chaos.evidence import Evidence, read, seize
from evals.chaos.life import DELICATE, OUTCOME, lead, settings_of
from evals.chaos.process import Beat, Process
from evals.chaos.subject import subject_of

LONGEST = 90.0  # seconds a life may take; it takes about two
TRIES = 5  # of a kill that came too late
SHOWN = 12  # lines of a difference


class NoReference(RuntimeError):
    """The undisturbed run failed, or two of them differ: there is nothing to compare with."""


@dataclass(frozen=True)
class Reference:
    """The undisturbed run: its normal answer, what its home says, and its beats, the first of them when it had opened."""

    answer: Any
    evidence: Evidence
    beats: tuple[Beat, ...]

    @property
    def seconds(self) -> float:
        """From its opening to its last event."""
        return self.beats[-1].at - self.beats[0].at


@dataclass(frozen=True)
class Moment:
    """When to kill: so many seconds after that beat."""

    beat: int
    seconds: float


@dataclass(frozen=True)
class Round:
    """What came of one round. `kept` is where its home is, if a rule was broken."""

    number: int
    kills: tuple[str, ...]
    where: tuple[str, ...]
    repeated: int
    seconds: float
    violations: tuple[str, ...]
    kept: Path | None = None


def prepare(folder: Path) -> Reference:
    """Fill `folder`/prepared, and run the goal twice undisturbed. Raises `NoReference`."""
    home = folder / "prepared"
    home.mkdir(parents=True)
    settings = settings_of(home)
    subject_of(settings).load(settings)
    one, other = (_undisturbed(folder, name) for name in ("first", "second"))
    if lines := difference(one.answer, other.answer):
        raise NoReference("two undisturbed runs gave different answers:\n" + "\n".join(lines[:SHOWN]))
    return one if one.seconds > other.seconds else other  # the longer one: late moments are to be hit too


def _undisturbed(folder: Path, name: str) -> Reference:
    home = folder / name
    shutil.copytree(folder / "prepared", home)
    life = Process(partial(lead, home), home / "log.txt")
    life.listen(LONGEST)
    if not life.silent or life.wait():
        life.kill()
        raise NoReference(f"the undisturbed run did not end well: see {home / 'log.txt'}")
    told, evidence = json.loads((home / OUTCOME).read_text(encoding="utf-8")), read(home)
    if told["status"] != "success" or not evidence.cases:
        raise NoReference(f"the undisturbed run ended as {told['status']} with {len(evidence.cases)} cases: {told['message']}")
    return Reference(normal(told["answer"], evidence.cases), evidence, tuple(life.beats))


def pick(rng: random.Random, reference: Reference) -> Moment:
    """Uniform in time; or soon after a random event; or about an effect or a pause, which chance seldom hits."""
    way, beats = rng.choice(("time", "event", "delicate")), reference.beats
    if way == "time":
        return Moment(1, rng.uniform(0, reference.seconds))
    if way == "delicate":
        return Moment(rng.choice([n for n, beat in enumerate(beats, 1) if beat.kind == DELICATE]), rng.uniform(0, 0.06))
    number = rng.randrange(1, len(beats))
    return Moment(number, rng.uniform(0, max(beats[number].at - beats[number - 1].at, 0.002)))


def run_round(number: int, seed: int, folder: Path, reference: Reference) -> Round:
    """One round, in a home of its own, which is deleted if every rule held."""
    rng, began = random.Random(f"{seed}/{number}"), time.monotonic()
    home = folder / f"round-{number}"
    kills, seen = _kill_first(rng, folder, home, reference)
    if kills and rng.random() < 0.33:
        again = Moment(rng.choice((0, 1)), rng.uniform(0, reference.seconds * 0.5))  # beat 0: while it opens its databases
        life = Process(partial(lead, home), home / "log.txt")
        if _struck(life, again):
            kills.append(f"{again.seconds:.2f} s into the next life")
            seen.append(seize(home, home / "killed-2"))
    last = Process(partial(lead, home), home / "log.txt")
    last.listen(LONGEST)
    broken = [] if kills else ["it could not be killed in time: it always ended first"]
    if not last.silent:
        last.kill()
        broken.append(f"it did not end within {LONGEST:g} s of going on")
    elif code := last.wait():
        broken.append(f"going on ended with exit code {code}: see log.txt")
    else:
        broken += compare(json.loads((home / OUTCOME).read_text(encoding="utf-8")), read(home), seen, reference)
    repeated = read(home).calls.total() - reference.evidence.calls.total()
    if not broken:
        shutil.rmtree(home)
    taken = time.monotonic() - began
    where = tuple(str(one) for one in seen)
    return Round(number, tuple(kills), where, repeated, taken, tuple(broken), home if broken else None)


def _kill_first(rng: random.Random, folder: Path, home: Path, reference: Reference) -> tuple[list[str], list[Evidence]]:
    """Start the run and kill it. A run that ends before its moment is thrown away, and another moment is drawn."""
    for _ in range(TRIES):
        shutil.rmtree(home, ignore_errors=True)
        shutil.copytree(folder / "prepared", home)
        moment = pick(rng, reference)
        if _struck(Process(partial(lead, home), home / "log.txt"), moment):
            return [f"{moment.seconds:.2f} s after event {moment.beat - 1}"], [seize(home, home / "killed-1")]
    return [], []


def _struck(life: Process, moment: Moment) -> bool:
    """Kill at the moment. False: it had ended."""
    life.listen(LONGEST, beats=moment.beat)
    life.listen(moment.seconds)
    return life.kill()


def compare(told: dict[str, Any], after: Evidence, seen: list[Evidence], reference: Reference) -> list[str]:
    """Every rule that was broken, in a sentence each: `seen` is what was found after each kill, `after` how it ended."""
    broken, expected = [], reference.evidence
    if told["status"] != "success":
        broken.append(f"it ended as {told['status']}: {told['message']}")
    if [status for _, status in after.executions] != ["finished"]:
        broken.append(f"the executions are {list(after.executions)}: there is to be one, and it finished")
    for before in seen:
        broken += _rerun(before, after)
    numbers = {attempt.step: attempt.number for attempt in after.attempts if attempt.number > 1}
    if numbers:
        broken.append(f"a kill is no failed attempt, yet there are more attempts: {numbers}")
    if sorted(after.cases.values()) != sorted(expected.cases.values()):
        broken.append(f"the cases are {sorted(after.cases.values())}, undisturbed {sorted(expected.cases.values())}")
    for what in ("effects", "events", "notifications", "revisions", "approvals"):
        if (found := getattr(after, what)) != (right := getattr(expected, what)):
            broken.append(f"{what}: {found}, undisturbed {right}")
    lines = difference(reference.answer, normal(told["answer"], after.cases))
    if lines:
        broken.append("the answer differs:\n      " + "\n      ".join(lines[:SHOWN]))
    return broken


def _rerun(before: Evidence, after: Evidence) -> list[str]:
    """Steps that had finished when it was killed, and ran again all the same."""
    broken = []
    for step, attempt in before.finished.items():
        if [one for one in after.attempts if one.step == step] != [attempt]:
            broken.append(f"{step} had finished ({attempt}) and was attempted again")
        if before.calls[step] != after.calls[step]:
            more = after.calls[step] - before.calls[step]
            broken.append(f"{step} had finished, and {more} more of its tool calls are recorded")
    return broken
