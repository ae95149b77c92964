"""The link to the demo's Spark: streams and commands that end in this program."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

from sparktray.demo.process import Process
from sparktray.demo.serving import serve
from sparktray.demo.spark import Spark, spark
from sparktray.demo.streams import Connection, NearEnd
from sparktray.remote.contract import Remote
from sparktray.remote.errors import ConnectionRefused, LinkLost
from sparktray.remote.host import DOCKER_SOCKET, RemoteHost


class DemoLink:
    """A `Link`."""

    def __init__(self, host: Spark) -> None:
        self._host = host
        self._lock = threading.Lock()
        self._open: set[NearEnd | Process] = set()
        self._callbacks: list[Callable[[], None]] = []
        self._ended = False

    def open_unix(self, path: str, *, timeout: float) -> NearEnd:
        """See `Link.open_unix`."""
        del timeout
        if path != DOCKER_SOCKET:
            raise ConnectionRefused()
        return self._connected(lambda connection: serve(connection, self._host.api))

    def open_tcp(self, port: int, *, timeout: float) -> NearEnd:
        """See `Link.open_tcp`."""
        del timeout
        self._living()
        guest = self._host.engine.serving(port)
        if guest is None:
            raise ConnectionRefused()
        return self._connected(guest.connect)

    def start(self, argv: Sequence[str], *, timeout: float, terminal: bool = False) -> Process:
        """See `Link.start`."""
        del timeout
        process = Process(self._forget, terminal=terminal)
        self._keep(process)
        process.begin(lambda running: self._host.run(running, tuple(argv)))
        return process

    def check(self, *, timeout: float) -> None:
        """See `Link.check`: it is there until it is closed."""
        del timeout
        self._living()

    def on_narrow(self, callback: Callable[[], None]) -> None:
        """See `Link.on_narrow`: there is room for any number of processes."""

    def on_lost(self, callback: Callable[[], None]) -> None:
        """See `Link.on_lost`."""
        with self._lock:
            if not self._ended:
                self._callbacks.append(callback)
                return
        callback()

    def close(self) -> None:
        """See `Link.close`."""
        with self._lock:
            if self._ended:
                return
            self._ended = True
            ending, callbacks = list(self._open), self._callbacks
        for each in ending:
            each.lose()
        for callback in callbacks:
            callback()

    def _connected(self, to: Callable[[Connection], None]) -> NearEnd:
        connection = Connection(self._forget)
        self._keep(connection.near)
        to(connection)
        return connection.near

    def _keep(self, each: NearEnd | Process) -> None:
        with self._lock:
            if not self._ended:
                self._open.add(each)
                return
        raise LinkLost(reason="closed")

    def _forget(self, each: NearEnd | Process) -> None:
        with self._lock:
            self._open.discard(each)

    def _living(self) -> None:
        if self._ended:
            raise LinkLost(reason="closed")


def open_demo(host: Spark | None = None) -> Remote:
    """The demo as a connected host; without ``host`` the one of this program."""
    return RemoteHost(DemoLink(spark() if host is None else host))
