"""What `clearance data …` does: fills the system of record with your files or the generated company, and says what is in it.

Called by `data_commands.py`; takes its own `Settings`. A failure ends the command with a message and exit code 1.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import date
from functools import partial
from pathlib import Path

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from app.errors import explain, report
from app.supply_chain import own_data
from app.text import reveal
from settings import Settings
from tools.supply_chain.columns import ORDER_COLUMNS
from tools.supply_chain.demo import make_demo
from tools.supply_chain.importers import ImportReport, import_scms, import_sdn, import_sites, import_wgi, own
from tools.supply_chain.importers.report import Progress as Tell
from tools.supply_chain.importers.source_file import check_columns
from tools.supply_chain.sources import SOURCES
from tools.supply_chain.store import Loaded, SystemOfRecord, clear, loaded, open_records

Import = Callable[[Tell], ImportReport]


def import_files(paths: Mapping[str, Path], orders: own_data.OwnFile | None, sdn_date: date | None, replace: bool) -> None:
    """Import files by the name of their source, and order lines of one's own. All columns are checked before anything is written."""
    with _records() as records:
        for name, path in paths.items():
            check_columns(path, SOURCES[name])  # all of them before the first is written, or anything is deleted
        if orders:
            _import_own(records, orders, replace)
        elif replace:
            clear(records.writing)
        for name, path in paths.items():
            run = {
                "scms": partial(import_scms, records.writing, path),
                "sites": partial(import_sites, records.writing, path),
                "wgi": partial(import_wgi, records.writing, path),
                "sdn": partial(import_sdn, records.writing, path, list_date=sdn_date),
            }[name]
            _show(_with_progress(f"{name}: {path.name}", run))
        _next(loaded(records.reading))


def _import_own(records: SystemOfRecord, asked: own_data.OwnFile, replace: bool) -> None:
    """Import somebody's own order lines, remember how, and say what they can answer."""
    console = Console()
    mapping, proposal = own_data.settle(records.writing, asked)
    rejects = asked.out / f"{asked.path.stem}.rejects.csv"
    run = partial(
        own.import_orders, records.writing, asked.path, mapping, replace=replace, rejects=rejects, rows=proposal.profile.rows
    )
    done = _with_progress(f"orders: {asked.path.name}", lambda tell: run(progress=tell))
    own.remember(records.writing, mapping, asked.path)
    _show(done)
    if done.rejected:
        console.print(f"  rejected rows, with reasons: {rejects}", highlight=False, markup=False, soft_wrap=True)
    own_data.tell_coverage(console, mapping.answers)


def show_mappings() -> None:
    """The column mappings that were confirmed."""
    console = Console()
    with _records() as records:
        known = own.remembered(records.reading)
        if not known:
            console.print("No mapping was confirmed yet: clearance data import --orders FILE --map")
        for one in known:
            console.print(f"{one.mapping.fingerprint}  {one.at:%Y-%m-%d %H:%M} UTC  {one.path}", highlight=False, markup=False)
            for name, at in one.mapping.columns.items():
                said = f"  {ORDER_COLUMNS[name].title}: {reveal(at.column)}{f' ({at.format})' if at.format else ''}"
                console.print(said, highlight=False, markup=False)


def forget_mapping(fingerprint: str) -> None:
    """Forget one of them: its header is asked for again."""
    with _records() as records:
        if not own.forget(records.writing, fingerprint):
            _fail(f"there is no mapping {fingerprint}: `clearance data mappings` lists them")
    Console().print(f"{fingerprint} is forgotten.", highlight=False, markup=False)


def generate(seed: int, replace: bool, if_empty: bool) -> None:
    """Load the generated company."""
    with _records() as records:
        if if_empty and loaded(records.reading).counts["order_lines"]:
            return
        if replace:
            clear(records.writing)
        _show(_with_progress("generated company", lambda tell: make_demo(records.writing, seed, tell)))
        _next(loaded(records.reading))


