"""Find the brief: the one fenced JSON block with a `role` in the human message that starts a role's work."""

import json
import re
from collections.abc import Sequence

from langchain_core.messages import BaseMessage, HumanMessage

from models.offline.request import Json

# A newline inside a JSON string is escaped, so a fence at the start of a line cannot come from a value in the brief.
_FENCE = re.compile(r"^```json[ \t]*\n(.*?)\n```[ \t]*$", re.DOTALL | re.MULTILINE)


def find_brief(messages: Sequence[BaseMessage]) -> tuple[Json, Sequence[BaseMessage]] | None:
    """The last brief and the messages after it, or None. In one message the last block counts: prose comes before it."""
    for index in range(len(messages) - 1, -1, -1):
        if not isinstance(messages[index], HumanMessage):
            continue
        for block in reversed(_FENCE.findall(messages[index].text)):
            try:
                data = json.loads(block)
            except ValueError:
                continue
            if isinstance(data, dict) and isinstance(data.get("role"), str):
                return data, messages[index + 1 :]
    return None
