"""How a stand-in is told to behave: a file beside the model, read afresh at every look."""

from __future__ import annotations

import json
import os
import resource
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn


class Behaviour:
    """The wishes for one engine: `{"x": 1, "vllm": {"x": 2}}` means 2 for vLLM and 1 for the others."""

    def __init__(self, folder: Path, engine: str) -> None:
        """FOLDER may hold no file: then everything is at its default."""
        self._path = folder / ".behaviour.json"
        self._engine = engine

    def all(self) -> dict[str, Any]:
        """What the file says now."""
        try:
            said: dict[str, Any] = json.loads(self._path.read_bytes())
        except (FileNotFoundError, NotADirectoryError):
            return {}
        own: dict[str, Any] = said.get(self._engine) or {}
        return {**said, **own}

    def value(self, name: str, default: Any = None) -> Any:
        """One wish."""
        return self.all().get(name, default)

    def seconds(self, name: str, default: float) -> float:
        """One wish that is a duration."""
        return float(self.value(name, default))


class Stopped(BaseException):
    """SIGTERM arrived. Not an Exception, so that no handler in between swallows it."""


def on_sigterm(behaviour: Behaviour) -> None:
    """Raise Stopped in the main thread on SIGTERM, unless told to ignore it."""

    def stop(_number: int, _frame: FrameType | None) -> None:
        if not behaviour.value("ignore_sigterm", False):
            raise Stopped

    signal.signal(signal.SIGTERM, stop)


def leave(code: int) -> NoReturn:
    """End at once with CODE, whatever other threads do."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def run(serve: Callable[[], int], drain: Callable[[], None]) -> NoReturn:
    """Run SERVE in the main thread; on SIGTERM let DRAIN finish the requests, and exit with 0."""
    try:
        code = serve()
    except Stopped:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        drain()
        code = 0
    leave(code)


def silence() -> NoReturn:
    """Do nothing for ever, until a signal."""
    while True:
        time.sleep(3600)


def child_killed_by_kernel() -> None:
    """Let a child use up the container's memory and be killed; refuse where there is no limit."""
    limit = Path("/sys/fs/cgroup/memory/memory.limit_in_bytes")
    if not limit.exists():
        limit = Path("/sys/fs/cgroup/memory.max")
    text = limit.read_text(encoding="ascii").strip()
    if text == "max" or int(text) > 2**30:
        raise SystemExit('the behaviour "oom-kill" needs a container with --memory of at most 1g')
    pid = os.fork()
    if pid == 0:
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        hoard = []
        while True:
            hoard.append(b"x" * 2**24)
    os.waitpid(pid, 0)
