# What people and CI run. `make` lists it.

SHELL := /bin/bash -o pipefail
.DEFAULT_GOAL := help

# One set of features for every build, so that `make dev` and `make test` share one build of the AWS SDK.
CARGO_ALL := --workspace --all-features --locked
# Crates whose library must build without tokio and AWS.
PURE := tables images intake notify api
DEV_FLAGS ?=
BENCH_FLAGS ?=
DEPLOY_FLAGS ?=
# How long `make fuzz` gives each target, in seconds; FUZZ_TARGET names one of them, or, without one, all; FUZZ_FLAGS are libFuzzer's.
FUZZ_SECONDS ?= 60
FUZZ_TARGET ?=
FUZZ_FLAGS ?=
# What `make package` and `make sbom` are about: one FUNCTION or, without one, all; for arm64 or x86_64.
ARCH ?= arm64
FUNCTION ?=

PYTHON ?= python3
VENV := .venv
# A virtual environment that is as its requirements say, or nothing where there is no Python.
CLIENTS := $(VENV)/installed
# schemathesis has its own, for its dependencies may clash with those of the other clients.
VENV_API := .venv-api
API_CLIENTS := $(VENV_API)/installed
# sam, cargo-lambda and its linker (zig): what builds packages and deploys them, and what their tests need.
VENV_DEPLOY := .venv-deploy
DEPLOY_TOOLS := $(VENV_DEPLOY)/installed
WITH_DEPLOY_TOOLS := SAM_CLI_TELEMETRY=0 PATH="$$PWD/$(VENV_DEPLOY)/bin:$$PATH"
# What bench-tables measures beside ours.
VENV_TABLES := .venv-tables
BENCH_PEERS := $(VENV_TABLES)/installed
# What bench-images measures beside ours; sharp is npm's.
VENV_IMAGES := .venv-images
IMAGE_PEERS := $(VENV_IMAGES)/installed

.PHONY: help
help: ## List what can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

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
test: build test-rust test-clients test-api test-deploy ## Run every test; says by name what it had to leave out

.PHONY: test-rust
test-rust: build
	cargo test $(CARGO_ALL)

.PHONY: test-clients
test-clients: build
	@if $(MAKE) --no-print-directory $(CLIENTS); then \
		cargo build $(CARGO_ALL) --example convert --example render --example sign && LONGSHORE_LOCAL=$$PWD/target/debug/local \
			TABLES_CONVERT=$$PWD/target/debug/examples/convert IMAGES_RENDER=$$PWD/target/debug/examples/render NOTIFY_SIGN=$$PWD/target/debug/examples/sign \
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
$(DEPLOY_TOOLS): deploy/requirements.txt
$(BENCH_PEERS): bench/tables/requirements.txt
$(IMAGE_PEERS): bench/images/requirements.txt
$(CLIENTS) $(API_CLIENTS) $(DEPLOY_TOOLS) $(BENCH_PEERS) $(IMAGE_PEERS):
	@command -v $(PYTHON) >/dev/null
	$(PYTHON) -m venv $(@D)
	$(@D)/bin/pip install --quiet --disable-pip-version-check -r $<
	@touch $@

# What targets begin with: our own test data, and that of others where it is there.
CORPORA ?= ../shared/corpora
SEEDS_tables := $(wildcard functions/tables/test_data/* $(CORPORA)/tables/csv-* $(CORPORA)/tables/pollock/csv $(CORPORA)/json/*)
SEEDS_images := $(wildcard $(CORPORA)/images/*)

.PHONY: fuzz
fuzz: fuzz-target fuzz-tables fuzz-images ## Look for bytes that break what reads them (FUZZ_SECONDS=60 for each, FUZZ_TARGET=decode for one)

FUZZ_TARGETS = $(basename $(notdir $(shell grep -l 'fuzz_target!' functions/*/fuzz/fuzz_targets/*.rs)))

.PHONY: fuzz-target
fuzz-target:
	@case ' $(FUZZ_TARGETS) ' in *' $(FUZZ_TARGET) '*) ;; *) [ -z '$(FUZZ_TARGET)' ] || \
		{ echo 'no fuzz target $(FUZZ_TARGET): there are $(FUZZ_TARGETS)'; exit 1; };; esac

# Their own lock file, since they are no members of the workspace: the very versions that are shipped.
functions/%/fuzz/Cargo.lock: Cargo.lock
	cp $< $@

# Without a sanitizer: what it looks for, code without `unsafe` does not have.
.PHONY: fuzz-tables fuzz-images
fuzz-tables fuzz-images: fuzz-%: tools functions/%/fuzz/Cargo.lock
	@command -v c++ >/dev/null || { echo 'missing: c++ (a C++ compiler, for libFuzzer)'; exit 1; }
	@command -v cargo-fuzz >/dev/null || { echo 'missing: cargo-fuzz (cargo install --locked cargo-fuzz)'; exit 1; }
	@fuzz=functions/$*/fuzz; for target in $$(cargo fuzz list --fuzz-dir $$fuzz); do \
		case '$(FUZZ_TARGET)' in ''|$$target) ;; *) continue;; esac; mkdir -p $$fuzz/corpus/$$target; \
		RUSTC_BOOTSTRAP=1 cargo fuzz run $$target --fuzz-dir $$fuzz --sanitizer none $$fuzz/corpus/$$target $(SEEDS_$*) -- \
			-max_total_time=$(FUZZ_SECONDS) -max_len=16384 -timeout=20 -rss_limit_mb=1024 $(FUZZ_FLAGS) || exit 1; done

