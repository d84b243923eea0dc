"""What passes the gateway's door: a proposed call, the clearing it gets, the outcome of acting on it. Pure data.

Made and read by the graphs; a `Clearing` may be kept in a checkpoint, for it proves nothing: the gateway checks all again.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import date
from typing import Any, Literal

from governance.identity import Caller
from governance.policy import Seen

EffectOutcome = Literal["done", "replayed", "simulated"]


@dataclass(frozen=True)
class ProposedCall:
    """A call that an agent would make. `args` are as the model wrote them.

    `granted` are the tools of the step; `inputs` maps references ("s2.exposure") to products as dicts; `item` is the row of a
    repeated step, of the product `item_of`; `resources` are the domain's handles; `today` is the date of the run. `context_labels`,
    `planned`, `trace` and `budget_left` are what `CallFacts` says of them. In a `dry_run` nobody is asked and an effect is only
    simulated.
    """

    caller: Caller
    agent: str
    tool: str
    args: Mapping[str, Any]
    call_id: str
    execution_id: str
    step_id: str
    attempt: int = 1
    thread_id: str = ""
    granted: frozenset[str] = frozenset()
    context_labels: frozenset[str] = frozenset()
    planned: frozenset[str] | None = None
    trace: tuple[Seen, ...] = field(default=(), repr=False)
    budget_left: int | None = None
    inputs: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    item: Mapping[str, Any] | None = None
    item_of: str = ""
    resources: Any = field(default=None, repr=False)
    today: date = field(default_factory=date.today)
    user_request: str = ""
    dry_run: bool = False


@dataclass(frozen=True)
class Clearing:
    """What the gateway says to a proposed call. `args` are the call's in their normal form (JSON values).

    approve: `approval_id` must be approved first (follow edits with `Approvals.resolve`); `approval_status` is how it stood
    then, for it may have been decided before a step was resumed. invalid: `reasons` tell the model what
    to mend. deny: `reasons` tell why not. `needs` says in words who must agree, in a dry run too, which asks nobody.
    """

    outcome: Literal["allow", "approve", "deny", "invalid"]
    args: Mapping[str, Any]
    rules: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()
    approval_id: str | None = None
    approval_status: str | None = None
    needs: str = ""

    @property
    def text(self) -> str:
        return "; ".join(self.reasons)

    def as_dict(self) -> dict[str, Any]:
        return {**asdict(self), "args": dict(self.args), "rules": list(self.rules), "reasons": list(self.reasons)}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "Clearing":
        return cls(**{**data, "rules": tuple(data["rules"]), "reasons": tuple(data["reasons"])})


@dataclass(frozen=True)
class ToolOutcome:
    """How a call ended. `result` is the tool's result as JSON values (decimals as text) when `status` is ok.

    denied: it did not run. unknown: it is an effect, and nobody can tell whether it happened; a person must look. `error` is a
    sentence for the model and the user; `final`: the same call would end the same; `rule` is what denied it. `effect` is set
    for effects: done now, replayed from an earlier attempt, or simulated.
    `records` lists what the result rests on, one entry a table: {"table", "keys", "count"}. `args` are those that ran.
    """

    status: Literal["ok", "error", "denied", "unknown"]
    result: dict[str, Any] | None = None
    error: str = ""
    ms: float = 0.0
    effect: EffectOutcome | None = None
    approval_id: str | None = None
    records: tuple[dict[str, Any], ...] = ()
    args: Mapping[str, Any] = field(default_factory=dict)
    final: bool = False
    rule: str = ""


def touched(result: Mapping[str, Any]) -> tuple[dict[str, Any], ...]:
    """The records of a dumped result's rows and figures, merged by table as ranges; keys are never expanded."""
    parts = [*(result.get("rows") or ()), *(result.get("figures") or {}).values()]
    spans: dict[str, list[tuple[int, int]]] = {}
    for part in parts:
        found = part.get("records") if isinstance(part, Mapping) else None
        if not isinstance(found, Mapping):
            continue
        for span in filter(None, found["keys"].split(",")):
            first, _, last = span.partition("-")
            spans.setdefault(found["table"], []).append((int(first), int(last or first)))
    return tuple(_packed(table, ranges) for table, ranges in spans.items())


def _packed(table: str, ranges: list[tuple[int, int]]) -> dict[str, Any]:
    merged: list[list[int]] = []
    for first, last in sorted(ranges):
        if merged and first <= merged[-1][1] + 1:
            merged[-1][1] = max(merged[-1][1], last)
        else:
            merged.append([first, last])
    keys = ",".join(str(a) if a == b else f"{a}-{b}" for a, b in merged)
    return {"table": table, "keys": keys, "count": sum(b - a + 1 for a, b in merged)}
