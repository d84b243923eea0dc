"""Policy files: read, checked against the schema, hashed. Made once at the start, and again at a reload; used by the engine.

A policy is refused with its file and line unless it parses, fits the schema, and says what people need to know of it: an
`@id` of its own and, for a forbid, `@outcome` (approve or deny) and `@reason`; for approve also `@approver`, which is a role,
several separated by commas, or `tool` for the roles that the tool's manifest names, and it may say `@escalate`: the roles that
may decide as well when nobody has for a while.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import cedarpy

POLICIES = Path(__file__).parent / "policies"
SCHEMA = "schema.cedarschema"
SAID = ("id", "outcome", "reason", "approver", "quorum", "separate", "escalate")  # what a policy may say of itself


class BadPolicy(ValueError):
    """A policy or schema file that cannot be used; the message names the file, the line and what is wrong."""

    @property
    def where(self) -> str:
        """ "file:line", or the file alone."""
        return str(self).partition(": ")[0]


@dataclass(frozen=True)
class Rule:
    """What a policy says of itself. `approver` is empty for a permit and a plain denial; `where` is "file:line".

    `roles` are those it looks for among the roles of whoever asks, `escalate` those that may decide in the end.
    """

    id: str
    permits: bool
    outcome: str
    reason: str
    approver: str
    quorum: int
    separate: bool
    where: str
    roles: frozenset[str] = frozenset()
    escalate: tuple[str, ...] = ()


@dataclass(frozen=True)
class Bundle:
    """Parsed policies. `version` is the hash of schema and policies, whatever files they lie in; `texts` are those files by name,
    the schema's among them. `roles` are all that the policies ask whether whoever asks has them."""

    policies: cedarpy.PolicySet
    schema: cedarpy.Schema
    rules: Mapping[str, Rule]
    version: str
    texts: Mapping[str, str]

    @property
    def roles(self) -> frozenset[str]:
        return frozenset(role for rule in self.rules.values() for role in rule.roles)


def load(*rooms: str, root: Path = POLICIES) -> Bundle:
    """The bundle of these folders or files under `root`, such as "core" and "supply_chain". Raises `BadPolicy`."""
    files = [file for room in rooms for file in _files(root / room)]
    return bundle(_text(root / SCHEMA), {str(file.relative_to(root)): _text(file) for file in files})


def bundle(schema_text: str, files: Mapping[str, str]) -> Bundle:
    """A bundle of texts by file name. Raises `BadPolicy`."""
    try:
        schema = cedarpy.Schema.from_str(schema_text)
    except ValueError as error:
        raise BadPolicy(f"{SCHEMA}: {error}") from error
    rules: dict[str, Rule] = {}
    texts: list[str] = []
    for file, text in files.items():
        for line, statement in statements(text):
            rule = _rule(statement, schema, f"{file}:{line}")
            if rule.id in rules:
                raise BadPolicy(f"{rule.where}: there is already a policy {rule.id}, at {rules[rule.id].where}")
            rules[rule.id] = rule
            texts.append(statement)
    if not any(rule.permits for rule in rules.values()):
        raise BadPolicy(f"no policy in {', '.join(files) or 'no files'} permits anything")
    every = {**files, SCHEMA: schema_text}
    return Bundle(cedarpy.PolicySet.from_str("\n".join(texts)), schema, rules, version_of(every), every)


def version_of(texts: Mapping[str, str]) -> str:
    """The version of the bundle of these files, the schema's among them. Comments between policies do not count."""
    policies = sorted(text for file, whole in texts.items() if file != SCHEMA for _, text in statements(whole))
    whole = "\0".join((texts.get(SCHEMA, ""), *policies))
    return f"cedar-{hashlib.sha256(whole.encode()).hexdigest()[:32]}"


