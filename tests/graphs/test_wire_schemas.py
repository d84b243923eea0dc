"""Every schema as it is sent on the wire keeps to what OpenAI's strict structured outputs support."""

from collections.abc import Iterator
from typing import Any

import pytest
from langchain_core.utils.function_calling import convert_to_openai_tool
from pydantic import BaseModel

from graphs import wire
from graphs.saver import RESPONSES
from models.scripted import ScriptedModel
from tests.graphs.little import Yard, at_work

TYPES = {"object", "array", "string", "number", "integer", "boolean", "null"}
KEYWORDS = {"type", "properties", "required", "additionalProperties", "items", "enum", "const", "anyOf", "$defs", "$ref"}
WORDS = {"title", "description"}
DEPTH, PROPERTIES, STRING, ENUM, ENUM_STRING = 5, 5000, 120_000, 1000, 15_000
"""Limits: levels of nesting; properties in all; characters of all names and enum values; enum values in all; characters of one
enum of more than 250 values."""


def resolved(node: Any, defs: dict[str, Any]) -> Any:
    return defs[node["$ref"].rpartition("/")[2]] if "$ref" in node else node


def nodes(
    node: dict[str, Any], defs: dict[str, Any], path: str = "$", depth: int = 0
) -> Iterator[tuple[str, int, dict[str, Any]]]:
    """Every schema node with its path and its level of nesting (objects and arrays count)."""
    found = resolved(node, defs)
    level = depth + (found.get("type") == "object")
    yield path, level, {**found, **({"$ref": node["$ref"]} if "$ref" in node else {})}
    for name, child in found.get("properties", {}).items():
        yield from nodes(child, defs, f"{path}.{name}", level)
    for child in found.get("anyOf", ()):
        yield from nodes(child, defs, f"{path}|", level)
    if "items" in found:
        yield from nodes(found["items"], defs, f"{path}[]", level)


def violations(schema: dict[str, Any]) -> list[str]:
    """What strict mode would refuse."""
    defs, wrong = schema.get("$defs", {}), []
    if schema.get("type") != "object" or "anyOf" in schema:
        wrong.append("$: the root is no object")
    properties = letters = values = 0
    for path, level, node in nodes(schema, defs):
        wrong += [f"{path}: the keyword {key}" for key in sorted(set(node) - KEYWORDS - WORDS)]
        if node.get("type") not in TYPES and not {"anyOf", "enum", "const", "$ref"} & set(node):
            wrong.append(f"{path}: no known type")
        if node.get("type") == "object":
            names = set(node.get("properties", {}))
            if node.get("additionalProperties") is not False:
                wrong.append(f"{path}: additionalProperties is not false")
            if set(node.get("required", ())) != names:
                wrong.append(f"{path}: not required: {', '.join(sorted(names - set(node.get('required', ()))))}")
            properties += len(names)
            letters += sum(map(len, names))
        if node.get("type") == "array" and "items" not in node:
            wrong.append(f"{path}: an array of anything")
        if level > DEPTH:
            wrong.append(f"{path}: {level} levels deep")
        values += len(node.get("enum", ()))
        letters += sum(len(str(value)) for value in node.get("enum", ()))
        if len(node.get("enum", ())) > 250 and sum(len(str(v)) for v in node["enum"]) > ENUM_STRING:
            wrong.append(f"{path}: the enum is too long")
    for count, limit, what in (
        (properties, PROPERTIES, "properties"),
        (letters, STRING, "characters"),
        (values, ENUM, "enum values"),
    ):
        if count > limit:
            wrong.append(f"$: {count} {what}")
    return wrong


def sent(form: type[BaseModel]) -> dict[str, Any]:
    """The parameters of the tool that a model answers by."""
    schema: dict[str, Any] = convert_to_openai_tool(form)["function"]["parameters"]
    return schema


@pytest.mark.parametrize("name", RESPONSES)
def test_a_response_is_fit_for_strict_mode(name: str) -> None:
    form: type[BaseModel] = getattr(wire, name)
    assert not violations(form.model_json_schema())
    assert not violations(sent(form))


async def test_what_a_run_sends_is_what_was_checked(yard: Yard) -> None:
    """The five responses as the agents really bind them."""
    async with at_work(yard) as runner:
        await runner.run("a")
    assert isinstance(yard.model, ScriptedModel)
    bound = {tool["function"]["name"]: tool["function"]["parameters"] for tools in yard.model.bound for tool in tools}
    assert set(RESPONSES) <= set(bound)
    for name in RESPONSES:
        assert not violations(bound[name]), name


class Loose(BaseModel):
    """Breaks a rule with each field."""

    default: str = "x"
    anything: dict[str, str]
    short: list[Any]


def test_the_linter_sees_what_strict_mode_refuses() -> None:
    found = " ".join(violations(Loose.model_json_schema()))
    for part in ("not required: default", "additionalProperties is not false", "the keyword default", "no known type"):
        assert part in found
    deep: dict[str, Any] = {"type": "string"}
    for _ in range(6):
        deep = {"type": "object", "properties": {"a": deep}, "required": ["a"], "additionalProperties": False}
    assert "$.a.a.a.a.a: 6 levels deep" in violations(deep)
