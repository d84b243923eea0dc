"""No number of a model's own gets out: ways to smuggle one into an answer, through the real report node on the real product.

A lie is told once; the reporter must be sent back with an objection to it, and the honest report that follows carries none of it.
"""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from langchain_core.messages import AIMessage

from graphs.claims import wrong_with
from graphs.ground import Ground
from graphs.wire import Claim
from tests.graphs.liar import FLAGSHIP, TOP_FIVE, Liar, product, refusals, shown
from tests.graphs.little import call, say

Slots = dict[str, str]
SHARE = {"share": "exposure.figures.top_share"}
TOTAL = {"total": "exposure.figures.total_spend"}
FIRST = {"one": "exposure.rows[0].supplier", "one_spend": "exposure.rows[0].spend", "one_share": "exposure.rows[0].share"}
SECOND = {"two": "exposure.rows[1].supplier", "two_spend": "exposure.rows[1].spend", "two_share": "exposure.rows[1].share"}
BOTH = {**FIRST, **SECOND}

TYPED = {
    "plain digits": "Spend with the top suppliers is 4711 in all.",
    "a percentage": "The share is 47.11 %.",
    "a currency": "We owe them $4,711.",
    "a currency by its name": "We owe them EUR 4711.",
    "thousands apart": "It comes to 4 711 999 in all.",
    "decimal comma": "It comes to 4711,99 in all.",
    "a negative": "Spend changed by −4711.",
    "scientific": "Spend is 4.711e3 in all.",
    "a range": "Between 4711 and 4712 lines are late.",
    "magnitude k": "Some 4711k was spent.",
    "magnitude M": "Some 4711M was spent.",
    "a date": "This holds since 2011-07-14.",
    "a date in words": "This holds since 14 July.",
    "a year": "Spend peaked in 2047.",
    "arabic-indic": "Spend is ٤٧١١ in all.",
    "devanagari": "Spend is ४७११ in all.",
    "full width": "Spend is ４７１１ in all.",
    "mathematical": "Spend is 𝟒𝟕𝟏𝟏 in all.",
    "superscript": "Spend grew tenable⁴⁷¹¹ over time.",
    "subscript": "Spend is ₄₇₁₁ in all.",
    "circled": "Spend is ④⑦ in all.",
    "chinese": "Spend is 四千七百 in all.",
    "a fraction sign": "About ½ is at risk.",
    "a fraction": "About 3/7 is at risk.",
    "a numeral sign": "Rank Ⅻ goes to spend.",
    "roman numerals": "XLVII suppliers are late.",
    "keycaps": "Spend is 4️⃣7️⃣ in all.",
    "an emoji": "Confidence is 💯 here.",
    "entities": "Spend is &#52;&#55;&#49;&#49; in all.",
    "entities twice": "Spend is &amp;#52;&amp;#55; in all.",
    "zero width": "Spend is 4\u200b7\u200d1\u206011 in all.",
    "word joined by nothing": "Spend is fo\u200brty-seven in all.",
    "combining marks": "Spend is 4\u03367\u0336 in all.",
    "spelled out": "Spend rose by forty-seven.",
    "spelled out, capitals": "Spend rose by FORTY-SEVEN.",
    "spelled out as one word": "Spend rose by fortyseven.",
    "spelled out with spaces": "Spend rose by f o r t y in all.",
    "spelled out in two alphabets": "Spend rose by f\u043erty in all.",
    "percent in words": "Spend rose by forty percent.",
    "per cent": "A high per cent of spend is at risk.",
    "two thirds": "Some two thirds are at risk.",
    "half": "Nearly half is at risk.",
    "a quarter of": "Nearly a quarter of spend is at risk.",
    "one in three": "Of suppliers, one in three is late.",
    "dozens": "There are dozens of late lines.",
    "a couple of": "There are a couple of late lines.",
    "twice": "Spend is twice what it was.",
    "tenfold": "Spend grew tenfold.",
    "a rank": "It is the third-largest share.",
    "a rank in words": "It ranks second by spend.",
    "only one": "There is only one supplier left.",
    "in a link": "See [the share](https://example.org/4711).",
    "in code": "See `4711` for the share.",
    "a footnote": "The share is high.[^47]",
    "in markup": "The share is <b>4711</b>.",
    "hex": "The share is 0x1267.",
    "ordinal": "It is the 47th share.",
    "version-like": "Spend is 4.7.1.1 in all.",
}
BOUND = {
    "a slot without binding": ("The share is {share47}.", {}),
    "a number as the slot's name": ("The share is {47}.", {}),
    "nested slots": ("The share is {{share}}.", SHARE),
    "an open brace": ("The share is {share} {4711.", SHARE),
    "bound twice": ("The share is {share}.", {**SHARE, "share ": "exposure.figures.total_spend"}),
    "bound and not said": ("The share is high.", SHARE),
    "another unit": ("The share is {share} days.", SHARE),
    "the unit again": ("The share is {share} percent.", SHARE),
    "another currency": ("Spend is €{total}.", TOTAL),
    "a currency after": ("Spend is {total} euros.", TOTAL),
    "a magnitude after": ("Spend is {total}M.", TOTAL),
    "a magnitude in words": ("Spend is {total} million.", TOTAL),
    "k after": ("Spend is {total} k.", TOTAL),
    "times": ("Spend is {total}x.", TOTAL),
    "a sign": ("Spend changed by -{total}.", TOTAL),
    "a sign in words": ("Spend changed by minus {total}.", TOTAL),
    "two slots make a number": ("Spend is {total}{share}.", {**TOTAL, **SHARE}),
    "two slots and a point": ("Spend is {total}.{share}.", {**TOTAL, **SHARE}),
    "two slots make a fraction": ("Spend is {share}/{total}.", {**TOTAL, **SHARE}),
    "a digit before a slot": ("Spend is 9{total}.", TOTAL),
    "a digit after a slot": ("Spend is {total}9.", TOTAL),
    "swapped rows": ("{one} takes {two_spend}.", BOTH),
    "swapped rows in one sentence": ("{one} takes {two_spend}; {two} takes {one_spend}.", BOTH),
    "respectively": ("{one} and {two} take {one_spend} and {two_spend}.", BOTH),
    "the whole as one row's": ("{one} takes {total}.", {**FIRST, **TOTAL}),
    "a row's figure without its row": ("The network takes {one_share}.", FIRST),
    "a wrong denominator": ("{one} takes {one_spend} of {two_spend}.", BOTH),
    "a whole that is no part": ("Spend of {total} of {one_spend} is with {one}.", {**FIRST, **TOTAL}),
    "a step that is not": ("The share is {x}.", {"x": "s99.exposure.figures.top_share"}),
    "another step's product": ("The share is {x}.", {"x": "s1.exposure.figures.top_share"}),
    "an earlier execution's": ("The share is {x}.", {"x": "4f0c/s2.exposure.figures.top_share"}),
    "a figure that is not": ("The share is {x}.", {"x": "exposure.figures.top9_share"}),
    "a row that is not": ("The share is {x}.", {"x": "exposure.rows[4711].share"}),
    "a negative row": ("The share is {x}.", {"x": "exposure.rows[-1].share"}),
    "the number of rows": ("The share is {x}.", {"x": "exposure.rows"}),
    "the records themselves": ("They are {x}.", {"x": "exposure.rows[0].records"}),
    "a figure without any": ("Spend is high.", {}),
}
PLACES = ("title", "heading", "caveat", "table caption", "chart caption", "chart title")


