# What is done to this project, one word each. `make` alone lists the words.

PYTHON3 ?= python3
UV      ?= uv

VENV   := .venv
BIN    := $(VENV)/bin
PYTHON := $(BIN)/python
READY  := $(VENV)/ready
DEMO   := .reconciler/demo
# `make lock` keeps the versions it finds; `make lock UPGRADE=--upgrade` takes the newest.
COMPILE = $(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate \
	--no-emit-index-url --custom-compile-command 'make lock' $(UPGRADE)
# The part that decides must not hold a line or a branch that no test takes, and these tests alone are counted: what only
# formats, adapters, whole programs, browsers or simulated worlds would reach is not tested as the part that decides.
# Counting doubles the time.
COUNTED := tests/core tests/controller tests/edge/state tests/edge/manifests tests/notifications tests/test_fleet.py tests/test_run.py
COVERED := --cov=reconciler.core --cov=reconciler.run --cov=reconciler.execute --cov=reconciler.edge.state \
	--cov-branch --cov-fail-under=100
# More than there are cores, because tests of whole programs wait for processes. Each worker collects every test.
WORKERS ?= 4
SPREAD  := --numprocesses $(WORKERS) --dist worksteal

# What the image is built on here: it stands in for the official slim image, which is in a registry. As that one's, its
# standard library is not compiled. It trusts whom this machine trusts, such as a company's proxy.
BASE  := build/image-base.tar
TRUST := /usr/local/share/ca-certificates
# What `make image-test` needs, and `make check` leaves out where it is missing.
IMAGE_TOOLS := mmdebstrap buildah podman runc
MISSING     := $(shell for tool in $(IMAGE_TOOLS); do command -v $$tool >/dev/null || echo $$tool; done)

SEEDS   ?= 10000
JOBS    ?= 2
RUNS    ?= 2500
PUSHES  ?= 500

# Without compiled files, each worker and each program that a test starts would compile every module again.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help setup demo test image-test image-base lint validate check simulate thorough soak bench docs lock clean

help: ## List what can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(READY) ## Install everything into .venv, as the lock says (needs Python 3.11 or newer)

$(READY): requirements-dev.lock pyproject.toml
	@$(PYTHON3) -c 'import sys; sys.exit(sys.version_info < (3, 11) and \
		"Python 3.11 or newer is needed, and this is %s: make setup PYTHON3=python3.11" % sys.version.split()[0])'
	$(PYTHON3) -m venv $(VENV)
	$(BIN)/pip install --quiet --no-deps --require-hashes --requirement requirements-dev.lock
	$(BIN)/pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

demo: export RECONCILER_STATE := $(DEMO)
demo: setup ## Dry run, run and run again, against the sandbox
	@rm -rf $(DEMO) && mkdir -p $(DEMO)
	$(call step,What would a run do? A dry run asks and writes nothing.,--dry-run)
	$(call step,Do it: each missing association is created$(comma) once.,)
	$(call step,And again: all is there$(comma) so nothing is created.,)
	@echo 'That was the sandbox; no AWS was called. Its state and the logs are in $(DEMO).'

comma := ,
define step
	@printf '# %s\n$$ %s\n' '$(1)' 'reconcile --sandbox$(2:%= %)'
	@$(BIN)/reconcile --sandbox $(2) 2>>$(DEMO)/log.jsonl || \
		{ code=$$?; cat $(DEMO)/log.jsonl >&2; exit $$code; }
	@echo
endef

test: setup ## Run the tests
	$(BIN)/pytest $(SPREAD) $(COUNTED) $(COVERED)
	$(BIN)/pytest $(SPREAD) $(patsubst %,--ignore %,tests/image $(COUNTED))

image-test: setup $(BASE) ## Build the image, and run it (as root, or with subordinate ids)
	$(BIN)/pytest tests/image

image-base: $(if $(MISSING),,$(BASE)) ## Make what the image is built on in a test

$(BASE):
	@$(if $(MISSING),echo 'image-test needs $(MISSING)' >&2; exit 1)
	@mkdir -p $(@D)
	mmdebstrap --quiet --format=tar --variant=minbase --include=python3,python3-venv,ca-certificates \
		--customize-hook='find "$$1"/usr -name __pycache__ -prune -exec rm -r {} +' \
		$(if $(wildcard $(TRUST)/*),--customize-hook='copy-in $(TRUST) $(dir $(TRUST))' \
		--customize-hook='chroot "$$1" update-ca-certificates --fresh >/dev/null') trixie $@.part
	@mv $@.part $@

lint: setup ## Check format, style, types and who imports whom
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

validate: setup ## Check the example manifests
	$(BIN)/reconcile validate --file manifests/

check: lint validate test ## Check all there is: what a change has to pass
	@$(if $(MISSING),echo 'The image was not tested: $(MISSING) is missing.',$(MAKE) --no-print-directory image-test)

simulate: setup ## Simulate many worlds: SEEDS=10000, SEEDS=1000-2000, or one with its history: SEEDS==17
	PYTHONPATH=tests $(PYTHON) -m simulation --seeds $(SEEDS) --jobs $(JOBS)

thorough: export PYTEST_ADDOPTS := --thorough
thorough: test ## Run the tests with more examples, and every game of kills

soak: setup ## Keep a controller busy, and see that it holds on to nothing: RUNS=2500 PUSHES=500
	PYTHONPATH=tests $(PYTHON) -m soak --runs $(RUNS) --pushes $(PUSHES)

bench: setup ## Measure speed against the bounds
	$(PYTHON) benchmarks/run.py

docs: setup ## Write docs/cli.md anew from the commands
	PYTHONPATH=tests $(PYTHON) -m support.cli_reference

lock: ## Write the locks anew from pyproject.toml (needs uv)
	$(PYTHON3) -c 'import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["build-system"]["requires"], sep="\n")' | \
		$(COMPILE) - --output-file requirements-build.lock
	$(COMPILE) pyproject.toml --extra notify --output-file requirements.lock
	echo '.[notify,sandbox]' | $(COMPILE) - --group dev --no-emit-package appintegrations-reconciler \
		--constraint requirements-build.lock --constraint requirements.lock --output-file requirements-dev.lock

clean: ## Remove .venv, caches and the demo
	rm -rf $(VENV) $(DEMO) dist build .coverage .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis
	find reconciler tests benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +
