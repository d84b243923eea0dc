"""What an answer says of a dry run. Pure; used by the orchestrator (verify, report) and by the report.

An effect that was only simulated is no evidence: its result is set aside before anything is claimed or recounted, and told as what
would happen.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from graphs.plan import StepResult

NOTICE = "This was a dry run: what reads found is real; effects were simulated, nobody was asked, and nothing was written."


def simulated(result: StepResult) -> list[dict[str, Any]]:
    """The calls of a step whose effects were only simulated."""
    return [call for call in result.calls if call.get("effect") == "simulated"]


def set_aside(results: Mapping[str, StepResult]) -> dict[str, StepResult]:
    """The results without what simulated effects made, and without what was said of it."""
    empty: dict[str, Any] = {"headline": "", "claims": (), "gaps": ()}
    bare = {}
    for id, result in results.items():
        products = {call["product"] for call in simulated(result)}
        kept = {name: data for name, data in result.data.items() if name not in products}
        bare[id] = result.model_copy(update={**empty, "data": kept}) if products else result
    return bare


def would_do(results: Iterable[StepResult]) -> tuple[str, ...]:
    """One line for each simulated effect: the exact call, the approval it would need, the records it would touch."""
    return tuple(_line(call) for result in results for call in simulated(result))


def _line(call: Mapping[str, Any]) -> str:
    args = ", ".join(f"{name}={value}" for name, value in call["args"].items() if value not in (None, ""))
    needs = call.get("would_need")
    asks = f"it would need approval by {needs}" if needs else "it would need no approval"
    touched = ", ".join(f"{part['table']} {part['keys']}" for part in call.get("records", ()))
    records = f"{touched} (a new record gets its number when it is made)" if touched else "no record it names"
    return f"{call['tool']} ({args}): not done, this was a dry run; {asks}; it would touch {records}"
