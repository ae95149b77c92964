"""`journal`: what it prints of operations that are over, as rows, JSON and a script."""

from pathlib import Path

import msgspec
import pytest
from msgspec.structs import replace

from sparktray.__main__ import main
from sparktray.domain.action import CheckAgain, RunDocker, Stopped
from sparktray.domain.operation import (
    Operation,
    OperationEnd,
    OperationKind,
    Step,
    StepName,
    StepRun,
    StepState,
    StopWish,
    SwitchWish,
)
from sparktray.domain.phrase import phrase
from sparktray.domain.problem import Failure
from sparktray.store.journal import Journal
from sparktray.store.paths import ConfigFolder

Capture = pytest.CaptureFixture[str]


def test_the_journal(capsys: Capture, config: Path) -> None:
    assert main(["journal"]) == 0
    assert capsys.readouterr().out == "Nothing was done yet.\n"
    journal = Journal(ConfigFolder(config))
    for name, host, end in (("1", "spark", OperationEnd.DONE), ("2", "other", None), ("3", "spark", None)):
        journal.write(
            Operation(1, name, SwitchWish("m"), OperationKind.SWITCH, 99.0, "sglang", "m", end=end), host
        )
    assert main(["journal", "--json", "--host", "spark"]) == 0
    first, last = msgspec.json.decode(capsys.readouterr().out)["operations"]
    assert list(first) == [
        "id",
        "kind",
        "host",
        "server",
        "model",
        "started_at",
        "ended_at",
        "end",
        "seconds",
        "steps",
        "failure",
        "cause",
        "remedy",
    ]
    assert (first["id"], first["end"], last["id"], last["end"], last["ended_at"]) == (
        "1",
        "done",
        "3",
        None,
        None,
    )
    assert main(["journal", "--last", "1"]) == 0
    (line,) = capsys.readouterr().out.splitlines()
    assert line.endswith("no end written")
    assert main(["journal", "--script"]) == 2
    assert "sparktray journal --json" in capsys.readouterr().err


def test_the_last_ones_are_those_of_the_host_that_was_named(capsys: Capture, config: Path) -> None:
    journal = Journal(ConfigFolder(config))
    for name, host in (("1", "spark"), ("2", "spark"), ("3", "other"), ("4", "other")):
        journal.write(Operation(1, name, StopWish(), OperationKind.STOP, 99.0, end=OperationEnd.DONE), host)
    assert main(["journal", "--json", "--last", "1", "--host", "spark"]) == 0
    (told,) = msgspec.json.decode(capsys.readouterr().out)["operations"]
    assert told["id"] == "2"


def test_an_operation_as_a_script(capsys: Capture, config: Path) -> None:
    journal = Journal(ConfigFolder(config))
    for name, container in (("1", "a"), ("2", "b")):
        argv = ("docker", "stop", container)
        stop = Step(StepName.STOP, phrase("Stop"), RunDocker(argv, Stopped(container)), argv)
        runs = (StepRun(stop, StepState.DONE), StepRun(stop, StepState.DONE, back=True))
        journal.write(Operation(1, name, StopWish(), OperationKind.STOP, 99.0, runs=runs), "spark")
    journal.write(Operation(1, "3", StopWish(), OperationKind.STOP, 99.0), "spark")
    assert main(["journal", "--script"]) == 0
    assert capsys.readouterr().out == "#!/bin/sh\nset -e\n# Stop\ndocker stop b\n"
    assert main(["journal", "--script", "1"]) == 0
    assert capsys.readouterr().out.endswith("docker stop a\n")
    for words in (["3"], ["4"], ["1", "--host", "other"]):
        assert main(["journal", "--script", *words]) == 2


def test_why_it_failed_stands_below_it(capsys: Capture, config: Path) -> None:
    journal = Journal(ConfigFolder(config))
    failed = Operation(1, "1", SwitchWish("m"), OperationKind.SWITCH, 99.0, "sglang", "m")
    why = Failure("exited", phrase("{server} ended.", server="sglang"), phrase("Look at its log."))
    step = StepRun(Step(StepName.LOAD, phrase("Load {model}", model="m"), CheckAgain()), back=True)
    journal.write(replace(failed, end=OperationEnd.ROLLED_BACK, failure=why, runs=(step,)), "spark")
    journal.write(replace(failed, id="2", end=OperationEnd.DONE), "spark")
    assert main(["journal"]) == 0
    first, cause, second = capsys.readouterr().out.splitlines()
    assert "rolled back (exited)" in first and cause == "    sglang ended." and " done " in second
    assert main(["journal", "--json", "--last", "2"]) == 0
    told, _ = msgspec.json.decode(capsys.readouterr().out)["operations"]
    assert (told["failure"], told["cause"], told["remedy"]) == ("exited", "sglang ended.", "Look at its log.")
    assert (told["steps"][0]["title"], told["steps"][0]["back"]) == ("Load m", True)
