# Everything is set up by these targets: nothing but Python 3.11 or later and make is needed.
PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready
OUTPUT ?= results/run-and-chase

.PHONY: help run test lint types unit validate benchmark clean

help:
	@echo "make run        set up, then run the main job (run-and-chase at both scales), its figure and its comparison"
	@echo "make test       set up, then lint, check types and run the tests"
	@echo "make validate   the long physics: statistics at the accuracy that the documentation quotes"
	@echo "make benchmark  times of one step beside the bare transforms; work and precision of the time steppers"
	@echo "make clean      remove the environment and the caches of the tools"

$(READY): pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --editable '.[test]'
	touch $@

run: $(READY)
	rm -rf $(OUTPUT)
	$(BIN)/twoscale predict run-and-chase
	$(BIN)/twoscale run run-and-chase --output $(OUTPUT)
	$(BIN)/twoscale compare $(OUTPUT)
	@echo
	@echo "pictures:"
	@$(BIN)/twoscale figure $(OUTPUT)

test: lint types unit

lint: $(READY)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: $(READY)
	$(BIN)/mypy

# one process per core: most of the time goes into compiling, which is serial
unit: $(READY)
	$(BIN)/python -m pytest -n auto --dist worksteal

validate: $(READY)
	$(BIN)/python -m pytest tests/validation --override-ini="addopts=-ra --import-mode=importlib --durations=0"

benchmark: $(READY)
	$(BIN)/python benchmarks/fields.py
	$(BIN)/python benchmarks/steppers.py
	$(BIN)/python benchmarks/particles.py

clean:
	rm -rf .venv build *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
