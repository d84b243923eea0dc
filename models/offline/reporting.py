"""The reporter: charts for the products that have a shape worth seeing, then a Report of claims, tables and charts.

It orders what the specialists claimed; it writes no sentence about the data and no figure of its own.
"""

from typing import Any

from models.offline.request import Bound, Call, Json, Reply, Request, Result, Turn
from models.offline.words import stems, without_figures

CHARTS = 4
COLUMNS = 7
ROWS = 10
IN_SHORT = 5
HIDDEN = frozenset({"records"})


def report(brief: Json, turn: Turn, request: Request) -> Reply:
    """Calls of `make_chart` first, if that is bound; then the Report."""
    tool = request.tool("make_chart")
    rejected = sum(r.name == "Report" for r in turn.results)
    charts = [r for r in turn.results if r.name == "make_chart"]
    if tool and not charts and (calls := chart_calls(brief, tool)):
        return Reply(calls=tuple(calls))
    value = written(brief, [r for r in charts if r.data], bare=rejected > 0)
    return Reply(answer={"name": "Report", "value": value})


def chart_calls(brief: Json, tool: Bound) -> list[Call]:
    """At most four charts, wanted products first."""
    shown = [p for result in ordered(brief) for p in result["products"] if p.get("chart") and p.get("row_count", 0) > 1]
    shown.sort(key=lambda product: rank(brief, product))
    known = tool.properties
    calls: list[Call] = []
    for product in shown[:CHARTS]:
        hint = product["chart"]
        limit = min(product["row_count"], ROWS if hint["type"] in ("bar", "stacked_bar") else product["row_count"])
        ref = "ref" if "ref" in known else next((name for name in known if name.endswith("ref")), "ref")
        args: Json = {ref: product["ref"], **{key: hint[key] for key in ("type", "title", "x", "y")}, "limit": limit}
        calls.append(Call(tool.name, {name: value for name, value in args.items() if name in known}))
    return calls


def ordered(brief: Json) -> list[Json]:
    """The results, those that made a wanted product first; otherwise in the order of the plan."""
    return sorted(brief.get("results") or (), key=lambda result: min((rank(brief, p) for p in result["products"]), default=99))


def rank(brief: Json, product: Json) -> int:
    wanted = list(brief.get("wanted") or ())
    return wanted.index(product["product"]) if product["product"] in wanted else len(wanted)


def written(brief: Json, charts: list[Result], *, bare: bool) -> Json:
    """The Report. `bare`, after one was sent back: tables and charts only, no claims."""
    results = ordered(brief)
    short = [] if bare else in_short(brief, results)
    sections = [section("In short", short)] if short or not results else []
    for result in results:
        told = [] if bare else [c for c in result.get("claims") or () if c not in short]
        body = section(plain(result["title"]) or "Result", told)
        body["tables"] = [table(p) for p in result["products"] if p.get("row_count") and p.get("columns")]
        refs = {p["ref"]: p for p in result["products"]}
        for chart in charts:
            source = next((str(v) for k, v in chart.args.items() if k.endswith("ref")), "")
            if source in refs:
                body["charts"].append({"ref": chart_ref(chart), "caption": plain(str(chart.args.get("title", "")))})
        if any(body[part] for part in ("claims", "tables", "charts")):
            sections.append(body)
    caveats = [text for result in results for p in result["products"] for text in p.get("caveats") or ()]
    gaps = [text for result in results for text in result.get("gaps") or ()]
    lost = [f"{one['title']} is missing: {one['why']}" for one in brief.get("missing") or ()]
    issues = [issue["text"] for issue in brief.get("issues") or ()]
    return {
        "title": title(brief, results),
        "sections": sections,
        "caveats": list(dict.fromkeys([*lost, *issues, *gaps, *caveats])),
    }


def section(heading: str, claims: list[Json]) -> Json:
    return {"heading": heading, "claims": claims, "tables": [], "charts": []}


def chart_ref(chart: Result) -> str:
    return str((chart.data or {}).get("call_id") or chart.call_id)


def table(product: Json) -> Json:
    fields = [column["field"] for column in product["columns"] if column["field"] not in HIDDEN]
    return {"ref": product["ref"], "caption": plain(product["title"]), "columns": fields[:COLUMNS], "limit": ROWS}


def in_short(brief: Json, results: list[Json]) -> list[Json]:
    """The three to five claims that answer the goal: the first ones of the wanted products, then the first of the others."""
    goal = set(stems(brief.get("goal", "")))
    picked: list[Json] = []
    rounds: list[list[Any]] = [list(result.get("claims") or ()) for result in results]
    wanted = set(brief.get("wanted") or ())
    first = [i for i, r in enumerate(results) if wanted & {p["product"] for p in r["products"]}]
    for index in first:
        picked += sorted(rounds[index], key=lambda claim: -len(goal & set(stems(claim["text"]))))[:2]
    for index, claims in enumerate(rounds):
        if index not in first:
            picked += claims[:1]
    return list({claim["text"] + str(claim["slots"]): claim for claim in picked}.values())[:IN_SHORT]


def title(brief: Json, results: list[Json]) -> str:
    """What the report is about: the wanted products that were made, or what is missing. No digit."""
    made = {p["product"]: plain(p["title"]) for result in results for p in result["products"]}
    named = [made[product] for product in brief.get("wanted") or () if made.get(product)] or [t for t in made.values() if t]
    if not named:
        return "No result"
    text = " and ".join([", ".join(named[:2]), named[2]] if len(named) > 2 else named[:2])
    return f"{text}, with gaps" if brief.get("missing") else text


def plain(text: str) -> str:
    """Text for a place where no figure may be typed."""
    return without_figures(text)
