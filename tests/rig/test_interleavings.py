"""Clicks, outside changes and lost links at any moment, against a real host: what must hold, holds.

The same on the pure core, many more times: tests/pure/decide/test_walk.py.
"""

from __future__ import annotations

import random
import threading
from functools import partial
from operator import ne
from pathlib import Path

import pytest

from sparktray.domain.operation import OperationEnd, StopWish, SwitchWish, WhenBusy, Wish
from sparktray.domain.snapshot import LinkPhase, Snapshot
from tests.rig.driving import Driver, driven, profile, quicken
from tests.rig.rig import Rig
from tests.waiting import wait_until

SCOUT, QWEN, CODER = "llama4-scout-17b-nvfp4", "qwen3-32b-nvfp4", "qwen3-coder-30b-nvfp4"
PORTS = {"sglang": 30000, "sglang-main": 30001}
WISHES: tuple[Wish, ...] = (
    SwitchWish(SCOUT),
    SwitchWish(CODER),
    SwitchWish(CODER, busy=WhenBusy.GO_ON, rollback=False),
    SwitchWish(QWEN),
    StopWish("sglang"),
    StopWish(),
)
MOVES = 12


class Watch:
    """Hears every picture; what must never be shows as a sentence in ``wrong``."""

    def __init__(self, rig: Rig) -> None:
        self.wrong: list[str] = []
        self._rig = rig
        self._last: Snapshot | None = None
        self._lock = threading.Lock()

    def hear(self, snapshot: Snapshot) -> None:
        """On the owner's thread."""
        with self._lock:
            before, self._last = self._last, snapshot
        if before is None:
            return
        was, now = before.active, snapshot.active
        if was is not None and now is not None and was.id != now.id:
            self.wrong.append(f"{now.id} began before {was.id} was over")
        for old, state in zip(before.servers, snapshot.servers, strict=True):
            if state.ready and snapshot.link is not LinkPhase.CONNECTED:
                self.wrong.append(f"{state.name} ready without a link")
            if state.ready and not old.ready and state.name in PORTS and state.container is not None:
                self._ask(state.name, state.container.id)

    def _ask(self, server: str, container: str) -> None:
        """What has just become ready is asked; it may have been ended by somebody in between."""

        def healthy() -> None:
            answer = self._rig.http(PORTS[server], "/health")
            status = 0 if answer is None else answer[0]
            found = self._rig.inspect(container)
            if status != 200 and found is not None and found["State"]["Running"] and self._still(server):
                self.wrong.append(f"{server} was ready and its health answered {status}")

        threading.Thread(target=healthy, name=f"health-of-{server}").start()

    def _still(self, server: str) -> bool:
        with self._lock:
            state = self._last.state_of(server) if self._last is not None else None
        return state is not None and state.ready


def move(rig: Rig, program: Driver, chance: random.Random) -> None:
    match chance.choice(("wish", "wish", "wish", "cancel", "lose", "kill", "restart", "fail", "mend")):
        case "wish":
            program.controller.wish(chance.choice(WISHES))
        case "cancel":
            program.controller.cancel()
        case "lose":
            rig.server.drop_sessions()
        case "kill":
            rig.try_docker("kill", chance.choice(list(PORTS)))
        case "restart":
            rig.try_docker("restart", "-t", "0", chance.choice(list(PORTS)))
        case "fail":
            rig.behave(CODER, fail=chance.choice(["exit0", "oom"]))
        case "mend":
            rig.behave(CODER, fail=None)


@pytest.mark.parametrize("seed", range(10))
def test_anything_at_any_moment(rig: Rig, tmp_path: Path, seed: int) -> None:
    quicken(rig)
    chance = random.Random(seed)
    watch = Watch(rig)
    with driven(tmp_path, profile(rig)) as program:
        program.controller.subscribe(watch.hear)
        for _ in range(MOVES):
            move(rig, program, chance)
            program.controller.wait(partial(ne, program.snapshot), chance.uniform(0.0, 1.5))
        rig.behave(CODER, fail=None)
        program.until(lambda s: s.active is None and s.link is LinkPhase.CONNECTED, "quiet", 90)
        done = program.switch(SCOUT, busy=WhenBusy.GO_ON)
        assert done.end is OperationEnd.DONE, done.failure
        assert rig.model_ids(30000) == [SCOUT]
        assert rig.inspect("sparktray-lock") is None and rig.inspect("sglang.previous") is None
        program.controller.unsubscribe(watch.hear)
    wait_until(
        lambda: not [t for t in threading.enumerate() if t.name.startswith("health-of-")], "the answers"
    )
    assert watch.wrong == []
