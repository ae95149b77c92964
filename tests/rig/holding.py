"""Programs of the host that stand still at a given word, so that a test can look at one step of a switch."""

from __future__ import annotations

import os
import signal
from pathlib import Path

from tests.rig import namespace
from tests.rig.rig import Rig
from tests.rig.sshd import ADDRESS, Sshd, default_path
from tests.waiting import wait_until

_SCRIPT = """\
#!/bin/sh
if [ -f {folder}/hold ] && [ "$(cat {folder}/hold)" = "$(basename "$0") $1" ]; then
    echo $$ > {folder}/held
    while [ -f {folder}/hold ]; do sleep 0.02; done
fi
exec {program} "$@"
"""


class Holding:
    """An sshd whose sessions find these programs first; ``server`` is it."""

    def __init__(self, rig: Rig, address: str = ADDRESS) -> None:
        self.folder = namespace.RUN / "holding-bin"
        self.folder.mkdir(exist_ok=True)
        self.folder.chmod(0o777)  # the scripts run as the user of the session
        for name, program in (("docker", "/usr/bin/docker"), ("ss", "/usr/bin/ss")):
            script = self.folder / name
            script.write_text(_SCRIPT.format(folder=self.folder, program=program))
            script.chmod(0o755)
        # No dial-stdio: reading the Docker API shall not be held.
        self.server: Sshd = rig.sshd({"SetEnv": f"PATH={self.folder}:{default_path()}"}, address=address)

    def at(self, command: str) -> None:
        """Let the next command that begins so stand still, such as ``docker rename``."""
        self._held.unlink(missing_ok=True)
        (self.folder / "hold").write_text(command)

    def reached(self) -> None:
        """Wait until one stands still."""
        wait_until(lambda: self._held.exists() and self._held.read_text().strip() != "", "the held command")

    def let_go(self) -> None:
        """Go on."""
        (self.folder / "hold").unlink(missing_ok=True)

    def kill(self) -> None:
        """End the one that stands still; what it was to do is never done."""
        os.kill(int(self._held.read_text()), signal.SIGKILL)
        self.let_go()

    @property
    def _held(self) -> Path:
        return self.folder / "held"
