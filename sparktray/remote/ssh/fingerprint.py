"""Fingerprints of public keys."""

import base64
import binascii
import hashlib
from typing import Protocol


class _Key(Protocol):
    def asbytes(self) -> bytes: ...


def fingerprint_of(key: _Key) -> str:
    """As OpenSSH prints it: SHA256 in base64 without padding."""
    return fingerprint_of_bytes(key.asbytes())


def fingerprint_of_bytes(blob: bytes) -> str:
    """The same for a public key as SSH sends it."""
    return "SHA256:" + base64.b64encode(hashlib.sha256(blob).digest()).decode().rstrip("=")


def fingerprint_of_line(line: str) -> str | None:
    """The fingerprint of a line of a .pub file ("ssh-ed25519 AAAA... comment"); None when it is none."""
    words = line.split()
    if len(words) < 2:
        return None
    try:
        blob = binascii.a2b_base64(words[1], strict_mode=True)
    except (binascii.Error, ValueError):
        return None
    name = words[0].encode()
    return fingerprint_of_bytes(blob) if blob.startswith(len(name).to_bytes(4, "big") + name) else None
