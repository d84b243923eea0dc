"""What a live model is tried on: a dozen goals on the generated company. Read by `app/trial.py`."""

from app.trial import Goal, Trial
from settings import Settings
from tools.supply_chain.demo import make_demo
from tools.supply_chain.store import open_records

GOALS = (
    Goal(
        "Analyze supplier risk across our logistics network",
        "interrupted",
        ("exposure", "country_risk", "deliveries", "sanctions", "risk_scores", "approval_briefs"),
        ("case",),
    ),
    Goal("What share of spend goes to the top five suppliers?", products=("exposure",)),
    Goal("Who is the worst on delivery?", products=("deliveries",)),
    Goal("Compare air and ocean", products=("mode_comparison",), settings={"modes": "Air, Ocean"}),
    Goal("Where are we single-sourced?", products=("single_source",)),
    Goal("Which sites sit in unstable countries?", products=("unstable_sites",)),
    Goal("Screen our suppliers against the sanctions list", products=("sanctions",)),
    Goal(
        "Analyze supplier risk without sanctions, draft the escalations, do not open them",
        products=("risk_scores", "approval_briefs"),
        without=("sanctions", "case"),
    ),
    Goal("How exposed are we to India?", products=("country_exposure",)),
    Goal("Give me a one-page summary of Oskvar Laboratories", products=("supplier_profile",)),
    Goal("risk?", "clarify"),
    Goal("Write me a poem about the sea", "declined"),
)


def fill(settings: Settings) -> None:
    """Put the generated company into the home of `settings`."""
    records = open_records(settings)
    try:
        make_demo(records.writing)
    finally:
        records.close()


TRIAL = Trial(GOALS, fill, tokens=(336_704, 16_612))  # measured by `python -m evals.tokens`
