# make train       set everything up and run the main job (a synthetic mini-STEAD where no data is named)
# make test        set everything up and run every check
# make check       the heart of it in two minutes: layers, blocks, the network, CPU kernels, structure
# make weights     train the package's own weights: make weights ARGS='--real FOLDER', an hour, goes on where it stopped
# make notebooks   run every chapter of the course and keep what it prints and draws
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
ARGS   ?=
CHECKED := tests/layers tests/blocks tests/test_golden.py tests/test_twins.py tests/test_structure.py

.PHONY: train test check weights notebooks lint setup clean

setup: $(VENV)/.ready

$(VENV)/.ready: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade pip
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	touch $@

train: setup
	$(BIN)/python train.py $(ARGS)

test: setup lint
	$(BIN)/python -m pytest --numprocesses auto --maxprocesses 8 --dist loadfile $(ARGS)

check: setup lint
	$(BIN)/python -m pytest --numprocesses auto --maxprocesses 8 -m "not gpu" -k "not host" $(CHECKED) $(ARGS)

weights: setup
	$(BIN)/python recipes/own_weights.py $(ARGS)

notebooks: setup
	$(BIN)/python notebooks/run.py $(ARGS)

lint: setup
	$(BIN)/ruff check .
	$(BIN)/mypy

clean:
	rm -rf $(VENV) *.egg-info .pytest_cache .ruff_cache .mypy_cache
