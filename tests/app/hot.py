"""Runs the command with one tool that ends only once a case is open: a sibling that outlasts the first question.

`python hot.py run GOAL …`; all else is the product. For `test_prompts.py`.
"""

import asyncio
import sqlite3
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import app.running
from app.cli import main
from app.runner import open_runner
from graphs.services import load_domain
from settings import Settings
from tools.registry import ToolContext


def any_case(home: Path) -> bool:
    with sqlite3.connect(home / "supply_chain.db") as db:
        return bool(db.execute("select count(*) from cases").fetchone()[0])


if __name__ == "__main__":
    settings = Settings()
    domain = load_domain(settings.domain)
    [slow] = [tool for tool in domain.tools if tool.name == "single_sourced_items"]

    async def patient(args: Any, ctx: ToolContext) -> Any:
        while not await asyncio.to_thread(any_case, settings.home):  # noqa: ASYNC110 (a database tells nobody)
            await asyncio.sleep(0.05)
        return await asyncio.to_thread(slow._run, args, ctx)

    tools = tuple(replace(tool, _run=patient) if tool is slow else tool for tool in domain.tools)
    app.running.open_runner = partial(open_runner, domain=replace(domain, tools=tools))  # type: ignore[assignment]
    main()
