"""`python -m evals.benchmarks.agentdojo [--manifests DIR] [--planned] [--short] …`: how the policy stands up to injections.

Suites, tasks and attacks are AgentDojo's (`pip install "clearance[benchmarks]"`); the manifests of banking and slack lie
beside this file, and `--manifests` takes a directory of others, one TOML file a suite. The agent is fully compromised and no
model takes part: see `episode.py`. Only the core policies decide, none that knows a suite.
"""

import argparse
import json
import sys
import tomllib
from dataclasses import asdict
from importlib.util import find_spec
from pathlib import Path

from governance.manifest import ToolManifest

VERSION = "v1.2.2"
MANIFESTS = Path(__file__).parent / "manifests"


def manifests(directory: Path) -> dict[str, dict[str, ToolManifest]]:
    """The tools' manifests by suite, from `<suite>.toml` files."""
    return {
        file.stem: {
            name: ToolManifest.model_validate(one) for name, one in tomllib.loads(file.read_text(encoding="utf-8")).items()
        }
        for file in sorted(directory.glob("*.toml"))
    }


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m evals.benchmarks.agentdojo", description="Security benchmark, no model.")
    parser.add_argument("--manifests", type=Path, action="append", help="a directory of <suite>.toml; may be given twice")
    parser.add_argument("--planned", action="store_true", help="tell the engine the tools of the user's task, as a plan would")
    parser.add_argument(
        "--short", action="store_true", help="the stock wording only: no rewording, no late or one-argument attack"
    )
    parser.add_argument("--json", action="store_true", help="JSON lines instead of a table")
    parser.add_argument("--show", action="store_true", help="name the attacker's effects that ran and the user's that did not")
    chosen = parser.parse_args(arguments)
    if find_spec("agentdojo") is None:
        print('AgentDojo is not installed: pip install "clearance[benchmarks]"', file=sys.stderr)
        return 2
    from agentdojo.task_suite.load_suites import get_suites  # an optional package, and slow to load

    from evals.benchmarks.security import measure, table

    known = {name: own for directory in chosen.manifests or [MANIFESTS] for name, own in manifests(directory).items()}
    suites = get_suites(VERSION)
    if strange := sorted(set(known) - set(suites)):
        print(f"AgentDojo has no suite {', '.join(strange)}; it has {', '.join(suites)}", file=sys.stderr)
        return 2
    scores = measure(suites, known, chosen.planned, chosen.show, chosen.short)
    print("\n".join(json.dumps(asdict(one)) for one in scores) if chosen.json else table(scores))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
