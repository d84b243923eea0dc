"""What a model call costs: its price, and how many tokens a request is before anybody has counted them.

Nobody's list prices are kept here, they would be wrong soon: a person says the price (`CLEARANCE_MODEL_PRICE`), or it is unknown.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from langchain_core.messages import AIMessage, BaseMessage

CHARACTERS = 4
"""Characters of one token: the usual rule for English and JSON, and what the offline model counts by."""
CAREFUL_CHARACTERS = 3
"""Characters of one token when too few would cost somebody money."""


@dataclass(frozen=True)
class Price:
    """US dollars for a million tokens, of what is sent and of what comes back."""

    input: float
    output: float

    @classmethod
    def of(cls, text: str) -> "Price | None":
        """From the setting ("2.50/10"); None when it is empty. `settings.py` has checked its form."""
        if not text:
            return None
        sent, given = text.split("/")
        return cls(float(sent), float(given))

    def cost(self, sent: float, given: float) -> float:
        """Dollars for so many input and output tokens."""
        return (sent * self.input + given * self.output) / 1e6


def characters(messages: Sequence[BaseMessage], options: Mapping[str, Any]) -> int:
    """How much text a call sends: messages, the tool calls in them, tools and response schema."""
    said = sum(len(message.text) for message in messages)
    called = sum(
        len(json.dumps(call["args"], ensure_ascii=False)) + len(call["name"])
        for message in messages
        if isinstance(message, AIMessage)
        for call in message.tool_calls
    )
    schemas = [options.get(name) for name in ("tools", "response_format") if options.get(name)]
    return said + called + sum(len(json.dumps(schema, ensure_ascii=False, default=str)) for schema in schemas)


def estimate(messages: Sequence[BaseMessage], options: Mapping[str, Any], per_token: int = CAREFUL_CHARACTERS) -> int:
    """Input tokens of a call, estimated from its characters."""
    return characters(messages, options) // per_token + 1
