"""An answer as Markdown: what a chat shows, what `--json` carries, what `--out` writes. Pure text; nothing is looked up."""

from collections.abc import Iterator

from graphs.answer import Answer, AnswerSection, AnswerTable, Citation, Sentence
from graphs.formats import show

NUMERIC = frozenset({"count", "usd", "percent", "days", "score", "index", "ratio", "kg"})
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
    yield from _list("Missing", answer.missing)
    for section in answer.sections:
        yield from _section(section)
    yield from _list("Decisions", answer.decisions)
    yield from _list("Used again", answer.reused)
    yield from _list("What the checks found", answer.issues)
    yield from _list("Caveats", answer.caveats)
    if answer.citations:
        yield ""
        yield "## Sources"
        yield ""
        yield from (f"{c.n}. {source(c)}" for c in answer.citations)
    yield ""
    yield f"---\n{made_by(answer)}"


def made_by(answer: Answer) -> str:
    """Which model wrote it, and on which day."""
    how = "the offline model: deterministic templates, no language model" if answer.offline else answer.model
    return f"Made on {answer.made_on} by {how}."


def source(citation: Citation) -> str:
    """One source on one line: the figure, the call that made it, the records it rests on."""
    rests = ""
    if citation.records:
        keys = citation.records.keys
        cut = keys if len(keys) <= KEYS_SHOWN else keys[:KEYS_SHOWN].rsplit(",", 1)[0] + ",…"
        rests = f"; {citation.records.count:,} records of {citation.records.table} ({cut})"
    head = f"{escape(citation.label)}: {escape(citation.shown)}"
    return f"{head} — {citation.tool} in step {citation.step}; {escape(citation.scope)}; {escape(citation.as_of)}{rests}"


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
        yield f"*Chart: {escape(chart.caption)}*"


def said(sentence: Sentence) -> str:
    marks = "".join(f"[{n}]" for n in sentence.citations)
    flag = f" **(not relied on: {escape(sentence.flagged)})**" if sentence.flagged else ""
    kind = "" if sentence.kind in ("figure", "note") else f" *({sentence.kind})*"
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
