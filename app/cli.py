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


approvals = typer.Typer(invoke_without_command=True)
app.add_typer(approvals, name="approvals")


@approvals.callback()
def approvals_list(context: typer.Context, json: JsonOption = False) -> None:
    """List the open approvals: what waits, for whom, until when. Its commands hand the right to decide to somebody else."""
    from app.inbox import list_approvals

    if context.invoked_subcommand is None:
        _go(lambda: list_approvals(json), json=json)


@approvals.command("delegate")
def approvals_delegate(
    to: Annotated[str, typer.Argument(help="The person who may decide in your stead.")],
    role: Annotated[str, typer.Option(help="The role of yours that they decide as.")],
    until: Annotated[str, typer.Option(metavar="TIME", help="Until when, such as 2026-05-01T18:00; UTC unless it says so.")],
    tool: Annotated[str | None, typer.Option(help="Only for this tool.")] = None,
) -> None:
    """Hand your right to decide to another person, for a time. They cannot hand it on."""
    from app.delegating import delegate

    _go(lambda: delegate(to, role, until, tool))


@approvals.command("delegations")
def approvals_delegations(json: JsonOption = False) -> None:
    """List who may decide in whose stead, as what, until when."""
    from app.delegating import list_delegations

    _go(lambda: list_delegations(json), json=json)


@approvals.command("revoke")
def approvals_revoke(id: Annotated[str, typer.Argument(help="A delegation of yours.")]) -> None:
    """End a delegation of yours now. Votes given by it stay."""
    from app.delegating import revoke

    _go(lambda: revoke(id))


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
def policy_check(root: RootOption = None, json: JsonOption = False) -> None:
    """Validate the policies and list them; a bad one is named with its file and line."""
    from app.policy_commands import check

    _go(lambda: check(root, json), json=json)


@policy.command("test")
def policy_test(root: RootOption = None, json: JsonOption = False) -> None:
    """Run the tests that lie beside the policies (tests.yaml)."""
    from app.policy_commands import test

    _go(lambda: test(root, json), json=json)


@policy.command("matrix")
def policy_matrix(
    tainted: Annotated[bool, typer.Option("--tainted", help="After text that others can write was read.")] = False,
    json: JsonOption = False,
) -> None:
    """Show what comes of each tool for each agent and role."""
    from app.policy_commands import matrix

    _go(lambda: matrix(tainted, json), json=json)


@policy.command("explain")
def policy_explain(
    call: Annotated[Path, typer.Argument(metavar="CALL.json", help="tool, args, user, roles, request, seen … as JSON.")],
    root: RootOption = None,
    json: JsonOption = False,
) -> None:
    """Explain a call: its outcome, rules and labels, and what would change the answer."""
    from app.policy_commands import explain_call

    _go(lambda: explain_call(call, root, json), json=json)


@policy.command("simulate")
def policy_simulate(
    against: Annotated[str, typer.Option(metavar="RUNS", help="Execution ids, separated by commas, or all.")] = "all",
    root: RootOption = None,
    json: JsonOption = False,
) -> None:
    """Judge recorded decisions again under other policies, and show what would differ."""
    from app.policy_commands import simulate_runs

    _go(lambda: simulate_runs(against, root, json), json=json)


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

    _go(
        lambda: undo_execution(execution, step, reason, Options(approve, json).mode, json, go_on=approve is not None), json=json
    )


effects = typer.Typer(help="What was done to the world, and what nobody knows.", rich_markup_mode=None)
app.add_typer(effects, name="effects")


@effects.callback(invoke_without_command=True)
def effects_list(
    context: typer.Context,
    execution: Annotated[str, typer.Option(metavar="ID", help="Only those of this execution.")] = "",
    json: JsonOption = False,
) -> None:
    """List the effects, the newest first: intended, done, failed, unknown or compensated."""
    if context.invoked_subcommand:
        return
    from app.effects_commands import list_effects

    _go(lambda: list_effects(execution, json), json=json)


@effects.command("settle")
def effects_settle(
    key: Annotated[str, typer.Argument(metavar="KEY", help="As `clearance effects` lists it.")],
    outcome: Annotated[Literal["done", "not-done"], typer.Argument(help="What you found out.")],
    reason: Annotated[str, typer.Option(metavar="TEXT", help="How you know; it is recorded.")],
) -> None:
    """Say what became of an effect of unknown outcome. For those who may approve its tool's use."""
    from app.effects_commands import settle_effect

    _go(lambda: settle_effect(key, outcome == "done", reason))


