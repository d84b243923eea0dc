"""Performing one action: its tool is opened, run, and whatever it does or raises becomes an outcome and the record of it.

Holds the only seal there is, so nobody else can open a tool. Made by the gateway, for itself and its effects, once an action was
checked; records nothing itself.
"""

import logging
import time
from collections.abc import Callable
from typing import Any

from tools.action import Action, Ran, lost
from tools.calls import ToolOutcome, touched
from tools.registry import Clearance, Seal, ToolContext, ToolError
from tools.running import ReadOnly, Runner

log = logging.getLogger(__name__)


class Performer:
    """Runs the tools of actions. `backoff` seconds precede the first retry; `close()` lets running tools end."""

    def __init__(self, backoff: float) -> None:
        self._runner = Runner(backoff)
        self._seal = Seal()

    def close(self) -> None:
        self._runner.close()

    async def run(
        self,
        action: Action,
        started: float,
        key: str = "",
        rehearsal: Any = None,
        keep: Callable[[Ran], Ran] | None = None,
    ) -> Ran:
        """Run the tool; with the handles of a `rehearsal` nothing it does stays. `key` is an effect's; `started` counts the time.

        `keep` may record what came of a tool that succeeded, in the tool's thread; a coroutine has none and is not kept.
        """
        call, tool = action.call, action.tool
        effect = action.facts.manifest.effect != "read" and rehearsal is None
        context = ToolContext(
            caller=call.caller,
            resources=rehearsal or (call.resources if effect else ReadOnly(call.resources)),
            inputs=call.inputs,
            execution_id=call.execution_id,
            step_id=call.step_id,
            call_id=call.call_id,
            idempotency_key=key,
            today=call.today,
        )
        function = tool.open(Clearance(tool.name, call.call_id, self._seal), self._seal)
        rests: dict[str, Any] = dict(approval_id=action.approval_id, args=action.facts.args)

        def end(result: dict[str, Any], found: str) -> Ran:
            more = dict(rests, records=touched(result), effect="done" if effect else None)
            done = ToolOutcome("ok", result, ms=elapsed(started), **more)
            return Ran(done, action.ended(done, found))

        try:
            args = tool.args.model_validate(dict(action.facts.args))
            return await self._runner.run(tool, function, args, context, end, keep)
        except ToolError as error:
            text, certain = str(error), not error.transient
        except TimeoutError:
            text, certain = f"{tool.name} took longer than {tool.manifest.timeout:g} s", False
        except Exception as error:  # a tool may raise anything; the model gets a sentence, the log the traceback
            log.exception("%s failed", tool.name)
            text, certain = f"{tool.name} failed: {type(error).__name__}: {error}", False
        if effect and not certain:  # it broke off, and may or may not have been done
            unknown = ToolOutcome("unknown", error=lost(action, text), ms=elapsed(started), **rests)
            return Ran(unknown, action.ended(unknown))
        failed = ToolOutcome("error", error=text, ms=elapsed(started), final=certain, **rests)
        return Ran(failed, action.ended(failed))


def elapsed(started: float) -> float:
    """Milliseconds since a `time.perf_counter()`."""
    return round((time.perf_counter() - started) * 1000, 3)
