"""Report: the reporter's claims become sentences with figures, each figure numbered and traced to step, call and records.

The reporter never types a figure. Code fills its slots, refuses what is not bound, and adds what a reporter may not leave out:
what is missing and which conclusions fall with it, what was decided about approvals, the caveats. If every report is refused,
the specialists' own claims are set out as they are.
"""

import asyncio
import re
from collections.abc import Mapping, Sequence
from typing import Any

from governance.identity import Caller
from graphs.agent import StepFailure
from graphs.answer import Answer, AnswerChart, AnswerSection, AnswerTable, Citation, Origin, Sentence
from graphs.brief import message, settings_list
from graphs.claims import SLOT, typed, wrong_with
from graphs.context import StepContext
from graphs.decided import decisions, undecided
from graphs.dry_run import NOTICE, would_do
from graphs.events import Emit
from graphs.findings import calls_of
from graphs.formats import show
from graphs.ground import Ground
from graphs.part_threads import part_thread
from graphs.plan import Plan, StepResult
from graphs.planner import unapplied
from graphs.scheduler import lost_with
from graphs.sections import one_of_each
from graphs.services import Services
from graphs.specialists.base import Domain
from graphs.step import ask
from graphs.thrift import left_out
from graphs.trace import Products
from graphs.wire import Claim, Report, Section, TableRef
from models.retry import ModelUnavailable
from tools.results import Column, Figure, UnknownPath, lookup

_ROW = re.compile(r"rows\[(\d+)\]\.(\w+)")
PEOPLE = ("rejected", "expired")  # people said no, or nothing: not a failure, and said in a line of its own


class Evidence:
    """All products of a run by reference, and where each figure in them comes from."""

    def __init__(self, results: Mapping[str, StepResult], origins: Mapping[str, str] | None = None) -> None:
        self.origins = origins or {}
        done = [r for r in results.values() if r.data]
        self.products = {f"{r.step_id}.{product}": data for r in done for product, data in r.data.items()}
        self.results = {r.step_id: r for r in done}
        self.citations: list[Citation] = []

    def split(self, ref: str) -> tuple[str, str]:
        """A reference as (step.product, path). Raises `UnknownPath`."""
        step, _, rest = ref.partition(".")
        product, _, path = rest.partition(".")
        if f"{step}.{product}" not in self.products:
            raise UnknownPath(f"{ref!r} names no product of this run; there are: {', '.join(self.products) or 'none'}")
        return f"{step}.{product}", path

    def figure(self, ref: str) -> Figure:
        source, path = self.split(ref)
        return lookup(self.products[source], path)

    def row_name(self, ref: str) -> str:
        """What the row of a reference is called: its first text that is not the value itself; empty for a figure of the whole."""
        source, path = self.split(ref)
        found = _ROW.match(path)
        if not found:
            return ""
        row = self.products[source]["rows"][int(found[1])]
        fields = (c["field"] for c in self.products[source]["columns"] if c["unit"] == "text" and c["field"] != found[2])
        return next((row[field] for field in fields if isinstance(row.get(field), str)), "")

    def cite(self, ref: str) -> Citation:
        """The citation of a figure; the same reference keeps its number."""
        known = next((c for c in self.citations if c.ref == ref), None)
        if known:
            return known
        source, _ = self.split(ref)
        figure, data = self.figure(ref), self.products[source]
        step, _, product = source.partition(".")
        result = self.results[step]
        rests = figure.records.every() if figure.records else ()
        call = next((c for c in result.calls if c.get("product") == product and c["kind"] == "ok"), {})
        made = Citation(
            n=len(self.citations) + 1,
            ref=ref,
            label=", ".join(filter(None, [figure.label, self.row_name(ref)])),
            value=figure.value,
            unit=figure.unit,
            shown=shown(figure),
            step=step,
            specialist=result.specialist,
            tool=str(call.get("tool", "")),
            call_id=str(call.get("call_id", "")),
            scope=data["scope"],
            as_of=data["as_of"],
            query=data.get("query", ""),
            records=figure.records,
            origins=tuple(Origin(records=one, source=self.origins.get(one.table, "")) for one in rests),
        )
        self.citations.append(made)
        return made


