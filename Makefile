# One set of commands for a laptop and for CI. `make` alone says what there is.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
LOCK := requirements.lock
UV_PIN := $(shell grep -E '^uv==' $(LOCK))
# The installer: the pinned uv where it can be had, plain pip otherwise (INSTALLER=pip forces it).
INSTALLER ?= uv
DEMO ?= demo

.PHONY: help demo test check verify bench docs clean
help:
	@echo "make demo    install into $(VENV), run the bundled alectinib study, say where the dossier is"
	@echo "make test    the test suite        make check   ruff, mypy --strict, import contracts"
	@echo "make verify  slow comparisons      make bench   speed and memory beside the peers"
	@echo "make docs    the documentation site"

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "benchside needs Python 3.11 or later; this is " + sys.version.split()[0] + ". Run: make PYTHON=python3.11")'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.runtime: pyproject.toml $(LOCK) | $(BIN)/python
	@$(call install,hatchling editables)
	@$(call install,--no-build-isolation -e .)
	@touch $@

# A dependency of lifelines comes as source only: setuptools and wheel build it, pinned like the rest.
$(VENV)/.test: $(VENV)/.runtime
	@$(call install,setuptools wheel)
	@$(call install,--no-build-isolation -e ".[test]")
	@touch $@

define install
if [ "$(INSTALLER)" = uv ] && { [ -x $(BIN)/uv ] || $(BIN)/python -m pip install --quiet "$(UV_PIN)" 2>/dev/null; }; then \
  UV_PYTHON_DOWNLOADS=never $(BIN)/uv pip install --quiet --python $(BIN)/python -c $(LOCK) $(1); \
else \
  echo "installing with pip (INSTALLER=pip, or uv could not be had)"; \
  $(BIN)/python -m pip install --quiet -c $(LOCK) $(1); \
fi
endef

demo: $(VENV)/.runtime
	@[ -e $(DEMO)/study.toml ] || $(BIN)/benchside init $(DEMO)
	$(BIN)/benchside run $(DEMO)

test: $(VENV)/.test
	$(BIN)/python -m pytest -q -n auto --dist loadfile

check: $(VENV)/.test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

verify: $(VENV)/.test
	$(BIN)/python -m verification

bench: $(VENV)/.test
	$(BIN)/python -m benchmarks

# The documentation's own pins constrain its tools; what both need is pinned alike (a test holds it).
docs: $(VENV)/.runtime
	@$(call install,-c docs/requirements.lock --no-build-isolation -e ".[docs]")
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

clean:
	rm -rf $(VENV) $(DEMO) site dist .pytest_cache .mypy_cache .ruff_cache
