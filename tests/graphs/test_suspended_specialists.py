"""A suspended specialist begins no step and asks its model nothing: its fallback is asked, or the answer says what is missing."""

from typing import Any

from governance.identity import Caller
from tests.graphs.little import Yard, act_then_report, at_work, draft

OPS = Caller("olga", "local", ("operator",))


async def test_its_fallback_does_the_step_and_without_one_the_answer_says_why(yard: Yard) -> None:
    yard.steps = [draft("s1", "ann", "a"), draft("s2", "cat", "c")]
    asked: list[str] = []

    def noted(brief: Any, messages: Any) -> Any:
        asked.append(brief["specialist"])
        return act_then_report(brief, messages)

    async with at_work(yard) as runner:
        for name in ("ann", "cat"):
            yard.says[name] = noted
            await runner.services.suspensions.suspend(OPS, "specialist", name, "it guesses")
        done = await runner.run("a c")
        assert {s["id"]: s["status"] for s in done.steps} == {"s1": "failed", "s2": "succeeded"} and asked == []
        assert yard.calls() == ["look_c s2"] and done.answer and done.answer.status == "partial"
        assert "the specialist ann is suspended: by olga" in done.answer.missing[0] and "(it guesses)" in done.answer.missing[0]
        for name in ("ann", "cat"):
            await runner.services.suspensions.resume(OPS, "specialist", name, "mended")
        assert (await runner.run("a c")).as_json()["complete"] and asked == ["ann", "cat"] * 2
