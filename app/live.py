"""Is a service live on this home, and where? `serve.py` leaves its address there; a command looks before it works by itself.

A file outlives its service, and a port may be another's by then: what answers there must say that it serves this home.
"""

import hashlib
import json
import socket
from dataclasses import dataclass
from pathlib import Path

import httpx2

from settings import Settings

FILE = "service.lock"
SECONDS = 5.0


@dataclass(frozen=True)
class Live:
    """A service that answers. `mode` is local, or how callers sign in."""

    url: str
    mode: str


def announce(home: Path, url: str) -> None:
    """Leave the address for the commands."""
    home.mkdir(parents=True, exist_ok=True)
    draft = home / f"{FILE}.new"
    draft.write_text(json.dumps({"url": url}), encoding="utf-8")
    draft.replace(home / FILE)


def mark_of(home: Path) -> str:
    """Names a home of this machine, without saying where it is."""
    return hashlib.sha256(f"{socket.gethostname()}\0{home.resolve()}".encode()).hexdigest()[:32]


def find(settings: Settings) -> Live | None:
    """The service of this home, if one answers."""
    try:
        url = str(json.loads((settings.home / FILE).read_text(encoding="utf-8"))["url"])
        told = httpx2.get(f"{url}/info", timeout=SECONDS, trust_env=False).json()["server"]
        return Live(url, told["mode"]) if told["home"] == mark_of(settings.home) else None
    except (OSError, ValueError, KeyError, TypeError, httpx2.HTTPError):
        return None
