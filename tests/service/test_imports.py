"""What takes long to import is imported where it is first used, not by every service that starts."""

import os
import subprocess
import sys
from pathlib import Path

STARTED = """
import asyncio, sys
from app.main import create_app
from app.serve import serve
from settings import Settings

async def start():
    app = create_app(Settings())
    async with app.router.lifespan_context(app):
        print(*sorted({name.partition(".")[0] for name in sys.modules}))

asyncio.run(start())
"""
AT_FIRST_USE = {
    "openai",
    "langchain_openai",
    "anthropic",
    "mcp",
    "a2a",
    "chromadb",
    "matplotlib",
    "openpyxl",
    "psycopg",
    "tiktoken",
}


def test_a_started_service_has_not_imported_what_it_may_never_need(tmp_path: Path) -> None:
    env = {**os.environ, "CLEARANCE_HOME": str(tmp_path)}
    command = [sys.executable, "-c", STARTED]
    loaded = set(subprocess.run(command, capture_output=True, text=True, check=True, env=env, timeout=120).stdout.split())
    assert "fastapi" in loaded, "it did start"
    assert not AT_FIRST_USE & loaded
