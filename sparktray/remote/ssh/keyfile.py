"""What can be said about a private key file before anything is sent: there, private, a key at all."""

import base64
import binascii
import os
import re
import stat
from dataclasses import dataclass, field

import msgspec

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
# A line of a .pub file; "ssh-" also begins the names of keys in security tokens.
_PUBLIC = re.compile(rb"\s*(?:ssh-|ecdsa-sha2-|sk-)[a-z0-9@.-]+ AAAA")
_FIRST_LINE = 128


class KeyFile(msgspec.Struct, frozen=True):
    """A private key file that may be used: its full path, and what can be read without a passphrase.

    ``public`` is the public half as SSH sends it, None in formats that hide it.
    """

    path: str
    encrypted: bool
    public: bytes | None


def check_key_file(path: str | None) -> KeyFile:
    """Look at a key file. Raises KeyFileUnusable with its reason.

    Blocks on a slow disk, so not on the main thread; a pipe in its place does not block it.
    """
    if path is None:
        raise KeyFileUnusable(key_file="", reason="none-configured")
    full = os.path.expanduser(path)
    try:
        found = os.open(full, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
        with open(found, "rb") as file:
            about = os.fstat(file.fileno())
            text = file.read(_MAX_BYTES) if stat.S_ISREG(about.st_mode) else b""
    except FileNotFoundError:
        raise KeyFileUnusable(key_file=path, reason="missing") from None
    except (OSError, ValueError) as error:
        raise KeyFileUnusable(key_file=path, reason="unreadable", error=str(error)) from None
    if _PUBLIC.match(text):
        raise KeyFileUnusable(key_file=path, reason="public-key")
    if os.name == "posix":
        # OpenSSH ignores such a key with "UNPROTECTED PRIVATE KEY FILE"; paramiko would use it.
        if about.st_uid not in (0, os.getuid()):
            raise KeyFileUnusable(key_file=path, reason="unsafe-owner")
        if (mode := stat.S_IMODE(about.st_mode)) & 0o077:
            raise KeyFileUnusable(key_file=path, reason="unsafe-mode", mode=f"{mode:04o}")
    return _judged(full, path, text)


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


def _judged(full: str, path: str, text: bytes) -> KeyFile:
    unknown = KeyFileUnusable(key_file=path, reason="unknown-format")
    if b"-----BEGIN " not in text or b"PRIVATE KEY-----" not in text:
        raise unknown
    if b"BEGIN OPENSSH PRIVATE KEY" not in text:
        hidden = b"BEGIN ENCRYPTED PRIVATE KEY" in text or b"Proc-Type: 4,ENCRYPTED" in text
        return KeyFile(full, hidden, None)
    body = b"".join(line.strip() for line in text.splitlines() if not line.startswith(b"-----"))
    try:
        raw = base64.b64decode(body, validate=True)
    except binascii.Error:
        raise unknown from None
    if not raw.startswith(_OPENSSH_MAGIC):
        raise unknown
    # Cipher, its key derivation and options, the number of keys, the public half (OpenSSH PROTOCOL.key).
    cipher, rest = _string(raw[len(_OPENSSH_MAGIC) :])
    for _ in range(2):
        _, rest = _string(rest)
    public, _ = _string(rest[4:])
    return KeyFile(full, cipher != b"none", public)


def _string(raw: bytes) -> tuple[bytes, bytes]:
    """The first string of SSH's encoding, with its 4-byte length, and the rest."""
    length = int.from_bytes(raw[:4], "big")
    return raw[4 : 4 + length], raw[4 + length :]


@dataclass(frozen=True, slots=True)
class FreshKey:
    """A key pair that was just made: the private half as a file holds it, the public half as one line."""

    private: bytes = field(repr=False)
    public: str


def fresh_key(comment: str) -> FreshKey:
    """A new ed25519 key without a passphrase. paramiko can read such keys and not make them."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import (
        Encoding,
        NoEncryption,
        PrivateFormat,
        PublicFormat,
    )

    key = Ed25519PrivateKey.generate()
    public = key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()
    private = key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption())
    return FreshKey(private, f"{public} {comment}")
