"""The journal: what it keeps, what it gives back, what it survives."""

import os
import stat
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

import sparktray.store.journal as journal_module
from sparktray.decide.changing import steps
from sparktray.domain.action import CheckAgain
from sparktray.domain.catalogue import EngineKind, Server
from sparktray.domain.docker.container import Container, ContainerState
from sparktray.domain.open_webui import WipeScope
from sparktray.domain.operation import (
    BackWish,
    Operation,
    OperationEnd,
    OperationKind,
    RestoreWish,
    Step,
    StepName,
    StepRun,
    StepState,
    StopWish,
    SwitchWish,
    WipeWish,
)
from sparktray.domain.phrase import phrase, phrase_n
from sparktray.domain.problem import Failure
from sparktray.store.journal import Journal
from sparktray.store.paths import ConfigFolder, StoreError
from sparktray.wording import Wording

OLLAMA = Server(
    name="ollama", engine=EngineKind.OLLAMA, container="ollama", port=11434, image="ollama/ollama"
)
OLD = Container("abc123", "sglang", "image", ContainerState.RUNNING)
INSPECT = {"Id": "abc123", "Name": "/sglang", "Config": {"Env": ["HF_TOKEN=hidden"]}}


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    return Journal(ConfigFolder(tmp_path))


def run(step: object, state: StepState = StepState.DONE) -> StepRun:
    return StepRun(step, state, started_at=100.0, ended_at=101.5)  # type: ignore[arg-type]


def switch(name: str = "op1", end: OperationEnd | None = OperationEnd.DONE, *runs: StepRun) -> Operation:
    return Operation(
        1, name, SwitchWish("m"), OperationKind.SWITCH, 99.0, "sglang", "m", tuple(runs), end=end
    )


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


def test_why_it_failed_is_kept_in_words_and_the_log_is_not(journal: Journal, tmp_path: Path) -> None:
    inner = phrase("Docker said: {text}", text="no such image")
    many = phrase_n("{count} step: {steps}", "{count} steps: {steps}", 2, steps=[inner, "b"], why=inner)
    odd = phrase("{a}", a={"msgid": 5}, b={"msgid": "x", "values": {}, "plural": None, "count": "many"})
    failure = Failure("exited", many, odd, ("a line of the log",))
    stopped = StepRun(steps.stop(OLD, None), StepState.FAILED, started_at=1.0, ended_at=2.0)
    journal.write(replace(switch("op1", OperationEnd.FAILED, stopped), failure=failure), "spark")
    (entry,) = journal.last(1)
    assert entry.cause == many
    assert Wording("en")(many) == "2 steps: Docker said: no such image, b"
    assert entry.remedy is not None and "msgid" in Wording("en")(entry.remedy)
    assert entry.steps[0].title == steps.stop(OLD, None).title
    assert b"a line of the log" not in (tmp_path / "journal" / "operations.jsonl").read_bytes()


OTHER_VERSIONS = {
    "the first": b"""{"id":"op1","kind":"switch","host":"spark","server":"sglang","model":"m",
 "started_at":99.0,"time":101.0,"end":"failed","failure":"exited","steps":[{"name":"stop","command":["docker","stop","a"],
 "state":"done","seconds":1.5,"back":false}]}""",
    "a later one": b"""{"id":"op1","kind":"switch","host":"spark","server":"sglang","model":"m",
 "started_at":99.0,"time":101.0,"end":"failed","failure":"exited","mood":"good","steps":[{"name":"stop","state":"done",
 "seconds":1.5,"command":["docker","stop","a"],"weight":{"kg":3}}]}""",
}


@pytest.mark.parametrize("line", OTHER_VERSIONS.values(), ids=OTHER_VERSIONS.keys())
def test_lines_of_other_versions_are_read(journal: Journal, tmp_path: Path, line: bytes) -> None:
    (tmp_path / "journal").mkdir()
    (tmp_path / "journal" / "operations.jsonl").write_bytes(line.replace(b"\n", b"") + b"\n")
    (entry,) = journal.last(5)
    assert (entry.end, entry.failure, entry.cause, entry.remedy) == ("failed", "exited", None, None)
    (step,) = entry.steps
    assert (step.name, step.state, step.seconds, step.title) == ("stop", "done", 1.5, None)


