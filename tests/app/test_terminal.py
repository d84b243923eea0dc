"""What the terminal prints, at the widths people have: nothing is cut off, nothing hidden is let through."""

import pytest
from rich.console import Console

from app.terminal import print_answer
from graphs.answer import Answer, AnswerSection, AnswerTable, Citation, Sentence
from tools.results import Column

COLUMNS = (
    Column(field="supplier", label="Supplier"),
    Column(field="score", label="Risk score", unit="score"),
    Column(field="exposure", label="Exposure", unit="score"),
    Column(field="delivery", label="Delivery", unit="score"),
    Column(field="country", label="Country", unit="score"),
    Column(field="sanctions", label="Sanctions", unit="score"),
    Column(field="spend", label="Spend", unit="usd"),
)
ROW = {"supplier": "Caddoway Pharmaceuticals", "score": "46.4", "exposure": 14, "delivery": 93, "country": 53, "sanctions": 0}
LONG = "Three of the suppliers are at or over the threshold, and they hold more than half of what was spent in the period"


def answer(**more: object) -> Answer:
    table = AnswerTable(
        caption="Scores", source="s6.risk_scores", columns=COLUMNS, rows=({**ROW, "spend": "7136329.85"},), total_rows=24,
        scope="direct-drop lines", as_of="2015",
    )  # fmt: skip
    said = (Sentence(text=LONG, citations=(1, 2)), Sentence(text="Not so \x1b[31msure\u202e", flagged="no source"))
    body = {
        "title": "Risk by supplier",
        "goal": "risk?",
        "status": "complete",
        "sections": (AnswerSection(heading="In short", sentences=said, tables=(table,)),),
        "offline": True,
        "made_on": "2026-11-22",
    }
    return Answer.model_validate({**body, **more})


def printed(width: int, shown: Answer, *, sources: bool = False) -> str:
    console = Console(width=width, record=True, quiet=False, file=open("/dev/null", "w"))  # noqa: SIM115, PTH123
    print_answer(console, shown, sources=sources)
    return console.export_text()


@pytest.mark.parametrize("width", [40, 60, 80, 120])
def test_every_column_and_word_is_there_at_any_width(width: int) -> None:
    text = printed(width, answer())
    assert all(len(line.rstrip()) <= width for line in text.splitlines())
    for word in (*LONG.split(), "$7,136,329.85", "1 of 24 rows", "[1][2]", "deterministic templates, no language"):
        assert word in " ".join(text.split()), word


def test_names_are_not_broken_inside_a_word() -> None:
    assert "Pharmaceuticals" in printed(80, answer())


def test_the_lines_of_a_point_stand_under_its_first() -> None:
    lines = printed(60, answer()).splitlines()
    first = next(number for number, line in enumerate(lines) if "Three of the" in line)
    assert lines[first].startswith("  • Three") and lines[first + 1].startswith("    ") and lines[first + 1][4] != " "


def test_what_is_hidden_or_not_relied_on_is_said() -> None:
    text = printed(120, answer())
    assert "\x1b" not in text and "\u202e" not in text
    assert "‹U+001B›[31msure‹U+202E›" in text and "not relied on: no source" in text


def test_a_partial_answer_says_what_is_missing_before_anything_else() -> None:
    text = printed(80, answer(status="partial", missing=("country risk: the source is down",)))
    assert 0 < text.index("This answer is partial") < text.index("the source is down") < text.index("In short")


def test_sources_are_listed_when_asked_for() -> None:
    cited = Citation(
        n=1, ref="s2.exposure.figures.total", label="Total spend", value="5", unit="usd", shown="$5.00", step="s2",
        specialist="finance", tool="financial_exposure", call_id="c1", scope="all lines", as_of="2015", query="select 1",
    )  # fmt: skip
    assert "financial_exposure in step s2" in printed(120, answer(citations=(cited,)), sources=True)
    assert "traced to records" in printed(120, answer(citations=(cited,)))
