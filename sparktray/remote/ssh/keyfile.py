"""What can be said about a private key file before anything is sent: there, private, not encrypted."""

import base64
import binascii
import os
import re
import stat

from sparktray.remote.errors import KeyFileUnusable

_OPENSSH_MAGIC = b"openssh-key-v1\0"
# The largest real key (RSA 16384, OpenSSH format) is under 13 kB.
_MAX_BYTES = 64 * 1024
_FOLDER = "~/.ssh"
# What ssh(1) tries by itself, the better ones first.
_OWN_NAMES = ("id_ed25519", "id_ecdsa", "id_rsa")
# Where NVIDIA Sync keeps the key that it has installed on a Spark, on Windows, macOS and Linux.
_OF_SYNC = (
    r"%LOCALAPPDATA%\NVIDIA Corporation\Sync\config\nvsync.key",
    "~/Library/Application Support/NVIDIA/Sync/config/nvsync.key",
    "~/.config/NVIDIA/Sync/config/nvsync.key",
)
_PRIVATE = re.compile(rb"\s*-----BEGIN [A-Z ]*PRIVATE KEY-----")
_FIRST_LINE = 128


def check_key_file(path: str | None) -> str:
    """The expanded path of a usable key file. Raises KeyFileUnusable with its reason."""
    if path is None:
        raise KeyFileUnusable(key_file="", reason="none-configured")
    full = os.path.expanduser(path)
    try:
        with open(full, "rb") as file:
            mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
            text = file.read(_MAX_BYTES)
    except FileNotFoundError:
        raise KeyFileUnusable(key_file=path, reason="missing") from None
    except OSError as error:
        raise KeyFileUnusable(key_file=path, reason="unreadable", error=error.strerror or "") from None
    # OpenSSH ignores such a key with "UNPROTECTED PRIVATE KEY FILE"; paramiko would use it.
    if os.name == "posix" and mode & 0o077:
        raise KeyFileUnusable(key_file=path, reason="unsafe-mode", mode=f"{mode:04o}")
    if reason := _unusable(text):
        raise KeyFileUnusable(key_file=path, reason=reason)
    return full


def usual_key_files() -> tuple[str, ...]:
    """The private keys in ~/.ssh, those of OpenSSH's own names first, and the one NVIDIA Sync made.

    Reads the beginning of every file there; a folder that may not be read counts as empty.
    """
    try:
        names = sorted(os.listdir(os.path.expanduser(_FOLDER)), key=lambda name: (_rank(name), name))
    except OSError:
        names = []
    paths = [*(f"{_FOLDER}/{name}" for name in names), *map(os.path.expandvars, _OF_SYNC)]
    return tuple(path for path in paths if _begins_as_key(os.path.expanduser(path)))


def _rank(name: str) -> int:
    return _OWN_NAMES.index(name) if name in _OWN_NAMES else len(_OWN_NAMES)


def _begins_as_key(path: str) -> bool:
    try:
        if not os.path.isfile(path):
            return False  # ~/.ssh also holds the sockets of shared connections; opening a pipe would block
        with open(path, "rb") as file:
            return _PRIVATE.match(file.read(_FIRST_LINE)) is not None
    except OSError:
        return False


def _unusable(text: bytes) -> str | None:
    if b"-----BEGIN " not in text or b"PRIVATE KEY-----" not in text:
        return "unknown-format"
    if b"BEGIN ENCRYPTED PRIVATE KEY" in text or b"Proc-Type: 4,ENCRYPTED" in text:
        return "encrypted"
    if b"BEGIN OPENSSH PRIVATE KEY" not in text:
        return None
    lines = [line.strip() for line in text.splitlines()]
    body = b"".join(line for line in lines if not line.startswith(b"-----"))
    try:
        raw = base64.b64decode(body, validate=True)
    except binascii.Error:
        return "unknown-format"
    if not raw.startswith(_OPENSSH_MAGIC):
        return "unknown-format"
    # After the magic: the cipher's name as a string with a 4-byte length (OpenSSH PROTOCOL.key).
    start = len(_OPENSSH_MAGIC)
    length = int.from_bytes(raw[start : start + 4], "big")
    return None if raw[start + 4 : start + 4 + length] == b"none" else "encrypted"