.PHONY: setup
setup: tools deploy-tools ## Install what packaging and deploying need, or say how: sam, cargo-lambda, zig, the ARM64 target, cargo's tools
	deploy/setup.sh

.PHONY: package
package: tools deploy-tools ## Build bootstrap.zip of each function for Lambda (FUNCTION=tables for one, ARCH=x86_64 for Intel)
	$(WITH_DEPLOY_TOOLS) python deploy/package.py --arch $(ARCH) $(FUNCTION)

.PHONY: sbom
sbom: tools deploy-tools ## List what is in each function's binary, as CycloneDX, beside its package
	@cargo cyclonedx --version >/dev/null 2>&1 || { echo 'missing: cargo-cyclonedx: make setup'; exit 1; }
	$(WITH_DEPLOY_TOOLS) python deploy/sbom.py --arch $(ARCH) $(FUNCTION)

.PHONY: test-deploy
test-deploy: build ## Run each package behind AWS's emulator, under QEMU and in Docker; skips by name what is missing
	@if $(MAKE) --no-print-directory $(DEPLOY_TOOLS); then \
		LONGSHORE_LOCAL=$$PWD/target/debug/local $(VENV_DEPLOY)/bin/python -m pytest -q -ra tests/deploy; \
	else \
		echo "left out: tests/deploy (the packages behind AWS's emulator, QEMU and sam local): they need $(PYTHON) with venv and PyPI"; \
	fi

.PHONY: deploy
deploy: tools deploy-tools ## Build for AWS and deploy (the first time DEPLOY_FLAGS=--guided)
	$(WITH_DEPLOY_TOOLS) sam build
	$(WITH_DEPLOY_TOOLS) sam deploy $(DEPLOY_FLAGS)

.PHONY: invoke
invoke: build deploy-tools ## Invoke a function in a container, on the running stack (FUNCTION=tables EVENT=events/s3-put-csv.json)
	@$(WITH_DEPLOY_TOOLS) deploy/sam-local invoke "$(FUNCTION)" "$(EVENT)"

.PHONY: start-api
start-api: build deploy-tools ## Serve the HTTP API from containers, on the running stack: http://127.0.0.1:3001
	@$(WITH_DEPLOY_TOOLS) deploy/sam-local start-api

.PHONY: deploy-tools
deploy-tools:
	@$(MAKE) --no-print-directory $(DEPLOY_TOOLS) || { echo "missing: sam and cargo-lambda: they need $(PYTHON) with venv and PyPI"; exit 1; }

.PHONY: bench-api
bench-api: build ## Measure the HTTP API on the local stack, into bench/ (flags: BENCH_FLAGS=…)
	target/debug/bench-api $(BENCH_FLAGS)

# Python as Lambda's image has it; what its users ship is in target/peers.
VENV_BENCH := .venv-bench
PEERS := $(VENV_BENCH)/installed
# As Lambda calls it.
HOST_ARCH := $(patsubst aarch64,arm64,$(shell uname -m))

$(PEERS): bench/peers/runtime.txt
	@command -v $(PYTHON) >/dev/null || { echo "missing: $(PYTHON) 3.11 or later with venv, for the peers in Python"; exit 1; }
	$(PYTHON) -m venv $(@D)
	$(@D)/bin/pip install --quiet --disable-pip-version-check -r $<
	@touch $@

.PHONY: peers
peers: $(PEERS)
	$(VENV_BENCH)/bin/python bench/peers/build.py

.PHONY: bench-cold
bench-cold: peers ## Measure cold starts beside peers in Python, into bench/ and docs/cost.md (flags: BENCH_FLAGS=…)
	@for function in hello-bare $(PURE); do for arch in arm64 $(HOST_ARCH); do \
		[ -e target/package/$$arch/$$function/bootstrap.zip ] || $(MAKE) --no-print-directory package ARCH=$$arch FUNCTION=$$function || exit 1; done; done
	cargo build $(CARGO_ALL) --bins
	target/debug/bench-cold $(BENCH_FLAGS)

.PHONY: bench-tables
bench-tables: tools ## Measure tables beside DuckDB, polars, PyArrow and pandas, into bench/ (flags: BENCH_FLAGS=…)
	cargo build --release --locked -p tables --no-default-features --example convert
	$(MAKE) --no-print-directory $(BENCH_PEERS)
	$(VENV_TABLES)/bin/python bench/tables/run.py $(BENCH_FLAGS)

.PHONY: bench-images
bench-images: tools ## Measure images beside pyvips, sharp and Pillow, into bench/ (flags: BENCH_FLAGS=…)
	cargo build --release --locked -p images --no-default-features --example render
	$(MAKE) --no-print-directory $(IMAGE_PEERS)
	mkdir -p target/bench/images && cd target/bench/images && npm install --silent --no-fund --no-audit --prefix . sharp@0.35.5
	$(VENV_IMAGES)/bin/python bench/images/run.py $(BENCH_FLAGS)

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
	elif [ -x $(VENV_DEPLOY)/bin/sam ]; then SAM_CLI_TELEMETRY=0 $(VENV_DEPLOY)/bin/sam validate --lint; \
	else echo 'left out: sam validate --lint: there is no sam (make $(DEPLOY_TOOLS))'; fi

.PHONY: clean
clean: ## Remove what was built; the local stack's data (.longshore) stays
	cargo clean
	rm -rf functions/*/fuzz/target .aws-sam $(VENV) $(VENV_API) $(VENV_DEPLOY) $(VENV_BENCH) $(VENV_TABLES) $(VENV_IMAGES)
