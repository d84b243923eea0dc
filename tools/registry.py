"""The registry of tools. A tool is one typed function with a manifest; only a `Clearance` minted by the gateway opens it.

`@tool(...)` describes a function and builds nothing. A domain lists its tools; `Registry` holds them for the gateway, for the
policy (manifests) and for the models (schemas).

What the seal keeps is the way that code and models go by mistake or by persuasion. Python keeps nothing from code that is out to
get round it: who may change the process can read `_run`, or open the database itself. Such code is kept out by review.
"""

from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, get_type_hints

from pydantic import BaseModel

from governance.identity import Caller
from governance.manifest import ToolManifest


class NoClearance(PermissionError):
    """A tool was called around the gateway."""


class ToolError(Exception):
    """A tool could not do what was asked; the message is for the model and the user. `transient`: a retry may help."""

    def __init__(self, message: str, *, transient: bool = False) -> None:
        super().__init__(message)
        self.transient = transient


@dataclass(frozen=True)
class ToolContext:
    """What a tool's function is handed beside its arguments.

    `resources` is the domain's own (its system of record, read-only for a read tool); `inputs` maps a reference such as
    `s2.exposure` to that product as a dict; `today` is the date of the run, fixed when it was planned.
    """

    caller: Caller
    resources: Any
    inputs: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    execution_id: str = ""
    step_id: str = ""
    call_id: str = ""
    idempotency_key: str = ""
    today: date = field(default_factory=date.today)


class Seal:
    """A gateway's private witness. Nothing else opens a tool; only a gateway makes one (tests/tools/test_no_way_around.py)."""


@dataclass(frozen=True)
class Clearance:
    """Permission for exactly one call. Only the gateway makes one, under its seal."""

    tool: str
    call_id: str
    seal: Seal = field(repr=False)


Run = Callable[[Any, ToolContext], Any | Awaitable[Any]]
Undo = Callable[[Any, Any, str], BaseModel]
Reconcile = Callable[[Any, ToolContext], Any | None]


class BadCompensation(ValueError):
    """A tool says that another undoes it, and that cannot be; the message says why."""


@dataclass(frozen=True)
class Tool:
    """A tool: name, description, typed arguments and result, manifest. `produces` is the product its result is, if any.

    `undo(args, done, reason)` makes the arguments of `manifest.compensation` from what was done. `reconcile(args, ctx)` says what
    became of the effect with `ctx.idempotency_key`: its result, None if it never happened, `ToolError` if that cannot be told. It
    reads only, in a worker thread.
    """

    name: str
    description: str
    args: type[BaseModel]
    result: type[BaseModel]
    manifest: ToolManifest
    produces: str
    _run: Run = field(repr=False)
    undo: Undo | None = field(default=None, repr=False)
    reconcile: Reconcile | None = field(default=None, repr=False)

    def __call__(self, *args: Any, **kwargs: Any) -> None:
        raise NoClearance(f"{self.name} is called through the gateway only")

    def open(self, clearance: Clearance, seal: Seal) -> Run:
        """The function itself, for the holder of the gateway's seal. Raises `NoClearance` for anybody else."""
        if not isinstance(seal, Seal) or clearance.seal is not seal or clearance.tool != self.name:
            raise NoClearance(f"{self.name} was called without a clearance of its own")
        return self._run


def tool(
    manifest: ToolManifest,
    *,
    name: str = "",
    produces: str = "",
    undo: Undo | None = None,
    reconcile: Reconcile | None = None,
) -> Callable[[Run], Tool]:
    """Describe `def f(args: Args, ctx: ToolContext) -> Result` as a tool; its docstring is what models read.

    Plain functions are run in a worker thread, coroutines on the loop. `undo` and `reconcile` as in `Tool`.
    """

    def describe(run: Run) -> Tool:
        hints = get_type_hints(run)
        args, result = hints["args"], hints["return"]
        product = produces or getattr(result, "product", "")
        label: str = name or getattr(run, "__name__", "")
        text = " ".join((run.__doc__ or "").split())
        if not text:
            raise ValueError(f"tool {label} has no docstring: models choose by it")
        return Tool(label, text, args, result, manifest, product, run, undo, reconcile)

    return describe


class Registry(Mapping[str, Tool]):
    """The tools of one process, by name."""

    def __init__(self, tools: Iterable[Tool] = ()) -> None:
        self._tools: dict[str, Tool] = {}
        for one in tools:
            if one.name in self._tools:
                raise ValueError(f"two tools are named {one.name}")
            self._tools[one.name] = one
        for one in self._tools.values():
            self._check_undo(one)

    def __getitem__(self, name: str) -> Tool:
        return self._tools[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._tools)

    def __len__(self) -> int:
        return len(self._tools)

    def manifests(self) -> dict[str, ToolManifest]:
        return {name: one.manifest for name, one in self._tools.items()}

    def _check_undo(self, one: Tool) -> None:
        """Raise `BadCompensation` unless a tool that names its undoing can be undone by it, argument for argument."""
        name = one.manifest.compensation
        if name is None and one.undo is None:
            return
        if name is None or one.undo is None:
            raise BadCompensation(f"{one.name} needs both, a compensation in its manifest and undo=, or neither")
        if name not in self._tools or self._tools[name].manifest.effect == "read":
            raise BadCompensation(f"{one.name} names {name} as what undoes it, and there is no such effect")
        hints = get_type_hints(one.undo)
        takes, makes = [kind for name, kind in hints.items() if name != "return"], hints.get("return")
        if takes != [one.args, one.result, str] or makes is not self._tools[name].args:
            wanted = f"({one.args.__name__}, {one.result.__name__}, str) -> {self._tools[name].args.__name__}"
            raise BadCompensation(f"what undoes {one.name} must make the arguments of {name}: declare undo as {wanted}")
