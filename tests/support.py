"""What tests share: opening a tool without a gateway, with a seal of the test's own."""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

from tools.registry import Clearance, Seal, Tool, ToolContext

_SEAL = Seal()


def open_tool(tool: Tool, args: Mapping[str, Any], ctx: ToolContext) -> Any:
    """Run a synchronous tool on validated arguments and return its typed result."""
    run = tool.open(Clearance(tool.name, ctx.call_id, _SEAL), _SEAL)
    return run(tool.args.model_validate(args), ctx)


def dump(result: BaseModel) -> dict[str, Any]:
    """A result as the gateway hands it on: JSON types, decimals as text."""
    return result.model_dump(mode="json")
