# make run    create what is missing and open the app        CLIPS=/folder make run   start on your own videos
# make test   everything the tests need, then the tests      make check   lint, types, import rules
# make bench  measure against named baselines                 make gpu-check   what a GPU machine should be able to do
# make check-exports  run the exported Inspect and lmms-eval tasks in those tools, in an environment of their own
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
export GRADIO_ANALYTICS_ENABLED := False
export HF_HUB_OFFLINE := 1

.PHONY: run test check bench gpu-check check-exports

run: $(VENV)/.app
	$(BIN)/python app.py $(if $(CLIPS),--clips "$(CLIPS)")

# What measures a playing page has the machine to itself; everything else shares the cores.
test: $(VENV)/.dev chromium
	$(BIN)/python -m pytest -m "not alone" -n auto --dist loadfile
	$(BIN)/python -m pytest -m alone

check: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(VENV)/.dev chromium
	$(BIN)/python -m tests.bench $(ONLY)

gpu-check: $(VENV)/.dev
	$(BIN)/python -m training.gpu_check

EXPORTS := .venv-exports
check-exports: $(EXPORTS)/.made
	$(EXPORTS)/bin/python -m tests.exports.check

$(EXPORTS)/.made: tests/exports/requirements.txt tests/exports/requirements-alone.txt
	$(PYTHON) -m venv $(EXPORTS)
	$(EXPORTS)/bin/python -m pip install --quiet --disable-pip-version-check -r tests/exports/requirements.txt
	$(EXPORTS)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps -r tests/exports/requirements-alone.txt
	@touch $@

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "thud needs Python 3.11 or newer; $(PYTHON) is older. Try: make PYTHON=python3.12 run"; exit 1; }
	$(PYTHON) -m venv $(VENV) || \
	  { rm -rf $(VENV); echo "Python's venv module is missing. On Debian: apt-get install python3-venv"; exit 1; }

$(VENV)/.app: requirements.txt | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	@touch $@

$(VENV)/.dev: requirements.txt requirements-dev.txt | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@touch $@ $(VENV)/.app

.PHONY: chromium
chromium:
	@command -v chromium >/dev/null || { \
	  if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	    apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium >/dev/null; \
	  else echo "The browser tests need chromium. Install it (Debian: sudo apt-get install chromium) and run make again."; exit 1; fi; }
