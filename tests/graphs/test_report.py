"""The report's own work: one table for one product, numbers for figures only, and what nobody decided told from what was refused."""

from datetime import timedelta
from typing import Any

from governance.clock import now
from graphs.answer import AnswerSection, AnswerTable
from graphs.markdown import to_markdown
from graphs.plan import StepResult
from graphs.report import Evidence, sentence
from graphs.sections import one_of_each
from graphs.wire import Claim, Slot
from tests.graphs.little import Yard, at_work, draft
from tools.results import Column, Figure, Records

NAME, SPEND = Column(field="name", label="Name"), Column(field="spend", label="Spend", unit="usd")


def table(step: str, *names: str, product: str = "case", scope: str = "all") -> AnswerTable:
    rows = tuple({"name": name, "records": {"table": "cases", "keys": name, "count": 1}} for name in names)
    source = f"{step}.{product}"
    return AnswerTable(
        caption="Cases", source=source, columns=(NAME,), rows=rows, total_rows=len(rows), scope=scope, as_of="2026"
    )


def test_sections_of_one_heading_become_one_with_one_table_and_every_rows_records() -> None:
    parts = [AnswerSection(heading="Cases", tables=(table(f"s8-{n}", str(n), scope=f"case {n}"),)) for n in range(1, 6)]
    other = AnswerSection(heading="Spend", tables=(table("s1", "9", product="exposure"),))
    first, second = one_of_each([parts[0], other, *parts[1:]])
    assert (first.heading, second) == ("Cases", other)
    (one,) = first.tables
    assert one.source == "s8-1.case, s8-2.case, s8-3.case, s8-4.case, s8-5.case" and one.total_rows == 5
    assert [row["records"]["keys"] for row in one.rows] == ["1", "2", "3", "4", "5"]
    assert one.scope == "case 1; case 2; case 3; and 2 more"


def test_tables_of_other_products_or_columns_stay_apart_and_the_same_one_stands_once() -> None:
    wide = table("s8-2", "2").model_copy(update={"columns": (NAME, SPEND)})
    tables = (table("s8-1", "1"), table("s8-1", "1"), wide, table("s1", "9", product="exposure"))
    (section,) = one_of_each([AnswerSection(heading="Cases", tables=tables)])
    assert [(one.source, one.total_rows) for one in section.tables] == [("s8-1.case", 1), ("s8-2.case", 1), ("s1.exposure", 1)]


def evidence() -> Evidence:
    def row(name: str, key: int) -> dict[str, Any]:
        lines = Records.of("lines", [key, key + 1]).beside(Records.of("indicators", [7]))
        return {"name": name, "land": "Kenya", "spend": "10.5", "records": lines.model_dump()}

    figures = {"total": Figure(value=21, unit="usd", label="total", records=Records.of("lines", range(1, 5))).model_dump()}
    columns = [NAME.model_dump(), {"field": "land", "label": "Land", "unit": "text"}, SPEND.model_dump()]
    data = {"rows": [row("Acme", 1), row("Birch", 3)], "columns": columns, "figures": figures, "scope": "all", "as_of": "2015"}
    result = StepResult(step_id="s1", status="succeeded", specialist="finance", data={"exposure": data})
    return Evidence({"s1": result}, {"lines": "orders.csv (sha256 abc…)"})


def claim(text: str, **slots: str) -> Claim:
    return Claim(text=text, slots=[Slot(name=n, ref=f"s1.exposure.{path}") for n, path in slots.items()], kind="figure")


def test_a_name_beside_a_figure_of_its_row_gets_no_number_and_the_source_names_the_row() -> None:
    known = evidence()
    said = sentence(claim("{a} in {l}: {s}.", a="rows[0].name", l="rows[0].land", s="rows[0].spend"), known)
    assert said.text == "Acme in Kenya: $10.50." and said.citations == (1,) and not said.flagged
    (cited,) = known.citations
    assert cited.label == "Spend, Acme" and cited.ref == "s1.exposure.rows[0].spend"


def test_names_alone_are_cited_once_a_row() -> None:
    known = evidence()
    said = sentence(
        claim("{a} ({l}) and {b}, of {t}.", a="rows[0].name", l="rows[0].land", b="rows[1].name", t="figures.total"), known
    )
    assert [c.ref.removeprefix("s1.exposure.") for c in known.citations] == ["rows[0].name", "rows[1].name", "figures.total"]
    assert said.citations == (1, 2, 3)


def test_a_citation_leads_to_each_table_and_to_the_file_it_was_loaded_from() -> None:
    known = evidence()
    sentence(claim("{s}", s="rows[1].spend"), known)
    found = [(o.records.table, o.records.keys, o.source) for o in known.citations[0].origins]
    assert found == [("lines", "3-4", "orders.csv (sha256 abc…)"), ("indicators", "7", "")]


async def test_what_nobody_decided_in_time_is_no_refusal(yard: Yard) -> None:
    yard.steps = [draft("s1", "ann", "a"), draft("s2", "clerk", "note", after={"s1": "success"})]
    async with at_work(yard) as runner:
        waiting = await runner.run("a note")
        await runner.services.approvals.expire(now() + timedelta(days=30))
        done = await runner.resume(waiting.thread_id)
    assert yard.notes() == [] and done.status == "success" and done.answer
    assert {s["id"]: s["result"]["error"]["kind"] for s in done.steps if s["result"]["error"]} == {"s2": "expired"}
    assert done.answer.status == "partial" and not done.answer.missing
    assert done.answer.decisions == ("write_note (write_note): nobody decided in time, so it was not done",)
    (open_still,) = done.answer.undecided
    assert open_still.startswith("write_note: nobody decided in time")
    text = to_markdown(done.answer)
    assert "## Still to decide" in text and "expired" not in text and "reject" not in text
