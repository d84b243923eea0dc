"""Ask the offline model as a graph does: a system prompt, a human message with a fenced brief, tools bound."""

import json
from typing import Any

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage

from graphs import wire


def opening(brief: dict[str, Any]) -> list[BaseMessage]:
    text = f"Do your part.\n\n```json\n{json.dumps(brief, ensure_ascii=False)}\n```"
    return [SystemMessage("You are a helper of Clearance."), HumanMessage(text)]


def ask(
    model: BaseChatModel, brief: dict[str, Any], response: str, tools: tuple[Any, ...] = (), *after: BaseMessage
) -> AIMessage:
    bound = model.bind_tools([*tools, getattr(wire, response)], tool_choice="any")
    answer = bound.invoke([*opening(brief), *after])
    assert isinstance(answer, AIMessage)
    return answer


def answered(message: AIMessage, response: str) -> Any:
    """The one response in a message, validated as its wire type."""
    (call,) = message.tool_calls
    assert call["name"] == response
    return getattr(wire, response).model_validate(call["args"])
