# Every target is one line that can be pasted. `make` alone lists them.
PYTHON ?= python3
PY := .venv/bin/python
PIP_FLAGS := --disable-pip-version-check --quiet --require-hashes --only-binary :all:

# Where pip looks for torch besides its usual index. PyTorch's own index of CPU builds spares gigabytes of GPU libraries:
#   make test TORCH_INDEX=https://download.pytorch.org/whl/cpu
TORCH_INDEX ?=

# What `test`, `quick` and `nightly` run: a file, a folder or one test, and names that pytest's -k takes.
#   make test T=tests/checks/test_urls.py K="port or userinfo"
T :=
K :=
PICKED = $(T)$(if $(K), -k "$(K)")

# A file of tests stays with one of the two processes, so that what its tests share is made once.
PYTEST := $(PY) -m pytest -n 2 --dist loadfile

.PHONY: help
help:  ## list the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

.PHONY: site
site: .venv/site  ## check all entries and build the site in build/site
	$(PY) -m generator build

.PHONY: serve
serve: .venv/site  ## build and serve the site, rebuild on change; another port: PORT=8001
	$(PY) -m generator serve $(if $(PORT),--port "$(PORT)")

.PHONY: validate
validate: .venv/site  ## check all entries and report every problem
	$(PY) -m generator validate

.PHONY: format
format: .venv/site  ## rewrite entries in canonical form
	$(PY) -m generator format

.PHONY: add
add: .venv/site  ## start an entry: ID=2305.10924, KIND=tool URL=https://…, or MODEL="SDXL"
	$(PY) -m generator add $(ADDED)

# The shell takes the values from the environment, so that a title or an address may contain any character.
ADDED = $(if $(MODEL),--model "$$MODEL",$(if $(KIND),--kind "$$KIND" --url "$$URL" $(TITLED),"$$ID" $(if $(TITLE),--offline) $(TITLED)))
TITLED = $(if $(TITLE),--title "$$TITLE")

.PHONY: check-entry
check-entry: .venv/site  ## format and check one entry: make check-entry FILE=data/papers/…
	$(PY) -m generator check-entry "$$FILE"

.PHONY: review
review: .venv/site  ## print what a reviewer sees of changed entries: BASE=origin/main, or FILE=data/papers/…
	$(PY) -m generator review $(if $(FILE),"$$FILE") $(if $(BASE),--base "$$BASE")

.PHONY: enrich
enrich: .venv/site  ## fetch missing records from arXiv; one: ID=2305.10924
	$(PY) -m generator enrich $(ID)

.PHONY: discover
discover: .venv/site  ## show new papers of arXiv; write drafts: APPLY=1
	$(PY) -m generator discover $(if $(APPLY),--apply)

.PHONY: refresh
refresh: .venv/site  ## rewrite README.md, its figures, and data/schema/
	$(PY) -m generator refresh

.PHONY: fix
fix: .venv/dev  ## fix lint, format, entries and generated files
	$(PY) -m ruff check --fix-only .
	$(PY) -m ruff format .
	$(PY) -m generator format
	$(PY) -m generator refresh

.PHONY: test
test: .venv/dev .venv/impls  ## run the tests, with a browser; some of them: T=file K=name
	$(if $(T)$(K),,$(PY) tests/site/browser.py)
	$(PYTEST) -m "not nightly" $(PICKED)

.PHONY: quick
quick: .venv/dev .venv/impls  ## run the tests that are fast and need no browser
	$(PYTEST) -m "not browser and not slow and not nightly" $(PICKED)

.PHONY: nightly
nightly: .venv/dev .venv/impls  ## run the slow tests: kept numbers, every compiler
	$(PYTEST) -m nightly $(PICKED)

.PHONY: test-clang
test-clang: .venv/dev .venv/impls  ## run the tests of the kernels, compiled by Clang
	CXX=clang++ $(PYTEST) -m "not nightly" tests/reference_impls/kernels

