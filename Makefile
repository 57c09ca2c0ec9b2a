# LaborShift: `make help` lists what there is. Needs Python 3.11 or newer and make.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
PIP    := $(BIN)/python -m pip --disable-pip-version-check
INSTALL = $(PIP) install -qq --no-compile

# What `make run` asks. RUN goes to the command line as it is: make run RUN="--scale 1000 --replicates 1"
BASE      ?= scenarios/baseline.toml
SCENARIOS ?= scenarios/roadmap.toml
RUN       ?= --scale 100 --replicates 4 --jobs 2
# What `make report` writes; also: --format ipynb, docx, hwpx, csv, figures
REPORT    ?= --format html --format pdf --format xlsx
# More for pytest, as in: make test TESTS="-m 'not slow'"
TESTS     ?=
# For `make bench`, as in: make bench BENCH="--full" (all of Korea too), BENCH="--scales 4500 470 47"
BENCH     ?=

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help run report extras test slurm-test browser-test notebooks lint format types bench wheel lock clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: $(VENV)/base.done ## the training plan against the baseline; prints the table, keeps the results in outputs/
	$(BIN)/laborshift compare $(BASE) $(SCENARIOS) $(RUN)

report: $(VENV)/dev.done ## the report on what `make run` has made, in Korean and English: page, PDF, workbook
	$(BIN)/laborshift compare $(BASE) $(SCENARIOS) $(RUN)
	@folder=$$($(BIN)/laborshift compare $(BASE) $(SCENARIOS) $(filter-out --force,$(RUN)) --json | $(BIN)/python -c \
		'import json, sys; print(json.load(sys.stdin)["folder"])') || exit 1; \
	for lang in ko en; do $(BIN)/laborshift report "$$folder" --lang $$lang $(REPORT) || exit 1; done

extras: $(VENV)/dev.done ## what sweeps, clusters, calibration and tests need, into .venv

test: $(VENV)/dev.done ## the whole test suite, in two processes
	$(BIN)/python -m pytest -n 2 --dist loadfile $(TESTS)

slurm-test: $(VENV)/dev.done ## sweeps on a private Slurm of one node; installs Slurm where root and apt-get are there, else skips
	@sh tests/install_slurm.sh
	$(BIN)/python -m pytest tests/test_slurm.py $(TESTS)

browser-test: $(VENV)/dev.done ## a report in Chromium, offline, and axe; installs Chromium where root and apt-get are there
	@sh tests/install_chromium.sh
	$(BIN)/python -m pytest tests/test_report_browser.py $(TESTS)

notebooks: $(VENV)/dev.done ## run the researchers' notebooks; executed copies in outputs/notebooks/
	@mkdir -p outputs/notebooks
	@for one in notebooks/0*.py; do \
		copy=outputs/notebooks/$$(basename $$one .py).ipynb; echo "$$one -> $$copy"; \
		$(BIN)/jupytext --quiet --to ipynb --output $$copy $$one \
			&& $(BIN)/jupyter-execute --inplace --timeout=120 --log-level=ERROR $$copy || exit 1; \
	done

lint: $(VENV)/dev.done ## likely mistakes and layout (ruff)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

format: $(VENV)/dev.done ## rewrite the sources in the project's layout (ruff)
	$(BIN)/ruff format .

types: $(VENV)/dev.done ## type annotations (mypy, strict)
	$(BIN)/mypy

bench: $(VENV)/base.done ## processor time of a month at several sizes; options in BENCH
	$(BIN)/python benchmarks/month.py --json benchmarks/results.json $(BENCH)

wheel: $(VENV)/dev.done ## a wheel and a source archive in dist/
	@$(PIP) wheel --quiet --no-deps --no-build-isolation --wheel-dir dist .
	@$(BIN)/python -c "from hatchling.build import build_sdist; build_sdist('dist')"
	@ls dist

lock: ## rewrite the locks from pyproject.toml (needs uv, changes versions)
	uv pip compile $(LOCKING) pyproject.toml --output-file requirements.lock
	uv pip compile $(LOCKING) --extra dev --constraint requirements.lock pyproject.toml --output-file requirements-dev.lock

clean: ## remove the environment, builds and caches; results in outputs/ stay
	rm -rf $(VENV) build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

LOCKING := --quiet --universal --python-version 3.11 --no-header --no-annotate --generate-hashes --group build --upgrade

# Stamps in the environment: with nothing new in the locks there is nothing to do. Everything fetched is checked
# against its hash; the project itself is built by the locked hatchling, so that nothing else is fetched.

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "LaborShift needs Python 3.11 or newer; try: make PYTHON=python3.12" >&2; exit 1; }
	@$(PYTHON) -m venv --clear $(VENV)

$(VENV)/base.done: requirements.lock pyproject.toml | $(BIN)/python
	@$(PIP) --version >/dev/null 2>&1 || $(BIN)/python -m ensurepip
	@echo "installing what LaborShift stands on into $(VENV) (once, a minute or two)"
	@$(INSTALL) --require-hashes --requirement requirements.lock
	@$(INSTALL) --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/dev.done: requirements-dev.lock $(VENV)/base.done
	@echo "installing what tests and checks need into $(VENV) (once)"
	@$(INSTALL) --require-hashes --requirement requirements-dev.lock
	@touch $@
