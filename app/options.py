"""What the commands of `clearance` have in common: the options that several take, and how a command is run."""

from pathlib import Path
from typing import Annotated, Any, Literal

import typer

Approve = Literal["ask", "none", "all"]
ApproveOption = Annotated[
    Approve | None,
    typer.Option(
        help="ask at the prompt; none: leave approvals pending; all: approve what policy lets you. No terminal: none."
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")]
OutOption = Annotated[
    Path | None, typer.Option(metavar="DIR", help="Write report.md, report.html, report.json and the charts.")
]
YesOption = Annotated[bool, typer.Option("--yes", help="Confirm what a live model is sent, without being asked.")]
RunArgument = Annotated[str, typer.Argument(metavar="RUN", help="An execution's or a thread's id.")]
FileOption = Annotated[Path | None, typer.Option(metavar="FILE", help="Write here; without it, it is printed.")]


def go(command: Any, *, json: bool = False) -> None:
    """Run a command; errors become one line (or one JSON object) and an exit code."""
    import json as codec

    from app.errors import report
    from app.goals import BadGoal
    from settings import Settings

    home = Path(".clearance")
    try:
        home = Settings().home
        code = command()
    except KeyboardInterrupt:
        typer.echo("\nStopped. Nothing is lost: what was finished stays finished.", err=True)
        code = 130
    except Exception as error:  # the end of the line: people get a message, the log the traceback
        said = report(error, home)
        if json:
            typer.echo(codec.dumps({"status": "failed", "error": said}, ensure_ascii=False))
        else:
            typer.echo(f"clearance: {said}", err=True)
        code = 2 if isinstance(error, BadGoal) else 1
    raise typer.Exit(code)
