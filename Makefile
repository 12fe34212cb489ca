# Everything a person types; `make help` lists it.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
INTEROP := $(VENV)/.interop
# Half of the suite waits for processes, so it takes more workers than cores; a file stays with one worker, and so does
# the stack that its tests share.
WORKERS ?= 3

.DEFAULT_GOAL := help

.PHONY: help
help: ## Show what can be made
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  \033[1m%-12s\033[0m %s\n", $$1, $$2}'

$(STAMP): requirements-dev.lock pyproject.toml
	@$(PYTHON) tools/check_python.py
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Installing the locked dependencies into $(VENV) ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --only-binary :all: --no-binary dkimpy -r requirements-dev.lock
	@$(BIN)/python tools/link_project.py
	@touch $@

# Other people's implementations, for the tests alone; without Node.js they are skipped.
$(INTEROP): $(STAMP) tests/interop/package-lock.json
	@$(BIN)/python tools/install_interop.py
	@test ! -d tests/interop/node_modules || touch $@

.PHONY: install
install: $(STAMP) ## Make the virtual environment with the locked dependencies

.PHONY: demo
demo: $(STAMP) ## Tell the whole story once, with real parts, in under a minute
	@$(BIN)/hearthgate demo

.PHONY: up
up: $(STAMP) ## Start the whole suite on this machine; Ctrl-C ends it
	@$(BIN)/hearthgate up

.PHONY: test
test: $(STAMP) $(INTEROP) ## Run the tests
	@$(BIN)/pytest -n $(WORKERS) --dist loadfile

.PHONY: bench
bench: $(STAMP) ## Measure assessments, delivered codes, sign-in floods and timing, each beside its floor or control
	@$(BIN)/python -m bench.device_trust_assess
	@$(BIN)/python -m bench.challenge_delivery
	@$(BIN)/python -m bench.login_flood --rounds 2
	@$(BIN)/python -m bench.identity_timing --pairs 200

.PHONY: lint
lint: $(STAMP) ## Check style, types, architecture, contracts, stubs, the decisions' table, images and manifests
	@PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python tools/lint.py

.PHONY: format
format: $(STAMP) ## Write code and protos in their one form
	@$(BIN)/ruff check --quiet --fix . ; $(BIN)/ruff format --quiet . ; $(BIN)/buf format -w protos

.PHONY: stubs
stubs: $(STAMP) ## Generate libs/stubs from protos/
	@PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python tools/generate_stubs.py

.PHONY: decisions
decisions: $(STAMP) ## Write docs/decisions-table.md from the gateway's rules
	@$(BIN)/python tools/generate_decisions.py

.PHONY: messages
messages: $(STAMP) ## Carry what people are told into its catalogues, for translators
	@$(BIN)/python tools/update_messages.py

.PHONY: wheel
wheel: $(STAMP) ## Build the callers' wheel hearthgate-stubs into dist/
	@$(BIN)/uv build --quiet --wheel --out-dir dist libs/stubs && ls dist/hearthgate_stubs-*.whl

.PHONY: lock
lock: $(STAMP) ## Resolve the dependencies anew into requirements*.lock
	@$(BIN)/python tools/lock.py

.PHONY: clean
clean: ## Remove what was built here; the data of `hearthgate up` stays
	rm -rf $(VENV) dist .mypy_cache .ruff_cache .hypothesis
