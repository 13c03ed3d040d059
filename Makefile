# Everything works on a clean clone. `make setup` is repeated only when the dependencies change.
#
#   make demo     simulate, train, evaluate, score: runs/demo/report.html
#   make test     the tests (SLOW=1 adds the slow ones, as CI does; JOBS=n sets the worker count)
#   make lint     ruff, mypy, import-linter
#   make bench    the benchmarks that end within minutes, results under benchmarks/results/

PYTHON ?= $(firstword $(shell command -v python3.11 python3 2>/dev/null) python3)
VENV   ?= .venv
BIN    := $(VENV)/bin
OUT    ?= runs/demo
JOBS   ?= 2
BENCH  ?= benchmarks/timesformer_parity.py benchmarks/reading.py benchmarks/rating_speed.py \
          benchmarks/pairing.py benchmarks/manifest_validation.py benchmarks/data_check.py \
          benchmarks/memory_against_length.py \
          benchmarks/main_job.py

PYTEST_FLAGS := -n $(JOBS) $(if $(SLOW),--slow)

.PHONY: help setup demo test lint format bench clean
.DEFAULT_GOAL := help

help:
	@sed -n 's/^#   //p' $(firstword $(MAKEFILE_LIST))

setup: $(VENV)/.ready

$(VENV)/.ready: pyproject.toml setup.py constraints.txt
	@$(PYTHON) -c 'import sys; v = sys.version_info; v >= (3, 11) or sys.exit("Error: $(PYTHON) is Python %d.%d, proskill needs 3.11 or newer; install one and run: make PYTHON=/path/to/python3.11 $(MAKECMDGOALS)" % v[:2])'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $@

demo: setup
	$(BIN)/proskill demo --out $(OUT)

# One thread per worker: two workers that each start two torch threads are slower than one.
test: setup
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest $(PYTEST_FLAGS)

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: setup
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: setup
	@for script in $(BENCH); do echo "== $$script"; $(BIN)/python "$$script" || exit 1; done

clean:
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .import_linter_cache
