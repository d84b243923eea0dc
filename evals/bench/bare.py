"""The baseline of a step's cost: LangChain's `create_agent` alone, same turns, plain tool, durable saver."""

import time
import uuid
from pathlib import Path
from typing import Any

from langchain.agents import create_agent
from langchain.agents.structured_output import ToolStrategy
from langchain_core.messages import BaseMessage
from langchain_core.tools import StructuredTool

from evals.bench.domain import PROMPT, part, work
from evals.bench.model import FixedLatencyModel
from graphs.wire import Finding


async def _work() -> str:
    return part([]).model_dump_json()


def bare_agent(saver: Any) -> Any:
    """The worker without Clearance: same prompt, same tool name and schema, same response format, same kind of saver."""
    plain = StructuredTool(
        name=work.name, description=work.description, args_schema=work.args.model_json_schema(), coroutine=_work
    )
    prompt = Path(PROMPT).read_text(encoding="utf-8")
    return create_agent(
        FixedLatencyModel(), [plain], system_prompt=prompt, response_format=ToolStrategy(Finding), checkpointer=saver
    )


async def by_bare_agent(agent: Any, brief: BaseMessage) -> float:
    """Wall seconds of one run of the turns, on a thread of its own, each step of it saved before the next."""
    config = {"configurable": {"thread_id": str(uuid.uuid4())}}
    began = time.perf_counter()
    left = await agent.ainvoke({"messages": [brief]}, config, durability="sync")
    seconds = time.perf_counter() - began
    assert isinstance(left["structured_response"], Finding)
    return seconds
