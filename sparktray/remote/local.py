"""The local link: this computer as the host, by its own sockets and processes."""

import contextlib
import os
import selectors
import signal
import socket
import struct
import subprocess
import threading
import time
from collections.abc import Callable, Sequence

from sparktray.remote.errors import ConnectionRefused, DeadlinePassed, LinkLost
from sparktray.remote.link import TERMINAL

_CHUNK = 256 * 1024


class SocketStream:
    """A `ByteStream` on a connected socket."""

    def __init__(self, sock: socket.socket, forget: Callable[["SocketStream"], None]) -> None:
        self._sock = sock
        self._forget = forget
        self._closed = False
        self.lost = False

    def recv(self, limit: int, timeout: float | None) -> bytes:
        """See `ByteStream.recv`. A reset reads as the end."""
        try:
            self._sock.settimeout(timeout)
            data = self._sock.recv(limit)
        except TimeoutError:
            raise DeadlinePassed(what="answer") from None
        except OSError:
            data = b""
        if self.lost:
            raise LinkLost(reason="connection ended")
        return data

    def sendall(self, data: bytes, timeout: float | None) -> None:
        """See `ByteStream.sendall`."""
        try:
            self._sock.settimeout(timeout)
            self._sock.sendall(data)
        except TimeoutError:
            raise DeadlinePassed(what="sending") from None
        except OSError:
            if self.lost:
                raise LinkLost(reason="connection ended") from None
            raise ConnectionRefused() from None

    def readable(self) -> bool:
        """See `ByteStream.readable`."""
        if self._closed:
            return True
        with selectors.DefaultSelector() as selector:
            selector.register(self._sock, selectors.EVENT_READ)
            return bool(selector.select(0))

    def close(self) -> None:
        """See `ByteStream.close`. Shutting down is what wakes a blocked recv."""
        if self._closed:
            return
        self._closed = True
        self._forget(self)
        _shut(self._sock)
        self._sock.close()


