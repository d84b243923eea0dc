"""Proposing a mapping: each column of a file against each column of an order line, by name, by kind of cell, by known values.

A proposal is for a person to confirm. What the cells do not tell (03/04/2014; 1.234; EUR without a rate) is left as a question.
"""

import re
import unicodedata
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from rapidfuzz import fuzz, process

from database import Database
from tools.supply_chain.columns import ORDER_COLUMNS, OrderColumn, lacking
from tools.supply_chain.importers.own.mapping import UNCLEAR, Format, MappedColumn, Mapping, recall
from tools.supply_chain.importers.own.profile import ColumnProfile, Profile, profile
from tools.supply_chain.importers.own.table_file import TableFile, open_table
from tools.supply_chain.importers.own.values import currency, currency_named

SURE = 0.55  # from which confidence a column is proposed
LIKE = 75.0  # similarity of names from which they count
AMOUNTS = ("value", "unit_price", "freight", "insurance")


@dataclass(frozen=True)
class Guess:
    """A column of the file and what it was taken for. `name` is an order column, or None; confidence is 0 to 1."""

    column: str
    name: str | None
    confidence: float
    sample: str


@dataclass(frozen=True)
class Question:
    """What only a person knows. `kind` "format": how the cells of order column `name` are read; "rate": US dollars for one `name`."""

    kind: Literal["format", "rate"]
    name: str
    text: str
    choices: tuple[Format, ...] = ()


@dataclass(frozen=True)
class Proposal:
    """A proposed mapping with a guess for each column of the file, in its order, and what has to be known beside."""

    table: TableFile
    profile: Profile
    guesses: tuple[Guess, ...]
    mapping: Mapping

    @property
    def questions(self) -> tuple[Question, ...]:
        return questions(self.mapping, self.profile)

    @property
    def lacking(self) -> tuple[str, ...]:
        """What an order line needs and the mapping does not give, in words."""
        return lacking(frozenset(self.mapping.columns))


def propose(path: Path, sheet: str | None = None) -> Proposal:
    """Read the file once and propose a mapping. Raises `ImportProblem` for what is no table."""
    table = open_table(path, sheet)
    found = profile(table)
    ranked = sorted(
        (
            (confidence, -index, -place, column.name, order.name)
            for index, column in enumerate(found.columns.values())
            for place, order in enumerate(ORDER_COLUMNS.values())
            if (confidence := fit(column, order)) >= SURE
        ),
        reverse=True,
    )
    taken: dict[str, tuple[str, float]] = {}  # column of the file → order column, confidence
    for confidence, _, _, column_name, name in ranked:
        if column_name not in taken and name not in {other for other, _ in taken.values()}:
            taken[column_name] = (name, confidence)
    stated = {name: code for column, (name, _) in taken.items() if name in AMOUNTS and (code := currency_named(column))}
    unit = next((stated[name] for name in AMOUNTS if name in stated), "USD")
    taken = {column: at for column, at in taken.items() if stated.get(at[0], unit) == unit}  # a mapping has one currency
    guesses = []
    for column in found.columns.values():
        as_order, confidence = taken.get(column.name, ("", 0.0))
        guesses.append(Guess(column.name, as_order or None, confidence, " · ".join(column.samples) or "empty"))
    columns = {guess.name: mapped(found, guess.name, guess.column) for guess in guesses if guess.name}
    ordered = {name: columns[name] for name in ORDER_COLUMNS if name in columns}
    mapping = Mapping(fingerprint=table.fingerprint, sheet=table.sheet, columns=ordered, currency=unit)
    return Proposal(table, found, tuple(guesses), mapping)


def mapped(found: Profile, name: str, column: str) -> MappedColumn:
    """A column of the file as the order column `name`, with the format that its cells tell."""
    kind = ORDER_COLUMNS[name].kind
    form: Format = ""
    if kind == "day":
        form = found.day_format(column) or UNCLEAR
    elif kind == "number":
        form = found.number_format(column) or UNCLEAR
    return MappedColumn(column=column, format=form)


def refreshed(mapping: Mapping, found: Profile) -> Mapping:
    """A remembered mapping for a new file: where the new cells tell their format, that one; else the remembered one."""
    columns = {}
    for name, at in mapping.columns.items():
        now = mapped(found, name, at.column)
        columns[name] = at if now.format == UNCLEAR else now
    return mapping.model_copy(update={"columns": columns})


