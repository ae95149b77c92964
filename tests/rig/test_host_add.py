"""`host add` at a terminal: the host key is shown and judged before anything is sent."""

from __future__ import annotations

import os
import pty
import subprocess
from pathlib import Path

import pytest

from sparktray.store.hosts import HostsFile
from sparktray.store.paths import ConfigFolder
from tests.rig.driving import Program
from tests.rig.rig import Rig
from tests.waiting import scaled


@pytest.mark.parametrize("answer", ["y", "", "n"])
def test_only_a_yes_accepts_the_key(rig: Rig, tmp_path: Path, answer: str) -> None:
    server = rig.sshd({"LogLevel": "DEBUG2"})
    program = Program(tmp_path / "config")
    words = ("host", "add", "spark", "--address", server.address, "--port", str(server.port))
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        program.argv(*words, "--user", server.user, "--key", str(server.client_key)),
        stdin=theirs, stdout=theirs, stderr=theirs, env=program.environment,
    )  # fmt: skip
    os.close(theirs)
    shown = b""
    try:
        while b"[y/N]" not in shown:
            shown += os.read(ours, 4096)
        os.write(ours, answer.encode() + b"\n")
        assert process.wait(scaled(20)) == 0
    finally:
        process.kill()
        process.wait()
        os.close(ours)
    text = shown.decode()
    assert f"spark shows this host key: {server.fingerprint} (ssh-ed25519)" in text
    assert "ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub" in text
    saved = HostsFile(ConfigFolder(program.config)).load().get()
    assert saved is not None
    assert saved.fingerprint == (server.fingerprint if answer == "y" else None)
    assert "userauth-request" not in server.log()
