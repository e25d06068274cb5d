# make lab | make test | make help. Every target brings what it needs; repeated calls are quick.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.NOTPARALLEL:
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules

PYTHON ?= python3
PORT ?= 8888
TASKS ?= 10000
FOLDER ?= dist/seed
ARGS ?=
SITE ?=

VENV := $(CURDIR)/.venv
PYR_VENV := $(CURDIR)/.venv-pyr
PYR_VERSION := 0.3.17
# What `make lab` needs comes first, so that JavaScript can be compiled while the rest is installed.
LAB_EXTRAS := lab optimize examples dev
EXTRAS := $(LAB_EXTRAS) test docs demo
RARE := authlib|beartype|bleach|coreweave_evaluations|cyclopts|databricks|dns|docker|fontTools|graphql|gunicorn|jedi|key_value|mpl_toolkits|narwhals|prompt_toolkit|pyasn1_modules|rich_rst|virtualenv|wcwidth|werkzeug

export PATH := $(VENV)/bin:$(CURDIR)/node_modules/.bin:$(PATH)
export PIP_DISABLE_PIP_VERSION_CHECK := 1
# With it each of the thousands of processes that the tests start would compile all modules again.
unexport PYTHONDONTWRITEBYTECODE

# Stamps live inside what they vouch for: remove the folder, and the stamp is gone too.
VENV_STAMP := $(VENV)/.created
LAB_STAMP := $(VENV)/.requirements-lab
PIP_STAMP := $(VENV)/.requirements
JS_STAMP := node_modules/.installed
PYODIDE_STAMP := $(VENV)/pyodide/.downloaded
BUILD_STAMP := pyruns_jupyter/labextension/package.json
INSTALL_STAMP := $(VENV)/.installed
LAB_TARGET := $(VENV)/share/jupyter/labextensions/pyruns-jupyter

SOURCES := $(shell find src style schema -type f -not -path '*/__tests__/*' -not -name schema.ts 2>/dev/null) \
	esbuild.config.mjs tsconfig.json tsconfig.build.json package.json pyruns_jupyter/server/openapi.yaml

ifdef PYRUNS_REFERENCE
PYR_STAMP :=
else
PYR_STAMP := $(PYR_VENV)/.installed
PYRUNS_REFERENCE := $(PYR_VENV)/bin/pyr
endif
export PYRUNS_REFERENCE

.PHONY: help pictures system-packages env env-pyr env-installed build everything install lab dev lint format generate test test-py test-py-all test-js test-ui test-ui-all check-api check-auth docs translate check-translations site seed demo wheel clean

help: ## this text
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/make \1|\2/' | column -t -s '|'

system-packages: # Debian packages for the tests
	@PYTHON=$(PYTHON) bash tools/system_packages.sh

$(VENV_STAMP):
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 10) else "Python 3.10 or newer is needed, $(PYTHON) is " + sys.version.split()[0])'
	test -x $(VENV)/bin/pip || $(PYTHON) -m venv $(VENV)
	touch $@

$(LAB_STAMP): pyproject.toml tools/requirements.py tools/install.sh $(VENV_STAMP)
	python tools/requirements.py $(LAB_EXTRAS) > $(VENV)/requirements-lab.txt
	bash tools/install.sh $(VENV)/bin/python --requirement $(VENV)/requirements-lab.txt
	touch $@

$(PIP_STAMP): $(LAB_STAMP)
	python tools/requirements.py $(EXTRAS) > $(VENV)/requirements.txt
	bash tools/install.sh $(VENV)/bin/python --requirement $(VENV)/requirements.txt
	@# So that processes that start together do not each compile them: all modules, but not the tests of packages,
	@# sources of machine code, nor large packages that others bring along and the tests hardly load. A few files of
	@# packages are not Python. `-j` would cost half a millisecond for each.
	ls -d $(VENV)/lib/python*/site-packages/* | xargs -n 25 -P "$$(nproc)" python -m compileall -qq -x 'site-packages/(.*/tests?|mypyc?|$(RARE))/' || true
	@# Not among the packages of the environment: every server of the tests would load it.
	bash tools/install.sh $(VENV)/bin/python --no-deps --target $(VENV)/jupyter-server-mcp jupyter-server-mcp
	touch $@

$(JS_STAMP): package.json yarn.lock .yarnrc.yml $(LAB_STAMP)
	@command -v node > /dev/null || { echo 'Node.js 20 or newer is needed: node is not on PATH' >&2; exit 1; }
	jlpm install --immutable > $(VENV)/jlpm.log 2>&1 || { cat $(VENV)/jlpm.log >&2; exit 1; }
	touch $@

