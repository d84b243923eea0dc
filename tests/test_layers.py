"""The house has floors: a room imports only from floors below it, and the core imports nothing from a domain."""

import ast
from pathlib import Path

import pytest

from graphs.services import load_domain

ROOT = Path(__file__).parent.parent
FLOORS = {
    "settings": 0,
    "cancellation": 0,
    "database": 0,
    "together": -1,  # under the database
    "governance": 1,
    "models": 2,
    "memory": 2,
    "tools": 3,
    "graphs": 4,
    "app": 5,
    "evals": 6,
}
OF_THE_SAMPLE = ROOT / "evals" / "goals"  # goals for the sample domain, on its own records
DOMAINS = {path.name for path in (ROOT / "graphs" / "specialists").iterdir() if (path / "domain.py").exists()}


def sources() -> list[Path]:
    rooms = [ROOT / room for room in FLOORS if (ROOT / room).is_dir()]
    return [
        ROOT / "settings.py",
        ROOT / "cancellation.py",
        ROOT / "database.py",
        ROOT / "together.py",
        *(file for room in rooms for file in room.rglob("*.py")),
    ]


def imported(file: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return names


def room(name: str) -> str:
    return name.split(".")[0].removesuffix(".py")


@pytest.mark.parametrize("file", sources(), ids=lambda p: str(p.relative_to(ROOT)))
def test_a_room_imports_only_from_floors_below(file: Path) -> None:
    own = room(file.relative_to(ROOT).parts[0])
    above = {n for n in imported(file) if room(n) in FLOORS and room(n) != own and FLOORS[room(n)] >= FLOORS[own]}
    assert not above, f"{file.relative_to(ROOT)} (floor {FLOORS[own]}) imports {sorted(above)}"


@pytest.mark.parametrize("file", sources(), ids=lambda p: str(p.relative_to(ROOT)))
def test_the_core_imports_nothing_from_a_domain(file: Path) -> None:
    parts = set(file.relative_to(ROOT).parts)
    loads = file.name == "data_commands.py"  # the commands that load the sample domain's records
    if parts & DOMAINS or file.parent == OF_THE_SAMPLE or loads:
        return
    assert not {n for n in imported(file) if DOMAINS & set(n.split("."))}


def test_the_core_names_no_tool_of_a_domain() -> None:
    tools = {tool.name for name in DOMAINS for tool in load_domain(name).tools}
    core = [f for f in sources() if not set(f.relative_to(ROOT).parts) & DOMAINS and f.parent != OF_THE_SAMPLE]
    for file in core:
        texts = {node.value for node in ast.walk(ast.parse(file.read_text("utf-8"))) if isinstance(node, ast.Constant)}
        assert not texts & tools, f"{file.relative_to(ROOT)} names {sorted(map(str, texts & tools))}"


def test_the_checks_look_at_the_whole_house() -> None:
    assert len(sources()) > 50
    assert DOMAINS
