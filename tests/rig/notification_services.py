"""Notification services that behave otherwise than the usual one, and a real one."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from jeepney import HeaderFields, Message, MessageType, message_bus  # type: ignore[import-untyped]

from tests.rig.desktop import NOTIFICATIONS, Desktop, Notifications, with_reply
from tests.rig.namespace import end
from tests.waiting import scaled, wait_until

USUAL = ("body", "body-markup", "actions", "persistence")


class Peculiar(Notifications):
    """One that can only so much, and when it ``hangs`` takes calls and never answers."""

    def __init__(self, address: str, capabilities: tuple[str, ...], *, hangs: bool) -> None:
        self.calls: list[str] = []
        self.hangs = hangs
        self._capabilities = capabilities
        super().__init__(address)

    def _take(self, message: Message) -> None:
        if message.header.message_type is MessageType.method_call:
            self.calls.append(str(message.header.fields[HeaderFields.member]))
            if self.hangs:
                return
        super()._take(message)

    def answer(self, member: str, message: Message) -> tuple[str | None, tuple[Any, ...]] | None:
        """As the usual one, but for what it can."""
        if member == "GetCapabilities":
            return "as", (list(self._capabilities),)
        return super().answer(member, message)

    def click(self, identity: int, token: str) -> None:
        """A person clicks a notification, and a window may come to the front by that token."""
        self.emit("ActivationToken", "us", (identity, token))
        self.press(identity, "default")

    def dismiss(self, identity: int) -> None:
        """A person closes a notification (reason 2 of the specification)."""
        self.emit("NotificationClosed", "uu", (identity, 2))


@contextmanager
def service(
    desktop: Desktop, capabilities: tuple[str, ...] = USUAL, *, hangs: bool = False
) -> Iterator[Peculiar]:
    """Such a service, while the block lasts."""
    made = Peculiar(desktop.address, capabilities, hangs=hangs)
    try:
        yield made
    finally:
        made.close()


class Dunst:
    """Debian's dunst, and what its own tool tells of it."""

    def __init__(self, desktop: Desktop) -> None:
        self._environment = {**os.environ, **desktop.environment}
        settings = desktop.folder / "dunstrc"
        # Nothing vanishes by itself, and no icon theme is searched.
        stay = "".join(f"[urgency_{name}]\ntimeout = 0\n" for name in ("low", "normal", "critical"))
        settings.write_text(f"[global]\nicon_position = off\nwidth = 500\n{stay}")
        quiet = subprocess.DEVNULL
        command = ["dunst", "-config", str(settings)]
        self._process = subprocess.Popen(command, env=self._environment, stdout=quiet, stderr=quiet)
        owned = message_bus.NameHasOwner(NOTIFICATIONS)
        wait_until(lambda: with_reply(desktop.address, owned)[0], "dunst on the bus", seconds=20)

    def close(self) -> None:
        """End it."""
        end(self._process)

    def control(self, *words: str) -> str:
        """What `dunstctl` prints."""
        return subprocess.run(
            ["dunstctl", *words],
            env=self._environment,
            check=True,
            capture_output=True,
            text=True,
            timeout=scaled(10),
        ).stdout

    @property
    def displayed(self) -> int:
        """How many notifications are on the screen."""
        return int(self.control("count", "displayed"))

    def history(self) -> list[dict[str, Any]]:
        """What was shown and then closed, the latest first, by dunst's own names."""
        kept = json.loads(self.control("history"))["data"][0]
        return [{name: value["data"] for name, value in entry.items()} for entry in kept]


@contextmanager
def dunst(desktop: Desktop) -> Iterator[Dunst]:
    """The real service, while the block lasts."""
    made = Dunst(desktop)
    try:
        yield made
    finally:
        made.close()
