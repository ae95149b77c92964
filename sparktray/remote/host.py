"""One host as the layers above use it: the bundle of link, Docker, HTTP, commands, files and sampler.

Importing this module loads neither paramiko nor the HTTP library (130 and 70 ms): opening a host does, while
the connection is being made.
"""

import importlib
import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from sparktray.domain.host import Login
from sparktray.remote import commands
from sparktray.remote.contract import (
    MIB,
    Credentials,
    Docker,
    Entry,
    Finished,
    HostKey,
    Http,
    RawSample,
    SshTarget,
)
from sparktray.remote.link import ByteStream, Cancel, Link
from sparktray.remote.sampler import Sampler
from sparktray.remote.ssh.dialing import ADDRESS_SECONDS
from sparktray.remote.ssh.keyfile import check_key_file
from sparktray.remote.ssh.racing import Race
from sparktray.remote.sudo import SudoLink

if TYPE_CHECKING:
    from sparktray.remote.ssh.login import Patience

DOCKER_SOCKET = "/var/run/docker.sock"


class RemoteHost:
    """`contract.Remote` over any link."""

    def __init__(self, link: Link, docker_socket: str = DOCKER_SOCKET) -> None:
        from sparktray.remote.docker import DockerEngine
        from sparktray.remote.http import HttpDoor

        self._link = link
        self._docker = DockerEngine(link, docker_socket)
        self._http = HttpDoor(link)
        self._sampler = Sampler(link)

    @property
    def docker(self) -> Docker:
        """The Docker Engine API."""
        return self._docker

    @property
    def http(self) -> Http:
        """HTTP to the host's own ports."""
        return self._http

    def run(
        self,
        argv: Sequence[str],
        *,
        stdin: bytes = b"",
        deadline: float,
        on_output: Callable[[bytes, bytes], None] | None = None,
        cancel: Cancel | None = None,
        cap: int = MIB,
        terminal: bool = False,
    ) -> Finished:
        """See `contract.Remote.run`."""
        return commands.run(
            self._link,
            argv,
            stdin=stdin,
            deadline=deadline,
            on_output=on_output,
            cancel=cancel,
            cap=cap,
            terminal=terminal,
        )

    def read_file(self, path: str, *, cap: int = MIB, deadline: float = 10.0) -> bytes | None:
        """See `contract.Remote.read_file`."""
        return commands.read_file(self._link, path, cap=cap, deadline=deadline)

    def list_folder(self, path: str, *, deadline: float = 10.0) -> list[Entry] | None:
        """See `contract.Remote.list_folder`."""
        return commands.list_folder(self._link, path, deadline=deadline)

    def open_port(self, port: int, *, deadline: float = 10.0) -> ByteStream:
        """See `contract.Remote.open_port`."""
        return self._link.open_tcp(port, timeout=deadline)

    def sample(self, *, deadline: float = 10.0) -> RawSample:
        """See `contract.Remote.sample`."""
        return self._sampler.sample(deadline)

    def check(self, *, deadline: float = 5.0) -> None:
        """See `contract.Remote.check`."""
        self._link.check(timeout=deadline)

    def on_lost(self, callback: Callable[[], None]) -> None:
        """See `contract.Remote.on_lost`."""
        self._link.on_lost(callback)

    def close(self) -> None:
        """See `contract.Remote.close`."""
        self._link.close()
        self._docker.close()
        self._http.close()


def open_host(
    target: SshTarget,
    *,
    credentials: Credentials | None = None,
    docker_socket: str = DOCKER_SOCKET,
    patience: "Patience | None" = None,
    sudo: bool = False,
) -> RemoteHost:
    """Connect to a host by SSH. Raises what `sparktray.remote.ssh.login.log_in` raises.

    With ``sudo`` every command runs by it, and Docker is reached by its command.

    Called from a worker thread. The TCP connection is made and the HTTP library loaded while paramiko is.
    """
    if target.login is Login.KEY:
        check_key_file(target.key_file)
    seconds = target.connect_seconds or (ADDRESS_SECONDS if patience is None else patience.address)
    race = None if target.jumps else Race((target.address, *target.further), target.port, seconds=seconds)
    from sparktray.remote.ssh.link import connect

    http = threading.Thread(target=importlib.import_module, args=("sparktray.remote.docker",), daemon=True)
    http.start()
    try:
        link = connect(target, patience=patience, race=race, credentials=credentials)
    except BaseException:
        if race is not None:
            race.abandon()
        raise
    http.join()
    return RemoteHost(SudoLink(link) if sudo else link, docker_socket)


def look_at_key(target: SshTarget) -> HostKey:
    """The host key shown there, for a person to judge. Nothing about the user is sent to it.

    Called from a worker thread; raises HostUnreachable and its kinds, and what a login to the hosts on the
    way raises.
    """
    from sparktray.remote.ssh.login import Patience, shown_key

    return shown_key(target, Patience())


def open_local(*, docker_socket: str = DOCKER_SOCKET, sudo: bool = False) -> RemoteHost:
    """This computer as the host."""
    from sparktray.remote.local import LocalLink

    return RemoteHost(SudoLink(LocalLink()) if sudo else LocalLink(), docker_socket)
