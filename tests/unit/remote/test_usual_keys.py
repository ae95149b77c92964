"""Which private keys are offered without being asked for."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from sparktray.remote.ssh.keyfile import usual_key_files

PRIVATE = "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n"


def test_private_keys_only_and_the_usual_names_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert usual_key_files() == ()
    folder = tmp_path / ".ssh"
    folder.mkdir()
    for name in ("aaa", "id_rsa", "id_ed25519"):
        (folder / name).write_text(PRIVATE)
    (folder / "old.pem").write_text("-----BEGIN RSA PRIVATE KEY-----\n")
    (folder / "id_ed25519.pub").write_text("ssh-ed25519 AAAA me")
    (folder / "config").write_text("Host *\n")
    (folder / "known_hosts").write_bytes(b"\xff\xfe")
    (folder / "folder").mkdir()
    os.mkfifo(folder / "pipe")  # opening it would wait for ever
    (folder / "dangling").symlink_to(folder / "gone")
    expected = tuple(f"~/.ssh/{name}" for name in ("id_ed25519", "id_rsa", "aaa", "old.pem"))
    assert usual_key_files() == expected
    of_sync = tmp_path / ".config/NVIDIA/Sync/config"
    of_sync.mkdir(parents=True)
    (of_sync / "nvsync.key").write_text(PRIVATE)
    assert usual_key_files() == (*expected, "~/.config/NVIDIA/Sync/config/nvsync.key")