@pytest.fixture(scope="module")
async def lying(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Any]:
    model = Liar()
    async with product(tmp_path_factory.mktemp("unbound"), model) as runner:
        yield runner, model
    assert not model.lies


def refs(brief: Any, slots: Slots) -> list[dict[str, str]]:
    """Slots with their products' references in this run."""
    known = {p["product"]: p["ref"] for result in brief["results"] for p in result["products"]}
    bind = {
        name: ref.replace(ref.split(".")[0], known.get(ref.split(".")[0], ref.split(".")[0]), 1) for name, ref in slots.items()
    }
    return [{"name": name.strip(), "ref": ref} for name, ref in bind.items()]


def report(claims: list[dict[str, Any]] | None = None, **more: Any) -> AIMessage:
    section = {"heading": more.get("heading", "In short"), "claims": claims or []}
    section.update(tables=more.get("tables", []), charts=more.get("charts", []))
    return say("Report", title=more.get("title", "Spend"), sections=[section], caveats=more.get("caveats", []))


def honest(brief: Any) -> AIMessage:
    slots = refs(brief, SHARE)
    return report([{"text": "The top five suppliers take {share}.", "slots": slots, "kind": "figure"}])


async def told(lying: Any, lie: Any) -> tuple[str, str]:
    """Run with a reporter that lies until it is sent back, then says the truth. Answers with the objection that was made, and
    with all that a person is shown."""
    runner, model = lying
    objections: list[str] = []

    def reporter(brief: Any, messages: Any) -> Any:
        if refusals(messages, "Report"):
            objections.append(messages[-1].text)
            return honest(brief)
        return lie(brief, messages)

    model.lies["reporter"] = reporter
    try:
        outcome = await runner.run(TOP_FIVE)
    finally:
        model.lies.clear()
    assert outcome.status == "success" and len(objections) == 1
    text = shown(outcome)
    assert "The top five suppliers take 67.71 %." in text
    return objections[0], text


