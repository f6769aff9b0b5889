# Two commands: `make demo` shows everything at work, `make test` proves it.
PYTHON ?= python3
BIN = .venv/bin
DEMO = out/demo

# One thread each, since two beside a busy neighbour are slower than one; and modules compiled once,
# whatever the shell says: the suite starts Python some sixty times.
PYTEST = PYTHONDONTWRITEBYTECODE= OMP_NUM_THREADS=1 $(BIN)/python -m pytest --numprocesses 2 --dist loadfile --no-loadscope-reorder

.PHONY: demo test quick coverage check docs format clean

# The environment, made anew whenever what it installs has changed. Modules are compiled when they are
# first imported: compiling all of them takes a minute.
.venv/installed: setup.py constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --no-compile --constraint constraints.txt --editable '.[train,explain,pretrained,tracking,formats,serve,dev]'
	touch $@

# Simulated eyes from cohort to report: train on one split, measure on patients the model never
# saw, predict one more patient. By the additive rule of acuity, which 400 eyes teach in two minutes.
demo: .venv/installed
	rm -rf $(DEMO)
	$(BIN)/python datasets/synthetic/prepare.py $(DEMO)/cohort --eyes 600 --seed 0 --rule additive
	$(BIN)/python datasets/synthetic/prepare.py $(DEMO)/held_out --eyes 250 --seed 1 --rule additive
	$(BIN)/python datasets/synthetic/patient.py $(DEMO)/patient --seed 2
	$(BIN)/ctt-net check $(DEMO)/cohort --tables-only
	$(BIN)/python train.py --config configs/ctt_net.yaml --data.cohort $(DEMO)/cohort --folds 1 --out $(DEMO)/run
	$(BIN)/python evaluate.py $(DEMO)/run $(DEMO)/held_out --out $(DEMO)/held_out_report
	$(BIN)/python predict.py $(DEMO)/patient --model $(DEMO)/run --out $(DEMO)/patient_report

# The whole suite, after what a machine can see without running it.
test: check
	$(PYTEST)

# What answers within a minute and a half: all that is not marked slow.
quick: .venv/installed
	$(PYTEST) -m 'not slow'

# The suite again, with what it covers; half as slow again.
coverage: .venv/installed
	$(PYTEST) --cov

check: .venv/installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy --num-workers 2
	$(BIN)/lint-imports

# The documentation as a site that opens from disk: out/site/index.html.
docs: .venv/docs
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet
	@echo out/site/index.html

.venv/docs: .venv/installed
	$(BIN)/python -m pip install --quiet --no-compile --constraint constraints.txt --editable '.[docs]'
	touch $@

format: .venv/installed
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:
	rm -rf .venv out build *.egg-info
