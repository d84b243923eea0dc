"""An answer as Markdown: what a chat shows, what `--json` carries, what `--out` writes. Pure text; nothing is looked up."""

from collections.abc import Iterable, Iterator

from graphs.answer import Answer, AnswerChart, AnswerSection, AnswerTable, Citation, Sentence
from graphs.formats import show
from tools.results import Records

NUMERIC = frozenset({"count", "usd", "percent", "days", "score", "index", "ratio", "kg"})
UNMARKED = frozenset({"figure", "limit", "note"})
KEYS_SHOWN = 60


def to_markdown(answer: Answer) -> str:
    """The whole answer with numbered sources at its end."""
    return "\n".join(_lines(answer)).rstrip() + "\n"


def _lines(answer: Answer) -> Iterator[str]:
    yield f"# {answer.title}"
    yield ""
    yield f"*{answer.goal}*"
    if answer.status != "complete":
        yield ""
        yield f"**This answer is {answer.status}.** What is missing is said below."
    yield from _list("Still to decide", answer.undecided)
    yield from _list("Missing", answer.missing)
    for section in answer.sections:
        yield from _section(section)
    yield from _list("Decisions", answer.decisions)
    yield from _list("Used again", answer.reused)
    yield from _list("What the checks found", answer.issues)
    yield from _list("Caveats", answer.caveats)
    yield from _sources(answer.citations)
    yield ""
    yield f"---\n{made_by(answer)}"


def made_by(answer: Answer) -> str:
    """Which model wrote it, and on which day."""
    how = "the offline model: deterministic templates, no language model" if answer.offline else answer.model
    return f"Made on {answer.made_on} by {how}."


def source(citation: Citation) -> str:
    """One source on one line: the figure, the call that made it, the records it rests on."""
    made = f"{citation.tool} in step {citation.step}; {escape(citation.scope)}; {escape(citation.as_of)}"
    return f"{_figure(citation)} — {made}{_rests(citation)}"


def by_call(citations: Iterable[Citation]) -> list[list[Citation]]:
    """The citations of one tool call together, in the order of the first number."""
    calls: dict[tuple[str, ...], list[Citation]] = {}
    for one in citations:
        calls.setdefault((one.step, one.tool, one.call_id, one.scope, one.as_of), []).append(one)
    return list(calls.values())


def origins(citations: Iterable[Citation]) -> dict[str, str]:
    """What the records of each cited table were loaded from, where that is known."""
    return {one.records.table: one.source for c in citations for one in c.origins if one.source}


def counted(records: Records) -> str:
    """`1 record of cases`, `245 records of order_lines`."""
    return f"{records.count:,} record{'' if records.count == 1 else 's'} of {records.table}"


def drawn(chart: AnswerChart) -> str:
    """What a chart shows: its source, population and dates."""
    spec = chart.spec
    points, total = len(spec["rows"]), spec["total_rows"]
    which = f"the first {points} of {total} rows" if points < total else f"all {total} rows"
    return f"{which} of {spec['source']}; {spec['scope']}; {spec['as_of']}"


def _sources(citations: tuple[Citation, ...]) -> Iterator[str]:
    """Grouped by tool call, so that what a call's figures share is said once; then where the records came from."""
    if not citations:
        return
    yield from ("", "## Sources")
    for group in by_call(citations):
        one = group[0]
        yield from ("", f"**{escape(one.tool)} in step {one.step}**; {escape(one.scope)}; {escape(one.as_of)}", "")
        yield from (f"- **{c.n}** {_figure(c)}{_rests(c)}" for c in group)
    if where := origins(citations):
        yield from ("", "**Where the records come from**", "")
        yield from (f"- {escape(table)}: {escape(said)}" for table, said in sorted(where.items()))


def _figure(citation: Citation) -> str:
    return f"{escape(citation.label)}: {escape(citation.shown)}"


def _rests(citation: Citation) -> str:
    said = []
    for origin in citation.origins:
        keys = origin.records.keys
        cut = keys if len(keys) <= KEYS_SHOWN else keys[:KEYS_SHOWN].rsplit(",", 1)[0] + ",…"
        said.append(f"; {escape(counted(origin.records))} ({cut})")
    return "".join(said)


def _section(section: AnswerSection) -> Iterator[str]:
    yield ""
    yield f"## {escape(section.heading)}"
    if section.sentences:
        yield ""
        yield from (f"- {said(sentence)}" for sentence in section.sentences)
    for table in section.tables:
        yield ""
        yield from _table(table)
    for chart in section.charts:
        yield ""
        yield f"*Chart: {escape(chart.caption)}*; {escape(drawn(chart))}"


def said(sentence: Sentence) -> str:
    marks = "".join(f"[{n}]" for n in sentence.citations)
    flag = f" **(not relied on: {escape(sentence.flagged)})**" if sentence.flagged else ""
    kind = "" if sentence.kind in UNMARKED else f" *({sentence.kind})*"
    return f"{escape(sentence.text)} {marks}{kind}{flag}".rstrip()


def _table(table: AnswerTable) -> Iterator[str]:
    more = f" ({len(table.rows)} of {table.total_rows} rows)" if len(table.rows) < table.total_rows else ""
    yield f"**{escape(table.caption)}**{more}; {escape(table.scope)}; {escape(table.as_of)}"
    yield ""
    yield "| " + " | ".join(escape(column.label) for column in table.columns) + " |"
    yield "|" + "|".join("---:" if column.unit in NUMERIC else "---" for column in table.columns) + "|"
    for row in table.rows:
        yield "| " + " | ".join(escape(show(row.get(c.field), c.unit)) for c in table.columns) + " |"


def _list(heading: str, lines: tuple[str, ...]) -> Iterator[str]:
    if lines:
        yield ""
        yield f"## {heading}"
        yield ""
        yield from (f"- {escape(line)}" for line in lines)


def escape(text: str) -> str:
    """Text from records or models cannot become markup: no HTML, no links, no images, no table cells."""
    flat = " ".join(str(text).split())
    for sign in ("\\", "`", "*", "_", "[", "]", "<", ">", "|"):
        flat = flat.replace(sign, "\\" + sign)
    return flat
