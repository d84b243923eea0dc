"""The answer: a report whose slots are filled, with every figure numbered and traced. Made by `report.py`; shown by the app.

Pure data: renderers (terminal, Markdown, HTML, JSON) take it as it is and never look anything up.
"""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from tools.results import Column, Records, Scalar, Unit


class Frozen(BaseModel):
    model_config = ConfigDict(frozen=True)


class Origin(Frozen):
    """Records behind a figure, and what they were loaded from ("" where the domain does not say)."""

    records: Records
    source: str = ""


class Citation(Frozen):
    """Where a figure comes from. `n` is its number in the answer; the same figure keeps the same number.

    `origins` are `records` and those of further tables, each with the file or system it was loaded from.
    """

    n: int
    ref: str = Field(description="step.product.path, e.g. s2.exposure.figures.top_share")
    label: str
    value: Scalar
    unit: Unit
    shown: str = Field(description="the value as the text shows it")
    step: str
    specialist: str
    tool: str
    call_id: str
    scope: str
    as_of: str
    query: str
    records: Records | None = None
    origins: tuple[Origin, ...] = ()


class Sentence(Frozen):
    """One claim with its figures filled in. `citations` are numbers; `flagged` says why it should not be relied on."""

    text: str
    citations: tuple[int, ...] = ()
    kind: Literal["figure", "inference", "recommendation", "limit", "note"] = "figure"
    flagged: str = ""


class AnswerTable(Frozen):
    """`rows` are dicts by column field, typed, with the `records` each rests on; the renderer prints all rows given."""

    caption: str
    source: str = Field(description="step.product; several with commas where steps made the same product")
    columns: tuple[Column, ...]
    rows: tuple[dict[str, Any], ...]
    total_rows: int
    scope: str
    as_of: str


class AnswerChart(Frozen):
    """`spec` is a dumped `tools.charts.ChartSpec`."""

    caption: str
    spec: dict[str, Any]


class AnswerSection(Frozen):
    heading: str
    sentences: tuple[Sentence, ...] = ()
    tables: tuple[AnswerTable, ...] = ()
    charts: tuple[AnswerChart, ...] = ()


class Answer(Frozen):
    """The whole answer. `status` partial: something that was asked for is missing, and `missing` says what and why."""

    title: str
    goal: str
    status: Literal["complete", "partial", "failed"]
    sections: tuple[AnswerSection, ...]
    missing: tuple[str, ...] = ()
    issues: tuple[str, ...] = ()
    caveats: tuple[str, ...] = ()
    undecided: tuple[str, ...] = Field((), description="what was asked for and nobody decided in time")
    decisions: tuple[str, ...] = Field((), description="approvals and what came of them")
    reused: tuple[str, ...] = Field((), description="what was taken over from the answer before")
    citations: tuple[Citation, ...] = ()
    model: str = ""
    offline: bool = False
    made_on: str = ""
