# make demo: tables to a canaried endpoint on this machine.   make test: the tests.   make check: format, lint, types, rules.
# make bench: how fast the endpoint is, against its limit and what else there is.   make bench-quick: two ratios.
# make rollout-report: what releases cost and survive, measured.
# make test-cluster: what the stacks declare, against a real API server.
PYTHON := .venv/bin/python

.PHONY: demo test rollout-report test-cluster tools charts check format docs lock setup clean bench bench-quick bench-query bench-model reproduce-model

demo: setup
	.venv/bin/stillhouse demo

test: setup
	$(PYTHON) -m pytest

rollout-report: setup
	$(PYTHON) -m tests.rollout_report runs/rollout

test-cluster: setup tools
	$(PYTHON) -m pytest -m cluster -rP --timeout=900 tests/cluster

tools: setup
	$(PYTHON) -m tools.build

charts: tools
	$(PYTHON) -m tools.charts

# Every part of docs/bench.md into runs/bench; ONLY="endpoint peers" chooses, and keeps the others' results.
bench: setup
	scripts/setup peers
	$(PYTHON) -m bench $(if $(ONLY),--only $(ONLY))

# The ratios to the limit and to FastAPI, with short steps and one round.
bench-quick: setup
	scripts/setup peers
	$(PYTHON) -m bench --quick

# Labels the hm preset (32 million transactions) by the planner and by hand-written SQL; needs 8 GiB and minutes.
bench-query: setup
	$(PYTHON) -m scripts.bench_query

# Sampler, training step and their ratios over 30 million memory-mapped rows; needs 3 GB of disk below runs/ and minutes.
bench-model: setup
	$(PYTHON) -m scripts.bench_model

# Every figure of docs/model.md: all protocols with five seeds into runs/model/report.json. SEEDS=1 shortens it; a kill loses nothing.
DATA ?= ../shared/data
SEEDS ?= 5
reproduce-model: setup
	.venv/bin/stillhouse reproduce --data $(DATA) --seeds $(SEEDS) --run runs/model
	$(PYTHON) -m scripts.model_figures runs/model

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
	$(PYTHON) -m stacks.pages
	$(PYTHON) -m serving.release_schema docs/release.schema.json

lock: setup
	scripts/lock

setup:
	@scripts/setup

clean:
	rm -rf .venv .triton .zig .peers .peers-mlserver .checkov .prometheus .tools runs .mypy_cache .pytest_cache .ruff_cache .hypothesis
