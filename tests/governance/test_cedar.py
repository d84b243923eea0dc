"""The engine and its bundle: fail closed, say where a policy is wrong, stay quick."""

import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import cedarpy
import pytest

from governance.bundle import POLICIES, SCHEMA, BadPolicy, bundle, load, statements
from governance.cedar import CedarPolicy
from governance.policy import CallFacts, Decision
from tests.governance.test_policies import LEDGER, MANIFESTS, call, core, pay

SCHEMA_TEXT = (POLICIES / SCHEMA).read_text(encoding="utf-8")
PERMIT = '@id("all") permit (principal, action, resource);\n'


def test_it_decides_where_no_database_and_no_graph_is_installed() -> None:
    """The security benchmark's environment has neither."""
    none = "import sys; [sys.modules.__setitem__(n, None) for n in ('sqlalchemy', 'langgraph', 'langchain_core', 'fastapi')]; "
    needed = "import evals.benchmarks.agentdojo, governance.cedar; from governance.bundle import load; load('core')"
    done = subprocess.run([sys.executable, "-c", none + needed], cwd=POLICIES.parent.parent, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def engine(text: str, schema: str = SCHEMA_TEXT) -> CedarPolicy:
    return CedarPolicy(MANIFESTS, bundle(schema, {"mine.cedar": text}))


def forbid(condition: str, **annotations: str) -> str:
    said = {"id": "no", "outcome": "deny", "reason": "because", **annotations}
    return (
        " ".join(f'@{key}("{value}")' for key, value in said.items())
        + f' forbid (principal, action in Action::"call", resource) when {{ {condition} }};'
    )


@pytest.mark.parametrize(
    ("text", "where", "what"),
    [
        (PERMIT + "\nforbid (principal, action resource);", "mine.cedar:3", "unexpected token"),
        (PERMIT + "\n\n" + forbid("context.gone"), "mine.cedar:4", "`gone`"),
        (PERMIT + '// ; "\n' + forbid("context.target == 3"), "mine.cedar:3", "not compatible"),
        (PERMIT + forbid("context.asked", id=""), "mine.cedar:2", "@id"),
        (PERMIT + forbid("context.asked", id="all"), "mine.cedar:2", "already"),
        (PERMIT + forbid("context.asked", outcome="maybe"), "mine.cedar:2", "@outcome"),
        (PERMIT + forbid("context.asked", outcome="approve"), "mine.cedar:2", "@approver"),
        (PERMIT + forbid("context.asked", reason=""), "mine.cedar:2", "@reason"),
        (PERMIT + forbid("context.asked", outcome="approve", approver="x", quorum="two"), "mine.cedar:2", "@quorum"),
        (PERMIT + forbid("context.asked", escalate="x"), "mine.cedar:2", "@escalate"),
        (PERMIT + forbid("context.asked", outcome="approve", approver="x", escalate="y,"), "mine.cedar:2", "@escalate"),
        (forbid("context.asked"), "mine.cedar", "permits"),
    ],
)
def test_a_bad_policy_stops_the_start_with_its_file_and_line(text: str, where: str, what: str) -> None:
    with pytest.raises(BadPolicy) as error:
        engine(text)
    assert where in str(error.value)
    assert what in str(error.value)


def test_a_broken_schema_and_missing_files_stop_the_start(tmp_path: Path) -> None:
    with pytest.raises(BadPolicy, match="schema"):
        engine(PERMIT, SCHEMA_TEXT.replace("entity Role;", "entity"))
    with pytest.raises(BadPolicy, match="schema"):
        engine(PERMIT, SCHEMA_TEXT.replace("entity Role;", ""))
    with pytest.raises(BadPolicy, match="no policy file"):
        load("core", root=tmp_path)
    (tmp_path / "core").mkdir()
    (tmp_path / "core" / "mine.cedar").write_text(PERMIT)
    with pytest.raises(BadPolicy, match=SCHEMA):
        load("core", root=tmp_path)
    (tmp_path / SCHEMA).write_text(SCHEMA_TEXT)
    assert list(load("core", root=tmp_path).rules) == ["all"]


def test_statements_know_strings_and_comments() -> None:
    text = (
        '// one; "two\n@id("a;b")\npermit (principal, action, resource);\n\n// c\npermit (principal, action, resource) // ;\n;'
    )
    assert [line for line, _ in statements(text)] == [2, 6]


def test_an_error_while_deciding_is_a_denial() -> None:
    overflow = engine(PERMIT + forbid("context.read_class + 9223372036854775807 < 3"))
    assert overflow.decide(call("people", {})).outcome == "allow"
    decision = overflow.decide(call("people", {}, "", LEDGER))
    assert (decision.outcome, decision.rules) == ("deny", ("policy-error",))
    assert "overflow" in decision.reasons[0]


def test_a_schema_that_lacks_what_calls_carry_denies_every_call() -> None:
    poorer = SCHEMA_TEXT.replace("  tainted: Bool,", "  // tainted: Bool,")
    decision = engine(PERMIT, poorer).decide(call("people", {}))
    assert (decision.outcome, decision.rules) == ("deny", ("policy-error",))


def test_unlisted_ungranted_and_unpermitted_calls_are_denied() -> None:
    facts = call("people", {})
    assert core().decide(CallFacts(**{**vars(facts), "tool": "shell"})).rules == ("unlisted-tool",)
    assert core().decide(CallFacts(**{**vars(facts), "granted": frozenset({"pay"})})).rules == ("not-granted",)
    only_plans = engine('@id("p") permit (principal, action == Action::"plan", resource);')
    assert only_plans.decide(facts).rules == ("no-permit",)


def test_a_rule_that_its_approver_cannot_waive_denies() -> None:
    stubborn = engine(PERMIT + forbid("true", outcome="approve", approver="boss"))
    assert stubborn.decide(call("people", {})).outcome == "deny"
    waivable = engine(PERMIT + forbid('!context.approvals.contains("boss")', outcome="approve", approver="boss"))
    assert waivable.decide(call("people", {})).approvers == ("boss",)


def test_a_rule_says_who_may_decide_in_the_end_and_else_the_heads_do() -> None:
    asks = 'unless { context.approvals.contains("boss") };'
    head = '@id("%s") @outcome("approve") @approver("boss") @reason("r") %s '
    rule = head + 'forbid (principal, action in Action::"call", resource) ' + asks
    both = PERMIT + rule % ("one", '@escalate("owner, head")') + rule % ("two", "")
    made = CedarPolicy(MANIFESTS, bundle(SCHEMA_TEXT, {"mine.cedar": both}), heads=("head", "board", "boss"))
    (panel,) = made.decide(call("people", {})).panels
    assert (panel.roles, panel.further) == (("boss",), ("owner", "head", "board"))
    assert engine(both).decide(call("people", {})).panels[0].further == ("owner", "head")


@pytest.mark.parametrize("strange", [object(), float("nan"), b"\x00", {"a": object()}, "\ud800", [[[]]], 10**400])
def test_strange_arguments_are_judged_and_never_raise(strange: Any) -> None:
    for tool in ("pay", "note", "people"):
        decision = core().decide(call(tool, {"to": strange, "amount": strange, "text": strange}, "Pay", LEDGER))
        assert decision.outcome in ("allow", "approve", "deny")
        assert tool == "people" or decision.outcome != "allow"


def test_the_version_names_what_the_policies_say_and_not_their_files() -> None:
    one = bundle(SCHEMA_TEXT, {"a.cedar": PERMIT, "b.cedar": forbid("context.tainted")})
    two = bundle(SCHEMA_TEXT, {"c.cedar": forbid("context.tainted") + "\n" + PERMIT})
    assert one.version == two.version
    assert one.version != bundle(SCHEMA_TEXT, {"a.cedar": PERMIT, "b.cedar": forbid("context.asked")}).version
    assert core().decide(call("people", {})).policy_version == core().version


def test_decisions_are_the_same_from_many_threads() -> None:
    shared, found = core(), list[Decision]()
    facts = call("pay", {"to": "NL10ABNA0417164300", "amount": 50.0, "text": ""}, "Pay NL10ABNA0417164300", LEDGER)

    def work() -> None:
        found.extend(shared.decide(facts) for _ in range(20))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert len(found) == 80
    assert all(one == found[0] for one in found)


def _hundred() -> str:
    more = (forbid(f'context.target == "never-{n}" && context.asked', id=f"no-{n}") for n in range(98))
    waivable = forbid('context.tainted && !context.approvals.contains("boss")', id="ask", outcome="approve", approver="boss")
    return PERMIT + waivable + "\n" + "\n".join(more)


def test_a_decision_costs_about_what_cedar_costs() -> None:
    """In processor time, beside the bare library, best of forty: what else the machine does counts on neither side."""
    judge = engine(_hundred())
    facts = call("note", {"to": "Bob", "text": "hello"}, "Note to Bob", LEDGER)
    policies, schema = cedarpy.PolicySet.from_str(_hundred()), cedarpy.Schema.from_str(SCHEMA_TEXT)
    context = {
        "org": "acme", "user": "ann", "roles": ["requester"], "asked": True, "tainted": False, "read_class": 1, "target": "user",
        "amount": "none", "link": "none", "secret": False, "arguments": ["to=Bob"], "approvals": [],
    }  # fmt: skip
    request = {"principal": 'Agent::"worker"', "action": 'Action::"effect"', "resource": 'Tool::"note"', "context": context}
    entities = judge._entities
    bare, ours = list[float](), list[float]()
    for _ in range(40):
        started = time.thread_time()
        assert cedarpy.is_authorized(request, policies, entities, schema=schema).allowed
        between = time.thread_time()
        assert judge.decide(facts).outcome == "approve"
        bare.append(between - started)
        ours.append(time.thread_time() - between)
    assert min(ours) < 10 * min(bare)


def test_a_long_trace_is_read_once() -> None:
    """The second decision over ten thousand records walks none of them again."""
    rows = [{"id": n, "account": f"NL{n:010d}X", "amount": float(n), "text": "x" * 20} for n in range(10_000)]
    seen = type(LEDGER)("ledger", {}, rows)
    first = pay("NL0000000007X", 7.0, "Pay NL0000000007X what it says", seen)
    rows.clear()  # not allowed to callers; here it shows that nothing is walked again
    assert pay("NL0000000007X", 7.0, "Pay NL0000000007X what it says", seen) == first
