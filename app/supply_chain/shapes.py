"""What `/data` answers, as models, so that the OpenAPI page says it."""

from datetime import date, datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from tools.supply_chain.importers.own.mapping import Mapping


class Shape(BaseModel):
    model_config = ConfigDict(from_attributes=True)


class AnsweringShape(Shape):
    """An example question. `needs`: the columns without which there is no answer; `without`: parts that the answer will lack."""

    question: str
    needs: tuple[str, ...]
    without: tuple[str, ...]


class SourceShape(Shape):
    """A file that records were loaded from, named without its folder. `as_of` is what its records cover, in words."""

    source: str
    title: str
    file: str
    publisher: str
    licence: str
    sha256: str
    kept: int
    rejected: int
    loaded_at: datetime
    as_of: str


class DataShape(Shape):
    """What is loaded. `company`: whose order lines these are. `rows` by table; `missing` are parts of which nothing is loaded.
    `may_load`: may the caller load others?"""

    company: Literal["none", "generated", "published", "own"]
    rows: dict[str, int]
    sources: list[SourceShape]
    first_day: date | None
    last_day: date | None
    missing: tuple[str, ...]
    questions: list[AnsweringShape]
    may_load: bool


class TargetShape(Shape):
    """A column that an order line can have, and how its cells can be read (`formats`; none: in one way)."""

    name: str
    title: str
    kind: str
    formats: tuple[str, ...]


class ColumnShape(Shape):
    """A column of the file. `name` is what it was taken for, if anything, and `confidence` (0 to 1) how surely."""

    column: str
    name: str | None
    confidence: float
    sample: str


class QuestionShape(Shape):
    """What only a person knows. Kind "format": how the cells of order column `name` are read, put into the mapping's column; kind
    "rate": US dollars for one `name`, put into the mapping's `rates`."""

    kind: Literal["format", "rate"]
    name: str
    text: str
    choices: tuple[str, ...]


class ProposalShape(Shape):
    """How a file can be read. `mapping` is to be confirmed, changed or not; `remembered`: as it was for files with this header.
    It can be loaded when `questions` and `lacking` are empty. `conflict` says why records that are there must be replaced first."""

    file: str
    form: str
    sheet: str | None
    rows: int
    mapping: Mapping
    remembered: bool
    columns: list[ColumnShape]
    targets: list[TargetShape]
    questions: list[QuestionShape]
    lacking: tuple[str, ...]
    conflict: str
    answers: list[AnsweringShape]


class RejectionShape(Shape):
    """Rows left out for one reason, and the first of them."""

    reason: str
    count: int
    example: str


class RejectShape(Shape):
    """A row left out: its number in the file, the column at fault ("": the row as a whole), the cell, the reason."""

    row: int
    column: str
    value: str
    reason: str


class LoadedShape(Shape):
    """How loading ended. `rejects` are the first rows left out, `rejections` all of them by reason. `notes` are what a reader of the
    data should know."""

    file: str
    sha256: str
    read: int
    kept: int
    rejected: int
    rejections: list[RejectionShape]
    rejects: list[RejectShape]
    notes: tuple[str, ...]
    answers: list[AnsweringShape]


class RememberedShape(Shape):
    """A mapping that was confirmed, the file it was confirmed for, and when."""

    fingerprint: str
    file: str
    confirmed_at: datetime
    mapping: Mapping = Field(description="its columns map those of an order line to the file's")