async def test_numbers_typed_into_claims(lying: Any) -> None:
    claims = [{"text": text, "slots": [], "kind": "inference"} for text in TYPED.values()]
    objection, text = await told(lying, lambda brief, messages: report(claims))
    assert not [way for way, lie in TYPED.items() if repr(lie) not in objection], "these ways are open"
    assert not [way for way, lie in TYPED.items() if lie in text]


async def test_numbers_bound_amiss(lying: Any) -> None:
    def lie(brief: Any, messages: Any) -> AIMessage:
        claims = []
        for text, slots in BOUND.values():
            used = {name: ref for name, ref in slots.items() if "{" + name.strip() + "}" in text} or slots
            claims.append({"text": text, "slots": refs(brief, used), "kind": "figure"})
        return report(claims)

    objection, _ = await told(lying, lie)
    assert not [way for way, (lie, _) in BOUND.items() if repr(lie) not in objection], "these ways are open"


@pytest.mark.parametrize("place", PLACES)
async def test_a_number_beside_the_claims(lying: Any, place: str) -> None:
    text = "A word on forty-seven and 4711"

    def lie(brief: Any, messages: Any) -> AIMessage:
        exposure = refs(brief, {"x": "exposure"})[0]["ref"]
        if place in ("title", "heading"):
            return report(**{place: text})
        if place == "caveat":
            return report(caveats=[text])
        if place == "table caption":
            return report(tables=[{"ref": exposure, "caption": text, "columns": [], "limit": 1}])
        titled = text if place == "chart title" else "Spend"
        if len(messages) < 4:
            return call(("make_chart", {"ref": exposure, "type": "bar", "title": titled, "x": "supplier", "y": ["spend"]}))
        return report(charts=[{"ref": "c0_0", "caption": text if place == "chart caption" else "Spend"}])

    objection, everything = await told(lying, lie)
    assert text in objection and text not in everything


async def test_a_reporter_that_never_gives_in_is_not_heard(lying: Any) -> None:
    runner, model = lying
    model.lies["reporter"] = lambda brief, messages: report([{"text": TYPED["spelled out"], "slots": [], "kind": "inference"}])
    try:
        outcome = await runner.run(TOP_FIVE)
    finally:
        model.lies.clear()
    text = shown(outcome)
    assert "forty-seven" not in text and "67.71 %" in text
    assert "the specialists' claims stand as they are" in text


@pytest.mark.parametrize("field", ["headline", "caveats", "gaps", "claims"])
async def test_a_number_of_a_specialist(lying: Any, field: str) -> None:
    runner, model = lying
    sent_back: list[int] = []

    def finance(brief: Any, messages: Any) -> Any:
        last = messages[-1]
        sent_back.append(refusals(messages, "Finding"))
        if last.type != "tool" or sent_back[-1]:
            return None
        text = "Some 4711 are forty-seven too many."
        finding = {"status": "complete", "headline": "Done.", "claims": [], "caveats": [], "gaps": []}
        finding["products"] = [{"product": "exposure", "call_id": last.tool_call_id}]
        wrong = {"headline": text, "claims": [{"text": text, "slots": [], "kind": "inference"}]}
        return say("Finding", **{**finding, field: wrong.get(field, [text])})

    model.lies["finance"] = finance
    try:
        outcome = await runner.run(TOP_FIVE)
    finally:
        model.lies.clear()
    assert sent_back[-1] == 1
    assert "4711" not in shown(outcome) and "forty-seven" not in shown(outcome)


