"""A real Secret Service: gnome-keyring on the session bus of a desktop, with a home of its own."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from signal import SIGCONT, SIGKILL, SIGSTOP
from unittest.mock import patch

import secretstorage
from jeepney import message_bus  # type: ignore[import-untyped]  # ships no types

from tests.rig.desktop import Desktop, with_reply
from tests.rig.namespace import end
from tests.waiting import scaled, wait_until

BUS_NAME = "org.freedesktop.secrets"
PASSWORD = "of the keyring"
# What would lead gnome-keyring, or the library, to another home or screen than those made here.
_ELSEWHERE = (
    *("XDG_DATA_HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME", "PYTHON_KEYRING_BACKEND"),
    *("DISPLAY", "WAYLAND_DISPLAY", "XAUTHORITY"),
)


class SecretService:
    """gnome-keyring-daemon on a bus. It is started by hand, unlocked, as a login does."""

    def __init__(self, desktop: Desktop, home: Path) -> None:
        self.home = home
        self._address = desktop.address
        self._desktop = desktop
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def environment(self) -> dict[str, str]:
        """The whole environment of a program of this desktop's user."""
        kept = {name: value for name, value in os.environ.items() if name not in _ELSEWHERE}
        return {**kept, **self._desktop.environment, "HOME": str(self.home)}

    def start(self) -> None:
        """Have it on the bus, unlocked."""
        arguments = ["gnome-keyring-daemon", "--foreground", "--unlock", "--components=secrets"]
        quiet = subprocess.DEVNULL
        process = subprocess.Popen(
            arguments, stdin=subprocess.PIPE, stdout=quiet, stderr=quiet, env=self.environment
        )
        self._process = process
        assert process.stdin is not None
        process.stdin.write(PASSWORD.encode())
        process.stdin.close()
        wait_until(self._usable, "gnome-keyring on the bus", seconds=20)

    def _usable(self) -> bool:
        if not self.running():
            return False
        with closing(secretstorage.dbus_init()) as bus:
            return not secretstorage.get_default_collection(bus).is_locked()

    def running(self) -> bool:
        """Whether anybody serves secrets on the bus."""
        return bool(with_reply(self._address, message_bus.NameHasOwner(BUS_NAME))[0])

    def hang(self) -> None:
        """It takes no notice of anything any more."""
        self._signal(SIGSTOP)

    def go_on(self) -> None:
        """It goes on where it stopped."""
        self._signal(SIGCONT)

    def kill(self) -> None:
        """It is gone at once, also while it hangs."""
        self._signal(SIGKILL)
        assert self._process is not None
        self._process.wait(scaled(10))

    def lock(self) -> None:
        """Lock it, as the screen's lock does on some desktops."""
        with closing(secretstorage.dbus_init()) as bus:
            secretstorage.get_default_collection(bus).lock()

    def values(self) -> dict[str, str]:
        """All that it keeps, read without the program's code: names and values."""
        with closing(secretstorage.dbus_init()) as bus:
            items = list(secretstorage.get_default_collection(bus).get_all_items())
            return {item.get_attributes()["service"]: item.get_secret().decode() for item in items}

    def close(self) -> None:
        """End it."""
        if self._process is not None:
            end(self._process)

    def _signal(self, number: int) -> None:
        assert self._process is not None
        self._process.send_signal(number)


@contextmanager
def secret_service(home: Path) -> Iterator[tuple[Desktop, SecretService]]:
    """A desktop and its keyring, running and unlocked; this process is a program of that desktop."""
    with patch.dict(os.environ, {"HOME": str(home)}):
        for name in _ELSEWHERE:
            os.environ.pop(name, None)
        # The bus starts services itself, a new keyring among them: with this home, not with the machine's.
        desktop = Desktop()
        service = SecretService(desktop, home)
        try:
            with patch.dict(os.environ, desktop.environment):
                service.start()
                yield desktop, service
        finally:
            service.close()
            desktop.close()


def prompt_on_screen(desktop: Desktop) -> None:
    """Services that the bus starts find the screen, so that the keyring can ask a person there."""
    with_reply(desktop.address, message_bus.UpdateActivationEnvironment({"DISPLAY": desktop.display}))