@pytest.mark.parametrize(
    "change",
    [b'"started_at":1e300', b'"started_at":-5.0', b'"started_at":"yesterday"', b'"steps":7'],
)
def test_what_makes_no_sense_is_passed_over(journal: Journal, tmp_path: Path, change: bytes) -> None:
    journal.write(switch("op1"), "spark")
    file = tmp_path / "journal" / "operations.jsonl"
    name = change.partition(b":")[0]
    odd = b'{"id":"op2","kind":"stop","host":"spark","time":2.0,"started_at":1.0}\n'
    told = odd.replace(b'"started_at":1.0', change) if name in odd else odd[:-2] + b"," + change + b"}\n"
    file.write_bytes(file.read_bytes() + odd.replace(b"op2", b"op3") + told)
    assert [entry.id for entry in journal.all()] == ["op1", "op3"]


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


def touched(name: str, end: OperationEnd | None, server: str | None = "sglang") -> Operation:
    """A switch that has stopped the old container and got no further."""
    stopping = StepRun(steps.stop(OLD, None), StepState.RUNNING, started_at=100.0)
    return replace(switch(name, end, run(steps.check_again()), stopping), server=server)


def test_what_was_broken_off_is_told_with_the_place(journal: Journal) -> None:
    journal.write(touched("op1", None), "spark")
    journal.write(touched("op2", None), "other")
    found = journal.broken_off("spark")
    assert found is not None and found.id == "op1" and found.end is OperationEnd.INTERRUPTED
    assert found.wish == SwitchWish("m", on="sglang")
    assert found.failure is not None
    assert found.failure.cause.values == {"command": "docker stop -t 30 sglang"}
    journal.hold("op1")
    assert journal.broken_off("spark") is None, "it is under way"
    journal.let_go("op1")
    assert journal.broken_off("third") is None


@pytest.mark.parametrize(
    ("step", "words"),
    [
        (StepRun(steps.serve_again("sglang"), StepState.RUNNING), "while the model was loading"),
        (StepRun(steps.unload_ollama(OLLAMA, "a", undoable=False), StepState.RUNNING), "in the middle."),
    ],
)
def test_a_step_without_a_command_is_told_in_words(journal: Journal, step: StepRun, words: str) -> None:
    journal.write(switch("op1", None, step), "spark")
    found = journal.broken_off("spark")
    assert found is not None and found.failure is not None and words in found.failure.cause.msgid


@pytest.mark.parametrize(
    ("later", "told"),
    [
        (touched("op2", OperationEnd.DONE), False),
        (touched("op2", OperationEnd.DONE, "vllm"), True),
        (touched("op2", OperationEnd.ROLLED_BACK), True),
        (replace(touched("op2", OperationEnd.DONE, None), wish=StopWish(), kind=OperationKind.STOP), False),
        (replace(touched("op2", OperationEnd.DONE), wish=BackWish("op1"), kind=OperationKind.BACK), False),
        (replace(touched("op2", None), wish=BackWish("op1"), kind=OperationKind.BACK), True),
    ],
    ids=["done there", "done elsewhere", "rolled back", "all stopped", "gone back", "going back broken off"],
)
def test_what_was_set_right_since_is_not_told(journal: Journal, later: Operation, told: bool) -> None:
    journal.write(touched("op1", None), "spark")
    journal.write(later, "spark")
    found = journal.broken_off("spark")
    assert (found is not None and found.id == "op1") is told


def test_one_that_needed_a_person_is_told_again(journal: Journal) -> None:
    journal.write(touched("op1", OperationEnd.NEEDS_YOU), "spark")
    journal.hold("op1")
    assert journal.broken_off("spark") is not None, "the program that waits for the person may still run"
    journal.let_go("op1")
    stopped = replace(touched("op2", None), wish=StopWish("sglang"), kind=OperationKind.STOP, model=None)
    journal.write(stopped, "spark")
    found = journal.broken_off("spark")
    assert found is not None and found.wish == StopWish("sglang") and found.kind is OperationKind.STOP


