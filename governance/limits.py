"""Limits on what runs may spend, read from one small TOML file: a table a scope, a number a unit. All of them are optional.

    [run]            # one execution of a plan
    tokens = 200_000
    money = 1.50     # US dollars
    seconds = 600    # of work; waiting for people is none
    [step]           # one step of it, all its attempts
    tool_calls = 20
    [user]           # one person's runs of one calendar day, UTC
    model_calls = 500
    [org]            # all runs of an organisation of one calendar day, UTC
    money = 50

Read once by whoever composes the services; `budgets.py` keeps the accounts.
"""

import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args

Scope = Literal["run", "step", "user", "org"]
Unit = Literal["tokens", "money", "tool_calls", "model_calls", "seconds"]
MICRO = 1_000_000
"""Money is counted in millionths of a US dollar: whole numbers, which add up exactly."""
PARTS: dict[str, int] = {"money": MICRO, "seconds": 1000}
"""How many parts a unit is counted in, where that is not 1: people and files say 1.5, accounts 1,500,000."""


class BadLimits(ValueError):
    """The file of limits cannot be used; the message names the place in it and what may stand there."""


@dataclass(frozen=True)
class Limits:
    """What may be spent, by scope and unit; in parts (`PARTS`). What is not named has no limit."""

    of: dict[tuple[Scope, Unit], int] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.of)

    @classmethod
    def load(cls, path: Path | None) -> "Limits":
        """From a file; none without one. Raises `BadLimits`."""
        if path is None:
            return cls()
        try:
            told = tomllib.loads(path.read_text(encoding="utf-8"))
        except OSError as error:
            raise BadLimits(f"the budgets {path} cannot be read ({error.strerror}): check CLEARANCE_BUDGETS") from error
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise BadLimits(f"the budgets {path} are no TOML: {error}") from error
        found: dict[tuple[Scope, Unit], int] = {}
        for scope, units in told.items():
            if scope not in get_args(Scope) or not isinstance(units, dict):
                raise BadLimits(f"{path}: {scope!r} is no scope; there are the tables {', '.join(get_args(Scope))}")
            for unit, value in units.items():
                if unit not in get_args(Unit):
                    raise BadLimits(f"{path}: [{scope}] {unit!r} is no unit; there are {', '.join(get_args(Unit))}")
                if unit == "seconds" and scope not in ("run", "step"):
                    raise BadLimits(f"{path}: [{scope}] seconds: time is limited in [run] and [step] only")
                found[scope, unit] = _whole(f"{path}: [{scope}] {unit}", unit, value)  # type: ignore[index]  # checked above
        return cls(found)


def _whole(where: str, unit: str, value: Any) -> int:
    kinds = (int, float) if unit in PARTS else (int,)
    if isinstance(value, bool) or not isinstance(value, kinds) or not 0 <= value < 1e9:
        raise BadLimits(f"{where} = {value!r}: give a {asked(unit)} from 0 up")
    return round(value * PARTS.get(unit, 1))


def asked(unit: str) -> str:
    """What a person may write for a unit."""
    return {"money": "number of dollars", "seconds": "number of seconds"}.get(unit, "whole number")


def spoken(unit: str, amount: int) -> str:
    """An amount for people: "$1.50", "3 tool calls"."""
    if unit == "money":
        return f"${amount / MICRO:,.4f}"
    if unit == "seconds":
        return f"{amount / PARTS[unit]:,.1f} seconds"
    words = unit.replace("_", " ")
    return f"{amount:,} {words.removesuffix('s') if amount == 1 else words}"
