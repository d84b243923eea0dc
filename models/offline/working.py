"""A specialist at work: one call for each product it is to make, then a Finding over what the tools returned.

It never retypes data: products are named by the call that made them, claims are the tools' own highlights, and an argument
that nothing in the brief fills is reported as a gap, not guessed.
"""

import re
from dataclasses import dataclass
from typing import Any

from models.listed import pack
from models.offline.request import Bound, Call, Json, Reply, Request, Result, Turn
from models.offline.values import Unfit, fit
from models.offline.words import stems, without_figures

CLAIMS = 8
_TYPED_FIGURE = re.compile(r"\d")
_SLOT = re.compile(r"\{[^{}]*\}")


class CannotCall(ValueError):
    """A tool cannot be called with what the brief gives; the message names the argument."""


@dataclass(frozen=True)
class Job:
    """A specialist's brief, read."""

    produces: list[str]
    settings: dict[str, str]
    item: Json
    inputs: dict[str, str]
    makers: dict[str, str]

    @classmethod
    def of(cls, brief: Json) -> "Job":
        given: dict[str, list[str]] = {}
        for setting in brief["step"].get("settings") or ():
            given.setdefault(setting["name"], []).append(setting["value"])
        return cls(
            produces=list(brief["step"]["produces"]),
            settings={name: values[0] if len(values) == 1 else pack(values) for name, values in given.items()},
            item=brief["step"].get("item") or {},
            inputs={one["product"]: one["ref"] for one in brief.get("inputs") or ()},
            makers={tool["name"]: tool.get("produces") or "" for tool in brief.get("tools") or ()},
        )


def work(brief: Json, turn: Turn, request: Request) -> Reply:
    """First the calls, all in one message; then the Finding (or whatever response is bound in its place)."""
    job, response = Job.of(brief), response_of(brief, request)
    rejected = [r for r in turn.results if r.name == response]
    results = [r for r in turn.results if r.name != response]
    calls, gaps = calls_for(job, request, response)
    if calls and not results:
        return Reply(calls=tuple(calls))
    finding = {**found(job, results, gaps)}
    if rejected:
        finding = withdrawn(finding, rejected)
    return Reply(answer={"name": response, "value": finding})


def response_of(brief: Json, request: Request) -> str:
    """Name of the response: the schema's title, or the bound tool that is not one of the step's own."""
    if request.schema is not None:
        return str(request.schema.get("title", "Finding"))
    own = {tool["name"] for tool in brief.get("tools") or ()}
    others = [tool.name for tool in request.tools if tool.name not in own]
    return "Finding" if "Finding" in others or not others else others[0]


def calls_for(job: Job, request: Request, response: str) -> tuple[list[Call], list[str]]:
    """A call for each product that a bound tool makes, and a gap for each product that none can make."""
    calls: list[Call] = []
    gaps: list[str] = []
    for product in job.produces:
        tool = maker(product, job, [t for t in request.tools if t.name != response])
        if tool is None:
            gaps.append(f"No tool of this step makes {product.replace('_', ' ')}.")
            continue
        try:
            call = Call(tool.name, arguments(tool, job))
        except CannotCall as error:
            gaps.append(str(error))
            continue
        if call not in calls:
            calls.append(call)
    return calls, gaps


def maker(product: str, job: Job, tools: list[Bound]) -> Bound | None:
    """The tool that says it produces the product, else the one whose name and description share most words with it."""
    for tool in tools:
        if job.makers.get(tool.name) == product:
            return tool
    words = set(stems(product.replace("_", " ")))
    free = [tool for tool in tools if not job.makers.get(tool.name)]
    scored = [(len(words & set(stems(f"{t.name.replace('_', ' ')} {t.description}"))), t) for t in free]
    best = max(scored, key=lambda pair: pair[0], default=(0, None))
    return best[1] if best[0] else None


def arguments(tool: Bound, job: Job) -> Json:
    """The arguments that the brief fills. Raises `CannotCall` for a required one that it does not."""
    args: Json = {}
    for name, schema in tool.properties.items():
        try:
            known, value = known_value(name, schema, job)
            if known:
                args[name] = fit(value, schema)
        except Unfit as error:
            raise CannotCall(f"{tool.name} was not called: its argument {name} does not fit, {error}.") from error
        if name not in args and name in tool.required:
            raise CannotCall(f"{tool.name} was not called: nothing says what its argument {name} is to be.")
    return args


def known_value(name: str, schema: Json, job: Job) -> tuple[bool, Any]:
    """(is it known?, the value) of an argument: an input's reference, a field of the item, or a setting."""
    if product := schema.get("product"):
        if product == "*" and len(job.inputs) == 1:
            return True, next(iter(job.inputs.values()))
        return product in job.inputs, job.inputs.get(product)
    if name in job.item:
        return True, job.item[name]
    for alias in (name, f"{name}s", name.removesuffix("s")):
        if alias in job.settings:
            return True, job.settings[alias]
    if name in ("year_from", "year_to") and "year" in job.settings:
        return True, job.settings["year"]
    if name == "year" and job.settings.get("year_from") and job.settings.get("year_from") == job.settings.get("year_to"):
        return True, job.settings["year_from"]
    return False, None


def found(job: Job, results: list[Result], gaps: list[str]) -> Json:
    """The Finding over the tools' results. A failed call is a gap in the tool's own words."""
    good = {r.data["product"]: r for r in results if r.data}
    made = {product: good[product] for product in job.produces if product in good}
    said = [f"{r.name}: {r.error}" if r.name else r.error for r in results if not r.data]
    caveats = [text for r in made.values() for text in (r.data or {}).get("caveats", ())]
    status = "complete" if len(made) == len(job.produces) else "partial" if made else "unable"
    return {
        "status": status,
        "headline": headline(job, made),
        "products": [{"product": product, "call_id": call_id(r)} for product, r in made.items()],
        "claims": [claim for product, r in made.items() for claim in claims(product, r.data or {})],
        "caveats": list(dict.fromkeys(caveats)),
        "gaps": list(dict.fromkeys([*gaps, *said])) if status != "complete" else [],
    }


def call_id(result: Result) -> str:
    return str((result.data or {}).get("call_id") or result.call_id)


def claims(product: str, data: Json) -> list[Json]:
    """The result's highlights, their slots bound to the product. One with a figure typed into it is left out."""
    return [
        {
            "text": one["text"],
            "slots": [{"name": name, "ref": f"{product}.{path}"} for name, path in (one.get("slots") or {}).items()],
            "kind": one.get("kind", "figure"),
        }
        for one in data.get("highlights", ())
        if not _TYPED_FIGURE.search(_SLOT.sub("", one["text"]))
    ][:CLAIMS]


def headline(job: Job, made: dict[str, Result]) -> str:
    """One sentence without figures."""
    names = [without_figures(str((r.data or {}).get("title", ""))) or product.replace("_", " ") for product, r in made.items()]
    lost = [product.replace("_", " ") for product in job.produces if product not in made]
    if not made:
        return f"Could not be made: {', '.join(lost)}."
    without = f", but not {', '.join(lost)}" if lost else ""
    return f"{'; '.join(names)}: done{without}."


def withdrawn(finding: Json, rejected: list[Result]) -> Json:
    """The Finding after it was sent back: the second time without its claims, after that as unable, with the objection said."""
    objection = f"The finding was sent back: {rejected[-1].error}"
    if len(rejected) == 1:
        return {**finding, "claims": []}
    return {**finding, "status": "unable", "products": [], "claims": [], "gaps": [*finding["gaps"], objection]}