def show_sources() -> None:
    """Which public records can be imported, who publishes them and where to get them."""
    console = Console()
    for source in SOURCES.values():
        console.print(f"[bold]--{source.name}[/]  {source.title}", soft_wrap=True, highlight=False)
        facts = {"publisher": source.publisher, "licence": source.licence, "where": source.where, "page": source.url}
        facts["columns"] = ", ".join(source.columns) if source.header else f"no header line; {source.width} fields a row"
        facts["tested on"] = "; ".join(f"{what}, sha256 {sha256}" for sha256, what in source.known.items())
        for name, fact in facts.items():
            if fact:
                console.print(f"  [dim]{name:<10}[/] {fact}", soft_wrap=True, highlight=False)


def show_status() -> None:
    """What is loaded: rows by table, from which files, over which period."""
    with _records() as records:
        found = loaded(records.reading)
        console = Console()
        table = Table("Table", "Rows", box=None)
        table.columns[1].justify = "right"
        for name, count in found.counts.items():
            table.add_row(name.replace("_", " "), f"{count:,}")
        console.print(table)
        for source in found.sources:
            console.print(
                f"{source.source}: {source.kept:,} rows from {source.path} (sha256 {source.sha256[:12]}…)", highlight=False
            )
        if found.first_day:
            console.print(f"orders of {found.first_day} to {found.last_day}", highlight=False)
        if found.first_indicator_year:
            console.print(f"indicators {found.first_indicator_year} to {found.last_indicator_year}", highlight=False)
        if found.sanctions_date:
            console.print(f"sanctions list of {found.sanctions_date}", highlight=False)
        _next(found)


@contextmanager
def _records() -> Iterator[SystemOfRecord]:
    """The system of record of this process's settings. Any error becomes one message and exit code 1."""
    home = Path(".clearance")
    try:
        settings = Settings()
        home = settings.home
        records = open_records(settings)
        try:
            yield records
        finally:
            records.close()
    except typer.Exit:
        raise
    except (KeyboardInterrupt, typer.Abort):
        _fail("stopped: the file that was being imported has left no trace; those before it are in")
    except Exception as error:  # the end of the line: whatever it is, people get a message and the log the traceback
        _fail(explain(error) or report(error, home))


def _fail(message: str) -> None:
    Console(stderr=True).print(f"[bold red]failed:[/] {_plain(message)}", highlight=False, soft_wrap=True)
    raise typer.Exit(1)


def _with_progress(title: str, run: Import) -> ImportReport:
    """Run an import under a bar on the error stream, so that standard output holds the report alone."""
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:>3.0f} %"), TimeElapsedColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task(_plain(title), total=None)
        return run(lambda done, total: bar.update(task, completed=done, total=total))


def _show(done: ImportReport) -> None:
    console = Console()
    console.print(
        f"[green]✓[/] {done.source}: {done.read:,} rows read, {done.kept:,} kept, {done.rejected:,} rejected", highlight=False
    )
    for rejection in done.rejections:
        console.print(f"  {rejection.count:,} × {_plain(rejection.reason)}, first {_plain(rejection.example)}", highlight=False)
    for note in done.notes:
        console.print(f"  note: {_plain(note)}", highlight=False)


def _next(found: Loaded) -> None:
    """What to do now."""
    console = Console()
    if not found.counts["order_lines"]:
        console.print(
            "There are no order lines: run `clearance data demo`, or `clearance data import --orders FILE --map`.",
            highlight=False,
        )
        return
    for part in found.missing:
        console.print(
            f"There is no {part}: questions about it will be answered without. See `clearance data sources`.", highlight=False
        )
    console.print('Next: clearance run "Analyze supplier risk across our logistics network"', highlight=False)


def _plain(text: str) -> str:
    """Text as it is: square brackets in it are no markup."""
    return text.replace("[", r"\[")
