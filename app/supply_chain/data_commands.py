"""`clearance data`: fill the system of record with your files or the generated company, and say what is in it.

Exit codes: 0 done, 1 failed (with what to do), 2 wrong usage. Mounted by `app.cli`; takes its own `Settings`.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Annotated

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

data = typer.Typer(name="data", help="Fill the system of record, and see what is in it.", no_args_is_help=True)

Replace = Annotated[bool, typer.Option("--replace", help="First delete every record that is there, cases too.")]
Import = Callable[[Tell], ImportReport]


@data.command("import")
def import_files(
    scms: Annotated[Path | None, typer.Option(metavar="FILE", help="Order lines: SCMS delivery history.")] = None,
    sites: Annotated[Path | None, typer.Option(metavar="FILE", help="Country of each manufacturing site.")] = None,
    wgi: Annotated[Path | None, typer.Option(metavar="FILE", help="Worldwide Governance Indicators.")] = None,
    sdn: Annotated[Path | None, typer.Option(metavar="FILE", help="OFAC sanctions list, without a header line.")] = None,
    sdn_date: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d"], help="The day of the sanctions list, when its file name does not say it."),
    ] = None,
    orders: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Your own order lines: CSV, TSV or .xlsx with columns of your own.")
    ] = None,
    propose: Annotated[bool, typer.Option("--map", help="Propose which column of --orders is what, and ask.")] = False,
    map_file: Annotated[Path | None, typer.Option(metavar="FILE", help="A confirmed mapping for --orders (JSON).")] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Take the proposed mapping as it is.")] = False,
    sheet: Annotated[str | None, typer.Option(metavar="NAME", help="The sheet of the workbook in --orders.")] = None,
    rate: Annotated[
        list[str] | None, typer.Option(metavar="CODE=USD", help="US dollars for one of a currency, such as EUR=1.08.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Where rejected rows and proposals go; else under CLEARANCE_HOME.")
    ] = None,
    replace: Replace = False,
) -> None:
    """Import your own order lines or publishers' CSV files; the same file twice changes nothing.

    `clearance data sources` says where to get the publishers' files.
    """
    given = {"scms": scms, "sites": sites, "wgi": wgi, "sdn": sdn}
    paths = {name: path for name, path in given.items() if path is not None}
    if not paths and not orders:
        raise typer.BadParameter("name at least one file: --orders, --scms, --sites, --wgi or --sdn", param_hint="import")
    if not orders and (propose or map_file or yes or sheet or rate):
        raise typer.BadParameter(
            "--map, --map-file, --yes, --sheet and --rate are about --orders: give it too", param_hint="import"
        )
    if orders and scms:
        raise typer.BadParameter("--scms and --orders are both order lines: give one of them", param_hint="--orders")
    if sdn_date and not sdn:
        raise typer.BadParameter("--sdn-date says of which day the list in --sdn is: give both", param_hint="--sdn-date")
    rates = own_data.rates_of(rate or [])
    with _records() as records:
        for name, path in paths.items():
            check_columns(path, SOURCES[name])  # all of them before the first is written, or anything is deleted
        if orders:
            place = out or own_data.default_out(Settings())
            asked = own_data.OwnFile(orders, propose, map_file, yes, sheet, rates, place)
            _import_own(records, asked, replace)
        elif replace:
            clear(records.writing)
        day = sdn_date.date() if sdn_date else None
        for name, path in paths.items():
            run = {
                "scms": partial(import_scms, records.writing, path),
                "sites": partial(import_sites, records.writing, path),
                "wgi": partial(import_wgi, records.writing, path),
                "sdn": partial(import_sdn, records.writing, path, list_date=day),
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


@data.command()
def mappings(
    forget: Annotated[
        str | None, typer.Option(metavar="FINGERPRINT", help="Forget this one: its header is asked for again.")
    ] = None,
) -> None:
    """List the column mappings that were confirmed, or forget one."""
    console = Console()
    with _records() as records:
        if forget:
            if not own.forget(records.writing, forget):
                _fail(f"there is no mapping {forget}: `clearance data mappings` lists them")
            console.print(f"{forget} is forgotten.", highlight=False, markup=False)
            return
        for one in own.remembered(records.reading):
            console.print(f"{one.mapping.fingerprint}  {one.at:%Y-%m-%d %H:%M} UTC  {one.path}", highlight=False, markup=False)
            for name, at in one.mapping.columns.items():
                said = f"  {ORDER_COLUMNS[name].title}: {reveal(at.column)}{f' ({at.format})' if at.format else ''}"
                console.print(said, highlight=False, markup=False)


@data.command()
def demo(
    seed: Annotated[int, typer.Option(help="Another seed gives other dates, amounts and delays.")] = 7,
    replace: Replace = False,
    if_empty: Annotated[bool, typer.Option("--if-empty", help="Do nothing when records are loaded already.")] = False,
) -> None:
    """Load the generated company: invented names, no files needed."""
    with _records() as records:
        if if_empty and loaded(records.reading).counts["order_lines"]:
            return
        if replace:
            clear(records.writing)
        _show(_with_progress("generated company", lambda tell: make_demo(records.writing, seed, tell)))
        _next(loaded(records.reading))


@data.command()
def sources() -> None:
    """Say which public records can be imported, who publishes them and where to get them."""
    console = Console()
    for source in SOURCES.values():
        console.print(f"[bold]--{source.name}[/]  {source.title}", soft_wrap=True, highlight=False)
        facts = {"publisher": source.publisher, "licence": source.licence, "where": source.where, "page": source.url}
        facts["columns"] = ", ".join(source.columns) if source.header else f"no header line; {source.width} fields a row"
        facts["tested on"] = "; ".join(f"{what}, sha256 {sha256}" for sha256, what in source.known.items())
        for name, fact in facts.items():
            if fact:
                console.print(f"  [dim]{name:<10}[/] {fact}", soft_wrap=True, highlight=False)


@data.command()
def status() -> None:
    """Say what is loaded: rows by table, from which files, over which period."""
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