class LocalProcess:
    """A `RemoteProcess` of this computer, in a process group of its own.

    Its outputs are socket pairs, as with sshd: shutting one down wakes whoever reads it.
    """

    def __init__(
        self, argv: Sequence[str], forget: Callable[["LocalProcess"], None], *, terminal: bool = False
    ) -> None:
        self._forget = forget
        self.lost = False
        self._closed = False
        self._lock = threading.Lock()
        # A socket that is closed while somebody selects on it leaves the epoll set and wakes nobody.
        self._reading = threading.Lock()
        self._out, child_out = socket.socketpair()
        self._err, child_err = socket.socketpair()
        shown = _Terminal(child_out) if terminal else None
        output = child_out.fileno() if shown is None else shown.theirs
        try:
            self._process = subprocess.Popen(
                argv,
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=child_err.fileno() if shown is None else output,
                start_new_session=True,
            )
        except OSError:
            self._out.close()
            self._err.close()
            raise
        finally:
            if shown is None:
                child_out.close()
            else:
                shown.start()
            child_err.close()
        self._open = {self._out, self._err}

    def read(self, timeout: float | None) -> tuple[bytes, bytes] | None:
        """See `RemoteProcess.read`."""
        with self._reading:
            return self._read(timeout)

    def _read(self, timeout: float | None) -> tuple[bytes, bytes] | None:
        until = None if timeout is None else time.monotonic() + timeout
        while self._open and not self._closed:
            with selectors.DefaultSelector() as selector:
                try:
                    for sock in self._open:
                        selector.register(sock, selectors.EVENT_READ)
                    left = None if until is None else max(0.0, until - time.monotonic())
                    ready = {key.fileobj for key, _ in selector.select(left)}
                except (OSError, ValueError):
                    break
            if not ready:
                raise DeadlinePassed(what="output")
            out, err = (self._take(sock) if sock in ready else b"" for sock in (self._out, self._err))
            if out or err:
                return out, err
        if self.lost:
            raise LinkLost(reason="connection ended")
        return None

    def write(self, data: bytes, timeout: float | None) -> None:
        """See `RemoteProcess.write`. A process that does not read blocks this until close()."""
        try:
            if self._process.stdin is not None:
                self._process.stdin.write(data)
                self._process.stdin.flush()
        except (OSError, ValueError):
            return

    def close_stdin(self) -> None:
        """See `RemoteProcess.close_stdin`."""
        try:
            if self._process.stdin is not None:
                self._process.stdin.close()
        except OSError:
            return

    def exit_status(self, timeout: float | None) -> int | None:
        """See `RemoteProcess.exit_status`."""
        try:
            code = self._process.wait(timeout)
        except subprocess.TimeoutExpired:
            raise DeadlinePassed(what="exit status") from None
        return None if code < 0 else code

    def close(self) -> None:
        """See `RemoteProcess.close`."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
        self._forget(self)
        for sock in (self._out, self._err):
            _shut(sock)
        if self._process.poll() is not None:
            self._reap()
            return
        with contextlib.suppress(OSError):
            os.killpg(self._process.pid, signal.SIGTERM)
        threading.Thread(target=self._reap, name="reap", daemon=True).start()

    def _take(self, sock: socket.socket) -> bytes:
        try:
            data = sock.recv(_CHUNK)
        except OSError:
            data = b""
        if not data:
            self._open.discard(sock)
        return data

    def _reap(self) -> None:
        """Wait for the process, so that it leaves no zombie, and give its files back."""
        self._process.wait()
        self.close_stdin()
        with self._reading:
            self._out.close()
            self._err.close()


class _Terminal:
    """A pseudo terminal whose output goes to a socket, until whoever writes to it has ended."""

    def __init__(self, to: socket.socket) -> None:
        import fcntl  # these three are only on Unix, as is a host of this kind
        import pty
        import termios

        self._to = to
        self._ours, self.theirs = pty.openpty()
        columns, rows = TERMINAL
        fcntl.ioctl(self.theirs, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def start(self) -> None:
        """The process has its end now, or could not be started: from here on it alone keeps it open."""
        os.close(self.theirs)
        threading.Thread(target=self._carry, name="sparktray-terminal", daemon=True).start()

    def _carry(self) -> None:
        # Linux tells the end of the last writer by EIO.
        with contextlib.suppress(OSError):
            while data := os.read(self._ours, _CHUNK):
                self._to.sendall(data)
        self._to.close()
        os.close(self._ours)


class NotStarted:
    """A `RemoteProcess` that could not start, ending as a shell would end it: code 127 or 126."""

    def __init__(self, program: str, code: int, reason: str) -> None:
        self._error: bytes = f"{program}: {reason}\n".encode()
        self._code = code

    def read(self, timeout: float | None) -> tuple[bytes, bytes] | None:
        """See `RemoteProcess.read`."""
        error, self._error = self._error, b""
        return (b"", error) if error else None

    def write(self, data: bytes, timeout: float | None) -> None:
        """Nothing reads it."""

    def close_stdin(self) -> None:
        """Nothing is open."""

    def exit_status(self, timeout: float | None) -> int | None:
        """See `RemoteProcess.exit_status`."""
        return self._code

    def close(self) -> None:
        """Nothing is open."""


class LocalLink:
    """A `Link` to this computer. It is never lost but by close()."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._open: set[SocketStream | LocalProcess] = set()
        self._closed = False
        self._callbacks: list[Callable[[], None]] = []

    def open_unix(self, path: str, *, timeout: float) -> SocketStream:
        """See `Link.open_unix`."""
        return self._connect(socket.AF_UNIX, path, timeout)

    def open_tcp(self, port: int, *, timeout: float) -> SocketStream:
        """See `Link.open_tcp`."""
        return self._connect(socket.AF_INET, ("127.0.0.1", port), timeout)

    def start(
        self, argv: Sequence[str], *, timeout: float, terminal: bool = False
    ) -> LocalProcess | NotStarted:
        """See `Link.start`."""
        self._refuse_when_closed()
        try:
            process = LocalProcess(argv, self._forget, terminal=terminal)
        except PermissionError:
            return NotStarted(argv[0], 126, "Permission denied")
        except OSError as error:
            return NotStarted(argv[0], 127, error.strerror or "not found")
        self._hold(process)
        return process

    def check(self, *, timeout: float) -> None:
        """See `Link.check`."""
        self._refuse_when_closed()

    def on_narrow(self, callback: Callable[[], None]) -> None:
        """See `Link.on_narrow`. This computer has places enough."""

    def on_lost(self, callback: Callable[[], None]) -> None:
        """See `Link.on_lost`."""
        with self._lock:
            if not self._closed:
                self._callbacks.append(callback)
                return
        callback()

    def close(self) -> None:
        """See `Link.close`."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            held, callbacks = list(self._open), list(self._callbacks)
        for one in held:
            one.lost = True
            one.close()
        for callback in callbacks:
            callback()

    def _connect(
        self, family: socket.AddressFamily, where: str | tuple[str, int], timeout: float
    ) -> SocketStream:
        self._refuse_when_closed()
        sock = socket.socket(family, socket.SOCK_STREAM)
        sock.settimeout(timeout)
        try:
            sock.connect(where)
        except TimeoutError:
            sock.close()
            raise DeadlinePassed(what="connecting", seconds=f"{timeout:g}") from None
        except OSError as error:
            sock.close()
            raise ConnectionRefused(reason=error.strerror or "") from None
        if family == socket.AF_INET:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        stream = SocketStream(sock, self._forget)
        self._hold(stream)
        return stream

    def _hold(self, one: SocketStream | LocalProcess) -> None:
        with self._lock:
            self._open.add(one)
            closed = self._closed
        if closed:
            one.lost = True
            one.close()

    def _forget(self, one: SocketStream | LocalProcess) -> None:
        with self._lock:
            self._open.discard(one)

    def _refuse_when_closed(self) -> None:
        if self._closed:
            raise LinkLost(reason="closed")


def _shut(sock: socket.socket) -> None:
    try:
        sock.shutdown(socket.SHUT_RDWR)
    except OSError:
        return
