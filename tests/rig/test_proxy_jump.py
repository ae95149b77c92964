"""A host behind another one, as ProxyJump of the person's own SSH configuration has it."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from sparktray.domain.host import HostProfile
from sparktray.store.hosts import HostsFile
from sparktray.store.paths import ConfigFolder
from tests.rig.driving import Program, quicken
from tests.rig.rig import Rig
from tests.rig.sshd import Sshd, host_key
from tests.waiting import scaled, wait_until

QWEN = "qwen3-32b-nvfp4"
BEHIND = "127.0.0.9"


class Person:
    """Who has an SSH configuration that leads over another host."""

    def __init__(self, folder: Path, rig: Rig) -> None:
        self.home = folder / "home"
        self.ssh = self.home / ".ssh"
        self.ssh.mkdir(parents=True, mode=0o700)
        self.gate = rig.sshd({"LogLevel": "DEBUG1"})
        self.spark = rig.sshd(address=BEHIND)
        self.program = Program(folder / "config")
        lines = (
            "Host inner",
            f"    HostName {BEHIND}",
            f"    Port {self.spark.port}",
            f"    User {self.spark.user}",
            f"    IdentityFile {self.spark.client_key}",
            "    ProxyJump gate",
            "Host gate",
            f"    HostName {self.gate.address}",
            f"    Port {self.gate.port}",
            f"    User {self.gate.user}",
            f"    IdentityFile {self.gate.client_key}",
        )
        (self.ssh / "config").write_text("\n".join(lines) + "\n", encoding="utf-8")
        host = HostProfile("spark", "inner", fingerprint=self.spark.fingerprint)
        HostsFile(ConfigFolder(self.program.config)).add(host)

    def knows(self, server: Sshd, key: str = "main") -> None:
        public = host_key(key, "ed25519").with_suffix(".pub").read_text(encoding="utf-8")
        known = self.ssh / "known_hosts"
        known.write_text(f"[{server.address}]:{server.port} {public}", encoding="utf-8")

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        return self.program.run(*words, environment={**os.environ, "HOME": str(self.home)})


@pytest.fixture
def person(rig: Rig, tmp_path: Path) -> Person:
    quicken(rig)
    return Person(tmp_path, rig)


def test_everything_goes_over_the_host_on_the_way(rig: Rig, person: Person) -> None:
    person.knows(person.gate)
    done = person.run("switch", QWEN)
    assert done.returncode == 0, done.stderr
    assert rig.state("sglang-main") == "running"
    assert person.gate.log().count("Accepted publickey") == 1
    assert "server_request_direct_tcpip" in person.gate.log()
    told = person.run("status")
    assert told.returncode == 0 and f"{QWEN} is ready" in told.stdout
    wait_until(lambda: not person.gate.session_pids(), "the connection on the way to end", seconds=10)


def test_a_host_on_the_way_that_is_not_known_is_refused_and_named(person: Person) -> None:
    done = person.run("status")
    assert done.returncode == 5
    assert f"On the way, at {person.gate.address}" in done.stderr
    assert "Accepted" not in person.gate.log()


def test_another_key_on_the_way_is_refused(person: Person) -> None:
    person.knows(person.gate, key="other")
    done = person.run("status", "--json")
    assert done.returncode == 5 and "host-key-changed" in done.stderr


def test_a_host_that_does_not_answer_behind_it(person: Person) -> None:
    person.knows(person.gate)
    person.spark.stop()
    done = person.run("status", "--json")
    assert done.returncode == 3 and "port-closed" in done.stderr, done.stderr


def test_a_lost_way_is_a_lost_link(rig: Rig, person: Person) -> None:
    """The program notices at once, and ends neither late nor with a trace."""
    person.knows(person.gate)
    rig.start_sglang()
    following = subprocess.Popen(
        person.program.argv("status", "--watch"),
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        env={**person.program.environment, "HOME": str(person.home)},
    )  # fmt: skip
    try:
        assert following.stdout is not None
        lines = iter(following.stdout.readline, "")
        assert any("ready" in line for line in lines)
        person.gate.drop_sessions()
        assert any("lost" in line for line in lines)
        assert any("ready" in line for line in lines)
    finally:
        following.terminate()
        following.communicate(timeout=scaled(10))
