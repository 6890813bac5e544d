# `make demo` and `make test` do all the set-up they need on a machine with Python ≥ 3.11.
PYTHON ?= python3
BIN := .venv/bin
SECONDS ?= 120
CLIENT := docs/examples/node-client

.DEFAULT_GOAL := help
.PHONY: help setup setup-dev demo run test check fix bench bench-media soak fuzz screenshots spec vendor lock clean

help:  ## List the targets
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

setup: .venv/runtime  ## Install what the server needs into .venv
setup-dev: .venv/dev  ## … and what its developers need

demo: setup  ## Run a live class on this machine: no service, no account needed
	$(BIN)/liveclass demo

run: setup  ## Run a server on embedded services in ./liveclass-data
	$(BIN)/liveclass serve --data liveclass-data

test: setup-dev $(CLIENT)/node_modules  ## Run every test against real PostgreSQL, Valkey, nginx-rtmp, FFmpeg and Chromium
	$(BIN)/python -m tests.peers
	$(BIN)/pytest

check: setup-dev tests/js/node_modules  ## Format, lint, types, imports, generated files
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/node tests/js/node_modules/typescript/bin/tsc --project server/web/static

fix: setup-dev  ## Mend format and lint
	$(BIN)/ruff format
	$(BIN)/ruff check --fix

bench: setup-dev  ## Measure what the hub promises, beside peers that are installed; one JSON line at the end
	$(BIN)/python -m load.bench

bench-media: setup-dev  ## Measure what carrying media costs beside FFmpeg and Janus, where they are installed
	$(BIN)/python -m load.media

soak: setup-dev  ## Run the tests that take minutes, SECONDS=120 each at most; one JSON line at the end
	$(BIN)/python -m tests.peers
	SECONDS=$(SECONDS) $(BIN)/pytest tests/soak --timeout $$(($(SECONDS) + 300))

fuzz: setup-dev  ## Send random requests and a million random frames to live servers, and judge the answers
	$(BIN)/python -m tests.rest_fuzz
	$(BIN)/python -m load.fuzz

screenshots: setup-dev  ## Take the pictures of README, docs and every state of the pages again
	$(BIN)/python -m tests.screenshots

spec: setup-dev  ## Write the specifications, references and golden vectors anew
	$(BIN)/python -m protocol.spec
	$(BIN)/python -m protocol.vectors
	$(BIN)/python -m server.rest
	$(BIN)/python -m tests.reference
	$(BIN)/python -m tests.destination_reference
	$(BIN)/python -m tests.operations_reference

vendor: setup-dev  ## Fetch the pages' libraries from npm again, with their hashes
	$(BIN)/python -m server.web.vendor

lock: setup-dev  ## Resolve the dependencies again
	$(BIN)/python -m tests.lock

clean:  ## Remove what was installed and cached
	rm -rf .venv tests/js/node_modules $(CLIENT)/node_modules .mypy_cache .ruff_cache .hypothesis .import_linter_cache

# pip checks every hash. The editable install builds with what the lock holds, nothing else.
.venv/runtime: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "liveclass needs Python 3.11 or newer: make PYTHON=python3.11 …"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

.venv/dev: .venv/runtime requirements-dev.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	@touch $@

# npm checks every hash, too; it and Node.js come with the developers' packages.
tests/js/node_modules $(CLIENT)/node_modules: %/node_modules: %/package-lock.json .venv/dev
	$(BIN)/npm ci --prefix $* --ignore-scripts --no-audit --no-fund --silent
	@touch $@
