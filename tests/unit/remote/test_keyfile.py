"""A private key file is judged before anything is sent."""

from __future__ import annotations

import base64
import os
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa

from sparktray.remote.errors import KeyFileUnusable
from sparktray.remote.ssh.fingerprint import fingerprint_of_bytes, fingerprint_of_line
from sparktray.remote.ssh.keyfile import check_key_file

PRIVATE = serialization.PrivateFormat
PASSPHRASE = serialization.BestAvailableEncryption(b"secret")
PLAIN = serialization.NoEncryption()


def written(folder: Path, text: bytes, mode: int = 0o600) -> str:
    path = folder / "key"
    path.write_bytes(text)
    path.chmod(mode)
    return str(path)


def reason(path: str | None) -> str:
    with pytest.raises(KeyFileUnusable) as caught:
        check_key_file(path)
    return caught.value.details["reason"]


@pytest.mark.parametrize("form", [PRIVATE.OpenSSH, PRIVATE.PKCS8])
def test_a_plain_key_is_usable_and_an_encrypted_one_is_told(
    tmp_path: Path, form: serialization.PrivateFormat
) -> None:
    key = ed25519.Ed25519PrivateKey.generate()
    path = written(tmp_path, key.private_bytes(serialization.Encoding.PEM, form, PLAIN))
    assert check_key_file(path).path == path
    assert not check_key_file(path).encrypted
    locked = key.private_bytes(serialization.Encoding.PEM, form, PASSPHRASE)
    assert check_key_file(written(tmp_path, locked)).encrypted


def test_an_old_pem_key(tmp_path: Path) -> None:
    key = rsa.generate_private_key(65537, 2048)
    form = PRIVATE.TraditionalOpenSSL
    path = written(tmp_path, key.private_bytes(serialization.Encoding.PEM, form, PLAIN))
    assert check_key_file(path).path == path
    assert not check_key_file(path).encrypted
    locked = key.private_bytes(serialization.Encoding.PEM, form, PASSPHRASE)
    assert check_key_file(written(tmp_path, locked)).encrypted


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"PuTTY-User-Key-File-3: ssh-ed25519\n",
        b"-----BEGIN OPENSSH PRIVATE KEY-----\n%%%\n-----END OPENSSH PRIVATE KEY-----\n",
        b"-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n",
        b"\0" * 100_000,
    ],
)
def test_what_is_no_key(tmp_path: Path, text: bytes) -> None:
    assert reason(written(tmp_path, text)) == "unknown-format"


def test_the_public_half_is_not_the_key(tmp_path: Path) -> None:
    for line in (b"ssh-ed25519 AAAAC3 someone", b"ecdsa-sha2-nistp256 AAAAE2 x", b"ssh-rsa AAAAB3"):
        assert reason(written(tmp_path, line)) == "public-key"


def test_the_public_half_is_read_without_the_passphrase(tmp_path: Path) -> None:
    key = ed25519.Ed25519PrivateKey.generate()
    locked = key.private_bytes(serialization.Encoding.PEM, PRIVATE.OpenSSH, PASSPHRASE)
    line = key.public_key().public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)
    assert check_key_file(written(tmp_path, locked)).public == base64.b64decode(line.split()[1])
    assert fingerprint_of_line(line.decode()) == fingerprint_of_bytes(base64.b64decode(line.split()[1]))


def test_none_missing_and_unreadable(tmp_path: Path) -> None:
    assert reason(None) == "none-configured"
    assert reason(str(tmp_path / "nowhere")) == "missing"
    if os.name == "posix":
        assert reason(str(tmp_path)) == "unreadable"


if os.name == "posix":

    def test_a_pipe_does_not_block(tmp_path: Path) -> None:
        os.mkfifo(tmp_path / "pipe", 0o600)
        assert reason(str(tmp_path / "pipe")) == "unknown-format"

    @pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o610])
    def test_a_key_others_could_read(tmp_path: Path, mode: int) -> None:
        path = written(tmp_path, b"any", mode)
        with pytest.raises(KeyFileUnusable) as caught:
            check_key_file(path)
        assert caught.value.details == {"key_file": path, "reason": "unsafe-mode", "mode": f"{mode:04o}"}


def test_the_home_folder_is_expanded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    key = ed25519.Ed25519PrivateKey.generate()
    path = written(tmp_path, key.private_bytes(serialization.Encoding.PEM, PRIVATE.OpenSSH, PLAIN))
    assert Path(check_key_file("~/key").path) == Path(path)
