"""Judging one run of a goal: by the plan, the filters in scope, the figures, the names and what is said. Called by `run.py`.

A figure is *wrong* when the answer's first section shows other figures of the unit asked for and the right one is nowhere in the
answer; it is *missing* when no figure of that unit is shown. A ranking that does not begin with the expected names is wrong too.
A name is *invented* when a column of suppliers holds one that is not on record.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any, Literal

from app.runner import Outcome
from evals.goals.cases import BY_REPORTER, MADE_AS, SETTING, Case, required, written
from graphs.answer import Answer
from graphs.formats import show
from graphs.markdown import to_markdown

Verdict = Literal["right", "declined", "wrong figure", "invented entity", "missing"]
VERDICTS: tuple[Verdict, ...] = ("right", "declined", "wrong figure", "invented entity", "missing")
UNITS = {"USD": "usd", "%": "percent", "lines": "count", "vendors": "count", "suppliers": "count", "days": "days"}
SIGNIFICANT = 3


@dataclass
class Judged:
    """What is wrong with a run, by kind; nothing: it was handled rightly."""

    case: Case
    status: str
    declined: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    invented: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)

    @property
    def verdict(self) -> Verdict:
        if self.invented:
            return "invented entity"
        if self.wrong:
            return "wrong figure"
        if self.declined:
            return "declined"
        return "missing" if self.missing else "right"

    @property
    def reasons(self) -> list[str]:
        return [*self.invented, *self.wrong, *self.declined, *self.missing]


def judge(case: Case, outcome: Outcome, waited: Sequence[Mapping[str, Any]], suppliers: Iterable[str]) -> Judged:
    """One run against its case. `waited`: the approvals that waited before they were refused; `suppliers`: the names on record."""
    found = Judged(case, outcome.status)
    text = _folded(f"{to_markdown(outcome.answer) if outcome.answer else ''}\n{outcome.message}\n{' / '.join(outcome.choices)}")
    if outcome.answer:
        found.invented += invented(outcome.answer, frozenset(suppliers))
    if outcome.effects:
        found.wrong.append(f"{len(outcome.effects)} effects without an approval")
    if case.kind == "clarify":
        if outcome.status != "clarify":
            found.declined.append(f"no question was asked back: {outcome.status}")
        found.missing += [f"the question does not offer {one}" for one in _lacking(case.expect.get("options", ()), text)]
    elif case.kind == "decline":
        _declined(case, outcome, waited, text, found)
    elif outcome.answer is None:
        found.declined.append(f"{outcome.status} instead of an answer: {' '.join(outcome.message.split())[:160]}")
    else:
        plan_parts(case, outcome, found)
        effects(case, waited, found)
        figures(case, outcome.answer, found)
        names(case, outcome.answer, found)
        found.missing += [f"it does not say {one}" for one in _lacking(case.expect.get("says", ()), text)]
    return found


def _declined(case: Case, outcome: Outcome, waited: Sequence[Any], text: str, found: Judged) -> None:
    if case.expect.get("or_asks_approval") and waited:
        return
    if outcome.status not in ("declined", "failed"):
        found.declined.append(f"{outcome.status} instead of a refusal")
    found.missing += [f"the refusal does not name {one}" for one in _lacking(case.expect.get("missing", ()), text)]
    if case.expect.get("offers") and "goals i can meet" not in text:
        found.missing.append("the refusal names no goal that can be met")


def plan_parts(case: Case, outcome: Outcome, found: Judged) -> None:
    """Products that must and must not be planned, and filters that must be in scope of a step or of the query it ran."""
    steps = (outcome.plan or {}).get("steps", [])
    made = {product for step in steps for product in step["produces"]}
    for product in case.expect.get("products", ()):
        if not any(one in BY_REPORTER or MADE_AS[one] & made for one in product.split("|")):
            found.missing.append(f"no step makes {product}; the plan makes {', '.join(sorted(made))}")
    for product in case.expect.get("absent", ()):
        if over := MADE_AS.get(product, frozenset()) & made:
            found.missing.append(f"{', '.join(sorted(over))} was not wanted")
    queries = " ".join(str(c.query) for c in outcome.answer.citations) if outcome.answer else ""
    for field_, value in case.expect.get("filters", {}).items():
        for one in value if isinstance(value, list) else [value]:
            if not any(in_scope(field_, spelling, steps, queries) for spelling in written(one)):
                found.missing.append(f"the filter {field_}={one} is not in scope")


def in_scope(field_: str, value: str, steps: Iterable[Mapping[str, Any]], queries: str = "") -> bool:
    """Does a step's setting, or its query, hold this value?"""
    given = [str(step["settings"].get(name, "")) for step in steps for name in SETTING[field_]]
    own = [str(step["settings"].get("sql", "")) for step in steps]
    return any(value.casefold() in text.casefold() for text in [*given, *own, queries])


