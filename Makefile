# Every target sets up what it needs. The program is .venv/bin/sparktray after `make setup`.

PYTHON ?= python3
VENV := .venv
ifeq ($(OS),Windows_NT)
BIN := $(VENV)/Scripts
else
BIN := $(VENV)/bin
endif
PY := $(BIN)/python

# `make lock UPGRADE=--upgrade` takes the newest versions, plain `make lock` keeps those that still fit.
# Extras stay in: pip with --require-hashes looks for a bare `coverage[toml]` anew, finds a release newer than
# the lock and refuses it (seen on the day of coverage 7.17.4).
UPGRADE ?=
COMPILE := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-strip-extras --no-emit-index-url --no-emit-find-links --custom-compile-command "make lock" $(UPGRADE)

TYPED := sparktray tests scripts resources/open_webui packaging/hatch_build.py $(wildcard benchmarks)

.PHONY: setup system run check test test-unit test-rig test-webui test-webui-few test-switching test-faults test-faults-few test-frozen fuzz soak soak-few bench screenshots memory-table failure-table error-table models-reference lock messages translations package frozen clean
.DELETE_ON_ERROR:

setup: $(VENV)/.program translations

# The environment of a Python that is gone, or of another system, is made anew.
$(shell test -e $(PY) || test -e $(PY).exe || rm -f $(VENV)/.created)

# The stamps lie inside the environment, so that deleting it is enough to start anew.
$(VENV)/.created:
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("sparktray needs Python 3.11 or newer, this is " + sys.version.split()[0] + "; name another one with make PYTHON=...")'
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || $(PYTHON) scripts/debian_packages.py setup
	$(PYTHON) -m venv --clear $(VENV) # what is there without the stamp is half-finished
	@touch $@

$(VENV)/.locked: $(VENV)/.created requirements/dev.txt
	$(PY) -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	@touch $@

$(VENV)/.program: $(VENV)/.locked pyproject.toml packaging/hatch_build.py sparktray/__init__.py
	$(PY) -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