audit = typer.Typer(help="What was recorded, and proof that it holds.", no_args_is_help=True, rich_markup_mode=None)
app.add_typer(audit, name="audit")
RunArgument = Annotated[str, typer.Argument(metavar="RUN", help="An execution's or a thread's id.")]
FileOption = Annotated[Path | None, typer.Option(metavar="FILE", help="Write here; without it, it is printed.")]


@audit.command("verify")
def audit_verify(
    bundle: Annotated[
        Path | None, typer.Argument(metavar="[BUNDLE.json]", help="An exported bundle; without it, the ledger of this home.")
    ] = None,
    head: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Signed heads that were held elsewhere (`audit head`).")
    ] = None,
    key: Annotated[str | None, typer.Option(metavar="HEX", help="The public key that a bundle must be signed with.")] = None,
    json: JsonOption = False,
) -> None:
    """Say whether the ledger holds, and approvals, effects, plans and results agree with it; or whether a bundle holds, without
    any database. Exit code 1 if not."""
    from app.audit_commands import verify_bundle_command, verify_command

    _go(lambda: verify_bundle_command(bundle, head, key, json) if bundle else verify_command(head, json), json=json)


@audit.command("show")
def audit_show(run: RunArgument, json: JsonOption = False) -> None:
    """Tell who asked, what was decided by which rules, who approved it, and what came of it."""
    from app.audit_commands import show_command

    _go(lambda: show_command(run, json), json=json)


@audit.command("export")
def audit_export(
    run: RunArgument,
    out: FileOption = None,
    format: Annotated[
        Literal["bundle", "cloudevents"],
        typer.Option(help="bundle: one signed statement; cloudevents: the events, one CloudEvent 1.0 a line."),
    ] = "bundle",
) -> None:
    """Write everything recorded of a run as one signed bundle, which docs/audit.md says how to check without Clearance."""
    from app.audit_commands import export_command

    _go(lambda: export_command(run, out, format))


@audit.command("head")
def audit_head(out: FileOption = None) -> None:
    """Sign where the ledger ends now, to be held elsewhere."""
    from app.audit_commands import head_command

    _go(lambda: head_command(out))


budgets = typer.Typer(help="What runs may spend, and what is left of it.", invoke_without_command=True, rich_markup_mode=None)
app.add_typer(budgets, name="budgets")


@budgets.callback()
def budgets_show(
    context: typer.Context,
    run: Annotated[str, typer.Option(metavar="RUN", help="Show this execution's (or thread's) own budgets as well.")] = "",
    json: JsonOption = False,
) -> None:
    """Show limits, used, reserved and left: of your day, your organisation's day, and a run."""
    from app.budget_commands import show

    if context.invoked_subcommand is None:
        _go(lambda: show(run, json), json=json)


@budgets.command("raise")
def budgets_raise(
    run: RunArgument,
    unit: Annotated[str, typer.Argument(help="tokens, money, tool_calls or model_calls")],
    amount: Annotated[float, typer.Argument(help="How much more; money in US dollars.")],
    scope: Annotated[str, typer.Option(help="run, user or org: whose budget; the days are those of the run's user.")] = "run",
) -> None:
    """Raise a budget of a run, or of the day of whoever it acts for. Takes the role of a budget owner."""
    from app.budget_commands import raise_budget

    _go(lambda: raise_budget(run, unit, amount, scope))


@app.command("kill-switch")
def kill_switch(
    action: Annotated[Literal["on", "off", "status"], typer.Argument(help="on stops all effects at once.")],
    reason: Annotated[str, typer.Option(help="Why; recorded, and told to whoever is stopped.")] = "",
    everyone: Annotated[bool, typer.Option("--all", help="Of every organisation, not of yours alone.")] = False,
    json: JsonOption = False,
) -> None:
    """Stop all effects at once, or let them go on. Reads go on either way."""
    from app.budget_commands import switch

    _go(lambda: switch(action, reason, everyone, json), json=json)


workflow = typer.Typer(help="Plans kept under a name, to be run again.", no_args_is_help=True, rich_markup_mode=None)
app.add_typer(workflow, name="workflow")
NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="The workflow's name.")]


@workflow.command("save")
def workflow_save(
    name: NameArgument,
    run: Annotated[str, typer.Option("--run", metavar="EXECUTION", help="The run whose plan is kept.")],
    parameter: Annotated[
        list[str] | None, typer.Option(metavar="SETTING", help="Each run may choose this setting; may be given again.")
    ] = None,
    wait: Annotated[
        list[str] | None,
        typer.Option(
            metavar="STEP=WHAT",
            help="The step first waits: 3d, 2027-01-31T09:00Z, or 'event:NAME within 5d'; may be given again.",
        ),
    ] = None,
) -> None:
    """Keep a run's plan as the next version of a workflow."""
    from app.workflow_commands import save

    _go(lambda: save(name, run, parameter or [], wait or []))


