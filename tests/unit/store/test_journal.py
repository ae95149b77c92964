"""The journal: what it keeps, what it gives back, what it survives."""

import os
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest
from msgspec.structs import replace

import sparktray.store.journal as journal_module
from sparktray.decide.changing import steps
from sparktray.domain.operation import (
    Operation,
    OperationEnd,
    OperationKind,
    StepRun,
    StepState,
    StopWish,
)
from sparktray.domain.phrase import phrase
from sparktray.domain.problem import Failure
from sparktray.store.journal import Journal
from sparktray.store.paths import ConfigFolder, StoreError
from tests.unit.store.journalled import OLD, run, switch

INSPECT = {"Id": "abc123", "Name": "/sglang", "Config": {"Env": ["HF_TOKEN=hidden"]}}


def test_an_operation_is_its_newest_line(journal: Journal, tmp_path: Path) -> None:
    begun = switch("op1", None, StepRun(steps.commit(OLD), StepState.RUNNING, started_at=100.0))
    failure = Failure("exited", phrase("It ended."), phrase("Look."))
    journal.write(begun, "spark")
    journal.write(switch("op2"), "other")
    journal.write(replace(switch("op1", OperationEnd.DONE, run(steps.commit(OLD))), failure=failure), "spark")
    first, second = journal.last(10)
    assert [first.id, second.id] == ["op1", "op2"]
    assert (first.kind, first.server, first.model, first.host) == ("switch", "sglang", "m", "spark")
    assert (first.end, first.failure, first.started_at) == ("done", "exited", 99.0)
    (step,) = first.steps
    assert (step.name, step.command) == ("commit", ("docker", "rm", "sglang.previous"))
    assert (step.state, step.seconds) == ("done", 1.5)
    assert [entry.id for entry in journal.last(1)] == ["op2"]
    assert journal.last(0) == []
    file = tmp_path / "journal" / "operations.jsonl"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert file.read_bytes().count(b"\n") == 3


def test_the_last_ones_may_be_those_of_one_host(journal: Journal) -> None:
    for number, host in enumerate(("spark", "spark", "other", "other")):
        journal.write(switch(f"op{number}"), host)
    assert [entry.id for entry in journal.last(1, "spark")] == ["op1"]
    assert [entry.id for entry in journal.all("other")] == ["op2", "op3"]


def test_interrupted_is_what_has_no_end_on_that_host(journal: Journal) -> None:
    journal.write(switch("op1", None), "spark")
    journal.write(switch("op2", None), "other")
    journal.write(switch("op3", None), "spark")
    journal.write(switch("op3", OperationEnd.FAILED), "spark")
    assert [entry.id for entry in journal.interrupted("spark")] == ["op1"]


@pytest.mark.parametrize("torn", [b'{"id":"op', b"\0" * 50, b"\xff\xfe{", b"[]", b"[" * 50_000])
def test_lines_that_a_crash_tore_are_passed_over(journal: Journal, tmp_path: Path, torn: bytes) -> None:
    journal.write(switch("op1"), "spark")
    with (tmp_path / "journal" / "operations.jsonl").open("ab") as file:
        file.write(torn)
    journal.write(switch("op2"), "spark")
    assert [entry.id for entry in journal.last(10)] == ["op1", "op2"]


def test_a_full_file_gives_way_and_one_older_is_kept(
    journal: Journal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal_module, "LARGEST_FILE", 2000)
    for number in range(40):
        journal.write(switch(f"op{number}"), "spark")
    files = sorted(path.name for path in (tmp_path / "journal").iterdir())
    assert files == ["operations.1.jsonl", "operations.jsonl"]
    assert all(path.stat().st_size <= 2000 for path in (tmp_path / "journal").iterdir())
    kept = [entry.id for entry in journal.last(100)]
    assert kept == [f"op{number}" for number in range(40 - len(kept), 40)]
    assert len(kept) > 5


def test_a_container_is_kept_whole_for_its_owner_alone(journal: Journal, tmp_path: Path) -> None:
    journal.record("op1", "spark", "sglang", INSPECT)
    assert journal.recorded("op1", "abc123") == INSPECT
    assert journal.recorded("op2", "abc123") is None
    (file,) = (tmp_path / "journal" / "containers").iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700


@pytest.mark.parametrize("identity", ["../../x", "", "a/b", ".hidden", "a\0b"])
def test_an_id_that_is_no_plain_name_never_becomes_a_path(
    journal: Journal, tmp_path: Path, identity: str
) -> None:
    with pytest.raises(StoreError) as raised:
        journal.record("op1", "spark", "sglang", {"Id": identity})
    assert raised.value.problem.code == "store-record"
    assert journal.recorded("op1", identity) is None
    assert list(tmp_path.iterdir()) == []


