"""The reporter: charts for the products that have a shape worth seeing, then a Report of claims, tables and charts.

It puts the specialists' claims in a reader's order: what was found, what was done, what needs a decision, what is uncertain, then
the parts with their tables. It writes no sentence about the data and no figure of its own.
"""

from collections.abc import Iterable
from typing import Any

from models.offline.charting import chart_calls, chart_ref, plain, rank
from models.offline.request import Json, Reply, Request, Result, Turn
from models.offline.words import listed, stems

COLUMNS = 7
ROWS = 10
IN_SHORT = 5
ASIDE = 4  # claims in each of the short sections after the first
HIDDEN = frozenset({"records"})
FOUND = ("figure", "inference")


def report(brief: Json, turn: Turn, request: Request) -> Reply:
    """Calls of `make_chart` first, if that is bound; then the Report."""
    tool = request.tool("make_chart")
    rejected = sum(r.name == "Report" for r in turn.results)
    charts = [r for r in turn.results if r.name == "make_chart"]
    if tool and not charts and (calls := chart_calls(brief, ordered(brief), tool)):
        return Reply(calls=tuple(calls))
    value = written(brief, [r for r in charts if r.data], bare=rejected > 0)
    return Reply(answer={"name": "Report", "value": value})


def ordered(brief: Json) -> list[Json]:
    """The results, those that made a wanted product first; otherwise in the order of the plan."""
    return sorted(brief.get("results") or (), key=lambda result: min((rank(brief, p) for p in result["products"]), default=99))


def written(brief: Json, charts: list[Result], *, bare: bool) -> Json:
    """The Report. `bare`, after one was sent back: tables and charts only, no claims."""
    results = ordered(brief)
    summary = [] if bare else summarised(brief, results)
    said = [claim for one in summary for claim in one["claims"]]
    sections = summary if summary or results else [section("In short", [])]
    for title, group in by_title(results).items():
        body = section(title, [] if bare else [c for r in group for c in told(r) if c not in said])
        products = [p for r in group for p in r["products"]]
        body["tables"] = [table(p) for p in products if p.get("row_count") and p.get("columns")]
        refs = {p["ref"] for p in products}
        for chart in charts:
            source = next((str(v) for k, v in chart.args.items() if k.endswith("ref")), "")
            if source in refs:
                body["charts"].append({"ref": chart_ref(chart), "caption": plain(str(chart.args.get("title", "")))})
        if any(body[part] for part in ("claims", "tables", "charts")):
            sections.append(body)
    caveats = [text for result in results for p in result["products"] for text in p.get("caveats") or ()]
    gaps = [text for result in results for text in result.get("gaps") or ()]
    return {"title": title_of(brief, results), "sections": sections, "caveats": list(dict.fromkeys([*gaps, *caveats]))}


def by_title(results: list[Json]) -> dict[str, list[Json]]:
    """The results by heading: what several steps made of one kind is one section."""
    groups: dict[str, list[Json]] = {}
    for result in results:
        groups.setdefault(plain(result["title"]) or "Result", []).append(result)
    return groups


def section(heading: str, claims: list[Json]) -> Json:
    return {"heading": heading, "claims": claims, "tables": [], "charts": []}


def table(product: Json) -> Json:
    fields = [column["field"] for column in product["columns"] if column["field"] not in HIDDEN]
    return {"ref": product["ref"], "caption": plain(product["title"]), "columns": fields[:COLUMNS], "limit": ROWS}


def told(result: Json) -> list[Json]:
    """A result's claims, without recommendations that a later step has put to people: they have decided."""
    settled = any(product.get("acted_on") for product in result["products"])
    return [c for c in result.get("claims") or () if not (settled and c["kind"] == "recommendation")]


def summarised(brief: Json, results: list[Json]) -> list[Json]:
    """The answer in short; and where more than one result came together also what was done, what to decide, what is uncertain."""
    effects = [r for r in results if r.get("effect")]
    reads = [r for r in results if not r.get("effect")]
    found = in_short(brief, reads or effects)
    parts = [section("In short", found)] if found else []
    if len(results) < 2:
        return parts
    done = [claim for r in effects for claim in told(r)] if reads else []
    rest = [claim for r in results for claim in told(r) if claim not in found]
    parts += [
        section("What was done", done),
        section("What needs a decision", [c for c in rest if c["kind"] == "recommendation"][:ASIDE]),
        section("What is uncertain", [c for c in rest if c["kind"] == "limit"][:ASIDE]),
    ]
    return [part for part in parts if part["claims"]]


def in_short(brief: Json, results: list[Json]) -> list[Json]:
    """At most five claims: what wanted products say, those nearest to the goal's words first, then the first of the others.

    Where one wanted product carries the answer its claims may fill the section; several share it.
    """
    goal = set(stems(brief.get("goal", "")))
    wanted = set(brief.get("wanted") or ())
    first = [r for r in results if wanted & {p["product"] for p in r["products"]}]
    share = IN_SHORT - 1 if len(first) == 1 else 2
    picked: list[Json] = []
    for result in first:
        claims = [c for c in told(result) if c["kind"] in FOUND]
        nearest = sorted(claims[1:], key=lambda c: -len(goal & set(stems(c["text"]))))
        picked += [*claims[:1], *nearest][:share]
    for result in results:
        if result not in first:
            picked += [c for c in told(result) if c["kind"] in FOUND][:1]
    return unique(picked)[:IN_SHORT] or unique(c for r in first for c in told(r))[:IN_SHORT]


def unique(claims: Iterable[Json]) -> list[Json]:
    return list({claim["text"] + str(claim["slots"]): claim for claim in claims}.values())


def title_of(brief: Json, results: list[Json]) -> str:
    """What the report is about: the parts that were asked for and made, by their titles, or what is missing. No digit."""
    titles: dict[str, Any] = {}
    for result in sorted(results, key=lambda r: min((rank(brief, p) for p in r["products"]), default=99)):
        if title := plain(result["title"]):
            titles.setdefault(title, any(p["product"] in (brief.get("wanted") or ()) for p in result["products"]))
    named = [title for title, asked in titles.items() if asked] or list(titles)[:1]
    if not named:
        return "No result"
    shown = [named[0], *(f"{title[0].lower()}{title[1:]}" for title in named[1:3])]
    text = listed(shown)
    return f"{text}, with gaps" if brief.get("missing") else text
