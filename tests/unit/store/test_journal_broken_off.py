"""The journal: which operation was broken off and waits for a person."""

import os
import time
from pathlib import Path

import pytest
from msgspec.structs import replace

from sparktray.decide.changing import steps
from sparktray.domain.action import CheckAgain
from sparktray.domain.catalogue import EngineKind, Server
from sparktray.domain.open_webui import WipeScope
from sparktray.domain.operation import (
    BackWish,
    ForgetWish,
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
from sparktray.domain.phrase import phrase
from sparktray.store.journal import Journal
from tests.unit.store.journalled import OLD, run, switch

OLLAMA = Server(
    name="ollama", engine=EngineKind.OLLAMA, container="ollama", port=11434, image="ollama/ollama"
)


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


@pytest.mark.parametrize("first", [webui("op1", None), touched("op1", None)], ids=["a wipe", "a switch"])
@pytest.mark.parametrize(("about", "told"), [("op1", False), ("op0", True)])
def test_going_back_settles_what_it_went_back_from(
    journal: Journal, first: Operation, about: str, told: bool
) -> None:
    """Else the next resume would delete what was just brought back."""
    journal.write(first, "spark")
    back = Operation(1, "op2", BackWish(about), OperationKind.BACK, 120.0, end=OperationEnd.DONE)
    journal.write(replace(back, server="vllm"), "spark")
    assert (journal.broken_off("spark") is not None) is told


def test_an_archive_that_was_being_removed_cannot_be_gone_back_to(journal: Journal) -> None:
    sweep = StepRun(Step(StepName.SWEEP, phrase("Remove"), CheckAgain()), StepState.RUNNING, started_at=1.0)
    journal.write(Operation(1, "op1", ForgetWish(), OperationKind.FORGET, 99.0, runs=(sweep,)), "spark")
    assert journal.broken_off("spark") is None


def test_what_is_kept_is_removed_and_the_wipe_still_waits(journal: Journal) -> None:
    journal.write(webui("op1", None), "spark")
    forgot = Operation(1, "op2", ForgetWish(), OperationKind.FORGET, 120.0, end=OperationEnd.DONE)
    journal.write(forgot, "spark")
    assert journal.broken_off("spark") is not None


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


def test_a_start_is_told_without_its_environment(journal: Journal) -> None:
    argv = ("docker", "run", "-d", "-e", "HF_TOKEN=hidden", "image")
    start = steps.start(OLLAMA, "op1", argv, makes_room=False)
    journal.write(switch("op1", None, StepRun(start, StepState.RUNNING)), "spark")
    found = journal.broken_off("spark")
    assert found is not None and found.failure is not None
    assert found.failure.cause.values == {"command": "docker run -d …"}


def test_another_program_with_its_number_does_not_hide_an_operation(journal: Journal) -> None:
    name = f"20261124T010203-{os.getpid()}-1"  # ours: as after a reboot, when numbers begin anew
    journal.write(switch(name, None, run(steps.commit(OLD))), "spark")
    found = journal.broken_off("spark")
    assert found is not None and found.id == name
    journal.hold(name)
    assert journal.broken_off("spark") is None
    journal.let_go(name)
