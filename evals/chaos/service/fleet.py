"""The processes of one installation, each started, killed and started again: two that serve, two that work. Used by `rounds`."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import httpx

ROLES = {"api-1": "serve", "api-2": "serve", "worker-1": "worker", "worker-2": "worker"}
STARTS_S = 120.0
READY = re.compile(r"Clearance (?:serves on (http://\S+)|works on)")


class NotStarted(RuntimeError):
    """A process ended, or was silent for too long, before it was ready."""


class Member:
    """One process of the installation, by its name. It keeps its name and its log over its lives."""

    def __init__(self, name: str, home: Path, env: Mapping[str, str]) -> None:
        self.name, self.url = name, ""
        self._home, self._env = home / name, {**os.environ, **env, "CLEARANCE_HOME": str(home / name), "PYTHONUNBUFFERED": "1"}
        self.log = home / f"{name}.log"
        self._process: subprocess.Popen[bytes] | None = None
        self._port, self._begun = 0, 0

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def lives(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Begin a life; `ready` waits until it has begun."""
        self._home.mkdir(parents=True, exist_ok=True)
        words = [sys.executable, "-m", "app.cli", ROLES[self.name]]
        words += ["--port", str(self._port)] if ROLES[self.name] == "serve" else []
        self._begun = self.log.stat().st_size if self.log.exists() else 0
        with self.log.open("ab") as out:
            self._process = subprocess.Popen(words, env=self._env, stdout=out, stderr=subprocess.STDOUT)

    def ready(self) -> None:
        """Wait until it serves or works. Raises `NotStarted`."""
        until = time.monotonic() + STARTS_S
        while time.monotonic() < until and self.lives:
            if found := READY.search(self.log.read_bytes()[self._begun :].decode(errors="replace")):
                self.url = found[1] or ""
                self._port = int(self.url.rpartition(":")[2] or 0)
                if not self.url or _answers(self.url):
                    return
            time.sleep(0.05)
        raise NotStarted(f"{self.name} did not start: see {self.log}")

    def kill(self) -> None:
        """kill -9."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def stop(self) -> None:
        """End it as an operator would."""
        if self._process is not None and self.lives:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(30)
            except subprocess.TimeoutExpired:
                self.kill()


def _answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/ok", timeout=10).is_success
    except httpx.TransportError:
        return False


class Fleet:
    """All members. A context: they are stopped at its end."""

    def __init__(self, home: Path, env: Mapping[str, str]) -> None:
        self.members = [Member(name, home, env) for name in ROLES]

    def __enter__(self) -> "Fleet":
        self.mend()
        return self

    def __exit__(self, *error: object) -> None:
        for one in self.members:
            one.stop()

    def mend(self) -> None:
        """Start those that do not live, all at once, and wait for them."""
        dead = [one for one in self.members if not one.lives]
        for one in dead:
            one.start()
        for one in dead:
            one.ready()

    @property
    def urls(self) -> list[str]:
        """Where it serves, whether or not the process lives just now."""
        return [one.url for one in self.members if one.url]

    def of(self, worker: str) -> Member | None:
        """The member that a run's row names as its holder."""
        return next((one for one in self.members if one.pid == int(worker.split(":")[1])), None)
