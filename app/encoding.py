"""JSON as the wire has it: messages as LangChain dumps them, times as ISO text. Used by `app/api` and `app/runs`."""

from collections.abc import Mapping
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Any

import orjson
from langchain_core.load.serializable import Serializable
from pydantic import BaseModel


def dumps(value: Any) -> bytes:
    """Any value of a graph as JSON. What JSON cannot say (NaN, a lone surrogate) is left out or replaced, never an error."""
    try:
        return orjson.dumps(value, default=_plain, option=orjson.OPT_NON_STR_KEYS)
    except TypeError as error:
        if "surrogates" not in str(error) and "UTF-8" not in str(error):
            raise
        return orjson.dumps(_clean(value), default=_plain, option=orjson.OPT_NON_STR_KEYS)


def loads(data: bytes | str) -> Any:
    """The value of JSON text. Raises `ValueError`."""
    return orjson.loads(data)


def plain(value: Any) -> Any:
    """A graph's value as plain JSON types."""
    return orjson.loads(dumps(value))


def _plain(value: Any) -> Any:
    if isinstance(value, Serializable | BaseModel):
        return value.model_dump()
    if isinstance(value, BaseException):
        return {"error": type(value).__name__, "message": str(value)}
    if isinstance(value, tuple | set | frozenset):
        return list(value)
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, Enum):
        return value.value
    if hasattr(value, "_asdict"):
        return value._asdict()
    if isinstance(value, bytes | bytearray):
        return bytes(value).decode("utf-8", "replace")
    if isinstance(value, Decimal | Path | complex):
        return str(value)
    return repr(value)


def _clean(value: Any) -> Any:
    """The same value with text that UTF-8 can carry; only taken when it cannot."""
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, Mapping):
        return {_clean(key): _clean(one) for key, one in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_clean(one) for one in value]
    if isinstance(value, Serializable | BaseModel):
        return _clean(value.model_dump())
    return value
