"""The commands of `clearance` that come in groups: what each takes, and which module does it. Mounted by `cli.py`."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from app.cli_fleet import fleet
from app.options import ApproveOption, FileOption, JsonOption, OutOption, RunArgument, YesOption, go

approvals = typer.Typer(invoke_without_command=True)


@approvals.callback()
def approvals_list(context: typer.Context, json: JsonOption = False) -> None:
    """List the open approvals: what waits, for whom, until when. Its commands hand the right to decide to somebody else."""
    from app.inbox import list_approvals

    if context.invoked_subcommand is None:
        go(lambda: list_approvals(json), json=json)


@approvals.command("delegate")
def approvals_delegate(
    to: Annotated[str, typer.Argument(help="The person who may decide in your stead.")],
    role: Annotated[str, typer.Option(help="The role of yours that they decide as.")],
    until: Annotated[str, typer.Option(metavar="TIME", help="Until when, such as 2026-05-01T18:00; UTC unless it says so.")],
    tool: Annotated[str | None, typer.Option(help="Only for this tool.")] = None,
) -> None:
    """Hand your right to decide to another person, for a time. They cannot hand it on."""
    from app.delegating import delegate

    go(lambda: delegate(to, role, until, tool))


@approvals.command("delegations")
def approvals_delegations(json: JsonOption = False) -> None:
    """List who may decide in whose stead, as what, until when."""
    from app.delegating import list_delegations

    go(lambda: list_delegations(json), json=json)


@approvals.command("revoke")
def approvals_revoke(id: Annotated[str, typer.Argument(help="A delegation of yours.")]) -> None:
    """End a delegation of yours now. Votes given by it stay."""
    from app.delegating import revoke

    go(lambda: revoke(id))


model = typer.Typer(help="A live model: try it, and see what it costs.", no_args_is_help=True, rich_markup_mode=None)


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

    go(lambda: try_command(max_cost, offline, Options(None, json, None, False, yes)), json=json)


policy = typer.Typer(help="The policies: check, test and try them.", no_args_is_help=True, rich_markup_mode=None)
RootOption = Annotated[
    Path | None, typer.Option(metavar="DIR", help="A folder laid out like governance/policies; without it, those in use.")
]


@policy.command("check")
def policy_check(root: RootOption = None, json: JsonOption = False) -> None:
    """Validate the policies and list them; a bad one is named with its file and line."""
    from app.policy_commands import check

    go(lambda: check(root, json), json=json)


@policy.command("test")
def policy_test(root: RootOption = None, json: JsonOption = False) -> None:
    """Run the tests that lie beside the policies (tests.yaml)."""
    from app.policy_commands import test

    go(lambda: test(root, json), json=json)


@policy.command("matrix")
def policy_matrix(
    tainted: Annotated[bool, typer.Option("--tainted", help="After text that others can write was read.")] = False,
    json: JsonOption = False,
) -> None:
    """Show what comes of each tool for each agent and role."""
    from app.policy_commands import matrix

    go(lambda: matrix(tainted, json), json=json)


@policy.command("explain")
def policy_explain(
    call: Annotated[Path, typer.Argument(metavar="CALL.json", help="tool, args, user, roles, request, seen … as JSON.")],
    root: RootOption = None,
    json: JsonOption = False,
) -> None:
    """Explain a call: its outcome, rules and labels, and what would change the answer."""
    from app.policy_commands import explain_call

    go(lambda: explain_call(call, root, json), json=json)


@policy.command("simulate")
def policy_simulate(
    against: Annotated[str, typer.Option(metavar="RUNS", help="Execution ids, separated by commas, or all.")] = "all",
    root: RootOption = None,
    json: JsonOption = False,
) -> None:
    """Judge recorded decisions again under other policies, and show what would differ."""
    from app.policy_commands import simulate_runs

    go(lambda: simulate_runs(against, root, json), json=json)


effects = typer.Typer(help="What was done to the world, and what nobody knows.", rich_markup_mode=None)


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

    go(lambda: list_effects(execution, json), json=json)


@effects.command("settle")
def effects_settle(
    key: Annotated[str, typer.Argument(metavar="KEY", help="As `clearance effects` lists it.")],
    outcome: Annotated[Literal["done", "not-done"], typer.Argument(help="What you found out.")],
    reason: Annotated[str, typer.Option(metavar="TEXT", help="How you know; it is recorded.")],
) -> None:
    """Say what became of an effect of unknown outcome. For those who may approve its tool's use."""
    from app.effects_commands import settle_effect

    go(lambda: settle_effect(key, outcome == "done", reason))