def problems(report: Report, ground: Ground, charts: Mapping[str, Any]) -> list[str]:
    """Why a report cannot go out: typed or unbound figures, tables and charts of nothing."""
    wrong = []
    if not report.sections:
        wrong.append("the report has no section")
    texts = [report.title, *report.caveats]
    for section in report.sections:
        texts += [section.heading, *(one.caption for one in section.tables), *(one.caption for one in section.charts)]
        texts += [charts[chart.ref]["result"]["title"] for chart in section.charts if chart.ref in charts]
    wrong += [f"{text!r} types a figure: say it in words" for text in dict.fromkeys(texts) if typed(text, ground)]
    for section in report.sections:
        for claim in section.claims:
            wrong += wrong_with(claim, ground)
        for table in section.tables:
            if table.ref not in ground.products:
                wrong.append(f"the table of {table.ref!r} has no product")
            else:
                fields = {c["field"] for c in ground.products[table.ref]["columns"]}
                wrong += [f"the table of {table.ref} has no column {c!r}" for c in table.columns if c not in fields]
            if table.limit < 0:
                wrong.append(f"the table of {table.ref} has the limit {table.limit}: give how many rows, or 0 for all")
        wrong += [f"there is no chart {chart.ref!r}" for chart in section.charts if chart.ref not in charts]
    return wrong


def sentence(claim: Claim, evidence: Evidence) -> Sentence:
    """A claim with its slots filled. One that cites nothing is flagged: nobody can check it."""
    found = {slot.name: evidence.figure(slot.ref) for slot in claim.slots}
    text = SLOT.sub(lambda match: shown(found[match[1]]), claim.text)  # at once: a value from the records is no template
    numbers = tuple(dict.fromkeys(evidence.cite(ref).n for ref in to_cite(claim, evidence)))
    flagged = "" if claim.slots else "it cites no evidence"
    return Sentence(text=text, citations=numbers, kind=claim.kind, flagged=flagged)


def shown(figure: Figure) -> str:
    return show(figure.value, figure.unit)


def to_cite(claim: Claim, evidence: Evidence) -> list[str]:
    """The references that get a number: every figure, and a name only where no figure of its own row (or of its result's
    figures) stands beside it, for that figure's evidence is the name's."""
    places = {slot.ref: slot.ref.rpartition(".")[0] for slot in claim.slots}
    figures = [ref for ref in places if evidence.figure(ref).unit != "text"]
    covered = {places[ref] for ref in figures}
    names = {places[ref]: ref for ref in reversed(places) if places[ref] not in covered}
    return [ref for ref in places if ref in figures or ref in names.values()]


def table(ref: TableRef, evidence: Evidence) -> AnswerTable:
    data = evidence.products[ref.ref]
    by_field = {c["field"]: Column.model_validate(c) for c in data["columns"]}
    columns = tuple(by_field[f] for f in ref.columns) or tuple(by_field.values())
    rows = data["rows"][: ref.limit or None]
    return AnswerTable(
        caption=ref.caption,
        source=ref.ref,
        columns=columns,
        rows=tuple({c.field: row.get(c.field) for c in columns} | {"records": row.get("records")} for row in rows),
        total_rows=len(data["rows"]),
        scope=data["scope"],
        as_of=data["as_of"],
    )


def plain(results: Sequence[StepResult], domain: Domain) -> Report:
    """The specialists' own claims, set out without a reporter."""
    titles = {p.name: p.title for p in domain.products}
    sections = []
    for result in results:
        claims = [Claim.model_validate(qualified(claim, result.step_id)) for claim in result.claims]
        tables = [
            TableRef(ref=f"{result.step_id}.{product}", caption=data["title"], columns=[], limit=10)
            for product, data in result.data.items()
            if data["rows"]
        ]
        heading = next((titles[p] for p in result.data if p in titles), "Result")
        sections.append(Section(heading=heading, claims=claims, tables=tables, charts=[]))
    return Report(title="What the specialists found", sections=sections, caveats=[])


