# What people and CI run. `make` lists it.

SHELL := /bin/bash -o pipefail
.DEFAULT_GOAL := help

# One set of features for every build, so that `make dev` and `make test` share one build of the AWS SDK.
CARGO_ALL := --workspace --all-features --locked
# Crates whose library must build without tokio and AWS.
PURE := tables intake notify api
DEV_FLAGS ?=
BENCH_FLAGS ?=

PYTHON ?= python3
VENV := .venv
# A virtual environment that is as its requirements say, or nothing where there is no Python.
CLIENTS := $(VENV)/installed
# schemathesis has its own, for its dependencies may clash with those of the other clients.
VENV_API := .venv-api
API_CLIENTS := $(VENV_API)/installed
# What bench-tables measures beside ours.
VENV_BENCH := .venv-bench
BENCH_PEERS := $(VENV_BENCH)/installed

.PHONY: help
help: ## List what can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: tools
tools:
	@for tool in cargo cc; do command -v $$tool >/dev/null || { echo "missing: $$tool ($$([ $$tool = cargo ] \
		&& echo 'Rust 1.95 or later, https://rustup.rs' || echo 'a C compiler, for SQLite, zstd and ring'))"; exit 1; }; done

.PHONY: build
build: tools ## Build the functions and the local stack, for development
	cargo build $(CARGO_ALL) --bins

.PHONY: dev
dev: build ## Run everything on this machine: S3, DynamoDB, Lambda and the HTTP API (flags: DEV_FLAGS=…)
	exec target/debug/local $(DEV_FLAGS)

.PHONY: token
token: tools ## Print a token that the local HTTP API takes (OWNER=you)
	@cargo build --quiet $(CARGO_ALL) --bins
	@target/debug/local token $(or $(OWNER),you)

.PHONY: test
test: build test-rust test-clients test-api ## Run every test; says by name what it had to leave out

.PHONY: test-rust
test-rust: build
	cargo test $(CARGO_ALL)

.PHONY: test-clients
test-clients: build
	@if $(MAKE) --no-print-directory $(CLIENTS); then \
		cargo build $(CARGO_ALL) --example convert --example sign && LONGSHORE_LOCAL=$$PWD/target/debug/local \
			TABLES_CONVERT=$$PWD/target/debug/examples/convert NOTIFY_SIGN=$$PWD/target/debug/examples/sign \
			$(VENV)/bin/python -m pytest -q -ra tests/clients; \
	else \
		echo "left out: tests/clients (boto3, AWS CLI, DuckDB, PyArrow against the local stack): they need $(PYTHON) with venv and PyPI"; \
	fi

.PHONY: test-api
test-api: build ## Hold the HTTP API to its description: its examples, its answers, and what schemathesis makes up
	@if $(MAKE) --no-print-directory $(API_CLIENTS); then \
		LONGSHORE_LOCAL=$$PWD/target/debug/local $(VENV_API)/bin/python -m pytest -q -raP -p no:schemathesis tests/api; \
	else \
		echo "left out: tests/api (openapi-spec-validator, jsonschema, schemathesis against the HTTP API): they need $(PYTHON) with venv and PyPI"; \
	fi

$(CLIENTS): tests/clients/requirements.txt
$(API_CLIENTS): tests/api/requirements.txt
$(BENCH_PEERS): bench/tables/requirements.txt
$(CLIENTS) $(API_CLIENTS) $(BENCH_PEERS):
	@command -v $(PYTHON) >/dev/null
	$(PYTHON) -m venv $(@D)
	$(@D)/bin/pip install --quiet --disable-pip-version-check -r $<
	@touch $@

.PHONY: bench-api
bench-api: build ## Measure the HTTP API on the local stack, into bench/ (flags: BENCH_FLAGS=…)
	target/debug/bench-api $(BENCH_FLAGS)

.PHONY: bench-tables
bench-tables: tools ## Measure tables beside DuckDB, polars, PyArrow and pandas, into bench/ (flags: BENCH_FLAGS=…)
	cargo build --release --locked -p tables --no-default-features --example convert
	$(MAKE) --no-print-directory $(BENCH_PEERS)
	$(VENV_BENCH)/bin/python bench/tables/run.py $(BENCH_FLAGS)

.PHONY: check
check: tools check-fmt check-clippy check-docs check-deny check-pure check-template ## Check format, lints, docs, dependencies, purity, template

.PHONY: check-fmt
check-fmt:
	cargo fmt --all --check

.PHONY: check-clippy
check-clippy:
	cargo clippy $(CARGO_ALL) --all-targets -- -D warnings

.PHONY: check-docs
check-docs:
	RUSTDOCFLAGS='-D warnings' cargo doc $(CARGO_ALL) --no-deps --document-private-items

.PHONY: check-deny
check-deny:
	@command -v cargo-deny >/dev/null || { echo 'missing: cargo-deny (cargo install --locked cargo-deny)'; exit 1; }
	cargo deny --locked check bans licenses sources
	@if cargo deny fetch db >/dev/null 2>&1; then cargo deny --locked check --disable-fetch advisories; \
	else echo 'left out: advisories: the RustSec database cannot be reached'; fi

# A function's core must run anywhere: on a laptop, in a browser, inside Python.
.PHONY: check-pure
check-pure:
	@for crate in $(PURE); do \
		tree=$$(cargo tree --locked -p $$crate -e normal --no-default-features --prefix none) || exit 1; \
		found=$$(grep -E '^(tokio|aws-|lambda_)' <<<"$$tree" | sort -u); \
		if [ -n "$$found" ]; then echo "$$crate without its lambda feature depends on:"; echo "$$found"; exit 1; fi; \
		echo "$$crate: neither tokio nor AWS"; \
	done

.PHONY: check-template
check-template:
	@if command -v sam >/dev/null; then SAM_CLI_TELEMETRY=0 sam validate --lint; \
	elif [ -x $(VENV)/bin/sam ]; then SAM_CLI_TELEMETRY=0 $(VENV)/bin/sam validate --lint; \
	else echo 'left out: sam validate --lint: there is no sam (pip install aws-sam-cli)'; fi

.PHONY: clean
clean: ## Remove what was built; the local stack's data (.longshore) stays
	cargo clean
	rm -rf $(VENV) $(VENV_API) $(VENV_BENCH)
