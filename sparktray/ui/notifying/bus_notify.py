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

from jeepney import (  # type: ignore[import-untyped]  # ships no types
    DBusAddress,
    HeaderFields,
    MatchRule,
    MessageType,
    message_bus,
    new_method_call,
)
from jeepney.io.blocking import DBusConnection, open_dbus_connection  # type: ignore[import-untyped]
from PySide6.QtCore import QObject, Signal

from sparktray.ui.labels import body
from sparktray.ui.notifying.notify import Message

_SERVICE = "org.freedesktop.Notifications"
_AT = DBusAddress("/org/freedesktop/Notifications", bus_name=_SERVICE, interface=_SERVICE)
_BY_DEFAULT = -1  # the service decides how long it stays
_LONGEST_END = 0.5  # seconds; the thread only ever waits for the bus
_log = logging.getLogger(__name__)

_Job = Message | str | None


class BusNotifications(QObject):
    """A `Notifier` with a thread of its own, which holds the connection and all ids.

    ``pressed`` carries the key of a notification whose button, or which itself, was clicked.
    """

    pressed = Signal(str)

    def __init__(self, application: str, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._application = application
        self._jobs: queue.SimpleQueue[_Job] = queue.SimpleQueue()
        self._wake, self._woken = socket.socketpair()
        self._wake.setblocking(False)
        self._ids: dict[str, int] = {}
        self._asked: dict[int, str] = {}
        self._later: dict[str, Message | None] = {}
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

    def _put(self, job: _Job) -> None:
        self._jobs.put(job)
        with suppress(OSError):  # full: it is awake; gone: it ended
            self._wake.send(b"\0")

    def _work(self) -> None:
        try:
            with self._woken, open_dbus_connection() as connection, selectors.DefaultSelector() as ready:
                rule = MatchRule(type="signal", interface=_SERVICE, path=_AT.object_path)
                connection.send_and_get_reply(message_bus.AddMatch(rule))
                ready.register(connection.sock, selectors.EVENT_READ)
                ready.register(self._woken, selectors.EVENT_READ)
                while self._go_on(connection, {key.fileobj for key, _ in ready.select()}):
                    pass
        except (OSError, KeyError, ValueError, EOFError) as error:
            _log.info("no notifications: %s", error)

    def _go_on(self, connection: DBusConnection, ready: set[Any]) -> bool:
        if connection.sock in ready:
            with suppress(TimeoutError):
                while True:
                    self._heard(connection, connection.receive(timeout=0))
        if self._woken in ready:
            self._woken.recv(4096)
            with suppress(queue.Empty):
                while True:
                    job = self._jobs.get_nowait()
                    if job is None:
                        return False
                    self._do(connection, job)
        return True

    def _do(self, connection: DBusConnection, job: Message | str) -> None:
        key = job if isinstance(job, str) else job.key
        if key in self._asked.values():
            # Its id is on its way, without which it can neither be replaced nor withdrawn.
            self._later[key] = None if isinstance(job, str) else job
        elif isinstance(job, Message):
            self._notify(connection, job)
        elif key in self._ids:
            connection.send(new_method_call(_AT, "CloseNotification", "u", (self._ids.pop(key),)))

    def _notify(self, connection: DBusConnection, message: Message) -> None:
        buttons = [] if message.action is None else ["default", message.action, "act", message.action]
        hints = {"urgency": ("y", int(message.weight)), "desktop-entry": ("s", self._application)}
        replaces = self._ids.get(message.key, 0)
        text = (message.title, body(message.text))
        values = (self._application, replaces, self._application, *text, buttons, hints, _BY_DEFAULT)
        serial = next(connection.outgoing_serial)
        self._asked[serial] = message.key
        connection.send(new_method_call(_AT, "Notify", "susssasa{sv}i", values), serial=serial)

    def _heard(self, connection: DBusConnection, message: Any) -> None:
        fields = message.header.fields
        kind = message.header.message_type
        if kind in {MessageType.method_return, MessageType.error}:
            self._answered(connection, fields.get(HeaderFields.reply_serial), message)
        elif kind is MessageType.signal:
            self._told(fields.get(HeaderFields.member), message.body)

    def _answered(self, connection: DBusConnection, serial: int, message: Any) -> None:
        key = self._asked.pop(serial, None)
        if key is None:
            return
        if message.header.message_type is MessageType.error:
            _log.info("not notified: %s", message.body)
        else:
            self._ids[key] = message.body[0]
        if key in self._later:
            later = self._later.pop(key)
            self._do(connection, key if later is None else later)

    def _told(self, member: str, values: tuple[Any, ...]) -> None:
        key = next((key for key, identity in self._ids.items() if values and identity == values[0]), None)
        if key is None:
            return
        if member == "ActionInvoked":
            self.pressed.emit(key)
        elif member == "NotificationClosed":
            del self._ids[key]
