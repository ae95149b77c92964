"""Notifications over D-Bus (org.freedesktop.Notifications), with buttons and replaced by id.

Not by PySide6.QtDBus: it sends every int as ``i`` (6.11.3 and 6.12.0), where Notify takes a ``u``.
"""

from __future__ import annotations

import logging
import queue
import selectors
import socket
import threading
from contextlib import suppress
from typing import Any

from jeepney.io.blocking import DBusConnection, open_dbus_connection  # type: ignore[import-untyped]
from PySide6.QtCore import QObject, Signal

from sparktray.ui.notifying.notify import Message
from sparktray.ui.notifying.service import Job, Service

_LONGEST_END = 0.5  # seconds; the thread only ever waits for the bus
_AUTHENTICATION_SECONDS = 10.0  # jeepney's own 1 s is short for a machine where a session just begins
_log = logging.getLogger(__name__)


class BusNotifications(QObject):
    """A `Notifier` with a thread of its own, which holds the connection and all ids.

    ``pressed`` carries the key of a notification whose button was pressed; ``clicked`` tells that one
    was clicked itself, with the token by which a window may come to the front ("" without one).
    """

    pressed = Signal(str)
    clicked = Signal(str)

    def __init__(self, application: str, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._application = application
        self._jobs: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._wake, self._woken = socket.socketpair()
        self._wake.setblocking(False)
        self._thread = threading.Thread(target=self._work, name="sparktray-notifications", daemon=True)
        self._thread.start()

    def show(self, message: Message) -> None:
        """Show it; returns at once."""
        self._put(message)

    def withdraw(self, key: str) -> None:
        """Take it back; returns at once."""
        self._put(key)

    def close(self) -> None:
        """End the thread. What is shown stays."""
        self._put(None)
        self._thread.join(_LONGEST_END)
        self._wake.close()

    def _put(self, job: Job | None) -> None:
        self._jobs.put(job)
        with suppress(OSError):  # full: it is awake; gone: it ended
            self._wake.send(b"\0")

    def _work(self) -> None:
        try:
            with (
                self._woken,
                open_dbus_connection(auth_timeout=_AUTHENTICATION_SECONDS) as connection,
                selectors.DefaultSelector() as ready,
            ):
                service = Service(connection, self._application, self.pressed.emit, self.clicked.emit)
                ready.register(connection.sock, selectors.EVENT_READ)
                ready.register(self._woken, selectors.EVENT_READ)
                while self._go_on(service, connection, {key.fileobj for key, _ in ready.select()}):
                    pass
        except (OSError, KeyError, ValueError, EOFError) as error:
            _log.info("no notifications: %s", error)

    def _go_on(self, service: Service, connection: DBusConnection, ready: set[Any]) -> bool:
        if connection.sock in ready:
            with suppress(TimeoutError):
                while True:
                    service.hear(connection.receive(timeout=0))
        if self._woken in ready:
            self._woken.recv(4096)
            with suppress(queue.Empty):
                while True:
                    job = self._jobs.get_nowait()
                    if job is None:
                        return False
                    service.do(job)
        return True
