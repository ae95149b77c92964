"""The container a person has: started by the documented command, with its volume."""

from __future__ import annotations

import shutil
import sqlite3
import time
from contextlib import AbstractContextManager
from pathlib import Path

from tests.rig import engine
from tests.rig.rig import Rig
from tests.rig.webui import contents
from tests.rig.webui.image import FOLDER, IMAGE, PORT
from tests.waiting import wait_until

NAME = "open-webui"
VOLUME = "open-webui"
PUBLISHED = 3000
# A start computes for 20 s; a first one also migrates, and others may use the machine.
START_SECONDS = 120.0


class Container:
    """Open WebUI on the rig."""

    def __init__(self, rig: Rig) -> None:
        self.rig = rig
        self.url = f"http://127.0.0.1:{PUBLISHED}"
        # How long each start took to `/ready`, for the summary.
        self.starts: list[float] = []

    def run(self, *options: str) -> None:
        """The documented `docker run`, with more OPTIONS; returns when it is ready."""
        command = ["-d", "-p", f"{PUBLISHED}:{PORT}", "-v", f"{VOLUME}:{FOLDER}", "--name", NAME]
        began = time.monotonic()
        self.rig.docker("run", *command, *options, IMAGE)
        self.wait_ready(began)

    def start(self) -> None:
        """Start it again after `stop`; returns when it is ready."""
        began = time.monotonic()
        self.rig.docker("start", NAME)
        self.wait_ready(began)

    def stop(self) -> None:
        """Stop it as `docker stop` does, so that nothing is written any more."""
        self.rig.docker("stop", NAME)

    @property
    def running(self) -> bool:
        """Whether it is running."""
        return self.rig.state(NAME) == "running"

    def wait_ready(self, began: float | None = None) -> None:
        """Wait until `/ready` answers 200. BEGAN, a monotonic time, counts it among the starts."""

        def answers() -> bool:
            if not self.running:
                raise AssertionError(f"Open WebUI ended:\n{self.rig.logs(NAME)[-3000:]}")
            answer = self.rig.http(PUBLISHED, "/ready")
            return answer is not None and answer[0] == 200

        wait_until(answers, "Open WebUI to be ready", seconds=START_SECONDS, every=0.1)
        if began is not None:
            self.starts.append(time.monotonic() - began)

    # The volume

    @property
    def folder(self) -> Path:
        """The volume's folder on the host."""
        return Path(engine.ask("GET", f"/volumes/{VOLUME}")["Mountpoint"])

    def fill(self, folder: Path) -> None:
        """Make the volume hold a copy of what is in FOLDER; no container may use it."""
        self.rig.docker("volume", "create", VOLUME)
        shutil.copytree(folder, self.folder, symlinks=True, dirs_exist_ok=True)

    def opened(self, database: str = contents.DATABASE) -> AbstractContextManager[sqlite3.Connection]:
        """A copy of a database of the volume as it is now."""
        return contents.opened(self.folder, running=self.running, database=database)

    def rows(self, database: str = contents.DATABASE) -> contents.Tables:
        """Every row of Open WebUI's database, or of the one with the vectors."""
        with self.opened(database) as connection:
            found = contents.rows(connection)
        # Chroma notes each of its starts there.
        found.pop("acquire_write", None)
        return found

    def files(self, *below: str) -> dict[str, str]:
        """What lies in these folders, but the vectors' database: a start changes its bytes, not its rows."""
        found = contents.files(self.folder, *below)
        found.pop(contents.VECTORS, None)
        return found

    def columns_with(self, word: str) -> dict[str, int]:
        """`table.column` of Open WebUI's database -> in how many rows WORD stands there."""
        with self.opened() as connection:
            return contents.columns_with(connection, word)
