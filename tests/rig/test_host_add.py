"""`host add` at a terminal: the host key is shown and judged before anything is sent."""

from __future__ import annotations

import os
import pty
import subprocess
from pathlib import Path

import pytest

from sparktray.store.hosts import HostsFile
from sparktray.store.paths import ConfigFolder
from tests.rig.driving import Program, profile
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


@pytest.mark.parametrize("typed", ["spark", "yes", ""])
def test_a_changed_key_is_forgotten_only_by_the_name_of_the_host(
    rig: Rig, tmp_path: Path, typed: str
) -> None:
    server = rig.sshd({"LogLevel": "DEBUG2"})
    program = Program(tmp_path / "config")
    pinned = "SHA256:" + "A" * 43
    HostsFile(ConfigFolder(program.config)).add(profile(rig, server, fingerprint=pinned))
    refused = subprocess.run(
        program.argv("status"), capture_output=True, text=True, check=False, env=program.environment
    )
    assert refused.returncode == 5
    assert pinned in refused.stderr
    assert server.fingerprint in refused.stderr
    assert "host forget-key spark" in refused.stderr
    script = subprocess.run(
        program.argv("host", "forget-key", "spark"), stdin=subprocess.DEVNULL, check=False,
        env=program.environment, capture_output=True,
    )  # fmt: skip
    assert script.returncode == 2
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        program.argv("host", "forget-key", "spark"),
        stdin=theirs, stdout=theirs, stderr=theirs, env=program.environment,
    )  # fmt: skip
    os.close(theirs)
    shown = b""
    try:
        while b"the name of the host:" not in shown:
            shown += os.read(ours, 4096)
        os.write(ours, typed.encode() + b"\n")
        assert process.wait(scaled(20)) == (0 if typed == "spark" else 130)
    finally:
        process.kill()
        process.wait()
        os.close(ours)
    assert pinned in shown.decode()
    assert server.fingerprint in shown.decode()
    saved = HostsFile(ConfigFolder(program.config)).load().get()
    assert saved is not None
    assert saved.fingerprint == (None if typed == "spark" else pinned)
    assert "userauth-request" not in server.log()