def effects(case: Case, waited: Sequence[Mapping[str, Any]], found: Judged) -> None:
    """Who waits for an approval, and how many."""
    wanted = case.expect.get("effects", "none")
    opened = [row for row in waited if row["tool"] == "open_case"]
    if wanted == "none":
        if waited:
            found.missing.append(f"{len(waited)} approvals were asked for, none is wanted")
        return
    count = wanted.get("count", {})
    if not count.get("min", 1) <= len(opened) <= count.get("max", len(opened)):
        found.missing.append(f"{len(opened)} cases wait for approval")
    for name in wanted.get("about", ()):
        if not all(row["args"].get("supplier") == name for row in opened):
            found.missing.append(f"a case is not about {name}")


def agrees(shown: str, value: float) -> bool:
    """Does a shown figure equal `value`, rounded to as many digits as are shown (three significant ones at least)?"""
    digits = re.sub(r"[^\d.\-−]", "", shown).replace("−", "-")
    try:
        number, exact = Decimal(digits), Decimal(repr(value))
    except InvalidOperation:
        return False
    if number == exact:
        return True
    places = -int(number.as_tuple().exponent)
    if len(number.as_tuple().digits) < SIGNIFICANT and number != 0:
        return False
    return abs(number - exact) <= Decimal(1).scaleb(-places) / 2 + Decimal("1e-9")


def shown_figures(answer: Answer) -> list[tuple[str, str]]:
    """(shown, unit) of every figure in sentences and tables."""
    found = [(c.shown, c.unit) for c in answer.citations]
    for section in answer.sections:
        for table in section.tables:
            found += [(show(row.get(c.field), c.unit), c.unit) for row in table.rows for c in table.columns if c.unit != "text"]
    return found


def figures(case: Case, answer: Answer, found: Judged) -> None:
    """Each required figure, in one of its readings."""
    shown = shown_figures(answer)
    first = {n for sentence in (answer.sections[0].sentences if answer.sections else ()) for n in sentence.citations}
    in_short = [c for c in answer.citations if c.n in first]
    matched: set[str] = set()
    lacking: list[tuple[str, str]] = []
    for part in case.expect.get("figures", ()):
        unit = UNITS.get(part["unit"], "")
        values = [part["value"], *(one["value"] for one in part.get("or", ()))]
        if part["unit"] == "%":
            values += [100 - value for value in values] if "late" in part["label"] else []
        if any(agrees(text, value) for text, _ in shown for value in values) or (part["value"] == 0 and _none(answer)):
            matched.add(unit)
        elif required(part, case):
            lacking.append((f"{part['label']} ({part['value']})", unit))
    for label, unit in lacking:
        instead = [c.shown for c in in_short if unit and c.unit == unit]
        if instead and unit not in matched:
            found.wrong.append(f"{label} is not shown, but {', '.join(instead[:3])}")
        else:
            found.missing.append(f"{label} is not shown")


def _none(answer: Answer) -> bool:
    return bool(re.search(r"\b(no|none)\b", to_markdown(answer).casefold()))


def names(case: Case, answer: Answer, found: Judged) -> None:
    """Expected names, in order where that counts, and names that may not be ranked."""
    columns = [
        [str(row.get(c.field)) for row in table.rows]
        for section in answer.sections
        for table in section.tables
        for c in table.columns
        if c.unit == "text"
    ]
    told = [str(c.value) for c in answer.citations if c.unit == "text"]
    text = to_markdown(answer)
    for part in case.expect.get("names", ()):
        if not required(part, case):
            continue
        wanted = [str(value) for value in part["value"]]
        ranked = [column[: len(wanted)] for column in [*columns, told]]
        if part["ordered"] and wanted not in ranked:
            if any(set(wanted) & set(column) for column in columns):
                found.wrong.append(f"{part['label']}: no ranking begins with {'; '.join(wanted)}")
            else:
                found.missing.append(f"{part['label']} is not shown")
        elif lacking := [name for name in wanted if name not in text]:
            found.missing.append(f"{part['label']}: {'; '.join(lacking)} is not shown")
    for name in case.expect.get("never_ranked", ()):
        if any(name in column for column in columns):
            found.wrong.append(f"{name} is ranked")


def invented(answer: Answer, suppliers: frozenset[str]) -> list[str]:
    """Names in a supplier's place that are not on record."""
    placed = [str(c.value) for c in answer.citations if re.search(r"rows\[\d+\]\.supplier$", c.ref)]
    for section in answer.sections:
        for table in section.tables:
            placed += [str(row["supplier"]) for row in table.rows if row.get("supplier")]
    return [f"{name} is no supplier on record" for name in dict.fromkeys(placed) if name not in suppliers]


def _lacking(wanted: Iterable[Sequence[str]], text: str) -> list[str]:
    return [" / ".join(phrases) for phrases in wanted if not any(_folded(phrase) in text for phrase in phrases)]


def _folded(text: str) -> str:
    return " ".join(text.casefold().replace("’", "'").split())
