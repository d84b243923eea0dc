"""One life of the run: what a process that may be killed does, from opening the home to the answer.

`lead` starts the goal, or goes on with what an earlier life left. It approves whatever is asked, as a script would.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from app.runner import Outcome, Runner, UnknownThread, open_runner
from evals.chaos.process import Tell
from evals.chaos.subject import Subject, subject_of
from settings import Settings

THREAD = "11111111-2222-4333-8444-555555555555"
OUTCOME = "outcome.json"
PAUSES = 10
OPENED, EVENT, DELICATE = "o", ".", "!"  # the beats of a life; delicate: an effect starts, or a step begins to wait for people


class Stuck(RuntimeError):
    """The run pauses again and again though everything asked was approved."""


async def lead(home: Path, tell: Tell) -> None:
    """Take the run in `home` to its end and write `outcome.json`. Tells of the opening and of every event."""
    settings = settings_of(home)
    subject = subject_of(settings)
    async with open_runner(settings) as runner:
        runner.services.today = lambda: subject.TODAY
        registry = runner.services.registry

        def heard(event: dict[str, Any]) -> None:
            acts = (
                event["event"] == "tool" and event["phase"] == "started" and registry[event["tool"]].manifest.effect != "read"
            )
            waits = event["event"] == "step" and event["status"] == "waiting_approval"
            tell(DELICATE if acts or waits else EVENT)

        tell(OPENED)
        outcome = await _to_the_end(runner, subject, heard)
        (home / OUTCOME).write_text(json.dumps(_told(outcome)), encoding="utf-8")


async def _to_the_end(runner: Runner, subject: Subject, on_event: Callable[[dict[str, Any]], None]) -> Outcome:
    try:
        outcome = await runner.resume(THREAD, on_event=on_event)
    except UnknownThread:  # never started, or killed before the goal itself was saved: from the beginning
        outcome = await runner.run(subject.GOAL, thread_id=THREAD, new_thread=True, on_event=on_event)
    for _ in range(PAUSES):
        if outcome.status != "interrupted":
            return outcome
        open_ones = [row for row in outcome.approvals if row["status"] == "pending"]
        outcome = await runner.resume(THREAD, decisions=[{"type": "approve"}] * len(open_ones), on_event=on_event)
    raise Stuck(f"after {PAUSES} pauses the run still waits: {outcome.approvals}")


def _told(outcome: Outcome) -> dict[str, Any]:
    answer = outcome.answer.model_dump(mode="json") if outcome.answer else None
    return {"status": outcome.status, "message": outcome.message, "execution_id": outcome.execution_id, "answer": answer}


def settings_of(home: Path) -> Settings:
    """The settings of a home, with the offline model whatever the environment says: a round must cost nothing."""
    return Settings(home=home, database_url="", records_url="", model="", log_level="error")
