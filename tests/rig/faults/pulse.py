"""Asks the tray again and again what it shows, as a panel does: what it said, and how quickly it answered."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass

from jeepney import (  # type: ignore[import-untyped]  # ships no types
    DBusAddress,
    MessageType,
    Properties,
)
from jeepney.io.blocking import open_dbus_connection  # type: ignore[import-untyped]

from tests.rig.desktop import ITEM
from tests.waiting import scaled

_EVERY_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class Beat:
    """One answer: what the tooltip said, since which moment (monotonic)."""

    said: str
    since: float


class Pulse:
    """A thread that reads the tooltip ten times a second and notes every change and the slowest answer."""

    def __init__(self, address: str, name: str) -> None:
        self.beats: list[Beat] = []
        self.slowest = 0.0
        self._connection = open_dbus_connection(address)
        self._item = DBusAddress("/StatusNotifierItem", bus_name=name, interface=ITEM)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._ask, name="pulse", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End it."""
        self._over.set()
        self._thread.join()
        self._connection.close()

    @property
    def said(self) -> str:
        """What is shown now."""
        return self.beats[-1].said if self.beats else ""

    def since(self, moment: float) -> list[str]:
        """All that was shown since then, in order, what was there at that moment first."""
        before = [beat.said for beat in self.beats if beat.since < moment][-1:]
        return before + [beat.said for beat in self.beats if beat.since >= moment]

    def _ask(self) -> None:
        while not self._over.wait(_EVERY_SECONDS):
            asked = time.monotonic()
            reply = self._connection.send_and_get_reply(
                Properties(self._item).get("ToolTip"), timeout=scaled(30.0)
            )
            now = time.monotonic()
            if reply.header.message_type is MessageType.error:
                return  # the tray has ended
            self.slowest = max(self.slowest, now - asked)
            said = str(reply.body[0][1][2])
            if said != self.said:
                self.beats.append(Beat(said, now))