PO := $(wildcard resources/locale/*/LC_MESSAGES/*.po)
translations: $(PO:.po=.mo)

resources/locale/%.mo: resources/locale/%.po packaging/hatch_build.py $(VENV)/.locked
	$(PY) packaging/hatch_build.py

# The Debian packages of the rig and of Qt; at once when they are there.
system:
	@$(PYTHON) scripts/debian_packages.py rig

# The tray, with the built-in demo where no host is set up; without a display the demo in the terminal.
run: setup
	$(BIN)/sparktray demo --if-no-host

check: setup
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy $(TYPED)
	$(BIN)/lint-imports
	$(PY) -m scripts.check_sizes
	$(BIN)/vulture
	$(PY) -m scripts.check_translations

# The pure packages with full line coverage, then what needs disk or processes but no other machine.
test-unit: setup
	$(PY) -m pytest tests/pure --numprocesses 2 --cov --cov-report term
	$(PY) -m pytest tests/unit --numprocesses 2

# One rig in its own namespaces, its tests one after the other.
test-rig: setup system
	tests/rig/enter $(PY) -m pytest tests/rig --ignore tests/rig/faults --ignore tests/rig/webui --ignore tests/rig/frozen

# A real Open WebUI in a container. The first time its image is made: 2 minutes, 3 GB in the rig's cache folder.
test-webui: setup system
	tests/rig/enter --webui $(PY) -m pytest tests/rig/webui

# One story of them: all chats are deleted and brought back.
test-webui-few: setup system
	tests/rig/enter --webui $(PY) -m pytest tests/rig/webui/test_wipe_and_restore.py::test_all_chats_go_and_come_back

# Each step of a switch: it fails, it is cancelled, the program ends in it; docs/switching.md is written anew.
test-switching: setup system
	tests/rig/enter $(PY) -m pytest -p tests.switch_table tests/rig/test_switch_steps.py

# Every row of the fault matrix, in about 28 minutes; docs/faults.md is written anew. Some need Open WebUI.
test-faults: setup system
	tests/rig/enter --webui $(PY) -m pytest -p tests.fault_table -m fault tests/rig tests/unit/store

# One row of each group.
test-faults-few: setup system
	tests/rig/enter $(PY) -m pytest \
		tests/rig/faults/test_network.py::test_a_black_hole \
		tests/rig/faults/test_sshd.py::test_a_host_key_that_has_changed \
		tests/rig/faults/test_docker.py::test_a_docker_that_hangs \
		tests/rig/faults/test_two_programs.py::test_a_click_while_another_laptop_switches \
		tests/rig/faults/test_local_machine.py::test_umlauts_and_blanks_and_another_language

# Input that is not well meant, FUZZ_SECONDS in all (180 when not set); docs/fuzzing.md is written anew.
fuzz: setup
	$(PY) -m pytest -p tests.fuzz_table -m fuzz tests/unit/fuzz

# The same again and again, the share of half an hour, which takes 12 minutes; docs/soak.md is written anew.
SOAK_MINUTES ?= 30
soak: setup system
	tests/rig/enter $(PY) -m benchmarks.soak --minutes $(SOAK_MINUTES) --write

# Three minutes of it.
soak-few: setup system
	tests/rig/enter $(PY) -m benchmarks.soak --minutes 3

# The frozen program: its size, parts and start, and stories of the rig with it in the place of the checkout's.
test-frozen: frozen system
	SPARKTRAY_PROGRAM=dist/sparktray/sparktray tests/rig/enter $(PY) -m pytest -s tests/rig/frozen \
		tests/rig/test_missing_libraries.py tests/rig/test_doctor.py tests/rig/test_wayland.py \
		tests/rig/test_tray.py::test_the_story tests/rig/test_host_login.py::test_what_is_typed_can_be_kept \
		tests/rig/test_model_secrets.py::test_it_is_refused_before_anything_changes_and_then_works \
		"tests/rig/test_clients.py::test_the_check_up_says_what_is_so[sglang-llama4-scout-17b-nvfp4-30000]"

test: system test-unit test-rig

# Each budget beside its baseline in the same run, in about 10 minutes, the frozen program too;
# docs/benchmarks.md is written anew.
FIGURES := build/figures
BENCHMARKS := refresh status sight dashboard switch tray crowd forward scaling frozen
STREAMLIT := build/streamlit
bench: setup system frozen $(STREAMLIT)/.created
	rm -rf $(FIGURES)
	missed=0; for each in $(BENCHMARKS); do \
		SPARKTRAY_STREAMLIT=$(STREAMLIT)/bin/python SPARKTRAY_FIGURES=$(FIGURES) \
			tests/rig/enter $(PY) -m benchmarks.$$each || missed=$$?; \
		[ $$missed -lt 2 ] || exit $$missed; \
	done; $(PY) -m benchmarks.page $(FIGURES) && exit $$missed

$(STREAMLIT)/.created: requirements/streamlit.txt
	$(PYTHON) -m venv --clear $(STREAMLIT)
	$(STREAMLIT)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $<
	@touch $@

# What the shipped models take, by the program's own arithmetic; docs/memory.md is written anew.
memory-table: setup
	$(PY) -m scripts.memory_table

# The pictures of menu, panel and notification, taken on the rig in about 15 minutes; README's are replaced.
screenshots: setup
	@$(PYTHON) scripts/debian_packages.py screenshots
	tests/rig/enter $(PY) -m scripts.screenshots

# Each code word of an error with what is said; docs/errors.md is written anew.
error-table: setup
	$(PY) -m scripts.error_table

# The keys of models.json by its schema, in the tables of docs/models.md.
models-reference: setup
	$(PY) -m scripts.models_reference

# What the program knows of failures, and what it says; docs/failures.md is written anew.
failure-table: setup
	$(PY) -m scripts.failure_table

lock: setup
	$(PY) -m scripts.runtime_requirements
	$(COMPILE) requirements/dev.in --output-file requirements/dev.txt
	$(COMPILE) requirements/runtime.in --constraints requirements/dev.txt --output-file requirements/runtime.txt
	$(COMPILE) requirements/streamlit.in --no-annotate --output-file requirements/streamlit.txt
	$(COMPILE) requirements/webui.in --excludes requirements/webui_left_out.txt --no-annotate --output-file requirements/webui.txt

messages: setup
	$(PY) -m scripts.messages

package: setup
	$(BIN)/hatchling build --directory dist

frozen: setup
ifeq ($(shell uname -s),Linux)
	@$(PYTHON) scripts/debian_packages.py frozen
endif
	$(BIN)/pyinstaller --noconfirm --log-level WARN --distpath dist --workpath build/pyinstaller packaging/pyinstaller.spec

clean:
	rm -rf build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .coverage .coverage.* htmlcov
	find resources -name '*.mo' -delete
	find sparktray tests scripts packaging -name __pycache__ -prune -exec rm -rf {} +
