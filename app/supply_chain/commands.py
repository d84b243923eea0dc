"""The domain's own commands, mounted by `app/cli.py`."""

import typer

from app.supply_chain.data_commands import data


def mount(app: typer.Typer) -> None:
    """Add `clearance data …` and `clearance demo`."""
    from app.supply_chain.story import demo

    app.add_typer(data)
    app.command()(demo)
