"""Docker's log bodies as lines."""

from collections.abc import Iterator

from sparktray.remote.errors import BadAnswer

_HEADER = 8
# A line without an end (a progress bar drawn with \r for hours) is handed out in pieces of this size.
_MAX_LINE = 64 * 1024


class LogLines:
    """Cuts the body of ``GET /containers/{id}/logs`` into lines, fed chunk by chunk.

    Without a terminal each frame has 8 bytes before it: stream (1 stdout, 2 stderr), three zeros, length as
    big-endian 32 bits (Docker Engine API, "Stream format" of container attach); with one the body is raw.
    """

    def __init__(self, tty: bool) -> None:
        self._tty = tty
        self._raw = b""
        self._open = {0: b"", 1: b"", 2: b""}

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        """The lines that became whole, without their ends. Raises BadAnswer on a broken frame."""
        if self._tty:
            yield from self._lines(1, chunk)
            return
        self._raw += chunk
        while len(self._raw) >= _HEADER:
            stream = self._raw[0]
            if stream not in self._open or any(self._raw[1:4]):
                raise BadAnswer(reason="log frame")
            end = _HEADER + int.from_bytes(self._raw[4:_HEADER], "big")
            if len(self._raw) < end:
                return
            payload, self._raw = self._raw[_HEADER:end], self._raw[end:]
            yield from self._lines(stream, payload)

    def rest(self) -> list[bytes]:
        """What is left without a line end when the body has ended."""
        return [text for text in self._open.values() if text]

    def _lines(self, stream: int, payload: bytes) -> Iterator[bytes]:
        *whole, left = (self._open[stream] + payload).split(b"\n")
        for line in whole:
            yield line.removesuffix(b"\r")
        while len(left) > _MAX_LINE:
            yield left[:_MAX_LINE]
            left = left[_MAX_LINE:]
        self._open[stream] = left
