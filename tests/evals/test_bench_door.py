"""The benchmark of the door: a read is really governed, and a door beyond its limit is named."""

from evals.bench.door import DoorCost, door_cost
from evals.bench.limits import DOOR_MS, broken_door


async def test_a_read_is_measured_bare_and_through_the_door() -> None:
    found = await door_cost(1)
    assert found.governed > 0 and found.bare > 0 and found.decision > 0


def test_a_door_beyond_its_limit_is_named() -> None:
    assert broken_door(DoorCost(bare=0.5, governed=0.5 + DOOR_MS, decision=0.2)) == []
    (wrong,) = broken_door(DoorCost(bare=0.5, governed=0.75 + DOOR_MS, decision=0.2))
    assert wrong.startswith(f"a governed read takes {DOOR_MS + 0.25:.2f} ms more")
