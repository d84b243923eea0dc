"""Prompts say what is true: their sections, the tools they name, and examples that code would accept."""

import json
import re
from collections.abc import Iterator
from typing import Any, get_args

import pytest
from pydantic import BaseModel

from governance.numerals import numbers
from graphs.claims import wrong_with
from graphs.ground import Ground
from graphs.plan import Plan, check
from graphs.specialists.base import Specialist, offers
from graphs.specialists.core import core_roles
from graphs.specialists.supply_chain.domain import domain
from graphs.wire import Claim, Finding, Intake, PlanDraft, Report, Verdict
from settings import Settings
from tests.supply_chain.bench import Bench
from tools.arguments import check as check_arguments
from tools.charts import make_chart
from tools.registry import Tool
from tools.results import UnknownPath, lookup
from tools.supply_chain.demo import PLANTED, make_demo
from tools.supply_chain.demo_company import SUPPLIERS
from tools.supply_chain.store import open_records

DOMAIN = domain()
TOOLS: dict[str, Tool] = {tool.name: tool for tool in (*DOMAIN.tools, make_chart)}
PRODUCTS = {product.name for product in DOMAIN.products}
CORE = core_roles(DOMAIN)
ROLES = (*CORE, *DOMAIN.specialists)
FINDERS = [role for role in ROLES if role.response is Finding]
PLACE = next(one.country for one in SUPPLIERS if one.country)
COUNT = "SELECT COUNT(*) AS line_count, SUM(value_usd) AS spend FROM orders"
CALL = re.compile(r"^call (\w+) (\{.*\})$", re.MULTILINE)
FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)

each_role = pytest.mark.parametrize("role", ROLES, ids=lambda role: role.name)
each_finder = pytest.mark.parametrize("role", FINDERS, ids=lambda role: role.name)


def text_of(role: Specialist) -> str:
    return role.prompt.read_text(encoding="utf-8")


def section(role: Specialist, heading: str) -> str:
    """The text under a `##` heading; empty if there is none."""
    found = re.search(rf"^## {heading}$\n(.*?)(?=^## |\Z)", text_of(role), re.MULTILINE | re.DOTALL)
    return found[1] if found else ""


def answers(role: Specialist) -> list[Any]:
    """The examples' answers, read as the type the role answers with."""
    blocks = [body for kind, body in FENCE.findall(section(role, "Examples")) if kind == "json"]
    return [role.response.model_validate(json.loads(body)) for body in blocks]


def calls(role: Specialist) -> list[tuple[str, dict[str, Any]]]:
    return [(name, json.loads(args)) for name, args in CALL.findall(section(role, "Examples"))]


def claims(answer: BaseModel) -> Iterator[Claim]:
    if isinstance(answer, Finding):
        yield from answer.claims
    elif isinstance(answer, Report):
        for part in answer.sections:
            yield from part.claims


@each_role
def test_a_prompt_has_its_version_and_sections(role: Specialist) -> None:
    text = text_of(role)
    assert re.match(r"<!-- version: [1-9]\d* -->\n", text), "the first line is the version"
    headings = re.findall(r"^##? .+$", text, re.MULTILINE)
    assert headings[0].startswith("# Role: ")
    wanted = ["## Input", *(["## Tools"] if role.tools else []), "## Rules", "## Examples", "## When something fails"]
    assert [heading for heading in headings if heading in wanted] == wanted
    assert 40 <= text.count("\n") <= 110, "long enough to work by, short enough to be read"


@each_role
def test_it_describes_exactly_its_own_tools(role: Specialist) -> None:
    described = re.findall(r"^- `(\w+)`:", section(role, "Tools"), re.MULTILINE)
    assert sorted(described) == sorted(role.tools)
    # some tools are named like the product they make, and a prompt may well speak of another specialist's product
    named = set(re.findall(r"\w+", text_of(role))) & set(TOOLS) - PRODUCTS
    assert named <= set(role.tools), "a prompt names no tool of somebody else"


@each_role
def test_two_examples_are_answers_that_would_be_accepted(role: Specialist) -> None:
    found = answers(role)
    assert len(found) >= 2
    for answer in found:
        for one in claims(answer):
            assert {slot.name for slot in one.slots} == set(re.findall(r"\{(\w+)\}", one.text))


@each_role
def test_the_calls_in_examples_fit_the_tools(role: Specialist) -> None:
    made = calls(role)
    assert bool(made) == bool(role.tools), "a role with tools shows a call of one"
    for name, args in made:
        assert name in role.tools
        check_arguments(TOOLS[name], args)


@each_finder
def test_a_specialist_shows_a_good_end_and_another(role: Specialist) -> None:
    good, other = answers(role)
    assert good.status == "complete" and good.products and not good.gaps
    for answer in (good, other):
        assert not numbers(answer.headline)
        assert answer.status != "unable" or (answer.gaps and not answer.products and not answer.claims)
        made = {TOOLS[name].produces for name in role.tools}
        assert {item.product for item in answer.products} <= made
        assert answer.status != "partial" or answer.gaps


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """Every product that a read tool of the domain makes, from the generated company."""
    records = open_records(Settings(home=tmp_path_factory.mktemp("home")))
    make_demo(records.writing)
    made = Bench(records)
    for tool in DOMAIN.tools:
        if tool.manifest.effect == "read" and f"s.{tool.produces}" not in made.products:
            made.run(tool, **arguments(tool))
    yield made
    records.close()


