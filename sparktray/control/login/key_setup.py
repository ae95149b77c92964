"""A key of its own for this computer: made here, brought to the host by a password that is used once."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable

from msgspec.structs import replace

from sparktray.domain.host import HostProfile, Login
from sparktray.domain.text import clean_name
from sparktray.remote.contract import Remote
from sparktray.remote.errors import CommandFailed, KeyNotAccepted, LoginProblem
from sparktray.remote.ssh.keyfile import fresh_key
from sparktray.store.atomic import write_file
from sparktray.store.paths import ConfigFolder

_ACCEPTED = ".ssh/authorized_keys"
_SECONDS = 15.0
# Far more keys than anybody has; what is longer is no list of keys.
_LONGEST = 4 * 1024 * 1024

Dial = Callable[[HostProfile], Remote]


def set_up_key(host: HostProfile, folder: ConfigFolder, by_password: Dial, by_key: Dial) -> HostProfile:
    """Make a key, have the host accept it, log in with it; the profile that does so from now on.

    ``by_password`` may ask a person, ``by_key`` must not. Blocks. Raises RemoteError and StoreError; then
    no key file is left behind, and an accepted public half opens nothing any more.
    """
    key = fresh_key(f"sparktray {host.name} on {clean_name(socket.gethostname())}")
    # A name of its own: the key that the host may have by now must outlive an attempt that fails.
    path = folder.made("keys") / f"{host.name}-{os.urandom(4).hex()}"
    write_file(path, key.private)
    keyed = replace(host, login=Login.KEY, key_file=str(path), agent_key=None)
    try:
        # As the person, not as root: sudo would make root own the folder.
        remote = by_password(replace(host, login=Login.PASSWORD, sudo=False))
        try:
            accept(remote, key.public)
        finally:
            remote.close()
        try:
            by_key(keyed).close()
        except LoginProblem:
            raise KeyNotAccepted(user=host.user or "") from None
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    return keyed


def accept(remote: Remote, line: str) -> None:
    """Have the host accept this public key, by what sshd reads in the person's home. Twice is once.

    A list that ends in mid-line, as editors leave them, gets its line end first. Raises RemoteError.
    """
    _done(remote, "mkdir", "-p", "-m", "700", ".ssh")
    read = remote.run(["cat", "--", _ACCEPTED], deadline=_SECONDS, cap=_LONGEST)
    known = read.stdout.decode(errors="replace")
    if line in known.splitlines():
        return
    gap = "\n" if known and not known.endswith("\n") else ""
    _done(remote, "tee", "-a", "--", _ACCEPTED, stdin=f"{gap}{line}\n".encode())
    # sshd's StrictModes takes no list that others could write to.
    _done(remote, "chmod", "go-w", "--", ".ssh", _ACCEPTED)


def _done(remote: Remote, *argv: str, stdin: bytes = b"") -> None:
    finished = remote.run(argv, stdin=stdin, deadline=_SECONDS)
    if finished.exit_code != 0:
        told = finished.stderr[-2000:].decode(errors="replace").strip()
        raise CommandFailed(exit_code=str(finished.exit_code), stderr=told)
