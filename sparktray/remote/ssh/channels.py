"""SSH channels as byte streams and processes, with time-outs paramiko does not have."""

import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import paramiko
from paramiko.common import cMSG_CHANNEL_CLOSE, cMSG_CHANNEL_REQUEST

from sparktray.remote.errors import ConnectionRefused, DeadlinePassed, LinkLost, SessionRefused
from sparktray.remote.link import TERMINAL, remaining

if TYPE_CHECKING:
    from sparktray.remote.ssh.transport import SshTransport

CHUNK = 256 * 1024


class SshChannel(paramiko.Channel):
    """A channel that knows whether its opening was answered, and whether it ended with the whole link."""

    def __init__(self, chanid: int) -> None:
        super().__init__(chanid)
        self.answered = threading.Event()
        self.refusal: int | None = None
        self.abandoned = False
        self.lost = False
        self._close_sent = False

    def attach(self, transport: "SshTransport") -> None:
        """Belong to this transport; what this channel sends goes through its outlet."""
        self.link = transport
        self._set_transport(_Outlet(transport, self))  # type: ignore[attr-defined]

    def may_send(self, message: paramiko.Message) -> bool:
        """False once the close has been sent. Asked under the transport's sending lock."""
        if self._close_sent:
            return False
        self._close_sent = message.asbytes()[:1] == cMSG_CHANNEL_CLOSE
        return True

    def _unlink(self) -> None:
        # paramiko calls this only when the transport ends, never for a channel's own end.
        self.lost = True
        super()._unlink()  # type: ignore[misc]
        self.answered.set()

    def _handle_close(self, message: paramiko.Message) -> None:
        super()._handle_close(message)  # type: ignore[misc]
        self.link.forget(self.chanid)

    def _feed_acknowledged(self, message: paramiko.Message) -> None:
        self._feed(message)  # type: ignore[attr-defined]
        self.link.acknowledge()

    def request(self, kind: str, argument: str | None = None, *, reply: bool) -> None:
        """Send a channel request; with ``reply`` the answer sets ``event`` (see `wait_for_reply`)."""
        message = paramiko.Message()
        message.add_byte(cMSG_CHANNEL_REQUEST)
        message.add_int(self.remote_chanid)
        message.add_string(kind)
        message.add_boolean(reply)
        if argument is not None:
            message.add_string(argument)
        if reply:
            self.event.clear()
            self.event_ready = False
        self.link.send_on(self, message)

    def ask_for_terminal(self) -> None:
        """Ask for a pseudo terminal (RFC 4254, 6.2); the answer sets ``event``."""
        message = paramiko.Message()
        message.add_byte(cMSG_CHANNEL_REQUEST)
        message.add_int(self.remote_chanid)
        message.add_string("pty-req")
        message.add_boolean(True)
        message.add_string("xterm")
        for number in (*TERMINAL, 0, 0):
            message.add_int(number)
        message.add_string(b"\0")  # TTY_OP_END: no modes
        self.event.clear()
        self.event_ready = False
        self.link.send_on(self, message)

    def wait_for_reply(self, timeout: float) -> bool:
        """True: granted. False: refused. Raises DeadlinePassed, LinkLost."""
        if not self.event.wait(timeout):
            raise DeadlinePassed(what="channel request")
        if self.lost:
            raise LinkLost(reason="connection ended")
        return bool(self.event_ready)


class _Outlet:
    """The transport as one of its channels sees it, so that a sent message is known to be this channel's."""

    def __init__(self, transport: "SshTransport", channel: SshChannel) -> None:
        self._transport = transport
        self._channel = channel

    def _send_user_message(self, message: paramiko.Message) -> None:
        self._transport.send_on(self._channel, message)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)


class ChannelStream:
    """A `ByteStream` on a forwarding channel."""

    def __init__(self, channel: SshChannel) -> None:
        self._channel = channel
        self._closed = False

    def recv(self, limit: int, timeout: float | None) -> bytes:
        """See `ByteStream.recv`."""
        self._channel.settimeout(timeout)
        try:
            data: bytes = self._channel.recv(limit)
        except TimeoutError:
            raise DeadlinePassed(what="answer") from None
        if not data and self._channel.lost and not self._closed:
            raise LinkLost(reason="connection ended")
        return data

    def sendall(self, data: bytes, timeout: float | None) -> None:
        """See `ByteStream.sendall`."""
        _send(self._channel, data, timeout)

    def readable(self) -> bool:
        """See `ByteStream.readable`."""
        channel = self._channel
        return bool(channel.closed or channel.eof_received or channel.recv_ready())

    def close(self) -> None:
        """See `ByteStream.close`."""
        self._closed = True
        _close_quietly(self._channel)


