"""One round: clients lead the goal through the service, something is killed meanwhile, and everything is held against the rules."""

import asyncio
import random
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import URL, create_engine, text

from evals.chaos.postgres import OwnPostgres
from evals.chaos.service.client import Client, Unended
from evals.chaos.service.fleet import Fleet
from evals.chaos.service.watch import Takeovers, attempts, broken, effects_of, holders
from evals.chaos.subject import Subject, subject_of
from governance.signing import open_signer
from settings import Settings

CLIENTS = 4
TAKEOVER_S = 20.0
OUTAGE_S = (0.5, 8.0)


@dataclass(frozen=True)
class Round:
    """What came of one round. `takeovers` are the seconds until each run of a killed process was another's."""

    number: int
    killed: str
    held: int
    takeovers: tuple[float, ...]
    breaks: Counter[str]
    lost: int
    seconds: float
    violations: tuple[str, ...]


class Installation:
    """One PostgreSQL, its processes, and what an undisturbed goal does there."""

    def __init__(self, postgres: OwnPostgres, folder: Path) -> None:
        for schema in ("app", "records"):
            postgres.do(f"CREATE SCHEMA {schema}")
        app, records = (_in(postgres.url, schema) for schema in ("app", "records"))
        key = folder / "key.pem"
        open_signer(key, make=True)
        self.env = {
            "CLEARANCE_DATABASE_URL": app.render_as_string(hide_password=False),
            "CLEARANCE_RECORDS_URL": records.render_as_string(hide_password=False),
            "CLEARANCE_SIGNING_KEY": str(key),
            "CLEARANCE_RUNS": "2",  # of four: what one is asked, another does
            "CLEARANCE_MODEL": "",
        }
        settings = Settings(
            home=folder, database_url=self.env["CLEARANCE_DATABASE_URL"], records_url=self.env["CLEARANCE_RECORDS_URL"]
        )
        self.postgres = postgres
        self.subject: Subject = subject_of(settings)
        self.subject.load(settings)
        self.app, self.records = (create_engine(url, pool_pre_ping=True) for url in (app, records))
        self.fleet = Fleet(folder, self.env)
        self.expected: Counter[str] = Counter()

    async def prepare(self) -> float:
        """Lead the goal once undisturbed: what it does is what it must do in every round. Seconds it took. Raises `Unended`."""
        began, client = time.monotonic(), Client(self.fleet.urls, self.subject.GOAL, random.Random(0), asyncio.Barrier(1))
        await client.lead()
        self.expected = effects_of(self.app, client.thread)
        return time.monotonic() - began

    def clear(self) -> None:
        """Take back what the goal did in the system of record, so that the next round has it to do again."""
        with self.records.begin() as connection:
            for statement in self.subject.CLEAR:
                connection.execute(text(statement))


async def run_round(number: int, seed: int, there: Installation, normal: float) -> Round:
    """One round; whatever was killed is started again at its end."""
    rng, began = random.Random(f"{seed}/{number}"), time.monotonic()
    await asyncio.to_thread(there.clear)
    together, goal = asyncio.Barrier(CLIENTS), there.subject.GOAL
    clients = [Client(there.fleet.urls, goal, random.Random(f"{seed}/{number}/{n}"), together) for n in range(CLIENTS)]
    leading = [asyncio.create_task(client.lead()) for client in clients]
    await asyncio.sleep(rng.uniform(0, normal * CLIENTS / 2))
    if number % 5 == 2:
        killed, takeovers = await _outage(there, rng.uniform(*OUTAGE_S)), None
    else:
        killed, takeovers = await _kill(there, rng)
    found: list[str] = []
    for ended in await asyncio.gather(*leading, return_exceptions=True):
        if isinstance(ended, Unended):
            found.append(str(ended))
        elif isinstance(ended, BaseException):
            raise ended
    found += [f"a run was taken over after {s:.1f} s" for s in (takeovers.seconds if takeovers else ()) if s > TAKEOVER_S]
    await asyncio.to_thread(there.fleet.mend)
    threads = [client.thread for client in clients]
    if not found:
        found += [line for client in clients for line in await client.check()]
        found += broken(there.app, there.records, threads, there.expected, there.subject.KEYS)
    lost = attempts(there.app, threads)
    if takeovers is None and lost:
        found.append(f"an outage of the database cost {lost} attempts")
    return Round(
        number,
        killed,
        len(takeovers.seconds) if takeovers else 0,
        tuple(takeovers.seconds) if takeovers else (),
        sum((run.breaks for client in clients for run in client.runs), Counter()),
        lost,
        time.monotonic() - began,
        tuple(found),
    )


async def _kill(there: Installation, rng: random.Random) -> tuple[str, Takeovers]:
    """kill -9 of one process, most often one that holds a run."""
    held: dict[str, str] = {}
    for _ in range(100):  # until something is under way
        held = await asyncio.to_thread(holders, there.app)
        if held:
            break
        await asyncio.sleep(0.05)
    busy = [one for one in there.fleet.members if any(there.fleet.of(worker) is one for worker in held.values())]
    victim = rng.choice(busy if busy and rng.random() < 0.75 else there.fleet.members)
    names = {worker for worker in held.values() if there.fleet.of(worker) is victim}
    victim.kill()
    name = next(iter(names), "")
    still = [run for run, worker in (await asyncio.to_thread(holders, there.app)).items() if worker == name]
    takeovers = Takeovers(there.app, still, name)
    while not await asyncio.to_thread(takeovers.look):  # noqa: ASYNC110  # it is another process's to do
        await asyncio.sleep(0.2)
    return victim.name, takeovers


async def _outage(there: Installation, seconds: float) -> str:
    """PostgreSQL is stopped, and started again after a while."""
    await asyncio.to_thread(there.postgres.halt)
    await asyncio.sleep(seconds)
    await asyncio.to_thread(there.postgres.resume)
    return f"PostgreSQL for {seconds:.1f} s"


def _in(url: URL, schema: str) -> URL:
    return url.update_query_dict({"options": f"-csearch_path={schema}"})