@workflow.command("list")
def workflow_list(json: JsonOption = False) -> None:
    """List the workflows: newest version, parameters, goal."""
    from app.workflow_commands import every

    _go(lambda: every(json), json=json)


VersionOption = Annotated[int | None, typer.Option("--version", min=1, help="Without it, the newest.")]


@workflow.command("show")
def workflow_show(name: NameArgument, version: VersionOption = None, json: JsonOption = False) -> None:
    """Show a version's steps, parameters and waits."""
    from app.workflow_commands import show

    _go(lambda: show(name, version, json), json=json)


@workflow.command("compare")
def workflow_compare(
    name: NameArgument,
    old: Annotated[int, typer.Argument(min=1)],
    new: Annotated[int, typer.Argument(min=1)],
    json: JsonOption = False,
) -> None:
    """Say what is different between two versions."""
    from app.workflow_commands import differences

    _go(lambda: differences(name, old, new, json), json=json)


@workflow.command("run")
def workflow_run(
    name: NameArgument,
    version: VersionOption = None,
    set_: Annotated[list[str] | None, typer.Option("--set", metavar="PARAMETER=VALUE", help="May be given again.")] = None,
    approve: ApproveOption = None,
    json: JsonOption = False,
    out: OutOption = None,
    yes: YesOption = False,
) -> None:
    """Run a workflow: its plan is held against today's policies, and asks for its approvals anew."""
    from app.running import Options
    from app.workflow_commands import run_workflow

    _go(lambda: run_workflow(name, version, set_ or [], Options(approve, json, out, False, yes)), json=json)


@workflow.command("remove")
def workflow_remove(name: NameArgument) -> None:
    """Forget a workflow, all its versions. What was run stays."""
    from app.workflow_commands import remove

    _go(lambda: remove(name))


@app.command("event")
def event(
    name: Annotated[str, typer.Argument(help="The event's name, as the waiting step says it.")],
    run: Annotated[str, typer.Option(metavar="EXECUTION", help="Only for this run.")] = "",
    data: Annotated[str, typer.Option(metavar="JSON", help="What it carries: an object, kept and recorded.")] = "{}",
) -> None:
    """Say that an event happened that steps wait for. Other systems say it over HTTP, signed."""
    from app.workflow_commands import tell_event

    _go(lambda: tell_event(name, run, data))


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

    _go(lambda: serve_on(host, port, config, workers))


@app.command()
def worker(
    config: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The langgraph.json that the service serves, if it serves one.")
    ] = None,
) -> None:
    """Carry out the service's runs on one more machine, until Ctrl-C. Needs PostgreSQL."""
    from app.work import work

    _go(lambda: work(config))


keys = typer.Typer(help="The service's API keys.", no_args_is_help=True, rich_markup_mode=None)
app.add_typer(keys, name="keys")


@keys.command("create")
def keys_create(
    user: Annotated[str, typer.Argument(help="Whom the key acts as.")],
    role: Annotated[list[str] | None, typer.Option(help="A role of theirs; may be given again.")] = None,
    org: Annotated[str, typer.Option(help="Their organisation; yours if it is not said.")] = "",
    name: Annotated[str, typer.Option(help="What the key is for.")] = "",
    machine: Annotated[bool, typer.Option("--machine", help="A program holds it: it may ask, and never decides.")] = False,
) -> None:
    """Make a key. Its secret is printed once."""
    from app.key_commands import create

    _go(lambda: create(name, user, org, role or [], machine))


@keys.command("list")
def keys_list() -> None:
    """List the keys, never their secrets."""
    from app.key_commands import every

    _go(every)


@keys.command("revoke")
def keys_revoke(key_id: Annotated[str, typer.Argument(help="As `keys list` shows it.")]) -> None:
    """Stop a key from working, at once."""
    from app.key_commands import revoke

    _go(lambda: revoke(key_id))


BackupArgument = Annotated[Path, typer.Argument(metavar="FILE.tar.gz", help="The backup.")]


@app.command()
def backup(file: BackupArgument) -> None:
    """Write the whole home to one file: one moment of all that is in it, while runs and the service go on."""
    from app.backup import backup as back_up

    _go(lambda: back_up(file))


@app.command()
def restore(file: BackupArgument) -> None:
    """Lay a backup out as the home (CLEARANCE_HOME), which must be empty."""
    from app.backup import restore as lay_out

    _go(lambda: lay_out(file))


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
