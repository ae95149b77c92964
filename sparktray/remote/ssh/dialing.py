"""A TCP connection to a name that may have several addresses, some of them dead.

All addresses are raced in the manner of RFC 8305: the next attempt starts 250 ms after the last, or at once
when one fails; the first to connect wins. paramiko's own loop stops at the first silent address.
"""

import errno
import os
import selectors
import socket
import threading
import time
from dataclasses import dataclass
from itertools import chain, zip_longest
from typing import Any

from sparktray.remote.errors import HostSilent, HostUnreachable, NameNotFound, PortClosed, RemoteError

ADDRESS_SECONDS = 5.0
STAGGER_SECONDS = 0.25
# A peer that acknowledges nothing for this long is gone; without it Linux keeps trying for about 15 minutes.
USER_TIMEOUT_MS = 30_000

_Address = tuple[socket.AddressFamily, tuple[Any, ...]]


@dataclass(slots=True)
class _Attempt:
    sock: socket.socket
    until: float


def dial(address: str, port: int, *, seconds: float = ADDRESS_SECONDS) -> socket.socket:
    """A connected blocking socket. ``seconds`` is for each address, and for the name to resolve.

    Raises NameNotFound, PortClosed (someone refused), HostSilent (nobody answered), HostUnreachable.
    """
    facts = {"address": address, "port": str(port)}
    queue = _interleaved(_resolve(address, port, seconds, facts))
    attempts: list[_Attempt] = []
    failures: set[int] = set()
    start_next = 0.0
    with selectors.DefaultSelector() as selector:
        try:
            while queue or attempts:
                now = time.monotonic()
                if queue and (now >= start_next or not attempts):
                    start_next = now + STAGGER_SECONDS
                    _begin(queue.pop(0), seconds, attempts, selector, failures)
                    continue
                for attempt in [a for a in attempts if a.until <= now]:
                    _drop(attempt, attempts, selector)
                    failures.add(errno.ETIMEDOUT)
                if not attempts:
                    continue
                wake = min([a.until for a in attempts] + ([start_next] if queue else []))
                for key, _ in selector.select(max(0.0, wake - now)):
                    attempt = key.data
                    error = attempt.sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
                    if error == 0:
                        attempts.remove(attempt)
                        return _tuned(attempt.sock)
                    failures.add(error)
                    _drop(attempt, attempts, selector)
                    start_next = 0.0
        finally:
            for attempt in attempts:
                attempt.sock.close()
    raise _verdict(failures, facts)


def _resolve(address: str, port: int, seconds: float, facts: dict[str, str]) -> list[_Address]:
    """All addresses of a name, in a thread because getaddrinfo has no time-out (5 s and more for .local)."""
    found: list[_Address] = []

    def look_up() -> None:
        try:
            infos = socket.getaddrinfo(address, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError):
            return
        found.extend((info[0], info[4]) for info in infos)

    thread = threading.Thread(target=look_up, name="resolve", daemon=True)
    thread.start()
    thread.join(seconds)
    if not found:
        raise NameNotFound(**facts)
    return list(dict.fromkeys(found))


def _interleaved(addresses: list[_Address]) -> list[_Address]:
    """The families in turn, beginning with the one the resolver put first (RFC 8305 section 4)."""
    first = [a for a in addresses if a[0] == addresses[0][0]]
    other = [a for a in addresses if a[0] != addresses[0][0]]
    return [a for a in chain.from_iterable(zip_longest(first, other)) if a is not None]


def _begin(
    address: _Address,
    seconds: float,
    attempts: list[_Attempt],
    selector: selectors.BaseSelector,
    failures: set[int],
) -> None:
    family, where = address
    try:
        sock = socket.socket(family, socket.SOCK_STREAM)
    except OSError as error:
        failures.add(error.errno or 0)
        return
    sock.setblocking(False)
    try:
        code = sock.connect_ex(where)
    except OSError as error:
        code = error.errno or errno.EINVAL
    if code not in (0, errno.EINPROGRESS, errno.EWOULDBLOCK, errno.EINTR):
        failures.add(code)
        sock.close()
        return
    attempt = _Attempt(sock, time.monotonic() + seconds)
    attempts.append(attempt)
    selector.register(sock, selectors.EVENT_WRITE, attempt)


def _drop(attempt: _Attempt, attempts: list[_Attempt], selector: selectors.BaseSelector) -> None:
    selector.unregister(attempt.sock)
    attempts.remove(attempt)
    attempt.sock.close()


def _verdict(failures: set[int], facts: dict[str, str]) -> RemoteError:
    if errno.ECONNREFUSED in failures:
        return PortClosed(**facts)
    if errno.ETIMEDOUT in failures:
        return HostSilent(**facts)
    return HostUnreachable(**facts, reason=", ".join(sorted(os.strerror(code) for code in failures)))


def _tuned(sock: socket.socket) -> socket.socket:
    sock.setblocking(True)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    if hasattr(socket, "TCP_USER_TIMEOUT"):
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, USER_TIMEOUT_MS)
    return sock