audit = typer.Typer(help="What was recorded, and proof that it holds.", no_args_is_help=True, rich_markup_mode=None)


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

    go(lambda: verify_bundle_command(bundle, head, key, json) if bundle else verify_command(head, json), json=json)


@audit.command("show")
def audit_show(run: RunArgument, json: JsonOption = False) -> None:
    """Tell who asked, what was decided by which rules, who approved it, and what came of it."""
    from app.audit_commands import show_command

    go(lambda: show_command(run, json), json=json)


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

    go(lambda: export_command(run, out, format))


@audit.command("head")
def audit_head(out: FileOption = None) -> None:
    """Sign where the ledger ends now, to be held elsewhere."""
    from app.audit_commands import head_command

    go(lambda: head_command(out))


budgets = typer.Typer(help="What runs may spend, and what is left of it.", invoke_without_command=True, rich_markup_mode=None)


@budgets.callback()
def budgets_show(
    context: typer.Context,
    run: Annotated[str, typer.Option(metavar="RUN", help="Show this execution's (or thread's) own budgets as well.")] = "",
    json: JsonOption = False,
) -> None:
    """Show limits, used, reserved and left: of your day, your organisation's day, and a run."""
    from app.budget_commands import show

    if context.invoked_subcommand is None:
        go(lambda: show(run, json), json=json)


@budgets.command("raise")
def budgets_raise(
    run: RunArgument,
    unit: Annotated[str, typer.Argument(help="tokens, money, tool_calls or model_calls")],
    amount: Annotated[float, typer.Argument(help="How much more; money in US dollars.")],
    scope: Annotated[str, typer.Option(help="run, user or org: whose budget; the days are those of the run's user.")] = "run",
) -> None:
    """Raise a budget of a run, or of the day of whoever it acts for. Takes the role of a budget owner."""
    from app.budget_commands import raise_budget

    go(lambda: raise_budget(run, unit, amount, scope))


workflow = typer.Typer(help="Plans kept under a name, to be run again.", no_args_is_help=True, rich_markup_mode=None)
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

    go(lambda: save(name, run, parameter or [], wait or []))


@workflow.command("list")
def workflow_list(json: JsonOption = False) -> None:
    """List the workflows: newest version, parameters, goal."""
    from app.workflow_commands import every

    go(lambda: every(json), json=json)


VersionOption = Annotated[int | None, typer.Option("--version", min=1, help="Without it, the newest.")]


@workflow.command("show")
def workflow_show(name: NameArgument, version: VersionOption = None, json: JsonOption = False) -> None:
    """Show a version's steps, parameters and waits."""
    from app.workflow_commands import show

    go(lambda: show(name, version, json), json=json)


@workflow.command("compare")
def workflow_compare(
    name: NameArgument,
    old: Annotated[int, typer.Argument(min=1)],
    new: Annotated[int, typer.Argument(min=1)],
    json: JsonOption = False,
) -> None:
    """Say what is different between two versions."""
    from app.workflow_commands import differences

    go(lambda: differences(name, old, new, json), json=json)


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

    go(lambda: run_workflow(name, version, set_ or [], Options(approve, json, out, False, yes)), json=json)


@workflow.command("remove")
def workflow_remove(name: NameArgument) -> None:
    """Forget a workflow, all its versions. What was run stays."""
    from app.workflow_commands import remove

    go(lambda: remove(name))


keys = typer.Typer(help="The service's API keys.", no_args_is_help=True, rich_markup_mode=None)


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

    go(lambda: create(name, user, org, role or [], machine))


@keys.command("list")
def keys_list() -> None:
    """List the keys, never their secrets."""
    from app.key_commands import every

    go(every)


@keys.command("revoke")
def keys_revoke(key_id: Annotated[str, typer.Argument(help="As `keys list` shows it.")]) -> None:
    """Stop a key from working, at once."""
    from app.key_commands import revoke

    go(lambda: revoke(key_id))


GROUPS: dict[str, typer.Typer] = {
    "approvals": approvals,
    "model": model,
    "policy": policy,
    "effects": effects,
    "audit": audit,
    "budgets": budgets,
    "fleet": fleet,
    "workflow": workflow,
    "keys": keys,
}
