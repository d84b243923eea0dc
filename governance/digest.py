"""Digests: one byte form of a value (RFC 8785) and the hash that names an action. Whoever compares actions compares these."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

import rfc8785

from governance.policy import CallFacts

LARGEST_INTEGER = 2**53 - 1  # RFC 8785 has no larger ones


_encode = json.JSONEncoder(sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode


def _plain(value: Any, odd: list[Any]) -> Any:
    """As JSON values. `odd` is added what the standard library's encoder may write, or sort, otherwise than RFC 8785."""
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, float):
        odd.append(value)
        return value
    if isinstance(value, int):
        return value if abs(value) <= LARGEST_INTEGER else str(value)
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, date | datetime | time):
        return value.isoformat()
    if isinstance(value, Mapping):
        names = [str(key) for key in value]
        odd.extend(name for name in names if not name.isascii())
        return {name: _plain(one, odd) for name, one in zip(names, value.values(), strict=True)}
    if isinstance(value, frozenset | set):
        return sorted((_plain(one, odd) for one in value), key=str)
    if isinstance(value, Sequence) and not isinstance(value, bytes | bytearray):
        return [_plain(one, odd) for one in value]
    raise ValueError(f"a {type(value).__name__} has no canonical form: pass text, numbers, dates, lists or maps")


def canonical(value: Any) -> bytes:
    """RFC 8785 bytes of a JSON-like value; decimals, dates and very large integers as text.

    Raises `ValueError` for what JSON cannot say (NaN, bytes, objects).
    """
    odd: list[Any] = []
    plain = _plain(value, odd)
    try:  # without floats and foreign names, the C encoder writes the same bytes several times faster
        return rfc8785.dumps(plain) if odd else _encode(plain).encode()
    except (rfc8785.CanonicalizationError, UnicodeEncodeError) as error:
        raise ValueError(f"the value has no canonical form: {error}") from error


def digest(value: Any) -> str:
    """SHA-256 of the canonical form, 64 hex digits."""
    return hashlib.sha256(canonical(value)).hexdigest()


def action_digest(facts: CallFacts, schema_version: str = "") -> str:
    """What an approval is given for: this tool, at this version, with exactly these arguments, for this person and step.

    `schema_version` is the manifest's unless another is passed.
    """
    return digest(
        {
            "tool": facts.tool,
            "version": schema_version or facts.manifest.version,
            "args": facts.args,
            "agent": facts.agent,
            "user": facts.caller.user,
            "org": facts.caller.org,
            "execution": facts.execution_id,
            "step": facts.step_id,
        }
    )


def effect_key(facts: CallFacts) -> str:
    """What an effect is done once for; also the idempotency key a tool is handed. No attempt and no call id in it: a retried
    step that asks for the same effect again gets the first one's result."""
    return key_of(facts.execution_id, facts.step_id, facts.tool, facts.args)


def key_of(execution_id: str, step_id: str, tool: str, args: Mapping[str, Any]) -> str:
    """`effect_key` of its parts."""
    return digest({"execution": execution_id, "step": step_id, "tool": tool, "args": args})
