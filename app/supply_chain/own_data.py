"""`clearance data import --orders`: somebody's own file. Shows the proposed mapping, asks, imports, says what it can answer.

Called by `filling`. On a terminal it asks; elsewhere it writes the proposal down and says how to confirm it.
"""

import sys
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path

import typer
from pydantic import ValidationError
from rich.console import Console
from rich.table import Table
from rich.text import Text

from app.text import reveal, shorten
from database import Database
from settings import Settings
from tools.supply_chain.columns import ORDER_COLUMNS, lacking
from tools.supply_chain.importers import own
from tools.supply_chain.importers.own.mapping import FORMATS, UNCLEAR
from tools.supply_chain.importers.source_file import ImportProblem

WAITING = 3


@dataclass(frozen=True)
class OwnFile:
    """What was asked for on the command line. `out` is where proposals and rejected rows go."""

    path: Path
    propose: bool
    mapping: Path | None
    yes: bool
    sheet: str | None
    rates: dict[str, Decimal]
    out: Path


def rates_of(given: list[str]) -> dict[str, Decimal]:
    """`EUR=1.08` → {"EUR": 1.08}. Raises `typer.BadParameter`."""
    found = {}
    for one in given:
        code, _, amount = one.partition("=")
        try:
            found[code.strip().upper()] = Decimal(amount.strip())
        except InvalidOperation:
            raise typer.BadParameter(f"{one!r} is no rate: write it like EUR=1.08", param_hint="--rate") from None
    return found


def default_out(settings: Settings) -> Path:
    return settings.home / "imports"


def settle(db: Database, asked: OwnFile) -> tuple[own.Mapping, own.Proposal]:
    """The confirmed mapping for the file: given, remembered, or proposed and confirmed. Raises `ImportProblem`, `typer.Exit`."""
    console = Console()
    sheet = asked.sheet
    given = own.read_mapping(asked.mapping) if asked.mapping else None
    proposal = own.propose(asked.path, sheet or (given.sheet if given else None))
    known = given or own.known(db, proposal)
    if given:
        mapping = _with_rates(given, asked)
    elif known:
        mapping = _with_rates(known, asked)
        console.print("Columns are mapped as confirmed before (`clearance data mappings` shows and forgets).", highlight=False)
    elif asked.propose:
        mapping = _with_rates(proposal.mapping, asked)
    else:
        raise ImportProblem(f"{asked.path}: nobody has said yet what its columns mean: add --map")
    if given is None and known is None:
        show(console, proposal, mapping)
        if not asked.yes:
            mapping = _confirmed(console, proposal, mapping, asked)
    return _answered(console, proposal, mapping, asked), proposal


def show(console: Console, proposal: own.Proposal, mapping: own.Mapping) -> None:
    """The mapping as a table: each column of the file, what it is taken for, how sure that is, a sample."""
    console.print(
        f"{proposal.table.path.name}: {proposal.profile.rows:,} rows, {proposal.table.form}", highlight=False, markup=False
    )
    table = Table("#", "Column", "Taken for", "Sure", "Read as", "Sample", box=None)
    taken = {at.column: (name, at.format) for name, at in mapping.columns.items()}
    for number, guess in enumerate(proposal.guesses, 1):
        name, form = taken.get(guess.column, ("", ""))
        sure = "you" if name and name != guess.name else f"{guess.confidence:.0%}" if name else ""
        cells = (str(number), guess.column, ORDER_COLUMNS[name].title if name else "(left out)", sure, form, guess.sample)
        table.add_row(*(Text(reveal(shorten(cell, 48))) for cell in cells))
    console.print(table)


def tell_coverage(console: Console, columns: frozenset[str]) -> None:
    """Which questions these columns can answer and which not."""
    from app.supply_chain.answering import answering  # imports much, and only this command needs it

    console.print("What these columns can answer:")
    for one in answering(columns):
        if one.needs:
            console.print(f"  ✗ {one.question}  needs: {', '.join(one.needs)}", highlight=False, markup=False)
        else:
            without = f"  (without {', '.join(one.without)})" if one.without else ""
            console.print(f"  ✓ {one.question}{without}", highlight=False, markup=False)


def _with_rates(mapping: own.Mapping, asked: OwnFile) -> own.Mapping:
    try:
        return mapping.with_rates(asked.rates)
    except ValidationError as error:
        raise ImportProblem(f"--rate: {error.errors()[0]['msg']}") from error


