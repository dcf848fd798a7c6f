# Two commands matter: `make run` and `make test`. Each sets up what it needs.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
SYNTHETIC ?= synthetic
REGION ?= .benchmarks/pcn
STAMP := $(VENV)/.installed

.PHONY: help setup setup-spark run test test-deep test-spark benchmark benchmark-region benchmark-peers benchmark-feeds lint docs lock clean

help:          ## list the targets
	@grep -hE '^[a-z-]+: .*##|^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

setup: $(STAMP) ## one virtual environment with everything, from the lock

$(STAMP): requirements.lock requirements-bootstrap.lock pyproject.toml
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-bootstrap.lock
	@$(BIN)/uv pip install --quiet --compile-bytecode --python $(BIN)/python --require-hashes -r requirements.lock
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	@touch $(STAMP)

setup-spark: .spark/.installed ## dbt-spark and PySpark, in an environment of their own

.spark/.installed: requirements-spark.lock $(STAMP)
	@test -x .spark/bin/python || $(PYTHON) -m venv .spark
	@$(BIN)/uv pip install --quiet --python .spark/bin/python --require-hashes -r requirements-spark.lock
	@touch .spark/.installed

run: setup     ## simulate a small region and take it through Airflow to a published release
	@$(BIN)/linkwork demo --synthetic $(SYNTHETIC)

test: setup    ## all tests, on real dbt, Airflow, Great Expectations and Delta
	$(BIN)/python -m pytest -n 3

test-deep: setup ## the full counts; no time limit
	$(BIN)/python -m pytest -n 2 --hypothesis-profile=deep

test-spark: setup-spark ## the models on Spark, row for row the same as on DuckDB; needs Java 17
	@command -v java >/dev/null || test -n "$$JAVA_HOME" || { echo "Spark needs Java 17 or later: install it, or set JAVA_HOME" >&2; exit 69; }
	LINKWORK_SPARK_PYTHON=.spark/bin/python $(BIN)/python -m pytest -n 0 tests/spark

benchmark: setup ## ratios on logs of 1 and 10 million events, made on first use (see benchmarks/README.md), and the next
	$(BIN)/python -m benchmarks $(BENCHMARK)
	$(MAKE) benchmark-region

benchmark-region: setup ## a region from zero to a release, and one more day: time, memory and disk of each stage
	test -d $(REGION) || $(BIN)/linkwork simulate --preset pcn --days 1 --out $(REGION)
	$(BIN)/python -m benchmarks.scale --region $(REGION)

benchmark-peers: setup ## what the benchmarks of feeds compare with, in an environment of its own
	@test -x .benchmarks/peers/bin/python || $(PYTHON) -m venv .benchmarks/peers
	@$(BIN)/uv pip install --quiet --python .benchmarks/peers/bin/python --require-hashes -r requirements-benchmark.lock

benchmark-feeds: benchmark-peers ## one large CSV file with everything on, against raw DuckDB, pandas, Polars and dlt
	$(BIN)/python -m benchmarks.csv_feed $(BENCHMARK)

lint: setup    ## ruff, mypy, sqlfluff
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	cd dbt_project && ../$(BIN)/sqlfluff lint models tests macros --processes 2

docs: setup    ## the page about measures, and the site about the models with its lineage graph, in site/
	$(BIN)/linkwork docs measures
	$(BIN)/linkwork docs site --out site

lock: setup    ## resolve the dependencies anew
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate --group dev pyproject.toml --output-file requirements.lock
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate requirements-bootstrap.in --output-file requirements-bootstrap.lock
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate requirements-benchmark.in --output-file requirements-benchmark.lock
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate requirements-spark.in --output-file requirements-spark.lock

clean:         ## remove the environment and all generated data
	rm -rf $(VENV) data site synthetic .keys .benchmarks .spark
