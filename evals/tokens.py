"""`python -m evals.tokens`: how many tokens the flagship and the trial of a live model take, by role.

Everything runs over a real socket against the served offline model, with every approval given. Tokens are what that endpoint
counts: four characters of messages, tool calls, tools and answers each. It says what Clearance sends; a live model's own
tokenizer, wordier answers, reasoning and second tries come on top. `models/consent.py` (FLAGSHIP_TOKENS) and the domain's trial
(`app/<domain>/trial.py`) hold the figures that were measured.
"""

import asyncio
import tempfile
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

from app.runner import Runner, open_runner
from app.trial import Trial, load_trial
from models.budget import Budget
from models.capabilities import Capabilities
from models.factory import live_model
from models.metered import Meter, MeteredModel
from models.offline import OfflineModel
from models.price import Price
from models.recording import Head, Recording
from models.server import offline_app
from models.serving import served
from settings import Settings

Work = Callable[[Runner, Trial], Awaitable[None]]


@dataclass
class Roles:
    """The models of all roles, each with a meter of its own."""

    settings: Settings
    models: dict[str, MeteredModel] = field(default_factory=dict)

    def model_for(self, role: str) -> MeteredModel:
        if role not in self.models:
            budget, recording = Budget(Price(0, 0), 0), Recording(Head(self.settings.model, "this machine", ""))
            live = live_model(self.settings, Capabilities(model=self.settings.model, host="this machine"))
            self.models[role] = MeteredModel(inner=live, meter=Meter(budget, recording))
        return self.models[role]

    def rows(self) -> list[tuple[str, int, int, int]]:
        """Role, calls, input and output tokens."""
        met = [(role, model.meter.calls) for role, model in self.models.items() if model.meter.calls]
        return [(role, len(calls), sum(c.sent for c in calls), sum(c.given for c in calls)) for role, calls in met]


async def flagship(runner: Runner, trial: Trial) -> None:
    """The trial's first goal, every approval given."""
    outcome = await runner.run(trial.goals[0].text)
    while outcome.status == "interrupted":
        for row in await runner.pending(outcome.thread_id):
            await runner.vote(row.id, "approve")
        outcome = await runner.resume(outcome.thread_id)
    if outcome.status != "success":
        raise RuntimeError(f"the flagship ended as {outcome.status}: {outcome.message}")


async def every_goal(runner: Runner, trial: Trial) -> None:
    """All goals of the trial, no approval given."""
    for goal in trial.goals:
        await runner.run(goal.text)


async def measure(url: str, name: str, work: Work) -> None:
    """Run `work` on the sample company in a home of its own, and print what each role took."""
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(home=Path(folder), model=OfflineModel().model_name, model_base_url=url)
        trial, roles = load_trial(settings.domain), Roles(settings)
        await asyncio.to_thread(trial.fill, settings)
        async with open_runner(settings, model=roles.model_for) as runner:
            await work(runner, trial)
    rows = roles.rows()
    print(f"{name:<24}{'calls':>8}{'in':>10}{'out':>10}")
    for role, calls, sent, given in rows:
        print(f"  {role:<22}{calls:>8,}{sent:>10,}{given:>10,}")
    print(f"  {'all':<22}{sum(r[1] for r in rows):>8,}{sum(r[2] for r in rows):>10,}{sum(r[3] for r in rows):>10,}\n")


async def main() -> None:
    with served(offline_app(OfflineModel())) as url:
        await measure(url, "flagship, approved", flagship)
        await measure(url, "trial", every_goal)


if __name__ == "__main__":
    asyncio.run(main())
