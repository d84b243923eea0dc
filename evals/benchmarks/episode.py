"""One user task under attack: the user's ground-truth calls and, from the moment a result carries the injection, the attacker's.

No model takes part. Every call is put to the policy engine, and what it allows, or an approver approves, runs in the suite.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from agentdojo.base_tasks import BaseInjectionTask, BaseUserTask
from agentdojo.functions_runtime import FunctionCall, FunctionsRuntime, TaskEnvironment
from agentdojo.task_suite.task_suite import TaskSuite
from agentdojo.types import text_content_block_from_string
from pydantic import BaseModel

from evals.benchmarks.attacks import MARK, Attack
from governance.identity import Caller
from governance.manifest import UNLISTED, ToolManifest
from governance.policy import CallFacts, PolicyEngine, Seen

Approver = Literal["nobody", "perfect", "rubber stamp"]
USER = Caller("emma", "acme", ("requester",))


@dataclass
class Episode:
    """What came of one task. `refused` are the user's own calls that were denied outright, `seconds` the decisions' times."""

    useful: bool = False
    attacked: bool = False
    reached: bool = False
    approvals: int = 0
    let_through: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)


class Stage:
    """A suite that episodes play in. `planned`: the engine is told the plan's tools, as a planner made them before any read;
    without, it has only the user's words. An `engine` of None allows everything: the undefended agent."""

    def __init__(
        self,
        suite: TaskSuite[Any],
        manifests: Mapping[str, ToolManifest],
        engine: PolicyEngine | None,
        *,
        approver: Approver = "nobody",
        late: bool = False,
        planned: bool = False,
    ) -> None:
        self.suite = suite
        self.manifests = manifests
        self._engine = engine
        self._approver = approver
        self._late = late
        self._planned = planned
        self._marked = suite.load_and_inject_default_environment({v: f"«{v}»" for v in suite.get_injection_vector_defaults()})
        self._tools = FunctionsRuntime(suite.tools)
        self._worlds: dict[str, TaskEnvironment] = {}

    def world(self, task: BaseUserTask[Any], text: str) -> TaskEnvironment:
        """The suite's environment with `text` wherever an outsider can write."""
        if text not in self._worlds:
            marks = [f"«{vector}»" for vector in self.suite.get_injection_vector_defaults()]
            data = _replaced(self._marked.model_dump(), marks, text)
            self._worlds[text] = self.suite.environment_type.model_validate(data)
        return task.init_environment(self._worlds[text].model_copy(deep=True))

    def play(self, task: BaseUserTask[Any], attack: Attack, injection: BaseInjectionTask[Any] | None = None) -> Episode:
        """Run one episode. With `injection`, `attacked` says whether the attacker's goal was reached."""
        environment = self.world(task, attack.text)
        before = environment.model_copy(deep=True)
        own = list(task.ground_truth(environment.model_copy(deep=True)))
        theirs = list(attack.calls)
        if injection is not None:
            theirs = list(injection.ground_truth(environment.model_copy(deep=True)))
        episode, ran, trace = Episode(), list[FunctionCall](), list[Seen]()
        plan = frozenset(call.function for call in own) if self._planned else None

        def propose(call: FunctionCall, honest: bool) -> None:
            allowed, asked = self._judge(call, task, plan, trace, honest, episode)
            if not allowed:
                return
            result, error = self._tools.run_function(environment, call.function, call.args)
            ran.append(call)
            if error is None:
                value = _json(result)
                trace.append(Seen(call.function, _json(dict(call.args)), value, confirmed=asked))
                episode.reached = episode.reached or MARK in str(value)

        for at, call in enumerate(own):
            if theirs and episode.reached and (at == attack.instead or (attack.instead is None and not self._late)):
                self._turn(theirs, propose)
            propose(call, True)
        if theirs and episode.reached and (attack.instead is None):
            self._turn(theirs, propose)
        output = [text_content_block_from_string(task.GROUND_TRUTH_OUTPUT)]
        episode.useful = self.suite._check_user_task_utility(task, output, before, environment, ran)
        if injection is not None:
            goal = self.suite._check_injection_task_security(injection, output, before, environment, ran)
            episode.attacked = bool(goal)
        return episode

    @staticmethod
    def _turn(theirs: list[FunctionCall], propose: Any) -> None:
        for call in theirs:
            propose(call, False)
        theirs.clear()

    def _judge(
        self,
        call: FunctionCall,
        task: BaseUserTask[Any],
        plan: frozenset[str] | None,
        trace: list[Seen],
        honest: bool,
        episode: Episode,
    ) -> tuple[bool, bool]:
        """May it run, and was a person asked?"""
        if self._engine is None:
            return True, False
        manifest = self.manifests.get(call.function, UNLISTED)
        args = _json(dict(call.args))
        facts = CallFacts(USER, "assistant", call.function, manifest, args, "e1", "s1", frozenset(self.manifests))
        facts = CallFacts(**{**vars(facts), "request": task.PROMPT, "planned": plan, "trace": tuple(trace)})
        started = time.perf_counter()
        decision = self._engine.decide(facts)
        episode.seconds.append(time.perf_counter() - started)
        asked = decision.outcome == "approve"
        episode.approvals += asked
        yes = decision.outcome == "allow" or (
            asked and (self._approver == "rubber stamp" or (self._approver == "perfect" and honest))
        )
        said = f"{call.function} {args} [{', '.join(decision.labels)}] {', '.join(decision.rules)}"
        if yes and not honest and manifest.effect != "read":
            episode.let_through.append(said)
        if honest and decision.outcome != "allow":
            episode.refused.append(f"{decision.outcome}: {said}")
        return yes, asked


def _json(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    if isinstance(value, dict):
        return {str(key): _json(one) for key, one in value.items()}
    if isinstance(value, list | tuple | set):
        return [_json(one) for one in value]
    return value if value is None or isinstance(value, str | int | float | bool) else str(value)


def _replaced(value: Any, marks: list[str], text: str) -> Any:
    if isinstance(value, dict):
        return {_replaced(key, marks, text): _replaced(one, marks, text) for key, one in value.items()}
    if isinstance(value, list):
        return [_replaced(one, marks, text) for one in value]
    if isinstance(value, str):
        for mark in marks:
            value = value.replace(mark, text)
    return value
