"""`clearance serve`: the service on a socket. Without a way to know who calls it listens on loopback only, and says so."""

import ipaddress
import socket
from pathlib import Path

import uvicorn

from app.live import announce
from app.main import create_app
from settings import Settings

STREAMS_END_S = 10


class NotLoopback(ValueError):
    """The address is reachable by others, and nobody would be asked who they are."""


class PortTaken(RuntimeError):
    """Another program listens there."""


def serve(host: str, port: int, config: Path | None) -> int:
    """Serve until SIGINT or SIGTERM: then nothing more is taken, streams get a moment to end, unfinished runs are given back.

    Raises `NotLoopback`, `PortTaken`.
    """
    settings = Settings()
    local = settings.sign_in == "none"
    if local and not is_loopback(host):
        raise NotLoopback(
            f"{host} can be reached by others, and no sign-in is configured: whoever reaches it could act as you. "
            "Make keys (clearance keys create) and set CLEARANCE_SIGN_IN=keys, or serve on 127.0.0.1"
        )
    listening = _bind(host, port)
    options = uvicorn.Config(
        create_app(settings, config),
        log_level=settings.log_level,
        access_log=False,
        timeout_graceful_shutdown=STREAMS_END_S,
        timeout_keep_alive=75,
    )
    own_port = listening.getsockname()[1]
    if config is None:
        announce(settings.home, f"http://{_reached(host)}:{own_port}")
    who = (
        f"local mode: no sign-in, everyone on this machine acts as {settings.act_as or settings.user}"
        if local
        else "callers sign in with API keys"
    )
    print(f"Clearance serves on http://{host}:{own_port} · {who} · /docs lists the operations", flush=True)
    uvicorn.Server(options).run([listening])
    return 0


def _reached(host: str) -> str:
    """Where this machine itself finds what listens there."""
    own = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
    return f"[{own}]" if ":" in own else own


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
