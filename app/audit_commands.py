"""`clearance audit …`: is the record sound, what does it say of a run, and that to take away. Called by `cli.py` only.

Each function returns the exit code: 0, or 1 where the record does not hold.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.console import Console

from app.audit import Audit, open_audit
from app.audit_bundle import check_bundle, read_bundle
from app.audit_story import Story
from app.cloud_events import cloud_event
from app.text import reveal, shorten
from governance.decisions import Record
from governance.heads import read_heads
from governance.ledger_check import Fault
from governance.signing import KEY_FILE, signer_for
from settings import Settings

ARGS = 120  # characters of a call's arguments that are shown
HUES = {"deny": "red", "denied": "red", "error": "red", "unknown": "bold red", "approve": "yellow"}


def verify_command(head: Path | None, as_json: bool) -> int:
    """Say whether the ledger holds and the tables agree with it, and everything that does not."""

    async def go(audit: Audit) -> int:
        found = await audit.verify(head)
        if as_json:
            print(json.dumps({"sound": not found.faults, **asdict(found)}, ensure_ascii=False))
            return 1 if found.faults else 0
        console = _with_faults(found.faults)
        told = ", ".join(f"{org}: {count}" for org, count in found.entries.items()) or "none"
        erased = f"Arguments and results erased: {found.erased}"
        console.print(f"Entries: {told}. Signed heads that hold: {found.signatures}. {erased}.")
        for org, count in found.unsigned.items():
            console.print(f"{org}: {count} entries came after the last signed head; only the chain vouches for them.")
        if not found.faults:
            console.print("The ledger holds: no entry was changed, removed, moved or put in.", style="green")
            console.print("Approvals, effects, plans and results say what the ledger says.", style="green")
        if head is None:
            console.print("A cut end shows for sure only against a head held elsewhere: --head FILE.", style="dim")
        return 1 if found.faults else 0

    return _run(go)


def verify_bundle_command(path: Path, head: Path | None, key: str | None, as_json: bool) -> int:
    """Say whether an exported bundle holds, without any database. Trusted are `key`, the keys of held heads, else this home's."""
    settings = Settings()
    own = [signer_for(settings).key] if not (key or head) and (settings.home / KEY_FILE).exists() else []
    found = check_bundle(read_bundle(path), [key.lower()] if key else own, read_heads(head) if head else ())
    if as_json:
        print(json.dumps({"sound": not found.faults, **asdict(found)}, ensure_ascii=False))
        return 1 if found.faults else 0
    console = _with_faults(found.faults)
    console.print(f"Run {found.run}, exported {found.made_at}, signed with {found.key}.", markup=False, soft_wrap=True)
    console.print(
        f"Executions: {found.executions}. Events: {found.events}. Heads: {found.heads}. Arguments erased: {found.erased}."
    )
    for version in found.unread:
        console.print(f"The text of the policies {version} is not in it.")
    if not found.faults:
        console.print("The bundle holds: it is what was signed, and all it says is what its events say.", style="green")
    return 1 if found.faults else 0


def _with_faults(faults: Sequence[Fault]) -> Console:
    console = Console(highlight=False)
    for fault in faults:
        console.print(f"✗ {fault}", style="bold red", markup=False, soft_wrap=True)
    return console


def show_command(run: str, as_json: bool) -> int:
    """Tell what was recorded of a run."""

    async def go(audit: Audit) -> int:
        stories = await audit.stories(run)
        if as_json:
            print(json.dumps([[asdict(one) for one in story.records] for story in stories], ensure_ascii=False))
            return 0
        console = Console(highlight=False)
        for story in stories:
            _tell(console, story)
        return 0

    return _run(go)


def export_command(run: str, out: Path | None, form: str = "bundle") -> int:
    """Write a run's signed bundle, or its events as CloudEvents, or print it."""

    async def go(audit: Audit) -> int:
        if form == "cloudevents":
            events = [cloud_event(entry) for story in await audit.stories(run) for entry in story.entries]
            _write(events, out)
        else:
            _write([(await audit.bundle(run)).as_dict()], out, indent=1)
        return 0

    return _run(go)


