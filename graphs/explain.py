"""How an answer came about, from the record of the run: who made what, with which call, from which records. No model is asked.

Called by intake for a question about the answer before ("how did you get this?", "why is A above B?"). Figures keep their
references, so each is numbered and traced like in any answer.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from graphs.answer import Answer, AnswerSection, AnswerTable, Sentence
from graphs.formats import show
from graphs.plan import Plan, Step, StepResult, downstream
from graphs.report import Evidence, qualified, sentence
from graphs.services import Services
from graphs.specialists.base import Mention
from graphs.wire import Claim
from models.listed import unpack
from tools.calls import touched
from tools.results import Column

MOST = 5  # differences told between two rows


def explain(
    services: Services,
    question: str,
    plan: Plan,
    results: Mapping[str, StepResult],
    products: Sequence[str],
    mentions: Sequence[Mention],
) -> Answer:
    """The record of the steps behind `products` (all of them if none is named), and the rows of the names that are asked about."""
    done = {id: r for id, r in results.items() if r.status == "succeeded" and r.data and id in plan.ids()}
    evidence = Evidence(done)
    asked = {id for id, r in done.items() if set(r.data) & set(products)} or set(done)
    told = [s for s in plan.steps if s.id in done and (s.id in asked or asked & set(downstream(plan, s.id)))]
    names = list(dict.fromkeys(value for m in mentions for value in unpack(m.value)))
    sections = [*rows_of(names, asked, evidence), *(section_of(step, done[step.id], services, evidence) for step in told)]
    caveats = dict.fromkeys(caveat for step in told for caveat in done[step.id].caveats)
    return Answer(
        title="How this came about" if told else "Nothing has been found out yet that could be explained",
        goal=question,
        status="complete" if told else "failed",
        sections=tuple(sections),
        caveats=tuple(caveats),
        citations=tuple(evidence.citations),
        model="the orchestrator, from the record of the run",
        made_on=services.today().isoformat(),
    )


def section_of(step: Step, result: StepResult, services: Services, evidence: Evidence) -> AnswerSection:
    """One step: who, which calls with which arguments, on which records, what it said, and how its tool works."""
    titles = {p.name: p.title for p in services.domain.products}
    said = [note(f"{services.specialist(result.specialist).title} made this. {step.why}".strip())]
    if result.reused:
        said.append(note(f"It was taken over from an earlier answer ({result.reused}): nothing it rests on has changed since."))
    for call in result.calls:
        if call["kind"] != "ok" or call.get("product") not in result.data:
            continue
        data = result.data[call["product"]]
        given = ", ".join(f"{k}={v}" for k, v in call.get("args", {}).items() if v not in (None, [], "")) or "no filter"
        said.append(note(f"It called {call['tool']} ({given}): {data['scope']}; {data['as_of']}."))
        rests = [f"{part['count']:,} of {part['table']}" for part in touched(data)]
        if rests:
            said.append(note(f"Records it rests on: {', '.join(rests)}."))
        if data.get("query"):
            said.append(note(f"The query: {data['query']}"))
        if call["tool"] in services.registry:
            said.append(note(f"How the tool works: {' '.join(services.registry[call['tool']].description.split())}"))
    said += [sentence(Claim.model_validate(qualified(claim, step.id)), evidence) for claim in result.claims]
    heading = " and ".join(titles.get(product, product) for product in result.data)
    return AnswerSection(heading=heading, sentences=tuple(said))


def rows_of(names: Sequence[str], asked: set[str], evidence: Evidence) -> list[AnswerSection]:
    """The rows of the names that are asked about, side by side, and where two of them differ most.

    They are taken from the product that has most of them; of several, from the one that says most about them.
    """
    found: list[tuple[int, int, str, dict[str, Any]]] = []
    for source, data in evidence.products.items():
        if source.partition(".")[0] in asked:
            measures = sum(c.get("unit", "text") not in ("text", "date") for c in data["columns"])
            found.append((sum(place_of(name, data) is not None for name in names), measures, source, data))
    for count, _, source, data in sorted(found, key=lambda item: item[:2], reverse=True)[:1]:
        if not count:
            continue
        places = sorted(row for name in names if (row := place_of(name, data)) is not None)
        columns = tuple(Column.model_validate(c) for c in data["columns"])
        shown = tuple(
            {c.field: data["rows"][n].get(c.field) for c in columns} | {"records": data["rows"][n].get("records")}
            for n in places
        )
        rows = AnswerTable(
            caption=data["title"],
            source=source,
            columns=columns,
            rows=shown,
            total_rows=len(data["rows"]),
            scope=data["scope"],
            as_of=data["as_of"],
        )
        sentences = differences(source, data, places[0], places[1], evidence) if len(places) > 1 else []
        lacking = [name for name in names if place_of(name, data) is None]
        sentences += [note(f"{name} is not among these rows.") for name in lacking]
        return [AnswerSection(heading=", ".join(names), sentences=tuple(sentences), tables=(rows,))]
    return []


def differences(source: str, data: Mapping[str, Any], one: int, other: int, evidence: Evidence) -> list[Sentence]:
    """Where two rows differ most: in the first column that is a number, by which rows are ranked, then in those like it."""
    columns = [Column.model_validate(c) for c in data["columns"]]
    ranked = next((c for c in columns if number(data["rows"][one].get(c.field)) is not None), None)
    if ranked is None:
        return []
    found = []
    for column in columns:
        pair = [number(data["rows"][n].get(column.field)) for n in (one, other)]
        if alike(column, ranked) and pair[0] is not None and pair[1] is not None and pair[0] != pair[1]:
            found.append((column is not ranked, -abs(pair[0] - pair[1]), column))
    found.sort(key=lambda item: item[:2])
    told = []
    for _, _, column in found[: MOST + 1]:
        refs = [f"{source}.rows[{n}].{column.field}" for n in (one, other)]
        first, second = (evidence.cite(ref) for ref in refs)
        head = f"{label_of(data, one)} stands at {first.shown} in {column.label.lower()}"
        told.append(
            Sentence(text=f"{head}, {label_of(data, other)} at {second.shown}.", citations=(first.n, second.n), kind="figure")
        )
    return told


def alike(column: Column, ranked: Column) -> bool:
    """May the differences in two columns be held against each other? Scores and indices run from 0 to 100 alike."""
    points = ("score", "index")
    return column.unit == ranked.unit or (column.unit in points and ranked.unit in points)


def place_of(name: str, data: Mapping[str, Any]) -> int | None:
    """The row that a name stands in."""
    fields = [c["field"] for c in data["columns"] if c.get("unit", "text") == "text"]
    return next((n for n, row in enumerate(data["rows"]) if any(str(row.get(f, "")) == name for f in fields)), None)


def label_of(data: Mapping[str, Any], place: int) -> str:
    field = next((c["field"] for c in data["columns"] if c.get("unit", "text") == "text"), "")
    return show(data["rows"][place].get(field, ""), "text")


def number(value: Any) -> float | None:
    """A cell as a number: decimals are texts in a dumped result."""
    if isinstance(value, bool):
        return None
    try:
        return float(value)
    except (TypeError, ValueError):
        return None


def note(text: str) -> Sentence:
    return Sentence(text=text, kind="note")
