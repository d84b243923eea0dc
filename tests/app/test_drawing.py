"""Drawings of plans: lines pass through no box, every arrow arrives, every step is shown as it really stands."""

import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator

import pytest

from app.drawing import Box, boxes_svg, plan_mermaid, plan_svg
from app.progress import Progress, StepNow, progress
from evals.bench.shapes import Shape, chain, fan_out, flagship, lattice, random_dag
from graphs.executions import Attempt
from graphs.plan import Plan, Status, Step, StepError, StepResult

SVG = "{http://www.w3.org/2000/svg}"
Point = tuple[float, float]


def drawn(shape: Shape) -> str:
    plan = shape.plan()
    return plan_svg(Progress(1, plan.steps, {step.id: StepNow("pending", step.specialist) for step in plan.steps}))


def points(path: str) -> Iterator[Point]:
    """Points along a line made of M, V and C, close enough to each other to hit any box that is in the way."""
    x = y = 0.0
    for letter, rest in re.findall(r"([MVC])([^MVC]*)", path):
        numbers = [float(n) for n in re.findall(r"-?\d+(?:\.\d+)?", rest)]
        if letter == "M":
            x, y = numbers
            yield x, y
            continue
        ends = [x, y, x, numbers[0], x, numbers[0]] if letter == "V" else numbers
        x0, y0, (x1, y1, x2, y2, x3, y3) = x, y, ends
        if letter == "V":
            x1, y1 = x0, y0
        for n in range(1, 201):
            t = n / 200
            a, b, c, d = (1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t * t * (1 - t), t**3
            yield a * x0 + b * x1 + c * x2 + d * x3, a * y0 + b * y1 + c * y2 + d * y3
        x, y = x3, y3


def parts(svg: str) -> tuple[list[tuple[float, float, float, float]], list[str], list[str]]:
    """Boxes (left, top, right, bottom), lines and arrowheads."""
    root = ET.fromstring(svg)
    boxes = []
    for rect in root.iter(f"{SVG}rect"):
        left, top, width, height = (float(rect.attrib[name]) for name in ("x", "y", "width", "height"))
        boxes.append((left, top, left + width, top + height))
    paths = [(path.get("class"), path.attrib["d"]) for path in root.iter(f"{SVG}path")]
    return boxes, [d for kind, d in paths if kind != "a"], [d for kind, d in paths if kind == "a"]


def assert_clear(svg: str) -> None:
    boxes, lines, _ = parts(svg)
    for line in lines:
        for x, y in points(line):
            assert not any(l + 0.5 < x < r - 0.5 and t + 0.5 < y < b - 0.5 for l, t, r, b in boxes), (line, x, y)  # noqa: E741
    for n, (left, top, right, bottom) in enumerate(boxes):
        assert not any(left < r and l < right and top < b and t < bottom for l, t, r, b in boxes[n + 1 :]), "boxes overlap"  # noqa: E741


@pytest.mark.parametrize(
    "shape",
    [chain(10), fan_out(10), lattice(5), flagship(), *(random_dag(50, seed=seed) for seed in range(5))],
    ids=lambda shape: shape.name,
)
def test_no_line_passes_through_a_box_and_each_arrow_arrives(shape: Shape) -> None:
    svg = drawn(shape)
    assert_clear(svg)
    boxes, _, heads = parts(svg)
    assert len(boxes) == len(shape)
    assert len(heads) == sum(len(set(upstream)) for upstream in shape.upstream.values())
    for head in heads:
        x, y = (float(n) for n in re.findall(r"-?[\d.]+", head)[:2])
        assert any(y == top and left < x < right for left, top, right, _ in boxes), f"the arrow at {x}, {y} points at no box"


def test_loops_back_pass_no_box_either() -> None:
    boxes = [
        Box("a", "a", "", "red"),
        Box("b", "b", "", "red", frozenset("a")),
        Box("c", "c", "", "red", frozenset("b"), frozenset({"a", "b"})),
        Box("d", "d", "", "red", frozenset("ac"), frozenset("a")),
    ]
    svg = boxes_svg(boxes, "loops")
    assert_clear(svg)
    assert svg.count('class="a"') == 4 + 2, "the two loops back to a meet at one arrowhead"


def test_a_box_beside_all_others_stands_with_them() -> None:
    boxes = [Box(id, id, "", "red", after) for id, after in {"x": frozenset(), "a": frozenset(), "b": frozenset("a")}.items()]
    [(left, *_), (other, *_), _], *_ = parts(boxes_svg(boxes, "apart"))
    assert abs(left - other) < 250


def step(id: str, *after: str, for_each: str | None = None) -> Step:
    inputs = {f"p-{other}": f"{other}.p" for other in after}
    return Step(id=id, title=f"Step {id}", specialist="worker", produces=("p",), inputs=inputs, for_each=for_each)


def attempt(id: str, status: Status, number: int = 1) -> Attempt:
    ended = status not in ("running", "waiting_approval")
    error = StepError(kind="tool", message="the source is down") if status == "failed" else None
    result = StepResult(step_id=id, status=status, specialist="worker", error=error, seconds=0.5) if ended else None
    return Attempt(id, number, "worker", f"thread-{id}-{number}", status, result)


PLAN = Plan(steps=(step("a"), step("b"), step("c", "a"), step("d", "b", "c")))


def stands(plans: list[Plan], *attempts: Attempt, status: str = "running", held: bool = True) -> dict[str, str]:
    return {id: now.status for id, now in progress(plans, attempts, status=status, held=held).now.items()}


def test_while_it_runs_each_step_stands_as_it_does() -> None:
    tries = (attempt("a", "failed"), attempt("b", "waiting_approval"), attempt("a", "running", 2))
    assert stands([PLAN], *tries) == {"a": "running", "b": "waiting_approval", "c": "pending", "d": "pending"}
    left = stands([PLAN], *tries, held=False)
    assert left["a"] == "pending" and left["b"] == "waiting_approval", "nobody runs it: what waits for people still waits"


def test_what_lacked_something_was_skipped_once_it_is_over() -> None:
    tries = (attempt("a", "failed"), attempt("b", "succeeded"))
    assert stands([PLAN], *tries, status="finished") == {"a": "failed", "b": "succeeded", "c": "skipped", "d": "skipped"}


def test_what_was_stopped_in_the_middle_is_stopped() -> None:
    tries = (attempt("a", "running"), attempt("b", "waiting_approval"))
    assert set(stands([PLAN], *tries, status="cancelled", held=False).values()) == {"cancelled"}


def test_what_a_revision_dropped_is_shown_if_it_had_begun() -> None:
    newer = Plan(rev=2, parent_rev=1, steps=(step("b"), step("e"), step("f", "b", "e")))
    tries = (attempt("a", "failed"), attempt("b", "running"), attempt("c", "running"))
    shown = {"a": "failed", "c": "superseded", "b": "running", "e": "pending", "f": "pending"}
    assert stands([PLAN, newer], *tries) == shown


def test_a_repeated_step_with_no_rows_is_done() -> None:
    plan = Plan(steps=(step("a"), step("b", for_each="a.p"), step("c", "b")))
    now = stands([plan], attempt("a", "succeeded"), attempt("c", "succeeded"), status="finished")
    assert now["b"] == "succeeded"


def test_mermaid_says_the_same_and_is_not_broken_by_a_title() -> None:
    odd = Plan(steps=(step("a").model_copy(update={"title": 'Say "hi" <b>&'}),))
    text = plan_mermaid(progress([odd], [attempt("a", "running")], status="running", held=True))
    assert "▶ running" in text and "Say #quot;hi#quot; #lt;b#gt;#amp;" in text
