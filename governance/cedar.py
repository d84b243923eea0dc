"""The policy engine on Cedar: facts in, one of three outcomes out. Needs manifests and policies, no server, database or graph.

    engine = CedarPolicy(manifests, load("core", "changes", "supply_chain"))
    engine.decide(CallFacts(...))  # Decision(outcome, rules, reasons, approvers, ..., labels)

Cedar knows allow and deny. A rule that a person may waive is a forbid whose `unless` looks for its approver in
`context.approvals`; where only such rules stand against a call, a second pass takes their approvers as granted, and if the
call could then run, the outcome is approve. Whatever else comes up, an error of Cedar's included, is a denial.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, Literal

import cedarpy

from governance.bundle import Bundle, Rule
from governance.digest import LARGEST_INTEGER
from governance.identity import Caller
from governance.labels import CLASSES, Labels, label
from governance.manifest import ToolManifest
from governance.matching import number
from governance.policy import CallFacts, Decision, Panel, PlanFacts, StepFacts, Violation
from governance.sources import leaves

LARGEST = LARGEST_INTEGER  # a Cedar Long has room for more, but what the policies are told is recorded as RFC 8785 JSON
SHORT = 64  # characters of an argument that a policy may compare
TOOL = "tool"  # the approver that stands for the roles a manifest names


@dataclass(frozen=True)
class _Answer:
    """What one pass of Cedar says: allowed, the rules behind it, and why it could not be evaluated."""

    allowed: bool
    rules: tuple[Rule, ...]
    error: str = ""


class CedarPolicy:
    """A `PolicyEngine` over a bundle. `agents` gives agents their Cedar roles; `reviewers` are asked where a manifest names
    nobody, `heads` may decide in the end where a rule says nothing of that (`@escalate`). A bundle is never changed: to reload,
    `load` another and make another engine."""

    def __init__(
        self,
        manifests: Mapping[str, ToolManifest],
        bundle: Bundle,
        *,
        agents: Mapping[str, Sequence[str]] | None = None,
        reviewers: tuple[str, ...] = ("requester",),
        heads: tuple[str, ...] = (),
    ) -> None:
        self._manifests = dict(manifests)
        self._bundle = bundle
        self._reviewers, self._heads = reviewers, heads
        self._entities = _entities(self._manifests, agents or {}, bundle.schema)

    @property
    def version(self) -> str:
        return self._bundle.version

    @property
    def rules(self) -> Mapping[str, Rule]:
        """What each policy says of itself, by its id."""
        return self._bundle.rules

    def decide(self, call: CallFacts) -> Decision:
        """The verdict on one call. Never raises: what cannot be judged is denied."""
        try:
            return self._decide(call)
        except Exception as error:  # a call so strange that labelling it fails must not run
            return self._deny(("policy-error",), (f"{call.tool} could not be judged: {error}",))

    def check_plan(self, plan: PlanFacts) -> Sequence[Violation]:
        """Every step that may not run as planned: tools without a manifest, and what the policies say of plans."""
        steps = {step.id: step for step in plan.steps}
        whole: dict[str, Any] = {**_person(plan.caller), "spend": min(sum(step.spend for step in plan.steps), LARGEST)}
        if plan.budget_left is not None:
            whole["budget_left"] = max(-LARGEST, min(plan.budget_left, LARGEST))
        found: list[Violation] = []
        for step in plan.steps:
            highest = max((self._class(tool) for one in _upstream(step, steps) for _, tool in one.uses), default=0)
            for agent, tool in step.uses:
                if tool not in self._manifests:
                    found.append(Violation(step.id, "unlisted-tool", f"{tool} has no manifest"))
                    continue
                # what the step itself reads counts too: it may read before it sends
                reads = max([highest, *(self._class(one) for _, one in step.uses)])
                context = {**whole, "upstream_class": reads, "spends": step.spend > 0}
                context["judges_itself"] = tool in self._judged(agent, plan)
                answer = self._ask(agent, "plan", tool, context)
                if not answer.allowed:
                    rules = answer.rules or (_stopped(answer),)
                    found += [Violation(step.id, rule.id, f"{tool}: {rule.reason}") for rule in rules]
        return found

    def _decide(self, call: CallFacts) -> Decision:
        if call.tool not in self._manifests:
            return self._deny(("unlisted-tool",), (f"{call.tool} has no manifest",))
        if call.tool not in call.granted:
            return self._deny(("not-granted",), (f"step {call.step_id} was not granted {call.tool}",))
        labels = label(call, self._manifests)
        known = _known(call, labels)
        return replace(self.judge(call.caller, call.agent, call.tool, call.args, known), labels=labels.as_text())

    def judge(self, caller: Caller, agent: str, tool: str, args: Mapping[str, Any], known: Mapping[str, Any]) -> Decision:
        """The verdict on a call of a listed tool of which this is known (`Decision.known`), wherever that was found out."""
        manifest = self._manifests[tool]
        context = {**_person(caller), **known, **_arguments(manifest, args), "approvals": []}
        action = _action(manifest)
        first = self._ask(agent, action, tool, context)
        outcome: Literal["allow", "approve", "deny"] = "allow" if first.allowed else "deny"
        if not first.allowed and not first.error and first.rules and all(rule.outcome == "approve" for rule in first.rules):
            granted = sorted({rule.approver for rule in first.rules})
            if self._ask(agent, action, tool, {**context, "approvals": granted}).allowed:
                outcome = "approve"
        rules = first.rules or (_stopped(first),)
        decision = Decision(
            outcome,
            tuple(rule.id for rule in rules),
            tuple(rule.reason for rule in rules if rule.reason),
            policy_version=self.version,
            known=known,
        )
        return self._with_panels(decision, first.rules, manifest) if outcome == "approve" else decision

    def _with_panels(self, decision: Decision, rules: Sequence[Rule], manifest: ToolManifest) -> Decision:
        """Who must agree. Panels of the same people are one; `approvers` and `quorum` sum them up, erring to more people."""
        asked: dict[tuple[str, ...], Panel] = {}
        for rule in rules:
            named = manifest.approvers or self._reviewers
            roles = named if rule.approver == TOOL else tuple(one.strip() for one in rule.approver.split(","))
            known = asked.get(roles, Panel(roles))
            further = dict.fromkeys((*known.further, *(one for one in rule.escalate or self._heads if one not in roles)))
            asked[roles] = Panel(roles, max(known.quorum, rule.quorum), known.others or rule.separate, tuple(further))
        panels = tuple(asked.values())
        everyone = tuple(dict.fromkeys(role for panel in panels for role in panel.roles))
        return replace(decision, approvers=everyone, quorum=sum(panel.quorum for panel in panels), panels=panels)

    def _ask(self, agent: str, action: str, tool: str, context: Mapping[str, Any]) -> _Answer:
        request = {
            "principal": {"type": "Agent", "id": agent},
            "action": {"type": "Action", "id": action},
            "resource": {"type": "Tool", "id": tool},
            "context": context,
        }
        answer = cedarpy.is_authorized(request, self._bundle.policies, self._entities, schema=self._bundle.schema)
        said = answer.diagnostics
        if said.errors:
            return _Answer(False, (), f"the policies could not be evaluated: {said.errors[0]}")
        rules = tuple(self._bundle.rules[id] for id in sorted(said.id_annotations_by_reason.values()))
        return _Answer(answer.allowed, rules)

    def _judged(self, agent: str, plan: PlanFacts) -> set[str]:
        """The tools whose use this agent recommends or approves in a plan, were it only as somebody's fallback."""
        own = (tool for step in plan.steps for who, tool in step.uses if who == agent and tool in self._manifests)
        return {judged for tool in own for judged in self._manifests[tool].judges}

    def _class(self, tool: str) -> int:
        return CLASSES.index(self._manifests[tool].data_class) if tool in self._manifests else len(CLASSES) - 1

    def _deny(self, rules: tuple[str, ...], reasons: tuple[str, ...]) -> Decision:
        return Decision("deny", rules, reasons, policy_version=self.version)


