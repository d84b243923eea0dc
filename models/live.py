"""`LiveModel`: the client of an OpenAI-compatible endpoint (Chat Completions), asked only for what its model can do.

Made by the factory alone, which imports this module late: the client is slow to import.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from langchain_core.language_models import LanguageModelInput
from langchain_core.messages import AIMessage
from langchain_core.runnables import Runnable
from langchain_core.tools import BaseTool
from langchain_core.utils.function_calling import convert_to_openai_tool
from langchain_openai import ChatOpenAI

from models.capabilities import Capabilities

LOOSE = frozenset({"default", "patternProperties", "allOf", "not", "if", "dependentRequired", "dependentSchemas"})
"""Keywords that strict schemas may not have."""


class LiveModel(ChatOpenAI):
    """`ChatOpenAI` whose tools are bound as `capabilities` allow.

    With strict tools, every tool whose schema is fit for it is bound strictly: the response types are. Without, the same
    schemas go out as plain tools, and what comes back is validated and sent back once with the errors.
    """

    capabilities: Capabilities

    def bind_tools(
        self,
        tools: Sequence[dict[str, Any] | type | Callable[..., Any] | BaseTool],
        *,
        tool_choice: Any = None,
        **kwargs: Any,
    ) -> Runnable[LanguageModelInput, AIMessage]:
        """Bind tools in any form LangChain knows."""
        able = self.capabilities
        bound = [convert_to_openai_tool(tool) for tool in tools]
        if able.strict_tools:
            bound = [strictly(tool) for tool in bound]
        if able.parallel_switch and not able.parallel_tools:
            kwargs.setdefault("parallel_tool_calls", False)
        if not able.forced_tools and tool_choice in ("any", "required", True):
            tool_choice = "auto"
        return super().bind_tools(bound, tool_choice=tool_choice, **kwargs)


def strictly(tool: Mapping[str, Any]) -> dict[str, Any]:
    """An OpenAI tool, marked strict if its schema is fit for it."""
    function = tool["function"]
    if not fits_strict(function.get("parameters") or {}):
        return dict(tool)
    return {**tool, "function": {**function, "strict": True}}


def fits_strict(schema: Any) -> bool:
    """Does a JSON schema keep the rules of strict mode: closed objects, every property required, no loose keyword?"""
    if isinstance(schema, list):
        return all(fits_strict(one) for one in schema)
    if not isinstance(schema, Mapping):
        return True
    if "properties" in schema or schema.get("type") == "object":
        fields = schema.get("properties")
        if fields is None or schema.get("additionalProperties") is not False or set(schema.get("required", ())) != set(fields):
            return False
        if not all(fits_strict(field) for field in fields.values()):
            return False
    return not LOOSE & set(schema) and all(fits_strict(inner) for name, inner in schema.items() if name != "properties")
