"""Moments that a client names, as the tables write them."""

from datetime import UTC, datetime

from app.api.errors import Refused


def moment(name: str, at: datetime) -> str:
    """ISO text in UTC, with milliseconds; UTC where no zone is said. Raises `Refused` (422)."""
    try:
        return (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC).isoformat(timespec="milliseconds")
    except OverflowError:
        raise Refused(422, f"{name}: {at.isoformat()} is not a time that can be kept") from None
