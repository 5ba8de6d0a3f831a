# Everything a newcomer runs. Needs python3 >= 3.11, make and git; the rest is installed into .venv* and .cache here.

# The first Python that is new enough. Name another one: make PYTHON=/path/to/python3 …
ifndef PYTHON
PYTHON := $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
    $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo $$p; break; }; done)
endif
PORT ?= 8700
STORE ?= ministack
PERSIST ?=
ARCH ?= arm64

# A caller's own settings must not reach the project's environments.
unexport PYTHONPATH PYTHONHOME VIRTUAL_ENV

PY := .venv/bin/python

.DEFAULT_GOAL := help
.PHONY: help demo serve test lint format build accuracy lock clean python setup assets ministack sam

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

# ---------------------------------------------------------------- environments
python:
	@$(or $(PYTHON),false) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	  echo "error: Python 3.11 or newer is needed; $$($(or $(PYTHON),python3) --version 2>&1). Install one, or name it: make PYTHON=/path/to/python3" >&2; exit 1; }

setup: python
	@$(PYTHON) tools/build_environment.py .venv requirements/dev.txt --editable

ministack: python
	@$(PYTHON) tools/build_environment.py .venv-ministack requirements/ministack.txt

sam: python
	@$(PYTHON) tools/build_environment.py .venv-sam requirements/sam.txt

assets: setup
	@$(PY) -m tools.assets

# ---------------------------------------------------------------- running
demo: setup ministack assets ## Set everything up, then search sample photos with sample selfies
	@exec $(PY) -m tools.demo

serve: setup ministack assets ## Keep the local stack running (PORT=8700 STORE=ministack|moto PERSIST=1)
	@exec $(PY) -m tools.local --port $(PORT) --store $(STORE) $(if $(PERSIST),--persist)

# ---------------------------------------------------------------- checking
test: setup ministack assets ## Unit, integration (on both stores) and contract tests
	@exec $(PY) -m pytest

CODE := layers/facesearch functions tools tests

lint: setup sam ## ruff, mypy --strict, cfn-lint, sam validate --lint
	@$(PY) -m ruff check $(wildcard $(CODE))
	@$(PY) -m ruff format --check $(wildcard $(CODE))
	@$(PY) -m mypy
	@$(PY) -m cfnlint template.yaml

format: setup ## Rewrite the code in the project's format
	@$(PY) -m ruff check --fix $(wildcard $(CODE))
	@$(PY) -m ruff format $(wildcard $(CODE))

clean: ## Remove everything that make made
	@rm -rf .venv .venv-* .cache .local .aws-sam build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
