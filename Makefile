PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
JOBS ?= 2

.DEFAULT_GOAL := help
.PHONY: help demo test lint bench docs clean

help:  ## Say what there is to make.
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 10

$(BIN)/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "multiweight needs Python 3.11 or newer")'
	$(PYTHON) -m venv $(VENV)

$(VENV)/user: $(BIN)/python pyproject.toml constraints.txt
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable .
	$(BIN)/python -m compileall -q src
	touch $@

$(VENV)/developer: $(VENV)/user
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[dev]'
	touch $@

demo: $(VENV)/user  ## Read handwritten digits, single and on pages, with the weights that ship inside the package.
	$(BIN)/multiweight predict examples/digits --weights ShuffleNet_V2_X0_5_Weights.DIGITS_V2 --top 1 --format table
	$(BIN)/python examples/digits.py
	$(BIN)/multiweight predict examples/pages --weights LRASPP_MobileNet_V3_Small_Weights.DIGIT_PAGES_V1 --format table \
		--draw build/pages
	$(BIN)/python examples/pages.py

lint: $(VENV)/developer  ## Formatting, style, types, floors.
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/lint-imports --no-cache
	$(BIN)/basedpyright

test: lint  ## Everything that CI runs.
	$(BIN)/python -m pytest -n $(JOBS) --dist loadgroup

$(VENV)/bench: $(VENV)/developer
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[dev,bench]'
	touch $@

bench: $(VENV)/bench  ## Measure side by side with the peers; writes benchmarks/RESULTS.md.
	$(BIN)/python -m compileall -q src
	$(BIN)/python -m benchmarks

docs: $(VENV)/developer  ## Write the pages in docs/models and the pictures in docs.
	$(BIN)/python docs/generate.py
	$(BIN)/multiweight plot --output docs/accuracy.png
	$(BIN)/python examples/pages.py --draw examples/pages/0008_0916786.png docs/digit_page.png

clean:  ## Remove the environment and what the checks leave behind.
	rm -rf $(VENV) build .pytest_cache .ruff_cache .hypothesis
