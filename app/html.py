"""An answer as one self-contained HTML file: no script, nothing loaded from anywhere, everything escaped; and all files of `--out`."""

import json
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

from app.downloads import data_url, file_name, records_of, to_csv
from app.text import reveal
from graphs.answer import Answer, AnswerChart, AnswerSection, AnswerTable, Citation, Origin, Sentence
from graphs.formats import show
from graphs.markdown import NUMERIC, UNMARKED, by_call, counted, drawn, made_by, origins, to_markdown
from tools.charts import ChartSpec, render_svg
from tools.results import Column

STYLE = """

:root{color-scheme:light dark;--ink:light-dark(#1f2328,#e6e9ed);--soft:light-dark(#57606a,#9aa4af);
--line:light-dark(#d8dee4,#363d45); --ground:light-dark(#fff,#16191d);--tint:light-dark(#f6f8fa,#1f242a);
--accent:light-dark(#0b5cad,#7ab7ff);--bad:light-dark(#b42318,#ff8a7a)}*{box-sizing:border-box}
body{margin:0 auto;padding:32px 24px 64px;max-width:900px;background:var(--ground);color:var(--ink);
 font:16px/1.55 system-ui,sans-serif}h1{font-size:28px;line-height:1.25;margin:0 0 4px}
h2{font-size:19px;margin:36px 0 8px}h3{font-size:14px;margin:20px 0 4px}p,li{max-width:75ch}
.goal,.note,figcaption,footer{color:var(--soft)}
.partial{border-left:4px solid var(--bad);padding:4px 12px}
table{border-collapse:collapse;width:100%;margin:12px 0;font-size:14px}.wide{overflow-x:auto}
.caption,figcaption{font-size:13px;margin:16px 0 0}.caption strong,figcaption strong{color:var(--ink)}
th,td{text-align:left;padding:5px 10px 5px 0;border-bottom:1px solid var(--line);vertical-align:top}
th{color:var(--soft);font-weight:600}.d{white-space:nowrap}.n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
figure{margin:16px 0}figure svg{width:100%;min-width:520px;height:auto}.plan svg{width:auto;min-width:0}a{color:var(--accent)}
sup a{text-decoration:none;font-variant-numeric:tabular-nums}.sources li{font-size:13px;overflow-wrap:anywhere}
.sources li:target{background:var(--tint);outline:2px solid var(--accent)}.keys{overflow-wrap:anywhere;white-space:normal}
pre{white-space:pre-wrap;overflow-wrap:anywhere;font-size:12px}
summary{cursor:pointer;color:var(--accent);font-size:14px}a[download]{font-size:13px}td .keys{font-size:12px}.flag{color:var(--bad)}
@media print{:root{color-scheme:light}body{max-width:none;padding:0;font-size:11pt}h2,h3,.caption,figcaption{break-after:avoid}
tr,figure,li{break-inside:avoid}.wide{overflow:visible}figure svg{min-width:0}a[download]{display:none}}
"""


def to_html(answer: Answer, plan_svg: str = "") -> str:
    """The whole answer. Blocking (charts are drawn): call it in a thread from async code."""
    return "\n".join(_page(answer, plan_svg)) + "\n"


def _page(answer: Answer, plan_svg: str) -> Iterator[str]:
    yield "<!doctype html>"
    yield f'<html lang="en"><head><meta charset="utf-8"><title>{_text(answer.title)}</title>'
    yield '<meta name="viewport" content="width=device-width,initial-scale=1">'
    yield """<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:">"""
    yield f"<style>{STYLE}</style></head><body><main>"
    yield f'<h1>{_text(answer.title)}</h1><p class="goal">{_text(answer.goal)}</p>'
    if answer.status != "complete":
        yield f'<p class="partial"><strong>This answer is {answer.status}.</strong> What is missing is said first.</p>'
    yield from _list("Still to decide", answer.undecided)
    yield from _list("Missing", answer.missing)
    for section in answer.sections:
        yield from _section(section)
    yield from _list("Decisions", answer.decisions)
    yield from _list("What the checks found", answer.issues)
    yield from _list("Caveats", answer.caveats)
    if plan_svg:
        yield f'<h2>The plan that was carried out</h2><figure class="wide plan">{plan_svg}</figure>'
    yield from _sources(answer.citations)
    yield f"</main><footer><p>{_text(made_by(answer))}</p></footer></body></html>"


def _section(section: AnswerSection) -> Iterator[str]:
    yield f"<section><h2>{_text(section.heading)}</h2>"
    if section.sentences:
        yield "<ul>" + "".join(f"<li>{_said(s)}</li>" for s in section.sentences) + "</ul>"
    for chart in section.charts:
        yield _chart(chart)
    for table in section.tables:
        yield _table(table)
    yield "</section>"


def _said(sentence: Sentence) -> str:
    marks = "".join(f'<sup><a href="#source-{n}">{n}</a></sup> ' for n in sentence.citations)
    flag = f' <strong class="flag">not relied on: {_text(sentence.flagged)}</strong>' if sentence.flagged else ""
    kind = "" if sentence.kind in UNMARKED else f' <span class="note">({sentence.kind})</span>'
    return f"{_text(sentence.text)} {marks}{kind}{flag}"