def test_a_record_that_is_damaged_counts_as_none(journal: Journal, tmp_path: Path) -> None:
    journal.record("op1", "spark", "sglang", INSPECT)
    (file,) = (tmp_path / "journal" / "containers").iterdir()
    file.write_bytes(file.read_bytes()[:50])
    assert journal.recorded("op1", "abc123") is None
    assert journal.put_aside("spark") == frozenset()


def test_records_older_than_a_week_go_with_the_next_one(journal: Journal, tmp_path: Path) -> None:
    journal.record("op1", "spark", "sglang", INSPECT)
    (file,) = (tmp_path / "journal" / "containers").iterdir()
    old = time.time() - 7 * 24 * 3600 - 60
    os.utime(file, (old, old))
    journal.record("op2", "spark", "sglang", {"Id": "def"})
    assert journal.recorded("op1", "abc123") is None
    assert journal.recorded("op2", "def") == {"Id": "def"}


DONE, FAILED = run(steps.commit(OLD)), run(steps.commit(OLD), StepState.FAILED)


@pytest.mark.parametrize(
    ("end", "commit", "left"),
    [
        (OperationEnd.DONE, DONE, False),
        (OperationEnd.DONE, FAILED, True),
        (OperationEnd.NEEDS_YOU, DONE, True),
        (OperationEnd.FAILED, FAILED, True),
        (OperationEnd.ROLLED_BACK, run(steps.record(OLD)), True),
        (None, run(steps.record(OLD)), True),
    ],
)
def test_what_we_put_aside_and_may_not_have_removed_is_known(
    journal: Journal, end: OperationEnd | None, commit: StepRun, left: bool
) -> None:
    journal.record("op1", "spark", "sglang", INSPECT)
    journal.write(switch("op1", end, commit), "spark")
    assert journal.put_aside("spark") == (frozenset({"abc123"}) if left else frozenset())
    assert journal.put_aside("other") == frozenset()


def test_a_container_that_was_only_stopped_is_not_put_aside(journal: Journal) -> None:
    journal.record("op1", "spark", "sglang", INSPECT)
    runs = (run(steps.record(OLD)), run(steps.stop(OLD, None)))
    stopped = Operation(1, "op1", StopWish(), OperationKind.STOP, 99.0, runs=runs, end=OperationEnd.DONE)
    journal.write(stopped, "spark")
    assert journal.put_aside("spark") == frozenset()


def test_an_empty_folder_has_no_past(journal: Journal) -> None:
    assert journal.last(5) == []
    assert journal.interrupted("spark") == []
    assert journal.put_aside("spark") == frozenset()


def test_descriptions_come_in_their_order(journal: Journal) -> None:
    for number, identity in enumerate(("b", "a", "c")):
        journal.record("op1", "spark", identity, {"Id": identity})
        path = journal._record_path("op1", identity)
        assert path is not None
        moment = time.time_ns() + number
        os.utime(path, ns=(moment, moment))
    journal.record("op10", "spark", "d", {"Id": "d"})
    assert [each["Id"] for each in journal.descriptions("op1")] == ["b", "a", "c"]


def test_an_operation_lives_until_it_is_over(journal: Journal, tmp_path: Path) -> None:
    other = Journal(ConfigFolder(tmp_path))
    assert not other.lives("op1")
    journal.hold("op1")
    journal.hold("op1")
    assert other.lives("op1") and journal.lives("op1") and not other.lives("op2")
    journal.let_go("op1")
    journal.let_go("op1")
    assert not other.lives("op1") and list((tmp_path / "journal" / "alive").iterdir()) == []


def test_the_end_of_its_program_is_the_end_of_its_life(tmp_path: Path) -> None:
    code = (
        "import sys, time; from pathlib import Path; from sparktray.store.journal import Journal;"
        "from sparktray.store.paths import ConfigFolder;"
        "Journal(ConfigFolder(Path(sys.argv[1]))).hold('op1'); print('held', flush=True); time.sleep(600)"
    )
    journal = Journal(ConfigFolder(tmp_path))
    with subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE) as program:
        assert program.stdout is not None and program.stdout.readline() == b"held\n"
        assert journal.lives("op1")
        program.kill()
        program.wait()
    assert not journal.lives("op1")


@pytest.mark.parametrize("name", ["../operations.jsonl", "a/b", "", ".."])
def test_an_id_that_is_no_plain_name_touches_no_file(journal: Journal, tmp_path: Path, name: str) -> None:
    journal.write(switch("op1", None), "spark")
    assert not journal.lives(name)
    assert (tmp_path / "journal" / "operations.jsonl").exists()


def test_what_cannot_be_locked_is_told(journal: Journal, tmp_path: Path) -> None:
    (tmp_path / "journal" / "alive" / "op1").mkdir(parents=True)
    with pytest.raises(StoreError):
        journal.hold("op1")
    with pytest.raises(StoreError):
        journal.lives("op1")
