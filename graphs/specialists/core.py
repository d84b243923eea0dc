"""The core's own roles: intake, planner, verifier, reporter. Each is a graph like any specialist.

They are the same in every domain but for the verifier's tools, which know a domain's records and so come from its declaration.
"""

from pathlib import Path

from graphs.specialists.base import Domain, Specialist
from graphs.wire import Intake, PlanDraft, Report, Verdict

PROMPTS = Path(__file__).parent.parent / "prompts"


def core_roles(domain: Domain) -> tuple[Specialist, ...]:
    """The core's roles as they stand in a domain."""
    return (
        Specialist("intake", "Intake", "Reads what a goal asks for.", (), PROMPTS / "intake.md", response=Intake),
        Specialist("planner", "Planner", "Makes and revises plans.", (), PROMPTS / "planner.md", response=PlanDraft),
        Specialist(
            "verifier",
            "Verifier",
            "Holds results against their records and against each other.",
            domain.verifier_tools,
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
