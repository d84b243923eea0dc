"""The graphs that the service serves, by name: the product's own, or those of any `langgraph.json` (`clearance serve --config FILE`).

A file names each graph as `path.py:variable`: a compiled graph, a StateGraph, or a factory (of no argument or of the run's
config, plain or async). What needs no config is built once. Saver and store are the service's; a graph's own are not used.
"""

import asyncio
import importlib.util
import inspect
import json
import sys
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

from langchain_core.runnables import RunnableConfig
from langgraph.graph import StateGraph
from langgraph.pregel import Pregel
from langgraph.store.base import BaseStore

from graphs.orchestrator import build_orchestrator
from graphs.services import Services
from graphs.state import TOLD, State

Build = Callable[[RunnableConfig], Awaitable[Any]]


class UnknownGraph(LookupError):
    """No graph of this name is served."""


class NotWritable(ValueError):
    """What a client would write is not a client's to write; the message names it."""


class BadConfig(ValueError):
    """The file does not say what `langgraph.json` has to say; the message names the place."""


@dataclass(frozen=True)
class Entry:
    """One graph. `constant`: built once for all runs. `durability` is that of its runs where it may not be chosen. `kept` is what of
    its state its own nodes alone write; of such a graph no client says where it goes on, either."""

    build: Build
    constant: bool = True
    durability: str | None = None
    kept: frozenset[str] = frozenset()

    def refuse_kept(self, written: Any) -> None:
        """Raises `NotWritable` for what a client would write to the state that is not a client's to write."""
        if not self.kept or written is None:
            return
        if not isinstance(written, Mapping):
            raise NotWritable("this graph's state is written by names: an object is expected")
        if names := sorted(self.kept & set(written)):
            raise NotWritable(f"{', '.join(names)}: this graph's own nodes alone write that")


@dataclass
class Catalogue:
    """Names to graphs."""

    entries: Mapping[str, Entry]
    store: BaseStore | None = None
    _built: dict[str, asyncio.Task[Any]] = field(default_factory=dict)

    @property
    def names(self) -> list[str]:
        return list(self.entries)

    def entry(self, name: str) -> Entry:
        """Raises `UnknownGraph`."""
        if name not in self.entries:
            raise UnknownGraph(f"Graph '{name}' not found. Expected one of: {sorted(self.entries)}")
        return self.entries[name]

    async def graph(self, name: str, saver: Any, config: RunnableConfig) -> Any:
        """The compiled graph, writing through `saver`. Raises `UnknownGraph`, or what its factory raises."""
        entry = self.entry(name)
        if not entry.constant:
            return with_saver(await entry.build(config), saver, name, self.store)
        if name not in self._built or self._failed(name):
            self._built[name] = asyncio.create_task(self._build(entry, name, saver))
        return await asyncio.shield(self._built[name])

    async def _build(self, entry: Entry, name: str, saver: Any) -> Any:
        return with_saver(await entry.build({}), saver, name, self.store)

    def _failed(self, name: str) -> bool:
        """Did building it fail before? Then it is tried again."""
        task = self._built[name]
        return task.done() and (task.cancelled() or task.exception() is not None)


def own(services: Services) -> Catalogue:
    """The product's graphs: the orchestrator, each specialist as a plan for its products, the core roles as they are.

    They run with durability "sync": a step must not start before the plan that names it is on disk.
    """

    def plan_for(only: str | None) -> Build:
        return lambda config: asyncio.to_thread(build_orchestrator, services, None, only)

    def role(name: str) -> Build:
        return lambda config: asyncio.to_thread(services.build, name, None)

    kept = frozenset(State.__annotations__) - set(TOLD)
    entries = {"orchestrator": Entry(plan_for(None), durability="sync", kept=kept)}
    entries |= {one.name: Entry(plan_for(one.name), durability="sync", kept=kept) for one in services.domain.specialists}
    entries |= {name: Entry(role(name), durability="sync") for name in ("verifier", "reporter")}
    return Catalogue(entries)


def from_file(path: Path) -> Catalogue:
    """The graphs of a `langgraph.json`. Raises `BadConfig`."""
    try:
        said = json.loads(path.read_text(encoding="utf-8"))
        graphs = said["graphs"]
        folders = [path.parent / one for one in said.get("dependencies", []) if str(one).startswith(".")]
    except OSError as error:
        raise BadConfig(f"{path} cannot be read: {error.strerror}") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise BadConfig(
            f'{path} is no langgraph.json: it needs {{"graphs": {{name: "file.py:variable"}}}} ({error})'
        ) from error
    for folder in folders:  # as an installed dependency would be: its modules can be imported
        if str(folder.resolve()) not in sys.path:
            sys.path.insert(0, str(folder.resolve()))
    return Catalogue({name: _entry(path, name, place) for name, place in graphs.items()})


def _entry(path: Path, name: str, place: Any) -> Entry:
    text = place.get("path", "") if isinstance(place, dict) else str(place)
    file, colon, variable = text.rpartition(":")
    if not colon or not file:
        raise BadConfig(f'{path}: graph {name} is {text!r}: write "file.py:variable"')
    module = _load(path.parent / file) if file.endswith(".py") else importlib.import_module(file)
    found = getattr(module, variable, None)
    if found is None:
        raise BadConfig(f"{path}: graph {name}: {file} has no {variable}")
    if isinstance(found, Pregel | StateGraph) or not callable(found):

        async def given(config: RunnableConfig) -> Any:
            return found

        return Entry(given)
    takes = bool(inspect.signature(found).parameters)

    async def made(config: RunnableConfig) -> Any:
        return await _opened(found(config) if takes else found())

    return Entry(made, constant=not takes)


async def _opened(result: Any) -> Any:
    if inspect.isawaitable(result):
        return await result
    if isinstance(result, AbstractAsyncContextManager | AbstractContextManager):
        raise BadConfig("a factory that is a context manager is not supported: return the graph")
    return result


def _load(file: Path) -> ModuleType:
    name = f"served_{file.stem}_{abs(hash(str(file.resolve())))}"
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, file)
    if spec is None or spec.loader is None or not file.exists():
        raise BadConfig(f"there is no {file}")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # before it runs: type hints of its state are looked up there
    spec.loader.exec_module(module)
    return module


def with_saver(graph: Any, saver: Any, name: str, store: BaseStore | None = None) -> Any:
    """The same graph under the name it is served by, writing through `saver`, remembering in `store`."""
    if isinstance(graph, StateGraph):
        graph = graph.compile(name=name)
    if not isinstance(graph, Pregel):
        raise BadConfig(
            f"graph {name} is a {type(graph).__name__}: a compiled graph, a StateGraph or a factory of one is needed"
        )
    return graph.copy(update={"checkpointer": saver, "name": name, "store": store})
