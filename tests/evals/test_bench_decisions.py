"""The benchmark of decisions: each outcome is really decided with 100 policies, and a limit that does not hold is named."""

from evals.bench.decisions import COUNT, DecisionCost, decision_costs, hundred
from evals.bench.limits import broken_decisions


def test_each_outcome_is_measured_with_a_hundred_policies() -> None:
    assert len(hundred().rules) == COUNT
    found = decision_costs(1)
    assert [one.outcome for one in found] == ["allow", "deny", "approve"]
    assert min(min(one.engine, one.bare) for one in found) > 0


def test_a_decision_beyond_its_limit_is_named() -> None:
    assert broken_decisions([DecisionCost("allow", 250.0, 100.0), DecisionCost("approve", 500.0, 100.0)]) == []
    wrong = broken_decisions([DecisionCost("deny", 251.0, 100.0), DecisionCost("approve", 501.0, 100.0)])
    assert [sentence.split()[3] for sentence in wrong] == ["deny", "approve"]
