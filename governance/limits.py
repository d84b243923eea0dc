"""Limits on what runs may spend, read from one small TOML file: a table a scope, a number a unit. All of them are optional.

    replan_at = 0.8          # share of a limit of [run] from which on the rest of its plan is made to fit; left out: never
    without_price = "stop"   # a model without a known price is not called where money is limited; "warn": it is, and that is said

    [run]            # one execution of a plan
    ask = true       # where one of these limits runs out, the run asks for more and waits; left out: it stops
    tokens = 200_000
    money = 1.50     # US dollars
    seconds = 600    # of work; waiting for people is none
    [step]           # one step of it, all its attempts
    tool_calls = 20
    [user]           # one person's runs of one calendar day, UTC
    model_calls = 500
    [org]            # all runs of an organisation of one calendar day, UTC
    money = 50
    spend = 25_000   # what effects commit: the amounts in their arguments, in whatever currency these are

Read once by whoever composes the services; `budgets.py` keeps the accounts.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args

Scope = Literal["run", "step", "user", "org"]
Unit = Literal["tokens", "money", "tool_calls", "model_calls", "seconds", "spend"]
LARGEST = 1e9
"""No limit is as large, in the unit as people write it."""
MICRO = 1_000_000
"""Money is counted in millionths of a US dollar: whole numbers, which add up exactly."""
PARTS: dict[str, int] = {"money": MICRO, "seconds": 1000, "spend": 100}
"""How many parts a unit is counted in, where that is not 1: people and files say 1.5, accounts 1,500,000."""


class BadLimits(ValueError):
    """The file of limits cannot be used; the message names the place in it and what may stand there."""


@dataclass(frozen=True)
class Limits:
    """What may be spent, by scope and unit; in parts (`PARTS`). What is not named has no limit.

    `asks` are the scopes that ask for more, `replan_at` the share of a run's limit at which its plan is made to fit.
    """

    of: dict[tuple[Scope, Unit], int] = field(default_factory=dict)
    asks: frozenset[Scope] = frozenset()
    replan_at: float | None = None
    without_price: Literal["warn", "stop"] = "warn"

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
        asks: set[Scope] = set()
        general: dict[str, Any] = {name: told.pop(name) for name in ("replan_at", "without_price") if name in told}
        for scope, units in told.items():
            if scope not in get_args(Scope) or not isinstance(units, dict):
                raise BadLimits(f"{path}: {scope!r} is no scope; there are the tables {', '.join(get_args(Scope))}")
            ask = units.pop("ask", False)
            if not isinstance(ask, bool):
                raise BadLimits(f"{path}: [{scope}] ask = {ask!r}: give true or false")
            if ask:
                asks.add(scope)  # type: ignore[arg-type]  # checked above
            for unit, value in units.items():
                if unit not in get_args(Unit):
                    raise BadLimits(f"{path}: [{scope}] {unit!r} is no unit; there are {', '.join(get_args(Unit))}")
                if unit == "seconds" and scope not in ("run", "step"):
                    raise BadLimits(f"{path}: [{scope}] seconds: time is limited in [run] and [step] only")
                found[scope, unit] = _whole(f"{path}: [{scope}] {unit}", unit, value)  # type: ignore[index]  # checked above
        return cls(found, frozenset(asks), **_general(path, general))


def _general(path: Path, told: Mapping[str, Any]) -> dict[str, Any]:
    """What stands above the tables."""
    at = told.get("replan_at")
    if at is not None and (isinstance(at, bool) or not isinstance(at, (int, float)) or not 0 < at <= 1):
        raise BadLimits(f"{path}: replan_at = {at!r}: give a share of a run's limit, above 0 and up to 1, such as 0.8")
    if told.get("without_price", "warn") not in ("warn", "stop"):
        raise BadLimits(f'{path}: without_price = {told["without_price"]!r}: give "warn" or "stop"')
    return dict(told)


def _whole(where: str, unit: str, value: Any) -> int:
    kinds = (int, float) if unit in PARTS else (int,)
    if isinstance(value, bool) or not isinstance(value, kinds) or not 0 <= value < LARGEST:
        raise BadLimits(f"{where} = {value!r}: give a {asked(unit)} from 0 up")
    return round(value * PARTS.get(unit, 1))


def asked(unit: str) -> str:
    """What a person may write for a unit."""
    return {"money": "number of dollars", "seconds": "number of seconds", "spend": "number"}.get(unit, "whole number")


def spoken(unit: str, amount: int) -> str:
    """An amount for people: "$1.50", "3 tool calls"."""
    if unit == "money":
        return f"${amount / MICRO:,.4f}"
    if unit == "seconds":
        return f"{amount / PARTS[unit]:,.1f} seconds"
    if unit == "spend":
        return f"{amount / PARTS[unit]:,.2f} of spending"
    words = unit.replace("_", " ")
    return f"{amount:,} {words.removesuffix('s') if amount == 1 else words}"


def people(unit: str, amount: int) -> float | int:
    """An amount in the parts of its unit as people write it: dollars, seconds, whole numbers."""
    return amount / PARTS[unit] if unit in PARTS else amount


def parts(unit: str, amount: Any) -> int:
    """`people` the other way round. Raises `ValueError` for what is no amount above 0 of this unit."""
    real = isinstance(amount, (int, float)) and not isinstance(amount, bool)
    if not real or not 0 < amount < LARGEST or (unit not in PARTS and amount != int(amount)):
        raise ValueError(f"{amount!r} {unit.replace('_', ' ')}: give a {asked(unit)} above 0")
    whole: int = round(amount * PARTS.get(unit, 1))
    return max(whole, 1)
