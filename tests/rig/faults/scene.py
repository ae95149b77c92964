"""The tray of a laptop while something breaks: what it shows, and that all is well again afterwards."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.rig.desktop import Desktop, Item, Notifications, Watcher
from tests.rig.driving import Program, quicken
from tests.rig.faults.laptop import SPARK, WITHIN, Laptop
from tests.rig.faults.pulse import Pulse
from tests.rig.rig import Rig
from tests.rig.sshd import Sshd
from tests.rig.tray_program import TrayProgram, tray
from tests.waiting import scaled, wait_until

SCOUT = "llama4-scout-17b-nvfp4"
READY = f"{SCOUT} is ready"
IDLE = "No model is running on spark."
# DESIGN, budgets: no gap of the main thread over 250 ms.
_GAP_SECONDS = 0.25
# A volume of somebody who has nothing to do with models.
KEPT = "letters"
# A menu shows long sentences shortened.
_OF_MENU = 40
# After every fault: the shown state is the real one this long after the repair at the latest.
AGAIN_SECONDS = 30.0


@dataclass
class Scene:
    """A running tray in the laptop's network, and a host on which a model is ready."""

    rig: Rig
    laptop: Laptop
    server: Sshd
    item: Item
    watcher: Watcher
    theirs: Notifications
    running: TrayProgram
    pulse: Pulse
    program: Program
    told: list[tuple[str, object]] = field(default_factory=list)

    def shows(self, begins: str, seconds: float = 25.0) -> float:
        """Wait until icon's sentence and menu begin so; how long it took."""
        began = time.monotonic()
        try:
            wait_until(lambda: self.pulse.said.startswith(begins), begins, seconds=seconds)
        except AssertionError:
            raise AssertionError(f"{begins!r} never in {self.pulse.since(began)}") from None
        took = time.monotonic() - began
        # The menu's row is changed right after the tooltip.
        wait_until(lambda: self.item.visible()[0].startswith(begins[:_OF_MENU]), "the same in the menu")
        self.told.append(("shown", self.pulse.said))
        self.told.append(("noticed", round(took, 1)))
        return took

    def told_of(self, count: int = 1, seconds: float = 60.0) -> str:
        """Wait for so many notifications, no more of which come; what the last one says."""
        began = time.monotonic()
        try:
            wait_until(lambda: len(self.theirs.told) >= count, "a notification", seconds=seconds)
        except AssertionError:
            raise AssertionError(f"{self.theirs.told}, {self.pulse.since(began)}") from None
        last = self.theirs.told[-1]
        self.told.append(("shown", last.title))
        return f"{last.title}\n{last.body}"

    def logins(self) -> int:
        """How often this host has let somebody in by key."""
        return self.server.log().count("Accepted publickey")

    def well_again(self, notifications: int = 0, begins: str = READY, seconds: float = AGAIN_SECONDS) -> None:
        """After the repair: the truth is shown in time, by one connection, and nobody was bothered."""
        began = time.monotonic()
        try:
            wait_until(lambda: self.pulse.said.startswith(begins), begins, seconds=seconds)
        except AssertionError:
            raise AssertionError(f"{begins!r} not again, {self.pulse.since(began)}") from None
        wait_until(lambda: self.laptop.connections(self.server) == 1, "one connection")
        self.told.append(("back", round(time.monotonic() - began, 1)))
        self.calm(notifications)

    def calm(self, notifications: int = 0) -> None:
        """The main thread was never late, and no more was told than that."""
        assert len(self.theirs.told) <= notifications, self.theirs.told
        self.told.append(("notifications", len(self.theirs.told)))
        self.told.append(("gap", round(self.pulse.slowest * 1000)))
        assert self.pulse.slowest < scaled(_GAP_SECONDS), f"{self.pulse.slowest * 1000:.0f} ms"


@dataclass
class Stage:
    """Makes scenes: what is there before the tray starts."""

    rig: Rig
    laptop: Laptop
    desktop: Desktop
    folder: Path
    report: Callable[[str, object], None]

    def program(self, server: Sshd, address: str | None = None, *more: str) -> Program:
        """The program, set up for that sshd, by another address if wanted."""
        made = Program(self.folder / "config")
        words: Sequence[str] = (
            *("host", "add", "spark", "--address", address or server.address, "--port", str(server.port)),
            *("--user", server.user, "--key", str(server.client_key), "--fingerprint", server.fingerprint),
        )
        made.ok(*words, *more)
        return made

    def sshd(self, options: Mapping[str, str] | None = None, **changes: str) -> Sshd:
        """An sshd that the laptop reaches."""
        return self.rig.sshd(options, address=changes.pop("address", SPARK), **changes)  # type: ignore[arg-type]

    @contextmanager
    def scene(
        self,
        server: Sshd | None = None,
        *,
        address: str | None = None,
        begins: str | None = None,
        more: Sequence[str] = (),
        environment: dict[str, Any] | None = None,
        within: Sequence[str] = (),
        serving: bool = True,
        silent: bool = True,
        seconds: float = 30.0,
    ) -> Iterator[Scene]:
        """The tray, once it shows what it ought to at first: a model that is ready."""
        begins = begins or (READY if serving else IDLE)
        quicken(self.rig)
        before = belongings(self.rig)
        server = server or self.sshd()
        program = self.program(server, address, *more)
        if serving and self.rig.state("sglang") is None:
            self.rig.start_sglang(SCOUT)
            self.rig.wait_http(30000, "/health")
        desktop = self.desktop
        with (
            desktop.watcher() as watcher,
            desktop.notifications() as theirs,
            tray(
                program, desktop, silent=silent, within=(*WITHIN, *within), **(environment or {})
            ) as running,
        ):
            item = desktop.item(watcher)
            pulse = Pulse(desktop.address, watcher.items[-1])
            made = Scene(self.rig, self.laptop, server, item, watcher, theirs, running, pulse, program)
            try:
                wait_until(lambda: pulse.said.startswith(begins), begins, seconds=seconds)
                pulse.slowest = 0.0
                yield made
                if running.process.poll() is None:
                    assert running.quit() <= scaled(2.0)
            finally:
                pulse.close()
                for name, value in made.told:
                    self.report(name, value)
        after = belongings(self.rig)
        assert {name: after.get(name) for name in before} == before, "something was lost"
        self.report("lost", "none")


def belongings(rig: Rig) -> dict[str, object]:
    """What is a person's own on the host: volumes, one of which holds a letter, and the models' files."""
    if rig.try_docker("volume", "inspect", KEPT).returncode != 0:
        rig.docker("volume", "create", KEPT)
        (_mountpoint(rig, KEPT) / "letter").write_text("Dear Ada, …", encoding="utf-8")
    found: dict[str, object] = {}
    for name in rig.docker("volume", "ls", "--quiet").split():
        folder = _mountpoint(rig, name)
        found |= {f"{name}: {path}": path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    for path in rig.models_folder.rglob("*"):
        if path.is_file() and path.name != ".behaviour.json":  # the stand-ins' own
            found[str(path)] = (path.stat().st_size, path.stat().st_mtime_ns)
    return found


def _mountpoint(rig: Rig, volume: str) -> Path:
    return Path(rig.docker("volume", "inspect", "--format", "{{.Mountpoint}}", volume).strip())


def passes(seconds: float) -> None:
    """The fault itself lasts for this time."""
    until = time.monotonic() + seconds
    wait_until(lambda: time.monotonic() > until, "the fault's own time", seconds=seconds + 5, every=0.1)
