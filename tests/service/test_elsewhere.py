"""What is decided through one process reaches the process that carries the execution out."""

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path

from app.elsewhere import Elsewhere
from app.runs.wire import Wire
from database import Database
from governance.identity import Caller
from graphs.services import Services, open_services
from settings import Settings
from tests.postgres import Postgres

WAITS_S = 30
EXECUTION = "11111111-2222-4333-8444-555555555555"


async def test_a_verdict_and_a_stop_reach_who_carries_it_out(postgres: Postgres, tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, database_url=postgres.new_url())
    async with AsyncExitStack() as stack:

        async def process(name: str) -> Services:
            db = Database(settings.app_url())
            stack.push_async_callback(asyncio.to_thread, db.close)
            services = await stack.enter_async_context(open_services(settings, database=db))
            wire = Wire(db.url, name)
            elsewhere, listening = Elsewhere(services, wire), asyncio.Event()
            stack.push_async_callback(elsewhere.close)
            wire.open(lambda kind, id: elsewhere.hear(id), listening.set)
            stack.push_async_callback(wire.close)
            await asyncio.wait_for(listening.wait(), WAITS_S)
            return services

        one, other = await process("one"), await process("other")
        await one.executions.create(EXECUTION, "t", Caller("ann"), "goal", {}, "2026-01-01")
        with one.approvals.subscribe(EXECUTION) as woken:
            other.approvals.wake(EXECUTION)
            await asyncio.wait_for(woken.wait(), WAITS_S)
            assert EXECUTION not in one.cancelled
            woken.clear()
            await other.executions.stop(EXECUTION)
            other.approvals.wake(EXECUTION)
            await asyncio.wait_for(woken.wait(), WAITS_S)
            while EXECUTION not in one.cancelled:  # it may have been woken by the look that came before
                woken.clear()
                await asyncio.wait_for(woken.wait(), WAITS_S)
