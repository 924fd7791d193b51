# Each target does all of its own set-up: `make run` and `make test` work on a fresh machine with
# Python ≥ 3.11 and make. The environment is made once and again when pyproject.toml changes.
PYTHON ?= $(firstword $(foreach name,python3 python3.13 python3.12 python3.11 python3.14,\
	$(shell $(name) -c 'import sys; print("$(name)" if sys.version_info >= (3, 11) else "")' 2>/dev/null)))
VENV := .venv
BIN := $(VENV)/bin
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check
PYTEST := $(BIN)/python -m pytest --quiet

.NOTPARALLEL:
.PHONY: help run test check format interop robustness trials cluster-kills mixed tools bench clean

help:  ## what there is to make
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' Makefile | expand -t 16

run: $(VENV)/.run  ## a broker on 127.0.0.1:9092 with its data in ./data
	@exec $(BIN)/minikafka-broker --banner --override log.dirs=./data \
		--override listeners=PLAINTEXT://127.0.0.1:9092,CONTROLLER://127.0.0.1:0

test: $(VENV)/.test  ## unit, property, scenario, conformance tests and the Python clients
	$(PYTEST) -n 2 --dist loadfile $(PYTEST_ARGS)

check: $(VENV)/.check  ## format, lint, types, layering, tidiness
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	MYPYPATH=tests:. $(BIN)/mypy -p bench -p harness -p robustness -p sdk_trials -p cluster_kills -p tool_comparison -m tidy_rules -m test_tidy
	$(BIN)/lint-imports
	$(PYTEST) tests/test_tidy.py

format: $(VENV)/.check  ## lay out the code and apply safe fixes
	$(BIN)/ruff check --fix --exit-zero --quiet .
	$(BIN)/ruff format .

interop: $(VENV)/.test  ## foreign clients and Apache Kafka's own tools; what is absent is a failure
	PYTHONPATH=tests $(BIN)/python -m harness.foreign
	$(PYTEST) -m 'interop and not mixed' -n 2 --dist loadfile tests/interop $(PYTEST_ARGS)
	MINIKAFKA_INTEROP_TARGET=kafka $(PYTEST) -m 'not own_broker' tests/cluster/test_sdk_*.py

robustness: $(VENV)/.test  ## 100,000 bad requests over all APIs
	PYTHONPATH=tests $(BIN)/python -m robustness --frames 100000 $(ROBUSTNESS_ARGS)

trials: $(VENV)/.test  ## every await of the SDK while its broker is killed or stopped, 100 times each
	PYTHONPATH=tests $(BIN)/python -m sdk_trials --trials 100 $(TRIALS_ARGS)

mixed: $(VENV)/.test  ## Apache Kafka and minikafka in one cluster; about half an hour
	PYTHONPATH=tests $(BIN)/python -m harness.foreign
	$(PYTEST) -m mixed tests/interop/mixed $(PYTEST_ARGS)

tools: $(VENV)/.test  ## Kafka's tools on a cluster of each kind, line by line; about three minutes
	PYTHONPATH=tests $(BIN)/python -m harness.foreign
	PYTHONPATH=tests $(BIN)/python -m tool_comparison $(TOOLS_ARGS)

cluster-kills: $(VENV)/.test  ## three nodes killed 50 times, stopped and cut off under load; as root for the cuts
	PYTHONPATH=tests $(BIN)/python -m cluster_kills --faults kills --cycles 50 --records 1000000
	PYTHONPATH=tests $(BIN)/python -m cluster_kills --faults pauses
	PYTHONPATH=tests $(BIN)/python -m cluster_kills --faults cuts

bench: $(VENV)/.test  ## beside Apache Kafka where Java is present; about five minutes
	$(BIN)/python -m bench $(BENCH_ARGS)

clean:  ## everything that was made, but not ./data
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	rm -rf bench/results build dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/.made:
	@test -n "$(PYTHON)" || { echo "minikafka needs Python 3.11 or newer"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/.run: pyproject.toml | $(VENV)/.made
	$(INSTALL) --editable '.[compression]'
	@touch $@

$(VENV)/.test: pyproject.toml | $(VENV)/.made
	$(INSTALL) --editable '.[compression,test]'
	@touch $@ $(VENV)/.run

# Types are checked with the clients' own annotations, hence the packages of the tests.
$(VENV)/.check: $(VENV)/.test
	$(INSTALL) 'pip>=25.1'
	$(INSTALL) --group dev
	@touch $@
