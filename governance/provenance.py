"""Where an argument comes from, in words for the person who must approve it. Called by the gateway; pure.

It says what can be shown: the user's own words, or a value of an earlier result. The rest was written by the model.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from governance.numerals import Answered, numbers

REQUEST = "from the request"
MODEL = "written by the model"
DEFAULT = "the tool's default"

Results = Mapping[str, Mapping[str, Any]]


def _said(value: Any, request: str) -> bool:
    """Does the request name the value as a word of its own? ("1" is not in "2015".)"""
    text = str(value).strip()
    return bool(text) and re.search(rf"(?<!\w){re.escape(text)}(?!\w)", request, re.IGNORECASE) is not None


def _fields(result: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, figure in (result.get("figures") or {}).items():
        yield name, figure.get("value") if isinstance(figure, Mapping) else figure
    for row in result.get("rows") or ():
        if isinstance(row, Mapping):
            yield from row.items()


def _origin(value: Any, request: str, inputs: Results, item: Mapping[str, Any], item_of: str) -> str:
    if value is None or isinstance(value, bool) or value == "":
        return MODEL  # too common a value to be traced to anything
    if _said(value, request):
        return REQUEST
    if isinstance(value, str) and value in inputs:
        return f"the result {value}"
    for field, one in item.items():
        if str(one) == str(value):
            return f"from {item_of or 'the row this step is about'}, field {field}"
    for ref, result in inputs.items():
        for field, one in _fields(result):
            if not isinstance(one, Mapping | list) and str(one) == str(value):
                return f"from {ref}, field {field}"
    return MODEL + _unanswered(value, request, inputs, item)


def _unanswered(value: Any, request: str, inputs: Results, item: Mapping[str, Any]) -> str:
    """The numbers in the model's own words that neither the request nor a result has, as a warning."""
    if not isinstance(value, str):
        return ""
    known = [str(one) for one in item.values()] + [str(one) for result in inputs.values() for _, one in _fields(result)]
    wrong = numbers(value, Answered(tuple(known), (request,)))
    return f"; no result has its numbers: {', '.join(wrong)}" if wrong else ""


def provenance(
    args: Mapping[str, Any],
    given: Mapping[str, Any],
    request: str,
    inputs: Results,
    item: Mapping[str, Any] | None = None,
    item_of: str = "",
) -> dict[str, str]:
    """Where each argument comes from. `given` are those the model passed (the others are defaults), `inputs` the earlier
    results by reference ("s2.exposure"), `item` the row of a repeated step, of the result `item_of`. A list names each source once."""
    found: dict[str, str] = {}
    for name, value in args.items():
        if name not in given:
            found[name] = DEFAULT
            continue
        parts = list(value) if isinstance(value, Sequence) and not isinstance(value, str) and value else [value]
        found[name] = "; ".join(dict.fromkeys(_origin(part, request, inputs, item or {}, item_of) for part in parts))
    return found
