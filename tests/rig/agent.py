"""A real ssh-agent."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from signal import SIGCONT, SIGSTOP
from unittest.mock import patch

from tests.rig.namespace import end
from tests.waiting import wait_until


class Agent:
    """An agent of this process's environment."""

    def __init__(self, socket: Path) -> None:
        quiet = subprocess.DEVNULL
        self._process = subprocess.Popen(
            ["ssh-agent", "-D", "-a", str(socket)], stdin=quiet, stdout=quiet, stderr=quiet
        )
        self.environment = {"SSH_AUTH_SOCK": str(socket)}
        wait_until(socket.exists, "the agent's socket")

    def add(self, *keys: Path) -> None:
        """Give it these keys."""
        command = ["ssh-add", "-q", *map(str, keys)]
        subprocess.run(command, check=True, env={**os.environ, **self.environment})

    def lock(self, password: str) -> None:
        """As `ssh-add -x` does, which asks at a terminal only."""
        script = f'#!/bin/sh\necho "{password}"\n'
        asking = Path(self.environment["SSH_AUTH_SOCK"] + "-ask")
        asking.write_text(script, encoding="utf-8")
        asking.chmod(0o700)
        environment = {"SSH_ASKPASS": str(asking), "SSH_ASKPASS_REQUIRE": "force", **self.environment}
        subprocess.run(["ssh-add", "-x"], check=True, env={**os.environ, **environment}, capture_output=True)

    def hang(self) -> None:
        """It takes no notice of anything any more."""
        self._process.send_signal(SIGSTOP)

    def close(self) -> None:
        """End it."""
        self._process.send_signal(SIGCONT)
        end(self._process)


@contextmanager
def agent(folder: Path) -> Iterator[Agent]:
    """An agent that this process finds, while the block lasts."""
    made = Agent(folder / "agent")
    try:
        with patch.dict(os.environ, made.environment):
            yield made
    finally:
        made.close()