def _confirmed(console: Console, proposal: own.Proposal, mapping: own.Mapping, asked: OwnFile) -> own.Mapping:
    """The mapping as a person leaves it. Without a terminal: the proposal is written down, and exit code 3."""
    if not sys.stdin.isatty():
        _write_down(console, mapping, asked)
        tell = "Nothing was imported. To confirm, run this again with --yes"
        for question in own.questions(mapping, proposal.profile):
            console.print(f"To be answered: {question.text}", highlight=False, markup=False)
            tell = "Nothing was imported. Answer in that file (or --rate), and run this again with it"
        again = f"clearance data import --orders {asked.path} --map-file {_proposal_path(asked)}"
        console.print(f"{tell}, or change it and run:\n{again}", highlight=False, markup=False, soft_wrap=True)
        raise typer.Exit(WAITING)
    while True:
        said = typer.prompt("[c]onfirm, change column [number], [q]uit", default="c").strip().lower()
        if said in ("c", "confirm", "y", "yes"):
            if wants := lacking(frozenset(mapping.columns)):
                console.print(f"Order lines need {', '.join(wants)}: give a column's number.", highlight=False)
                continue
            return mapping
        if said in ("q", "quit"):
            console.print("Nothing was imported.")
            raise typer.Exit(0)
        if said.isdigit() and 1 <= int(said) <= len(proposal.guesses):
            mapping = _changed(console, proposal, mapping, proposal.guesses[int(said) - 1].column)
            show(console, proposal, mapping)
        else:
            console.print(f"Type c, q or a number from 1 to {len(proposal.guesses)}.", highlight=False)


def _changed(console: Console, proposal: own.Proposal, mapping: own.Mapping, column: str) -> own.Mapping:
    """One column mapped anew, or left out."""
    console.print(f"One of: {', '.join(ORDER_COLUMNS)}; or - to leave it out.", highlight=False)
    said = typer.prompt(f"{reveal(column)} is", default="-").strip().lower()
    freed = next((name for name, at in mapping.columns.items() if at.column == column), None)
    if freed:
        mapping = mapping.with_column(freed, None)
    if said == "-":
        return mapping
    if said not in ORDER_COLUMNS:
        console.print(f"{said!r} is none of them: the column is left out.", highlight=False, markup=False)
        return mapping
    return mapping.with_column(said, own.mapped(proposal.profile, said, column))


def _answered(console: Console, proposal: own.Proposal, mapping: own.Mapping, asked: OwnFile) -> own.Mapping:
    """The mapping with every open question answered. Without a terminal an open question is an `ImportProblem`."""
    if absent := [at.column for at in mapping.columns.values() if at.column not in proposal.table.header]:
        raise ImportProblem(
            f"{asked.path}: the mapping names a column {absent[0]!r} that is not there: map this file with --map"
        )
    for question in own.questions(mapping, proposal.profile):
        if not sys.stdin.isatty():
            if asked.mapping is None:
                _write_down(console, mapping, asked)
            how = f"--rate {question.name}=…" if question.kind == "rate" else f"a mapping ({question.name}: format)"
            raise ImportProblem(f"{asked.path}: one thing is not clear. {question.text} Say it with {how}")
        said = typer.prompt(question.text).strip()
        if question.kind == "rate":
            mapping = _with_rates(mapping, OwnFile(**{**vars(asked), "rates": rates_of([f"{question.name}={said}"])}))
        elif said in question.choices and said in FORMATS[ORDER_COLUMNS[question.name].kind] and said != UNCLEAR:
            at = mapping.columns[question.name].model_copy(update={"format": said})
            mapping = mapping.with_column(question.name, at)
        else:
            raise ImportProblem(f"{said!r} is none of {', '.join(question.choices)}: nothing was imported")
    return mapping


def _proposal_path(asked: OwnFile) -> Path:
    return asked.out / f"{asked.path.stem}.mapping.json"


def _write_down(console: Console, mapping: own.Mapping, asked: OwnFile) -> None:
    path = _proposal_path(asked)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(mapping.model_dump_json(indent=2) + "\n", encoding="utf-8")
    console.print(f"The proposal is in {path}.", highlight=False, markup=False, soft_wrap=True)
