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
        self._head = b""
        self._stream = 1
        self._left = 0  # bytes of the frame's payload that are still to come
        self._open = {0: b"", 1: b"", 2: b""}

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        """The lines that became whole, without their ends. Raises BadAnswer on a broken frame.

        A frame is not waited for: it may claim to be of 4 GiB.
        """
        if self._tty:
            yield from self._lines(1, chunk)
            return
        at = 0
        while at < len(chunk):
            if not self._left:
                wanted = _HEADER - len(self._head)
                self._head += chunk[at : at + wanted]
                at += wanted
                if len(self._head) == _HEADER:
                    self._begin()
                continue
            payload = chunk[at : at + self._left]
            at += len(payload)
            self._left -= len(payload)
            yield from self._lines(self._stream, payload)

    def _begin(self) -> None:
        head, self._head = self._head, b""
        if head[0] not in self._open or any(head[1:4]):
            raise BadAnswer(reason="log frame")
        self._stream, self._left = head[0], int.from_bytes(head[4:], "big")

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
