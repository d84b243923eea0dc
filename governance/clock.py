"""Time as governance writes it down: UTC, one fixed ISO form, so that times compare as text in any database."""

from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], datetime]


def now() -> datetime:
    """The time, with its zone. Tests hand in a clock of their own."""
    return datetime.now(UTC)


def stamp(at: datetime) -> str:
    """32 characters, always with microseconds and offset. Raises `ValueError` for a time without a zone."""
    if at.tzinfo is None:
        raise ValueError(f"{at} has no time zone: governance keeps no local times")
    return at.astimezone(UTC).isoformat(timespec="microseconds")


def parse(text: str) -> datetime:
    return datetime.fromisoformat(text)
