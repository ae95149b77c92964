"""Wipes that could hit the wrong thing or the wrong person, row by row of the fault matrix."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from tests.rig.driving import Program
from tests.rig.rig import Rig
from tests.rig.webui.api import Api
from tests.rig.webui.container import NAME, PUBLISHED, VOLUME, Container
from tests.rig.webui.image import FOLDER, IMAGE, PORT
from tests.rig.webui.people import Furnished

Property = Callable[[str, object], None]


@pytest.fixture
def program(webui_rig: Rig, tmp_path: Path) -> Program:
    made = Program(tmp_path / "config")
    made.add(webui_rig)
    return made


def stopped(container: Container, furnished: Furnished) -> None:
    """Open WebUI with what the two people have, not running."""
    container.fill(furnished.folder)
    words = ("-p", f"{PUBLISHED}:{PORT}", "-v", f"{VOLUME}:{FOLDER}", "--name", NAME)
    container.rig.docker("create", *words, IMAGE)


@pytest.mark.fault("W1")
@pytest.mark.parametrize("scope", ["--all-chats", "--everything"])
def test_a_volume_that_another_container_uses(
    program: Program, container: Container, furnished: Furnished, scope: str, record_property: Property
) -> None:
    """Refused by the other one's name, before anything is stopped, copied or deleted."""
    stopped(container, furnished)
    rig = container.rig
    sleeps = ("--entrypoint", "sleep", "ollama/ollama", "600")
    rig.docker("run", "-d", "--name", "reader", "-v", f"{VOLUME}:/x", *sleeps)
    before = container.rows(), container.files(".")
    told = program.refused(1, "webui", "wipe", scope, "--yes")
    assert told["code"] == "webui-shared" and "reader" in told["message"]
    assert (container.rows(), container.files(".")) == before
    assert rig.state("reader") == "running" and "sparktray-archive" not in rig.docker("volume", "ls", "-q")
    record_property("lost", "none")


@pytest.mark.fault("W5")
def test_two_hosts_are_told_apart(program: Program, container: Container, furnished: Furnished) -> None:
    """What is asked names the host and the end of its key's fingerprint."""
    stopped(container, furnished)
    attic = container.rig.sshd(host_key_name="other")
    program.add(container.rig, "attic", attic)
    tails = set()
    for name, server in (("spark", container.rig.server), ("attic", attic)):
        shown = program.ok("--host", name, "webui", "wipe", "--everything", "--dry-run")
        tail = shown.partition(f"Host {name}, host key …")[2].split()[0]
        assert len(tail) >= 4 and server.fingerprint.endswith(tail)
        tails.add(tail)
    assert len(tails) == 2


@pytest.mark.fault("W7")
def test_who_emptied_it_comes_first(program: Program, webui: Container, tmp_path: Path) -> None:
    """Whoever signs up first becomes administrator: said before and after, and the page is opened at once."""
    browser, opened = tmp_path / "browser", tmp_path / "opened"
    browser.write_text(f'#!/bin/sh\necho "$1" > {opened}\n', encoding="ascii")
    browser.chmod(0o755)
    before = program.ok("webui", "wipe", "--everything", "--dry-run")
    assert "Whoever opens it first afterwards becomes its administrator." in before
    done = program.run("webui", "wipe", "--everything", "--yes", environment={"BROWSER": f"{browser} %s"})
    assert done.returncode == 0, done.stderr
    assert "Nobody has an account: whoever signs up first is its administrator." in done.stdout
    url = opened.read_text(encoding="ascii").strip()
    with closing(Api(url.rstrip("/"))) as nobody:
        assert nobody.get("/api/config")["onboarding"] is True
