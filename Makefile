# Everything sets itself up: the first target that needs it makes .venv from constraints.txt.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALL := PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_CONSTRAINT=$(CURDIR)/constraints.txt $(BIN)/python -m pip install --quiet

.DEFAULT_GOAL := help
.PHONY: help serve test lint types imports check docs bench soak lock clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

serve: $(VENV)/.serve ## Start one instance; PORT=8081 make serve starts a second
	@exec $(BIN)/hubbub serve

test: $(VENV)/.dev ## Run all tests
	$(BIN)/python -m pytest --numprocesses auto --maxprocesses 4 --dist worksteal

lint: $(VENV)/.dev ## Check style, formatting and spelling
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	@$(BIN)/python -m tests.support.lua_lint
	$(BIN)/codespell *.md .env.example Makefile pyproject.toml .ci bench deploy docs src tests

types: $(VENV)/.dev ## Check types
	$(BIN)/mypy

imports: $(VENV)/.dev ## Check that imports point down
	$(BIN)/lint-imports

check: lint types imports test ## Everything that must be green before a commit

docs: $(VENV)/.serve ## Generate docs/protocol.*, and web/core/contract.js from the code
	$(BIN)/python -m hubbub.transport.schema.schemas .

bench: $(VENV)/.dev ## Measure, and print one table (needs node and npm for the peers)
	$(BIN)/python -m bench

soak: $(VENV)/.dev ## Strike hundreds of parties with every fault for minutes; SOAK="--minutes 2 --seed 7" changes how
	$(BIN)/python -m tests.faults.soak $(SOAK)

lock: ## Choose the newest versions afresh and pin them in constraints.txt
	rm -rf $(VENV)
	$(PYTHON) -m venv $(VENV)
	PIP_DISABLE_PIP_VERSION_CHECK=1 $(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet hatchling editables -e '.[dev]'
	$(BIN)/python -m pip freeze --exclude-editable --exclude hubbub > constraints.txt
	rm -rf $(VENV)

clean: ## Remove what make has made
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache dist build bench/peers/*/node_modules

$(VENV)/.python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "Hubbub needs Python 3.11 or newer; $(PYTHON) is older. Try: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 2; }
	@echo "Setting up $(VENV) (once, about a minute) ..."
	@$(PYTHON) -m venv $(VENV) \
	  || { echo "Python cannot make virtual environments here; on Debian: apt install python3-venv"; exit 2; }
	@touch $@

$(VENV)/.serve: $(VENV)/.python pyproject.toml constraints.txt
	@$(INSTALL) -e .
	@touch $@

$(VENV)/.dev: $(VENV)/.python pyproject.toml constraints.txt
	@$(INSTALL) -e '.[dev]'
	@touch $(VENV)/.serve $@
