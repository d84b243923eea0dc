"""A domain's own operations over HTTP: `app/<domain>/operations.py` has them as `OPERATIONS`. Loaded by `app/main.py`."""

import importlib
from dataclasses import dataclass

from fastapi import APIRouter


@dataclass(frozen=True)
class Operations:
    """`files` are paths at which a body is a file: it is bounded by a limit of its own, and no content type is looked at."""

    routers: tuple[APIRouter, ...] = ()
    files: tuple[str, ...] = ()


def load_operations(domain: str) -> Operations:
    """Those of a domain; none where it has no such file."""
    name = f"app.{domain}.operations"
    try:
        found: Operations = importlib.import_module(name).OPERATIONS
    except ModuleNotFoundError as error:
        if not name.startswith(str(error.name)):
            raise
        return Operations()
    return found
