"""What models fill in: wire types with lists instead of maps and every field required or nullable, fit for strict schemas.

Code turns them into domain types (`graphs/plan.py`) and checks everything in them. A model never types a figure: a claim's
text has `{slot}` placeholders, and each slot is bound to a reference such as `s2.exposure.figures.top_share`.
"""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class Wire(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Setting(Wire):
    """One named parameter of the goal, such as a filter. Values are text; code types them."""

    name: str
    value: str


class Intake(Wire):
    """What a message asks for: products of the catalogue, a change to the goal before it, or why it cannot be taken as it is."""

    kind: Literal["goal", "amend", "explain", "clarify", "decline"] = Field(
        description="amend: it changes the goal before it; explain: it asks how the answer before it came about"
    )
    products: list[str] = Field(
        description="names of products from the catalogue: those that answer the goal, that it adds, or that it asks about"
    )
    exclude: list[str] = Field(description="products the user does not want, though a playbook would include them")
    settings: list[Setting] = Field(description="filters and options that the goal names, from the catalogue's settings")
    question: str | None = Field(description="the question to ask back; null unless kind=clarify")
    choices: list[str] = Field(description="answers offered with the question; may be empty")
    reason: str | None = Field(description="why the goal is declined; null unless kind=decline")


class Dependency(Wire):
    step: str
    on: Literal["success", "done", "any"] = Field(
        description="success: needs its result; done: waits for it, whatever it ends as"
    )


class InputRef(Wire):
    name: str = Field(description="the product consumed")
    ref: str = Field(description="where it comes from, e.g. s1.suppliers")


class StepDraft(Wire):
    id: str = Field(description="s1, s2, …; never an id that an earlier revision used")
    title: str
    specialist: str
    produces: list[str]
    inputs: list[InputRef]
    depends_on: list[Dependency]
    for_each: str | None = Field(
        description="a reference to rows: the step is repeated for each, e.g. s6.risk_scores; null for once"
    )
    settings: list[Setting]
    why: str = Field(description="why this specialist")
    alternatives: list[str] = Field(description="specialists that were considered")


class PlanDraft(Wire):
    """A plan, or on a re-plan only the difference: new steps, and the unfinished steps that are dropped."""

    reason: str
    steps: list[StepDraft]
    drop: list[str]
    assumptions: list[str]


class Slot(Wire):
    name: str
    ref: str = Field(description="a path to a value, e.g. exposure.figures.top_share, or s2.exposure.rows[0].spend in a report")


class Claim(Wire):
    """One sentence. Figures appear only as {slot}."""

    text: str
    slots: list[Slot]
    kind: Literal["figure", "inference", "recommendation", "limit"] = Field(
        description="limit: what the figures cannot say, or how far"
    )


class ProducedBy(Wire):
    product: str
    call_id: str = Field(description="id of the successful tool call whose result is the product")


class Finding(Wire):
    """What a specialist hands back. Products are named by the tool call that made them, never retyped."""

    status: Literal["complete", "partial", "unable"]
    headline: str = Field(description="one sentence without figures")
    products: list[ProducedBy]
    claims: list[Claim]
    caveats: list[str]
    gaps: list[str] = Field(description="what was asked for and could not be had, and why")


class TableRef(Wire):
    ref: str = Field(description="a product, e.g. s6.risk_scores")
    caption: str
    columns: list[str] = Field(description="row fields, in order; empty for all")
    limit: int = Field(description="rows to show; 0 for all")


class ChartRef(Wire):
    ref: str = Field(description="id of the make_chart call that made the chart")
    caption: str


class Section(Wire):
    heading: str
    claims: list[Claim]
    tables: list[TableRef]
    charts: list[ChartRef]


class Report(Wire):
    """The answer. The first section's claims are the answer in short."""

    title: str = Field(description="says the finding, without figures")
    sections: list[Section]
    caveats: list[str]


class Issue(Wire):
    step: str
    severity: Literal["note", "conflict", "gap", "error"]
    text: str = Field(description="without figures")


class Verdict(Wire):
    """What the verifier found beyond what code has checked."""

    issues: list[Issue]
