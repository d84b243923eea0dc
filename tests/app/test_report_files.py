"""What `--out` writes of the flagship: each chart with its rows, and each number leading to records that are there."""

import csv
import io
import json
import re
import sqlite3
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest

from app.downloads import file_name, to_csv
from app.html import write
from graphs.answer import Answer
from tests.supply_chain.test_cited_figures import flagship
from tools.results import Column, Records


class Page(HTMLParser):
    """Tags with their attributes, in order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def every(self, tag: str, attribute: str) -> list[str]:
        return [found for name, attrs in self.tags if name == tag and (found := attrs.get(attribute)) is not None]


@pytest.fixture(scope="module")
async def written(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Answer]:
    """The folder that was written, beside the database, and the answer in it."""
    home = tmp_path_factory.mktemp("report")
    answer = await flagship(home)
    write(home / "out", answer, {"goal": answer.goal})
    return home, answer


def downloaded(page: Page) -> list[list[list[str]]]:
    """The CSV files behind the page's links."""
    urls = [url for url in page.every("a", "href") if url.startswith("data:text/csv")]
    texts = [unquote(url.partition(",")[2]) for url in urls]
    assert all(text.startswith("\ufeff") for text in texts)
    return [list(csv.reader(io.StringIO(text[1:]))) for text in texts]


def test_each_chart_has_its_rows_a_csv_and_its_population(written: tuple[Path, Answer]) -> None:
    home, answer = written
    text = (home / "out" / "report.html").read_text()
    figures = re.findall(r"<figure>.*?</figure>", text, re.S)
    charts = [chart for section in answer.sections for chart in section.charts]
    assert len(figures) == len(charts) > 2
    for figure, chart in zip(figures, charts, strict=True):
        spec = chart.spec
        (sheet,) = downloaded(Page(figure))
        assert sheet[0] == [*(c["label"] for c in spec["columns"]), "Records"]
        for line, row in zip(sheet[1:], spec["rows"], strict=True):
            assert line[:-1] == ["" if row[c["field"]] is None else str(row[c["field"]]) for c in spec["columns"]]
            assert line[-1].startswith(f"{row['records']['table']} {row['records']['keys']}")
        assert figure.count("<tr>") == len(spec["rows"]) + 1 and "<details>" in figure
        for said in (spec["scope"], spec["as_of"], spec["source"], f"{len(spec['rows'])} of {spec['total_rows']}"):
            assert said in figure
    assert "<script" not in text and not re.search(r"\son\w+=", text)


def test_each_number_opens_a_source_and_no_source_is_left_over(written: tuple[Path, Answer]) -> None:
    home, answer = written
    page = Page((home / "out" / "report.html").read_text())
    asked = {url for url in page.every("a", "href") if url.startswith("#")}
    assert asked == {f"#{id}" for id in page.every("li", "id")} == {f"#source-{c.n}" for c in answer.citations}
    rows = {c.n: c.ref.rpartition(".")[0] for c in answer.citations}
    names = {c.n for c in answer.citations if c.unit == "text"}
    for sentence in (s for section in answer.sections for s in section.sentences):
        beside = [rows[n] for n in sentence.citations if n not in names]
        assert not [n for n in sentence.citations if n in names and rows[n] in beside], "a figure's source is its name's too"


def test_each_cited_record_is_there_and_its_origin_known(written: tuple[Path, Answer]) -> None:
    home, answer = written
    assert [c.label for c in answer.citations if not c.origins] == ["threshold, a setting"], (
        "all but the setting rest on records"
    )
    with sqlite3.connect(home / "supply_chain.db") as db:
        for citation in answer.citations:
            for origin in citation.origins:
                ids = ",".join(map(str, origin.records.expand()))
                query = f"SELECT count(*) FROM {origin.records.table} WHERE id IN ({ids})"
                assert db.execute(query).fetchone()[0] == origin.records.count > 0
                cases = origin.records.table == "cases"
                assert origin.source == ("opened and kept in Clearance itself" if cases else "the generated sample company")


def test_a_country_index_leads_to_indicators_of_the_supplier_s_countries_and_a_candidate_to_its_entry(
    written: tuple[Path, Answer],
) -> None:
    home, answer = written
    by_field = {c.ref.rpartition(".")[2]: {o.records.table: o.records for o in c.origins} for c in answer.citations}
    with sqlite3.connect(home / "supply_chain.db") as db:

        def lands(records: Records, query: str) -> set[str]:
            keys = ",".join(map(str, records.expand()))
            return {row[0] for row in db.execute(query.format(keys=keys))}

        for field in ("risk_index", "country_part"):
            made = lands(
                by_field[field]["order_lines"],
                "SELECT s.iso3 FROM order_lines o JOIN sites s ON s.id = o.site_id WHERE o.id IN ({keys})",
            )
            assert made == lands(by_field[field]["indicators"], "SELECT iso3 FROM indicators WHERE id IN ({keys})")
        names = lands(by_field["similarity"]["sanctions"], "SELECT name FROM sanctions WHERE id IN ({keys})")
    assert names == {"TAMSIN ORCHARD TRADING CO."}


def test_one_section_holds_all_cases_with_their_records(written: tuple[Path, Answer]) -> None:
    _, answer = written
    headings = Counter(section.heading for section in answer.sections)
    assert max(headings.values()) == 1
    (cases,) = (t for s in answer.sections for t in s.tables if s.heading == "Escalation cases")
    assert len(cases.rows) == cases.total_rows == 3
    assert sorted(row["records"]["keys"] for row in cases.rows) == sorted(str(row["case_id"]) for row in cases.rows)


def test_the_answer_is_told_in_a_readers_order_and_nothing_twice(written: tuple[Path, Answer]) -> None:
    _, answer = written
    assert [s.heading for s in answer.sections][:4] == [
        "In short", "What was done", "What needs a decision", "What is uncertain"
    ]  # fmt: skip
    short = " ".join(said.text for said in answer.sections[0].sentences)
    assert all(name in short for name in ("Oskvar Laboratories", "Brackwater Pharma plc", "Halden Biologics Ltd"))
    assert short.count("mainly for") == 3
    said = [one.text for s in answer.sections for one in s.sentences]
    assert len(said) == len(set(said))
    assert not set(answer.issues) & set(answer.caveats)


def test_report_json_holds_the_answer_as_data(written: tuple[Path, Answer]) -> None:
    home, answer = written
    body: dict[str, Any] = json.loads((home / "out" / "report.json").read_text())
    assert Answer.model_validate(body["report"]) == Answer.model_validate(answer.model_dump(mode="json"))


def test_a_spreadsheet_takes_no_cell_for_a_formula_and_a_number_stays_one() -> None:
    columns = [Column(field="name", label="Name"), Column(field="spend", label="Spend", unit="usd")]
    rows = [{"name": "=1+1", "spend": "-3.50"}, {"name": 'A "b", c\u202e', "spend": None}]
    assert list(csv.reader(io.StringIO(to_csv(columns, rows)))) == [
        ["Name", "Spend", "Records"],
        ["'=1+1", "-3.50", ""],
        ['A "b", c‹U+202E›', "", ""],
    ]
    assert (file_name("Risk: the 5 / largest"), file_name("…")) == ("risk-the-5-largest.csv", "data.csv")
