"""`clearance worker`: a process that carries out runs and answers no requests, for more machines on one PostgreSQL."""

import asyncio
import signal
from pathlib import Path

import uvloop

from app.logs import configure
from app.service import open_service
from database import Database
from settings import Settings

HOW = "set CLEARANCE_DATABASE_URL to a PostgreSQL database (postgresql+psycopg://user:password@host/name)"


class OneProcess(ValueError):
    """The database is one that a single process serves."""

    def __init__(self, why: str) -> None:
        super().__init__(f"{why}; {HOW}")


def work(config: Path | None) -> int:
    """Carry out runs until SIGINT or SIGTERM; then unfinished ones get a moment, and are given back. Raises `OneProcess`."""
    settings = Settings()
    configure(settings)
    db = Database(settings.app_url())
    sqlite, where = db.sqlite, db.url.render_as_string(hide_password=True)
    db.close()
    if sqlite:
        raise OneProcess("a worker needs a database server: on SQLite `clearance serve` carries out the runs itself")
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_work(settings, config, where))
    return 0


async def _work(settings: Settings, config: Path | None, where: str) -> None:
    stopped, loop = asyncio.Event(), asyncio.get_running_loop()
    for sign in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(sign, stopped.set)
    async with open_service(settings, config):
        print(f"Clearance works on {where}: at most {settings.runs} runs at once", flush=True)
        await stopped.wait()
