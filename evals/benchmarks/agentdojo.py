"""`make security`, which is `python -m evals.benchmarks.agentdojo …`: how the policy stands up to injections.

Suites, tasks and attacks are AgentDojo's, which has a virtual environment of its own (`requirements-benchmarks.lock`); the
manifests of banking and slack lie beside this file, and `--manifests` takes a directory of others, one TOML file a suite. The
agent is fully compromised and no model takes part: see `episode.py`. Only the core policies decide, none that knows a suite.
Exits 1 when a limit of `limits.py` does not hold.
"""

import argparse
import json
import sys
import tomllib
from dataclasses import asdict
from importlib.util import find_spec
from pathlib import Path

from evals.benchmarks.limits import broken
from evals.benchmarks.security import measure, table
from governance.manifest import ToolManifest

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
        print("AgentDojo is not installed here: `make security` makes an environment with it", file=sys.stderr)
        return 2
    from evals.benchmarks.dojo import worlds  # an optional package, and slow to load

    suites = worlds()
    known = {name: own for directory in chosen.manifests or [MANIFESTS] for name, own in manifests(directory).items()}
    if strange := sorted(set(known) - set(suites)):
        print(f"AgentDojo has no suite {', '.join(strange)}; it has {', '.join(suites)}", file=sys.stderr)
        return 2
    for name, own in known.items():
        if unlisted := sorted(suites[name].tools - set(own)):
            print(f"{name}: no manifest for {', '.join(unlisted)}, which therefore cannot be called", file=sys.stderr)
    scores = measure(suites, known, chosen.planned, chosen.show, chosen.short)
    print("\n".join(json.dumps(asdict(one)) for one in scores) if chosen.json else table(scores))
    wrong = broken(scores)
    for sentence in wrong:
        print(f"limit: {sentence}", file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    raise SystemExit(main())
