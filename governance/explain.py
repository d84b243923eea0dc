"""Why a call is decided as it is, and the least that would change the answer. Pure; called by `clearance policy explain`."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any

from governance.cedar import CedarPolicy
from governance.identity import Caller
from governance.labels import CLASSES
from governance.policy import CallFacts, Decision

RANK = {"deny": 0, "approve": 1, "allow": 2}
SEVERAL = 3  # things that may have to change at once


@dataclass(frozen=True)
class Change:
    """What would have to be otherwise, in words, and the outcome then."""

    words: tuple[str, ...]
    outcome: str


@dataclass(frozen=True)
class Explanation:
    decision: Decision
    changes: tuple[Change, ...]


@dataclass(frozen=True)
class _Other:
    words: str
    known: Mapping[str, Any]
    roles: tuple[str, ...] = ()


def explain(engine: CedarPolicy, call: CallFacts, roles: Iterable[str]) -> Explanation:
    """The decision, and every smallest change that gives a better one. `roles` are those that somebody may hold."""
    decision = engine.decide(call)
    if not decision.known:
        return Explanation(decision, ())  # refused before any policy was asked
    others = _others(decision.known, [role for role in roles if (role,) != call.caller.roles])
    for count in range(1, SEVERAL + 1):
        tried = ((parts, _judged(engine, call, decision.known, parts)) for parts in combinations(others, count))
        better = [(parts, outcome) for parts, outcome in tried if RANK[outcome] > RANK[decision.outcome]]
        if better:
            return Explanation(decision, tuple(Change(tuple(one.words for one in parts), outcome) for parts, outcome in better))
    return Explanation(decision, ())


def _judged(engine: CedarPolicy, call: CallFacts, known: Mapping[str, Any], others: Iterable[_Other]) -> str:
    caller: Caller = call.caller
    told = dict(known)
    for other in others:
        told |= other.known
        caller = replace(caller, roles=other.roles or caller.roles)
    return engine.judge(caller, call.agent, call.tool, call.args, told).outcome


def _others(known: Mapping[str, Any], roles: Iterable[str]) -> list[_Other]:
    """What could be otherwise about a call, each the best it can be."""
    found = [_Other(f"{'an' if role[0] in 'aeiou' else 'a'} {role} asked, with no other role", {}, (role,)) for role in roles]
    if not known["asked"]:
        found.append(_Other("the request or the plan asked for it", {"asked": True}))
    if known["tainted"]:
        found.append(_Other("no text that others can write had been read", {"tainted": False}))
    if known["target"] not in ("none", "user"):
        found.append(_Other("the request named whom or what it is aimed at", {"target": "user"}))
    if known["amount"] == "untraced":
        found.append(_Other("the request named the amount", {"amount": "user"}))
    if known["link"] not in ("none", "user"):
        found.append(_Other("it passed on no web address that the request does not name", {"link": "none"}))
    if known["secret"]:
        found.append(_Other("no argument held a secret value", {"secret": False}))
    if known["read_class"]:
        less = known["read_class"] - 1
        found.append(_Other(f"nothing above {CLASSES[less]} data had been read", {"read_class": less}))
    if "hour" in known:
        found.append(_Other("it were a Monday, ten in the morning", {"hour": 10, "weekday": 1}))
    return found