def head_command(out: Path | None) -> int:
    """Write the signed heads, one a line, or print them."""

    async def go(audit: Audit) -> int:
        _write([head.as_dict() for head in audit.heads()], out)
        return 0

    return _run(go)


def _run(go: Callable[[Audit], Awaitable[int]]) -> int:
    async def whole() -> int:
        async with open_audit(Settings()) as audit:
            return await go(audit)

    return asyncio.run(whole())


def _write(values: Iterable[Mapping[str, Any]], out: Path | None, indent: int | None = None) -> None:
    """JSON, one value a line unless indented."""
    text = "".join(f"{json.dumps(one, ensure_ascii=False, indent=indent)}\n" for one in values)
    if out is None:
        print(text, end="")
    else:
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(text, encoding="utf-8")
        print(f"Written to {out}.")


def _tell(console: Console, story: Story) -> None:
    own = story.execution
    console.print(f"\nExecution {own.id} of thread {own.thread_id}: {own.status}", style="bold", markup=False)
    console.print(f"  asked by {own.requester.user} of {own.requester.org} on {own.today}: {reveal(own.goal)}", markup=False)
    for rev, plan in story.plans.items():
        console.print(f"  plan {rev} ({plan['cause']}): {len(plan['steps'])} steps", markup=False)
    console.print(f"  model {', '.join(story.models) or 'none'} · policy {', '.join(story.policies) or 'none'}", markup=False)
    calls: dict[tuple[str, str, str], list[Record]] = {}
    for one in story.records:
        if one.phase in ("plan", "step"):  # told above and below, as a whole
            continue
        calls.setdefault((one.step_id, one.tool, one.args_digest), []).append(one)
    for (step, tool, args), records in calls.items():
        head = reveal(f"{step}  {records[0].agent}: {tool}({_arguments(story, args)})")
        console.print(f"\n  {head}", markup=False, soft_wrap=True)
        for one in records:
            why = "; ".join(_why(one))
            line = f"{one.seq:>7}  {one.at[11:19]}  {one.phase}: {one.outcome}{f' ({why})' if why else ''}"
            console.print(reveal(line), style=HUES.get(one.outcome), markup=False, soft_wrap=True)
    console.print()
    for effect in story.effects:
        by = f", approval {effect.approval_id}" if effect.approval_id else ""
        console.print(f"  effect {effect.tool} of {effect.step_id}: {effect.state}{by}", markup=False)
    console.print(f"  outcome: {_outcome(story)}", markup=False)


def _arguments(story: Story, args_digest: str) -> str:
    args = story.args.get(args_digest)
    if args is None:
        return "erased"
    return shorten(", ".join(f"{name}={value}" for name, value in args.items() if value not in (None, "", [])), ARGS)


def _why(one: Record) -> Iterator[str]:
    if one.phase in ("decided", "violation", "outcome") and one.rules and one.outcome != "ok":
        yield f"rule {', '.join(one.rules)}"
    if one.phase == "vote":
        yield f"by {one.user}"
    if one.approvers and one.phase != "outcome":
        who = ", ".join(one.approvers)
        yield {"intent": f"approved by {who}", "vote": f"as {who}"}.get(one.phase, f"asks {who}")
    yield from one.reasons if one.outcome != "allow" else ()
    yield from [one.error] if one.error else ()
    yield from [f"{one.ms:g} ms"] if one.ms is not None else ()


def _outcome(story: Story) -> str:
    ended: dict[str, str] = {one.step_id: one.status for one in story.attempts}
    counts = {status: list(ended.values()).count(status) for status in dict.fromkeys(ended.values())}
    return ", ".join(f"{count} steps {status}" for status, count in counts.items()) or "nothing was carried out"
