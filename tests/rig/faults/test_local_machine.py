"""The person's own computer is in trouble, row by row of the fault matrix."""

from __future__ import annotations

import contextlib
import subprocess
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from tests.rig.driving import Program
from tests.rig.faults.scene import IDLE, READY, SCOUT, Scene, Stage
from tests.rig.rig import Rig
from tests.waiting import scaled, wait_until


@pytest.mark.fault("L8")
def test_a_full_disk(rig: Rig, tmp_path: Path) -> None:
    """What was there stays, byte for byte, and the person is told that nothing was saved."""
    full = tmp_path / "full"
    full.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(full)], check=True)
    try:
        program = Program(full / "config")
        program.add(rig)
        before = (program.config / "hosts.json").read_bytes()
        with (full / "filler").open("wb", buffering=0) as filler, contextlib.suppress(OSError):
            while filler.write(b"x" * 1024):
                pass
        told = program.refused(2, "host", "add", "another", "--address", "10.0.0.9", "--user", "u")
        assert "hosts.json" in told["message"] or str(program.config) in told["message"]
        assert (program.config / "hosts.json").read_bytes() == before
        assert program.json("host", "list")["in_use"] == "spark"
    finally:
        subprocess.run(["umount", str(full)], check=True)


@pytest.mark.fault("L9")
def test_a_settings_folder_that_cannot_be_written(rig: Rig, tmp_path: Path) -> None:
    """Looking works; what would change something says that it cannot be written down, and changes nothing."""
    program = Program(tmp_path / "config")
    program.add(rig)
    where = str(program.config)
    subprocess.run(["mount", "--bind", "--options", "ro", where, where], check=True)
    try:
        assert "No model is running on spark." in program.ok("status")
        told = program.refused(2, "host", "add", "another", "--address", "10.0.0.9", "--user", "u")
        assert where in told["message"]
    finally:
        subprocess.run(["umount", where], check=True)


@pytest.mark.fault("L13")
@pytest.mark.parametrize(
    ("locale", "begins"), [("de_DE.UTF-8", f"{SCOUT} ist auf spark bereit."), ("tr_TR.UTF-8", READY)]
)
def test_umlauts_and_blanks_and_another_language(stage: Stage, locale: str, begins: str) -> None:
    """A home folder with both, a German and a Turkish locale (whose i has no dot in capitals)."""
    home = stage.folder / "Bürö 1 İçin"
    made = home / "locales" / locale
    made.parent.mkdir(parents=True)
    name, _, letters = locale.partition(".")
    subprocess.run(["localedef", "-i", name, "-f", letters, str(made)], check=True)
    environment = {
        "LOCPATH": str(made.parent),
        "LC_ALL": locale,
        "LANG": locale,
        "LANGUAGE": "",
        "HOME": str(home),
    }
    with replace(stage, folder=home).scene(environment=environment, begins=begins) as scene:
        scene.well_again(begins=begins)


# Makes one function of the program raise while a file names it. Python imports it before the program.
SABOTAGE = """
import importlib, os, pathlib
flag = pathlib.Path(os.environ["SABOTAGE"])
def spoil(module, holder, name):
    found = importlib.import_module(module)
    found = getattr(found, holder) if holder else found
    real = getattr(found, name)
    def spoilt(*given, **named):
        if flag.read_text() == name:
            raise RuntimeError("spoilt " + name)
        return real(*given, **named)
    setattr(found, name, spoilt)
spoil("sparktray.control.reading", "", "read_containers")
spoil("sparktray.control.reading", "", "probe")
spoil("sparktray.control.following.streams", "", "docker_event")
"""
MISTAKE = "sparktray itself made a mistake: RuntimeError."


@pytest.mark.fault("C8")
@pytest.mark.parametrize("where", ["read_containers", "probe", "docker_event"])
def test_a_mistake_of_the_programs_own(stage: Stage, where: str) -> None:
    """In a worker: said as such, traced on stderr, the rest works, and afterwards all is well again."""
    folder = stage.folder / "sabotage"
    folder.mkdir()
    flag = folder / "flag"
    flag.touch()
    (folder / "sitecustomize.py").write_text(SABOTAGE, encoding="utf-8")
    environment = {"PYTHONPATH": str(folder), "SABOTAGE": str(flag)}
    with stage.scene(environment=environment, silent=False) as scene:
        flag.write_text(where, encoding="ascii")
        # Something happens that makes it look.
        stage.rig.docker("run", "-d", "--name", "other", "--entrypoint", "sleep", "ollama/ollama", "600")
        stage.rig.docker("kill", "other")
        scene.shows(MISTAKE)
        assert f"RuntimeError: spoilt {where}" in scene.running.said
        assert scene.item.row("Open sparktray…").enabled
        flag.write_text("", encoding="ascii")
        scene.well_again()
        stage.rig.docker("kill", "sglang")
        assert scene.shows(IDLE) < scaled(5.0)


def _logged_in(scene: Scene, times: int) -> bool:
    return scene.logins() == times


@pytest.mark.fault("C9")
def test_hardly_any_files_may_be_open(stage: Stage) -> None:
    """64 of them: thirty connections are lost and made anew, and none is left over."""
    with stage.scene(within=("prlimit", "--nofile=64:64")) as scene:
        for number in range(1, 31):
            scene.server.drop_sessions()
            wait_until(partial(_logged_in, scene, number + 1), "another login", seconds=30)
            wait_until(lambda: scene.pulse.said.startswith(READY), "ready", seconds=30)
        scene.well_again()
        held = len(list(Path(f"/proc/{scene.running.process.pid}/fd").iterdir()))
        assert held < 64
