# Vidik. `make help` says what there is; everything sets itself up first (scripts/bootstrap).
.DEFAULT_GOAL := help
.PHONY: help run test check static bench frontend wheel format clean

BIN := .venv/bin
# Tests to run; for instance: make test TESTS=tests/kernel
TESTS ?= tests

help: ## Say what each command does
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: ## Set up and start Vidik with the demo city; says where to look and how to sign in
	@scripts/bootstrap run
	@exec scripts/run

test: ## Set up and run every test, browser tests included (installs Chromium and Mosquitto with apt)
	@scripts/bootstrap test
	@$(BIN)/python -m pytest -n 3 --dist loadfile --no-loadscope-reorder $(TESTS)

check: static test ## Everything: formatting, lint, types, layers, front end, tests

static: ## Formatting, lint, types, layers and the front end's checks
	@scripts/bootstrap develop
	@scripts/bootstrap frontend
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python scripts/frontend.py check

bench: ## Measure, and print ratios against limits taken in the same run
	@scripts/bootstrap test
	@$(BIN)/python -m bench

frontend: ## Build the front end when its sources changed
	@scripts/bootstrap frontend
	@$(BIN)/python scripts/frontend.py build

wheel: frontend ## Build the wheel, front end included, into dist/
	@rm -rf dist
	@scripts/uv build --quiet --wheel
	@ls dist

format: ## Format the code
	@scripts/bootstrap develop
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

clean: ## Remove what the commands above have made (never the data folder, nor measurements)
	rm -rf .venv .cache dist frontend/node_modules src/vidik/console/static
	rm -rf .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
