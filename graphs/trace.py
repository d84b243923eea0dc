"""What an agent has seen before it proposes a call, as the policy wants it: the products its step was handed, then the results of
its own calls. Called by whoever makes a `StepContext`, and by the agents' middleware.

Each result is one `Seen`, made once and kept, for what the policy finds out about a result it keeps with that object.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from langchain_core.messages import AnyMessage, ToolMessage

from governance.labels import handed_on
from governance.manifest import UNLISTED, ToolManifest
from governance.policy import Seen
from graphs.plan import StepResult


@dataclass(frozen=True)
class Products:
    """The products of one execution's finished steps."""

    manifests: Mapping[str, ToolManifest]
    _kept: dict[tuple[str, str], Seen] = field(default_factory=dict)

    def handed(self, refs: Iterable[str], results: Mapping[str, StepResult]) -> "Trace":
        """The trace of a step that starts with these products ("s1.suppliers"); what did not succeed is left out."""
        seen: dict[str, Seen] = {}
        labels: set[str] = set()
        for ref in refs:
            source, _, product = ref.partition(".")
            if source in results and product in results[source].data:
                seen[ref] = self._seen(results[source], product)
                labels |= results[source].labels
        return Trace(self.manifests, seen, frozenset(labels))

    def _seen(self, result: StepResult, product: str) -> Seen:
        found = self._kept.get((result.step_id, product))
        if found is None or found.result is not result.data[product]:
            made = [call for call in result.calls if call["kind"] == "ok" and call.get("product") == product]
            # no call, no tool: then it is nobody's, and counts as text of others
            call: Mapping[str, Any] = made[-1] if made else {"tool": ""}
            found = self._kept[result.step_id, product] = _seen(call, result.data[product])
        return found


@dataclass(frozen=True)
class Trace:
    """What one agent has seen. `seen` maps a reference to the product handed over, `labels` are its source's context labels."""

    manifests: Mapping[str, ToolManifest] = field(default_factory=dict)
    seen: Mapping[str, Seen] = field(default_factory=dict)
    labels: frozenset[str] = frozenset()
    _own: dict[str, Seen] = field(default_factory=dict)

    def before(self, messages: Sequence[AnyMessage]) -> tuple[Seen, ...]:
        """All that an agent has seen whose messages these are."""
        return (*self.seen.values(), *(self._kept(m) for m in messages if isinstance(m, ToolMessage) and _is_result(m)))

    def after(self, messages: Sequence[AnyMessage]) -> frozenset[str]:
        """The labels that its result hands on."""
        return handed_on(self.labels, self.before(messages), self.manifests)

    def derives(self, args: Mapping[str, Any]) -> bool:
        """Is a result of these arguments made from text of others, handed over by reference?"""
        given = {
            one for value in args.values() for one in (value if isinstance(value, list) else [value]) if isinstance(one, str)
        }
        return any(self._of_others(seen) for ref, seen in self.seen.items() if ref in given)

    def _of_others(self, seen: Seen) -> bool:
        return seen.derived or self.manifests.get(seen.tool, UNLISTED).output != "trusted"

    def _kept(self, message: ToolMessage) -> Seen:
        if message.tool_call_id not in self._own:
            self._own[message.tool_call_id] = _seen(message.artifact, message.artifact["result"])
        return self._own[message.tool_call_id]


def _is_result(message: ToolMessage) -> bool:
    return isinstance(message.artifact, dict) and message.artifact.get("kind") == "ok"


def _seen(call: Mapping[str, Any], result: Any) -> Seen:
    approved = call.get("approval_id") is not None
    return Seen(call["tool"], call.get("args") or {}, result, confirmed=approved, derived=bool(call.get("derived")))
