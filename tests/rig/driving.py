"""The program as tests drive it: a controller on the rig, or the command line as a process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sparktray.control.controller import Controller
from sparktray.decide.settled import settled
from sparktray.domain.host import HostProfile
from sparktray.domain.operation import Operation, StopWish, SwitchWish, Wish
from sparktray.domain.snapshot import ServerState, Snapshot
from sparktray.wiring import controller_for, open_program
from tests.rig.rig import Rig
from tests.rig.sshd import Sshd
from tests.waiting import scaled

# Loads of the stand-ins in tests that do not look at the load itself.
QUICK = {"load_seconds": 0.1, "warm_seconds": 0.1, "health_seconds": 0.05}
MODELS = (
    "llama4-scout-17b-nvfp4",
    "qwen3-32b-nvfp4",
    "qwen3-coder-30b-nvfp4",
    "phi4-reasoning",
    "bge-m3",
    "deepseek-r1-8b-abliterated-bf16",
)
# What is started: the checkout's program, or with this variable any other one, as `make test-frozen` does it.
_OTHER = os.environ.get("SPARKTRAY_PROGRAM")
CHECKOUT = (sys.executable, "-m", "sparktray")
STARTED = CHECKOUT if _OTHER is None else (str(Path(_OTHER).resolve(strict=True)),)


def quicken(rig: Rig) -> None:
    """Have every stand-in load at once."""
    for model in MODELS:
        rig.behave(model, **QUICK)


def profile(rig: Rig, server: Sshd | None = None, **changes: Any) -> HostProfile:
    """The rig as a host of the program."""
    at = server or rig.server
    given: dict[str, Any] = {
        "name": "spark",
        "address": at.address,
        "port": at.port,
        "user": at.user,
        "key_file": str(at.client_key),
        "fingerprint": at.fingerprint,
    }
    return HostProfile(**{**given, **changes})


class Driver:
    """A controller on the rig, and what tests do with it."""

    def __init__(self, controller: Controller) -> None:
        self.controller = controller

    @property
    def snapshot(self) -> Snapshot:
        """The present picture."""
        return self.controller.snapshot

    def state(self, server: str) -> ServerState:
        """The present state of one server."""
        found = self.snapshot.state_of(server)
        assert found is not None
        return found

    def until(self, condition: Callable[[Snapshot], bool], what: str, seconds: float = 20.0) -> Snapshot:
        """The picture once it meets the condition."""
        met = self.controller.wait(condition, scaled(seconds))
        assert met is not None, f"waited for {what}; last seen: {self._brief()}"
        return met

    def _brief(self) -> str:
        """What matters of the picture when something did not come."""
        picture, operation = self.snapshot, self.snapshot.operation
        phases = {state.name: str(state.phase) for state in picture.servers}
        runs = [f"{r.step.name}:{r.state}" for r in operation.runs] if operation is not None else []
        end = (operation.end, operation.failure) if operation is not None else None
        return f"{picture.link} {phases} {picture.problem} {picture.vitals} {runs} {end}"

    def until_ready(self, server: str) -> ServerState:
        """The state of a server once it is ready."""
        self.until(lambda s: bool((x := s.state_of(server)) and x.ready), f"{server} ready")
        return self.state(server)

    def do(self, wish: Wish, seconds: float = 60.0) -> Operation:
        """Fulfil a wish to its end."""
        identity = self.controller.wish(wish)

        def ended(snapshot: Snapshot) -> bool:
            done = snapshot.operation
            return done is not None and done.id == identity and done.end is not None

        found = self.until(ended, f"the end of {wish}", seconds).operation
        assert found is not None
        return found

    def switch(self, model: str, on: str | None = None, **options: Any) -> Operation:
        """Switch to a model."""
        return self.do(SwitchWish(model, on, **options))

    def stop(self, server: str | None = None) -> Operation:
        """Stop a server, or all."""
        return self.do(StopWish(server))


@contextmanager
def driven(config: Path, host: HostProfile, *, keep_trying: bool = True) -> Iterator[Driver]:
    """A started controller whose picture has settled."""
    controller = controller_for(open_program(config), host, keep_trying=keep_trying)
    controller.start()
    try:
        driver = Driver(controller)
        driver.until(settled, "a settled picture", 30.0)
        yield driver
    finally:
        controller.close()


class Program:
    """The command line as a person uses it, each call a process, with a config folder of its own."""

    def __init__(self, config: Path, start: Sequence[str] = STARTED) -> None:
        self.config = config
        self._start = start

    def argv(self, *words: str) -> list[str]:
        """The command line of one call."""
        return [*self._start, "--config", str(self.config), *words]

    @property
    def environment(self) -> dict[str, str]:
        """English, whatever the machine speaks."""
        return {**os.environ, "LC_ALL": "C.UTF-8", "LANGUAGE": "en", "PYTHONUNBUFFERED": "1"}

    def run(
        self, *words: str, seconds: float = 90.0, environment: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """One call to its end, with more in its environment."""
        return subprocess.run(
            self.argv(*words),
            capture_output=True,
            text=True,
            timeout=scaled(seconds),
            env={**self.environment, **(environment or {})},
            stdin=subprocess.DEVNULL,
            check=False,
        )

    def ok(self, *words: str) -> str:
        """One call that must succeed; its stdout."""
        done = self.run(*words)
        assert done.returncode == 0, (words, done.returncode, done.stdout, done.stderr)
        return done.stdout

    def json(self, *words: str) -> Any:
        """One call with --json that must succeed; its one line, decoded."""
        lines = self.ok("--json", *words).splitlines()
        assert len(lines) == 1, lines
        return json.loads(lines[0])

    def refused(self, code: int, *words: str) -> dict[str, str]:
        """One call with --json that must end with that exit code; its error."""
        done = self.run("--json", *words)
        assert done.returncode == code, (words, done.returncode, done.stdout, done.stderr)
        error: dict[str, str] = json.loads(done.stderr.splitlines()[-1])["error"]
        assert error["code"] and error["message"] and error["remedy"], error
        return error

    def start(self, *words: str) -> subprocess.Popen[str]:
        """One call that goes on; its output is read by the test."""
        return subprocess.Popen(
            self.argv(*words),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            bufsize=1,
            env=self.environment,
            stdin=subprocess.DEVNULL,
        )

    def add(self, rig: Rig, name: str = "spark", server: Sshd | None = None, *more: str) -> None:
        """Set the rig up as a host."""
        at = server or rig.server
        words: Sequence[str] = (
            *("host", "add", name, "--address", at.address, "--port", str(at.port)),
            *("--user", at.user, "--key", str(at.client_key), "--fingerprint", at.fingerprint),
        )
        self.ok(*words, *more)


def now() -> float:
    """Seconds since 1970, the clock that Docker's events use on this machine."""
    return time.time()