.PHONY: check
check: .venv/dev .venv/impls  ## check lint, types, workflows, data; change nothing
	$(PY) -m ruff check . && $(PY) -m ruff format --check .
	$(PY) -m mypy
	$(PY) tests/words/word_list.py
	.venv/bin/zizmor --offline --quiet .github
	$(PY) -m generator validate --no-notes
	$(PY) -m generator format --check

.PHONY: check-generated
check-generated: .venv/site  ## check that README.md and data/schema/ are up to date, as on main
	$(PY) -m generator refresh --check

.PHONY: bench-site
bench-site: .venv/dev  ## measure the time of a site build against a plain template loop
	$(PY) tests/benchmarks/bench_site.py

.PHONY: bench-browse
bench-browse: .venv/dev  ## measure speed and size of the Browse page in a browser
	$(PY) tests/benchmarks/bench_browse.py

.PHONY: bench-discover
bench-discover: .venv/dev  ## measure how well `discover` ranks new papers; 10 seconds
	$(PY) tests/benchmarks/bench_discover.py

.PHONY: bench-kernels
bench-kernels: .venv/impls  ## time the sparse kernels against dense and sparse libraries; 2 minutes
	$(PY) -m reference_impls bench --quick

.PHONY: bench-pipelines
bench-pipelines: .venv/impls  ## time a U-Net of SD 1.4's size with sparse kernels; 15 minutes, 12 GB of memory
	$(PY) tests/benchmarks/bench_pipelines.py

.PHONY: bench-paper-rules
bench-paper-rules: .venv/dev .venv/impls  ## measure each method beside its paper's own rule; one: METHOD=ecodiff
	$(PY) tests/benchmarks/bench_paper_rules.py $(if $(METHOD),--only "$$METHOD")

.PHONY: bench-matrix
bench-matrix: .venv/dev .venv/impls  ## try each method on each class of diffusers; ten minutes; one: METHOD=wanda
	$(PY) tests/benchmarks/bench_matrix.py $(if $(METHOD),--only "$$METHOD")

.PHONY: bench-miniature
bench-miniature: .venv/dev .venv/impls  ## measure every method on the miniature pipeline; shorter: CAPTIONS=10 SEEDS=1
	$(PY) tests/benchmarks/bench_miniature.py $(if $(CAPTIONS),--captions "$(CAPTIONS)") $(if $(SEEDS),--seeds "$(SEEDS)")

.PHONY: lint-readme
lint-readme:  ## lint README.md as an awesome list; needs Node.js
	npx --yes awesome-lint@2.3.0 README.md

.PHONY: lock
lock: .venv/dev  ## pin every package with its hashes
	.venv/bin/pip-compile $(LOCK_FLAGS) --generate-hashes --extra site -o requirements/site.txt pyproject.toml
	.venv/bin/pip-compile $(LOCK_FLAGS) --generate-hashes --extra site --extra dev -o requirements/dev.txt pyproject.toml
	.venv/bin/pip-compile $(LOCK_FLAGS) --extra impls --extra diffusers --extra oracles -c requirements/dev.txt -o requirements/impls.txt pyproject.toml
	sed -i 's/^\(torch==[0-9.]*\)+cpu/\1/' requirements/impls.txt  # the CPU build is taken where one is at hand

LOCK_FLAGS := --quiet --strip-extras --no-emit-index-url --no-emit-find-links --no-emit-options --allow-unsafe --upgrade

.PHONY: clean
clean:  ## delete build/ and the virtual environment
	rm -rf build .venv

.venv/site: requirements/site.txt
	test -x $(PY) || $(PYTHON) -m venv .venv
	$(PY) -m pip install $(PIP_FLAGS) -r requirements/site.txt
	@touch $@

.venv/dev: requirements/dev.txt .venv/site
	$(PY) -m pip install $(PIP_FLAGS) -r requirements/dev.txt
	@touch $@

# Without hashes: the right build of torch differs between processors.
.venv/impls: requirements/impls.txt .venv/site
	$(PY) -m pip install --disable-pip-version-check --quiet $(if $(TORCH_INDEX),--extra-index-url "$(TORCH_INDEX)") -r requirements/impls.txt
	@touch $@
