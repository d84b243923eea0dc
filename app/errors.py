"""Errors as people meet them: one clear message, the traceback in a log file, never on the screen. Used by the commands."""

import traceback
from datetime import UTC, datetime
from pathlib import Path

from pydantic import ValidationError
from pydantic_settings import SettingsError

from settings import Settings

ROOMS = frozenset({"app", "database", "evals", "governance", "graphs", "memory", "models", "settings", "tools"})
"""An exception class defined in one of our rooms carries a message for people; that is a rule of the house."""


def explain(error: BaseException) -> str | None:
    """The message for people of an error we know: one of our own, bad settings, or a file that cannot be used. Else None."""
    if isinstance(error, BaseExceptionGroup):
        said = [explain(one) for one in error.exceptions]
        return None if None in said else "; ".join(dict.fromkeys(filter(None, said)))
    if isinstance(error, ValidationError) and error.title == "Settings":
        return "; ".join(_setting(dict(one)) for one in error.errors())
    if isinstance(error, SettingsError):  # it names the field; what was written there is nobody's to read
        return f"{error}: JSON is expected there (settings.py)"
    if type(error).__module__.partition(".")[0] in ROOMS:
        return str(error.args[0]) if error.args else type(error).__name__
    if isinstance(error, PermissionError) and error.filename:
        return f"{error.filename} may not be read or written: check its permissions, or choose another place"
    if isinstance(error, FileExistsError | NotADirectoryError) and error.filename:
        return f"{error.filename} is a file where a folder is needed: choose another place"
    if isinstance(error, OSError) and error.filename:
        return f"{error.filename} cannot be used: {error.strerror}"
    return None


def _setting(problem: dict[str, object]) -> str:
    """What is wrong with a setting; its value too, unless that is a secret, or all settings together."""
    place, said = problem["loc"], str(problem["msg"]).removeprefix("Value error, ")
    if not isinstance(place, tuple) or not place:
        return said
    name, said = str(place[0]), f"{said[:1].lower()}{said[1:]}"
    field = Settings.model_fields.get(name)
    secret = field is None or "Secret" in str(field.annotation)
    return f"CLEARANCE_{name.upper()}: {said}" if secret else f"CLEARANCE_{name.upper()} is {problem['input']!r}: {said}"


def report(error: BaseException, home: Path) -> str:
    """The message for any error. An unknown one is written to `home/log/clearance.log` with its traceback."""
    known = explain(error)
    if known is not None:
        return known
    said = f"{type(error).__name__}: {error}".strip().rstrip(":")
    try:
        path = log(error, home)
    except OSError as full:
        return f"this should not have happened: {said} (and the log could not be written: {full.strerror})"
    return f"this should not have happened: {said}. The traceback is in {path}"


def log(error: BaseException, home: Path) -> Path:
    """Append an error with its traceback to the log file; the path."""
    path = home / "log" / "clearance.log"
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = "".join(traceback.format_exception(error))
    with path.open("a", encoding="utf-8", errors="backslashreplace") as file:
        file.write(f"{datetime.now(UTC).isoformat(timespec='seconds')}\n{lines}\n")
    return path
