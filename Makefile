# Set-up is part of every target: a fresh clone needs only python3.11+, pip, venv and make.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
LOCK := requirements.lock
TESTS ?= tests

.PHONY: run test test-fast test-long test-lowest lint docs release bench figures figures-quick jamming train finetune setnet unet lock clean

run: $(READY)  ## the main job: all designs on the default scenario, table and picture
	@mkdir -p out
	$(BIN)/jaxsec compare --json out/compare.json --figure out/compare.png

test: $(READY)  ## the suite: float32, then the float64 leg and key-reuse checks it contains
	$(BIN)/python -m pytest -n 2 --dist worksteal -m "not long"

test-long: $(READY)  ## what is left out of it: notebooks, benchmark scripts, millions of extreme inputs
	$(BIN)/python -m pytest -n 2 --dist worksteal -m long $(TESTS)

test-fast: $(READY)  ## without the slow tests, under two minutes
	$(BIN)/python -m pytest -n 2 --dist worksteal -m "not slow and not long"

test-lowest:  ## the quick suite and the documentation with the lowest versions that pyproject.toml allows, on python3.11
	$(MAKE) test-fast docs PYTHON=python3.11 VENV=build/lowest LOCK=requirements-lowest.lock

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright

docs: $(VENV)/.docs  ## the documentation, warnings as errors, links checked; build/site/index.html
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --quiet
	$(BIN)/python docs/check.py

release:  ## wheel and sdist, to dist/; each installed into a bare environment, where a design and a comparison run
	rm -rf build/release dist && $(PYTHON) -m venv build/release
	$(RELEASE)/python -m pip install --quiet --disable-pip-version-check hatchling
	$(RELEASE)/python -m hatchling build -d dist
	$(RELEASE)/python -m pip install --quiet --disable-pip-version-check -c requirements.lock dist/*.tar.gz
	cd build && release/bin/jaxsec doctor
	$(RELEASE)/python -m pip install --quiet --disable-pip-version-check --force-reinstall --no-deps dist/*.whl
	cd build && release/bin/jaxsec sample --num-channels 4 --out release/channels.npz
	cd build && release/bin/jaxsec design release/channels.npz --out release/strategy.npz
	$(RELEASE)/python -m pip install --quiet --disable-pip-version-check -c requirements.lock "$$(echo dist/*.whl)[train]"
	cd build && release/bin/jaxsec compare --num-channels 16
	ls -l dist

RELEASE := build/release/bin

bench: $(READY)  ## the speed claims of the documentation, under fifteen minutes
	@mkdir -p out
	$(BIN)/python -m benchmarks.speed.solver --json out/solver.json
	$(BIN)/python -m benchmarks.speed.denoiser --json out/denoiser.json
	$(BIN)/python -m benchmarks.speed.environment --json out/environment.json
	$(BIN)/python -m benchmarks.speed.robust --json out/robust.json

figures: $(READY)  ## the pictures of P1, and gap and latency, from the shipped weights; an hour or more on 2 cores
	$(BIN)/python -m benchmarks.figures.everything

figures-quick: $(READY)  ## the same from few channels and few points, in minutes
	$(BIN)/python -m benchmarks.figures.everything --quick

jamming: $(READY)  ## the policies of P2 and their figures, both scenarios, five seeds; about half an hour on 2 cores
	$(BIN)/jaxsec jamming compare --out out/jamming --num-updates 4000
	$(BIN)/jaxsec jamming compare --out out/jamming-dense --scenario dense --epsilon 0.3

train: $(READY)  ## the shipped diffusion model from nothing, data included; about 40 minutes on 2 cores
	$(BIN)/jaxsec dataset --out out/mixed --num-channels 300000 --seed 1
	$(BIN)/jaxsec train out/mixed --out out/cdm-set

finetune: $(READY)  ## the fine-tuned models, from the shipped cdm-set; under three hours on one core
	$(BIN)/jaxsec finetune --out out/streets
	$(BIN)/jaxsec finetune $(RAYLEIGH) --coordinates received --out out/cdm-f-rayleigh
	$(BIN)/jaxsec finetune $(KNOWN) --model out/streets/model.npz --out out/cdm-f

setnet: $(READY)  ## the small network without diffusion, setnet-robust, from nothing; about 90 minutes on one core
	$(BIN)/jaxsec finetune --model set-small --out out/setnet-robust $(SETNET) --half

unet: $(READY)  ## P1's own network at its own size, cdm-unet and cdm-f-unet from nothing; about three hours on a core of its own
	$(BIN)/jaxsec dataset --out out/figure-4a --sizes figure-4a --num-channels 150000 --seed 2
	$(BIN)/jaxsec train out/figure-4a --out out/cdm-unet $(PAPER)
	$(BIN)/jaxsec finetune --model out/cdm-unet/model.npz --out out/received-unet $(FIGURE_4A) --coordinates received --num-steps 4000
	$(BIN)/jaxsec finetune --model out/received-unet/model.npz --out out/cdm-f-unet $(FIGURE_4A) --coordinates aligned --num-steps 4500 --seed 1

PAPER := --denoiser unet-paper --batch-entries 2400 --num-steps 9000 --half
FIGURE_4A := --clustered 0 --size 8 2 4 --ddim-steps 1 2 --batch-entries 1536 --learning-rate 3e-4 --half
RAYLEIGH := --clustered 0 --num-steps 2400 --learning-rate 3e-4
SETNET := --coordinates known --clustered 0.5 --ddim-steps 1 --num-steps 16000 --learning-rate 2e-3
KNOWN := --coordinates known --clustered 0.5 --ddim-steps 1 2 --num-steps 9000

$(READY): pyproject.toml $(LOCK)
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "jaxsec needs Python 3.11 or newer: make PYTHON=python3.11 ...")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c $(LOCK) -e '.[dev]'
	@touch $@

$(VENV)/.docs: $(READY)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c $(LOCK) -e '.[docs]'
	@touch $@

lock:  ## exact versions: the newest of a fresh install, and the lower bounds in pyproject.toml
	rm -rf build/lock && $(PYTHON) -m venv build/lock
	build/lock/bin/python -m pip install --quiet --disable-pip-version-check '.[dev,docs]'
	build/lock/bin/python -m pip freeze --exclude jaxsec > requirements.lock
	build/lock/bin/python -m pip install --quiet --disable-pip-version-check uv
	build/lock/bin/uv pip compile --quiet --no-header --no-annotate --python-version 3.11 --resolution lowest-direct \
		--upgrade --extra dev --extra docs pyproject.toml --output-file requirements-lowest.lock

clean:
	rm -rf $(VENV) out build
