"""Is a service live on this home, and where? `serve.py` leaves its address there; a command looks before it works by itself.

A file outlives its service, and a port may be another's by then: what answers there must say that it serves this home.
"""

import hashlib
import json
import socket
from dataclasses import dataclass
from pathlib import Path

import httpx2
from sqlalchemy.engine import make_url

from settings import Settings

FILE = "service.lock"
SECONDS = 5.0


@dataclass(frozen=True)
class Live:
    """A service that answers. `mode` is local, or how callers sign in."""

    url: str
    mode: str


class OtherDatabase(RuntimeError):
    """The service of this home keeps its records elsewhere than this command would look."""


def announce(settings: Settings, url: str) -> None:
    """Leave the address for the commands, and a mark of the database."""
    settings.home.mkdir(parents=True, exist_ok=True)
    draft = settings.home / f"{FILE}.new"
    draft.write_text(json.dumps({"url": url, "database": _mark_of_database(settings)}), encoding="utf-8")
    draft.replace(settings.home / FILE)


def mark_of(home: Path) -> str:
    """Names a home of this machine, without saying where it is."""
    return _mark(str(home.resolve()))


def find(settings: Settings) -> Live | None:
    """The service of this home, if one answers. Raises `OtherDatabase`: what a command reads, it reads where the service writes it."""
    try:
        left = json.loads((settings.home / FILE).read_text(encoding="utf-8"))
        told = httpx2.get(f"{left['url']}/info", timeout=SECONDS, trust_env=False).json()["server"]
        if told["home"] != mark_of(settings.home):
            return None
        live, database = Live(str(left["url"]), told["mode"]), left["database"]
    except (OSError, ValueError, KeyError, TypeError, httpx2.HTTPError):
        return None
    if database != _mark_of_database(settings):
        raise OtherDatabase(
            f"the service on this home ({live.url}) keeps its records in another database: "
            "set CLEARANCE_DATABASE_URL as it is set there"
        )
    return live


def _mark_of_database(settings: Settings) -> str:
    """Names a database, without its password or where it is."""
    url = make_url(settings.app_url())
    file = url.get_backend_name() == "sqlite"
    return _mark(str(Path(str(url.database)).resolve()) if file else url.set(password=None).render_as_string())


def _mark(text: str) -> str:
    return hashlib.sha256(f"{socket.gethostname()}\0{text}".encode()).hexdigest()[:32]
