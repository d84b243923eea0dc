"""Arguments in their normal form, and records merged without being expanded."""

from dataclasses import replace
from typing import Any

import pytest
from pydantic import BaseModel

from tests.tools.cases import TOOLS
from tools.arguments import InvalidArguments, check, check_refs, checker
from tools.calls import touched
from tools.registry import Registry
from tools.results import Records, product_ref


def test_the_normal_form_has_defaults_and_json_values_and_is_stable() -> None:
    look = Registry(TOOLS)["look"]
    normal = check(look, {"times": 2})
    assert normal == {"key": "a", "times": "2", "exposure": None} == check(look, normal)


def test_a_checker_knows_its_tools() -> None:
    named = checker(Registry(TOOLS))
    assert named("send", {"who": "Cipla", "amount": "7"}) == {"who": "Cipla", "amount": 7}
    with pytest.raises(InvalidArguments, match="there is no tool rm"):
        named("rm", {})
    with pytest.raises(InvalidArguments, match="who: Field required"):
        named("send", {})


class AnyResult(BaseModel):
    refs: list[str] = product_ref("*")


def test_references_name_results_of_the_step() -> None:
    look = Registry(TOOLS)["look"]
    drawing = replace(look, args=AnyResult)
    inputs = {"s1.exposure": {}, "s2.lanes": {}}
    check_refs(look, {"exposure": None}, inputs)
    check_refs(look, {"exposure": "s1.exposure"}, inputs)
    check_refs(drawing, {"refs": ["s1.exposure", "s2.lanes"]}, inputs)
    with pytest.raises(InvalidArguments, match=r"'s2\.lanes' names no exposure result of this step; there is s1\.exposure"):
        check_refs(look, {"exposure": "s2.lanes"}, inputs)
    with pytest.raises(InvalidArguments, match=r"'s3\.lanes' names no result of this step; there is none"):
        check_refs(drawing, {"refs": ["s3.lanes"]}, {})


def test_records_are_merged_by_table() -> None:
    def part(table: str, keys: str) -> dict[str, Any]:
        return {"records": {"table": table, "keys": keys, "count": 0}}

    rows = [part("a", "1-3,9"), part("b", "5"), {"records": None}]
    found = touched({"rows": rows, "figures": {"x": part("a", "4,2-3,11-20")}})
    assert found == ({"table": "a", "keys": "1-4,9,11-20", "count": 15}, {"table": "b", "keys": "5", "count": 1})
    assert found[0]["count"] == len(Records(**found[0]).expand())
    assert touched({"case": 1}) == ()
