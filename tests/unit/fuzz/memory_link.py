"""A host of which every answer is given bytes: the program's own code up to the link, nothing behind it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from sparktray.remote.errors import ConnectionRefused
from sparktray.remote.host import RemoteHost
from sparktray.remote.link import ByteStream, RemoteProcess

Answers = Callable[[str], bytes]
"""From the path of a request, with its query, to all that is sent back for it."""


def http(body: bytes, status: int = 200) -> bytes:
    """An answer as it goes over the wire."""
    return b"HTTP/1.1 %d X\r\nContent-Length: %d\r\n\r\n" % (status, len(body)) + body


class _Talk:
    """A `ByteStream` that answers each request, then ends."""

    def __init__(self, answers: Answers) -> None:
        self._answers = answers
        self._asked = b""
        self._left = b""
        self._closed = False

    def recv(self, limit: int, timeout: float | None) -> bytes:
        found, self._left = self._left[:limit], self._left[limit:]
        return found

    def sendall(self, data: bytes, timeout: float | None) -> None:
        if b" " in self._asked:
            return  # the rest of a request whose path is known
        self._asked += data
        self._left = self._answers(self._asked.split(b" ", 2)[1].decode())

    def readable(self) -> bool:
        return True  # ended: a connection is used once

    def close(self) -> None:
        self._closed = True


class Process:
    """A `RemoteProcess` that says its output in one piece and ends."""

    def __init__(self, stdout: bytes, stderr: bytes, code: int | None) -> None:
        self._said: list[tuple[bytes, bytes]] = [(stdout, stderr)]
        self._code = code

    def read(self, timeout: float | None) -> tuple[bytes, bytes] | None:
        return self._said.pop() if self._said else None

    def write(self, data: bytes, timeout: float | None) -> None:
        pass

    def close_stdin(self) -> None:
        pass

    def exit_status(self, timeout: float | None) -> int | None:
        return self._code

    def close(self) -> None:
        pass


def _refuse(_path: str) -> bytes:
    raise ConnectionRefused


@dataclass
class MemoryLink:
    """A `Link`: Docker's and the engines' answers by path, one output for whatever is run."""

    docker: Answers = _refuse
    engines: Answers = _refuse
    stdout: bytes = b""
    stderr: bytes = b""
    code: int | None = 0
    started: list[tuple[str, ...]] = field(default_factory=list)

    def open_unix(self, path: str, *, timeout: float) -> ByteStream:
        return _Talk(self.docker)

    def open_tcp(self, port: int, *, timeout: float) -> ByteStream:
        return _Talk(self.engines)

    def start(self, argv: Sequence[str], *, timeout: float, terminal: bool = False) -> RemoteProcess:
        self.started.append(tuple(argv))
        return Process(self.stdout, self.stderr, self.code)

    def check(self, *, timeout: float) -> None:
        pass

    def on_narrow(self, callback: Callable[[], None]) -> None:
        pass

    def on_lost(self, callback: Callable[[], None]) -> None:
        pass

    def close(self) -> None:
        pass


def host(link: MemoryLink) -> RemoteHost:
    """That host, by the program's own code."""
    return RemoteHost(link)