def qualified(claim: Mapping[str, Any], step: str) -> dict[str, Any]:
    """A specialist's claim with references that hold outside its step."""
    return {**claim, "slots": [{**slot, "ref": f"{step}.{slot['ref']}"} for slot in claim["slots"]]}


def missing_products(
    request: Mapping[str, Any], plan: Plan, results: Mapping[str, StepResult], domain: Domain
) -> list[dict[str, Any]]:
    """Products that were planned or asked for and are not there: why, and what falls with them."""
    titles = {p.name: p.title for p in domain.products}
    made = {product for r in results.values() for product in r.data}
    lost: dict[str, dict[str, Any]] = {}
    for id, result in results.items():
        if result.status not in ("failed", "skipped") or (result.error and result.error.kind in PEOPLE):
            continue
        for product in result.produces:
            if product not in made:
                why = result.error.message if result.error else "no reason given"
                affects = lost_with(plan, id)
                lost.setdefault(
                    product, {"product": product, "title": titles.get(product, product), "why": why, "affects": affects}
                )
    decided = {r.step_id for r in results.values() if r.error and r.error.kind in PEOPLE}
    saved = left_out(plan)
    for product in request.get("products", []):
        steps = [s for s in plan.steps if product in s.produces]
        settled = steps and all(s.id in decided or (s.id in results and results[s.id].status == "succeeded") for s in steps)
        if product not in made and product not in lost and not settled:
            title = titles.get(product, product)
            lost[product] = {
                "product": product,
                "title": title,
                "why": saved.get(title, "no step could make it"),
                "affects": [],
            }
    told = {item["title"] for item in lost.values()}
    rows = [{"product": "", "title": title, "why": why, "affects": []} for title, why in saved.items() if title not in told]
    return [*lost.values(), *rows]


async def report(
    services: Services,
    caller: Caller,
    execution_id: str,
    thread_id: str,
    request: Mapping[str, Any],
    plan: Plan,
    results: Mapping[str, StepResult],
    issues: Sequence[Mapping[str, Any]],
    today: str,
    emit: Emit,
) -> Answer:
    """The whole answer. Never raises for what a reporter does wrong."""
    order = {id: n for n, id in enumerate(plan.ids())}
    done = sorted((r for r in results.values() if r.data), key=lambda r: order.get(r.step_id, 999))
    origins = await asyncio.to_thread(services.domain.origins, services.resources)
    evidence = Evidence({r.step_id: r for r in done}, origins)
    lost = missing_products(request, plan, results, services.domain)
    task = message("Write the answer.", _brief(request, plan, done, lost, issues, services.domain))

    deeds = frozenset(f"{r.step_id}.{call['product']}" for r in done for call in r.calls if call.get("effect"))
    by_code = (*(missing_line(item) for item in lost), *(i["text"] for i in issues), *(text for r in done for text in r.gaps))
    ground = Ground(evidence.products, str(request["goal"]), today, deeds, by_code)

    def check(response: Any, messages: Any) -> list[str]:
        drawn = {id: call for id, call in calls_of(messages).items() if call["kind"] == "ok" and call["product"] == "chart"}
        return problems(response, ground, drawn) if isinstance(response, Report) else []

    granted = frozenset(services.specialist("reporter").tools)
    context = StepContext(
        caller,
        execution_id,
        "report",
        "reporter",
        thread_id,
        granted=granted,
        trace=Products(services.registry.manifests()).handed(evidence.products, results),
        inputs=evidence.products,
        resources=services.resources,
        check=check,
        emit=emit,
    )
    thread = part_thread(execution_id, "report", len(results))
    notes = [i["text"] for i in issues]
    charts: dict[str, Any] = {}
    if done:
        try:
            said = await ask(services, "reporter", thread, task, context)
            written, charts = said.value, said.calls
            assert isinstance(written, Report)
        except (StepFailure, ModelUnavailable) as failure:
            notes.append(f"the reporter's text was refused, so the specialists' claims stand as they are: {failure}")
            written = plain(done, services.domain)
    else:
        written = Report(title="Nothing was carried out", sections=[], caveats=[])
    sections = one_of_each(
        AnswerSection(
            heading=section.heading,
            sentences=tuple(sentence(claim, evidence) for claim in section.claims),
            tables=tuple(table(ref, evidence) for ref in section.tables),
            charts=tuple(AnswerChart(caption=c.caption, spec=charts[c.ref]["result"]) for c in section.charts),
        )
        for section in written.sections
    )
    rows = sorted(await services.approvals.of_execution(execution_id), key=lambda row: order.get(row.step_id, len(order)))
    elsewhere = {*notes, *(missing_line(item) for item in lost)}
    dropped = unapplied(plan, request, services)
    dry = bool(request.get("dry_run"))
    said_first = [*([NOTICE] if dry else []), *request.get("notes", []), *dropped]
    caveats = dict.fromkeys([*said_first, *written.caveats, *(c for r in done for c in r.caveats)])
    open_still = undecided(rows)
    failed = bool(open_still) or (
        bool(lost) or not results or any(r.status in ("failed", "cancelled") for r in results.values() if r.step_id in order)
    )
    name = services.model_name("reporter")
    return Answer(
        title=f"Dry run: {written.title}" if dry else written.title,
        goal=str(request["goal"]),
        status="complete" if not failed else "partial" if done else "failed",  # what people refused has not failed
        sections=sections,
        missing=tuple(missing_line(item) for item in lost),
        issues=tuple(dict.fromkeys(notes)),
        caveats=tuple(text for text in caveats if text not in elsewhere),
        undecided=open_still,
        decisions=(*decisions(rows), *would_do(results.values())),
        reused=taken_over(plan, results),
        citations=tuple(evidence.citations),
        model=name,
        offline=name.startswith("offline"),
        made_on=today,
    )


