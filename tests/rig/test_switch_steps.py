"""Each of the eight steps of a switch: it fails, it is cancelled, the program ends in it.

`make test-switching` writes docs/switching.md from what these tests show.
"""

from __future__ import annotations

import contextlib
import json
import subprocess
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from sparktray.decide.changing import awaiting
from sparktray.domain.operation import (
    BackWish,
    Operation,
    OperationEnd,
    StepName,
    StepState,
    SwitchWish,
    WhenBusy,
)
from sparktray.domain.snapshot import Snapshot
from tests.rig.driving import Driver, Program, driven, profile, quicken
from tests.rig.gb10 import TOTAL_KIB
from tests.rig.holding import Holding
from tests.rig.rig import Rig
from tests.waiting import scaled, wait_until

SCOUT, CODER = "llama4-scout-17b-nvfp4", "qwen3-coder-30b-nvfp4"
IMAGE = "lmsysorg/sglang:spark"
# The eight steps of the design, and the command or state in which each is looked at.
STEPS = ("lock", "look", "busy", "put-aside", "release", "start", "load", "prove")
HELD = {"lock": "docker create", "look": "ss -Hltnp", "put-aside": "docker rename", "start": "docker run"}
RUNS = {
    "lock": StepName.LOCK,
    "busy": StepName.IDLE,
    "put-aside": StepName.RENAME,
    "release": StepName.RELEASE,
    "start": StepName.START,
    "load": StepName.LOAD,
    "prove": StepName.PROVE,
}
TOUCHED = ("put-aside", "release", "start", "load", "prove")
Property = Callable[[str, object], None]


@pytest.fixture
def holding(rig: Rig) -> Iterator[Holding]:
    quicken(rig)
    made = Holding(rig)
    yield made
    made.let_go()


