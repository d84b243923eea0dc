"""The rules of the DAG, against naive answers: walking every path, trying every order."""

from itertools import permutations

from hypothesis import given
from hypothesis import strategies as st

from graphs.plan import TERMINAL, Plan, Status, Step, check, critical_path, diff_of, downstream, find_cycle, needs, readiness

NAMES = [f"s{n}" for n in range(1, 6)]
ON = st.sampled_from(["success", "done", "any"])
STATUSES: st.SearchStrategy[Status] = st.sampled_from(["pending", "running", "waiting_approval", *sorted(TERMINAL)])


def step(id: str, **more: object) -> Step:
    return Step(id=id, title=id, specialist="ann", produces=("a",), **more)  # type: ignore[arg-type]


@st.composite
def plans(draw: st.DrawFn, acyclic: bool = False) -> Plan:
    """Any plan of up to five steps, with dependencies of all kinds and inputs; circles unless `acyclic`."""
    ids = draw(st.permutations(NAMES))[: draw(st.integers(1, 5))]
    steps = []
    for place, id in enumerate(ids):
        others = ids[:place] if acyclic else [other for other in ids if other != id]
        above = draw(st.lists(st.sampled_from(others), unique=True)) if others else []
        waits = {one: draw(ON) for one in above if draw(st.booleans())}
        inputs = {f"p{n}": f"{one}.a" for n, one in enumerate(above) if one not in waits}
        steps.append(step(id, depends_on=waits, inputs=inputs))
    return Plan(steps=tuple(draw(st.permutations(steps))))


def paths(plan: Plan, start: str, seen: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    """Every way down from a step, along what it needs, as far as a step that was seen."""
    here = (*seen, start)
    if start in seen:
        return [here]
    return [here, *(path for above in needs(plan.step(start)) for path in paths(plan, above, here))]


def circular(plan: Plan) -> bool:
    return any(len(set(path)) < len(path) for id in plan.ids() for path in paths(plan, id))


@given(plans())
def test_a_cycle_is_found_if_and_only_if_there_is_one(plan: Plan) -> None:
    found = find_cycle(plan.steps)
    assert bool(found) == circular(plan)
    for here, above in zip(found, [*found[1:], *found[:1]], strict=True):
        assert above in needs(plan.step(here)), "what is found is a cycle indeed"


@given(plans())
def test_a_plan_passes_the_check_if_and_only_if_some_order_of_its_steps_works(plan: Plan) -> None:
    def works(order: tuple[str, ...]) -> bool:
        return all(set(needs(plan.step(id))) <= set(order[:place]) for place, id in enumerate(order))

    passes = not check(plan, {"ann": ["a"]})
    assert passes == any(works(order) for order in permutations(plan.ids()))


@given(plans(acyclic=True), st.data())
def test_one_wrong_thing_is_one_complaint(plan: Plan, data: st.DataObject) -> None:
    one = data.draw(st.sampled_from(plan.steps))
    broken = {
        "there is no specialist": {"specialist": "nobody"},
        "does not produce": {"produces": ("a", "z")},
        "nothing produces": {"inputs": {"z": "s9.z"}},
        "which is not in the plan": {"depends_on": {**one.depends_on, "s9": "done"}},
    }
    words = data.draw(st.sampled_from(sorted(broken)))
    steps = tuple(s.model_copy(update=broken[words]) if s.id == one.id else s for s in plan.steps)
    complaints = check(plan.model_copy(update={"steps": steps}), {"ann": ["a"]})
    assert len(complaints) == 1 and words in complaints[0] and one.id in complaints[0]
    assert "used twice" in check(plan, {"ann": ["a"]}, used=[one.id])[0]


@given(plans(acyclic=True), st.dictionaries(st.sampled_from(NAMES), STATUSES))
def test_readiness_is_what_each_dependency_alone_would_say(plan: Plan, status: dict[str, Status]) -> None:
    def alone(id: str, on: str) -> str:
        ended = status.get(id, "pending")
        if on == "any":
            return "wait" if ended == "pending" else "ready"
        if ended not in TERMINAL:
            return "wait"
        return "ready" if on == "done" or ended == "succeeded" else "blocked"

    for one in plan.steps:
        said = {alone(id, on) for id, on in needs(one).items()}
        expected = "blocked" if "blocked" in said else "wait" if "wait" in said else "ready"
        assert readiness(one, status) == expected


@given(plans())
def test_downstream_is_every_step_with_a_way_to_it(plan: Plan) -> None:
    for target in plan.ids():
        reached = [id for id in plan.ids() if id != target and any(target in path for path in paths(plan, id))]
        assert downstream(plan, target) == reached


@given(plans(acyclic=True), st.dictionaries(st.sampled_from(NAMES), st.integers(0, 100)))
def test_the_critical_path_is_the_longest_of_all_paths(plan: Plan, seconds: dict[str, int]) -> None:
    every = [path for id in plan.ids() for path in paths(plan, id)]
    assert critical_path(plan, seconds) == max(sum(seconds.get(id, 0) for id in path) for path in every)


@given(plans(acyclic=True), plans(acyclic=True))
def test_a_diff_leads_from_one_revision_to_the_next(before: Plan, after: Plan) -> None:
    diff = diff_of(before, after)
    assert set(before.ids()) - set(diff["dropped"]) | set(diff["added"]) == set(after.ids())
    assert not set(diff["dropped"]) & set(after.ids()) and not set(diff["added"]) & set(before.ids())