def test_what_touched_nothing_or_is_long_ago_is_not_told(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal.write(switch("op1", None, run(steps.check_again())), "spark")
    assert journal.broken_off("spark") is None
    journal.write(touched("op2", None), "spark")
    monkeypatch.setattr(time, "time", lambda: time.monotonic() + 1e10)
    assert journal.broken_off("spark") is None


def webui(name: str, end: OperationEnd | None, *, kind: OperationKind = OperationKind.WIPE) -> Operation:
    """A wipe that has begun to delete, or a restore."""
    title, action = phrase("Delete the chats"), CheckAgain()
    begun = StepRun(Step(StepName.WIPE, title, action), StepState.RUNNING, started_at=100.0)
    wish = WIPE if kind is OperationKind.WIPE else RestoreWish("kept")
    return Operation(1, name, wish, kind, 99.0, runs=(run(steps.check_again()), begun), end=end)


WIPE = WipeWish(WipeScope.CHATS, older_than=30)


def test_a_wipe_that_was_broken_off_is_told_as_what_it_was(journal: Journal) -> None:
    """Not as a stop of all servers, which it would be by its server, of which it has none."""
    journal.write(webui("op1", None), "spark")
    found = journal.broken_off("spark")
    assert found is not None and found.kind is OperationKind.WIPE
    assert found.wish == replace(WIPE, revive=True)
    assert [(each.step.name, each.state) for each in found.runs] == [
        (StepName.CHECK, StepState.DONE),
        (StepName.WIPE, StepState.FAILED),
    ]


@pytest.mark.parametrize(
    ("first", "later", "told"),
    [
        (webui("op1", None), webui("op2", OperationEnd.DONE), False),
        (webui("op1", None), webui("op2", OperationEnd.DONE, kind=OperationKind.RESTORE), False),
        (webui("op1", None), touched("op2", OperationEnd.DONE), True),
        (webui("op1", None), touched("op2", OperationEnd.DONE, None), True),
        (touched("op1", None), webui("op2", OperationEnd.DONE), True),
    ],
    ids=["wiped", "restored", "switched", "all stopped", "the other way round"],
)
def test_open_webui_and_the_servers_are_set_right_each_by_its_own(
    journal: Journal, first: Operation, later: Operation, told: bool
) -> None:
    journal.write(first, "spark")
    journal.write(later, "spark")
    assert (journal.broken_off("spark") is not None) is told


def test_what_another_version_can_do_is_not_offered_to_be_finished(journal: Journal, tmp_path: Path) -> None:
    journal.write(touched("op1", None), "spark")
    file = tmp_path / "journal" / "operations.jsonl"
    file.write_bytes(file.read_bytes().replace(b'"kind":"switch"', b'"kind":"move"'))
    assert journal.broken_off("spark") is None


def test_steps_of_another_version_and_such_that_never_began_are_left_out(
    journal: Journal, tmp_path: Path
) -> None:
    stop = StepRun(steps.stop(OLD, None), StepState.RUNNING, started_at=100.0)
    journal.write(switch("op1", None, stop, StepRun(steps.commit(OLD)), run(steps.record(OLD))), "spark")
    file = tmp_path / "journal" / "operations.jsonl"
    file.write_bytes(file.read_bytes().replace(b'"name":"record"', b'"name":"teleport"'))
    found = journal.broken_off("spark")
    assert found is not None
    assert [(each.step.name, each.state, each.begun) for each in found.runs] == [
        (StepName.STOP, StepState.FAILED, False)
    ]


def test_descriptions_come_in_their_order(journal: Journal) -> None:
    for number, identity in enumerate(("b", "a", "c")):
        journal.record("op1", "spark", identity, {"Id": identity})
        path = journal._record_path("op1", identity)
        assert path is not None
        moment = time.time_ns() + number
        os.utime(path, ns=(moment, moment))
    journal.record("op10", "spark", "d", {"Id": "d"})
    assert [each["Id"] for each in journal.descriptions("op1")] == ["b", "a", "c"]


def test_a_start_is_told_without_its_environment(journal: Journal) -> None:
    argv = ("docker", "run", "-d", "-e", "HF_TOKEN=hidden", "image")
    start = steps.start(OLLAMA, "op1", argv, makes_room=False)
    journal.write(switch("op1", None, StepRun(start, StepState.RUNNING)), "spark")
    found = journal.broken_off("spark")
    assert found is not None and found.failure is not None
    assert found.failure.cause.values == {"command": "docker run -d …"}


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


def test_another_program_with_its_number_does_not_hide_an_operation(journal: Journal) -> None:
    name = f"20261124T010203-{os.getpid()}-1"  # ours: as after a reboot, when numbers begin anew
    journal.write(switch(name, None, run(steps.commit(OLD))), "spark")
    found = journal.broken_off("spark")
    assert found is not None and found.id == name
    journal.hold(name)
    assert journal.broken_off("spark") is None
    journal.let_go(name)
