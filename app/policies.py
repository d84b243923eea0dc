"""What the policies say, as data: the rules, the matrix, a call explained. For `clearance policy …` and for `/governance/policies`.

The keys are those of docs/policies.md.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from governance.bundle import SCHEMA, BadPolicy, Bundle, bundle
from governance.cedar import TOOL, CedarPolicy
from governance.explain import explain
from governance.identity import Caller
from governance.labels import TAINT
from governance.manifest import UNLISTED
from governance.policy import CallFacts, Decision, Seen, asked
from governance.policy_tests import SeenCase
from graphs.specialists.base import Domain
from graphs.specialists.core import core_roles
from settings import Settings
from tools.registry import Registry

NOBODY = "no role"


class Call(BaseModel):
    """A call to be explained. `seen` is what the agent has before it, `labels` what earlier steps handed on; `planned`
    are the tools of the plan, left out where there is none."""

    model_config = ConfigDict(extra="forbid")

    tool: str
    agent: str = "agent"
    args: dict[str, Any] = Field(default_factory=dict)
    user: str = "local"
    roles: tuple[str, ...] | None = None
    request: str = ""
    planned: frozenset[str] | None = None
    seen: tuple[SeenCase, ...] = ()
    labels: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Policies:
    """A bundle, with the domain and the tools that it is about."""

    domain: Domain
    bundle: Bundle
    registry: Registry
    settings: Settings

    @property
    def roles(self) -> list[str]:
        """Every role that somebody is known to hold or be asked for."""
        asked = {role.strip() for rule in self.bundle.rules.values() for role in rule.approver.split(",")} - {"", TOOL}
        named = {role for tool in self.registry.values() for role in tool.manifest.approvers}
        return sorted({*self.settings.roles, *asked, *named, *self.bundle.roles})

    @property
    def engine(self) -> CedarPolicy:
        return CedarPolicy(self.registry.manifests(), self.bundle)

    def listed(self) -> dict[str, Any]:
        """Every policy. Raises `BadPolicy` for a role that nobody could hold: who is named wrongly can never agree."""
        known = {role for tool in self.registry.values() for role in tool.manifest.approvers} | {TOOL, *self.settings.roles}
        known |= {role for roles in self.settings.people.values() for role in roles}
        for rule in self.bundle.rules.values():
            named = {*(role.strip() for role in rule.approver.split(",")), *rule.escalate} - {""}
            if strange := sorted(named - known):
                there = ", ".join(sorted(known - {TOOL}))
                raise BadPolicy(
                    f"{rule.where}: nobody is known to hold the role {strange[0]}; there are: {there} (CLEARANCE_PEOPLE)"
                )
        told = [{**asdict(rule), "roles": sorted(rule.roles)} for rule in self.bundle.rules.values()]
        return {"valid": True, "version": self.bundle.version, "policies": told, "problems": []}

    def matrix(self, tainted: bool) -> dict[str, Any]:
        """Agent × tool × role: what comes of a call that the plan asks for, before or after text of others was read."""
        engine, roles = self.engine, (*self.roles, NOBODY)
        rows = [
            {
                "agent": agent.name,
                "tool": tool,
                "outcomes": {role: engine.decide(self._facts(agent.name, tool, role, tainted)).outcome for role in roles},
            }
            for agent in (*self.domain.specialists, *core_roles(self.domain))
            for tool in agent.tools
        ]
        return {"version": self.bundle.version, "tainted": tainted, "roles": roles, "rows": rows}

    def explain(self, call: Call) -> tuple[Decision, dict[str, Any]]:
        """One call: what comes of it, by which rules, with which labels, and what would change the answer."""
        engine, registry = self.engine, self.registry
        facts = CallFacts(
            Caller(call.user, self.settings.org, self.settings.roles if call.roles is None else call.roles),
            call.agent,
            call.tool,
            registry[call.tool].manifest if call.tool in registry else UNLISTED,
            call.args,
            "explained",
            "explained",
            frozenset(registry),
            call.labels,
            call.request,
            call.planned,
            tuple(Seen(**one.model_dump()) for one in call.seen),
        )
        found = explain(engine, facts, self.roles)
        made, rules = found.decision, list[dict[str, str]]()
        for id in made.rules:
            rule = engine.rules.get(id)  # none where the call never came before the policies
            reason = (rule.reason or "permitted") if rule else "; ".join(made.reasons)
            rules.append({"id": id, "reason": reason, "where": rule.where if rule else ""})
        head = {"version": self.bundle.version, "tool": call.tool, "outcome": made.outcome, "asks": asked(made.asks)}
        head["asks"] = head["asks"] if made.outcome == "approve" else ""
        changes = [asdict(one) for one in found.changes]
        return made, {**head, "rules": rules, "labels": made.labels, "changes": changes}

    def with_texts(self, texts: Mapping[str, str]) -> "Policies":
        """The same with these files in place of theirs, or beside them. Raises `BadPolicy`."""
        files = {**self.bundle.texts, **texts}
        schema = files.pop(SCHEMA)
        return Policies(self.domain, bundle(schema, files), self.registry, self.settings)

    def _facts(self, agent: str, tool: str, role: str, tainted: bool) -> CallFacts:
        return CallFacts(
            Caller("anybody", "matrix", () if role == NOBODY else (role,)),
            agent,
            tool,
            self.registry[tool].manifest if tool in self.registry else UNLISTED,
            {},
            "matrix",
            "matrix",
            granted=frozenset([tool]),
            context_labels=frozenset([TAINT] * tainted),
            planned=frozenset([tool]),
        )


def problem(error: BadPolicy) -> dict[str, Any]:
    """A bundle that cannot be used, as `listed` would tell of one that can."""
    told = {"where": error.where, "message": str(error).removeprefix(f"{error.where}: ")}
    return {"valid": False, "version": None, "policies": [], "problems": [told]}
