"""What ``docker pull`` shows on a terminal, as bytes. Facts are those of Docker 20.10 to 29.

Each layer has a line that is drawn again and again (cursor up, erase, text, cursor down). On a terminal of
fewer than 110 columns the bar is left out: ``4f4fb700ef54: Downloading  12.3MB/1.045GB``.
"""

from __future__ import annotations

import re

import msgspec

_UNITS = {"B": 1, "kB": 10**3, "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}
_CONTROL = re.compile(rb"\x1b\[[0-9;?]*[A-Za-z]|\r")
_LAYER = re.compile(
    r"\b(?P<layer>[0-9a-f]{12}): (?P<what>[A-Z][A-Za-z ]+?)\s*(?:\[[^\]]*\]\s*)?(?P<rest>\d.*)?$"
)
_SIZES = re.compile(
    r"(?P<done>\d{1,9}(?:\.\d{1,9})?)\s?(?P<unit>[kKMGT]?B)/(?P<total>\d{1,9}(?:\.\d{1,9})?)\s?(?P<of>[kKMGT]?B)"
)
_WHOLE = {"Download complete", "Verifying Checksum", "Extracting", "Pull complete", "Already exists"}
# One line is some 60 characters; what is longer is no line of docker's.
_LONGEST = 4096
_MOST_LAYERS = 1000  # no image has more than 127, the most that overlay2 stacks


class Layer(msgspec.Struct, frozen=True):
    """One layer: bytes that are here and in all, 0 while not known; ``whole`` once all are here."""

    done: int = 0
    total: int = 0
    whole: bool = False


class PullReader:
    """Reads the stream as it comes; ``done`` and ``total`` are bytes, and neither ever goes back."""

    def __init__(self) -> None:
        self._rest = b""
        self._layers: dict[str, Layer] = {}
        self.last = ""

    @property
    def done(self) -> int:
        """Bytes that are here."""
        return sum(each.total if each.whole else each.done for each in self._layers.values())

    @property
    def total(self) -> int:
        """Bytes of the layers whose size is known, so at least that many in all."""
        return sum(each.total for each in self._layers.values())

    @property
    def layers(self) -> tuple[int, int]:
        """How many layers are here, of how many."""
        return sum(each.whole for each in self._layers.values()), len(self._layers)

    def feed(self, chunk: bytes) -> None:
        """Take in what came."""
        *lines, self._rest = _CONTROL.sub(b"\n", self._rest + chunk).split(b"\n")
        if len(self._rest) > _LONGEST:
            self._rest = b""
        for line in (*lines, self._rest):
            self._take(line.decode("utf-8", "replace").strip())

    def _take(self, line: str) -> None:
        if not line:
            return
        self.last = line
        found = _LAYER.search(line)
        if found is None:
            return
        if len(self._layers) >= _MOST_LAYERS and found["layer"] not in self._layers:
            return
        before = self._layers.get(found["layer"], Layer())
        sizes = _SIZES.search(found["rest"] or "") if found["what"] == "Downloading" else None
        done, total = 0, 0
        if sizes is not None:
            done, total = _bytes(sizes["done"], sizes["unit"]), _bytes(sizes["total"], sizes["of"])
        whole = before.whole or found["what"] in _WHOLE
        self._layers[found["layer"]] = Layer(max(before.done, done), max(before.total, total), whole)


def _bytes(number: str, unit: str) -> int:
    return round(float(number) * _UNITS[unit])