def taken_over(plan: Plan, results: Mapping[str, StepResult]) -> tuple[str, ...]:
    """What was not found out again, in a line."""
    titles = [step.title for step in plan.steps if step.id in results and results[step.id].reused]
    return (f"Taken over from the answer before, for nothing they rest on has changed: {', '.join(titles)}.",) if titles else ()


def missing_line(item: Mapping[str, Any]) -> str:
    falls = f" What depended on it is missing or weaker: {', '.join(item['affects'])}." if item["affects"] else ""
    return f"{item['title']} is missing: {item['why'].rstrip('.')}.{falls}"


def _brief(
    request: Mapping[str, Any],
    plan: Plan,
    done: Sequence[StepResult],
    lost: Sequence[Mapping[str, Any]],
    issues: Sequence[Mapping[str, Any]],
    domain: Domain,
) -> dict[str, Any]:
    effects = {step.id for step in plan.steps if step.effect != "read"}
    acted_on = {ref for step in plan.steps if step.effect != "read" for ref in step.inputs.values()}
    return {
        "role": "reporter",
        "goal": request["goal"],
        "wanted": request.get("products", []),
        "settings": settings_list(request.get("settings", {})),
        "results": [
            {
                "step": r.step_id,
                "specialist": r.specialist,
                "title": next((p.title for p in domain.products if p.name in r.data), r.specialist),
                "status": r.status,
                "effect": r.step_id in effects,
                "headline": r.headline,
                "products": [
                    {
                        "product": product,
                        "ref": f"{r.step_id}.{product}",
                        "title": data["title"],
                        "scope": data["scope"],
                        "as_of": data["as_of"],
                        "columns": data["columns"],
                        "row_count": len(data["rows"]),
                        "acted_on": f"{r.step_id}.{product}" in acted_on,
                        "chart": data["chart"],
                        "caveats": data["caveats"],
                    }
                    for product, data in r.data.items()
                ],
                "claims": [qualified(claim, r.step_id) for claim in r.claims],
                "gaps": list(r.gaps),
            }
            for r in done
        ],
        "missing": list(lost),
        "issues": [dict(i) for i in issues],
    }
