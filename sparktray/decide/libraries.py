"""What the system's loader says of a library that is missing, and the package that holds it."""

from __future__ import annotations

import re

from sparktray.domain.phrase import phrase
from sparktray.domain.problem import Problem

# Debian 12 and Ubuntu 24.04, for what Qt 6.11 loads: its libraries, and its platforms xcb and wayland.
_PACKAGES = {
    "libEGL.so.1": "libegl1",
    "libGL.so.1": "libgl1",
    "libX11-xcb.so.1": "libx11-xcb1",
    "libX11.so.6": "libx11-6",
    "libdbus-1.so.3": "libdbus-1-3",
    "libfontconfig.so.1": "libfontconfig1",
    "libfreetype.so.6": "libfreetype6",
    "libgcc_s.so.1": "libgcc-s1",
    "libglib-2.0.so.0": "libglib2.0-0",
    "libgthread-2.0.so.0": "libglib2.0-0",
    "libstdc++.so.6": "libstdc++6",
    "libwayland-client.so.0": "libwayland-client0",
    "libwayland-cursor.so.0": "libwayland-cursor0",
    "libxcb-cursor.so.0": "libxcb-cursor0",
    "libxcb-icccm.so.4": "libxcb-icccm4",
    "libxcb-image.so.0": "libxcb-image0",
    "libxcb-keysyms.so.1": "libxcb-keysyms1",
    "libxcb-randr.so.0": "libxcb-randr0",
    "libxcb-render-util.so.0": "libxcb-render-util0",
    "libxcb-render.so.0": "libxcb-render0",
    "libxcb-shape.so.0": "libxcb-shape0",
    "libxcb-shm.so.0": "libxcb-shm0",
    "libxcb-sync.so.1": "libxcb-sync1",
    "libxcb-util.so.1": "libxcb-util1",
    "libxcb-xfixes.so.0": "libxcb-xfixes0",
    "libxcb-xkb.so.1": "libxcb-xkb1",
    "libxcb.so.1": "libxcb1",
    "libxkbcommon-x11.so.0": "libxkbcommon-x11-0",
    "libxkbcommon.so.0": "libxkbcommon0",
}
# glibc's ld.so, in every language: the name of the file comes first.
_SAID = re.compile(r"(lib[\w.+-]*\.so[.\d]*): cannot open shared object file")


def missing_library(said: str) -> Problem | None:
    """The problem behind these words of the loader (dlopen(3), an ImportError); None for another one."""
    found = _SAID.search(said)
    if found is None:
        return None
    cause = phrase(
        "The system library {library} is missing; no window can be shown without it.", library=found[1]
    )
    remedy = phrase("Install the package of your system that holds it.")
    package = _PACKAGES.get(found[1])
    if package is not None:
        remedy = phrase("On Debian and Ubuntu: {command}", command=f"sudo apt install {package}")
    return Problem("library-missing", cause, remedy, said)
