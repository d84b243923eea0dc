"""The kill test in short, and that its rules are no rubber stamps: what a rule forbids must be seen when it happens."""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from evals.chaos.answers import difference, normal
from evals.chaos.evidence import Attempt, Effect, Evidence, read, seize
from evals.chaos.life import OUTCOME, lead
from evals.chaos.process import Process, Tell
from evals.chaos.rounds import Reference, compare, prepare
from graphs.executions import ExecutionOutcome, Executions

ROOT = Path(__file__).parents[2]
STEPS = (Attempt("s1", 1, "succeeded", "10:00"), Attempt("s2", 1, "succeeded", "10:01"))
AFTER = Evidence(
    executions=(("e", "finished"),),
    revisions=1,
    attempts=STEPS,
    calls=Counter(s1=2, s2=3),
    effects=(Effect("s2", "open_case", "done"),),
    approvals=Counter(consumed=1),
    cases={1: "Halden"},
    events=1,
    notifications=1,
)
KILLED = replace(AFTER, attempts=(STEPS[0], Attempt("s2", 1, "running", None)), calls=Counter(s1=2), cases={}, effects=())
TOLD = {"status": "success", "message": "", "answer": {"title": "Case 1"}}
REFERENCE = Reference({"title": "Case <Halden>"}, AFTER, ())


def test_a_kill_leaves_no_trace() -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "evals.chaos", "--times", "1", "--seed", "11"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "1 rounds" in ran.stdout and "0 rounds in which a rule was broken" in ran.stdout


async def _dies_on_leaving(home: Path, times: int, tell: Tell) -> None:
    """A life that ends right after the execution's row was written so often by a node whose checkpoint is still to come."""
    leave, count = Executions.leave, Counter[str]()

    async def leave_and_die(self: Executions, id: str, status: str, outcome: ExecutionOutcome | None = None) -> None:
        await leave(self, id, status, outcome)
        count["left"] += 1
        if count["left"] == times:
            os.kill(os.getpid(), signal.SIGKILL)

    Executions.leave = leave_and_die  # type: ignore[method-assign]  # in this process only, which is about to be killed
    await lead(home, tell)


def test_killed_between_a_row_and_its_checkpoint_it_is_no_fork(tmp_path: Path) -> None:
    reference = prepare(tmp_path)
    for times in (1, 2, 3, 4):  # execute, prepare, execute again, report
        home = tmp_path / f"left-{times}"
        shutil.copytree(tmp_path / "prepared", home)
        assert Process(partial(_dies_on_leaving, home, times), home / "log.txt").wait() == -signal.SIGKILL
        killed = seize(home, home / "killed")
        assert Process(partial(lead, home), home / "log.txt").wait() == 0, (home / "log.txt").read_text(encoding="utf-8")
        told = json.loads((home / OUTCOME).read_text(encoding="utf-8"))
        assert compare(told, read(home), [killed], reference) == [], f"killed after leaving {times} times"


def test_an_undisturbed_ending_breaks_no_rule() -> None:
    assert compare(TOLD, AFTER, [KILLED], REFERENCE) == []


@pytest.mark.parametrize(
    ("after", "said"),
    [
        (replace(AFTER, attempts=(*STEPS, Attempt("s1", 2, "succeeded", "10:02"))), "s1 had finished"),
        (replace(AFTER, attempts=(replace(STEPS[0], ended="10:02"), STEPS[1])), "s1 had finished"),
        (replace(AFTER, calls=Counter(s1=3, s2=3)), "1 more of its tool calls"),
        (replace(AFTER, attempts=(*STEPS, Attempt("s2", 2, "succeeded", "10:02"))), "no failed attempt"),
        (replace(AFTER, cases={1: "Halden", 2: "Halden"}), "the cases are ['Halden', 'Halden']"),
        (replace(AFTER, notifications=2), "notifications: 2"),
        (replace(AFTER, effects=(Effect("s2", "open_case", "unknown"),)), "effects"),
        (replace(AFTER, executions=(*AFTER.executions, ("fork", "finished"))), "there is to be one"),
        (replace(AFTER, executions=(("e", "running"),)), "there is to be one"),
    ],
)
def test_each_rule_sees_what_it_forbids(after: Evidence, said: str) -> None:
    assert any(said in broken for broken in compare(TOLD, after, [KILLED], REFERENCE))


def test_a_different_answer_or_a_failure_is_seen() -> None:
    assert any("the answer differs" in b for b in compare({**TOLD, "answer": {"title": "Case 2"}}, AFTER, [], REFERENCE))
    assert any("ended as failed: no" in b for b in compare({**TOLD, "status": "failed", "message": "no"}, AFTER, [], REFERENCE))


def test_answers_are_equal_but_for_case_numbers_call_ids_times_and_the_order_of_approvals() -> None:
    def answer(case: int, call: str, at: str, decisions: list[str], share: str = "5") -> dict[str, object]:
        return {
            "text": f"Case {case} is open; 1 of 24 suppliers.",
            "rows": [{"case_id": case, "opened_at": at, "share": share, "records": {"table": "cases", "keys": str(case)}}],
            "citations": [{"ref": "s8.case.rows[0].case_id", "value": case, "shown": str(case), "call_id": call, "n": 1}],
            "decisions": decisions,
        }

    one = normal(answer(1, "x", "10:00", ["a", "b"]), {1: "Halden", 2: "Oskvar"})
    assert difference(one, normal(answer(2, "y", "11:00", ["b", "a"]), {2: "Halden", 1: "Oskvar"})) == []
    assert difference(one, normal(answer(1, "x", "10:00", ["a", "b"]), {1: "Oskvar"}))  # another supplier's case
    assert difference(one, normal(answer(1, "x", "10:00", ["a", "b"], share="6"), {1: "Halden"}))  # another figure


async def _slow(tell: Tell) -> None:
    tell("a")
    print("begun", flush=True)
    while True:
        pass  # hears no signal but SIGKILL


async def _quick(tell: Tell) -> None:
    tell("a")
    tell("b")


async def _broken(tell: Tell) -> None:
    raise ValueError("broken on purpose")


def test_a_process_is_heard_and_killed(tmp_path: Path) -> None:
    slow = Process(_slow, tmp_path / "log")
    slow.listen(20, beats=1)
    assert [beat.kind for beat in slow.beats] == ["a"] and not slow.silent
    assert slow.kill() and slow.wait() == -9

    quick = Process(_quick, tmp_path / "log")
    quick.listen(20)
    assert [beat.kind for beat in quick.beats] == ["a", "b"] and quick.silent
    assert not quick.kill() and quick.wait() == 0


def test_a_process_that_fails_says_why_in_its_log(tmp_path: Path) -> None:
    assert Process(_broken, tmp_path / "log").wait() == 1
    assert "broken on purpose" in (tmp_path / "log").read_text(encoding="utf-8")
