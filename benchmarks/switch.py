"""Our own time of a switch, next to the page's commands typed over ssh with a health poll every second.

Own time is what is left of the whole when the waiting for others is taken away: the grace that the old engine
used, the wait for memory, and the load (from the container's start to the first 200 of ``/health``). Run by
``make bench`` inside the rig's namespaces; ends with 1 when the budget is missed, with 2 without the parts.
"""

from __future__ import annotations

import tempfile
import threading
import time
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from benchmarks.figures import MISSING_PARTS, Figure, Measured, missing, report
from benchmarks.refresh import PARTS
from sparktray.domain.operation import Operation, OperationEnd, StepName
from tests.rig.driving import Driver, driven, profile, quicken
from tests.rig.rig import Rig

BUDGET_MS = 1500.0
TIMES = 8
MODELS = ("llama4-scout-17b-nvfp4", "qwen3-coder-30b-nvfp4")
LOAD_SECONDS = 1.0
PORT = 30000


@dataclass(frozen=True, slots=True)
class Load:
    """When the container was started and when its health first answered 200; seconds since 1970."""

    started: float
    healthy: float

    @property
    def seconds(self) -> float:
        """How long the engine took by itself."""
        return max(0.0, self.healthy - self.started)


class HealthWatch:
    """Asks a server's health as often as it can, and keeps when a container first answered 200."""

    def __init__(self, rig: Rig, other_than: str | None) -> None:
        self._rig = rig
        self._other_than = other_than
        self._over = threading.Event()
        self.load: Load | None = None
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()

    def _watch(self) -> None:
        while not self._over.is_set():
            there = self._rig.inspect("sglang")
            if there is None or there["Id"] == self._other_than or not there["State"]["Running"]:
                time.sleep(0.01)
                continue
            answer = self._rig.http(PORT, "/health")
            if answer is not None and answer[0] == 200:
                self.load = Load(_seconds(there["State"]["StartedAt"]), time.time())
                return
            time.sleep(0.01)

    def result(self) -> Load:
        """The load that was seen."""
        self._thread.join(30)
        self._over.set()
        if self.load is None:
            raise RuntimeError("the health of the new container was never seen")
        return self.load


def _seconds(docker_time: str) -> float:
    return datetime.fromisoformat(docker_time[:26] + "+00:00").timestamp()


def present(rig: Rig) -> str | None:
    """The id of what is in the place now."""
    there: dict[str, Any] | None = rig.inspect("sglang")
    return None if there is None else str(there["Id"])


def ours(rig: Rig, program: Driver, model: str) -> tuple[float, float]:
    """The whole of one switch and our own time of it, in milliseconds."""
    watch = HealthWatch(rig, present(rig))
    operation = program.switch(model)
    load = watch.result()
    if operation.end is not OperationEnd.DONE or operation.ended_at is None:
        raise RuntimeError(f"the switch ended {operation.end}: {operation.failure}")
    whole = operation.ended_at - operation.started_at
    waited = sum(_lasted(operation, name) for name in (StepName.STOP, StepName.RELEASE))
    return whole * 1000, (whole - waited - load.seconds) * 1000


def _lasted(operation: Operation, name: StepName) -> float:
    runs = [r for r in operation.runs if r.step.name is name]
    return sum((r.ended_at or 0.0) - (r.started_at or 0.0) for r in runs)


def typed(rig: Rig, model: str) -> tuple[float, float]:
    """The page's way: remove, run, ask every second; each command its own ssh. Whole and without the load."""
    folder = rig.folder(model)
    began = time.time()
    watch = HealthWatch(rig, present(rig))
    rig.ssh("docker rm -f sglang >/dev/null 2>&1 || true")
    rig.ssh(
        f"docker run -d --name sglang --gpus all -p {PORT}:{PORT} -v {folder}:/model lmsysorg/sglang:spark "
        f"python3 -m sglang.launch_server --model-path /model --served-model-name {model} --host 0.0.0.0 "
        f"--port {PORT} --trust-remote-code --tp 1"
    )
    while rig.ssh(f"curl -sf http://127.0.0.1:{PORT}/health", check=False).returncode != 0:
        time.sleep(1.0)  # the page's own pace
    rig.ssh(f"curl -s http://127.0.0.1:{PORT}/v1/models")
    whole = time.time() - began
    return whole * 1000, (whole - watch.result().seconds) * 1000


def main() -> int:
    """Measure, print, judge."""
    if missing((*PARTS, "curl")):
        return MISSING_PARTS
    rig = Rig()
    try:
        quicken(rig)
        for model in MODELS:
            rig.behave(model, load_seconds=LOAD_SECONDS)
        with tempfile.TemporaryDirectory() as config, driven(Path(config), profile(rig)) as program:
            program.switch(MODELS[1])
            switched = [ours(rig, program, MODELS[number % 2]) for number in range(TIMES)]
        by_hand = [typed(rig, MODELS[number % 2]) for number in range(TIMES)]
    finally:
        rig.close()
    own = Measured("switch, our own time", tuple(each for _, each in switched))
    hand = Measured("the page's commands by ssh, without the load", tuple(each for _, each in by_hand))
    whole = Measured("switch, the whole (with a first answer proven)", tuple(each for each, _ in switched))
    whole_by_hand = Measured("the page's commands by ssh, the whole", tuple(each for each, _ in by_hand))
    return report("switch", (Figure(own, hand, most=BUDGET_MS), Figure(whole, whole_by_hand)))


if __name__ == "__main__":
    raise SystemExit(main())
