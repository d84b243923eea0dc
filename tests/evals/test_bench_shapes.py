"""The ladder's shapes are what their names say, and their critical paths are right by another way of reckoning."""

from functools import cache

import pytest

from evals.bench.shapes import MEAN_SECONDS, Latency, Shape, chain, fan_out, flagship, ladder, lattice, random_dag
from graphs.plan import check, critical_path

KNOWN = {"worker": ["part"]}


def longest_path(shape: Shape, seconds: dict[str, float]) -> float:
    """By recursion from the ends, where `critical_path` goes forward wave by wave."""

    @cache
    def ends(id: str) -> float:
        return seconds[id] + max((ends(other) for other in shape.upstream[id]), default=0.0)

    return max(ends(id) for id in shape.upstream)


@pytest.mark.parametrize("shape", ladder(), ids=lambda shape: shape.name)
@pytest.mark.parametrize("latency", ["even", "uneven"])
def test_the_critical_path_is_the_longest_path(shape: Shape, latency: Latency) -> None:
    seconds = shape.seconds(latency)
    assert critical_path(shape.plan(), seconds) == pytest.approx(longest_path(shape, seconds))


@pytest.mark.parametrize(
    ("shape", "steps", "depth"),
    [(chain(10), 10, 10), (fan_out(10), 12, 3), (lattice(5), 25, 9), (flagship(), 10, 5)],
    ids=lambda value: getattr(value, "name", str(value)),
)
def test_a_shape_has_the_size_and_depth_of_its_name(shape: Shape, steps: int, depth: int) -> None:
    assert len(shape) == steps
    assert critical_path(shape.plan(), shape.seconds("even")) == pytest.approx(depth * MEAN_SECONDS)


@pytest.mark.parametrize("shape", ladder(), ids=lambda shape: shape.name)
def test_every_shape_is_a_plan_that_passes_the_checks(shape: Shape) -> None:
    assert check(shape.plan(), KNOWN) == []


def test_random_shapes_and_latencies_are_the_same_every_time() -> None:
    assert random_dag(50) == random_dag(50)
    assert random_dag(50).seconds("uneven") == random_dag(50).seconds("uneven")
    assert len(random_dag(400)) == 400
    assert any(len(upstream) > 1 for upstream in random_dag(50).upstream.values())
