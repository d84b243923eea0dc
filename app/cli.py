"""The `clearance` command. Each command opens what it needs, runs, and turns any error into one message and an exit code.

Exit codes: 0 success, 1 failed, 2 usage, 3 waiting for people or for an answer, 4 declined, 130 stopped by Ctrl-C.
Nothing heavy is imported before a command runs.
"""

import sys
from pathlib import Path
from typing import Annotated, Literal

import typer

from app.cli_groups import GROUPS
from app.options import ApproveOption, JsonOption, OutOption, YesOption, go

app = typer.Typer(
    name="clearance",
    help="Air traffic control for AI agents: plan, clear, run, approve, prove.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


@app.callback()
def local_mode(
    act_as: Annotated[
        str,
        typer.Option(
            "--as", metavar="NAME", help="Play a demo person of local mode, such as rita, marc, mona, ada, bo or olga."
        ),
    ] = "",
) -> None:
    if not act_as:
        return
    import os

    from settings import Settings

    people = Settings().people
    if act_as not in people:
        raise typer.BadParameter(f"there is no {act_as}; there are: {', '.join(people)}", param_hint="--as")
    os.environ["CLEARANCE_ACT_AS"] = act_as  # read by whichever command opens the settings
    typer.echo(f"You act as {act_as} ({', '.join(people[act_as])}): a demo person of local mode, not a login.", err=True)


@app.command()
def run(
    goal: Annotated[str, typer.Argument(help="What you want to know or have done.")],
    approve: ApproveOption = None,
    json: JsonOption = False,
    out: OutOption = None,
    thread: Annotated[str | None, typer.Option(metavar="ID", help="Go on in this thread.")] = None,
    review: Annotated[bool, typer.Option("--review", help="Look at the plan before it runs.")] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Effects are simulated: nothing is written, and you are told what would be.")
    ] = False,
    yes: YesOption = False,
) -> None:
    """Take a goal: plan it, run it, ask where policy says so, and answer with sources."""
    from app.running import Options, run_goal

    go(lambda: run_goal(goal, Options(approve, json, out, review, yes, dry_run), thread), json=json)


@app.command()
def resume(
    thread: Annotated[str, typer.Argument(help="The thread to go on with.")],
    answer: Annotated[
        str | None, typer.Option(metavar="TEXT", help="The answer to the question that the thread asked.")
    ] = None,
    approve: ApproveOption = None,
    json: JsonOption = False,
    out: OutOption = None,
    yes: YesOption = False,
) -> None:
    """Go on with a thread: after a stop, with decisions, or with the answer to its question."""
    from app.running import Options, resume_thread

    go(lambda: resume_thread(thread, answer, Options(approve, json, out, False, yes)), json=json)


@app.command()
def chat(
    thread: Annotated[str | None, typer.Option(metavar="ID", help="Go on in this thread.")] = None,
    approve: ApproveOption = None,
    yes: YesOption = False,
) -> None:
    """Talk: goal after goal, and what you think of next; what you type while a run is going on steers it."""
    from app.chat import chat as talk
    from app.running import Options

    go(lambda: talk(thread, Options(approve, False, None, False, yes)))


@app.command()
def plan(
    goal: Annotated[str, typer.Argument(help="The goal to plan.")], json: JsonOption = False, yes: YesOption = False
) -> None:
    """Show the plan for a goal, and stop."""
    from app.running import Options, plan_goal

    go(lambda: plan_goal(goal, Options(None, json, None, False, yes)), json=json)


@app.command()
def graph(
    execution: Annotated[
        str | None, typer.Option(metavar="ID", help="Draw this execution's plan; without it, the orchestrator.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write here: .svg or .mmd; without it, Mermaid is printed.")
    ] = None,
) -> None:
    """Draw the graph, or the plan of an execution, as SVG or Mermaid."""
    from app.running import draw

    go(lambda: draw(execution, out))


