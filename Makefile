# The two commands that matter are `make run` and `make test`; `make help` lists all.
# A machine needs Python 3.12 or later, pip and make. Everything else is fetched into .venv, by locked hashes.
SHELL := /bin/sh
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help run test pictures lint bench lock clean local dev browser lint-on-servers
MAKEFLAGS += --no-print-directory

PY := .venv/bin/python
export PYTHONUNBUFFERED := 1
# Every start would otherwise compile the whole house anew, where the shell says not to keep what was compiled.
unexport PYTHONDONTWRITEBYTECODE

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## /{printf "make %-7s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: local ## Start everything locally (PORT=8000, DATA_DIR=.local, DEMO=small|large|none, VERBOSE=1)
	@exec $(PY) -m crasme.run

test: dev browser ## Run all tests on real servers; ARGS="-k clock" for some, "-m slow" for the long ones
	@exec $(PY) -m pytest -n 2 --dist worksteal -m "not slow" $(ARGS)

lint: dev ## Check format, types, layers, migrations, templates and settings
	.venv/bin/ruff format --check --quiet .
	.venv/bin/ruff check --quiet .
	.venv/bin/lint-imports --no-logo
	.venv/bin/djlint templates --lint --quiet
	.venv/bin/hadolint Dockerfile
	@$(PY) -m crasme.embedded $(MAKE) lint-on-servers

# Types need settings that load, and the checks an empty database: these run on throw-away servers.
lint-on-servers:
	.venv/bin/mypy
	$(PY) manage.py makemigrations --check --dry-run
	$(PY) manage.py check --database default
	$(production) $(PY) manage.py check --deploy --fail-level WARNING

production = env DEBUG=0 ALLOWED_HOSTS=privacy.example.com SITE_URL=https://privacy.example.com \
	EMAIL_URL=smtp+tls://user:password@mail.example.com:587

pictures: dev browser ## Take the pictures of docs/pictures anew, from the tour that the tests make
	@exec $(PY) -m pytest -q tests/browser/test_slice.py --pictures docs/pictures

bench: dev ## Measure; ARGS="purge --rows 1000000"
	@exec $(PY) -m benchmarks $(ARGS)

# --- environment ------------------------------------------------------------------------------------------------------
# A stamp says which requirements are in .venv; it is older than they are when they have changed.
local: .venv/stamp-local
dev: .venv/stamp-dev

.venv/stamp-local: requirements/local.txt requirements/uv.txt .python-version
	@$(prepare)
	@$(call install,requirements/local.txt)

.venv/stamp-dev: requirements/dev.txt requirements/uv.txt .python-version
	@$(prepare)
	@$(call install,requirements/dev.txt)
	@touch .venv/stamp-local

# The first Python that is new enough. pyenv's shims fail when the version in .python-version is not installed, so the
# versions that pyenv does have are tried by their own paths too.
define prepare
set -e; \
new='import sys, venv; sys.exit(sys.version_info < (3, 12))'; \
if ! $(PY) -c "$$new" 2>/dev/null; then \
    rm -rf .venv; \
    for python in $$PYTHON python$$(cat .python-version) python3.13 python3.12 python3.14 python3 python \
                  $${PYENV_ROOT:-$$HOME/.pyenv}/versions/3.1[2-9]*/bin/python3; do \
        if "$$python" -c "$$new" 2>/dev/null && "$$python" -m pip --version >/dev/null 2>&1; then break; fi; \
        python=; \
    done; \
    if [ -z "$$python" ]; then \
        echo "No Python 3.12 or later with pip was found (looked for python3.13, python3.12, python3 and in pyenv)." >&2; \
        echo "Install one, for example with 'pyenv install $$(cat .python-version)', or name one: make run PYTHON=/path/to/python3" >&2; \
        exit 1; \
    fi; \
    echo "Making .venv with $$("$$python" -V)"; \
    "$$python" -m venv --without-pip .venv; \
    echo "$$python" > .venv/made-with; \
fi; \
if ! .venv/bin/uv --version >/dev/null 2>&1; then \
    "$$(cat .venv/made-with 2>/dev/null || echo $(PY))" -m pip --python $(PY) --disable-pip-version-check --quiet \
        install --require-hashes -r requirements/uv.txt; \
fi
endef

define install
set -e; \
echo "Installing $(1) into .venv"; \
.venv/bin/uv pip install --python $(PY) --quiet --require-hashes -r $(1); \
touch $@
endef

# A system's own Chromium or Chrome is used when it runs; some only have a stub that asks to be installed.
browser:
	@for name in chromium chromium-browser google-chrome google-chrome-stable; do \
	    if "$$name" --version >/dev/null 2>&1; then exit 0; fi; \
	done; \
	test -e .venv/stamp-browser && exit 0; \
	echo "Installing Chromium for the browser tests"; \
	root=; test "$$(id -u)" = 0 || root='sudo -n'; \
	if command -v apt-get >/dev/null && $$root true 2>/dev/null \
	    && $$root env DEBIAN_FRONTEND=noninteractive sh -c 'apt-get -qq update && apt-get -qq install -y --no-install-recommends chromium' >/dev/null \
	    && chromium --version >/dev/null 2>&1; then exit 0; fi; \
	if $(PY) -m playwright install chromium; then touch .venv/stamp-browser; exit 0; fi; \
	echo "No Chromium could be installed. Install the package chromium (or Google Chrome) and run make test again." >&2; \
	exit 1

# --- upkeep -----------------------------------------------------------------------------------------------------------
compile = .venv/bin/uv pip compile pyproject.toml --quiet --universal --generate-hashes --no-header --no-emit-index-url --python-version 3.12

lock: dev ## Choose versions anew from pyproject.toml; ARGS="--upgrade" for newer ones
	@$(compile) $(ARGS) --output-file requirements/production.txt
	@$(compile) $(ARGS) --group local --constraints requirements/production.txt --output-file requirements/local.txt
	@$(compile) $(ARGS) --group dev --constraints requirements/local.txt --output-file requirements/dev.txt
	@.venv/bin/uv pip compile requirements/uv.in --quiet --universal --generate-hashes --no-header --no-emit-index-url --python-version 3.12 $(ARGS) --output-file requirements/uv.txt

clean: ## Remove what can be made again; data in .local stays
	@rm -rf .venv staticfiles .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
