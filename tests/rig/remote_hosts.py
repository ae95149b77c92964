"""The three roads to the rig's host, for tests that must hold on each."""

from __future__ import annotations

from sparktray.remote.contract import SshTarget
from sparktray.remote.host import RemoteHost, open_host, open_local
from sparktray.remote.ssh.login import Patience
from tests.rig.rig import Rig
from tests.rig.sshd import Sshd

ROADS = ("ssh", "ssh-dial-stdio", "local")
IMAGE = "lmsysorg/sglang:spark"


def target_of(server: Sshd) -> SshTarget:
    """How the rig's user logs in there, its key pinned."""
    return SshTarget(server.address, server.port, server.user, str(server.client_key), server.fingerprint)


def connect(server: Sshd, patience: Patience | None = None) -> RemoteHost:
    """Log in to one of the rig's servers."""
    return open_host(target_of(server), patience=patience)


def open_road(rig: Rig, road: str) -> RemoteHost:
    """The rig's host by one of ROADS."""
    if road == "local":
        return open_local()
    if road == "ssh":
        return connect(rig.server)
    return connect(rig.sshd({"AllowStreamLocalForwarding": "no"}))


def sleeper(rig: Rig, name: str, script: str = "exec sleep 1000", *options: str) -> str:
    """Start a quick container that runs a shell script; its id."""
    return rig.docker("run", "-d", "--name", name, *options, IMAGE, "sh", "-c", script).strip()
