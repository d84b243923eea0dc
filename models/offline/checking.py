"""The verifier: has each product's evidence checked by the tool for it, then says what does not hold or does not match."""

from models.offline.request import Bound, Call, Json, Reply, Request, Result, Turn
from models.offline.words import listed, without_figures


def verify(brief: Json, turn: Turn, request: Request) -> Reply:
    """A call of each tool that checks a product, for each result; then the Verdict."""
    results: list[Json] = brief.get("results") or []
    checks = {tool.name: argument for tool in request.tools if (argument := reference_argument(tool))}
    if checks and results and not any(r.name in checks for r in turn.results):
        return Reply(calls=tuple(Call(name, {argument: one["ref"]}) for name, argument in checks.items() for one in results))
    made = [result for result in turn.results if result.name in checks]
    return Reply(answer={"name": "Verdict", "value": {"issues": [*failing(results, made), *dates(results)]}})


def reference_argument(tool: Bound) -> str:
    """The argument that takes a product's reference; empty for a tool that takes none, such as the response."""
    return next((name for name, schema in tool.properties.items() if "product" in schema or name.endswith("ref")), "")


def failing(results: list[Json], checks: list[Result]) -> list[Json]:
    """An error for each check with rows (a row is a mismatch), a gap for each check that could not be made."""
    by_ref = {one["ref"]: one for one in results}
    issues: list[Json] = []
    for check in checks:
        of = next((by_ref[str(v)] for v in check.args.values() if str(v) in by_ref), None)
        if of is None:
            continue
        name = of["product"].replace("_", " ")
        if check.data is None:
            text = f"The evidence of {name} could not be checked: {check.error}"
            issues.append({"step": of["step"], "severity": "gap", "text": without_figures(text)})
        elif mismatches(check.data):
            text = f"The evidence of {name} does not hold: some figures differ from the records they cite."
            issues.append({"step": of["step"], "severity": "error", "text": text})
    return issues


def mismatches(data: Json) -> bool:
    """Does the check name a mismatch? Rows may carry their own verdict (`ok`); otherwise a row is a mismatch."""
    rows = [row for row in data.get("rows", ()) if isinstance(row, dict)]
    return any(not row.get("ok", False) for row in rows)


def dates(results: list[Json]) -> list[Json]:
    """A note when the results speak of different dates. What several steps made of one kind is named once."""
    spoken: dict[str, dict[str, None]] = {}
    for one in results:
        spoken.setdefault(str(one.get("as_of", "")), {})[one["product"].replace("_", " ")] = None
    groups = list(dict.fromkeys(listed(list(names)) for names in spoken.values()))
    if len(spoken) < 2 or len(groups) < 2:
        return []
    text = f"Not all results speak of the same dates, and each figure shows its own: {'; '.join(groups)}."
    return [{"step": results[0]["step"], "severity": "note", "text": text}]
