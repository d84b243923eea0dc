"""The JavaScript clients of `js/`, each a Node process that plays its script against a server."""

import asyncio
import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

JS = Path(__file__).parent / "js"
CLIENTS = ("1.8", "1.15", "events")
"""The classic hook of langgraph-sdk 1.8.10 and 1.15, and @langchain/react."""


def node() -> str:
    """Where Node is; skips where it or its packages are not, which in CI is a failure."""
    found = shutil.which("node")
    if not found or not (JS / "node_modules").is_dir():
        pytest.skip("no Node, or its packages are missing: install Node and run make clients")
    return found


async def played(client: str, url: str, folder: Path) -> list[Any]:
    """What the client saw, step by step."""
    gate = folder / f"gate-{client}"
    process = await asyncio.create_subprocess_exec(
        node(), str(JS / "main.mjs"), client, url, str(gate), stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        env={**os.environ, "NODE_ENV": "production"},
    )  # fmt: skip
    out, said = await process.communicate()
    assert process.returncode == 0, f"{client} against {url}: {said.decode()[-3000:]}"
    told: list[Any] = json.loads(out)
    return told