def arguments(tool: Tool) -> dict[str, Any]:
    """Arguments that a tool accepts on the generated company: references to earlier products, and what is required beside."""
    given = {
        "supplier": PLANTED.late,
        "name": PLANTED.late,
        "countries": [PLACE],
        "result_ref": "s.suppliers",
        "sql": COUNT,
        "compare_years": [2013],
    }
    args: dict[str, Any] = {}
    for name, info in tool.args.model_fields.items():
        extra = info.json_schema_extra if isinstance(info.json_schema_extra, dict) else {}
        if extra.get("product", "*") != "*":
            args[name] = f"s.{extra['product']}"
        elif info.is_required():
            args[name] = given[name]
    return args


@each_finder
def test_references_in_examples_lead_to_values(role: Specialist, bench: Bench) -> None:
    for answer in answers(role):
        for slot in (slot for one in answer.claims for slot in one.slots):
            resolve(slot.ref, bench)


def goal_of(role: Specialist) -> str:
    """The goals of a role's examples, and what they say of themselves: the user's words."""
    return re.sub(r"^```json\n.*?^```$", "", section(role, "Examples"), flags=re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("role", [*FINDERS, *(role for role in CORE if role.response is Report)], ids=lambda role: role.name)
def test_claims_in_examples_keep_the_rules(role: Specialist, bench: Bench) -> None:
    """On products as they really are; rows that an effect would make, or that are not there yet, are left out."""
    for answer in answers(role):
        for one in claims(answer):
            prefixes = {re.split(r"\.(?:figures|rows)\b", slot.ref)[0] for slot in one.slots}
            made = {prefix: bench.products.get(f"s.{prefix.rpartition('.')[2]}") for prefix in prefixes}
            if all(data and data["rows"] for data in made.values()):
                known = {prefix: data for prefix, data in made.items() if data}
                assert not wrong_with(one, Ground(known, goal_of(role), "2026-03-02"))


def test_references_of_the_reporter_lead_to_values(bench: Bench) -> None:
    for answer in answers(role_of("reporter")):
        for slot in (slot for one in claims(answer) for slot in one.slots):
            resolve(slot.ref.partition(".")[2], bench)
        for table in (table for part in answer.sections for table in part.tables):
            fields = {column["field"] for column in bench.products[f"s.{table.ref.partition('.')[2]}"]["columns"]}
            assert set(table.columns) <= fields


def resolve(ref: str, bench: Bench) -> None:
    """Look a reference up in a real product; an effect's row, and rows that few records have, by their declared fields."""
    product, _, path = ref.partition(".")
    row = re.fullmatch(r"rows\[\d+\]\.(\w+)", path)
    maker = next(tool for tool in TOOLS.values() if tool.produces == product)
    if row and product != "query":
        fields = get_args(maker.result.model_fields["rows"].annotation)[0].model_fields
        assert row[1] in fields, f"{product} has no field {row[1]}"
    elif maker.manifest.effect == "read":
        try:
            lookup(bench.products[f"s.{product}"], path)
        except UnknownPath as error:
            pytest.fail(f"{ref}: {error.args[0]}")
    else:
        pytest.fail(f"{ref}: an effect's result has rows only")


def role_of(name: str) -> Specialist:
    return next(role for role in CORE if role.name == name)


def test_the_planner_shows_plans_that_pass_the_checks() -> None:
    first, revision = answers(role_of("planner"))
    assert isinstance(first, PlanDraft) and isinstance(revision, PlanDraft)
    every = offers(DOMAIN.specialists, TOOLS)
    known: dict[str, set[str]] = {}
    for offer in every:
        known.setdefault(offer.specialist.name, set()).add(offer.product)
    kept = [step("s1", "procurement", "suppliers"), step("s2", "finance", "exposure"), step("s3", "shipments", "deliveries")]
    for steps in ([typed(draft) for draft in first.steps], [*kept, *(typed(draft) for draft in revision.steps)]):
        assert not check(Plan.model_validate({"steps": steps}), known)
        for one in steps:
            own = (
                offer for offer in every if (offer.specialist.name, offer.product) == (one["specialist"], one["produces"][0])
            )
            assert one in kept or {product for offer in own for product in offer.consumes} <= set(one["inputs"])
    assert {draft.id for draft in revision.steps}.isdisjoint(revision.drop)


def step(id: str, specialist: str, product: str) -> dict[str, Any]:
    return {"id": id, "title": id, "specialist": specialist, "produces": [product], "inputs": {}}


def typed(draft: Any) -> dict[str, Any]:
    shown = {**step(draft.id, draft.specialist, ""), "produces": list(draft.produces), "for_each": draft.for_each}
    return {**shown, "inputs": {item.name: item.ref for item in draft.inputs}}


def test_intake_shows_each_kind_with_products_of_the_catalogue() -> None:
    shown = answers(role_of("intake"))
    assert [one.kind for one in shown] == ["goal", "clarify", "decline"]
    for one in shown:
        assert isinstance(one, Intake)
        assert set(one.products) | set(one.exclude) <= PRODUCTS
        assert {item.name for item in one.settings} <= set(DOMAIN.settings)
        assert (one.question is not None) == (one.kind == "clarify") and (one.reason is not None) == (one.kind == "decline")


def test_the_verifier_writes_issues_without_figures() -> None:
    for verdict in answers(role_of("verifier")):
        assert isinstance(verdict, Verdict) and verdict.issues
        assert not any(numbers(issue.text) for issue in verdict.issues)


def test_the_reporter_shows_charts_it_made_and_no_typed_figure() -> None:
    made = re.findall(r"^result (\w+): product chart$", section(role_of("reporter"), "Examples"), re.MULTILINE)
    for report in answers(role_of("reporter")):
        texts = (report.title, *(part.heading for part in report.sections), *report.caveats)
        assert not any(numbers(text) for text in texts)
        assert {chart.ref for part in report.sections for chart in part.charts} <= set(made)
