# Two commands are all a newcomer needs: `make run` and `make test`. Both set up .venv by themselves.
.DEFAULT_GOAL := run
.PHONY: run test clients page pictures bench chaos goals tamper security lint sbom lock clean
PORT ?= 2024

run: .venv/.run
	@.venv/bin/clearance data demo --if-empty
	@exec .venv/bin/clearance serve --port $(PORT)

# bytecode is kept even where the environment says otherwise: hundreds of processes import the same modules
test: .venv/.dev
	@PYTHONDONTWRITEBYTECODE= .venv/bin/python -m pytest -n auto --dist loadfile

# the JavaScript clients that the service is tried with, and what the page is tried with; without them their tests are skipped. Needs Node
clients:
	@npm ci --prefix tests/service/js --ignore-scripts --no-audit --no-fund --silent
	@npm ci --prefix ui --ignore-scripts --no-audit --no-fund --silent

# the page that the service shows at /: from ui/ to app/static, which is committed. Needs Node
page:
	@cd ui && npm ci --ignore-scripts --no-audit --no-fund --silent && npm run --silent build

pictures: .venv/.dev
	@.venv/bin/python -m tests.ui.pictures

bench: .venv/.dev
	@.venv/bin/python -m evals.bench $(ARGS)

chaos: .venv/.dev
	@.venv/bin/python -m evals.chaos $(ARGS)
	@.venv/bin/python -m evals.chaos.service $(SERVICE_ARGS)

goals: .venv/.dev
	@.venv/bin/python -m evals.goals.run $(ARGS)

tamper: .venv/.dev
	@.venv/bin/python -m evals.tamper $(ARGS)

security: .venv-benchmarks/.run
	@.venv-benchmarks/bin/python -m evals.benchmarks.agentdojo $(ARGS)

lint: .venv/.dev
	@.venv/bin/ruff check .
	@.venv/bin/ruff format --check .
	@.venv/bin/mypy

sbom: .venv/.dev
	@mkdir -p build
	@.venv/bin/cyclonedx-py requirements --pyproject pyproject.toml --output-reproducible -o build/sbom.cdx.json requirements.lock
	@echo "build/sbom.cdx.json lists $$(grep -c '==' requirements.lock) packages"

# the development lock first: what langgraph dev needs holds for all, so that both environments have the same versions
lock:
	uv pip compile --universal --generate-hashes --no-emit-index-url --custom-compile-command "make lock" --extra dev pyproject.toml -o requirements-dev.lock
	uv pip compile --universal --generate-hashes --no-emit-index-url --custom-compile-command "make lock" -c requirements-dev.lock pyproject.toml -o requirements.lock
	(sed -n 's/^benchmarks = \["\(.*\)"\].*/\1/p' pyproject.toml; grep -oE '^(cedarpy|pydantic|rfc8785)==[^ ]+' requirements.lock) | uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --custom-compile-command "make lock" - -o requirements-benchmarks.lock

clean:
	rm -rf .venv .venv-benchmarks .clearance tests/service/js/node_modules ui/node_modules

.venv/.run: requirements.lock pyproject.toml
	@sh setup.sh requirements.lock
	@touch $@

.venv/.dev: requirements-dev.lock pyproject.toml
	@sh setup.sh requirements-dev.lock
	@touch $@ .venv/.run

# AgentDojo's dependencies hold others back, so it does not share the project's environment
.venv-benchmarks/.run: requirements-benchmarks.lock pyproject.toml
	@sh setup.sh requirements-benchmarks.lock .venv-benchmarks
	@touch $@
