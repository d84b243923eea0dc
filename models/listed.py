"""Several values in one text: how a setting, whose value is text, holds a list. Used by intake, the domains and the offline model."""

import json
from collections.abc import Iterable


def pack(values: Iterable[str]) -> str:
    """Several values as one text: comma-separated, or a JSON list when a value has a comma itself ("Acme, Inc")."""
    given = list(dict.fromkeys(values))
    if any("," in value for value in given):
        return json.dumps(given, ensure_ascii=False)
    return ", ".join(given)


def unpack(text: str) -> list[str]:
    """The values of a text that `pack` made, or that a person typed with commas."""
    if text.startswith("["):
        try:
            values = json.loads(text)
        except ValueError:
            values = None
        if isinstance(values, list):
            return [str(value) for value in values]
    return [part.strip() for part in text.split(",") if part.strip()]
