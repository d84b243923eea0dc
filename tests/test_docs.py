"""What the documents name exists: rules, files, tests and commands of docs/controls.md and docs/threats.md, and locked hashes."""

import ast
import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import typer

from app.cli import app
from app.supply_chain.commands import mount
from governance.bundle import POLICIES, statements

ROOT = Path(__file__).parent.parent
CONTROLS, THREATS = (ROOT / "docs" / name for name in ("controls.md", "threats.md"))
RISKS = [f"ASI{number:02}" for number in range(1, 11)]
BY_ITSELF = ("governance/cedar.py", "tools/gateway.py")  # denials that no policy gives


def rows() -> Iterator[tuple[str, list[str]]]:
    """The rows of the controls' tables: the heading each stands under, and its cells."""
    heading = ""
    for line in CONTROLS.read_text(encoding="utf-8").splitlines():
        heading = line.removeprefix("## ") if line.startswith("## ") else heading
        if line.startswith("| ") and not line.startswith("| control |"):
            yield heading, [cell.strip() for cell in line.strip("|").split(" | ")]


def quoted(text: str) -> list[str]:
    return re.findall(r"`([^`]+)`", text)


def named(column: int) -> list[str]:
    return sorted({one for _, cells in rows() for one in quoted(cells[column])})


def rules() -> set[str]:
    """Every id of a policy, and the texts of what denies by itself."""
    found = {
        one
        for file in POLICIES.rglob("*.cedar")
        for _, policy in statements(file.read_text(encoding="utf-8"))
        for one in re.findall(r'@id\("([^"]+)"\)', policy)
    }
    for source in BY_ITSELF:
        tree = ast.walk(ast.parse((ROOT / source).read_text(encoding="utf-8")))
        found |= {node.value for node in tree if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    return found


def names_in(file: Path) -> set[str]:
    nodes = ast.walk(ast.parse(file.read_text(encoding="utf-8")))
    return {node.name for node in nodes if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}


def whole() -> Any:
    """The command line with the domain's commands, as `main` mounts them, leaving the app that other tests share as it is."""
    mount(domain := typer.Typer())
    found: Any = typer.main.get_command(app)
    found.commands = {**found.commands, **typer.main.get_group(domain).commands}
    return found


def missing(command: str) -> str:
    """What a documented command names that is not there; empty when all of it is."""
    first, *words = command.split()
    if first == "make":
        targets = re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
        return "" if words[0] in targets else f"no target {words[0]}"
    if first != "clearance":
        return f"{first} is no command of ours"
    found: Any = whole()
    while words and hasattr(found, "commands") and not words[0].startswith("--"):
        name = words.pop(0)
        if name not in found.commands:
            return f"no command {name}"
        found = found.commands[name]
    if hasattr(found, "commands") and not found.invoke_without_command:
        return "it takes one more word"
    arguments = [one for one in found.params if one.param_type_name == "argument"]
    options = {name: one for one in found.params if one.param_type_name == "option" for name in one.opts}
    plain: list[str] = []
    for before, word in pairwise(["", *words]):
        if word.startswith("--") and word not in options:
            return f"no option {word}"
        if not word.startswith("--") and (before not in options or options[before].is_flag):
            plain.append(word)
    wanted = sum(one.required for one in arguments)
    return "" if wanted <= len(plain) <= len(arguments) else f"takes {wanted} to {len(arguments)} words"


def test_every_risk_has_its_controls() -> None:
    assert sorted({heading.split()[0] for heading, _ in rows()}) == RISKS
    assert all(len(cells) == 4 and all(map(quoted, cells[1:])) for _, cells in rows())


@pytest.mark.parametrize("rule", named(1))
def test_a_named_rule_or_file_exists(rule: str) -> None:
    assert (ROOT / rule).is_file() if "." in rule else rule in rules()


def test_every_policy_is_named() -> None:
    ids = {one for file in POLICIES.rglob("*.cedar") for one in re.findall(r'@id\("([^"]+)"\)', file.read_text("utf-8"))}
    assert ids - set(named(1)) == {"granted", "plans"}, "all but the two that permit"


@pytest.mark.parametrize("test", sorted({*named(2), *re.findall(r"`(tests/[^`]+)`", THREATS.read_text(encoding="utf-8"))}))
def test_a_named_test_exists(test: str) -> None:
    file, _, name = test.partition("::")
    assert name.startswith("test_") and name in names_in(ROOT / file)


@pytest.mark.parametrize("command", named(3))
def test_a_named_command_exists(command: str) -> None:
    assert missing(command) == ""


@pytest.mark.parametrize(
    ("command", "what"),
    [
        ("make gold", "no target gold"),
        ("clearance audit burn", "no command burn"),
        ("clearance audit", "it takes one more word"),
        ("clearance audit verify --twice", "no option --twice"),
        ("clearance audit show", "takes 1 to 1 words"),
        ("clearance audit head now", "takes 0 to 0 words"),
        ("rm --all", "rm is no command of ours"),
    ],
)
def test_a_command_that_is_not_there_is_seen(command: str, what: str) -> None:
    assert missing(command) == what


def test_every_file_that_the_threats_name_exists() -> None:
    files = re.findall(r"`([\w/]+\.(?:py|md|sh|cedar))`", THREATS.read_text(encoding="utf-8"))
    assert files and [one for one in files if not (ROOT / one).is_file()] == []


@pytest.mark.parametrize("lock", ["requirements.lock", "requirements-dev.lock", "requirements-benchmarks.lock"])
def test_every_locked_package_has_its_hash(lock: str) -> None:
    wanted = re.split(r"\n(?=[a-z0-9])", (ROOT / lock).read_text(encoding="utf-8"))[1:]
    assert wanted and all(re.match(r"[\w.\[\]-]+==\S+", one) and "--hash=sha256:" in one for one in wanted)
    setup = (ROOT / "setup.sh").read_text(encoding="utf-8").splitlines()
    assert all("--require-hashes" in line for line in setup if '-r "$lock"' in line)
