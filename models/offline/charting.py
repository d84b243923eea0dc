"""The reporter's charts: which products have a shape worth seeing, and the calls that draw them. Used by `reporting.py`."""

from models.offline.request import Bound, Call, Json, Result
from models.offline.words import without_figures

CHARTS = 4
POINTS = 10


def chart_calls(brief: Json, results: list[Json], tool: Bound) -> list[Call]:
    """At most four charts, wanted products first, and no picture twice: two products may suggest the same one."""
    shown = [p for result in results for p in result["products"] if p.get("chart") and p.get("row_count", 0) > 1]
    shown.sort(key=lambda product: rank(brief, product))
    known = tool.properties
    calls: list[Call] = []
    drawn: list[Json] = []
    for product in shown:
        hint = product["chart"]
        if hint in drawn or len(calls) == CHARTS:
            continue
        drawn.append(hint)
        limit = min(product["row_count"], POINTS if hint["type"] in ("bar", "stacked_bar") else product["row_count"])
        ref = "ref" if "ref" in known else next((name for name in known if name.endswith("ref")), "ref")
        args: Json = {ref: product["ref"], **{key: hint[key] for key in ("type", "title", "x", "y")}, "limit": limit}
        calls.append(Call(tool.name, {name: value for name, value in args.items() if name in known}))
    return calls


def rank(brief: Json, product: Json) -> int:
    """Place of a product among those that were asked for; those that were not come last."""
    wanted = list(brief.get("wanted") or ())
    return wanted.index(product["product"]) if product["product"] in wanted else len(wanted)


def chart_ref(chart: Result) -> str:
    return str((chart.data or {}).get("call_id") or chart.call_id)


def plain(text: str) -> str:
    """Text for a place where no figure may be typed."""
    return without_figures(text)
