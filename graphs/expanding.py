"""A repeated step becomes one step for each row of what it repeats over. No I/O. Called by the scheduler."""

from collections.abc import Callable
from typing import Any

from graphs.plan import On, Plan, Step, needs


def expand(plan: Plan, step: Step, rows: list[dict[str, Any]], label: Callable[[dict[str, Any]], str]) -> Plan:
    """The next revision, in which a repeated step is one step for each row; what depended on it waits for all of them."""
    copies = tuple(
        step.model_copy(
            update={
                "id": f"{step.id}-{number}",
                "title": f"{step.title}: {label(row)}",
                "item": row,
                "item_of": step.for_each,
                "parent": step.id,
                "for_each": None,
            }
        )
        for number, row in enumerate(rows, 1)
    )
    steps: list[Step] = []
    for one in plan.steps:
        if one.id == step.id:
            steps.extend(copies)
        elif step.id in needs(one):
            on = one.depends_on.get(step.id, "done")  # a row that fails does not take away the products of the others
            waits: dict[str, On] = {id: kind for id, kind in one.depends_on.items() if id != step.id}
            waits.update({copy.id: on for copy in copies})
            taken: dict[str, str] = {}
            for name, ref in one.inputs.items():
                source, _, product = ref.partition(".")
                own = source == step.id
                taken.update(
                    {f"{name}-{n}": f"{copy.id}.{product}" for n, copy in enumerate(copies, 1)} if own else {name: ref}
                )
            steps.append(one.model_copy(update={"depends_on": waits, "inputs": taken}))
        else:
            steps.append(one)
    reason = f"{step.title}: {len(rows)} to do"
    head = {"rev": plan.rev + 1, "parent_rev": plan.rev, "cause": "rows", "reason": reason}
    return plan.model_copy(update={**head, "steps": tuple(steps)})