class _Wake:
    """Looks like the event a paramiko buffer sets and clears; only setting is passed on.

    Two buffers share one event here, so emptying one must not hide what is in the other.
    """

    def __init__(self, event: threading.Event) -> None:
        self.set = event.set

    def clear(self) -> None:
        """Nothing: the reader clears before it looks."""


class ChannelProcess:
    """A `RemoteProcess` on a session channel.

    Both outputs share one window of 2 MiB, so they are always drained together: reading one to its end
    while the other fills the window would hang for ever.
    """

    def __init__(self, channel: SshChannel, release: Callable[[], None]) -> None:
        self._channel = channel
        self._release = release
        self._closed = threading.Event()
        self._lock = threading.Lock()
        self._wake = threading.Event()
        wake: Any = _Wake(self._wake)
        channel.in_buffer.set_event(wake)
        channel.in_stderr_buffer.set_event(wake)

    def read(self, timeout: float | None) -> tuple[bytes, bytes] | None:
        """See `RemoteProcess.read`."""
        channel = self._channel
        until = None if timeout is None else time.monotonic() + timeout
        while True:
            self._wake.clear()
            # Looked at before draining: data always arrives before the end that closes it.
            ended = bool(channel.eof_received or channel.closed)
            out = channel.recv(CHUNK) if channel.recv_ready() else b""
            err = channel.recv_stderr(CHUNK) if channel.recv_stderr_ready() else b""
            if out or err:
                return out, err
            if ended:
                if channel.lost and not self._closed.is_set():
                    raise LinkLost(reason="connection ended")
                return None
            self._wake.wait(remaining(until, "output"))

    def write(self, data: bytes, timeout: float | None) -> None:
        """See `RemoteProcess.write`."""
        try:
            _send(self._channel, data, timeout)
        except ConnectionRefused:
            return

    def close_stdin(self) -> None:
        """See `RemoteProcess.close_stdin`."""
        if not self._channel.closed:
            self._channel.shutdown_write()

    def exit_status(self, timeout: float | None) -> int | None:
        """See `RemoteProcess.exit_status`."""
        if not self._channel.status_event.wait(timeout):
            raise DeadlinePassed(what="exit status")
        if self._channel.lost and self._channel.exit_status < 0:
            raise LinkLost(reason="connection ended")
        # paramiko leaves -1 when the server sent exit-signal instead of exit-status.
        return None if self._channel.exit_status < 0 else self._channel.exit_status

    def close(self) -> None:
        """See `RemoteProcess.close`. Closing alone would let the command live on: sshd sends no signal."""
        with self._lock:
            if self._closed.is_set():
                return
            self._closed.set()
        channel = self._channel
        try:
            if not channel.closed and not channel.status_event.is_set():
                channel.request("signal", "TERM", reply=False)
        except LinkLost:
            pass
        finally:
            _close_quietly(channel)
            self._release()


def start_exec(
    channel: SshChannel,
    command: str,
    until: float,
    release: Callable[[], None],
    *,
    terminal: bool = False,
) -> ChannelProcess:
    """Ask for ``command`` on a fresh session channel; bounded, unlike paramiko's ``exec_command``."""
    process = ChannelProcess(channel, release)
    try:
        if terminal:
            channel.ask_for_terminal()
            channel.wait_for_reply(remaining(until, "terminal") or 0.0)  # one that is refused is done without
        channel.request("exec", command, reply=True)
        if not channel.wait_for_reply(remaining(until, "command start") or 0.0):
            raise SessionRefused(reason="exec refused")
    except BaseException:
        process.close()
        raise
    return process


def _send(channel: SshChannel, data: bytes, timeout: float | None) -> None:
    until = None if timeout is None else time.monotonic() + timeout
    view = memoryview(data)
    while view:
        channel.settimeout(remaining(until, "sending"))
        try:
            sent = channel.send(bytes(view[:CHUNK]))
        except TimeoutError:
            raise DeadlinePassed(what="sending") from None
        except OSError:
            sent = 0
        if sent == 0:
            if channel.lost:
                raise LinkLost(reason="connection ended")
            raise ConnectionRefused()
        view = view[sent:]


def _close_quietly(channel: SshChannel) -> None:
    try:
        channel.close()
    except LinkLost:
        return