@app.command()
def undo(
    execution: Annotated[str, typer.Argument(metavar="EXECUTION", help="The execution whose effects are to be undone.")],
    step: Annotated[str, typer.Option(metavar="S", help="Only what this step did.")] = "",
    reason: Annotated[str, typer.Option(metavar="TEXT", help="Why; without it, you are shown what would be undone.")] = "",
    approve: ApproveOption = None,
    json: JsonOption = False,
) -> None:
    """Undo what an execution did, last things first, each as an action with its own decision and approval."""
    from app.effects_commands import undo_execution
    from app.running import Options

    go(lambda: undo_execution(execution, step, reason, Options(approve, json).mode, json, go_on=approve is not None), json=json)


@app.command("kill-switch")
def kill_switch(
    action: Annotated[Literal["on", "off", "status"], typer.Argument(help="on stops all effects at once.")],
    reason: Annotated[str, typer.Option(help="Why; recorded, and told to whoever is stopped.")] = "",
    everyone: Annotated[bool, typer.Option("--all", help="Of every organisation, not of yours alone.")] = False,
    json: JsonOption = False,
) -> None:
    """Stop all effects at once, or let them go on. Reads go on either way."""
    from app.budget_commands import switch

    go(lambda: switch(action, reason, everyone, json), json=json)


@app.command("event")
def event(
    name: Annotated[str, typer.Argument(help="The event's name, as the waiting step says it.")],
    run: Annotated[str, typer.Option(metavar="EXECUTION", help="Only for this run.")] = "",
    data: Annotated[str, typer.Option(metavar="JSON", help="What it carries: an object, kept and recorded.")] = "{}",
) -> None:
    """Say that an event happened that steps wait for. Other systems say it over HTTP, signed."""
    from app.workflow_commands import tell_event

    go(lambda: tell_event(name, run, data))


@app.command()
def serve(
    host: Annotated[str, typer.Option(metavar="ADDRESS", help="Listen here.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0: any that is free.")] = 2024,
    config: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Serve the graphs of this langgraph.json instead of Clearance's own.")
    ] = None,
    workers: Annotated[int, typer.Option(min=1, max=64, help="Processes; more than one needs PostgreSQL.")] = 1,
) -> None:
    """Serve the LangGraph Agent Server API until Ctrl-C: for the chat UI, Studio and the SDKs."""
    from app.serve import serve as serve_on

    go(lambda: serve_on(host, port, config, workers))


@app.command()
def worker(
    config: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The langgraph.json that the service serves, if it serves one.")
    ] = None,
) -> None:
    """Carry out the service's runs on one more machine, until Ctrl-C. Needs PostgreSQL."""
    from app.work import work

    go(lambda: work(config))


BackupArgument = Annotated[Path, typer.Argument(metavar="FILE.tar.gz", help="The backup.")]


@app.command()
def backup(file: BackupArgument) -> None:
    """Write the whole home to one file: one moment of all that is in it, while runs and the service go on."""
    from app.backup import backup as back_up

    go(lambda: back_up(file))


@app.command()
def restore(file: BackupArgument) -> None:
    """Lay a backup out as the home (CLEARANCE_HOME), which must be empty."""
    from app.backup import restore as lay_out

    go(lambda: lay_out(file))


@app.command()
def version() -> None:
    """Print the version."""
    from importlib.metadata import PackageNotFoundError
    from importlib.metadata import version as installed

    try:
        typer.echo(installed("clearance"))
    except PackageNotFoundError:  # run from its source
        typer.echo("clearance is not installed here: its version is in pyproject.toml")


for _name, _group in GROUPS.items():
    app.add_typer(_group, name=_name)


def _mount() -> None:
    """Add the commands of the domain that the settings name: `data` and `demo`, where it has them."""
    import importlib

    from settings import Settings

    try:
        domain = Settings().domain
    except ValueError:  # bad settings: the command that runs says which
        return
    try:
        commands = importlib.import_module(f"app.{domain}.commands")
    except ModuleNotFoundError as error:
        if not f"app.{domain}.commands".startswith(str(error.name)):
            raise
        return
    commands.mount(app)


def main() -> None:
    """The entry point."""
    if {"data", "demo", "--help"} & set(sys.argv[1:4]) or len(sys.argv) == 1:
        _mount()  # other commands start faster without them
    app()


if __name__ == "__main__":
    main()
