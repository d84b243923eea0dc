"""Finds what is run and watched: `evals/chaos/<domain>/subject.py`, a module of the shape of `Subject`."""

import importlib
from datetime import date
from typing import Protocol, cast

from settings import Settings


class Subject(Protocol):
    """A goal with effects, its records, and queries that show what it did: cases as (id, whom), events, notifications, and the
    idempotency keys of the cases. `CLEAR` are statements that take all of it back."""

    GOAL: str
    TODAY: date
    CASES: str
    EVENTS: str
    NOTIFICATIONS: str
    KEYS: str
    CLEAR: tuple[str, ...]

    def load(self, settings: Settings) -> None:
        """Fill an empty home."""


def subject_of(settings: Settings) -> Subject:
    """The subject of the domain that the settings name."""
    return cast(Subject, importlib.import_module(f"evals.chaos.{settings.domain}.subject"))
