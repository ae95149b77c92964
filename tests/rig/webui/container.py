"""The container a person has: started by the documented command, with its volume."""

from __future__ import annotations

import time
from pathlib import Path

from tests.rig import engine
from tests.rig.rig import Rig
from tests.rig.webui.image import FOLDER, IMAGE, PORT
from tests.waiting import wait_until

NAME = "open-webui"
VOLUME = "open-webui"
PUBLISHED = 3000
# Without bytes compiled, on a machine with other work: a start is 10 to 20 s of computing.
START_SECONDS = 120.0


class Container:
    """Open WebUI on the rig."""

    def __init__(self, rig: Rig) -> None:
        self.rig = rig
        self.url = f"http://127.0.0.1:{PUBLISHED}"

    def run(self, *options: str) -> float:
        """The documented `docker run`, with more OPTIONS; the seconds until it is ready."""
        command = ["-d", "-p", f"{PUBLISHED}:{PORT}", "-v", f"{VOLUME}:{FOLDER}", "--name", NAME]
        began = time.monotonic()
        self.rig.docker("run", *command, *options, IMAGE)
        return self.ready(began)

    def start(self) -> float:
        """Start it again after `stop`; the seconds until it is ready."""
        began = time.monotonic()
        self.rig.docker("start", NAME)
        return self.ready(began)

    def stop(self) -> None:
        """Stop it as `docker stop` does, so that nothing is written any more."""
        self.rig.docker("stop", NAME)

    def ready(self, began: float | None = None) -> float:
        """Wait until `/ready` answers 200; the seconds since BEGAN, a monotonic time."""
        since = time.monotonic() if began is None else began

        def answers() -> bool:
            if self.rig.state(NAME) != "running":
                raise AssertionError(f"Open WebUI ended:\n{self.rig.logs(NAME)[-3000:]}")
            answer = self.rig.http(PUBLISHED, "/ready")
            return answer is not None and answer[0] == 200

        wait_until(answers, "Open WebUI to be ready", seconds=START_SECONDS, every=0.1)
        return time.monotonic() - since

    @property
    def folder(self) -> Path:
        """The volume's folder on the host."""
        return Path(engine.ask("GET", f"/volumes/{VOLUME}")["Mountpoint"])
