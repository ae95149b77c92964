"""The SSH link: everything a host offers over one connection."""

import shlex
import time
from collections.abc import Callable, Sequence

from sparktray.remote.contract import Credentials, SshTarget
from sparktray.remote.errors import DeadlinePassed, LinkLost, SessionRefused
from sparktray.remote.link import remaining
from sparktray.remote.ssh.channels import ChannelProcess, ChannelStream, SshChannel, start_exec
from sparktray.remote.ssh.login import Patience, log_in
from sparktray.remote.ssh.racing import Race
from sparktray.remote.ssh.sessions import Sessions
from sparktray.remote.ssh.transport import SshTransport

_ORIGIN = ("127.0.0.1", 0)


class SshLink:
    """A `Link` over one logged-in SSH connection."""

    def __init__(self, transport: SshTransport) -> None:
        self._transport = transport
        self._sessions = Sessions()

    def open_unix(self, path: str, *, timeout: float) -> ChannelStream:
        """See `Link.open_unix`. OpenSSH PROTOCOL 2.4: socket path, then two reserved fields."""
        return ChannelStream(self._transport.open("direct-streamlocal@openssh.com", (path, "", 0), timeout))

    def open_tcp(self, port: int, *, timeout: float) -> ChannelStream:
        """See `Link.open_tcp`."""
        return ChannelStream(self._transport.open("direct-tcpip", ("127.0.0.1", port, *_ORIGIN), timeout))

    def start(self, argv: Sequence[str], *, timeout: float, terminal: bool = False) -> ChannelProcess:
        """See `Link.start`. The user's login shell sees one quoted line: argv arrives byte for byte."""
        until = time.monotonic() + timeout
        command = shlex.join(argv)
        if "\0" in command:
            raise ValueError("an argument cannot hold a NUL")
        channel = self._open_session(until)
        return start_exec(channel, command, until, self._sessions.give_back, terminal=terminal)

    def _open_session(self, until: float) -> SshChannel:
        """A session channel, as soon as the host has a place for one."""
        while True:
            self._sessions.take(until)
            try:
                return self._transport.open("session", (), remaining(until, "session") or 0.0)
            except SessionRefused:
                self._sessions.refused()
                if time.monotonic() >= until:
                    raise
            except BaseException:
                self._sessions.give_back()
                raise

    def on_narrow(self, callback: Callable[[], None]) -> None:
        """See `Link.on_narrow`."""
        self._sessions.on_narrow(callback)

    def check(self, *, timeout: float) -> None:
        """See `Link.check`."""
        try:
            self._transport.ping(timeout)
        except DeadlinePassed:
            self.close()
            raise LinkLost(reason="no answer", seconds=f"{timeout:g}") from None

    def on_lost(self, callback: Callable[[], None]) -> None:
        """See `Link.on_lost`."""
        self._transport.on_lost(callback)

    def close(self) -> None:
        """See `Link.close`."""
        self._transport.close()


def connect(
    target: SshTarget,
    *,
    patience: Patience | None = None,
    race: Race | None = None,
    credentials: Credentials | None = None,
) -> SshLink:
    """Connect and log in, or raise what `log_in` raises."""
    return SshLink(log_in(target, patience or Patience(), race, credentials))