def statements(text: str) -> Iterator[tuple[int, str]]:
    """The policies of a file with the line each begins at. A semicolon ends one, but not within a string or a comment."""
    start = at = 0
    while at < len(text):
        if text.startswith("//", at):
            at = end if (end := text.find("\n", at)) >= 0 else len(text)
            if not text[start:at].partition("//")[0].strip():
                start = at  # a comment before a policy belongs to none
            continue
        if text[at] == '"':
            at += 1
            while at < len(text) and text[at] != '"':
                at += 2 if text[at] == "\\" else 1
        elif text[at] == ";":
            yield _begins(text, start), text[start : at + 1].strip()
            start = at + 1
        at += 1
    if text[start:].strip():
        yield _begins(text, start), text[start:].strip()


def _begins(text: str, start: int) -> int:
    lead = len(text[start:]) - len(text[start:].lstrip())
    return text.count("\n", 0, start + lead) + 1


def _rule(statement: str, schema: cedarpy.Schema, where: str) -> Rule:
    try:
        parsed = json.loads(cedarpy.policies_to_json_str(statement))["staticPolicies"]
    except ValueError as error:
        raise BadPolicy(f"{where}: {error}") from error
    if len(parsed) != 1:
        raise BadPolicy(f"{where}: this is not one policy without slots")
    checked = cedarpy.validate_policies(statement, schema)
    if not checked:
        raise BadPolicy(f"{where}: {'; '.join(dict.fromkeys(one.error for one in checked.errors))}")
    (policy,) = parsed.values()
    described = _described(policy.get("annotations") or {}, policy["effect"] == "permit", where)
    return replace(described, roles=frozenset(_roles(policy["conditions"])))


def _roles(node: Any) -> Iterator[str]:
    """The values that a parsed policy compares with `context.roles`."""
    if isinstance(node, list):
        for one in node:
            yield from _roles(one)
    elif isinstance(node, dict):
        for name, inner in node.items():
            if name.startswith("contains") and inner["left"] == {".": {"left": {"Var": "context"}, "attr": "roles"}}:
                values = inner["right"].get("Set") or [inner["right"]]
                yield from (str(value["Value"]) for value in values if "Value" in value)
            yield from _roles(inner)


def _described(said: Mapping[str, str], permits: bool, where: str) -> Rule:
    outcome, quorum = said.get("outcome", ""), said.get("quorum", "1")
    further = tuple(role.strip() for role in said.get("escalate", "").split(","))
    strange = ", ".join(f"@{name}" for name in said if name not in SAID)
    wrong: Sequence[tuple[bool, str]] = (
        (bool(strange), f"there is no annotation {strange}; there are: {', '.join(f'@{name}' for name in SAID)}"),
        (not said.get("id"), "a policy needs an @id"),
        (not permits and outcome not in ("approve", "deny"), 'a forbid needs @outcome("approve") or @outcome("deny")'),
        (not permits and not said.get("reason"), "a forbid needs a @reason that people can read"),
        (outcome == "approve" and not said.get("approver"), "who may approve? name a role in @approver"),
        ("escalate" in said and outcome != "approve", "only what is asked of people can be escalated: @escalate needs approve"),
        ("escalate" in said and not all(further), "@escalate names roles, separated by commas"),
        (not quorum.isdecimal() or quorum == "0", f"@quorum is a number of people, not {quorum!r}"),
        (said.get("separate", "requester") != "requester", '@separate can be "requester" only'),
    )
    for is_wrong, message in wrong:
        if is_wrong:
            raise BadPolicy(f"{where}: {message}")
    reason, approver = said.get("reason", ""), said.get("approver", "")
    rule = Rule(said["id"], permits, outcome, reason, approver, int(quorum), "separate" in said, where)
    return replace(rule, escalate=further if "escalate" in said else ())


def policy_files(path: Path) -> list[Path]:
    """The policy files of a folder in their order, or the one file that it is; none if there are none."""
    return [path] if path.is_file() else sorted(path.glob("*.cedar"))


def _files(path: Path) -> list[Path]:
    if found := policy_files(path):
        return found
    raise BadPolicy(f"{path}: there is no policy file here")


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadPolicy(f"{path}: {error}") from error
