"""A host whose user may use Docker only through sudo."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.rig.driving import Program, quicken
from tests.rig.namespace import put_in_front
from tests.rig.people import NODOCKER
from tests.rig.rig import Rig

QWEN = "qwen3-32b-nvfp4"
FREELY = f"{NODOCKER.name} ALL=(root) NOPASSWD: ALL\n"
ASKING = f"{NODOCKER.name} ALL=(root) ALL\n"


@pytest.fixture(scope="module")
def sudoers() -> Path:
    """Who may do what, in front of the machine's own file."""
    return put_in_front(Path("/etc/sudoers"), "", mode=0o440)


@pytest.fixture
def program(rig: Rig, sudoers: Path, tmp_path: Path) -> Iterator[Program]:
    quicken(rig)
    sudoers.write_text(FREELY, encoding="utf-8")
    made = Program(tmp_path / "config")
    made.add(rig, "spark", rig.sshd(user=NODOCKER.name), "--sudo")
    yield made
    sudoers.write_text("", encoding="utf-8")


@pytest.mark.fault("S16")
def test_with_sudo_everything_works(rig: Rig, program: Program) -> None:
    """Reading, switching, stopping, logs; and what is shown to be typed is what a person would type."""
    assert "No model is running on spark." in program.ok("status")
    planned = program.ok("switch", QWEN, "--dry-run")
    assert "sudo docker run" in planned and "sudo sudo" not in planned
    program.ok("switch", QWEN)
    assert rig.state("sglang-main") == "running"
    assert program.json("status")["servers"]
    assert program.ok("logs", "sglang-main")
    assert "sglang-main" in program.ok("monitor")
    program.ok("stop")
    assert rig.state("sglang-main") != "running"
    (stopped, *_) = program.json("journal", "--last", "1")["operations"]
    assert any((step["command"] or "").startswith("sudo docker stop") for step in stopped["steps"])


@pytest.mark.fault("S16")
def test_a_sudo_that_asks_for_a_password_is_told_and_never_answered(program: Program, sudoers: Path) -> None:
    """Non-interactive only: what to do is said, and the staged check says at which step it ended."""
    sudoers.write_text(ASKING, encoding="utf-8")
    told = program.refused(3, "status")
    assert told["code"] == "sudo-password" and "usermod -aG docker" in told["remedy"]
    checked = program.run("host", "test", "spark")
    assert checked.returncode != 0 and "sudo asks for a password" in checked.stdout + checked.stderr
    program.ok("host", "add", "spark", "--no-sudo")
    assert program.refused(3, "status")["code"] == "docker-forbidden"