def settled(mapping: Mapping, found: Profile) -> Mapping:
    """A mapping in which a format that was left unclear is the one that the cells tell, if they tell any."""
    for name in mapping.unclear:
        mapping = mapping.with_column(name, mapped(found, name, mapping.columns[name].column))
    return mapping


def known(db: Database, proposal: Proposal) -> Mapping | None:
    """The mapping confirmed before for the header of this file, as its cells tell it now; None where nobody confirmed one."""
    before = recall(db, proposal.table.fingerprint)
    return refreshed(before, proposal.profile).model_copy(update={"sheet": proposal.table.sheet}) if before else None


def questions(mapping: Mapping, found: Profile) -> tuple[Question, ...]:
    """What must be answered before `mapping` can be used."""
    asked = []
    for name in mapping.unclear:
        at = mapping.columns[name].column
        sample = ", ".join(found.columns[at].samples)
        if ORDER_COLUMNS[name].kind == "day":
            text = f"{at} ({sample}): does the day come first (dmy) or the month (mdy)?"
            asked.append(Question("format", name, text, ("dmy", "mdy")))
        else:
            text = f"{at} ({sample}): is the sign before the last three digits a decimal point or comma, or does it part thousands?"
            text += " Say which sign is decimal."
            asked.append(Question("format", name, text, ("point", "comma")))
    for code in _currencies(mapping, found):
        if code != "USD" and code not in mapping.rates:
            asked.append(Question("rate", code, f"Amounts are in {code}: how many US dollars is 1 {code}?"))
    return tuple(asked)


def fit(column: ColumnProfile, order: OrderColumn) -> float:
    """How likely `column` is `order`, 0 to 1: the names' likeness, and whether the cells can be that."""
    if not column.filled:
        return 0.0
    alike = likeness(column.name, order.words)
    cells = _cells_fit(column, order)
    if cells is None:
        return 0.0
    if alike < LIKE:  # the name says nothing: only values that are unmistakable count, and less
        return 0.6 * cells if order.kind in ("mode", "currency") and cells > 0.9 and len(column.values) > 1 else 0.0
    return round((0.7 * alike / 100) + 0.3 * cells, 4)


def likeness(name: str, words: tuple[str, ...]) -> float:
    """0 to 100: the nearest of `words` to a heading."""
    best = process.extractOne(normal(name), words, scorer=fuzz.ratio)
    sorted_best = process.extractOne(normal(name), words, scorer=fuzz.token_sort_ratio)
    return max(best[1] if best else 0.0, sorted_best[1] - 1 if sorted_best else 0.0)


def normal(name: str) -> str:
    """A heading in lower case, without accents, punctuation, currencies and camel case."""
    parted = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)
    flat = unicodedata.normalize("NFKD", parted.replace("ß", "ss")).encode("ascii", "ignore").decode().lower()
    words = [word for word in re.findall(r"[a-z0-9]+", flat) if word not in ("usd", "eur", "gbp", "chf", "in", "the")]
    return " ".join(words)


def _cells_fit(column: ColumnProfile, order: OrderColumn) -> float | None:
    """How well the cells are of the order column's kind, 0 to 1; None: they are not."""
    match order.kind:
        case "day":
            return column.days / column.filled if column.is_day else None
        case "number":
            texts = order.name in ("weight", "freight") and column.numbers > 0.3 * column.filled  # remarks stand among them
            return column.numbers / column.filled if column.is_number or texts else None
        case "country" | "mode" | "currency":
            share = column.share(order.kind)
            return share if share >= 0.5 else None
        case _:
            if column.is_day or (column.percentages > 0.5 * column.filled):
                return None
            numeric = column.numbers / column.filled
            return 1 - numeric if order.name in ("supplier", "item", "site", "product_group") else 1.0


def _currencies(mapping: Mapping, found: Profile) -> list[str]:
    """The currencies that the amounts are in, as far as cells and mapping tell."""
    codes: dict[str, None] = {}
    at = mapping.columns.get("currency")
    for name in AMOUNTS:
        if name in mapping.columns:
            codes |= dict.fromkeys(found.columns[mapping.columns[name].column].currencies)
            codes |= {mapping.currency: None} if at is None and not codes else {}
    if at:
        codes |= {code: None for value in found.columns[at.column].values if (code := currency(value))}
    return list(codes)
