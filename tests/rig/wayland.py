"""A real Wayland compositor without a screen: sway on wlroots' headless backend."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.rig.namespace import end
from tests.rig.people import SPARKUSER
from tests.waiting import wait_until

_SECONDS = 20


class Wayland:
    """The compositor as its clients and a person at its keyboard see it."""

    def __init__(self, socket: Path, control: Path) -> None:
        self._socket = socket
        self._control = control

    @property
    def environment(self) -> dict[str, str]:
        """What a program of this desktop finds in its environment."""
        return {"WAYLAND_DISPLAY": str(self._socket), "QT_QPA_PLATFORM": "wayland"}

    def _run(self, *command: str) -> bytes:
        environment = {**os.environ, **self.environment}
        return subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            check=False,
            env=environment,
            timeout=_SECONDS,
        ).stdout

    def pasted(self) -> bytes:
        """What another client gets from the clipboard."""
        return self._run("wl-paste", "--no-newline")

    def empty(self) -> None:
        """Let there be nothing on the clipboard."""
        self._run("wl-copy", "--clear")

    def focused(self) -> str:
        """The title of the window that has the keyboard, empty when none has."""
        tree: Any = json.loads(self._run("swaymsg", "-s", str(self._control), "-r", "-t", "get_tree"))
        waiting = [tree]
        while waiting:
            node = waiting.pop()
            if node["focused"] and node.get("pid"):
                return str(node["name"])
            waiting += node["nodes"] + node["floating_nodes"]
        return ""

    def press(self, key: str) -> None:
        """Press a key, at a keyboard that is there for just that; a client needs a while to notice it."""
        self._run("wtype", "-s", "200", "-k", key, "-s", "200")


@contextmanager
def compositor() -> Iterator[Wayland]:
    """One that runs while the block lasts; as another user, for sway refuses to be root."""
    with tempfile.TemporaryDirectory(prefix="wayland-") as name:
        folder = Path(name)
        (folder / "config").write_text("xwayland disable\n", encoding="ascii")
        os.chown(folder, SPARKUSER.uid, SPARKUSER.uid)
        environment = {
            **os.environ,
            "XDG_RUNTIME_DIR": name,
            "SWAYSOCK": f"{name}/control",
            "WLR_BACKENDS": "headless",
            "WLR_LIBINPUT_NO_DEVICES": "1",
            "WLR_RENDERER": "pixman",
        }
        quiet = subprocess.DEVNULL
        process = subprocess.Popen(
            ["sway", "-c", f"{name}/config"],
            stdin=quiet,
            stdout=quiet,
            stderr=quiet,
            env=environment,
            user=SPARKUSER.uid,
            group=SPARKUSER.uid,
            extra_groups=[],
        )
        try:
            socket = folder / "wayland-1"
            wait_until(lambda: socket.exists() and (folder / "control").exists(), "sway", seconds=_SECONDS)
            yield Wayland(socket, folder / "control")
        finally:
            end(process)
