"""The commands `clearance fleet …`: what each takes. Mounted by `cli.py` with the other groups (`cli_groups.py`)."""

from typing import Annotated, Literal

import typer

from app.options import JsonOption, go

fleet = typer.Typer(
    help="Specialists and tools, and taking one out of service.", invoke_without_command=True, rich_markup_mode=None
)
KindArgument = Annotated[Literal["specialist", "tool"], typer.Argument(help="Which of the two it is.")]
NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="Its name.")]
ReasonOption = Annotated[str, typer.Option(metavar="TEXT", help="Why; recorded, and told to whoever is stopped.")]


@fleet.callback()
def fleet_show(context: typer.Context, json: JsonOption = False) -> None:
    """Show specialists, tools, connectors and models: who answers for them, how they do, what is suspended."""
    from app.fleet_commands import show

    if context.invoked_subcommand is None:
        go(lambda: show(json), json=json)


@fleet.command("suspend")
def fleet_suspend(kind: KindArgument, name: NameArgument, reason: ReasonOption) -> None:
    """Take a specialist or a tool out of service, for your organisation; takes the role of an operator."""
    from app.fleet_commands import suspend

    go(lambda: suspend(kind, name, reason))


@fleet.command("resume")
def fleet_resume(kind: KindArgument, name: NameArgument, reason: ReasonOption) -> None:
    """Put it back into service."""
    from app.fleet_commands import put_back

    go(lambda: put_back(kind, name, reason))
