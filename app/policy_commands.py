"""`clearance policy …`: the policies as an operator sees them. Called by `cli.py` only; each command returns the exit code.

`root` is a folder laid out like `governance/policies`; without one, the policies in use.
"""

import asyncio
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from rich.console import Console
from rich.table import Table
from rich.text import Text

from app.policies import Call, Policies, problem
from app.runner import open_runner
from app.text import reveal
from governance import policy_tests
from governance.bundle import POLICIES, BadPolicy, load
from governance.decisions import Record
from governance.policy import Decision
from governance.policy_tests import Tested
from governance.simulate import Again, simulate
from governance.wording import spoken
from graphs.services import load_domain, registry_of
from settings import Settings

LOOKS = {"allow": "green", "approve": "yellow", "deny": "red"}
NOBODY = "no role"


class BadCall(ValueError):
    """The file of a call cannot be read; the message says what is wrong."""


class NoRuns(LookupError):
    """There are no recorded decisions to judge again."""


def check(root: Path | None, as_json: bool = False) -> int:
    """Every policy of the bundle, or what is wrong with one and where. 1 if something is."""
    try:
        found = _at(root)
        told = found.listed()
    except BadPolicy as error:
        if not as_json:
            raise
        return _say(problem(error), code=1)
    if as_json:
        return _say(told)
    bundle = found.bundle
    console, above = Console(highlight=False), ""
    for rule in bundle.rules.values():
        file, _, line = rule.where.partition(":")
        if file != above:
            console.print(file, style="bold")
            above = file
        outcome = rule.outcome or "allow"
        who = f"{rule.quorum} × {rule.approver}" if rule.quorum > 1 else rule.approver
        who += ", not who asked" * rule.separate + f"; in the end {', '.join(rule.escalate)}" * bool(rule.escalate)
        who = f" ({who})" if who else ""
        console.print(Text.assemble(f"{line:>5}  {rule.id}: ", (f"{outcome}{who}", LOOKS[outcome])), soft_wrap=True)
        if rule.reason:
            console.print(f"       {rule.reason}", markup=False, soft_wrap=True)
    console.print(
        f"{len(bundle.rules)} policies of {', '.join(found.domain.policies)} are valid; the bundle is {bundle.version}."
    )
    return 0


def test(root: Path | None, as_json: bool = False) -> int:
    """Run the tests that lie beside the policies, those of further folders too if they name the bundle that they are `under`.
    1 if one fails, or if there are none."""
    whole = _at(root)
    own, bundle, registry = whole.domain, whole.bundle, whole.registry
    root = root or POLICIES
    found: list[tuple[str, Tested]] = []
    for room in dict.fromkeys((*own.policies, *sorted(path.parent.name for path in root.glob(f"*/{policy_tests.NAME}")))):
        path = root / room / policy_tests.NAME
        cases = policy_tests.read(path) if path.is_file() else None
        if cases and (cases.under or room in own.policies):
            under = load(*cases.under, root=root) if cases.under else bundle
            found += [(room, one) for one in policy_tests.run(cases, under, registry.manifests())]
    failed = sum(bool(one.wrong) for _, one in found)
    code = 1 if failed or not found else 0
    if as_json:
        tests = [
            {
                "room": room,
                "that": one.case.that,
                "outcome": one.decision.outcome,
                "rules": one.decision.rules,
                "wrong": one.wrong,
            }
            for room, one in found
        ]
        return _say({"passed": len(found) - failed, "failed": failed, "tests": tests}, code)
    console, told = Console(highlight=False), ""
    for room, one in found:
        if room != told:
            console.print(room, style="bold")
            told = room
        look = Text("  ✗ ", "bold red") if one.wrong else Text("  ✓ ", "green")
        console.print(Text.assemble(look, one.case.that, (f": {one.wrong}" if one.wrong else "", "red")), soft_wrap=True)
    console.print(f"{len(found) - failed} passed, {failed} failed.")
    return code


def matrix(tainted: bool, as_json: bool = False) -> int:
    """Agent × tool × role: what comes of a call that the plan asks for, before or after text of others was read."""
    told = _at(None).matrix(tainted)
    if as_json:
        return _say(told)
    roles = told["roles"]
    rows = [(row["agent"], row["tool"], row["outcomes"]) for row in told["rows"]]
    table = Table(box=None, header_style="bold")
    table.add_column("Agent", no_wrap=True)
    table.add_column("Tool", no_wrap=True)
    alike: dict[tuple[str, ...], list[str]] = {}  # roles that every row decides alike share a column
    for role in roles:
        alike.setdefault(tuple(outcomes[role] for _, _, outcomes in rows), []).append(role)
    for several in alike.values():
        table.add_column(",\n".join(several).replace("-", "-\n"))
    for agent, tool, outcomes in rows:
        table.add_row(agent, tool, *(Text(outcomes[several[0]], LOOKS[outcomes[several[0]]]) for several in alike.values()))
    console = Console(highlight=False)
    console.print(table)
    console.print("After text that others can write was read." if tainted else "Before text that others can write was read.")
    return 0


