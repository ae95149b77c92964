"""Models that the person's own scripts on the host start and stop, on real parts."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sparktray.decide.changing import awaiting
from sparktray.decide.identity import running_on
from sparktray.domain.operation import OperationEnd, StepName, StopWish, SwitchWish
from tests.rig import images, model_folders
from tests.rig.driving import Driver, Program, driven, profile, quicken
from tests.rig.rig import Rig
from tests.waiting import wait_until

SCOUT, CODER = "llama4-scout-17b-nvfp4", "qwen3-coder-30b-nvfp4"
HOME = Path("/home/sparkuser/switch")
OWN = "coder-by-script"


def script(name: str, *lines: str, executable: bool = True) -> list[str]:
    """Put a script on the host; its argv, with an argument that a shell would tear apart."""
    HOME.mkdir(exist_ok=True)
    path = HOME / name
    path.write_text("\n".join(["#!/bin/sh", "set -e", *lines, ""]), encoding="utf-8")
    path.chmod(0o755 if executable else 0o644)
    return [str(path), "two words; $HOME"]


def page_run(container: str = "theirs", port: int = 30000) -> str:
    """The page's own command for the coder, under a name of the person's own."""
    folder = model_folders.folder_of(CODER)
    words = ["docker", "run", "-d", "--name", container, "--gpus", "all", "-p", f"{port}:{port}"]
    words += ["-v", f"{folder}:/weights/coder", images.SGLANG, "python3", "-m", "sglang.launch_server"]
    words += ["--model-path", "/weights/coder", "--served-model-name", OWN, "--host", "0.0.0.0"]
    return shlex.join([*words, "--port", str(port)])


UP = ('echo "starting for $1"', "docker rm -f theirs >/dev/null 2>&1 || true", page_run())
DOWN = ("echo stopping", "docker rm -f theirs")


def catalogue(folder: Path, start: list[str], stop: list[str]) -> None:
    shipped = json.loads(Path("models.json").read_text(encoding="utf-8"))
    entry: dict[str, Any] = {"id": OWN, "server": "sglang", "start": start, "stop": stop}
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps({**shipped, "models": [*shipped["models"], entry]})
    (folder / "models.json").write_text(text, encoding="utf-8")


@pytest.fixture
def config(rig: Rig, tmp_path: Path) -> Path:
    quicken(rig)
    catalogue(tmp_path, script("up.sh", *UP), script("down.sh", *DOWN))
    return tmp_path


@pytest.fixture
def program(rig: Rig, config: Path) -> Iterator[Driver]:
    with driven(config, profile(rig)) as made:
        yield made


def said(program: Driver) -> list[str]:
    operation = program.snapshot.operation
    assert operation is not None
    return [run.said for run in operation.runs if run.said]


def test_to_it_and_back_to_one_of_ours(rig: Rig, program: Driver) -> None:
    assert program.switch(SCOUT).end is OperationEnd.DONE
    mine = program.switch(OWN)
    assert mine.end is OperationEnd.DONE, mine.failure
    assert rig.model_ids(30000) == [OWN] and rig.inspect("sglang.previous") is None
    running = running_on(program.snapshot, program.state("sglang"))
    assert running.model is not None and running.model.id == OWN and running.model_id == OWN
    assert any(len(line) == 64 for line in said(program)), "the script's last line is docker's id"

    again = program.switch(SCOUT)
    assert again.end is OperationEnd.DONE, again.failure
    assert rig.model_ids(30000) == [SCOUT] and rig.inspect("theirs") is None

    assert program.switch(OWN).end is OperationEnd.DONE
    stopped = program.do(StopWish("sglang"))
    assert stopped.end is OperationEnd.DONE and rig.inspect("theirs") is None


@pytest.mark.parametrize(
    ("lines", "code"),
    [
        (("echo no luck", "exit 3"), "script-failed"),
        (("echo started nothing",), "script-nothing"),
        ((page_run(port=30009),), "script-nothing"),
    ],
    ids=["fails", "starts nothing", "another port"],
)
def test_a_start_that_comes_to_nothing_is_taken_back(
    rig: Rig, program: Driver, monkeypatch: pytest.MonkeyPatch, lines: tuple[str, ...], code: str
) -> None:
    monkeypatch.setattr(awaiting, "APPEAR_SECONDS", 4.0)
    assert program.switch(SCOUT).end is OperationEnd.DONE
    before = rig.inspect("sglang")
    script("up.sh", *lines)
    failed = program.switch(OWN)
    assert failed.end is OperationEnd.ROLLED_BACK, failed.failure
    assert failed.failure is not None and failed.failure.code == code
    after = rig.inspect("sglang")
    assert before is not None and after is not None and before["Id"] == after["Id"]
    assert rig.model_ids(30000) == [SCOUT]
    assert code != "script-failed" or "no luck" in failed.failure.log_tail


def test_what_its_model_came_to_is_taken_back_by_its_own_script(rig: Rig, program: Driver) -> None:
    assert program.switch(OWN).end is OperationEnd.DONE
    rig.behave(SCOUT, fail="oom")
    failed = program.switch(SCOUT)
    assert failed.end is OperationEnd.ROLLED_BACK, failed.failure
    assert rig.model_ids(30000) == [OWN]
    assert rig.state("theirs") == "running"


def test_cancelled_while_the_script_runs(rig: Rig, program: Driver) -> None:
    assert program.switch(SCOUT).end is OperationEnd.DONE
    script("up.sh", "echo waiting", "exec tail -f /dev/null")
    identity = program.controller.wish(SwitchWish(OWN))
    program.until(
        lambda s: s.operation is not None and any(r.said == "waiting" for r in s.operation.runs), "its words"
    )
    program.controller.cancel(identity)
    program.until(lambda s: s.operation is not None and s.operation.end is not None, "the end", 60)
    operation = program.snapshot.operation
    assert operation is not None and operation.end is OperationEnd.CANCELLED
    assert rig.model_ids(30000) == [SCOUT]
    wait_until(lambda: "up.sh" not in rig.ssh("ps -eo args").stdout, "the script's end")


def test_a_stop_script_that_does_not_stop(rig: Rig, program: Driver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(awaiting, "RELEASE_SECONDS", 5.0)
    assert program.switch(OWN).end is OperationEnd.DONE
    script("down.sh", "exit 0")
    operation = program.do(StopWish("sglang"))
    assert operation.end is OperationEnd.FAILED and operation.failure is not None
    assert operation.failure.code == "not-released"
    assert rig.model_ids(30000) == [OWN]


@pytest.mark.parametrize(
    ("argv", "code"),
    [(["/nowhere/up.sh"], "script-missing"), (["/home/sparkuser/switch/plain.sh"], "script-not-executable")],
)
def test_scripts_that_cannot_run(rig: Rig, config: Path, argv: list[str], code: str) -> None:
    script("plain.sh", "true", executable=False)
    catalogue(config, argv, ["/bin/true"])
    with driven(config, profile(rig)) as program:
        failed = program.switch(OWN)
        assert failed.failure is not None and failed.failure.code == code
        assert [r.step.name for r in failed.runs][-1] is StepName.UNLOCK


def test_noise_and_control_characters_are_survived(rig: Rig, program: Driver) -> None:
    noise = "head -c 30000000 /dev/zero | tr '\\0' 'x'"
    script("up.sh", noise, r"printf '\033[31mred\033[0m\007\n'", "docker rm -f theirs || true", page_run())
    assert program.switch(OWN).end is OperationEnd.DONE
    assert all(line.isprintable() for line in said(program))


def test_the_command_line_shows_and_keeps_the_scripts(rig: Rig, config: Path) -> None:
    shown = Program(config / "config")
    catalogue(shown.config, script("up.sh", *UP), script("down.sh", *DOWN))
    shown.add(rig)
    planned = shown.ok("switch", OWN, "--dry-run")
    assert "/home/sparkuser/switch/up.sh 'two words; $HOME'" in planned
    assert "undo: /home/sparkuser/switch/down.sh" in planned
    shown.ok("switch", OWN)
    assert "up.sh 'two words; $HOME'" in shown.ok("journal", "--script")
    assert shown.json("status")["servers"][0]["model"] == OWN
