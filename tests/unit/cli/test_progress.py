"""What a person sees of an operation, in a pipe and in a terminal."""

import contextlib
import os
import sys
from collections.abc import Iterator
from typing import TextIO

import pytest
from msgspec.structs import replace

from sparktray.cli.output import Output
from sparktray.cli.progress import Progress
from sparktray.decide.changing import steps
from sparktray.domain.operation import (
    Operation,
    OperationEnd,
    OperationKind,
    StepRun,
    StepState,
    SwitchWish,
)
from sparktray.wording import Wording
from tests.unit.cli.pictures import QWEN, catalogue, loading, picture, serving
from tests.waiting import wait_until

OLD = serving("vllm", 8000, QWEN)


def operation(*states: StepState) -> Operation:
    """A switch of which the first steps are in these states."""
    server, model = catalogue().server("vllm"), catalogue().model(QWEN)
    assert server is not None
    assert model is not None
    plan = [steps.check_again(), steps.stop(OLD, None), steps.load(server, model, None)]
    runs = [StepRun(step) for step in plan]
    for number, state in enumerate(states):
        over = 102.5 if state in {StepState.DONE, StepState.FAILED} else None
        runs[number] = replace(runs[number], state=state, started_at=100.0, ended_at=over)
    wish, kind = SwitchWish(QWEN), OperationKind.SWITCH
    return Operation(1, "op", wish, kind, 99.0, "vllm", QWEN, tuple(runs), max(0, len(states) - 1))


def show(progress: Progress, *pictures: Operation) -> None:
    for each in pictures:
        progress.show(picture(loading()), each)


DONE, RUNNING, FAILED = StepState.DONE, StepState.RUNNING, StepState.FAILED


def test_in_a_pipe_each_step_is_one_line_at_its_end(capsys: pytest.CaptureFixture[str]) -> None:
    progress = Progress(Output(Wording("en")))
    show(progress, operation(), operation(RUNNING), operation(DONE, RUNNING), operation(DONE, RUNNING))
    show(progress, operation(DONE, DONE, RUNNING), operation(DONE, DONE, FAILED))
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.splitlines() == [
        "✓ Look at the host again under the lock  2.5 s",
        "✓ Stop vllm  2.5 s",
        f"✗ Load {QWEN}  2.5 s",
    ]


def test_verbose_shows_the_commands(capsys: pytest.CaptureFixture[str]) -> None:
    show(Progress(Output(Wording("en"), as_json=True, verbose=True)), operation(DONE, DONE))
    assert "    docker stop -t 30 vllm" in capsys.readouterr().err.splitlines()


def test_json_is_silent(capsys: pytest.CaptureFixture[str]) -> None:
    show(Progress(Output(Wording("en"), as_json=True)), operation(DONE, DONE, RUNNING))
    assert capsys.readouterr().err == ""


def test_what_is_taken_back_is_said_to_be(capsys: pytest.CaptureFixture[str]) -> None:
    turned = operation(DONE, FAILED)
    server = catalogue().server("vllm")
    assert server is not None
    back = StepRun(steps.start_again(OLD, server), DONE, back=True, started_at=1.0, ended_at=2.0)
    show(Progress(Output(Wording("en"))), replace(turned, runs=(*turned.runs[:2], back), index=2))
    assert "✓ Going back: Start vllm again  1.0 s" in capsys.readouterr().err.splitlines()


class Terminal:
    """A pseudo terminal: ``stream`` is the program's side."""

    def __init__(self, handle: int, stream: TextIO) -> None:
        os.set_blocking(handle, False)
        self.stream = stream
        self._handle = handle
        self._text = b""

    def shows(self, wanted: str) -> str:
        """All that was written, once that is among it."""

        def written() -> str:
            with contextlib.suppress(BlockingIOError):
                self._text += os.read(self._handle, 65536)
            text = self._text.decode(errors="replace").replace("\r\n", "\n")
            return text if wanted in text else ""

        return wait_until(written, repr(wanted))


@pytest.fixture
def terminal() -> Iterator[Terminal]:
    """A real pseudo terminal, to be made stderr by the test: pytest sets its own before each."""
    ours, theirs = os.openpty()
    with os.fdopen(theirs, "w", encoding="utf-8") as stream:
        yield Terminal(ours, stream)
    os.close(ours)


def test_in_a_terminal_the_step_under_way_is_one_line_redrawn(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stderr", terminal.stream)
    progress = Progress(Output(Wording("en")))
    show(progress, replace(operation(DONE, DONE, RUNNING), usual_seconds=185.0))
    lasting, _, live = terminal.shows("Loading weights 40 %").rpartition("\r\x1b[2K")
    assert lasting == "✓ Look at the host again under the lock  2.5 s\n✓ Stop vllm  2.5 s\n"
    assert live.startswith(f"… Load {QWEN}  ")
    show(progress, replace(operation(DONE, DONE, DONE), end=OperationEnd.DONE))
    assert terminal.shows(f"\r\x1b[2K✓ Load {QWEN}  2.5 s\n").count("\n") == 3


def test_a_reader_of_stderr_that_went_away_ends_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w", buffering=1, closefd=False) as stream:
        monkeypatch.setattr(sys, "stderr", stream)
        show(Progress(Output(Wording("en"))), operation(DONE, DONE))
        monkeypatch.undo()
        os.dup2(os.open(os.devnull, os.O_WRONLY), writing)  # so that the flush at its end succeeds
    os.close(writing)