def slow(rig: Rig, holding: Holding, step: str) -> None:
    """Make that step last until the test has seen it."""
    match step:
        case "busy":
            rig.behave(SCOUT, running=1)
        case "release":
            rig.set_memory(TOTAL_KIB // 10)  # less than the next model takes, so a rise is waited for
        case "load":
            rig.behave(CODER, fail="never")
        case "prove":
            rig.behave(CODER, token_seconds=4.0)
        case _:
            holding.at(HELD[step])


def quick(rig: Rig, holding: Holding) -> None:
    """Everything as usual again."""
    rig.behave(SCOUT, running=0)
    rig.behave(CODER, fail=None, token_seconds=None, chat_status=None)
    rig.set_memory(TOTAL_KIB * 9 // 10)
    holding.let_go()


def wish(step: str) -> SwitchWish:
    return SwitchWish(CODER, busy=WhenBusy.WAIT if step == "busy" else WhenBusy.REFUSE)


def doing(snapshot: Snapshot, name: StepName) -> bool:
    current = snapshot.active.current if snapshot.active is not None else None
    return (
        current is not None
        and current.step.name is name
        and current.state is StepState.RUNNING
        and not current.back
    )


def ended(program: Driver, identity: str) -> Operation:
    def over(snapshot: Snapshot) -> bool:
        operation = snapshot.operation
        return operation is not None and operation.id == identity and operation.end is not None

    found = program.until(over, "the end", 60).operation
    assert found is not None
    return found


def journalled(config: Path) -> dict[str, Any]:
    """The newest whole line of the journal; one may just be being written."""
    file = config / "journal" / "operations.jsonl"
    for line in reversed(file.read_bytes().splitlines() if file.exists() else []):
        with contextlib.suppress(ValueError):
            last: dict[str, Any] = json.loads(line)
            return last
    return {}


def told_by_journal(config: Path, operation: Operation) -> None:
    """The journal has the same end, a moment later."""
    wait_until(lambda: journalled(config).get("end") == operation.end, "the journal's last line")
    entry = journalled(config)
    assert entry["id"] == operation.id
    assert entry.get("failure") == (operation.failure.code if operation.failure is not None else None)


def old_serves(rig: Rig, before: dict[str, Any] | None) -> None:
    """What ran before answers again; it is the very same container, and nothing of ours is left."""
    assert rig.model_ids(30000) == [SCOUT]
    now = rig.inspect("sglang")
    assert before is not None and now is not None and now["Id"] == before["Id"]
    nothing_left(rig)


def nothing_left(rig: Rig) -> None:
    assert rig.inspect("sglang.previous") is None and rig.inspect("sparktray-lock") is None


# It fails


def fail_lock(rig: Rig, holding: Holding) -> None:
    holding.reached()
    labels = ("--label", "org.sparktray.lock.owner=anna@mbp")
    rig.docker("create", "--name", "sparktray-lock", *labels, IMAGE, "true")
    holding.let_go()


def fail_put_aside(rig: Rig, holding: Holding) -> None:
    """Somebody takes the name that the old container is to have."""
    holding.reached()
    rig.docker("create", "--name", "sglang.previous", IMAGE, "true")
    holding.let_go()


def fail_release(rig: Rig, holding: Holding) -> None:
    """Somebody takes the port in the moment in which it is free."""
    holding.reached()
    rig.docker("run", "-d", "--name", "thief", "-p", "30000:30000", "--entrypoint", "sleep", IMAGE, "600")
    holding.let_go()


def fail_start(rig: Rig, holding: Holding) -> None:
    """The image loses its name, and no registry can be reached."""
    holding.reached()
    rig.docker("tag", IMAGE, "kept:for-later")
    rig.docker("rmi", IMAGE)
    holding.let_go()


FAILURES: dict[str, tuple[str, Callable[[Rig, Holding], None] | None, OperationEnd, str]] = {
    "lock": ("another laptop takes the lock first", fail_lock, OperationEnd.REFUSED, "locked"),
    "look": ("the model's folder is gone", None, OperationEnd.REFUSED, "model-missing"),
    "busy": ("a request is being answered", None, OperationEnd.REFUSED, "busy"),
    "put-aside": ("the name is taken meanwhile", fail_put_aside, OperationEnd.ROLLED_BACK, "name-taken"),
    "release": ("somebody takes the port", fail_release, OperationEnd.NEEDS_YOU, "not-released"),
    "start": ("the image is gone", fail_start, OperationEnd.ROLLED_BACK, ""),
    "load": ("the engine ends with code 0", None, OperationEnd.ROLLED_BACK, "engine-died"),
    "prove": ("the model answers with an error", None, OperationEnd.ROLLED_BACK, "no-answer"),
}
HELD_TO_FAIL = {**HELD, "release": "docker rename"}


def bring_about(rig: Rig, holding: Holding, step: str) -> None:
    match step:
        case "look":
            folder = rig.folder(CODER)
            folder.rename(folder.with_name("elsewhere"))
        case "busy":
            rig.behave(SCOUT, running=1)
        case "load":
            rig.behave(CODER, fail="exit0")
        case "prove":
            rig.behave(CODER, chat_status=500)
        case _:
            holding.at(HELD_TO_FAIL[step])


@pytest.mark.parametrize("step", STEPS)
def test_it_fails(
    rig: Rig,
    holding: Holding,
    tmp_path: Path,
    step: str,
    monkeypatch: pytest.MonkeyPatch,
    record_property: Property,
) -> None:
    monkeypatch.setattr(awaiting, "RELEASE_SECONDS", 2.0)
    how, interfere, end, code = FAILURES[step]
    with driven(tmp_path, profile(rig, holding.server)) as program:
        assert program.switch(SCOUT).end is OperationEnd.DONE
        before = rig.inspect("sglang")
        bring_about(rig, holding, step)
        try:
            identity = program.controller.wish(SwitchWish(CODER))
            if interfere is not None:
                interfere(rig, holding)
            operation = ended(program, identity)
            assert operation.end is end and operation.failure is not None, operation.failure
            assert operation.failure.code == (code or operation.failure.code)
        finally:
            mend(rig)
        record_property("step", step)
        record_property("how", how)
        record_property("end", end)
        if operation.runs:
            told_by_journal(tmp_path, operation)
        if end is OperationEnd.NEEDS_YOU:
            # The reason is gone now, and the way back that could not be gone is offered.
            assert program.do(BackWish(operation.id)).end is OperationEnd.DONE
        old_serves(rig, before)


def mend(rig: Rig) -> None:
    """Take away what was in the way, if it was there."""
    away = rig.folder(CODER).with_name("elsewhere")
    if away.exists():
        away.rename(rig.folder(CODER))
    rig.try_docker("rm", "-f", "thief")
    stranger = rig.inspect("sglang.previous")
    if stranger is not None and stranger["State"]["Status"] == "created":
        rig.docker("rm", "sglang.previous")
    lock = rig.inspect("sparktray-lock")
    if lock is not None and lock["Config"]["Labels"].get("org.sparktray.lock.owner") == "anna@mbp":
        rig.docker("rm", "sparktray-lock")
    if rig.try_docker("tag", "kept:for-later", IMAGE).returncode == 0:
        rig.docker("rmi", "kept:for-later")


# It is cancelled


def asked_to_end(snapshot: Snapshot, identity: str) -> bool:
    operation = snapshot.operation
    return operation is not None and operation.id == identity and operation.cancelled


@pytest.mark.parametrize("step", STEPS)
def test_it_is_cancelled(
    rig: Rig, holding: Holding, tmp_path: Path, step: str, record_property: Property
) -> None:
    with driven(tmp_path, profile(rig, holding.server)) as program:
        assert program.switch(SCOUT).end is OperationEnd.DONE
        before = rig.inspect("sglang")
        slow(rig, holding, step)
        if step == "release":
            program.until(lambda s: (s.vitals.available_bytes or 0) < TOTAL_KIB * 512, "the short memory")
        identity = program.controller.wish(wish(step))
        if step in HELD:
            holding.reached()
        else:
            program.until(lambda s: doing(s, RUNS[step]), step)
        program.controller.cancel(identity)
        program.until(partial(asked_to_end, identity=identity), "the cancel")
        quick(rig, holding)
        operation = ended(program, identity)
        assert operation.end is OperationEnd.CANCELLED, operation
        assert operation.failure is None
        record_property("step", step)
        record_property("end", operation.end)
        if operation.runs:
            told_by_journal(tmp_path, operation)
        old_serves(rig, before)


# The program ends in it


def broken_off(rig: Rig, holding: Holding, program: Program, step: str) -> None:
    """A switch whose program is killed in that step, before the command of the step was carried out."""
    slow(rig, holding, step)
    words = ("switch", CODER, "--wait-idle") if step == "busy" else ("switch", CODER)
    running: subprocess.Popen[str] = program.start(*words)
    try:
        if step in HELD:
            holding.reached()
        else:
            wait_until(lambda: begun(program.config, RUNS[step]), f"step {step}", seconds=scaled(20))
    finally:
        running.kill()
        running.communicate()
    if step in HELD:
        holding.kill()
    quick(rig, holding)


def begun(config: Path, name: StepName) -> bool:
    return any(
        step["name"] == name and step["state"] == "running" for step in journalled(config).get("steps", ())
    )


@pytest.mark.fault("C4")
@pytest.mark.parametrize(
    ("step", "way"),
    [(step, way) for step in STEPS for way in ("finish", "back") if step in TOUCHED or way == "finish"],
)
def test_the_program_is_killed(
    rig: Rig, holding: Holding, tmp_path: Path, step: str, way: str, record_property: Property
) -> None:
    program = Program(tmp_path / "config")
    program.add(rig, "spark", holding.server)
    program.ok("switch", SCOUT)
    before = rig.inspect("sglang")
    broken_off(rig, holding, program, step)

    told = program.json("status")["interrupted"]
    if step not in TOUCHED:
        assert told is None, "nothing was touched"
        program.ok("switch", CODER)
    else:
        assert told["model"] == CODER and told["failure"]["code"] == "interrupted"
        program.ok("resume", *(("--back",) if way == "back" else ()))
    record_property("step", step)
    record_property("way", way)
    record_property("told", told is not None)
    if way == "back":
        old_serves(rig, before)
    else:
        assert rig.model_ids(30000) == [CODER]
        nothing_left(rig)
    assert program.json("status")["interrupted"] is None
    ends = [each["end"] for each in program.json("journal")["operations"]]
    assert ends[-1] == "done" and ends.count(None) <= 1
    assert program.ok("resume") == "Nothing was broken off.\n"
