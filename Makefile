# make demo: tables to a canaried endpoint on this machine.   make test: the tests.   make check: format, lint, types, rules.
PYTHON := .venv/bin/python

.PHONY: demo test check format docs lock setup clean

demo: setup
	.venv/bin/stillhouse demo

test: setup
	$(PYTHON) -m pytest

check: setup
	$(PYTHON) -m ruff format --check .
	$(PYTHON) -m ruff check .
	$(PYTHON) -m mypy .
	$(PYTHON) scripts/check_imports.py
	$(PYTHON) scripts/check_locks.py

format: setup
	$(PYTHON) -m ruff format .
	$(PYTHON) -m ruff check --fix .

docs: setup
	$(PYTHON) -m typer cli.main utils docs --name stillhouse --output docs/cli.md

lock: setup
	scripts/lock

setup:
	@scripts/setup

clean:
	rm -rf .venv .triton runs .mypy_cache .pytest_cache .ruff_cache .hypothesis
