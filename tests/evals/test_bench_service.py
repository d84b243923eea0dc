"""The benchmark of the service: real services answer it, and a limit that does not hold is named."""

from dataclasses import replace

from evals.bench.limits import broken_held, broken_service
from evals.bench.many import Held, Storage, Streams, Waiting, waiting
from evals.bench.service import CALLERS, Served, ServiceCost, service_cost, shown

GOOD = ServiceCost("SQLite", Served(100, 5, 20), Served(90, 5, 30), Served(20, 1000, 1300))


def test_the_service_stands_beside_the_bare_application() -> None:
    cost = service_cost(rounds=1, runs=CALLERS, dev=False)
    assert cost.ours.runs > 0 and 0 < cost.ours.first < cost.ours.tokens and cost.dev is None
    assert len(shown(cost).splitlines()) == 4


async def test_who_waits_for_a_person_holds_no_worker() -> None:
    found = await waiting(20)
    assert found.running == 0 and found.answered > 0


def test_what_costs_too_much_is_named() -> None:
    assert broken_service(GOOD) == []
    [slow] = broken_service(replace(GOOD, ours=Served(50, 5, 30)))
    assert "0.50 × the bare application's" in slow
    assert len(broken_service(replace(GOOD, ours=Served(90, 40, 80)))) == 3
    held = Held(Storage(1000, 50_000, 51_000), Waiting(1000, 150, 151, 0, 10), Streams(200, 10))
    assert broken_held(held) == []
    grown = replace(held, storage=Storage(1000, 50_000, 90_000), waiting=Waiting(1000, 150, 190, 3, 10))
    assert [sentence.split()[0] for sentence in broken_held(grown)] == ["a", "3", "500"]
