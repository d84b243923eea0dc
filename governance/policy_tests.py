"""Tests of policies that an operator writes and reads: a YAML file of calls and what is to come of them. Called by `clearance
policy test` and by the project's own tests.

    under:  [core]                                                            # the policies; left out: the whole bundle
    tools:  {pay: {effect: irreversible, targets: [to], amounts: [amount]}}   # manifests, beside those of the domain
    people: {ann: [requester]}
    seen:   {letter: {tool: read_letter, args: {name: bill.txt}, result: "Pay 98.70 to …"}}
    tests:
      - that: who audits does not act          # the name of the test
        as: ann
        call: pay
        with: {to: …, amount: 98.7}            # arguments
        saying: Pay the bill in bill.txt       # the user's words
        planned: false                         # true: the plan asks for it, false: it does not; left out: there is no plan
        after: [letter]                        # what the agent has seen
        gives: approve
        by: [risk-manager]                     # who must agree; left out: anybody
        asks: 2 of risk-manager, not who asked # how many of them, and whether who asked counts; left out: any
        at: 2026-03-02T22:30:00+00:00          # when it is proposed; left out: the policies are told no time
        because: [untraced-amount]             # rules that must be among the reasons; left out: any
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from governance.bundle import Bundle
from governance.cedar import CedarPolicy
from governance.identity import Caller
from governance.manifest import ToolManifest
from governance.policy import CallFacts, Decision, Outcome, Seen, asked

NAME = "tests.yaml"


class BadTests(ValueError):
    """A test file that cannot be used; the message names the file and what is wrong."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class SeenCase(_Strict):
    tool: str
    args: dict[str, Any] = Field(default_factory=dict)
    result: Any
    confirmed: bool = False


class Case(_Strict):
    """One test."""

    that: str
    person: str = Field(alias="as")
    call: str
    args: dict[str, Any] = Field(default_factory=dict, alias="with")
    saying: str = ""
    planned: bool | None = None
    after: tuple[str, ...] = ()
    at: datetime | None = None
    gives: Outcome
    by: tuple[str, ...] | None = None
    asks: str | None = None
    because: tuple[str, ...] = ()


class Cases(_Strict):
    """One file of tests."""

    under: tuple[str, ...] = ()
    tools: dict[str, ToolManifest] = Field(default_factory=dict)
    people: dict[str, tuple[str, ...]]
    seen: dict[str, SeenCase] = Field(default_factory=dict)
    tests: tuple[Case, ...]


@dataclass(frozen=True)
class Tested:
    """One test and how it went; `wrong` is empty if it passed."""

    case: Case
    decision: Decision
    wrong: str


def read(path: Path) -> Cases:
    """The tests of a file. Raises `BadTests`."""
    try:
        return Cases.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except ValidationError as error:
        first = error.errors()[0]
        raise BadTests(f"{path}: {'.'.join(map(str, first['loc']))}: {first['msg']}") from error
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise BadTests(f"{path}: {error}") from error


def run(cases: Cases, bundle: Bundle, manifests: Mapping[str, ToolManifest]) -> list[Tested]:
    """Judge every call of a file. Raises `BadTests` for a person, a result or a tool that the file does not name."""
    known = {**manifests, **cases.tools}
    engine = CedarPolicy(known, bundle)
    return [_tested(case, engine.decide(_facts(case, cases, known))) for case in cases.tests]


def _facts(case: Case, cases: Cases, known: Mapping[str, ToolManifest]) -> CallFacts:
    for name, names in ((case.person, cases.people), (case.call, known), *((one, cases.seen) for one in case.after)):
        if name not in names:
            raise BadTests(f"the test {case.that!r} speaks of {name}, which is none of {', '.join(sorted(names))}")
    caller = Caller(case.person, "tests", cases.people[case.person])
    planned = None if case.planned is None else frozenset([case.call] * case.planned)
    trace = tuple(Seen(**cases.seen[name].model_dump()) for name in case.after)
    head = CallFacts(caller, "agent", case.call, known[case.call], case.args, "e1", "s1", frozenset(known))
    return replace(head, request=case.saying, planned=planned, trace=trace, now=case.at)


def _tested(case: Case, decision: Decision) -> Tested:
    wrong = []
    if decision.outcome != case.gives:
        wrong.append(f"it gives {decision.outcome}, not {case.gives}")
    if case.by is not None and set(case.by) != set(decision.approvers):
        wrong.append(f"it asks {', '.join(decision.approvers) or 'nobody'}, not {', '.join(case.by) or 'nobody'}")
    if case.asks is not None and case.asks != asked(decision.asks):
        wrong.append(f"it asks {asked(decision.asks)}, not {case.asks}")
    if lacking := [rule for rule in case.because if rule not in decision.rules]:
        wrong.append(f"{', '.join(lacking)} is not among its reasons")
    return Tested(case, decision, f"{'; '.join(wrong)} ({', '.join(decision.rules)})" if wrong else "")
