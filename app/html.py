"""An answer as one self-contained HTML file: no script, nothing loaded from anywhere, everything escaped; and all files of `--out`."""

import json
from collections.abc import Iterator
from html import escape
from pathlib import Path
from typing import Any

from app.text import reveal
from graphs.answer import Answer, AnswerChart, AnswerSection, AnswerTable, Citation, Sentence
from graphs.formats import show
from graphs.markdown import NUMERIC, made_by, to_markdown
from tools.charts import ChartSpec, render_svg

STYLE = """

:root{color-scheme:light dark;--ink:light-dark(#1f2328,#e6e9ed);--soft:light-dark(#57606a,#9aa4af);
--line:light-dark(#d8dee4,#363d45); --ground:light-dark(#fff,#16191d);--tint:light-dark(#f6f8fa,#1f242a);
--accent:light-dark(#0b5cad,#7ab7ff);--bad:light-dark(#b42318,#ff8a7a)}*{box-sizing:border-box}
body{margin:0 auto;padding:32px 24px 64px;max-width:900px;background:var(--ground);color:var(--ink);
 font:16px/1.55 system-ui,sans-serif}h1{font-size:28px;line-height:1.25;margin:0 0 4px}
h2{font-size:19px;margin:36px 0 8px}p,li{max-width:75ch}.goal,.note,caption,figcaption,footer{color:var(--soft)}
.partial{border-left:4px solid var(--bad);padding:4px 12px}
table{border-collapse:collapse;width:100%;margin:12px 0;font-size:14px}.wide{overflow-x:auto}
caption{text-align:left;font-size:13px;padding:4px 0}
th,td{text-align:left;padding:5px 10px 5px 0;border-bottom:1px solid var(--line);vertical-align:top}
th{color:var(--soft);font-weight:600}.n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
figure{margin:16px 0}figure svg{max-width:100%;height:auto}a{color:var(--accent)}
sup a{text-decoration:none;font-variant-numeric:tabular-nums}.sources li{font-size:13px;overflow-wrap:anywhere}
summary{cursor:pointer;color:var(--accent);font-size:14px}.flag{color:var(--bad)}
@media print{body{max-width:none;padding:0}}
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
    yield from _list("Missing", answer.missing)
    for section in answer.sections:
        yield from _section(section)
    yield from _list("Decisions", answer.decisions)
    yield from _list("What the checks found", answer.issues)
    yield from _list("Caveats", answer.caveats)
    if plan_svg:
        yield f'<h2>The plan that was carried out</h2><figure class="wide">{plan_svg}</figure>'
    if answer.citations:
        yield '<h2>Sources</h2><ol class="sources">'
        yield from (_source(c) for c in answer.citations)
        yield "</ol>"
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
    kind = "" if sentence.kind in ("figure", "note") else f' <span class="note">({sentence.kind})</span>'
    return f"{_text(sentence.text)} {marks}{kind}{flag}"


def _table(table: AnswerTable) -> str:
    more = f", {len(table.rows)} of {table.total_rows} rows" if len(table.rows) < table.total_rows else ""
    head = "".join(f'<th scope="col"{_side(c.unit)}>{_text(c.label)}</th>' for c in table.columns)
    body = "".join(
        "<tr>" + "".join(f"<td{_side(c.unit)}>{_text(show(row.get(c.field), c.unit))}</td>" for c in table.columns) + "</tr>"
        for row in table.rows
    )
    caption = f"<caption>{_text(table.caption)}{more}. {_text(table.scope)}; {_text(table.as_of)}</caption>"
    return f'<div class="wide"><table>{caption}<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'


def _side(unit: str) -> str:
    return ' class="n"' if unit in NUMERIC else ""


def _chart(chart: AnswerChart) -> str:
    spec = ChartSpec.model_validate({k: v for k, v in chart.spec.items() if k != "product"})
    return f"<figure>{render_svg(spec)}<figcaption>{_text(chart.caption)}</figcaption></figure>"


def _source(c: Citation) -> str:
    rests = ""
    if c.records:
        keys = f"<details><summary>{c.records.count:,} records of {_text(c.records.table)}</summary>{_text(c.records.keys)}</details>"
        rests = keys
    made = f"{_text(c.tool)} in step {_text(c.step)}; {_text(c.scope)}; {_text(c.as_of)}"
    about = f"{_text(c.label)}: <strong>{_text(c.shown)}</strong> — {made}"
    return f'<li id="source-{c.n}">{about}{rests}</li>'


def _list(heading: str, lines: tuple[str, ...]) -> Iterator[str]:
    if lines:
        yield f"<h2>{heading}</h2><ul>" + "".join(f"<li>{_text(line)}</li>" for line in lines) + "</ul>"


def _text(value: str) -> str:
    return escape(reveal(str(value)))


def write(directory: Path, answer: Answer, outcome: dict[str, Any], plan_svg: str = "") -> list[Path]:
    """Write report.md, report.html, report.json and charts/*.svg; the paths. Raises `OSError` for a folder that cannot be used."""
    directory.mkdir(parents=True, exist_ok=True)
    files = {
        directory / "report.md": to_markdown(answer),
        directory / "report.html": to_html(answer, plan_svg),
        directory / "report.json": json.dumps(outcome, ensure_ascii=False, indent=2, default=str),
    }
    if plan_svg:
        files[directory / "plan.svg"] = plan_svg
    number = 0
    for section in answer.sections:
        for chart in section.charts:
            number += 1
            spec = ChartSpec.model_validate({k: v for k, v in chart.spec.items() if k != "product"})
            files[directory / "charts" / f"{number:02d}.svg"] = render_svg(spec)
    for path, text in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return list(files)