# The packages that the demo loads, for the Python of the package pyodide in package.json.
$(PYODIDE_STAMP): demo/requirements.txt $(LAB_STAMP)
	rm -rf $(@D)
	python -m pip download --quiet --no-deps --only-binary :all: --implementation cp --python-version 3.14 --abi cp314 --abi none \
		--platform pyemscripten_2026_0_wasm32 --platform any --dest $(@D) --requirement $<
	touch $@

$(PYR_VENV)/.installed: $(LAB_STAMP)
	$(PYTHON) -m venv --clear --without-pip $(PYR_VENV)
	bash tools/install.sh $(PYR_VENV)/bin/python --compile 'pyruns==$(PYR_VERSION)'
	touch $@

$(BUILD_STAMP): $(JS_STAMP) $(SOURCES)
	jlpm build:prod
	touch $@

# Copies the lab extension and the server configuration into the environment, and writes _version.py.
$(INSTALL_STAMP): $(BUILD_STAMP) pyproject.toml install.json $(wildcard jupyter-config/*/*.json)
	@# `make dev` leaves a link there, through which pip would write into the sources.
	if [ -L $(LAB_TARGET) ]; then rm $(LAB_TARGET); fi
	python -m pip install --quiet --no-build-isolation --no-deps --editable .
	touch $@

env: $(PIP_STAMP) $(JS_STAMP) $(PYODIDE_STAMP) ## Python and JavaScript dependencies

env-pyr: $(PYR_STAMP) ## the reference program pyruns, in an environment of its own

env-installed: $(PIP_STAMP) ## environments with the oldest and the newest JupyterLab, for the wheel
	python -m tests.packaging.installed --prepare

build: $(INSTALL_STAMP) ## everything that is compiled, installed editable

everything: build $(PIP_STAMP) # also what tests, linters and documentation need

install: build

lab: build ## JupyterLab on examples/ (PORT=8888, ARGS=--no-browser)
	jupyter lab --ServerApp.root_dir=$(CURDIR)/examples --ServerApp.port=$(PORT) \
		$(if $(filter 0,$(shell id -u)),--allow-root) $(ARGS)

dev: build ## rebuild TypeScript on every change (reload the browser after it)
	jupyter-builder develop . --overwrite
	jlpm watch

# Node.js collects garbage less often: ESLint and Jest take a twelfth less of the processor's time.
lint test-js: export NODE_OPTIONS := --max-semi-space-size=64 $(NODE_OPTIONS)

lint: everything ## ruff, mypy, eslint, prettier, stylelint, tsc, translations, terms of user texts
	ruff check .
	ruff format --check .
	mypy
	mypy --config-file tools/mypy-windows.ini
	jlpm stylelint:check
	jlpm prettier:check
	jlpm eslint:check
	jlpm check:types
	node tools/messages.mjs --check
	python -m tools.prose

format: env ## let the tools mend what they can
	ruff check --fix .
	ruff format .
	jlpm lint

generate: env ## what is made from the sources: pages of the reference, figures
	python -m tools.rest_docs
	python -m tools.reference_docs
	node tools/figures.mjs

translate: everything ## bring the messages of the documentation up to date, for its translations
	python tools/translations.py

test-py: everything env-pyr $(PYODIDE_STAMP) ## pytest (ARGS="-k lock")
	pytest $(ARGS)

# Most tests wait for processes of their own: with four at a time, two cores are idle half of the time.
test-py-all: everything env-pyr $(PYODIDE_STAMP)
	pytest -n 6 --dist loadfile --no-loadscope-reorder --durations=40 --durations-min=5

test-js: env ## jest
	jlpm test $(ARGS)

check-api: env ## is all that `make generate` makes current?
	python -m tools.rest_docs --check
	python -m tools.reference_docs --check
	node tools/figures.mjs --check

docs: everything check-translations ## the documentation site in English and Chinese, in docs/_build (a warning is an error)
	rm -rf docs/_build
	python -m sphinx -q -W --keep-going -b html $(SITE) docs docs/_build
	python -m sphinx -q -W --keep-going -b html $(SITE) -D language=zh_CN docs docs/_build/zh_CN
	rm -rf docs/_build/.doctrees docs/_build/zh_CN/.doctrees

site: ## the documentation site with the demo in it, for any static host
	$(MAKE) docs demo SITE='-A demo=1'
	cp -r dist/demo docs/_build/demo

check-translations: everything ## is all of the documentation translated that should be?
	python tools/translations.py --check

check-auth: build ## does every route ask who is there?
	python tools/check_auth.py

test-ui: system-packages everything env-installed ## Galata in Chromium (ARGS="details.spec")
	CI=1 jlpm test:ui $(ARGS)

# Two browsers, each with servers, ports and folders of its own: they wait for servers most of the time.
test-ui-all: everything env-installed
	CI=1 PYRUNS_UI_WORKERS=2 jlpm test:ui

pictures: everything env-installed ## the documentation's screenshots, made by the UI tests
	rm -rf ui-tests/test-results/frames
	PYRUNS_PICTURES=1 $(MAKE) --no-print-directory $(if $(ARGS),test-ui,test-ui-all)
	if [ -d ui-tests/test-results/frames ]; then python tools/motion.py ui-tests/test-results/frames docs/images/motion.webp; fi

# Debian packages are installed beside the rest, unless Python itself lacks one; their installation is always waited for,
# as it would go on unseen. Environments are filled while JavaScript is compiled. Modules are compiled once, as all
# suites begin together. Then browsers go first, as one that is slow makes its tests long. Linters, documentation and
# Jest are two jobs, so that they get enough of the cores to end before pytest; each worker of Jest loads all modules.
test: ## every suite, after installing what the tests need
	@system=; trap 'wait $$system || true; kill $$(jobs -p) 2> /dev/null || true' EXIT; \
	PYTHON=$(PYTHON) bash tools/system_packages.sh check; \
	$(PYTHON) -c 'import ensurepip, venv' 2> /dev/null || $(MAKE) --no-print-directory system-packages; \
	$(MAKE) --no-print-directory system-packages & system=$$!; \
	$(MAKE) --no-print-directory $(LAB_STAMP); \
	$(MAKE) --no-print-directory $(PIP_STAMP) $(PYR_STAMP) env-installed > $(VENV)/environments.log 2>&1 & environments=$$!; \
	$(MAKE) --no-print-directory $(PYODIDE_STAMP) & pyodide=$$!; \
	$(MAKE) --no-print-directory $(BUILD_STAMP); \
	wait $$system; \
	wait $$environments || { cat $(VENV)/environments.log >&2; exit 1; }; \
	wait $$pyodide; \
	$(MAKE) --no-print-directory build; \
	python -m compileall -q pyruns_jupyter; \
	nice -n 5 $(MAKE) --keep-going --no-print-directory lint check-api check-auth > $(VENV)/lint.log 2>&1 & lint=$$!; \
	nice -n 5 $(MAKE) --keep-going --no-print-directory docs test-js ARGS=--maxWorkers=1 > $(VENV)/beside.log 2>&1 & beside=$$!; \
	$(MAKE) --no-print-directory test-ui-all > $(VENV)/ui.log 2>&1 & ui=$$!; \
	failed=(); \
	nice -n 5 $(MAKE) --no-print-directory test-py-all 2>&1 | tee $(VENV)/pytest.log || failed+=(pytest); \
	wait $$lint || failed+=(lint); \
	wait $$beside || failed+=(beside); \
	cat $(VENV)/lint.log $(VENV)/beside.log; \
	wait $$ui || failed+=(ui); \
	grep -v '^\[WebServer\]' $(VENV)/ui.log; \
	if [ $${#failed[@]} = 0 ]; then exit 0; fi; \
	printf '\nFailed: %s\n' "$${failed[*]}"; \
	for suite in "$${failed[@]}"; do \
		grep -ahE '^(FAILED|ERROR) |^  ●|^ +[0-9]+\) |^ +(Error|Locator|Expected|Received):' $(VENV)/$$suite.log \
			| awk '!told[$$0]++' | cut -c -300 | head -60 || true; \
		grep -ah -B 8 '^make.* Error ' $(VENV)/$$suite.log | cut -c -300 | tail -40 || true; \
	done; \
	exit 1

wheel: everything ## dist/*.whl and dist/*.tar.gz
	python -m build --no-isolation

seed: build ## a project with believable tasks in FOLDER (TASKS=10000)
	python tools/seed.py $(FOLDER) --tasks $(TASKS)

# Only files under version control: what the user ran in examples/ stays out of a page for others.
demo: everything $(PYODIDE_STAMP) ## a static site with simulated processes, in dist/demo (for any web server; nothing is downloaded)
	rm -rf dist/demo dist/demo-contents demo/.jupyterlite.doit.db
	mkdir -p dist/demo-contents
	git ls-files -z examples | xargs -0 cp --parents --target-directory=dist/demo-contents
	cp demo/contents/* dist/demo-contents/examples/
	cd demo && jupyter lite build --output-dir ../dist/demo --contents ../dist/demo-contents/examples --apps lab --no-sourcemaps > $(VENV)/demo.log 2>&1 \
		|| { cat $(VENV)/demo.log >&2; exit 1; }
	python tools/demo_site.py $(dir $(PYODIDE_STAMP)) dist/demo/pyruns

clean: ## what was built (not the environments)
	rm -rf lib dist coverage docs/_build pyruns_jupyter/labextension pyruns_jupyter/static src/client/schema.ts ui-tests/test-results
	rm -f $(INSTALL_STAMP)
