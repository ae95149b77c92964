"""What goes over the door's socket: proofs of the key, then frames. Loaded by every command that knocks."""

from __future__ import annotations

import hmac
import os
import time

TYPE_CHECKING = False  # `typing` would take 6 ms of each command that the tray answers
if TYPE_CHECKING:
    from socket import socket

# The most a frame may hold, in bytes. Longer output is cut into several frames.
LARGEST = 64 * 1024
KEY_BYTES = 32

# Kinds of frames. The command sends ASKED, after TAKEN it sends GO, and then INTERRUPT for each Ctrl-C;
# the rest is the tray's. Without GO nothing is done: a command that has lost patience does it by itself
# by then, and a model must not be switched twice.
ASKED, GO, INTERRUPT = b"?", b">", b"!"
TAKEN, DECLINED, OUT, ERR, ENDED = b"+", b"-", b"o", b"e", b"."

_NONCE = 32
_PROOF = 32


class BadPeer(Exception):
    """The other side does not know the key, or does not speak as agreed."""


class Channel:
    """One connection. ``deadline`` (of `time.monotonic`) is for all that is received and sent until it is
    moved; None waits for ever. One thread may receive while another one sends.

    Both raise OSError when the connection is broken and TimeoutError, which is one, after the deadline.
    """

    def __init__(self, connection: socket, deadline: float | None) -> None:
        self._connection = connection
        self.deadline = deadline

    def send(self, kind: bytes, content: bytes = b"") -> None:
        """Send one frame."""
        self.send_plain(len(content).to_bytes(4, "big") + kind + content)

    def receive(self) -> tuple[bytes, bytes]:
        """The next frame: its kind and what it holds. Raises EOFError at the end and BadPeer."""
        head = self.receive_plain(5)
        length = int.from_bytes(head[:4], "big")
        if length > LARGEST:
            raise BadPeer
        return head[4:], self.receive_plain(length)

    def send_plain(self, content: bytes) -> None:
        """Send these bytes."""
        self._hurry()
        self._connection.sendall(content)

    def receive_plain(self, count: int) -> bytes:
        """Exactly so many bytes. Raises EOFError when the other side ends before."""
        found = b""
        while len(found) < count:
            self._hurry()
            part = self._connection.recv(count - len(found))
            if not part:
                raise EOFError
            found += part
        return found

    def _hurry(self) -> None:
        """Who sends a byte now and then must not stretch the deadline, so each wait gets what is left."""
        if self.deadline is not None:
            left = self.deadline - time.monotonic()
            if left <= 0:
                raise TimeoutError
            self._connection.settimeout(left)

    def take_time(self) -> None:
        """No deadline from here on."""
        self.deadline = None
        self._connection.settimeout(None)


def admit(channel: Channel, key: bytes) -> None:
    """The tray's side: let in who knows the key, then show that it is known here too. Raises BadPeer."""
    ours = os.urandom(_NONCE)
    channel.send_plain(ours)
    answer = channel.receive_plain(_NONCE + _PROOF)
    theirs, proof = answer[:_NONCE], answer[_NONCE:]
    if not hmac.compare_digest(proof, _proof(key, b"command", ours, theirs)):
        raise BadPeer
    channel.send_plain(_proof(key, b"tray", ours, theirs))


def enter(channel: Channel, key: bytes) -> None:
    """The command's side: prove the key, and go on only with who proves it too. Raises BadPeer."""
    theirs = channel.receive_plain(_NONCE)
    ours = os.urandom(_NONCE)
    channel.send_plain(ours + _proof(key, b"command", theirs, ours))
    if not hmac.compare_digest(channel.receive_plain(_PROOF), _proof(key, b"tray", theirs, ours)):
        raise BadPeer


def _proof(key: bytes, role: bytes, tray_nonce: bytes, command_nonce: bytes) -> bytes:
    """The role is part of it, so that a proof sent back to its sender is worth nothing."""
    return hmac.digest(key, b"sparktray door " + role + tray_nonce + command_nonce, "sha256")