def _stopped(answer: _Answer) -> Rule:
    """The rule that is named when none of the policies is."""
    id, reason = ("policy-error", answer.error) if answer.error else ("no-permit", "no policy permits it")
    return Rule(id, False, "deny", reason, "", 1, False, "")


def _action(manifest: ToolManifest) -> str:
    if manifest.effect != "read":
        return "effect"
    return "fetch" if manifest.egress else "read"


def _person(caller: Caller) -> dict[str, Any]:
    return {"org": caller.org, "user": caller.user, "roles": list(caller.roles)}


def _known(call: CallFacts, labels: Labels) -> dict[str, Any]:
    """The part of the context that is found out about a call: its labels, the budget and the time."""
    known: dict[str, Any] = {
        "asked": labels.asked,
        "tainted": labels.tainted,
        "read_class": labels.read_class,
        "target": labels.target,
        "amount": labels.amount,
        "link": labels.link,
        "secret": labels.secret,
    }
    if call.budget_left is not None:
        known["budget_left"] = max(-LARGEST, min(call.budget_left, LARGEST))
    if call.now is not None:
        known |= {"hour": call.now.hour, "weekday": call.now.isoweekday()}
    return known


def _arguments(manifest: ToolManifest, args: Mapping[str, Any]) -> dict[str, Any]:
    """The part of the context that the arguments themselves say."""
    said: dict[str, Any] = {"arguments": [f"{name}={value}" for name, value in args.items() if _is_short(value)]}
    amounts = [abs(found) for name in manifest.amounts for one in leaves(args.get(name)) if (found := _amount(one.value))]
    if amounts:
        said["hundredths"] = int(min(max(amounts) * 100, Decimal(LARGEST)))
    return said


def _amount(value: Any) -> Decimal:
    """An amount that cannot be read counts as the largest."""
    found = number(value)
    return Decimal(LARGEST) if found is None else found


def _is_short(value: Any) -> bool:
    return isinstance(value, str | int | float) and len(str(value)) <= SHORT


def _upstream(step: StepFacts, steps: Mapping[str, StepFacts]) -> list[StepFacts]:
    found: dict[str, StepFacts] = {}
    waiting = list(step.depends_on)
    while waiting:
        id = waiting.pop()
        if id in steps and id not in found:
            found[id] = steps[id]
            waiting += steps[id].depends_on
    return list(found.values())


def _entities(
    manifests: Mapping[str, ToolManifest], agents: Mapping[str, Sequence[str]], schema: cedarpy.Schema
) -> cedarpy.Entities:
    """The store that every decision shares: tools with what their manifests say, agents with their roles."""
    found: list[dict[str, Any]] = []
    for role in sorted({role for roles in agents.values() for role in roles}):
        found.append({"uid": {"type": "Role", "id": role}, "attrs": {}, "parents": []})
    for agent, roles in agents.items():
        parents = [{"type": "Role", "id": role} for role in roles]
        found.append({"uid": {"type": "Agent", "id": agent}, "attrs": {}, "parents": parents})
    for name, manifest in manifests.items():
        attrs = {
            "data_class": CLASSES.index(manifest.data_class),
            "egress": manifest.egress,
            "irreversible": manifest.effect == "irreversible",
            "approvers": list(manifest.approvers),
        }
        found.append({"uid": {"type": "Tool", "id": name}, "attrs": attrs, "parents": []})
    return cedarpy.Entities.from_json_str(json.dumps(found), schema=schema)
