"""What a read tool returns: typed rows and figures, each with the records it rests on, ready to be cited.

Every result is one *product* (a name that specialists consume and produce). A figure or a row field is addressed by a path
inside the result, `figures.top_share` or `rows[3].spend`, and nothing else may be quoted in a report. `highlights` are
sentences with `{slot}` placeholders whose values are such paths: facts a model may repeat, and that code fills in.
"""

import re
from collections.abc import Iterable
from decimal import Decimal
from typing import Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field

Unit = Literal["text", "count", "usd", "percent", "days", "score", "index", "date", "ratio", "kg"]
Scalar = Decimal | int | str | bool | None


class Records(BaseModel):
    """The records a figure rests on: a table of the system of record and its keys, compactly ("1-3,17,20-25").

    `also` are records of other tables without which the figure could not be computed, such as a country's indicators.
    """

    model_config = ConfigDict(frozen=True)

    table: str
    keys: str
    count: int
    also: tuple["Records", ...] = ()

    @classmethod
    def of(cls, table: str, keys: Iterable[int]) -> "Records":
        """Pack integer keys into ranges."""
        ordered = sorted(set(keys))
        runs: list[list[int]] = []
        for key in ordered:
            if runs and key == runs[-1][1] + 1:
                runs[-1][1] = key
            else:
                runs.append([key, key])
        packed = ",".join(str(a) if a == b else f"{a}-{b}" for a, b in runs)
        return cls(table=table, keys=packed, count=len(ordered))

    def beside(self, *others: "Records") -> "Records":
        """These records and `others`, one `Records` a table; others of this table are left out."""
        tables: dict[str, set[int]] = {}
        for one in (part for other in (*self.also, *others) for part in other.every()):
            if one.table != self.table:
                tables.setdefault(one.table, set()).update(one.expand())
        return self.model_copy(update={"also": tuple(Records.of(name, keys) for name, keys in tables.items())})

    def every(self) -> tuple["Records", ...]:
        """These records and those of other tables."""
        return (self, *self.also)

    def expand(self) -> list[int]:
        """The integer keys in `table`."""
        found: list[int] = []
        for part in filter(None, self.keys.split(",")):
            first, _, last = part.partition("-")
            found.extend(range(int(first), int(last or first) + 1))
        return found


class Figure(BaseModel):
    """One number (or date, or name) with its unit and the records it was computed from."""

    model_config = ConfigDict(frozen=True)

    value: Scalar
    unit: Unit
    label: str
    records: Records | None = None


class Row(BaseModel):
    """Base of a result's rows. Subclasses add typed fields; `records` are those the row was computed from."""

    records: Records


class Column(BaseModel):
    """A column of the result's table: a row field, its heading and unit."""

    model_config = ConfigDict(frozen=True)

    field: str
    label: str
    unit: Unit = "text"


class Highlight(BaseModel):
    """A sentence that the result supports; a `limit` says what its figures cannot.

    `slots` maps each `{name}` in `text` to a path inside this result.
    """

    text: str
    slots: dict[str, str] = Field(default_factory=dict)
    kind: Literal["figure", "inference", "recommendation", "limit"] = "figure"


class ChartHint(BaseModel):
    """The chart that shows these rows best."""

    type: Literal["bar", "line", "stacked_bar", "heatmap", "scatter"]
    title: str
    x: str
    y: list[str]


class ToolResult(BaseModel):
    """Base of every product. Subclasses set `product` and narrow `rows`.

    `needs` are the columns of the domain's records that each record must have for it, `needs_some` those that it cannot do
    without altogether but that single records may lack. Both are names that the domain defines.
    """

    product: ClassVar[str] = ""
    needs: ClassVar[tuple[str, ...]] = ()
    needs_some: ClassVar[tuple[str, ...]] = ()
    title: str
    scope: str = Field(description="which population this is about, e.g. 'direct-drop order lines, 2006-2015'")
    as_of: str = Field(description="the date or period the data speaks of")
    rows: list[Any] = Field(default_factory=list)
    columns: list[Column] = Field(default_factory=list)
    figures: dict[str, Figure] = Field(default_factory=dict)
    highlights: list[Highlight] = Field(default_factory=list)
    caveats: list[str] = Field(default_factory=list)
    chart: ChartHint | None = None
    query: str = Field("", description="the SQL (or formula) that made it, with its parameters")


_PATH = re.compile(r"(figures\.(?P<figure>[a-z0-9_]+)|rows\[(?P<row>\d+)\]\.(?P<field>[a-z0-9_]+))\Z")


class UnknownPath(KeyError):
    """A path that does not lead to a value in a result."""


def lookup(result: dict[str, Any], path: str) -> Figure:
    """The figure at `path` in a dumped result; a row's field becomes a figure with the row's records.

    Raises `UnknownPath` when the path leads nowhere.
    """
    match = _PATH.fullmatch(path)
    if not match:
        raise UnknownPath(f"{path!r} is not of the form figures.NAME or rows[N].FIELD")
    if name := match["figure"]:
        if name not in result["figures"]:
            raise UnknownPath(f"there is no figure {name!r}; there are: {', '.join(result['figures']) or 'none'}")
        return Figure.model_validate(result["figures"][name])
    index, field = int(match["row"]), match["field"]
    if index >= len(result["rows"]) or field not in result["rows"][index]:
        raise UnknownPath(f"there is no {path}: the result has {len(result['rows'])} rows")
    row = result["rows"][index]
    if isinstance(row[field], dict | list):
        raise UnknownPath(f"{path} is no single value: it cannot be shown in a sentence")
    column = next((Column.model_validate(c) for c in result["columns"] if c["field"] == field), None)
    records = Records.model_validate(row["records"]) if row.get("records") else None
    unit: Unit = column.unit if column else "text"
    return Figure(value=row[field], unit=unit, label=column.label if column else field, records=records)


def product_ref(product: str, description: str = "", **options: Any) -> Any:
    """A field for a tool argument that names an upstream product by reference ("s2.exposure").

    Models pass the reference; the gateway puts what it stands for into `ToolContext.inputs`. Pass `default=None` for an optional one.
    """
    text = description or f"reference to the {product} to use, e.g. s1.{product}"
    return Field(description=text, json_schema_extra={"product": product}, **options)
