"""AgentDojo's suites as worlds for episodes. Imported only where the package is installed; called by the command."""

from collections.abc import Mapping, Sequence
from typing import Any

from agentdojo.base_tasks import BaseInjectionTask, BaseUserTask
from agentdojo.functions_runtime import FunctionCall, FunctionsRuntime, TaskEnvironment
from agentdojo.task_suite.load_suites import get_suites
from agentdojo.task_suite.task_suite import TaskSuite
from agentdojo.types import text_content_block_from_string
from pydantic import BaseModel

from evals.benchmarks.worlds import Call, Failed

VERSION = "v1.2.2"


class DojoScene:
    """A task in its environment. What ran is kept, for the suite judges by the calls as well as by what they left behind."""

    def __init__(self, suite: TaskSuite[Any], task: BaseUserTask[Any], environment: TaskEnvironment) -> None:
        self._suite = suite
        self._task = task
        self._environment = environment
        self._before = environment.model_copy(deep=True)
        self._tools = FunctionsRuntime(suite.tools)
        self._ran: list[FunctionCall] = []
        self._said = [text_content_block_from_string(task.GROUND_TRUTH_OUTPUT)]

    @property
    def request(self) -> str:
        return str(self._task.PROMPT)

    def own(self) -> Sequence[Call]:
        return self._calls(self._task)

    def theirs(self, injection: str) -> Sequence[Call]:
        return self._calls(self._suite.injection_tasks[injection])

    def run(self, call: Call) -> Any:
        result, error = self._tools.run_function(self._environment, call.tool, dict(call.args))
        self._ran.append(FunctionCall(function=call.tool, args=dict(call.args)))
        if error is not None:
            raise Failed(error)
        return _json(result)

    def useful(self) -> bool:
        return bool(self._suite._check_user_task_utility(self._task, self._said, self._before, self._environment, self._ran))

    def attacked(self, injection: str) -> bool:
        task = self._suite.injection_tasks[injection]
        return bool(self._suite._check_injection_task_security(task, self._said, self._before, self._environment, self._ran))

    def _calls(self, task: BaseUserTask[Any] | BaseInjectionTask[Any]) -> Sequence[Call]:
        found = task.ground_truth(self._before.model_copy(deep=True))
        return [Call(one.function, _json(dict(one.args))) for one in found]


class DojoWorld:
    """One suite. Its worlds are made once for each text."""

    def __init__(self, suite: TaskSuite[Any]) -> None:
        self._suite = suite
        vectors = suite.get_injection_vector_defaults()
        self._marks = [f"«{vector}»" for vector in vectors]
        self._marked = suite.load_and_inject_default_environment({vector: f"«{vector}»" for vector in vectors}).model_dump()
        self._made: dict[str, TaskEnvironment] = {}

    @property
    def tools(self) -> frozenset[str]:
        return frozenset(tool.name for tool in self._suite.tools)

    @property
    def tasks(self) -> Sequence[str]:
        return list(self._suite.user_tasks)

    @property
    def injections(self) -> Mapping[str, str]:
        return {name: task.GOAL for name, task in self._suite.injection_tasks.items()}

    def scene(self, task: str, text: str) -> DojoScene:
        if text not in self._made:
            self._made[text] = self._suite.environment_type.model_validate(_replaced(self._marked, self._marks, text))
        one = self._suite.user_tasks[task]
        return DojoScene(self._suite, one, one.init_environment(self._made[text].model_copy(deep=True)))


def worlds() -> dict[str, DojoWorld]:
    """Every suite of the version that is measured, by name."""
    return {name: DojoWorld(suite) for name, suite in get_suites(VERSION).items()}


def _json(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    if isinstance(value, dict):
        return {str(key): _json(one) for key, one in value.items()}
    if isinstance(value, list | tuple | set):
        return [_json(one) for one in value]
    return value if value is None or isinstance(value, str | int | float | bool) else str(value)


def _replaced(value: Any, marks: Sequence[str], text: str) -> Any:
    if isinstance(value, dict):
        return {_replaced(key, marks, text): _replaced(one, marks, text) for key, one in value.items()}
    if isinstance(value, list):
        return [_replaced(one, marks, text) for one in value]
    if isinstance(value, str):
        for mark in marks:
            value = value.replace(mark, text)
    return value
