"""Settings are text; arguments are typed: `fit` brings a setting to a schema."""

from collections.abc import Mapping
from typing import Any

from models.listed import unpack


class Unfit(ValueError):
    """A value does not fit the argument it is meant for; the message says why."""


def kinds(schema: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """JSON type to the (sub)schema of that type: an argument may be "integer or null"."""
    found: dict[str, Mapping[str, Any]] = {}
    for option in (schema, *schema.get("anyOf", ()), *schema.get("oneOf", ())):
        declared = option.get("type")
        for kind in [declared] if isinstance(declared, str) else declared or ():
            found.setdefault(kind, option)
    return found


def fit(value: Any, schema: Mapping[str, Any]) -> Any:
    """`value` as the schema's type. Raises `Unfit` when it cannot be that; never replaces it by another value."""
    types = kinds(schema)
    if value is None:
        if "null" in types:
            return None
        raise Unfit("it is empty")
    if "array" in types:
        many = value if isinstance(value, list) else unpack(str(value))
        items = types["array"].get("items") or {}
        return [fit(one, items) for one in many]
    if isinstance(value, list):
        if len(value) != 1:
            raise Unfit(f"one value is wanted and {len(value)} are given")
        value = value[0]
    allowed = next((option["enum"] for option in types.values() if "enum" in option), schema.get("enum"))
    if allowed:
        return _one_of(value, allowed)
    if "boolean" in types:
        if str(value).lower() in ("true", "yes", "1", "false", "no", "0"):
            return str(value).lower() in ("true", "yes", "1")
        raise Unfit(f"{value!r} is neither yes nor no")
    if "integer" in types or "number" in types:
        return _number(value, types)
    if isinstance(value, str) and "string" in types and value.startswith("["):
        many = unpack(value)
        if len(many) != 1:
            raise Unfit(f"one value is wanted and {len(many)} are given")
        return many[0]
    return str(value) if "string" in types and not isinstance(value, dict) else value


def _one_of(value: Any, allowed: list[Any]) -> Any:
    for option in allowed:
        if str(option).casefold() == str(value).casefold():
            return option
    raise Unfit(f"{value!r} is none of {', '.join(map(str, allowed))}")


def _number(value: Any, types: Mapping[str, Any]) -> int | float | str:
    try:
        number = float(str(value))
    except ValueError:
        raise Unfit(f"{value!r} is no number") from None
    if number.is_integer():
        return int(number)
    if "number" not in types:
        raise Unfit(f"{value!r} is no whole number")
    return number
