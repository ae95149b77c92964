"""What runs in a container of the demo: its main process, as a thread."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from sparktray.demo.docker.container import Held
from sparktray.demo.serving import Answer, Request, as_json, serve
from sparktray.demo.streams import Connection


class Ended(Exception):
    """The process was asked to end, or ended by itself; ``code`` is its exit code."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


class Guest:
    """A process that ends when it is asked to. Subclasses say what else it does.

    ``held`` is what it has of the memory, in bytes; ``listens`` whether its port answers, ``up`` is set
    when it is as ready as it gets.
    """

    after_term = 0
    """The exit code after SIGTERM."""

    def __init__(self, container: Held) -> None:
        self.container = container
        self.held = 0
        self.listens = False
        self.up = threading.Event()
        self._asked = threading.Event()
        self._connecting = threading.Lock()
        self._connections: set[Connection] = set()
        self._code: int | None = None
        self._thread: threading.Thread | None = None

    def begin(self, over: Callable[[int], None]) -> None:
        """Run on a thread of its own; ``over`` gets the exit code."""

        def work() -> None:
            try:
                code = self.live()
            except Ended as ended:
                code = ended.code
            self.held, self.listens = 0, False
            with self._connecting:
                connections, self._connections = self._connections, set()
            for connection in connections:
                connection.close()  # as the kernel does: what is sent there later is not for who comes next
            over(code)

        name = f"sparktray-demo-{self.container.name}"
        self._thread = threading.Thread(target=work, name=name, daemon=True)
        self._thread.start()

    def end(self, code: int | None) -> None:
        """Ask it to end, from any thread; with ``code`` it is killed and ends with that."""
        self._code = code
        self._asked.set()

    def join(self, seconds: float) -> None:
        """Wait for its end."""
        if self._thread is not None:
            self._thread.join(seconds)

    def connect(self, connection: Connection) -> None:
        """Answer what comes on a connection to its port."""
        with self._connecting:
            self._connections.add(connection)
            if not self.listens:
                connection.close()
        connection.on_gone(lambda: self._connections.discard(connection))
        serve(connection, self.answer)

    def live(self) -> int:
        """All that it does; the exit code."""
        self.rest(None)
        return 0

    def answer(self, request: Request) -> Answer:
        """What its port answers, while it listens. On a thread of the connection."""
        return as_json({"detail": "Not Found"}, 404)

    def rest(self, seconds: float | None) -> None:
        """Let time pass, without end for None. Raises `Ended` as soon as it shall end."""
        if self._asked.wait(seconds):
            raise Ended(self.after_term if self._code is None else self._code)

    def say(self, line: str, stream: int = 2) -> None:
        """A line of its log."""
        self.container.log.say(time.time(), line.encode() + b"\n", stream)


class Sleeper(Guest):
    """`sleep`: as the first process of its container it does not know SIGTERM, and is killed."""

    after_term = 137
