"""The tray's coming and going: panels that come late, second starts, ends while the host hangs."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.rig.desktop import Desktop, Item
from tests.rig.driving import Program, now, quicken
from tests.rig.rig import Rig
from tests.rig.tray_program import tray
from tests.waiting import scaled, wait_until

SCOUT = "llama4-scout-17b-nvfp4"


@pytest.fixture(scope="module")
def desktop() -> Iterator[Desktop]:
    made = Desktop()
    yield made
    made.close()


@pytest.fixture
def program(rig: Rig, tmp_path: Path) -> Program:
    quicken(rig)
    made = Program(tmp_path / "config")
    made.add(rig)
    return made


def idle(item: Item) -> None:
    """The host is connected and nothing runs."""
    wait_until(lambda: item.visible()[0].startswith("No model is running"), "the host", seconds=30)


@pytest.mark.fault("L10")
def test_a_panel_that_comes_late(program: Program, desktop: Desktop) -> None:
    """Started while there is no watcher: the icon is there as soon as there is one, also without a panel."""
    with tray(program, desktop) as running:
        wait_until(lambda: desktop.has(running.process.pid), "the tray on the bus", seconds=20)
        with desktop.watcher(with_host=False) as watcher:
            idle(desktop.item(watcher))


@pytest.mark.fault("L10")
def test_the_icon_is_back_after_the_panel_restarts(program: Program, desktop: Desktop) -> None:
    """Twice: a crash of the panel takes the icon along only as long as the panel is gone."""
    with tray(program, desktop):
        for _ in range(3):
            with desktop.watcher() as watcher:
                idle(desktop.item(watcher))


def test_quit_while_the_host_hangs(rig: Rig, program: Program, desktop: Desktop) -> None:
    """Frozen sshd: at most 2 s from the signal to the end, and the same from the menu."""
    for number in (signal.SIGTERM, signal.SIGINT):
        with desktop.watcher() as watcher, tray(program, desktop) as running:
            idle(desktop.item(watcher))
            rig.server.freeze()
            taken = running.quit(number)
            rig.server.thaw()
            assert taken <= scaled(2.0), f"{taken:.2f} s"


def test_quit_while_the_host_never_answered(rig: Rig, program: Program, desktop: Desktop) -> None:
    """A host that takes the connection and says nothing does not keep the tray from ending."""
    rig.server.freeze()
    with desktop.watcher() as watcher, tray(program, desktop) as running:
        item = desktop.item(watcher)
        assert item.visible()[0] == "Connecting to spark…"
        taken = running.quit()
        assert taken <= scaled(2.0), f"{taken:.2f} s"


@pytest.mark.fault("C7")
def test_quit_in_the_middle_of_a_switch(rig: Rig, program: Program, desktop: Desktop) -> None:
    """The model loads on; the tray ends in time."""
    rig.behave(SCOUT, load_seconds=3.0)
    with desktop.watcher() as watcher, tray(program, desktop) as running:
        item = desktop.item(watcher)
        idle(item)
        item.click(SCOUT)
        wait_until(lambda: rig.state("sglang") == "running", "the container", seconds=20)
        assert running.quit() <= scaled(2.0)
    assert rig.state("sglang") == "running"


@pytest.mark.fault("C6")
def test_a_second_start(program: Program, desktop: Desktop) -> None:
    """It says so and ends 0; the lock of a killed one is taken over."""
    with desktop.watcher() as watcher:
        with tray(program, desktop, silent=False) as first:
            idle(desktop.item(watcher))
            second = program.run(environment=desktop.environment)
            assert (second.returncode, second.stderr) == (0, "")
            assert second.stdout == "sparktray is running already; its window is shown.\n"
            first.process.kill()
            first.process.wait()
        with tray(program, desktop):
            wait_until(lambda: len(watcher.items) == 2, "the next one's icon", seconds=20)


@pytest.mark.fault("C6")
def test_a_second_start_while_the_first_hangs(program: Program, desktop: Desktop) -> None:
    """A sentence that names the process, and exit code 1; not a second icon."""
    with desktop.watcher() as watcher, tray(program, desktop) as first:
        idle(desktop.item(watcher))
        first.process.send_signal(signal.SIGSTOP)
        try:
            second = program.run(environment=desktop.environment)
        finally:
            first.process.send_signal(signal.SIGCONT)
        assert (second.returncode, second.stdout) == (1, "")
        assert f"(process {first.process.pid}), but it does not answer." in second.stderr
        assert f"kill -9 {first.process.pid}" in second.stderr
        assert len(watcher.items) == 1


@pytest.mark.parametrize("locale", ["C.UTF-8", "C"])
def test_without_a_display(program: Program, desktop: Desktop, locale: str) -> None:
    """One clear sentence, and no core dump."""
    with tray(program, desktop, silent=False, DISPLAY=":987", LC_ALL=locale) as running:
        assert running.ended() == 1
        assert running.said.splitlines() == [
            "There is no display to show the tray on: could not connect to display :987",
            "On the command line: sparktray status",
        ]


def test_without_an_environment_it_is_the_command_line(
    program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No DISPLAY, no WAYLAND_DISPLAY: the picture as text, as `status` prints it."""
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    assert "No model is running on spark." in program.ok()


def test_a_config_folder_that_cannot_be_written(rig: Rig, program: Program, desktop: Desktop) -> None:
    """The lock cannot be taken: said with a remedy, exit code 2."""
    where = program.config
    subprocess.run(["mount", "--bind", "--options", "ro", str(where), str(where)], check=True)
    try:
        with tray(program, desktop, silent=False) as running:
            assert running.ended() == 2
            assert "cannot be written" in running.said and "--config" in running.said
    finally:
        subprocess.run(["umount", str(where)], check=True)


EMPTY = """
import sys
from PySide6.QtGui import QIcon, QPixmap
from PySide6.QtWidgets import QApplication, QMenu, QSystemTrayIcon
application = QApplication(sys.argv)
picture = QPixmap(22, 22)
picture.fill()
menu, icon = QMenu(), QSystemTrayIcon(QIcon(picture))
menu.addAction("Quit")
icon.setContextMenu(menu)
icon.show()
application.exec()
"""


def test_costs_next_to_an_empty_tray(
    program: Program, desktop: Desktop, capsys: pytest.CaptureFixture[str]
) -> None:
    """Printed: start to registered and resident memory, beside the least that PySide6 can do."""
    with desktop.watcher() as watcher, tray(program, desktop) as running:
        item = desktop.item(watcher)
        ours = (watcher.registered[0] - running.began, 0)
        idle(item)
        ours = (ours[0], running.resident_kib)
    with desktop.watcher() as watcher:
        environment = {**os.environ, **desktop.environment}
        began = now()
        process = subprocess.Popen([sys.executable, "-c", EMPTY], env=environment)
        try:
            desktop.item(watcher)
            lines = Path(f"/proc/{process.pid}/status").read_text(encoding="ascii").splitlines()
            resident = int(next(line for line in lines if line.startswith("VmRSS:")).split()[1])
            least = (watcher.registered[0] - began, resident)
        finally:
            process.terminate()
            process.wait()
    with capsys.disabled():
        print("\nstart to registered, resident memory: ", end="")
        print(f"sparktray {ours[0]:.2f} s, {ours[1] // 1024} MiB; ", end="")
        print(f"an empty PySide6 tray {least[0]:.2f} s, {least[1] // 1024} MiB")
