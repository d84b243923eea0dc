"""`clearance serve`: the service on a socket. Without a way to know who calls it listens on loopback only, and says so.

On PostgreSQL several processes may serve one socket (`--workers`); uvicorn starts them, and another one where one dies.
"""

import ipaddress
import logging
import socket
import sys
from dataclasses import dataclass
from pathlib import Path

import uvicorn
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.supervisors.multiprocess import Multiprocess, Process

from app.catalogue import from_file
from app.db.upgrade import upgrade
from app.errors import explain
from app.live import announce
from app.logs import configure
from app.main import create_app
from app.work import OneProcess
from database import Database
from settings import Settings

STREAMS_END_S = 10
logger = logging.getLogger("clearance")


@dataclass(frozen=True)
class Factory:
    """Makes the application, in whichever process."""

    settings: Settings
    config: Path | None

    def __call__(self) -> ASGIApp:
        configure(self.settings)
        return Beginning(create_app(self.settings, self.config))


class Beginning:
    """ASGI middleware: why the service cannot begin is said in a sentence, where it is known, instead of a traceback."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def worded(message: Message) -> None:
            error = sys.exception()  # what the application is handling while it says so
            if message["type"] == "lifespan.startup.failed" and error and (said := explain(error)):
                message = {**message, "message": said}
            await send(message)

        await self._app(scope, receive, worded if scope["type"] == "lifespan" else send)


class NotLoopback(ValueError):
    """The address is reachable by others, and nobody would be asked who they are."""


class PortTaken(RuntimeError):
    """Another program listens there."""


def serve(host: str, port: int, config: Path | None, workers: int = 1) -> int:
    """Serve until SIGINT or SIGTERM: then nothing more is taken, streams get a moment to end, unfinished runs are given back.

    Raises `NotLoopback`, `PortTaken`, `OneProcess`.
    """
    settings = Settings()
    if workers > 1:
        _prepare(settings, config, workers)
    local = not settings.sign_in
    if local and not is_loopback(host):
        raise NotLoopback(
            f"{host} can be reached by others, and no sign-in is configured: whoever reaches it could act as you. "
            "Make keys (clearance keys create) and set CLEARANCE_SIGN_IN=keys (docs/sign-in.md has the other ways), "
            "or serve on 127.0.0.1"
        )
    if "oidc" in settings.sign_in and not settings.public_url and not is_loopback(host):
        raise NotLoopback(
            f"browsers elsewhere are to sign in: set CLEARANCE_PUBLIC_URL to the https address at which they reach {host}"
        )
    listening = _bind(host, port)
    options = uvicorn.Config(
        Factory(settings, config),
        factory=True,
        workers=workers,
        log_config=None,
        access_log=False,
        timeout_graceful_shutdown=STREAMS_END_S,
        timeout_keep_alive=75,
    )
    own_port = listening.getsockname()[1]
    if config is None:
        announce(settings, f"http://{_reached(host)}:{own_port}")
    who = (
        f"local mode: no sign-in, everyone on this machine acts as {settings.act_as or settings.user}"
        if local
        else f"callers sign in by {', '.join(settings.sign_in)}"
    )
    page = "open it in a browser · " if config is None else ""
    print(f"Clearance serves on http://{host}:{own_port} · {page}{who} · /docs lists the operations", flush=True)
    if workers > 1:
        Processes(options, [listening]).run()
    else:
        uvicorn.Server(options).run([listening])
    return 0


def _reached(host: str) -> str:
    """Where this machine itself finds what listens there."""
    own = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
    return f"[{own}]" if ":" in own else own


def _prepare(settings: Settings, config: Path | None, workers: int) -> None:
    """See to it that several processes can begin, for one that cannot is started again and again."""
    if config:
        from_file(config)
    db = Database(settings.app_url())
    try:
        if db.sqlite:
            raise OneProcess(f"{workers} processes need a database server: SQLite is served by one")
        upgrade(db)
    finally:
        db.close()


class Processes(Multiprocess):
    """Uvicorn's processes, of which one that died is replaced. Whether one lives the system says: uvicorn asks the process, and waits
    long for one that is busy starting, or has just died."""

    def keep_subprocess_alive(self) -> None:
        for at, one in enumerate(self.processes):
            if not self.should_exit.is_set() and not one.process.is_alive():
                logger.warning("process %s ended with exit code %s: another one takes its place", one.pid, one.exitcode)
                one.kill()
                one.join()
                self.processes[at] = Process(self.config, self.sockets)
                self.processes[at].start()


def is_loopback(host: str) -> bool:
    """Is it an address that only this machine can reach?"""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _bind(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)  # named: asyncio sets TCP_NODELAY only then
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
    except OSError as error:
        listening.close()
        raise PortTaken(f"port {port} on {host} cannot be used ({error.strerror}): choose another with --port") from error
    return listening
