"""`clearance workflow …` and `clearance event`: called by `cli.py` only; each command returns the exit code."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterable

from rich.console import Console

from app.runner import Runner, open_runner
from app.running import Options, program, run_goal, show_plan
from graphs.plan import Wait
from graphs.state import WorkflowRun
from graphs.waits import wait_of
from graphs.workflows import BadWorkflow, compare
from settings import Settings


class BadEvent(ValueError):
    """What an event is to carry is no JSON object."""


def save(name: str, run: str, parameters: list[str], waits: list[str]) -> int:
    """Keep a run's plan as the next version of a workflow."""
    wished = pairs(waits, "--wait", "STEP=WHAT")
    for what in wished.values():
        _check_wait(what)

    async def go(runner: Runner) -> int:
        saved = await runner.acts.save_workflow(name, run, parameters, wished)
        print(f"Saved as {saved.name}, version {saved.version}. Run it with:  {program()} workflow run {saved.name}")
        return 0

    return _run(go)


def every(as_json: bool) -> int:
    """List the workflows."""

    async def go(runner: Runner) -> int:
        found = await runner.services.workflows.every(runner.caller.org)
        if as_json:
            print(json.dumps([one.model_dump(mode="json") for one in found], ensure_ascii=False))
            return 0
        for one in found:
            takes = ", ".join(f"{p.name}={p.default}" if p.default else p.name for p in one.parameters)
            print(f"{one.name}  version {one.version}  {len(one.plan.steps)} steps  {takes or 'no parameters'}  {one.goal}")
        if not found:
            print(f"No workflow is saved yet:  {program()} workflow save NAME --run EXECUTION")
        return 0

    return _run(go)


def show(name: str, version: int | None, as_json: bool) -> int:
    """Show one version."""

    async def go(runner: Runner) -> int:
        one = await runner.services.workflows.get(runner.caller.org, name, version)
        if as_json:
            print(one.model_dump_json())
            return 0
        console = Console(highlight=False)
        console.print(f"{one.name}, version {one.version}: {one.goal}", style="bold", markup=False)
        console.print(f"saved by {one.saved_by} at {one.saved_at} from execution {one.saved_from}", style="dim", markup=False)
        for parameter in one.parameters:
            console.print(f"  --set {parameter.name}={parameter.default or '…'}", markup=False)
        show_plan(console, one.plan)
        for step in one.plan.steps:
            if step.wait:
                console.print(f"  {step.id} first waits {waiting(step.wait)}", markup=False)
        return 0

    return _run(go)


def differences(name: str, old: int, new: int, as_json: bool) -> int:
    """Say what is different between two versions."""

    async def go(runner: Runner) -> int:
        store, org = runner.services.workflows, runner.caller.org
        told = compare(await store.get(org, name, old), await store.get(org, name, new))
        if as_json:
            print(json.dumps(told, ensure_ascii=False))
            return 0
        for what in ("added", "dropped"):
            for id in told[what]:
                print(f"  {what:<8} {id}")
        for id, fields in told["changed"].items():
            for field, (before, after) in fields.items():
                print(f"  changed  {id}: {field} {before} → {after}")
        for what in ("parameters", "goal"):
            if told[what]:
                print(f"  {what}: {told[what][0]} → {told[what][1]}")
        if not any(told[what] for what in ("added", "dropped", "changed", "parameters", "goal")):
            print(f"Versions {old} and {new} of {name} are the same.")
        return 0

    return _run(go)


def run_workflow(name: str, version: int | None, values: list[str], options: Options) -> int:
    """Run a workflow on a thread of its own."""
    chosen: WorkflowRun = {"name": name, "parameters": pairs(values, "--set", "PARAMETER=VALUE")}
    if version:
        chosen["version"] = version
    return run_goal(f"Run the workflow {name}", options, None, chosen)


def remove(name: str) -> int:
    """Forget a workflow."""

    async def go(runner: Runner) -> int:
        await runner.acts.remove_workflow(name)
        print(f"{name} is forgotten.")
        return 0

    return _run(go)


def tell_event(name: str, run: str, data: str) -> int:
    """An event, said by the local user."""
    try:
        carried = json.loads(data)
    except ValueError as error:
        raise BadEvent(f"--data is no JSON ({error})") from error
    if not isinstance(carried, dict):
        raise BadEvent('--data must be an object, such as {"order": "4711"}')

    async def go(runner: Runner) -> int:
        found = await runner.services.waits.arrive(runner.caller.org, name, carried, runner.caller.user, execution_id=run)
        for id in found:
            execution = await runner.services.executions.get(id)
            assert execution
            print(f"Execution {id} may go on:  {program()} resume {execution.thread_id}")
        return 0

    return _run(go)


def waiting(wait: Wait) -> str:
    """A wait in words."""
    if wait.event:
        return f"for the event {wait.event}" + (f", {wait.within} at most" if wait.within else "")
    return f"for {wait.after}" if wait.after else f"until {wait.until}"


def pairs(said: Iterable[str], option: str, form: str) -> dict[str, str]:
    """`name=value` options. Raises `BadWorkflow`."""
    split = {one: one.partition("=") for one in said}
    if wrong := [one for one, (name, _, value) in split.items() if not name or not value]:
        raise BadWorkflow(f"{option} {wrong[0]}: write it as {form}")
    return {name.strip(): value.strip() for name, _, value in split.values()}


def _check_wait(text: str) -> None:
    try:
        wait_of(text)
    except ValueError as error:
        raise BadWorkflow(
            f"{text!r} is no wait: write 3d, 2027-01-31T09:00Z or event:NAME, with 'within 5d' if you like"
        ) from error


def _run(go: Callable[[Runner], Awaitable[int]]) -> int:
    async def whole() -> int:
        async with open_runner(Settings()) as runner:
            return await go(runner)

    return asyncio.run(whole())