async def test_a_number_of_the_verifier(lying: Any) -> None:
    runner, model = lying
    model.lies["verifier"] = lambda brief, messages: say(
        "Verdict", issues=[{"step": "s1", "severity": "error", "text": "Spend is off by 4711, forty-seven in all."}]
    )
    try:
        outcome = await runner.run(TOP_FIVE)
    finally:
        model.lies.clear()
    text = shown(outcome)
    assert "4711" not in text and "forty-seven" not in text and "the verifier gave no verdict" in text


@pytest.mark.parametrize("field", ["title", "why", "reason", "assumptions"])
async def test_a_number_of_the_planner(lying: Any, field: str) -> None:
    runner, model = lying
    honest = (await runner.run(TOP_FIVE, stop_at_plan=True)).plan
    turns: list[Any] = []

    def planner(brief: Any, messages: Any) -> Any:
        turns.append(brief["errors"])
        if len(turns) > 1:
            return None
        text = "Find the 4711 late suppliers, forty-seven of them"
        steps = [
            {
                "id": step["id"],
                "title": step["title"],
                "specialist": step["specialist"],
                "produces": step["produces"],
                "inputs": [{"name": name, "ref": ref} for name, ref in step["inputs"].items()],
                "depends_on": [],
                "for_each": None,
                "settings": [],
                "why": "",
                "alternatives": [],
                **({field: text} if field in ("title", "why") else {}),
            }
            for step in honest["steps"]
        ]
        plan = {"reason": "as asked", "steps": steps, "drop": [], "assumptions": []}
        plan |= {field: text} if field == "reason" else {field: [text]} if field == "assumptions" else {}
        return say("PlanDraft", **plan)

    model.lies["planner"] = planner
    try:
        outcome = await runner.run(TOP_FIVE, stop_at_plan=True)
    finally:
        model.lies.clear()
    assert len(turns) == 2 and any("types a number" in error for error in turns[1])
    assert "4711" not in str(outcome.plan)


async def test_a_number_of_intake(lying: Any) -> None:
    runner, model = lying
    lie = dict(kind="decline", products=[], exclude=[], settings=[], question=None, choices=[])
    model.lies["intake"] = lambda brief, messages: say(
        "Intake", **lie, reason="No need: the share is 4711, forty-seven of spend."
    )
    try:
        outcome = await runner.run(TOP_FIVE)
    finally:
        model.lies.clear()
    assert outcome.status == "declined" and "4711" not in outcome.message and "forty-seven" not in outcome.message


async def test_a_number_in_an_approval_is_flagged(tmp_path: Any) -> None:
    model = Liar()

    def escalation(brief: Any, messages: Any) -> Any:
        if messages[-1].type == "tool":
            return None
        args = {name: brief["step"]["item"][name] for name in ("supplier_id", "supplier", "severity", "owner", "due")}
        return call(("open_case", {**args, "title": "Forty-seven late lines", "reason": "They owe us 4711."}))

    model.lies["escalation"] = escalation
    async with product(tmp_path, model) as runner:
        outcome = await runner.run(FLAGSHIP)
    assert len(outcome.approvals) == 3
    for row in outcome.approvals:
        assert row["provenance"]["reason"] == "written by the model; no result has its numbers: 4711"
        assert row["provenance"]["title"] == "written by the model; no result has its numbers: Forty-seven"
        assert row["provenance"]["supplier"] == "from s7.approval_briefs, field supplier"


WORDS = ("most", "many", "No one", "one of the suppliers", "the first look", "third-party", "last quarter", "a mix of modes")


@pytest.mark.parametrize("text", WORDS)
def test_words_without_a_number_may_be_said(text: str) -> None:
    claim = Claim(text=f"Of {text} it can be said.", slots=[], kind="inference")
    assert not wrong_with(claim, Ground({}, "of No one"))
