# Each target makes what it needs: `make run` and `make test` work on a fresh machine with Python ≥ 3.11.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: run test check interop bench robustness clean

run: $(VENV)/.run  ## a broker on 127.0.0.1:9092 with its data in ./data
	@exec $(BIN)/minikafka-broker --banner --override listeners=PLAINTEXT://127.0.0.1:9092,CONTROLLER://127.0.0.1:0 --override log.dirs=./data

test: $(VENV)/.test  ## unit, property, scenario, conformance tests and the Python clients
	$(BIN)/python -m pytest -q

check: $(VENV)/.test $(VENV)/.check  ## format, lint, types, layering, tidiness
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m pytest -q tests/test_tidy.py

interop: $(VENV)/.test  ## foreign clients and Apache Kafka's own tools; what is absent is a failure
	@command -v kcat > /dev/null || { apt-get update && apt-get install -y kcat; }
	$(BIN)/python -m pytest -q -m interop tests/interop

bench: $(VENV)/.test  ## beside Apache Kafka where Java is present; about five minutes
	$(BIN)/python -m bench

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache bench/results

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.run: pyproject.toml | $(VENV)/bin/python
	$(BIN)/python -m pip install -q --disable-pip-version-check -e '.[compression]'
	@touch $@

$(VENV)/.test: pyproject.toml | $(VENV)/bin/python
	$(BIN)/python -m pip install -q --disable-pip-version-check -e '.[compression,test]'
	@touch $@ $(VENV)/.run

$(VENV)/.check: pyproject.toml | $(VENV)/bin/python
	$(BIN)/python -m pip install -q --disable-pip-version-check ruff mypy import-linter
	@touch $@
