"""The `clearance` command. Each command opens what it needs, runs, and turns any error into one message and an exit code.

Exit codes: 0 success, 1 failed, 2 usage, 3 waiting for people or for an answer, 4 declined, 130 stopped by Ctrl-C.
Nothing heavy is imported before a command runs.
"""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

if TYPE_CHECKING:
    pass

app = typer.Typer(
    name="clearance",
    help="Air traffic control for AI agents: plan, clear, run, approve, prove.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

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


@app.callback()
def local_mode(
    act_as: Annotated[
        str, typer.Option("--as", metavar="NAME", help="Play a demo person of local mode, such as rita, marc, mona or ada.")
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
    waiting_ok: Annotated[bool, typer.Option("--waiting-ok", hidden=True)] = False,
) -> None:
    """Take a goal: plan it, run it, ask where policy says so, and answer with sources."""
    from app.running import Options, run_goal

    _go(lambda: run_goal(goal, Options(approve, json, out, review, yes, waiting_ok, dry_run), thread), json=json)


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

    _go(lambda: resume_thread(thread, answer, Options(approve, json, out, False, yes, False)), json=json)


@app.command()
def chat(
    thread: Annotated[str | None, typer.Option(metavar="ID", help="Go on in this thread.")] = None,
    approve: ApproveOption = None,
    yes: YesOption = False,
) -> None:
    """Talk: goal after goal, and what you think of next; what you type while a run is going on steers it."""
    from app.chat import chat as talk
    from app.running import Options

    _go(lambda: talk(thread, Options(approve, False, None, False, yes, False)))


@app.command()
def approvals(json: JsonOption = False) -> None:
    """List the open approvals: what waits, for whom, until when."""
    from app.inbox import list_approvals

    _go(lambda: list_approvals(json), json=json)


@app.command()
def plan(
    goal: Annotated[str, typer.Argument(help="The goal to plan.")], json: JsonOption = False, yes: YesOption = False
) -> None:
    """Show the plan for a goal, and stop."""
    from app.running import Options, plan_goal

    _go(lambda: plan_goal(goal, Options(None, json, None, False, yes, False)), json=json)


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

    _go(lambda: draw(execution, out))


model = typer.Typer(help="A live model: try it, and see what it costs.", no_args_is_help=True, rich_markup_mode=None)
app.add_typer(model, name="model")


@model.command("try")
def try_model(
    max_cost: Annotated[
        float, typer.Option(metavar="DOLLARS", min=0, help="Stop before the model calls would cost more than this.")
    ] = 0.50,
    offline: Annotated[bool, typer.Option("--offline", help="Try the offline model over a socket: no key, no cost.")] = False,
    json: JsonOption = False,
    yes: YesOption = False,
) -> None:
    """Probe the configured endpoint, run twelve goals on a generated company, and say what passes and what it costs."""
    from app.model_commands import try_command
    from app.running import Options

    _go(lambda: try_command(max_cost, offline, Options(None, json, None, False, yes, False)), json=json)


policy = typer.Typer(help="The policies: check, test and try them.", no_args_is_help=True, rich_markup_mode=None)
app.add_typer(policy, name="policy")
RootOption = Annotated[
    Path | None, typer.Option(metavar="DIR", help="A folder laid out like governance/policies; without it, those in use.")
]


@policy.command("check")
def policy_check(root: RootOption = None) -> None:
    """Validate the policies and list them; a bad one is named with its file and line."""
    from app.policy_commands import check

    _go(lambda: check(root))


@policy.command("test")
def policy_test(root: RootOption = None) -> None:
    """Run the tests that lie beside the policies (tests.yaml)."""
    from app.policy_commands import test

    _go(lambda: test(root))


@policy.command("matrix")
def policy_matrix(
    tainted: Annotated[bool, typer.Option("--tainted", help="After text that others can write was read.")] = False,
) -> None:
    """Show what comes of each tool for each agent and role."""
    from app.policy_commands import matrix

    _go(lambda: matrix(tainted))


@policy.command("explain")
def policy_explain(
    call: Annotated[Path, typer.Argument(metavar="CALL.json", help="tool, args, user, roles, request, seen … as JSON.")],
    root: RootOption = None,
) -> None:
    """Explain a call: its outcome, rules and labels, and what would change the answer."""
    from app.policy_commands import explain_call

    _go(lambda: explain_call(call, root))


@policy.command("simulate")
def policy_simulate(
    against: Annotated[str, typer.Option(metavar="RUNS", help="Execution ids, separated by commas, or all.")] = "all",
    root: RootOption = None,
) -> None:
    """Judge recorded decisions again under other policies, and show what would differ."""
    from app.policy_commands import simulate_runs

    _go(lambda: simulate_runs(against, root))


audit = typer.Typer(help="What was recorded, and proof that it holds.", no_args_is_help=True, rich_markup_mode=None)
app.add_typer(audit, name="audit")
RunArgument = Annotated[str, typer.Argument(metavar="RUN", help="An execution's or a thread's id.")]
FileOption = Annotated[Path | None, typer.Option(metavar="FILE", help="Write here; without it, it is printed.")]


@audit.command("verify")
def audit_verify(
    head: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Signed heads that were held elsewhere (`audit head`).")
    ] = None,
    json: JsonOption = False,
) -> None:
    """Say whether the ledger holds: no entry changed, removed, moved, put in or cut off. Exit code 1 if it does not."""
    from app.audit_commands import verify_command

    _go(lambda: verify_command(head, json), json=json)


@audit.command("show")
def audit_show(run: RunArgument, json: JsonOption = False) -> None:
    """Tell who asked, what was decided by which rules, who approved it, and what came of it."""
    from app.audit_commands import show_command

    _go(lambda: show_command(run, json), json=json)


@audit.command("export")
def audit_export(run: RunArgument, out: FileOption = None) -> None:
    """Write everything recorded of a run as one signed bundle, which docs/audit.md says how to check without Clearance."""
    from app.audit_commands import export_command

    _go(lambda: export_command(run, out))


@audit.command("head")
def audit_head(out: FileOption = None) -> None:
    """Sign where the ledger ends now, to be held elsewhere."""
    from app.audit_commands import head_command

    _go(lambda: head_command(out))


@app.command()
def serve(
    host: Annotated[str, typer.Option(metavar="ADDRESS", help="Listen here.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0: any that is free.")] = 2024,
    config: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Serve the graphs of this langgraph.json instead of Clearance's own.")
    ] = None,
) -> None:
    """Serve the LangGraph Agent Server API until Ctrl-C: for the chat UI, Studio and the SDKs."""
    from app.serve import serve as serve_on

    _go(lambda: serve_on(host, port, config))


@app.command()
def version() -> None:
    """Print the version."""
    from importlib.metadata import PackageNotFoundError
    from importlib.metadata import version as installed

    try:
        typer.echo(installed("clearance"))
    except PackageNotFoundError:  # run from its source
        typer.echo("clearance is not installed here: its version is in pyproject.toml")


def _go(command: Any, *, json: bool = False) -> None:
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
