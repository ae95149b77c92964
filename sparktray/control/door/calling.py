"""A command's side of the door: say what is wanted, then write out what the tray answers."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import sys
import time

from sparktray import __version__
from sparktray.control.door import wire
from sparktray.control.door.knocking import BrokenOff

TYPE_CHECKING = False  # `typing` would take 6 ms of each command that the tray answers
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from types import FrameType
    from typing import TextIO

# A tray that is well says within a few milliseconds whether it takes a command on; longer, and it hangs.
_PATIENCE_SECONDS = 2.0
_LANGUAGE = ("LC_ALL", "LC_MESSAGES", "LANG", "LANGUAGE")
_DISPLAYS = ("WAYLAND_DISPLAY", "DISPLAY")
# How a program lets another one come to the front: xdg-activation's, and before that startup-notification's.
_TOKENS = ("XDG_ACTIVATION_TOKEN", "DESKTOP_STARTUP_ID")
_INTERRUPTED = 130


def call(words: Sequence[str], door: bytes) -> int | None:
    """Offer the command at the door that the file describes. See `knocking.knock`."""
    try:
        connection, key = _reached(door)
    except (OSError, ValueError, LookupError, TypeError, OverflowError, RecursionError):
        return None
    with connection:
        channel = wire.Channel(connection, time.monotonic() + _PATIENCE_SECONDS)
        try:
            wire.enter(channel, key)
        except (OSError, EOFError, wire.BadPeer):
            return None
        except KeyboardInterrupt:
            return _INTERRUPTED
        try:
            with _Interrupts(channel) as interrupts:
                if not _taken(channel, words, interrupts):
                    return _INTERRUPTED if interrupts.asked else None
                channel.take_time()
                interrupts.pass_on()
                return _written(channel)
        except KeyboardInterrupt:
            return _INTERRUPTED


def _reached(door: bytes) -> tuple[socket.socket, bytes]:
    """A connection, and the key to prove. Raises OSError, and ValueError and its kin for a damaged file."""
    about = json.loads(door)
    address, key = about["address"], bytes.fromhex(about["key"])
    if len(key) != wire.KEY_BYTES:
        raise ValueError
    if isinstance(address, int):
        return socket.create_connection(("127.0.0.1", address), _PATIENCE_SECONDS), key
    connection = socket.socket(socket.AF_UNIX)
    try:
        connection.settimeout(_PATIENCE_SECONDS)
        connection.connect(address)
    except BaseException:
        connection.close()
        raise
    return connection, key


def _taken(channel: wire.Channel, words: Sequence[str], interrupts: _Interrupts) -> bool:
    """Whether the tray takes the command on and may begin."""
    content = json.dumps(_question(words, os.environ)).encode()
    if len(content) > wire.LARGEST:
        return False
    try:
        channel.send(wire.ASKED, content)
        if channel.receive()[0] != wire.TAKEN or interrupts.asked:
            return False
        channel.send(wire.GO)
        return True
    except (OSError, EOFError, wire.BadPeer):
        return False


def _question(words: Sequence[str], environment: Mapping[str, str]) -> dict[str, object]:
    """The words and what the answer depends on; `visit.Call` is the same on the other side."""
    display = sys.platform in {"win32", "darwin"} or any(environment.get(name) for name in _DISPLAYS)
    return {
        "words": list(words),
        "version": __version__,
        "language": {name: environment[name] for name in _LANGUAGE if name in environment},
        "display": display,
        "token": next((environment[name] for name in _TOKENS if environment.get(name)), ""),
        "encoding": getattr(sys.stdout, "encoding", None) or "utf-8",
        "terminals": [_is_terminal(sys.stdout), _is_terminal(sys.stderr)],
        "columns": _columns(),
    }


def _is_terminal(stream: TextIO | None) -> bool:
    """Windows has no stdout at all for a program without a console."""
    return stream is not None and stream.isatty()


def _columns() -> int:
    """Of stderr, where progress goes; 0 when it has none."""
    try:
        return os.get_terminal_size(2).columns
    except (OSError, ValueError):
        return 0


def _written(channel: wire.Channel) -> int:
    """Write out the answer; its exit code. Raises BrokenOff."""
    while True:
        try:
            kind, content = channel.receive()
        except (OSError, EOFError, wire.BadPeer):
            raise BrokenOff from None
        if kind == wire.ENDED:
            return content[0] if content else 1
        if kind == wire.ERR:
            with contextlib.suppress(OSError):  # as `cli.output.Output.aside` has it
                _write(sys.stderr, content)
            continue
        try:
            _write(sys.stdout, content)
        except BrokenPipeError:
            return _stdout_gone()


def _write(stream: TextIO | None, content: bytes) -> None:
    if stream is not None:
        stream.flush()
        stream.buffer.write(content)
        stream.buffer.flush()


def _stdout_gone() -> int:
    """Whoever read it has enough. Python would complain once more when it flushes at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


class _Interrupts:
    """Ctrl-C and SIGTERM go to the tray, which may have to take back what was begun; the second one ends
    this process at once.

    They are sent from the handler: an exception in the middle of a frame would lose part of it.
    """

    def __init__(self, channel: wire.Channel) -> None:
        self.asked = False
        self._channel = channel
        self._open = False

    def __enter__(self) -> _Interrupts:
        # What a shell starts with & or nohup is to ignore Ctrl-C.
        wanted = [n for n in (signal.SIGINT, signal.SIGTERM) if signal.getsignal(n) is not signal.SIG_IGN]
        self._before = {number: signal.signal(number, self._interrupted) for number in wanted}
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            if handler is not None:  # None: not set from Python, so it cannot be put back from here
                signal.signal(number, handler)

    def pass_on(self) -> None:
        """From now on at once: the tray has begun."""
        self._open = True
        if self.asked:
            self._send()

    def _interrupted(self, _number: int, _frame: FrameType | None) -> None:
        if self.asked:
            raise KeyboardInterrupt
        self.asked = True
        if self._open:
            self._send()

    def _send(self) -> None:
        try:
            self._channel.send(wire.INTERRUPT)
        except OSError:
            return  # the tray is gone, which the one who receives finds out
