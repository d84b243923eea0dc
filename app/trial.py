"""A live model on trial: what its endpoint can do, then a dozen goals on the sample company, within a limit of cost.

The domain brings the goals and the company (`app/<domain>/trial.py`). Approvals are left pending: nothing is decided for anybody.
`model_commands.py` calls `try_model` and shows what comes back.
"""

import asyncio
import importlib
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from statistics import median
from typing import Any

from app.runner import Outcome, Runner, open_runner
from models.budget import Budget, CostLimit
from models.capabilities import Capabilities, path_for, save
from models.consent import api_key
from models.factory import live_model
from models.metered import Meter, MeteredModel, Spent
from models.price import Price
from models.probe import Probe, Tried
from models.recording import Head, Recording
from settings import Settings


class NoTrial(RuntimeError):
    """There is nothing to try a model on, or no limit can be kept; the message says what to do."""


@dataclass(frozen=True)
class Goal:
    """A goal and what makes it pass: how the run ends, products that are made, others that are not, settings of the plan.

    An answer passes only if it cites a figure of one of the products.
    """

    text: str
    status: str = "success"
    products: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    settings: Mapping[str, str] = field(default_factory=dict)

    def wrong(self, outcome: Outcome) -> str:
        """Why an outcome does not pass; empty if it does."""
        if outcome.status != self.status:
            return f"it ended as {outcome.status}, not as {self.status}: {outcome.message[:120]}".rstrip(": ")
        made = {product for step in outcome.steps for product in ((step["result"] or {}).get("data") or {})}
        if missing := [product for product in self.products if product not in made]:
            return f"it made no {', '.join(missing)}"
        if extra := [product for product in self.without if product in made]:
            return f"it made {', '.join(extra)}, which was not wanted"
        plan = (outcome.plan or {}).get("steps", [])
        for name, value in self.settings.items():
            if not any(step["settings"].get(name) == value for step in plan):
                return f"no step has {name} = {value}"
        if outcome.answer and outcome.answer.status != "complete":
            return f"the answer is {outcome.answer.status}: {'; '.join(outcome.answer.missing)[:120]}"
        cited = {citation["ref"].split(".")[1] for citation in outcome.citations}
        return "" if outcome.status != "success" or cited & set(self.products) else "no figure of its products is cited"


@dataclass(frozen=True)
class Row:
    """How one goal went. `why` when it did not pass. `seconds` for the whole goal, `call_seconds` the median of its model calls."""

    goal: str
    result: str  # pass | fail | stopped
    why: str
    calls: int
    sent: int
    given: int
    cost: float
    seconds: float
    call_seconds: float


@dataclass(frozen=True)
class Result:
    """A whole trial. `spent` in dollars, probes included. The paths are where its capabilities and recording were written."""

    model: str
    host: str
    tried: tuple[Tried, ...]
    rows: tuple[Row, ...]
    spent: float
    limit: float
    capabilities: Path
    recording: Path

    @property
    def passed(self) -> bool:
        return all(row.result == "pass" for row in self.rows)


@dataclass(frozen=True)
class Trial:
    """A domain's part: the goals, what fills a home with the sample company, and the tokens (in, out) that all of it takes."""

    goals: tuple[Goal, ...]
    fill: Callable[[Settings], None]
    tokens: tuple[int, int]


def load_trial(domain: str) -> Trial:
    """The domain's trial. Raises `NoTrial` if it has none."""
    name = f"app.{domain}.trial"
    try:
        found: Trial = importlib.import_module(name).TRIAL
    except ModuleNotFoundError as error:
        if not name.startswith(str(error.name)):
            raise
        raise NoTrial(f"the domain {domain!r} has no goals to try a model on: add app/{domain}/trial.py") from error
    return found


async def try_model(
    settings: Settings, host: str, limit: float, trial: Trial, on_row: Callable[[Row | Tried], None] = lambda _: None
) -> Result:
    """Probe the endpoint that `settings` name, then run every goal in a temporary home. `on_row` is told of each as it is known.

    Capabilities and recording are written under `settings.home`, also when the trial is cut short. Raises `NoTrial` without a
    price, `EndpointFailed`, `NoTools`.
    """
    price = Price.of(settings.model_price)
    if price is None:
        raise NoTrial(
            "without a price no limit of cost can be kept: set CLEARANCE_MODEL_PRICE to the US dollars for a million input and "
            "output tokens, such as 2.50/10 (0/0 for a model of your own)"
        )
    head = Head(settings.model, host, date.today().isoformat())
    recording = Recording(head, secrets=[api_key(settings)])
    meter = Meter(Budget(price, limit, settings.model_output), recording)
    place = path_for(settings.home, settings.model, host, ".jsonl")
    try:
        unknown = await asyncio.to_thread(live_model, settings, Capabilities(model=settings.model, host=host))
        probed = await Probe(unknown, meter, host).run()
        for tried in probed.tried:
            on_row(tried)
        written = await asyncio.to_thread(save, settings.home, probed.capabilities)
        model = MeteredModel(inner=live_model(settings, probed.capabilities), meter=meter)
        rows = await _run_goals(settings, trial, model, on_row)
    finally:
        await asyncio.to_thread(recording.write, place)
    return Result(settings.model, host, probed.tried, rows, meter.budget.spent, limit, written, place)


async def _run_goals(
    settings: Settings, trial: Trial, model: MeteredModel, on_row: Callable[[Row | Tried], None]
) -> tuple[Row, ...]:
    rows: list[Row] = []
    with tempfile.TemporaryDirectory(prefix="clearance-trial-") as folder:
        own = settings.model_copy(update={"home": Path(folder), "database_url": "", "records_url": ""})
        await asyncio.to_thread(trial.fill, own)
        async with open_runner(own, model=model) as runner:
            for goal in trial.goals:
                if model.meter.budget.stopped:
                    row = Row(goal.text, "stopped", "the limit of cost was reached before it", 0, 0, 0, 0.0, 0.0, 0.0)
                else:
                    row = await _run_goal(runner, goal, model.meter)
                rows.append(row)
                on_row(row)
    return tuple(rows)


async def _run_goal(runner: Runner, goal: Goal, meter: Meter) -> Row:
    first, before, began = len(meter.calls), meter.budget.spent, time.monotonic()
    result, why = "pass", ""
    try:
        why = goal.wrong(await runner.run(goal.text))
    except CostLimit as limit:
        why = str(limit)
    except Exception as error:  # a goal may fail in any way: the others are tried all the same, and the table says why
        why = f"{type(error).__name__}: {error}"[:300]
    if why:
        result = "fail"
    if meter.budget.stopped:
        result, why = "stopped", "the limit of cost was reached in it"
    calls = meter.calls[first:]
    return Row(
        goal=goal.text,
        result=result,
        why=why,
        calls=len(calls),
        **_tokens(calls),
        cost=meter.budget.spent - before,
        seconds=round(time.monotonic() - began, 2),
        call_seconds=round(median(call.seconds for call in calls), 3) if calls else 0.0,
    )


def _tokens(calls: list[Spent]) -> dict[str, Any]:
    return {"sent": sum(call.sent for call in calls), "given": sum(call.given for call in calls)}
