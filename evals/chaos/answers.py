"""Answers without what may differ between two runs of the same goal, so that the rest can be compared as it is.

Left out or replaced, and nothing else:
- ids of tool calls, which are drawn at random for each call;
- numbers of cases, which are given in the order in which parallel steps open them: the supplier stands in for the number;
- the order of the lines on approvals, which is that in which parallel steps asked for them;
- the time at which a case was opened, which is the clock's.
Case rows and records are found by their field (`case_id`, table `cases`), texts by the words "Case N" and "cases WHERE id = N".
"""

import difflib
import json
import re
from collections.abc import Mapping
from typing import Any

_TEXT = re.compile(r"\b(Case |cases WHERE id = )(\d+)\b")


def normal(value: Any, cases: Mapping[int, str]) -> Any:
    """An answer (or a part of one) with the names of `cases` for their numbers and without ids and times."""
    if isinstance(value, str):
        return _TEXT.sub(lambda found: f"{found[1]}<{cases.get(int(found[2]), found[2])}>", value)
    if isinstance(value, list):
        return [normal(item, cases) for item in value]
    if not isinstance(value, dict):
        return value
    plain = {key: normal(item, cases) for key, item in value.items() if key not in ("call_id", "opened_at")}
    if isinstance(plain.get("decisions"), list):
        plain["decisions"] = sorted(plain["decisions"])
    if isinstance(plain.get("case_id"), int):
        plain["case_id"] = cases.get(plain["case_id"], plain["case_id"])
    if plain.get("table") == "cases":
        plain["keys"] = re.sub(r"\d+", lambda found: cases.get(int(found[0]), found[0]), str(plain["keys"]))
    if str(plain.get("ref", "")).endswith(".case_id"):
        plain["value"] = plain["shown"] = cases.get(int(plain["value"]), plain["value"])
    return plain


def difference(expected: Any, found: Any) -> list[str]:
    """The lines in which two normal answers differ; none if they are equal."""
    old, new = (json.dumps(one, indent=1, sort_keys=True, ensure_ascii=False).splitlines() for one in (expected, found))
    lines = difflib.unified_diff(old, new, "undisturbed", "after the kill", lineterm="", n=0)
    return [line for line in lines if line[:1] in "+-"][2:]
