"""What a tray meets at its start: folders, locks and files that are not as they should be, and no panel."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.rig.desktop import Desktop, Item
from tests.rig.driving import Program, quicken
from tests.rig.namespace import running as quiet_process
from tests.rig.rig import Rig
from tests.rig.screen import Area, Screen
from tests.rig.tray_program import TrayProgram, tray
from tests.waiting import wait_until


class Unprivileged(Program):
    """The program of a root whom file modes bind, as they bind everybody else."""

    def argv(self, *words: str) -> list[str]:
        """The same, started without the capabilities to read and write what modes forbid."""
        bound = "-dac_override,-dac_read_search"
        return ["setpriv", f"--bounding-set={bound}", f"--inh-caps={bound}", *super().argv(*words)]


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


def window(desktop: Desktop) -> Area | None:
    """Where the program's window is on the screen; None while it shows none."""
    screen = Screen(desktop.environment)
    areas = (screen.area(found) for found in screen.windows("sparktray"))
    return next((area for area in areas if area is not None and area.width > 200), None)


@contextmanager
def killed(program: Program, desktop: Desktop) -> Iterator[TrayProgram]:
    """A tray that ended by `kill -9` before the block begins."""
    with tray(program, desktop, silent=False) as first:
        with desktop.watcher() as watcher:
            idle(desktop.item(watcher))
        first.process.kill()
        first.process.wait()
        yield first


@pytest.mark.fault("L9")
def test_a_folder_whose_mode_forbids_writing(rig: Rig, tmp_path: Path, desktop: Desktop) -> None:
    """Said with a remedy, exit code 2, and nothing is changed."""
    program = Unprivileged(tmp_path / "config")
    program.add(rig)
    program.config.chmod(0o500)
    before = sorted(path.name for path in program.config.iterdir())
    with tray(program, desktop, silent=False) as running:
        assert running.ended() == 2
        assert str(program.config) in running.said and "cannot be written" in running.said
        assert "--config" in running.said
    assert sorted(path.name for path in program.config.iterdir()) == before


def test_the_lock_of_a_killed_tray(program: Program, desktop: Desktop) -> None:
    """Taken over, and so is the door: a command is answered by the new one."""
    with killed(program, desktop), desktop.watcher() as watcher, tray(program, desktop):
        idle(desktop.item(watcher))
        done = program.run("--verbose", "status")
        assert done.returncode == 0 and "The running tray answers." in done.stderr.splitlines()


def test_the_lock_of_a_killed_tray_whose_number_another_program_has_now(
    program: Program, desktop: Desktop
) -> None:
    """After a reboot numbers of processes are given anew; a program that is not ours holds no lock."""
    with killed(program, desktop), quiet_process(["sleep", "600"]) as other:
        lock = program.config / "tray.lock"
        lines = lock.read_text(encoding="utf-8").splitlines()
        lock.write_text("\n".join([str(other.pid), *lines[1:], ""]), encoding="utf-8")
        with desktop.watcher() as watcher, tray(program, desktop):
            idle(desktop.item(watcher))


@pytest.mark.parametrize("content", [b"", b"\0" * 64], ids=["empty", "zeros"])
def test_a_lock_that_is_none(program: Program, desktop: Desktop, content: bytes) -> None:
    """A crash of the whole machine leaves such files, with no holder named; the icon comes all the same."""
    (program.config / "tray.lock").write_bytes(content)
    with desktop.watcher() as watcher, tray(program, desktop):
        idle(desktop.item(watcher))


@pytest.mark.fault("L10")
def test_without_a_panel_the_window_shows_itself(program: Program, desktop: Desktop) -> None:
    """No watcher: the window comes by itself. One that comes later has the icon, and the window stays."""
    with tray(program, desktop):
        area = wait_until(lambda: window(desktop), "the window", seconds=30)
        assert area is not None and area.width >= 600 and area.height >= 400, area
        with desktop.watcher() as watcher:
            idle(desktop.item(watcher))
            assert window(desktop) is not None


def test_with_a_panel_no_window_shows_itself(program: Program, desktop: Desktop) -> None:
    """Where the icon shows, the window waits to be asked for."""
    with desktop.watcher() as watcher, tray(program, desktop):
        item = desktop.item(watcher)
        idle(item)
        assert window(desktop) is None
        item.click("Open sparktray")
        wait_until(lambda: window(desktop), "the window", seconds=10)


@pytest.mark.parametrize("content", [b"{", b'{"version": 1, "silenced": 7}'], ids=["half", "wrong"])
@pytest.mark.fault("L6")
def test_broken_settings(program: Program, desktop: Desktop, content: bytes) -> None:
    """Kept aside as they are, and the tray goes on with what it had."""
    (program.config / "settings.json").write_bytes(content)
    with desktop.watcher() as watcher, tray(program, desktop):
        idle(desktop.item(watcher))
        aside = wait_until(lambda: list(program.config.glob("settings.json.corrupt-*")), "a copy", seconds=10)
        assert [path.read_bytes() for path in aside] == [content]


@pytest.mark.fault("L6")
def test_a_broken_list_of_models(program: Program, desktop: Desktop) -> None:
    """The shipped list is used until the person's own can be read."""
    (program.config / "models.json").write_text('{"version": 1,,}', encoding="utf-8")
    with desktop.watcher() as watcher, tray(program, desktop):
        item = desktop.item(watcher)
        idle(item)
        assert item.find("llama4-scout-17b-nvfp4") is not None
    done = subprocess.run(program.argv("models"), capture_output=True, text=True, check=False)
    assert done.returncode == 2 and "models.json" in done.stderr and "line 1" in done.stderr
