# `make book` and `make test` are all a newcomer needs; each sets up .venv by itself.
PYTHON ?= python3
EXTRAS := book,test,data,cluster,grading,slides
VENV := .venv
BIN := $(VENV)/bin
# Notebooks name the kernel "python3"; with this PATH it is the one in .venv.
export PATH := $(CURDIR)/$(BIN):$(PATH)
export PYDEVD_DISABLE_FILE_VALIDATION := 1
# Files are UTF-8, whatever the locale.
export PYTHONUTF8 := 1
SOURCES := dmdlite data_scripts tests benchmarks tools book _ext

.PHONY: help book pdf epub zip pages links test test-long execute bench reproduce assignments checks-report slides set-repo clean

help:  ## list the verbs
	@grep -hE '^[a-z-]+:.*## ' Makefile | sed -E 's/:.*## /\t/' | expand -t 12

$(VENV)/.ready: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' \
	  || { echo "error: $(PYTHON) is older than 3.10; try make PYTHON=python3.12"; exit 2; }
	@echo "setting up $(VENV) (some minutes the first time)"
	$(PYTHON) -m venv --clear $(VENV)
	$(BIN)/pip install -q --no-compile --disable-pip-version-check -c constraints.txt torch
	$(BIN)/pip install -q --no-compile --disable-pip-version-check -c constraints.txt -e ".[$(EXTRAS)]"
	@touch $@

# What reads clips is large (1 GB), and no chapter needs it.
$(VENV)/.video: $(VENV)/.ready
	$(BIN)/pip install -q --no-compile --disable-pip-version-check -c constraints.txt -e ".[video]"
	@touch $@

# Chromium or Chrome itself is the system's.
$(VENV)/.pages: $(VENV)/.ready
	$(BIN)/pip install -q --no-compile --disable-pip-version-check -c constraints.txt -e ".[pages]"
	@touch $@

# The cache knows a chapter's own cells only: when the package changes, every chapter runs again.
_build/.code: $(wildcard dmdlite/*.py dmdlite/*/*.py benchmarks/results/*.json dmdlite/results/*/*.csv) constraints.txt
	@rm -rf _build && mkdir _build && touch $@

book: $(VENV)/.ready _build/.code  ## run the chapters, several at a time, and build the HTML
	echo y | jcache notebook -p _build/.jupyter_cache add book/*.ipynb > /dev/null
	jcache project -p _build/.jupyter_cache execute --executor local-parallel --timeout 300
	jupyter-book build . -W -n --keep-going
	@echo "open _build/html/index.html"

pdf: book  ## the book as one PDF; needs XeLaTeX and latexmk
	jupyter-book build . --builder pdflatex
	@echo "see _build/latex/how_dmd_works.pdf"

epub: book  ## the book as an EPUB
	jupyter-book build . --builder custom --custom-builder epub
	@echo "see _build/epub/how_dmd_works.epub"

zip: $(VENV)/.ready  ## notebooks, package and wheel as one file, for who has no git
	python tools/pack.py

pages: book $(VENV)/.pages  ## open every page in Chromium without a network, look for faults
	python tools/check_pages.py

links: book  ## ask every address that the book names whether it is there
	jupyter-book build . --builder linkcheck

test: $(VENV)/.video  ## lint, unit and property tests, every notebook against its outputs
	ruff check $(SOURCES)
	ruff format --check $(SOURCES)
	lint-imports --no-cache
	OMP_NUM_THREADS=1 pytest -q -n 2 --dist loadfile --durations=12 -m "not long"
	python tests/run_notebooks.py
	@echo "this left out what takes long: make test-long (CI runs both)"

test-long: $(VENV)/.video  ## the rest: classes graded, assignments built, sweeps killed, all tables
	OMP_NUM_THREADS=1 pytest -q -n 2 --dist loadfile --durations=12 -m long

execute: $(VENV)/.ready  ## run all notebooks and write their outputs back
	python tools/execute.py

bench: $(VENV)/.ready  ## measure a training step; writes benchmarks/results
	python benchmarks/step_time.py
	python benchmarks/against_release.py

reproduce: $(VENV)/.ready  ## the runs behind chapters 10 to 14; writes dmdlite/results
	dmdlite reproduce all --data toy --out dmdlite/results
	for what in simple claims table1 table3 table4 table5 homogd fig1a controls map; do \
	  dmdlite reproduce "$$what" --draws 10 --out dmdlite/results || exit 1; done
	for what in table1 table3 table4 table5 homogd fig1a fig5 claims; do \
	  dmdlite reproduce $$what --data mmmo --folds 5 --out dmdlite/results || exit 1; done
	dmdlite crossval --data mmmo --folds 5 --repeats 5 --incomplete --out benchmarks/results/mmmo_crossval.json

assignments: $(VENV)/.ready  ## student, autograder and instructor versions in _assignments/
	python tools/assignments.py

slides: $(VENV)/.ready  ## the chapters as slides in _slides/
	python tools/slides.py

checks-report: $(VENV)/.ready  ## what the checks say of right and of wrong GD-Units
	python tools/checks_report.py

set-repo: $(VENV)/.ready  ## make set-repo REPO=owner/name re-points config, badges and Colab cells
	python tools/set_repo.py "$(REPO)"

clean:  ## remove what the verbs made
	rm -rf $(VENV) _build _assignments _slides .pytest_cache .ruff_cache .hypothesis *.egg-info
