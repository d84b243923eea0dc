"""What one decision costs with 100 policies, beside the bare Cedar call on the same policies, schema, entities and context.

`python -m evals.bench.decisions` measures only this. The engine finds out the labels, builds the context and, for an approval,
asks Cedar twice; the bare call is given all of that ready-made and asks once. The agent has `door.seen()` before it.
"""

import gc
import json
import time
from collections.abc import Callable
from dataclasses import dataclass

import cedarpy

from evals.bench.door import seen
from evals.bench.show import table
from governance.bundle import POLICIES, SCHEMA, Bundle, bundle
from governance.cedar import CedarPolicy
from governance.identity import Caller
from governance.manifest import ToolManifest
from governance.policy import CallFacts, Outcome

COUNT = 100  # policies
CALLER = Caller(org="org", user="rita", roles=("requester",))
TOOLS: dict[Outcome, str] = {"allow": "look", "deny": "hidden", "approve": "gated"}  # a read for each outcome


@dataclass(frozen=True)
class DecisionCost:
    """Microseconds, the best of all rounds: the engine's decision and one bare Cedar call with the same facts."""

    outcome: Outcome
    engine: float
    bare: float

    @property
    def ratio(self) -> float:
        return self.engine / self.bare


def hundred() -> Bundle:
    """A permit, a denial, an approval, and rules that every call is held against and none meets."""
    own = [
        '@id("all") permit(principal, action, resource);',
        f'@id("no") @outcome("deny") @reason("hidden") '
        f'forbid(principal, action == Action::"read", resource == Tool::"{TOOLS["deny"]}");',
        '@id("ask") @outcome("approve") @approver("risk-manager") @reason("gated") '
        f'forbid(principal, action == Action::"read", resource == Tool::"{TOOLS["approve"]}") '
        'unless { context.approvals.contains("risk-manager") };',
    ]
    rest = [
        f'@id("r{n}") @outcome("deny") @reason("role {n}") '
        f'forbid(principal, action == Action::"read", resource) when {{ context.roles.contains("role-{n}") }};'
        for n in range(COUNT - len(own))
    ]
    return bundle((POLICIES / SCHEMA).read_text(encoding="utf-8"), {"bench.cedar": "\n".join(own + rest)})


def decision_costs(times: int) -> list[DecisionCost]:
    """One for each outcome, engine and bare call in turns. Raises RuntimeError when either answers otherwise than it should."""
    policies, manifest = hundred(), ToolManifest(effect="read", output="trusted")
    manifests = {name: manifest for name in [*TOOLS.values(), "work", "letter"]}
    engine = CedarPolicy(manifests, policies)
    entities = _entities(manifests)
    found: list[DecisionCost] = []
    for outcome, tool in TOOLS.items():
        facts = CallFacts(CALLER, "worker", tool, manifest, {}, "bench", "s1", frozenset([tool]), trace=seen())
        decision = engine.decide(facts)
        request = {
            "principal": {"type": "Agent", "id": "worker"},
            "action": {"type": "Action", "id": "read"},
            "resource": {"type": "Tool", "id": tool},
            "context": {
                "org": CALLER.org,
                "user": CALLER.user,
                "roles": list(CALLER.roles),
                **decision.known,
                "arguments": [],
                "approvals": [],
            },
        }
        answer = cedarpy.is_authorized(request, policies.policies, entities, schema=policies.schema)
        if decision.outcome != outcome or answer.diagnostics.errors or answer.allowed != (outcome == "allow"):
            raise RuntimeError(f"{tool} should be {outcome}: the engine says {decision}, Cedar {answer.diagnostics.errors}")

        def decide(facts: CallFacts = facts) -> object:
            return engine.decide(facts)

        def bare(request: dict[str, object] = request) -> object:
            return cedarpy.is_authorized(request, policies.policies, entities, schema=policies.schema)

        gc.collect()
        taken = [(_us(decide), _us(bare)) for _ in range(times + 1)][1:]
        found.append(DecisionCost(outcome, *(min(column) for column in zip(*taken, strict=True))))
    return found


def _entities(manifests: dict[str, ToolManifest]) -> cedarpy.Entities:
    attrs = {"data_class": 0, "egress": False, "irreversible": False, "approvers": []}
    return cedarpy.Entities.from_json_str(
        json.dumps([{"uid": {"type": "Tool", "id": name}, "attrs": attrs, "parents": []} for name in manifests])
    )


def _us(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return (time.perf_counter() - began) * 1e6


def shown(costs: list[DecisionCost]) -> str:
    """As a Markdown table."""
    rows = [[one.outcome, f"{one.engine:.0f}", f"{one.bare:.0f}", f"{one.ratio:.2f}"] for one in costs]
    return table([f"a decision with {COUNT} policies", "engine µs", "bare Cedar µs", "÷ bare"], rows)


if __name__ == "__main__":
    print(shown(decision_costs(500)))
