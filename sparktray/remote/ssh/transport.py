"""paramiko's Transport with what it lacks: bounded channel opening, Unix sockets, a real liveness probe."""

import contextlib
import logging
import socket
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Any

import paramiko
from paramiko.common import (
    MSG_CHANNEL_CLOSE,
    MSG_CHANNEL_DATA,
    cMSG_CHANNEL_OPEN,
    cMSG_GLOBAL_REQUEST,
    cMSG_IGNORE,
)

from sparktray.remote.errors import (
    ConnectionRefused,
    DeadlinePassed,
    ForwardingForbidden,
    LinkLost,
    SessionRefused,
)
from sparktray.remote.ssh.channels import SshChannel

# What is worth telling becomes an exception; paramiko logs remote text and refused channels as errors.
logging.getLogger("paramiko").addHandler(logging.NullHandler())
logging.getLogger("paramiko").setLevel(logging.CRITICAL + 1)

# A write the kernel takes nothing of for this long means a dead link (its buffer holds megabytes by then).
STALL_SECONDS = 5.0
# Greeting and first keys take some 5 kB; whoever sends this much before has not proven who it is.
_UNPROVEN_BYTES = 256 * 1024
# New keys take one exchange; a host that does not finish it is not answering.
KEY_AGREEMENT_SECONDS = 10.0
# Reason codes of RFC 4254 section 5.1; OpenSSH gives 2 for a socket it cannot reach and for MaxSessions.
_CONNECT_FAILED = 2


# sshd leaves Nagle's algorithm on until a connection's first command, so the second half of every Docker
# answer would wait for the delayed acknowledgement of the first: list and inspect took 44 ms instead of 1.
_QUICK_ACK: int | None = getattr(socket, "TCP_QUICKACK", None)


class StallingSocket:
    """The socket as paramiko wants it, but waking up on close instead of ten times a second.

    A channel of another host, which leads on from there, is as good as a socket.
    """

    def __init__(self, sock: socket.socket | SshChannel) -> None:
        sock.settimeout(STALL_SECONDS)
        self._sock = sock
        self._closed = False  # paramiko reads it
        self._unproven: int | None = _UNPROVEN_BYTES

    def recv(self, limit: int) -> bytes:
        """Receive some and acknowledge it at once where the system can (Linux forgets the wish each time)."""
        data = self._sock.recv(limit)
        if self._unproven is not None:
            self._unproven -= len(data)
            if self._unproven < 0:
                raise ConnectionAbortedError("too much before the first keys")
        if _QUICK_ACK is not None and isinstance(self._sock, socket.socket):
            with contextlib.suppress(OSError):
                self._sock.setsockopt(socket.IPPROTO_TCP, _QUICK_ACK, 1)
        return data

    def send(self, data: bytes) -> int:
        """Send some; a stall ends the link instead of being tried for ever."""
        try:
            return self._sock.send(data)
        except TimeoutError:
            raise ConnectionAbortedError("stalled") from None

    def settimeout(self, timeout: float | None) -> None:
        """Ignored: paramiko would poll every 0.1 s to see whether it was closed."""

    def keys_agreed(self) -> None:
        """From now on what comes is bounded elsewhere."""
        self._unproven = None

    def getpeername(self) -> Any:
        """The far end's address."""
        return self._sock.getpeername()

    def close(self) -> None:
        """Shut down first: that wakes the reading thread at once."""
        self._closed = True
        with contextlib.suppress(OSError, LinkLost):
            self._sock.shutdown(socket.SHUT_RDWR)
        with contextlib.suppress(LinkLost):
            self._sock.close()


