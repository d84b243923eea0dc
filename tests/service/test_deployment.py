"""What the image and the compose file say is run here as written, without Docker: only addresses, ports and folders are this test's."""

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from dockerfile_parse import DockerfileParser
from langgraph_sdk import get_sync_client

from tests.postgres import Postgres

ROOT = Path(__file__).parent.parent.parent
BIN = Path(sys.executable).parent
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]
OURS = {name: service for name, service in COMPOSE.items() if service["image"] == "clearance"}
WAIT_S = 300


def test_the_compose_file_is_one(tmp_path: Path) -> None:
    checker = str(BIN / "check-jsonschema")
    said = subprocess.run([checker, "--builtin-schema", "vendor.compose-spec", ROOT / "compose.yaml"], capture_output=True)
    assert said.returncode == 0, said.stdout
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text((ROOT / "compose.yaml").read_text().replace("  api:\n", "  api:\n    depend_on: [postgres]\n"))
    assert subprocess.run([checker, "--builtin-schema", "vendor.compose-spec", wrong], capture_output=True).returncode == 1
    for name, service in COMPOSE.items():
        assert set(service.get("depends_on", ())) <= set(COMPOSE), name


def test_the_image_is_made_of_what_is_there() -> None:
    parsed = DockerfileParser(fileobj=(ROOT / "Dockerfile").open("rb"))
    steps = [(step["instruction"], step["value"]) for step in parsed.structure]
    copied = [value.split()[0] for what, value in steps if what == "COPY" and not value.startswith("--from")]
    assert copied and all((ROOT / name).exists() for name in copied)
    assert [value for what, value in steps if what == "USER"] == ["10001"]
    assert json.loads(steps[-1][1]) == OURS["api"]["command"]


def test_what_is_installed_lacks_no_file(tmp_path: Path) -> None:
    """The image installs a wheel: policies, prompts, migrations and pages must be in it."""
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\n")
    rooms = ("app", "graphs", "tools", "memory", "models", "governance")
    files = [name for name in listed if name.partition("/")[0] in rooms or name in ("settings.py", "database.py")]
    source = tmp_path / "source"
    for name in [*(name for name in listed if name.partition("/")[0] in (*rooms, "evals") or "/" not in name)]:
        if name and (ROOT / name).is_file():
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, source / name)
    built = subprocess.run(
        [sys.executable, "-c", "import setuptools.build_meta as b, sys; b.build_wheel(sys.argv[1])", str(tmp_path)],
        cwd=source,
        capture_output=True,
        text=True,
    )
    assert built.returncode == 0, built.stderr
    [wheel] = tmp_path.glob("*.whl")
    assert not set(files) - set(zipfile.ZipFile(wheel).namelist())


def test_the_bill_of_materials_lists_every_locked_package(tmp_path: Path) -> None:
    recipe = re.search(r"cyclonedx-py (.*)", (ROOT / "Makefile").read_text())
    assert recipe
    words = recipe[1].replace("build/sbom.cdx.json", str(tmp_path / "sbom.json")).split()
    done = subprocess.run([str(BIN / "cyclonedx-py"), *words], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    parts = json.loads((tmp_path / "sbom.json").read_text())["components"]
    locked = re.findall(r"^([\w.-]+(?:\[[\w,-]+\])?)==([^ ;\\]+)", (ROOT / "requirements.lock").read_text(), re.MULTILINE)
    names = {(part["name"].lower(), part["version"]) for part in parts}
    assert names == {(re.sub(r"\[.*", "", name).lower(), version) for name, version in locked}
    assert all(part["externalReferences"][0]["hashes"] for part in parts)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("data")


@pytest.fixture(scope="module")
def settings(home: Path, postgres: Postgres) -> dict[str, str]:
    """The environment of the compose file's processes; the database and the folder are this test's."""
    own = {
        "CLEARANCE_HOME": str(home),
        "CLEARANCE_LOG_FORMAT": "json",
        "PYTHONUNBUFFERED": "1",
        "PATH": f"{BIN}:{os.environ['PATH']}",
    }
    database = postgres.new_url()
    for name, value in OURS["api"]["environment"].items():
        own[name] = database if "postgresql" in value else value.replace("/data", str(home)) if "${" not in value else ""
    return {**{k: v for k, v in os.environ.items() if not k.startswith("CLEARANCE_")}, **own, "PYTHONPATH": str(ROOT)}


def words(service: str, home: Path, port: int) -> list[str]:
    """The service's command, here."""
    here = {"0.0.0.0": "127.0.0.1", "2024": str(port), "8000": str(port)}
    said = [here.get(word, word).replace("/data", str(home)) for word in OURS[service]["command"]]
    return [sys.executable, "-m", "app.cli", *said[1:]] if said[0] == "clearance" else [str(BIN / said[0]), *said[1:]]


@contextmanager
def process(service: str, home: Path, settings: dict[str, str], port: int = 0) -> Iterator[Path]:
    log = home / f"{service}-{time.monotonic_ns()}.out"
    with log.open("wb") as out:
        running = subprocess.Popen(words(service, home, port), cwd=home, env=settings, stdout=out, stderr=subprocess.STDOUT)
    try:
        yield log
        assert running.poll() is None, log.read_text()
    finally:
        running.terminate()
        try:
            running.wait(60)
        except subprocess.TimeoutExpired:
            running.kill()


def free() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def healthy(test: list[str], port: int, log: Path) -> None:
    """The health check as written comes true."""
    check = [
        sys.executable if word == "python" else re.sub(r":(2024|8000)/", f":{port}/", word) for word in test if word != "CMD"
    ]
    until = time.monotonic() + WAIT_S
    while subprocess.run(check, capture_output=True).returncode:
        assert time.monotonic() < until, log.read_text()
        time.sleep(0.5)  # each look is a process


def test_the_processes_run_as_written(home: Path, settings: dict[str, str]) -> None:
    port = free()
    dockerfile = (ROOT / "Dockerfile").read_text()
    check = json.loads(re.search(r"HEALTHCHECK.* CMD (\[.*\])", dockerfile)[1])  # type: ignore[index]  # there, or the test fails
    with process("api", home, settings, port) as log, process("worker", home, settings), process("worker", home, settings):
        healthy(check, port, log)
        refused = httpx.get(f"http://127.0.0.1:{port}/threads/00000000-0000-4000-8000-000000000000", timeout=60)
        assert refused.status_code == 401
        key = [sys.executable, "-m", "app.cli", "keys", "create", "ann", "--org", "acme", "--role", "requester"]
        printed = subprocess.run(key, env=settings, cwd=home, capture_output=True, text=True, check=True).stdout
        client = get_sync_client(url=f"http://127.0.0.1:{port}", api_key=printed.strip())
        thread = client.threads.create()
        told = client.runs.wait(thread["thread_id"], "orchestrator", input={"messages": [{"role": "user", "content": "hello"}]})
        assert told["messages"][-1]["content"]


def test_chroma_runs_as_written(tmp_path: Path, settings: dict[str, str]) -> None:
    port = free()
    with process("chroma", tmp_path, settings, port) as log:
        healthy(COMPOSE["chroma"]["healthcheck"]["test"], port, log)
