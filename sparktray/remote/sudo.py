"""A host whose Docker and folders this user reaches only by sudo."""

from collections.abc import Callable, Sequence

from sparktray.remote.errors import ForwardingForbidden
from sparktray.remote.link import ByteStream, Link, RemoteProcess

# Never a question: nobody could answer it, and an answer would be a password on its way through us.
SUDO = ("sudo", "-n", "--")


class SudoLink:
    """A `Link` on which every command runs as root. Sockets are reached by commands, not as this user."""

    def __init__(self, link: Link) -> None:
        self._link = link

    def open_unix(self, path: str, *, timeout: float) -> ByteStream:
        """See `Link.open_unix`. sshd would open it as this user, who may not."""
        raise ForwardingForbidden(kind="unix")

    def open_tcp(self, port: int, *, timeout: float) -> ByteStream:
        """See `Link.open_tcp`."""
        return self._link.open_tcp(port, timeout=timeout)

    def start(self, argv: Sequence[str], *, timeout: float, terminal: bool = False) -> RemoteProcess:
        """See `Link.start`."""
        return self._link.start((*SUDO, *argv), timeout=timeout, terminal=terminal)

    def check(self, *, timeout: float) -> None:
        """See `Link.check`."""
        self._link.check(timeout=timeout)

    def on_narrow(self, callback: Callable[[], None]) -> None:
        """See `Link.on_narrow`."""
        self._link.on_narrow(callback)

    def on_lost(self, callback: Callable[[], None]) -> None:
        """See `Link.on_lost`."""
        self._link.on_lost(callback)

    def close(self) -> None:
        """See `Link.close`."""
        self._link.close()
