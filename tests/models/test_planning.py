"""How the offline model plans: edges from consumes and produces, and the difference on a re-plan."""

from hypothesis import given
from hypothesis import strategies as st

from graphs.plan import Plan, Step, check, needs
from models.offline import OfflineModel
from tests.models.asking import answered, ask
from tests.models.catalogue import PRODUCTS, SPECIALISTS, planner, specialist

KNOWN = {s["name"]: s["produces"] for s in SPECIALISTS}


def draft(products, **more):
    return answered(ask(OfflineModel(), planner(products, **more), "PlanDraft"), "PlanDraft")


def as_plan(steps) -> Plan:
    made = [
        Step(
            id=s.id,
            title=s.title,
            specialist=s.specialist,
            produces=tuple(s.produces),
            inputs={i.name: i.ref for i in s.inputs},
            for_each=s.for_each,
        )
        for s in steps
    ]
    return Plan(steps=tuple(made))


def shown(plan, status):
    """The plan as a planner's brief shows it."""
    keep = ("id", "title", "specialist", "produces", "for_each")
    steps = [{**{k: getattr(s, k) for k in keep}, "inputs": {i.name: i.ref for i in s.inputs}} for s in plan.steps]
    return {"rev": 1, "steps": [{**s, "status": status.get(s["id"], "pending")} for s in steps]}


def failure(step, specialist, product, kind="raised"):
    return {"step": step, "specialist": specialist, "products": [product], "error": "it broke after 3 tries", "kind": kind}


def test_the_flagship_is_chained_back():
    plan = draft(["risk_scores", "case"], settings=[{"name": "countries", "value": "IND"}])
    by = {s.specialist: s for s in plan.steps}
    assert [s.id for s in plan.steps] == ["s1", "s2", "s3", "s4", "s5", "s6", "s7", "s8"]
    assert list(by) == ["procurement", "finance", "logistics", "geopolitics", "screening", "scoring", "advisor", "escalation"]
    assert by["procurement"].produces == ["suppliers"]
    assert {i.name: i.ref for i in by["scoring"].inputs} == {
        "exposure": "s2.exposure",
        "deliveries": "s3.deliveries",
        "country_risk": "s4.country_risk",
        "sanctions": "s5.sanctions",
    }
    assert by["escalation"].for_each == "s7.approval_briefs"
    assert by["geopolitics"].alternatives == ["indicators"]
    assert by["geopolitics"].why == "Geopolitics makes geopolitical risk: Does geopolitics."
    assert all([s.name for s in step.settings] == ["countries"] for step in plan.steps)
    assert check(as_plan(plan.steps), KNOWN) == []


def test_an_excluded_optional_product_is_left_out():
    plan = draft(["risk_scores"], exclude=["sanctions"])
    assert "screening" not in {s.specialist for s in plan.steps}
    assert "Sanctions screening is left out, as asked" in plan.assumptions


def test_an_excluded_required_product_takes_what_rests_on_it():
    plan = draft(["risk_scores", "single_source"], exclude=["exposure"])
    assert [s.specialist for s in plan.steps] == ["procurement"]
    assert "Supplier risk scores cannot be made: it needs Financial exposure" in plan.assumptions


def test_one_specialist_makes_its_products_in_one_step():
    plan = draft(["deliveries", "mode_comparison"])
    assert [(s.specialist, s.produces) for s in plan.steps] == [
        ("procurement", ["suppliers"]),
        ("logistics", ["deliveries", "mode_comparison"]),
    ]


def test_one_more_specialist_changes_the_plan():
    brief = planner(["risk_scores"])
    more = [*SPECIALISTS[:5], {**SPECIALISTS[5], "optional": ["climate"]}, specialist("weather", ["climate"])]
    brief["catalogue"] = {**brief["catalogue"], "specialists": more}
    plan = answered(ask(OfflineModel(), brief, "PlanDraft"), "PlanDraft")
    assert "weather" in {s.specialist for s in plan.steps}


def test_a_failure_is_planned_around_with_fresh_ids_and_finished_work_kept():
    first = draft(["risk_scores", "case"])
    status = dict.fromkeys(["s1", "s2", "s3", "s5"], "succeeded") | {"s4": "failed", "s6": "skipped"}
    second = draft(
        ["risk_scores", "case"], plan=shown(first, status), failures=[failure("s4", "geopolitics", "country_risk")], next_id=9
    )
    assert [(s.id, s.specialist) for s in second.steps] == [
        ("s9", "indicators"),
        ("s10", "scoring"),
        ("s11", "advisor"),
        ("s12", "escalation"),
    ]
    assert {i.ref for i in second.steps[1].inputs} == {"s2.exposure", "s3.deliveries", "s9.country_risk", "s5.sanctions"}
    assert second.drop == ["s4", "s6", "s7", "s8"]
    assert (
        "geopolitics failed (it broke after tries)" in second.reason and "indicators makes geopolitical risk" in second.reason
    )
    kept = [s for s in first.steps if s.id not in second.drop]
    assert check(as_plan([*kept, *second.steps]), KNOWN, used=second.drop) == []


