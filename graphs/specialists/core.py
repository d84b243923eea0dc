"""The core's own roles, the same in every domain: intake, planner, verifier, reporter. Each is a graph like any specialist."""

from pathlib import Path

from graphs.specialists.base import Specialist
from graphs.wire import Intake, PlanDraft, Report, Verdict

PROMPTS = Path(__file__).parent.parent / "prompts"

CORE = (
    Specialist("intake", "Intake", "Reads what a goal asks for.", (), PROMPTS / "intake.md", response=Intake),
    Specialist("planner", "Planner", "Makes and revises plans.", (), PROMPTS / "planner.md", response=PlanDraft),
    Specialist(
        "verifier",
        "Verifier",
        "Holds results against their records and against each other.",
        ("check_evidence",),
        PROMPTS / "verifier.md",
        response=Verdict,
    ),
    Specialist(
        "reporter",
        "Reporter",
        "Writes the answer from findings, with every figure by reference.",
        ("make_chart",),
        PROMPTS / "reporter.md",
        response=Report,
    ),
)
