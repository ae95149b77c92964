"""The screen of a test's desktop as a person has it: looked at, pointed at, typed on."""

from __future__ import annotations

import os
import struct
import subprocess
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.rig.namespace import end
from tests.waiting import wait_until

_BYTES = 3  # of a pixel: red, green, blue


@dataclass(frozen=True, slots=True)
class Area:
    """A rectangle of the screen, in its pixels."""

    left: int
    top: int
    width: int
    height: int

    def shrunk(self, by: int) -> Area:
        """The same without a frame of that width."""
        return Area(self.left + by, self.top + by, self.width - 2 * by, self.height - 2 * by)


@dataclass(frozen=True, slots=True)
class Picture:
    """Pixels, row by row from the top left, three bytes each: red, green, blue."""

    width: int
    height: int
    pixels: bytes

    def row(self, number: int) -> bytes:
        """One row of pixels."""
        length = self.width * _BYTES
        return self.pixels[number * length : (number + 1) * length]

    def cut(self, area: Area) -> Picture:
        """That part of it; an area that leaves the picture raises."""
        assert 0 <= area.left <= area.left + area.width <= self.width, (area, self.width)
        assert 0 <= area.top <= area.top + area.height <= self.height, (area, self.height)
        begin, end = area.left * _BYTES, (area.left + area.width) * _BYTES
        rows = (self.row(number)[begin:end] for number in range(area.top, area.top + area.height))
        return Picture(area.width, area.height, b"".join(rows))

    def colours(self, number: int) -> frozenset[bytes]:
        """The colours of one row."""
        row = self.row(number)
        return frozenset(row[at : at + _BYTES] for at in range(0, len(row), _BYTES))

    def save(self, path: Path) -> Path:
        """Write it as PNG; the path."""

        def chunk(kind: bytes, content: bytes) -> bytes:
            sealed = kind + content
            return struct.pack(">I", len(content)) + sealed + struct.pack(">I", zlib.crc32(sealed))

        lines = b"".join(b"\0" + self.row(number) for number in range(self.height))
        head = struct.pack(">2I5B", self.width, self.height, 8, 2, 0, 0, 0)
        path.parent.mkdir(parents=True, exist_ok=True)
        chunks = chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(lines, 9)) + chunk(b"IEND", b"")
        path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunks)
        return path


def changed(look: Callable[[], Picture], *unlike: Picture) -> Picture:
    """What is seen as soon as it is like none of these."""
    seen: list[Picture] = []

    def differs() -> bool:
        seen[:] = [look()]
        return seen[0] not in unlike

    wait_until(differs, "the picture to change", seconds=20)
    return seen[0]


def at_rest(look: Callable[[], Picture], *unlike: Picture, seconds: float = 20.0) -> Picture:
    """What is seen once it is like none of these and does not change between two looks."""
    seen: list[Picture] = [look()]

    def rests() -> bool:
        before, seen[:] = seen[0], [look()]
        return seen[0] == before and before not in unlike

    # GTK fades what the mouse has left for 0.2 s, and a panel fetches an icon after it was told of it.
    wait_until(rests, "the picture to be at rest", seconds=seconds, every=0.25)
    return seen[0]


class Screen:
    """An X display with a mouse and a keyboard."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = {**os.environ, **environment}

    def look(self) -> Picture:
        """The whole screen, as it is now."""
        done = subprocess.run(
            ["xwd", "-root", "-silent"], capture_output=True, check=True, env=self._environment, timeout=30
        )
        return _picture(done.stdout)

    def windows(self, name: str) -> tuple[int, ...]:
        """The ids of the windows on the screen whose class or title is that, whole."""
        exactly = f"^{name}$"
        found = self._xdotool("search", "--onlyvisible", "--class", exactly, check=False).split()
        found += self._xdotool("search", "--onlyvisible", "--name", exactly, check=False).split()
        return tuple(dict.fromkeys(int(word) for word in found))

    def area(self, window: int) -> Area | None:
        """Where a window is; None when it is gone."""
        said = self._xdotool("getwindowgeometry", "--shell", str(window), check=False)
        given = dict(line.split("=", 1) for line in said.splitlines())
        if "WIDTH" not in given:
            return None
        return Area(*(int(given[word]) for word in ("X", "Y", "WIDTH", "HEIGHT")))

    def point(self, left: int, top: int) -> None:
        """Move the mouse there."""
        self._xdotool("mousemove", str(left), str(top))

    def click(self, left: int, top: int, button: int = 1) -> None:
        """Press a button of the mouse there: 1 left, 2 middle, 3 right."""
        self._xdotool("mousemove", str(left), str(top), "click", str(button))

    def press(self, *keys: str) -> None:
        """Press keys, each a name or a combination such as `ctrl+2`, on what has the focus."""
        self._xdotool("key", *keys)

    def focus(self, window: int) -> None:
        """Give a window the keyboard, as a window manager does."""
        self._xdotool("windowfocus", "--sync", str(window))

    def place(self, window: int, left: int, top: int) -> None:
        """Move a window, as a window manager does."""
        self._xdotool("windowmove", "--sync", str(window), str(left), str(top))

    def _xdotool(self, *words: str, check: bool = True) -> str:
        done = subprocess.run(
            ["xdotool", *words],
            capture_output=True,
            text=True,
            check=False,
            env=self._environment,
            timeout=30,
        )
        assert done.returncode == 0 or not check, (words, done.stderr)
        return done.stdout


def _picture(dump: bytes) -> Picture:
    """Read what xwd writes (XWDFile.h, version 7): 25 big-endian words, a name, colours, pixels."""
    words = struct.unpack(">25I", dump[:100])
    head, version, width, height = words[0], words[1], words[4], words[5]
    order, bits, line, colours = words[7], words[11], words[12], words[19]
    # Xvfb packs depth 24 into three bytes or four, as its version has it; its lines are padded either way.
    assert (version, order) == (7, 0) and bits in (24, 32), words
    begin = head + colours * 12
    step = bits // 8
    rows = []
    for number in range(height):
        row = dump[begin + number * line : begin + number * line + width * step]
        pixels = bytearray(width * _BYTES)
        for ours, theirs in ((0, 2), (1, 1), (2, 0)):  # least significant byte first: blue, green, red
            pixels[ours::_BYTES] = row[theirs::step]
        rows.append(bytes(pixels))
    return Picture(width, height, b"".join(rows))


@contextmanager
def display(width: int, height: int) -> Iterator[str]:
    """One more X server with a screen of that size, while the block lasts; the name of its display."""
    reading, writing = os.pipe()
    size = f"{width}x{height}x24"
    command = ["Xvfb", "-displayfd", str(writing), "-screen", "0", size, "-nolisten", "tcp"]
    quiet = subprocess.DEVNULL
    process = subprocess.Popen(command, pass_fds=(writing,), stdout=quiet, stderr=quiet)
    try:
        os.close(writing)
        with os.fdopen(reading) as pipe:
            number = pipe.readline().strip()
        assert number, "Xvfb did not start"
        yield f":{number}"
    finally:
        end(process)