def _table(table: AnswerTable) -> str:
    more = f", {len(table.rows)} of {table.total_rows} rows" if len(table.rows) < table.total_rows else ""
    about = f"<strong>{_text(table.caption)}</strong>{more}: {_text(table.scope)}; {_text(table.as_of)}."
    link = _download(table.caption, table.columns, table.rows)
    return f'<p class="note caption">{about} {link}</p>{_grid(table.caption, table.columns, table.rows)}'


def _grid(name: str, columns: Sequence[Column], rows: Sequence[Mapping[str, Any]]) -> str:
    """Rows with the records that each rests on, in a box that scrolls where the page is narrow."""
    head = "".join(f'<th scope="col"{_side(c.unit)}>{_text(c.label)}</th>' for c in columns)
    body = "".join(
        "<tr>"
        + "".join(f"<td{_side(c.unit)}>{_text(show(row.get(c.field), c.unit))}</td>" for c in columns)
        + f"<td>{_records(row)}</td></tr>"
        for row in rows
    )
    table = f'<table aria-label="{_text(name)}"><thead><tr>{head}<th scope="col">Records</th></tr></thead><tbody>{body}</tbody></table>'
    return f'<div class="wide">{table}</div>'


def _records(row: Mapping[str, Any]) -> str:
    """A row's records, all of them behind one fold."""
    found = records_of(row)
    if not found:
        return ""
    each = "<br>".join(f"{_text(counted(one))}: {_text(one.keys)}" for one in found)
    return f'<details><summary>{sum(one.count for one in found):,}</summary><span class="keys">{each}</span></details>'


def _keys(origin: Origin) -> str:
    """A figure's records of one table, folded, with what they were loaded from."""
    loaded = f"<br>{_text(origin.source)}" if origin.source else ""
    about = f"<summary>{_text(counted(origin.records))}</summary>"
    return f'<details>{about}<span class="keys">{_text(origin.records.keys)}</span>{loaded}</details>'


def _download(name: str, columns: Sequence[Column], rows: Sequence[Mapping[str, Any]]) -> str:
    return f'<a download="{_text(file_name(name))}" href="{data_url(to_csv(columns, rows))}">Download as CSV</a>'


def _side(unit: str) -> str:
    return ' class="n"' if unit in NUMERIC else ' class="d"' if unit == "date" else ""


def _chart(chart: AnswerChart) -> str:
    spec = chart_spec(chart)
    about = f"<figcaption><strong>{_text(chart.caption)}</strong>: {_text(drawn(chart))}.</figcaption>"
    data = f"<details><summary>Data of this chart</summary>{_grid(chart.caption, spec.columns, spec.rows)}</details>"
    picture = f'<div class="wide">{render_svg(spec)}</div>'
    return f"<figure>{about}{picture}{data}{_download(chart.caption, spec.columns, spec.rows)}</figure>"


def chart_spec(chart: AnswerChart) -> ChartSpec:
    return ChartSpec.model_validate({key: value for key, value in chart.spec.items() if key != "product"})


def _sources(citations: tuple[Citation, ...]) -> Iterator[str]:
    if not citations:
        return
    yield "<h2>Sources</h2>"
    for group in by_call(citations):
        one = group[0]
        yield f'<h3>{_text(one.tool)} in step {_text(one.step)}</h3><p class="note">{_text(one.scope)}; {_text(one.as_of)}</p>'
        if one.query:
            yield f"<details><summary>How it was made</summary><pre>{_text(one.query)}</pre></details>"
        yield '<ol class="sources">'
        yield from (_source(c) for c in group)
        yield "</ol>"
    yield from _list("Where the records come from", tuple(f"{t}: {said}" for t, said in sorted(origins(citations).items())))


def _source(c: Citation) -> str:
    rests = "".join(map(_keys, c.origins))
    return f'<li id="source-{c.n}" value="{c.n}">{_text(c.label)}: <strong>{_text(c.shown)}</strong>{rests}</li>'


def _list(heading: str, lines: tuple[str, ...]) -> Iterator[str]:
    if lines:
        yield f"<h2>{heading}</h2><ul>" + "".join(f"<li>{_text(line)}</li>" for line in lines) + "</ul>"


def _text(value: str) -> str:
    return escape(reveal(str(value)))


def write(directory: Path, answer: Answer, outcome: dict[str, Any], plan_svg: str = "") -> list[Path]:
    """Write report.md, report.html, report.json (the outcome, and the answer's parts as data) and charts/*.svg; the paths.

    Blocking. Raises `OSError` for a folder that cannot be used.
    """
    directory.mkdir(parents=True, exist_ok=True)
    whole = {**outcome, "report": answer.model_dump(mode="json")}
    files = {
        directory / "report.md": to_markdown(answer),
        directory / "report.html": to_html(answer, plan_svg),
        directory / "report.json": json.dumps(whole, ensure_ascii=False, indent=2, default=str),
    }
    if plan_svg:
        files[directory / "plan.svg"] = plan_svg
    number = 0
    for section in answer.sections:
        for chart in section.charts:
            number += 1
            files[directory / "charts" / f"{number:02d}.svg"] = render_svg(chart_spec(chart))
    for path, text in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return list(files)
