"""The commands `clearance data …`, for the help: what they take. What they do is in `filling.py`, imported when one of them runs.

Exit codes: 0 done, 1 failed (with what to do), 2 wrong usage. Mounted by `app.supply_chain.commands`.
"""

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from settings import Settings

data = typer.Typer(name="data", help="Fill the system of record, and see what is in it.", no_args_is_help=True)

Replace = Annotated[bool, typer.Option("--replace", help="First delete every record that is there, cases too.")]


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
    from app.supply_chain import filling, own_data

    place = out or own_data.default_out(Settings())
    asked = own_data.OwnFile(orders, propose, map_file, yes, sheet, own_data.rates_of(rate or []), place) if orders else None
    filling.import_files(paths, asked, sdn_date.date() if sdn_date else None, replace)


@data.command()
def mappings(
    forget: Annotated[
        str | None, typer.Option(metavar="FINGERPRINT", help="Forget this one: its header is asked for again.")
    ] = None,
) -> None:
    """List the column mappings that were confirmed, or forget one."""
    from app.supply_chain import filling

    filling.forget_mapping(forget) if forget else filling.show_mappings()


@data.command()
def demo(
    seed: Annotated[int, typer.Option(help="Another seed gives other dates, amounts and delays.")] = 7,
    replace: Replace = False,
    if_empty: Annotated[bool, typer.Option("--if-empty", help="Do nothing when records are loaded already.")] = False,
) -> None:
    """Load the generated company: invented names, no files needed."""
    from app.supply_chain import filling

    filling.generate(seed, replace, if_empty)


@data.command()
def sources() -> None:
    """Say which public records can be imported, who publishes them and where to get them."""
    from app.supply_chain import filling

    filling.show_sources()


@data.command()
def status() -> None:
    """Say what is loaded: rows by table, from which files, over which period."""
    from app.supply_chain import filling

    filling.show_status()
