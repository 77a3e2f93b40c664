# Every target sets up what it needs in .venv of this checkout; no root, no key.
.PHONY: help setup demo test check format test-attacks test-sample test-real test-editors bench wheel clean

python = .venv/bin/python

help:
	@echo "make demo          the main job on a sample workspace (replayed model turns; LIVE=1 calls Claude)"
	@echo "make test          unit, property and scenario tests"
	@echo "make check         format, lint, types, layers"
	@echo "make test-attacks  the attack suite, races, and other long tests"
	@echo "make test-sample   npm ci, typecheck, tests and lint of the sample workspace"
	@echo "make test-real     verification with real toolchains and projects, slow"
	@echo "make test-editors  real editors, headless"
	@echo "make bench         speed and memory"
	@echo "make wheel         the installable package, in build/wheel"

setup: .venv/.ready

.venv/.ready: pyproject.toml .ci/setup
	@sh .ci/setup

demo: .venv/.ready
	@sh .ci/with-packages $(python) -m aigentflow demo $(if $(LIVE),--live)

# Long ones that have a target of their own.
attacks = tests/attacks tests/property/test_path_mutations.py tests/property/test_boundary_races.py tests/unit/test_box_redteam.py \
  tests/scenarios/test_demo.py tests/scenarios/test_home_toolchains.py tests/scenarios/test_refusals.py tests/scenarios/test_steering.py

test: .venv/.ready
	@$(python) -m pytest -n auto --maxprocesses 4 $(attacks:%=--ignore=%) $(ARGS)

test-attacks: .venv/.ready
	@$(python) -m pytest -n auto --maxprocesses 4 $(attacks) $(ARGS)

check: .venv/.ready
	@$(python) -m ruff format --check server tests
	@$(python) -m ruff check server tests
	@$(python) -m mypy
	@$(python) -m pytest tests/unit/test_layers.py tests/unit/test_style.py

format: .venv/.ready
	@$(python) -m ruff check --fix server tests
	@$(python) -m ruff format server tests

test-sample: .venv/.ready
	@sh .ci/sample

test-real: .venv/.ready
	@$(python) -m pytest -p no:xdist tests/real $(ARGS)

test-editors: .venv/.ready
	@bash tests/editors/run

bench: .venv/.ready
	@sh .ci/with-packages $(python) -m tests.bench $(ARGS)

wheel: .venv/.ready
	@rm -rf build/wheel && mkdir -p build/wheel
	@$(python) -m build --no-isolation --wheel --outdir build/wheel . > build/wheel.log 2>&1 || { cat build/wheel.log >&2; exit 1; }
	@ls build/wheel/*.whl

clean:
	rm -rf .venv build
