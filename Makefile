# One word each: every target sets up what it needs by itself.
#   make demo            the site, a worker and Redis on this machine, with sample comments
#   make demo ONCE=1     the same, then print the verdicts and stop
#   make test            all tests, on SQLite and PostgreSQL, in a real browser too
#   make test DJANGO=6.1 what needs a Django, on another one than the LTS, in an environment of its own
#   make lint            style, types, and who may import whom
#   make bench           every figure that the README quotes; half an hour on two cores

PYTHON ?= python3
LTS := 5.2
DJANGO ?= $(LTS)
VENV ?= .venv$(if $(filter-out $(LTS),$(DJANGO)),-django-$(DJANGO))
PORT ?= 8000
bin := $(VENV)/bin
installed := $(VENV)/.installed
# Django 6 runs on no older Python.
oldest := $(if $(filter 5.%,$(DJANGO)),3.11,3.12)

# Tests and lint reach for no model hub and read no one's settings.
hermetic := HF_HUB_OFFLINE=1 TRANSFORMERS_OFFLINE=1 SECRET_KEY=not-a-secret DEBUG= DATABASE_URL= REDIS_URL=

.PHONY: help demo test lint bench clean
.DEFAULT_GOAL := help

help:
	@sed -n 's/^#   //p' Makefile

demo: $(installed)
	@exec $(bin)/python manage.py demo --port $(PORT) $(if $(filter-out 0,$(ONCE)),--once)

ifeq ($(DJANGO),$(LTS))
test: $(installed)
	@$(hermetic) $(bin)/python -m tests.e2e.browser --install
	@$(hermetic) $(bin)/python -m tests.clients.node --install
	$(hermetic) $(bin)/python -m tests
else
test: $(installed)
	$(hermetic) $(bin)/python -m django --version
	$(hermetic) OMP_NUM_THREADS=1 TEST_DATABASE=sqlite $(bin)/python -m pytest tests/moderation tests/mysite
	$(hermetic) OMP_NUM_THREADS=1 TEST_DATABASE=postgresql $(bin)/python -m pytest tests/moderation
endif

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
	$(hermetic) $(bin)/python benchmarks/api.py
	$(hermetic) $(bin)/python benchmarks/scale.py
	$(hermetic) $(bin)/python benchmarks/soak.py --count 20000

clean:
	rm -rf .demo staticfiles build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
	find . -name __pycache__ -type d -not -path './.venv*/*' -prune -exec rm -rf {} +

# Installed again only when the requirements change.
$(installed): requirements.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < tuple(map(int, "$(oldest)".split("."))))' \
	  || { echo "Python $(oldest) or newer is needed for Django $(DJANGO), and $(PYTHON) is not one. Try: make PYTHON=python$(oldest) ..." >&2; exit 1; }
	@$(bin)/python -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv $(VENV) \
	  || { echo "No virtual environment could be made; on Debian and Ubuntu: apt install python3-venv" >&2; exit 1; }
	@echo "Installing the requirements into $(VENV); the first time this takes some minutes."
	@$(bin)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt "django==$(DJANGO).*"
	@touch $@
