"""Answers under way: refused, waited for, or cut off by somebody who said so."""

from __future__ import annotations

from pathlib import Path

import pytest

from sparktray.domain.operation import OperationEnd, StepName, StopWish, SwitchWish, WhenBusy
from sparktray.domain.snapshot import Phase, Snapshot
from tests.rig.driving import Driver, Program, driven, profile, quicken
from tests.rig.rig import Rig

SCOUT, QWEN, CODER = "llama4-scout-17b-nvfp4", "qwen3-32b-nvfp4", "qwen3-coder-30b-nvfp4"


@pytest.mark.parametrize(("model", "server", "port"), [(SCOUT, "sglang", 30000), (QWEN, "vllm", 8000)])
def test_a_busy_server_is_left_alone_unless_told(
    rig: Rig, tmp_path: Path, model: str, server: str, port: int
) -> None:
    """Both engines tell how many requests they have; the refusal names them and the ways on."""
    quicken(rig)
    program = Program(tmp_path / "config")
    program.add(rig)
    program.ok("switch", model, "--on", server)
    rig.behave(model, running=2, waiting=1)
    for words in (("switch", CODER, "--on", server), ("stop", server)):
        told = program.refused(7, *words)
        assert told["code"] == "busy" and "3 requests" in told["message"]
        assert "--wait-idle" in told["remedy"]
        assert rig.model_ids(port) == [model]
        assert rig.inspect("sparktray-lock") is None
    program.ok("switch", CODER, "--on", server, "--force")
    assert rig.model_ids(port) == [CODER]


def waiting(program: Driver) -> None:
    def there(snapshot: Snapshot) -> bool:
        current = snapshot.active.current if snapshot.active is not None else None
        return current is not None and current.step.name is StepName.IDLE

    program.until(there, "the wait for the requests' end")


def test_waiting_until_idle(rig: Rig, tmp_path: Path) -> None:
    quicken(rig)
    with driven(tmp_path, profile(rig)) as program:
        program.switch(SCOUT)
        rig.behave(SCOUT, running=2)
        program.until(lambda s: s.servers[0].phase is Phase.BUSY, "busy", 20)
        program.controller.wish(SwitchWish(CODER, busy=WhenBusy.WAIT))
        waiting(program)
        assert rig.model_ids(30000) == [SCOUT]
        rig.behave(SCOUT, running=0)
        ended = program.until(lambda s: s.operation is not None and s.active is None, "the end", 60)
        assert ended.operation is not None and ended.operation.end is OperationEnd.DONE
        assert rig.model_ids(30000) == [CODER]


def test_the_wait_can_be_cancelled(rig: Rig, tmp_path: Path) -> None:
    quicken(rig)
    with driven(tmp_path, profile(rig)) as program:
        program.switch(SCOUT)
        rig.behave(SCOUT, running=2)
        program.controller.wish(StopWish(busy=WhenBusy.WAIT))
        waiting(program)
        program.controller.cancel()
        ended = program.until(lambda s: s.operation is not None and s.active is None, "the end", 20)
        assert ended.operation is not None and ended.operation.end is OperationEnd.CANCELLED
        assert rig.model_ids(30000) == [SCOUT] and rig.inspect("sparktray-lock") is None
