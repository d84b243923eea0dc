"""The domain's own commands, mounted by `app/cli.py`."""

import typer

from app.supply_chain.data_commands import data


def mount(app: typer.Typer) -> None:
    """Add `clearance data …` and `clearance demo`."""
    app.add_typer(data)
    app.command()(demo)


def demo() -> None:
    """Tell the story on the generated company: an outage, a re-plan, approvals while others work, a figure down to its records."""
    from app.supply_chain import story  # it runs goals, and what that needs is slow to import

    story.demo()
