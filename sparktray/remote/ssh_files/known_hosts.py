"""Which host keys the user's known_hosts vouch for, judged line by line as OpenSSH does.

paramiko's own reader fails on the whole file for one marked line, and knows neither wildcards nor the look
without the port (measured with paramiko 5.1).
"""

import base64
import binascii
import hashlib
import hmac
import os
from collections.abc import Sequence

import msgspec

from sparktray.remote.ssh_files.patterns import host_listed, lowered
from sparktray.remote.ssh_files.reading import Files, LeftOut, Person, Reason, numbered_lines, usable

_BLANK = " \t\r"
_SALT_BYTES = hashlib.sha1(usedforsecurity=False).digest_size
_REVOKED = "@revoked"
_AUTHORITY = "@cert-authority"


class KnownKey(msgspec.Struct, frozen=True):
    """A host key: its type ("ssh-ed25519"), fingerprint ("SHA256:...") and its bytes as SSH sends them."""

    key_type: str
    fingerprint: str
    blob: bytes


class KnownHosts(msgspec.Struct, frozen=True):
    """What the files say of one host. No key is both ``trusted`` and ``revoked``; a revoked one is refused.

    ``left_out`` holds, among the lines that could not be read, certificate authorities that would vouch for
    this host: sparktray does not ask them.
    """

    trusted: tuple[KnownKey, ...]
    revoked: tuple[KnownKey, ...]
    left_out: tuple[LeftOut, ...]


class _Found(msgspec.Struct, frozen=True):
    plain: list[KnownKey]
    revoked: list[KnownKey]


def read_known_hosts(
    person: Person, files: Files, address: str, port: int = 22, *, alias: str | None = None
) -> KnownHosts:
    """What the user's and the system's files vouch for at an address and port.

    ``alias`` (HostKeyAlias) takes the place of both. A host at an odd port that no line names with its port
    is looked for without it, as OpenSSH does. Raises nothing. Not in the interface's thread, unless ``files``
    holds them in memory.
    """
    name = lowered(address)
    if alias is not None:
        names = [lowered(alias)]
    elif port != 22:
        names = [f"[{name}]:{port}", name]
    else:
        names = [name]
    left_out: list[LeftOut] = []
    found = {name: _Found([], []) for name in names}
    for path in _paths(person):
        data = usable(path, files, left_out)
        if data is not None:
            _search(path, data, found, left_out)
    vouched = next((of_name.plain for of_name in found.values() if of_name.plain), [])
    revoked = _each_once([key for of_name in found.values() for key in of_name.revoked])
    trusted = [key for key in _each_once(vouched) if key not in revoked]
    return KnownHosts(tuple(trusted), tuple(revoked), tuple(left_out))


def _paths(person: Person) -> Sequence[str]:
    """The files of ssh_config(5) UserKnownHostsFile and GlobalKnownHostsFile, where nobody named others."""
    if os.name == "nt":
        system = person.environment.get("PROGRAMDATA", r"C:\ProgramData") + "/ssh"
    else:
        system = "/etc/ssh"
    own = f"{person.home}/.ssh"
    return (
        f"{own}/known_hosts",
        f"{own}/known_hosts2",
        f"{system}/ssh_known_hosts",
        f"{system}/ssh_known_hosts2",
    )


def _search(path: str, data: bytes, found: dict[str, _Found], left_out: list[LeftOut]) -> None:
    for number, text in numbered_lines(path, data, left_out):
        line = text.strip(_BLANK)
        if not line or line.startswith("#"):
            continue
        marker, names, rest = _split(line)
        ours = [of_name for name, of_name in found.items() if _names(names, name)]
        if not ours:
            continue
        key = _key(rest)
        if key is None or marker not in ("", _REVOKED, _AUTHORITY):
            left_out.append(LeftOut(path, number, Reason.BAD_LINE))
        elif marker == _AUTHORITY:
            left_out.append(LeftOut(path, number, Reason.CERT_AUTHORITY))
        else:
            for of_name in ours:
                (of_name.revoked if marker else of_name.plain).append(key)


def _split(line: str) -> tuple[str, str, str]:
    """Marker ("" for none, an unknown one as it stands), list of names, and the key."""
    first, _, rest = line.replace("\t", " ").partition(" ")
    if not first.startswith("@"):
        return "", first, rest.lstrip(" ")
    names, _, key = rest.lstrip(" ").partition(" ")
    return first, names, key.lstrip(" ")


def _names(names: str, name: str) -> bool:
    """True when a line's first field means this name: a list of patterns, or one hash of one name."""
    if not names.startswith("|"):
        return host_listed(name, names)
    # |1|salt|HMAC-SHA1 of the name, both in base64 (sshd(8) SSH_KNOWN_HOSTS FILE FORMAT).
    magic, _, encoded = names[1:].partition("|")
    salt_text, _, hash_text = encoded.partition("|")
    salt = _decoded(salt_text)
    if magic != "1" or salt is None or len(salt) != _SALT_BYTES:
        return False
    own = hmac.new(salt, name.encode("utf-8", "surrogateescape"), hashlib.sha1).digest()
    return _decoded(hash_text) == own


def _key(text: str) -> KnownKey | None:
    """A key's type and base64; a comment may follow. The type is the one inside the key (RFC 4253 6.6)."""
    name, _, rest = text.partition(" ")
    blob = _decoded(rest.lstrip(" ").partition(" ")[0])
    key_type = name.encode("utf-8", "surrogateescape")
    if not key_type or not blob or not blob.startswith(len(key_type).to_bytes(4, "big") + key_type):
        return None
    digest = base64.b64encode(hashlib.sha256(blob).digest()).decode().rstrip("=")
    return KnownKey(name, f"SHA256:{digest}", blob)


def _decoded(text: str) -> bytes | None:
    try:
        return binascii.a2b_base64(text, strict_mode=True)
    except ValueError:
        return None


def _each_once(keys: Sequence[KnownKey]) -> list[KnownKey]:
    return list(dict.fromkeys(keys))
