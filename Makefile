# `make run` and `make test` need Python 3.11 or later and nothing else; all is installed into .venv.
# Another interpreter: make PYTHON=/path/to/python run
VENV := .venv
BIN := $(VENV)/bin
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable
CANDIDATES := $(or $(PYTHON),python3.13 python3.12 python3.11 python3)
# Files of tests run side by side; more workers than two compile the same things again.
WORKERS := 2
GENUINE := -c 'import ensurepip, sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1

.PHONY: help run test check docs papers bench bench-r posterior calibration clean
.DELETE_ON_ERROR:

help:
	@echo "make run          install, and run the built-in plan: runs/mbsr/report.html"
	@echo "make test         install, and run the tests"
	@echo "make check        ruff, mypy, and the model's own check"
	@echo "make docs         write docs/equations, docs/graph.svg and docs/analysis_steps.md"
	@echo "make papers       write docs/papers.md, what tests hold of published papers"
	@echo "make bench        print what runs cost on this machine, other simulators beside ours (half an hour)"
	@echo "make bench-r      the same beside vegan and lmerTest (needs Rscript with both: r-cran-vegan, r-cran-lmertest)"
	@echo "make posterior    fit beliefs to findings, and hold the model against findings before and after (an hour)"
	@echo "make calibration  compare with published courses (long)"
	@echo "make clean        remove .venv and runs"

run: $(VENV)/ready
	$(BIN)/gutbrain run mbsr --out runs/mbsr --force

test: $(VENV)/ready-for-tests
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile

check: $(VENV)/ready-for-tests
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/gutbrain check

docs: $(VENV)/ready
	$(BIN)/python docs/write_pages.py

papers: $(VENV)/ready-for-tests
	$(BIN)/python docs/write_papers.py

bench: $(VENV)/ready-for-bench
	$(BIN)/gutbrain bench
	$(BIN)/python -m benchmarks.engines_growth
	$(BIN)/python -m benchmarks.peak
	$(BIN)/python benchmarks/speed.py
	$(BIN)/python -m benchmarks.biom_scale
	$(BIN)/python -m benchmarks.apple_health_scale
	$(BIN)/python -m benchmarks.coupling_speed

bench-r: $(VENV)/ready-for-tests
	OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 $(BIN)/python benchmarks/permanova_vegan.py
	OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 $(BIN)/python benchmarks/linda_mixed.py

calibration: $(VENV)/ready-for-tests
	$(BIN)/python -m pytest -m calibration

posterior: $(VENV)/ready
	$(BIN)/gutbrain calibrate --out runs/posterior --force
	$(BIN)/gutbrain validate --out runs/validation --force
	$(BIN)/gutbrain validate --posterior runs/posterior --out runs/validation_after --force

clean:
	rm -rf $(VENV) runs

# The first that is 3.11 or later, whatever `python3` is. A version manager's shim may exist and not work.
$(VENV)/made:
	@found=""; for candidate in $(CANDIDATES); do \
	  if "$$candidate" $(GENUINE); then found="$$candidate"; break; fi; \
	done; \
	if [ -z "$$found" ]; then \
	  echo "None of $(CANDIDATES) is Python 3.11 or later with venv. Install one, or give its path: make PYTHON=/path/to/python" >&2; exit 1; \
	fi; \
	echo "Creating $(VENV) with $$found: $$("$$found" --version)"; \
	"$$found" -m venv --clear $(VENV)
	@touch $@

$(VENV)/ready: $(VENV)/made pyproject.toml constraints.txt
	$(INSTALL) '.[atlas,equations,lanes]'
	@touch $@

$(VENV)/ready-for-tests: $(VENV)/made pyproject.toml constraints.txt
	$(INSTALL) '.[adaptive,analyse,atlas,beats,cluster,couple,equations,export,lanes,sensitivity,study,test]'
	@touch $@ $(VENV)/ready

$(VENV)/ready-for-bench: $(VENV)/ready-for-tests
	$(INSTALL) '.[atlas,bench,lanes]'
	@touch $@