def test_running_and_untouched_waiting_steps_keep_their_place():
    first = draft(["risk_scores", "mode_comparison", "single_source"])
    status = {s.id: "succeeded" if s.specialist == "procurement" else "pending" for s in first.steps}
    by = {s.specialist: s.id for s in first.steps}
    status |= {by["finance"]: "running", by["geopolitics"]: "failed"}
    second = draft(
        ["risk_scores", "mode_comparison", "single_source"],
        plan=shown(first, status),
        failures=[failure(by["geopolitics"], "geopolitics", "country_risk")],
        next_id=20,
    )
    assert [s.specialist for s in second.steps] == ["indicators", "scoring"]
    assert set(second.drop) == {by["geopolitics"], by["scoring"]}


def test_what_nobody_else_can_make_is_left_out_where_optional_and_said():
    first = draft(["risk_scores"])
    by = {s.specialist: s.id for s in first.steps}
    status = {s.id: "succeeded" for s in first.steps} | {by["screening"]: "failed", by["scoring"]: "pending"}
    more = {"plan": shown(first, status), "next_id": 9, "failures": [failure(by["screening"], "screening", "sanctions")]}
    second = draft(["risk_scores"], **more)
    assert [s.specialist for s in second.steps] == ["scoring"]
    assert "sanctions" not in {i.name for i in second.steps[0].inputs}
    assert second.assumptions == ["Sanctions screening cannot be made: those who make it have failed"]


def test_what_a_person_denied_is_not_tried_by_another():
    first = draft(["country_risk"])
    more = {"plan": shown(first, {"s1": "succeeded", "s2": "failed"}), "next_id": 3}
    second = draft(["country_risk"], failures=[failure("s2", "geopolitics", "country_risk", "denied")], **more)
    assert not second.steps and second.drop == ["s2"]


names = [p["name"] for p in PRODUCTS]


@given(
    wanted=st.lists(st.sampled_from(names), min_size=1, unique=True),
    exclude=st.lists(st.sampled_from(names), max_size=3, unique=True),
    broken=st.sets(st.sampled_from([f"s{n}" for n in range(1, 12)])),
    done=st.integers(0, 11),
)
def test_every_plan_and_every_difference_is_sound(wanted, exclude, broken, done):
    first = draft(wanted, exclude=exclude)
    assert check(as_plan(first.steps), KNOWN) == []
    status, failures = {}, []
    for step in first.steps[:done]:
        upstream = {status.get(i.ref.partition(".")[0]) for i in step.inputs}
        status[step.id] = "skipped" if upstream - {"succeeded"} else "failed" if step.id in broken else "succeeded"
        if status[step.id] == "failed":
            failures += [failure(step.id, step.specialist, product) for product in step.produces]
    second = draft(wanted, exclude=exclude, plan=shown(first, status), failures=failures, next_id=len(first.steps) + 1)
    kept = [s for s in first.steps if s.id not in second.drop]
    assert check(as_plan([*kept, *second.steps]), KNOWN, used=second.drop) == []
    assert not any(status.get(id) == "succeeded" for id in second.drop)


@given(st.lists(st.sampled_from([p["name"] for p in PRODUCTS]), min_size=1, max_size=6, unique=True), st.integers(0, 12))
def test_what_cannot_be_paid_for_is_dropped_with_all_that_rests_on_it(products, room):
    """What stays fits, stands by itself, and is what the goal names first, where that alone fits."""
    first_plan = draft(products)
    plan = as_plan(first_plan.steps)
    idle = [{"id": step.id, "needs": sorted(needs(step))} for step in plan.steps]
    made = draft(products, plan=shown(first_plan, {}), budget={"steps": room, "idle": idle})
    kept = Plan(steps=tuple(step for step in plan.steps if step.id not in made.drop))
    assert made.steps == [] and len(kept.steps) <= room and check(kept, KNOWN) == []
    first = next((step for step in plan.steps if products[0] in step.produces), None)
    if first and len(needed_by(plan, first.id)) <= room:
        assert first.id in kept.ids()


def needed_by(plan, id) -> set[str]:
    return {id}.union(*(needed_by(plan, other) for other in needs(plan.step(id))))
