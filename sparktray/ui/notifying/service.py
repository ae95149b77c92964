"""The desktop's notification service as one connection sees it: what it can, and what it shows of ours."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from jeepney import (  # type: ignore[import-untyped]  # ships no types
    DBusAddress,
    HeaderFields,
    MatchRule,
    MessageType,
    message_bus,
    new_method_call,
)
from jeepney.io.blocking import DBusConnection  # type: ignore[import-untyped]

from sparktray.domain.text import clean_line
from sparktray.ui.labels import body
from sparktray.ui.notifying.notify import Message
from sparktray.ui.process import IDENTITY

_SERVICE = "org.freedesktop.Notifications"
_AT = DBusAddress("/org/freedesktop/Notifications", bus_name=_SERVICE, interface=_SERVICE)
_BY_DEFAULT = -1  # the service decides how long it stays
_BODY, _BUTTON = "default", "act"  # the first is the specification's own word for a click on the body
_log = logging.getLogger(__name__)

Job = Message | str
"""A message to show, or the key of one to take back."""


class Service:
    """Sends messages and keeps their ids. For one thread; nothing in it waits for the service's answers.

    ``pressed`` is called with the key of a message whose button was pressed, ``clicked`` when one was
    clicked itself, with the token by which a window may come to the front ("" without one; the
    specification has them since 1.2). Calls raise OSError when the bus is gone.

    A service may be missing, slow, started by the first call, or replaced by another one while we run
    (Desktop Notifications Specification 1.2 promises nothing). What it can is asked before the first
    message, because one that shows no markup shows ``&amp;`` as it stands, and one without buttons may
    make a dialog of them.
    """

    def __init__(
        self,
        connection: DBusConnection,
        application: str,
        pressed: Callable[[str], None],
        clicked: Callable[[str], None],
    ) -> None:
        self._connection = connection
        self._application = application
        self._pressed = pressed
        self._clicked = clicked
        self._can: frozenset[str] | None = None
        self._asking: int | None = None  # the serial of the question what it can
        self._ids: dict[str, int] = {}
        self._sent: dict[int, str] = {}  # serial of a Notify without an answer yet: key
        self._later: dict[str, Message | None] = {}
        self._token = ""
        owner = MatchRule(type="signal", interface=message_bus.interface, member="NameOwnerChanged")
        owner.add_arg_condition(0, _SERVICE)
        # By its name, so that the bus sends on only what the owner of the name says.
        signals = MatchRule(type="signal", sender=_SERVICE, interface=_SERVICE, path=_AT.object_path)
        for rule in (owner, signals):
            self._call(message_bus.AddMatch(rule))

    def do(self, job: Job) -> None:
        """Show or take back; later, while the service has something of that key to answer first."""
        key = job if isinstance(job, str) else job.key
        if self._can is None or key in self._sent.values():
            self._later[key] = None if isinstance(job, str) else job
            if self._can is None and self._asking is None and isinstance(job, Message):
                self._asking = self._call(new_method_call(_AT, "GetCapabilities"))
        elif isinstance(job, Message):
            self._notify(job, self._can)
        elif key in self._ids:
            self._call(new_method_call(_AT, "CloseNotification", "u", (self._ids.pop(key),)))

    def hear(self, message: Any) -> None:
        """Take in whatever came on the connection."""
        fields, kind = message.header.fields, message.header.message_type
        if kind in {MessageType.method_return, MessageType.error}:
            values = message.body if kind is MessageType.method_return else None
            if values is None:
                _log.info("the notification service: %s", message.body)
            self._answered(fields.get(HeaderFields.reply_serial), values)
        elif kind is MessageType.signal and fields.get(HeaderFields.interface) == _SERVICE:
            self._told(str(fields.get(HeaderFields.member)), message.body)
        elif kind is MessageType.signal and fields.get(HeaderFields.member) == "NameOwnerChanged":
            self._replaced(there=bool(message.body[2]))

    def _call(self, message: Any) -> int:
        serial: int = next(self._connection.outgoing_serial)
        self._connection.send(message, serial=serial)
        return serial

    def _notify(self, message: Message, can: frozenset[str]) -> None:
        buttons: list[str] = []
        if "actions" in can:
            buttons = [_BODY, message.opening]
            buttons += [] if message.action is None else [_BUTTON, message.action]
        text = body(message.text) if "body-markup" in can else _plain(message.text)
        hints = {"urgency": ("y", int(message.weight)), "desktop-entry": ("s", IDENTITY)}
        replaces = self._ids.get(message.key, 0)
        about = (self._application, replaces, self._application, _plain(message.title), text)
        values = (*about, buttons, hints, _BY_DEFAULT)
        self._sent[self._call(new_method_call(_AT, "Notify", "susssasa{sv}i", values))] = message.key

    def _answered(self, serial: int, values: tuple[Any, ...] | None) -> None:
        """Take an answer; ``values`` are None for an error."""
        if serial == self._asking:
            self._asking = None
            self._can = frozenset(values[0]) if values else None
            later, self._later = self._later, {}
            if self._can is not None:
                for key, job in later.items():
                    self.do(key if job is None else job)
        elif serial in self._sent:
            key = self._sent.pop(serial)
            if values:
                self._ids[key] = values[0]
            if key in self._later:
                job = self._later.pop(key)
                self.do(key if job is None else job)

    def _told(self, member: str, values: tuple[Any, ...]) -> None:
        """Take a signal of the service; it tells them of all programs' notifications to all programs."""
        keys = {identity: key for key, identity in self._ids.items()}
        match member, values:
            case "NotificationClosed", (int(identity), _) if identity in keys:
                del self._ids[keys[identity]]
            case "ActivationToken", (int(identity), str(token)) if identity in keys:
                self._token = token  # of the action that is told next
            case "ActionInvoked", (int(identity), str(action)) if identity in keys:
                token, self._token = self._token, ""
                if action == _BUTTON:
                    self._pressed(keys[identity])
                else:
                    self._clicked(token)
            case _:
                pass

    def _replaced(self, *, there: bool) -> None:
        """Another service, or none: it knows nothing of what was sent. What was not sent yet waits for it."""
        self._can, self._asking = None, None
        self._ids.clear()
        self._sent.clear()
        if there:
            later, self._later = self._later, {}
            for message in later.values():
                if message is not None:
                    self.do(message)


def _plain(text: str) -> str:
    return clean_line(text.replace("\n", " "))