class SshTransport(paramiko.Transport):
    """One SSH connection. Every wait here has a time-out and ends at once when the connection does."""

    # CBC, 3DES and the SHA-1 and MD5 MACs that paramiko still offers are left out; AEAD first.
    _preferred_ciphers = (
        "aes128-gcm@openssh.com",
        "aes256-gcm@openssh.com",
        "aes128-ctr",
        "aes192-ctr",
        "aes256-ctr",
    )
    _preferred_macs = (
        "hmac-sha2-256-etm@openssh.com",
        "hmac-sha2-512-etm@openssh.com",
        "hmac-sha2-256",
        "hmac-sha2-512",
    )
    _channel_handler_table = {  # noqa: RUF012 - a table of paramiko's, looked up on the class
        **paramiko.Transport._channel_handler_table,  # type: ignore[attr-defined]
        MSG_CHANNEL_CLOSE: SshChannel._handle_close,
        MSG_CHANNEL_DATA: SshChannel._feed_acknowledged,
    }

    _channels: Any

    def __init__(self, sock: socket.socket | SshChannel, key_types: tuple[str, ...]) -> None:
        self.host_key_types = key_types
        self.offered_key_types: list[str] = []
        self.disconnected: str | None = None
        self.had_session = False
        self._held: dict[int, SshChannel] = {}
        self._replies: deque[threading.Event] = deque()
        self._postponed: deque[tuple[SshChannel | None, paramiko.Message]] = deque()
        self._lost_lock = threading.Lock()
        self._lost = False
        self._lost_callbacks: list[Callable[[], None]] = []
        self._stalling = StallingSocket(sock)
        super().__init__(self._stalling)  # type: ignore[arg-type]

    @property
    def preferred_keys(self) -> tuple[str, ...]:
        """The host key types to ask for, in order; certificates are not understood here, so not offered."""
        return self.host_key_types

    def open(self, kind: str, fields: tuple[str | int, ...], timeout: float) -> SshChannel:
        """Open a channel of any kind; ``fields`` follow the usual ones.

        Raises ConnectionRefused, ForwardingForbidden, SessionRefused, DeadlinePassed, LinkLost.
        """
        with self.lock:
            chanid = self._next_channel()  # type: ignore[attr-defined]
            channel = SshChannel(chanid)
            self._channels.put(chanid, channel)
            self.channels_seen[chanid] = True
            channel.attach(self)
            channel._set_window(self.default_window_size, self.default_max_packet_size)  # type: ignore[attr-defined]
            self._held[chanid] = channel
        message = paramiko.Message()
        message.add_byte(cMSG_CHANNEL_OPEN)
        message.add_string(kind)
        message.add_int(chanid)
        message.add_int(self.default_window_size)
        message.add_int(self.default_max_packet_size)
        for field in fields:
            message.add_string(field) if isinstance(field, str) else message.add_int(field)
        self._send_user_message(message)
        if self._lost:
            raise LinkLost(reason="connection ended")
        if not channel.answered.wait(timeout):
            with self.lock:
                channel.abandoned = not channel.answered.is_set()
            if channel.abandoned:
                raise DeadlinePassed(what="opening a channel", seconds=f"{timeout:g}")
        if channel.lost:
            raise LinkLost(reason="connection ended")
        match channel.refusal:
            case None:
                self.had_session = self.had_session or kind == "session"
                return channel
            case code if kind == "session":
                raise SessionRefused(reason=str(code))
            case code if code == _CONNECT_FAILED:
                raise ConnectionRefused()
            case _:
                raise ForwardingForbidden(kind=kind)

    def ping(self, timeout: float) -> None:
        """Ask what every SSH server answers, if only with "no". Raises DeadlinePassed, LinkLost."""
        reply = threading.Event()
        message = paramiko.Message()
        message.add_byte(cMSG_GLOBAL_REQUEST)
        message.add_string("keepalive@openssh.com")
        message.add_boolean(True)
        # Answers come in the order of the requests (RFC 4254 section 4).
        self._replies.append(reply)
        self._send_user_message(message)
        answered = self._lost or reply.wait(timeout)
        if self._lost:
            raise LinkLost(reason="connection ended")
        if not answered:
            raise DeadlinePassed(what="liveness", seconds=f"{timeout:g}")

    def on_lost(self, callback: Callable[[], None]) -> None:
        """Run ``callback`` when the connection ends, at once if it has."""
        with self._lost_lock:
            if not self._lost:
                self._lost_callbacks.append(callback)
                return
        callback()

    def acknowledge(self) -> None:
        """Where data cannot be acknowledged at once by itself, let something carry the acknowledgement."""
        if _QUICK_ACK is None and not self.had_session:
            message = paramiko.Message()
            message.add_byte(cMSG_IGNORE)
            message.add_string("")
            self._send_user_message(message)

    def forget(self, chanid: int) -> None:
        """Both sides have closed this channel: nothing can come for it any more."""
        self._held.pop(chanid, None)
        self.channels_seen.pop(chanid, None)

    def close(self) -> None:
        """End the connection; wakes everybody who waits."""
        super().close()
        self._end()

    def run(self) -> None:
        """paramiko's thread; afterwards whatever it forgot to wake is woken."""
        super().run()
        self._end()

    def _end(self) -> None:
        with self._lost_lock:
            if self._lost:
                return
            self._lost = True
            callbacks = list(self._lost_callbacks)
            self._lost_callbacks.clear()
        for channel in list(self._held.values()):
            channel._unlink()
        self._held.clear()
        while self._replies:
            self._replies.popleft().set()
        for callback in callbacks:
            callback()

    def send_on(self, channel: SshChannel | None, message: paramiko.Message) -> None:
        """Send as soon as no keys are being agreed; nothing goes out for a channel after its close.

        paramiko builds a message under the channel's lock and sends it later, so an end of file could
        overtake a close made by its own thread in between; OpenSSH then drops the whole connection
        ("ieof packet referred to nonexistent channel").
        """
        if threading.current_thread() is self and not self.clear_to_send.is_set():
            # Only this thread can bring the agreement about: waiting for it here would end the link.
            self._postponed.append((channel, message))
            return
        until = time.monotonic() + KEY_AGREEMENT_SECONDS
        while self.is_active():
            try:
                if self._sent_now(channel, message):
                    return
            except (EOFError, OSError, paramiko.SSHException) as error:
                self.close()
                raise LinkLost(reason=str(error) or "cannot send") from None
            if time.monotonic() > until:
                self.close()
                raise LinkLost(reason="no new keys")

    def _sent_now(self, channel: SshChannel | None, message: paramiko.Message) -> bool:
        """Send, or drop what may no longer be sent; False while keys are being agreed."""
        self.clear_to_send.wait(0.1)
        with self.clear_to_send_lock:
            if not self.clear_to_send.is_set():
                return False
            if channel is None or channel.may_send(message):
                self._send_message(message)  # type: ignore[attr-defined]
            return True

    def _send_user_message(self, message: paramiko.Message) -> None:
        self.send_on(None, message)

    def _really_parse_kex_init(
        self, message: paramiko.Message, ignore_first_byte: bool = False
    ) -> dict[str, list[str]]:
        parsed: dict[str, list[str]] = super()._really_parse_kex_init(message, ignore_first_byte)  # type: ignore[misc]
        # With the first byte it is our own announcement, parsed again.
        if not ignore_first_byte:
            self.offered_key_types = parsed["server_key_algo_list"]
        return parsed

    def _parse_newkeys(self, message: paramiko.Message) -> None:
        super()._parse_newkeys(message)  # type: ignore[misc]
        self._stalling.keys_agreed()
        while self._postponed and self.clear_to_send.is_set():
            self.send_on(*self._postponed.popleft())

    def _parse_channel_open_success(self, message: paramiko.Message) -> None:
        channel = self._held.get(message.get_int())
        if channel is None:
            return
        with self.lock:
            channel._set_remote_channel(message.get_int(), message.get_int(), message.get_int())  # type: ignore[attr-defined]
            channel.answered.set()
        if channel.abandoned:
            channel.close()

    def _parse_channel_open_failure(self, message: paramiko.Message) -> None:
        chanid = message.get_int()
        channel = self._held.get(chanid)
        if channel is None:
            return
        channel.refusal = message.get_int()
        with self.lock:
            self._channels.delete(chanid)
        self.forget(chanid)
        channel.answered.set()

    def _parse_request_success(self, message: paramiko.Message) -> None:
        if self._replies:
            self._replies.popleft().set()

    def _parse_request_failure(self, message: paramiko.Message) -> None:
        self._parse_request_success(message)

    def _parse_disconnect(self, message: paramiko.Message) -> None:
        message.get_int()
        self.disconnected = message.get_text()
