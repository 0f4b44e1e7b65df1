# Everything a developer does here. On a bare machine with Python >= 3.11 and make, each of these works as the
# very first command. With uv on the PATH the environment takes seconds, without it a minute.

VENV := .venv
PY := $(VENV)/bin/python

# The first Python that is new enough; `make PYTHON=/path/to/python` chooses another.
PYTHON ?= $(shell for python in python3 python3.13 python3.12 python3.11; do \
	"$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo "$$python"; break; }; done)
# A uv that runs: a version manager's shim lies on the PATH even when there is nothing behind it.
UV := $(shell uv --version >/dev/null 2>&1 && echo uv)

ifdef UV
MAKE_VENV = uv venv --quiet --clear --python "$(PYTHON)" $(VENV)
INSTALL = uv pip install --quiet --python $(PY) --constraint constraints.txt
else
MAKE_VENV = "$(PYTHON)" -m venv --clear $(VENV)
# An environment that uv made has no pip.
INSTALL = { $(PY) -m pip --version >/dev/null 2>&1 || $(PY) -m ensurepip >/dev/null; } && \
	$(PY) -m pip install --quiet --disable-pip-version-check --constraint constraints.txt
endif

# A worker a core; ARGS="-n 0" runs the tests in one process, for a debugger.
SPREAD = --numprocesses auto --maxprocesses 4 --dist loadscope --no-loadscope-reorder

.DEFAULT_GOAL := help
.PHONY: help setup demo test test-fast torture mutants check bench idl engines engines-status engines-stop constraints clean

help: ## show this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1\t\2/p' $(MAKEFILE_LIST) | while IFS='	' read -r target words; do \
		printf '  make %-15s %s\n' "$$target" "$$words"; done

setup: $(VENV)/.dev ## install Aragog and all that its development needs into .venv

demo: $(VENV)/.base ## fetch the sample web with nothing but Python, and show what came of it
	@$(PY) -m aragog.demo

test: $(VENV)/.dev ## run the tests, those of real engines too if `make engines` runs (ARGS="-k robots" selects)
	@$(PY) -m pytest $(SPREAD) -m "not torture" $(ARGS)

test-fast: $(VENV)/.dev ## run what a change is tried on: unit, property, contract without engines; two minutes
	@$(PY) -m pytest $(SPREAD) -m "not redis and not cassandra and not s3 and not kafka and not alone and not torture" \
		--hypothesis-profile=fast tests/rules tests/unit tests/property tests/contract $(ARGS)

torture: $(VENV)/.dev ## run every test, the fault suites with their full counts: long
	@ARAGOG_TORTURE=1 $(PY) -m pytest $(ARGS)

mutants: $(VENV)/.dev ## change the pure modules 2,000 times, and list the changes that no fast test notices: an hour
	@$(PY) -m benchmarks.mutants $(ARGS)

check: $(VENV)/.dev ## lint, formatting, types, the import table, generated code fresh
	@$(PY) -m ruff check .
	@$(PY) -m ruff format --check .
	@$(PY) -m mypy
	@$(VENV)/bin/lint-imports
	@if command -v thrift >/dev/null; then $(PY) -m thrift_idl.generate --check; \
	elif [ "$$CI" = true ]; then echo "generated code not checked: apt-get install thrift-compiler" >&2; exit 1; \
	else echo "generated code not checked: there is no thrift compiler here (Debian: thrift-compiler)"; fi

bench: $(VENV)/.dev ## run the benchmarks
	@$(PY) -m benchmarks $(ARGS)

idl: $(VENV)/.dev ## generate the structs and stubs anew from thrift_idl/*.thrift
	@$(PY) -m thrift_idl.generate

engines: | python ## start Redis, Cassandra, S3, Kafka on loopback and print their URLs (NAMES="s3 kafka" selects)
	@"$(PYTHON)" -m deploy.engines start $(NAMES)

engines-status: | python ## list the engines: state, memory, URL
	@"$(PYTHON)" -m deploy.engines status $(NAMES)

engines-stop: | python ## stop the engines; data and ports stay for the next start
	@"$(PYTHON)" -m deploy.engines stop $(NAMES)

constraints: ## pin the newest versions of everything in pyproject.toml (needs uv)
	@test -n "$(UV)" || { echo "make constraints needs uv: pip install uv" >&2; exit 1; }
	@uv pip compile --quiet --upgrade --universal --python-version 3.11 --all-extras \
		--no-annotate --no-header --output-file constraints.txt pyproject.toml

clean: | python ## stop the engines and remove their data, the environment, caches, build products
	@"$(PYTHON)" -m deploy.engines stop --wipe
	@rm -rf $(VENV) .demo build dist *.egg-info .*_cache .hypothesis
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

# What follows isn't called by hand.

.PHONY: python
python:
	@test -n "$(PYTHON)" || { echo "Aragog needs Python 3.11 or newer (Debian: python3 python3-venv)" >&2; exit 1; }

$(PY): | python
	@echo "Making $(VENV) with $(if $(UV),uv,venv and pip) (once)"
	@$(MAKE_VENV)

$(VENV)/.base: pyproject.toml constraints.txt | $(PY)
	@echo "Installing Aragog (once)"
	@$(INSTALL) --editable .
	@touch $@

$(VENV)/.dev: pyproject.toml constraints.txt | $(PY)
	@echo "Installing Aragog, its drivers and its tools (once)"
	@$(INSTALL) --editable '.[distributed,dev]'
	@touch $(VENV)/.base $@