def explain_call(path: Path, root: Path | None, as_json: bool = False) -> int:
    """One call: what comes of it, by which rules, with which labels, and what would change the answer."""
    call = _read(path)
    made, told = _at(root).explain(call)
    if as_json:
        return _say(told)
    rules = told["rules"]
    console = Console(highlight=False)
    console.print(Text.assemble(f"{call.tool}: ", _outcome(made)))
    for one in rules:
        where = f" ({one['where']})" if one["where"] else ""
        console.print(f"  {one['id']}: {one['reason']}{where}", markup=False, soft_wrap=True)
    for phrase in spoken(made.labels):
        console.print(f"  known: {reveal(phrase)}", style="dim", markup=False, soft_wrap=True)
    for change in told["changes"]:
        words = " and ".join(change["words"])
        outcome = "allowed" if change["outcome"] == "allow" else "asked about"
        console.print(f"  {outcome} if {words}", markup=False, soft_wrap=True)
    if not told["changes"] and made.outcome != "allow":
        console.print("  nothing about the call alone would change that", soft_wrap=True)
    return 0


def simulate_runs(against: str, root: Path | None, as_json: bool = False) -> int:
    """Recorded decisions under other policies; shows what would have come out otherwise. 0 whether or not something does."""
    whole = _at(root)
    engine, registry, bundle = whole.engine, whole.registry, whole.bundle

    async def go() -> tuple[Sequence[Again], int, int]:
        async with open_runner(Settings()) as runner:
            decisions = runner.services.decisions
            known = await decisions.executions()
            runs = known if against == "all" else [id.strip() for id in against.split(",")]
            if strange := [id for id in runs if id not in known]:
                raise NoRuns(f"nothing was decided in a run {strange[0]}; there is: {', '.join(known) or 'none yet'}")
            found = await simulate(runs, decisions, engine, registry)
            return found.again, len(found.lost), len(runs)

    again, lost, runs = asyncio.run(go())
    differing = [one for one in again if one.differs]
    if as_json:
        told = [{**_place(one.record), "was": _brief(one.record), "now": _brief(one.now)} for one in differing]
        return _say({"version": bundle.version, "runs": runs, "judged": len(again), "lost": lost, "differing": told})
    console = Console(highlight=False)
    for one in differing:
        then, now = one.record, one.now
        head = f"{then.execution_id[:8]} {then.step_id} {then.tool}: "
        console.print(Text.assemble(head, (then.outcome, LOOKS.get(then.outcome, "")), " → ", _outcome(now)), soft_wrap=True)
        console.print(f"  was: {', '.join(then.rules)}; would be: {', '.join(now.rules)}", style="dim", soft_wrap=True)
    console.print(f"{len(differing)} of {len(again)} decisions in {runs} runs would differ under {bundle.version}.")
    if lost:
        console.print(f"{lost} could not be judged again: their arguments were erased, or there is no such tool any more.")
    return 0


def _say(body: dict[str, Any], code: int = 0) -> int:
    """Print one JSON object; its keys are those of docs/policies.md."""
    print(json.dumps(body, ensure_ascii=False))
    return code


def _place(record: Record) -> dict[str, Any]:
    return {"execution_id": record.execution_id, "step_id": record.step_id, "tool": record.tool, "seq": record.seq}


def _brief(made: Record | Decision) -> dict[str, Any]:
    return {"outcome": made.outcome, "rules": made.rules, "approvers": made.approvers, "version": made.policy_version}


def _at(root: Path | None) -> Policies:
    """The bundle that the domain of the settings names."""
    settings = Settings()
    own = load_domain(settings.domain)
    return Policies(own, load(*own.policies, root=root or POLICIES), registry_of(own), settings)


def _outcome(decision: Decision) -> Text:
    people = f" ({', '.join(decision.approvers)})" if decision.outcome == "approve" else ""
    return Text(decision.outcome + people, LOOKS[decision.outcome])


def _read(path: Path) -> Call:
    try:
        return Call.model_validate(json.loads(path.read_text(encoding="utf-8")))
    except ValidationError as error:
        first = error.errors()[0]
        raise BadCall(f"{path}: {'.'.join(map(str, first['loc']))}: {first['msg']}") from error
    except (OSError, ValueError) as error:
        raise BadCall(f"{path} is no JSON file of a call: {error}") from error
