"""The connection of a command to the live service of its home. Used by `served.py` and `served_acts.py`, opened by `runner.py`."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx2

from app.live import Live
from settings import Settings

SILENCE_S = 60.0  # a stream says something every few seconds, for as long as it takes


class ServiceSays(RuntimeError):
    """The service refused, or what it did failed; its own words."""


@asynccontextmanager
async def open_client(settings: Settings, live: Live) -> AsyncIterator[httpx2.AsyncClient]:
    """Calls the service as the settings say. Raises `ServiceSays` where it asks who calls and there is no key."""
    key = settings.api_key.get_secret_value()
    if live.mode != "local" and not key:
        raise ServiceSays(
            f"the service on this home ({live.url}) asks who calls: put a key of yours (clearance keys create) into CLEARANCE_API_KEY"
        )
    headers = {"x-api-key": key} if key else {"X-Clearance-As": settings.act_as} if settings.act_as else {}
    async with httpx2.AsyncClient(base_url=live.url, headers=headers, timeout=SILENCE_S, trust_env=False) as http:
        yield http


def ok(answer: httpx2.Response) -> httpx2.Response:
    """The answer, if it is one. Raises `ServiceSays`."""
    if not answer.is_success:
        raise ServiceSays(said_by(answer))
    return answer


def said_by(answer: httpx2.Response) -> str:
    """Why it is none."""
    try:
        return str(answer.json()["detail"])
    except (ValueError, KeyError, TypeError):
        return f"the service answered {answer.status_code}"
