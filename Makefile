# One word each: every target sets up what it needs by itself.
#   make demo            the site, a worker and Redis on this machine, with sample comments
#   make demo ONCE=1     the same, then print the verdicts and stop
#   make test            all tests, on SQLite and PostgreSQL, in a real browser too
#   make lint            style, types, and who may import whom
#   make bench           every figure that the README quotes; half an hour on two cores

PYTHON ?= python3
VENV ?= .venv
PORT ?= 8000
bin := $(VENV)/bin
installed := $(VENV)/.installed

# Tests and lint reach for no model hub and read no one's settings.
hermetic := HF_HUB_OFFLINE=1 TRANSFORMERS_OFFLINE=1 SECRET_KEY=not-a-secret DEBUG= DATABASE_URL= REDIS_URL=

.PHONY: help demo test lint bench clean
.DEFAULT_GOAL := help

help:
	@sed -n 's/^#   //p' Makefile

demo: $(installed)
	@exec $(bin)/python manage.py demo --port $(PORT) $(if $(filter-out 0,$(ONCE)),--once)

test: $(installed)
	@$(hermetic) $(bin)/python -m tests.e2e.browser --install
	$(hermetic) $(bin)/python -m tests

lint: $(installed)
	$(bin)/ruff check .
	$(bin)/ruff format --check .
	$(hermetic) $(bin)/mypy
	$(hermetic) $(bin)/lint-imports

bench: $(installed)
	$(hermetic) $(bin)/python benchmarks/throughput.py
	$(hermetic) $(bin)/python benchmarks/save_overhead.py
	$(hermetic) $(bin)/python benchmarks/pipeline.py
	$(hermetic) $(bin)/python benchmarks/latency.py
	$(hermetic) $(bin)/python benchmarks/scale.py
	$(hermetic) $(bin)/python benchmarks/soak.py --count 20000

clean:
	rm -rf .demo staticfiles build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
	find . -name __pycache__ -type d -not -path './$(VENV)/*' -prune -exec rm -rf {} +

# Installed again only when the requirements change.
$(installed): requirements.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "Python 3.11 or newer is needed, and $(PYTHON) is not one. Try: make PYTHON=python3.11 ..." >&2; exit 1; }
	@$(bin)/python -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv $(VENV) \
	  || { echo "No virtual environment could be made; on Debian and Ubuntu: apt install python3-venv" >&2; exit 1; }
	@echo "Installing the requirements into $(VENV); the first time this takes some minutes."
	@$(bin)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	@touch $@
