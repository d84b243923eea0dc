"""`clearance model …`: what a person sees of a live model on trial. Called by `cli.py` only; returns the exit code."""

import asyncio
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict

from rich.console import Console
from rich.table import Table

from app.running import Options, consent, consoles
from app.trial import Result, Row, Trial, load_trial, try_model
from models.consent import host as host_of
from models.offline import OfflineModel
from models.price import Price
from models.probe import Tried
from models.server import offline_app
from models.serving import served
from settings import Settings

HOW = (
    "no live model is configured. Set CLEARANCE_MODEL to its name, CLEARANCE_MODEL_API_KEY to a key, CLEARANCE_MODEL_BASE_URL "
    "to its endpoint (leave it out for OpenAI's own) and CLEARANCE_MODEL_PRICE to what a million input/output tokens cost, "
    "such as 2.50/10. To see how a trial looks without a key: clearance model try --offline"
)
LOOKS = {"pass": "[green]✓ pass[/]", "fail": "[bold red]✗ fail[/]", "stopped": "[yellow]■ stopped[/]"}


class NoModel(RuntimeError):
    """No live model is configured; the message says how to."""


def try_command(limit: float, offline: bool, options: Options) -> int:
    """Try the configured model, or the offline one over a socket. 0 when every goal passed, else 1."""
    settings, console = Settings(), consoles(options)
    trial = load_trial(settings.domain)
    if not offline and not settings.model:
        raise NoModel(HOW)
    with _endpoint(settings, offline) as (own, host):
        if not offline:
            _say_what_it_costs(console, own, trial, limit)
            consent(own, options, console)
        result = asyncio.run(try_model(own, host, limit, trial, _progress(console)))
    if options.json:
        print(json.dumps({**asdict(result), "passed": result.passed}, ensure_ascii=False, default=str))
    else:
        _show(console, result)
    return 0 if result.passed else 1


@contextmanager
def _endpoint(settings: Settings, offline: bool) -> Iterator[tuple[Settings, str]]:
    """The settings to use, and how the host is called. The offline model costs nothing unless a price is set to try the limit."""
    if not offline:
        yield settings, host_of(settings)
        return
    model = OfflineModel()
    with served(offline_app(model)) as url:
        own = {"model": model.model_name, "model_base_url": url, "model_price": settings.model_price or "0/0"}
        yield settings.model_copy(update=own), "this machine"


def _say_what_it_costs(console: Console, settings: Settings, trial: Trial, limit: float) -> None:
    if price := Price.of(settings.model_price):
        about = price.cost(*trial.tokens)
        console.print(
            f"Trial of {settings.model}: {len(trial.goals)} goals on a generated company, about ${about:.2f}; "
            f"it stops before ${limit:.2f} would be passed."
        )


def _progress(console: Console) -> Callable[[Row | Tried], None]:
    def tell(one: Row | Tried) -> None:
        if isinstance(one, Row):
            console.print(f"  … {one.goal}", style="dim", markup=False)

    return tell


def _show(console: Console, result: Result) -> None:
    console.print(f"\n{result.model} at {result.host}", style="bold", markup=False)
    probes = Table(box=None, header_style="bold")
    for name in ("The endpoint", "", "What was seen"):
        probes.add_column(name)
    for one in result.tried:
        probes.add_row(one.name, "[green]✓[/]" if one.ok else "[yellow]–[/]", one.seen.replace("[", r"\["))
    console.print(probes)
    goals = Table(box=None, header_style="bold")
    goals.add_column("Goal", ratio=1)
    goals.add_column("Result", no_wrap=True)
    for name in ("Calls", "Tokens in", "out", "Cost", "Seconds", "a call"):
        goals.add_column(name, justify="right", no_wrap=True)
    for row in result.rows:
        goals.add_row(
            row.goal,
            LOOKS[row.result],
            str(row.calls),
            f"{row.sent:,}",
            f"{row.given:,}",
            f"${row.cost:.4f}",
            f"{row.seconds:.1f}",
            f"{row.call_seconds:.2f}",
        )
    rows = result.rows
    goals.add_section()
    goals.add_row(
        "All goals",
        f"{sum(row.result == 'pass' for row in rows)} of {len(rows)}",
        str(sum(row.calls for row in rows)),
        f"{sum(row.sent for row in rows):,}",
        f"{sum(row.given for row in rows):,}",
        f"${sum(row.cost for row in rows):.4f}",
        f"{sum(row.seconds for row in rows):.1f}",
        "",
    )
    console.print(goals)
    for row in rows:
        if row.why:
            console.print(f"{row.result}: {row.goal}: {row.why}", style="yellow", markup=False)
    console.print(f"\nSpent ${result.spent:.4f} with the probes; the limit was ${result.limit:.2f}.")
    console.print(f"What it can do: {result.capabilities}", markup=False, soft_wrap=True)
    console.print(f"Recording (no key, secrets and addresses redacted): {result.recording}", markup=False, soft_wrap=True)
