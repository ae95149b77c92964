"""The way to the Docker socket, and the plain reason when there is none."""

from collections.abc import Callable

from sparktray.remote.errors import (
    ConnectionRefused,
    DeadlinePassed,
    DockerForbidden,
    DockerMissing,
    DockerProblem,
    DockerSilent,
    ForwardingForbidden,
    LinkLost,
)
from sparktray.remote.link import ByteStream, Link, RemoteProcess

DIAL_STDIO = ("docker", "system", "dial-stdio")
# The first answer of dial-stdio took 100 to 165 ms here; a busy host may need much longer to start a program.
_STDIO_SECONDS = 10.0
_STDERR_KEPT = 2000
# A greeting is shorter; what goes on without an answer is none.
_NOISE_BYTES = 64 * 1024


class DockerSocket:
    """Opens streams to the engine: by the socket itself, else by the host's own docker command.

    The command also tells why when nothing works: a socket that cannot be reached looks the same through
    SSH whether it is missing or forbidden.
    """

    def __init__(self, link: Link, path: str) -> None:
        self._link = link
        self._path = path
        self._by_command = False

    def open(self, _port: int, timeout: float) -> ByteStream:
        """A stream to the engine. The command's failure shows on the first recv."""
        if not self._by_command:
            try:
                return self._link.open_unix(self._path, timeout=timeout)
            except ForwardingForbidden:
                self._by_command = True
            except ConnectionRefused:
                pass
        return _StdioStream(self._link.start(DIAL_STDIO, timeout=_STDIO_SECONDS), self._works)

    def _works(self) -> None:
        self._by_command = True


class _StdioStream:
    """A `ByteStream` through a process that copies its stdin and stdout to the socket."""

    def __init__(self, process: RemoteProcess, works: Callable[[], None]) -> None:
        self._process = process
        self._works = works
        self._pending = b""
        self._stderr = b""
        self._noise = b""
        self._answered = False
        self._ended = False
        self._closed = False

    def recv(self, limit: int, timeout: float | None) -> bytes:
        """See `ByteStream.recv`; raises a DockerProblem when the process ends before any answer."""
        while not self._pending and not self._ended:
            self._take(self._process.read(timeout))
        data, self._pending = self._pending[:limit], self._pending[limit:]
        if not data and not self._answered and not self._closed:
            raise explain(self._process.exit_status(timeout), self._stderr)
        return data

    def sendall(self, data: bytes, timeout: float | None) -> None:
        """See `ByteStream.sendall`."""
        self._process.write(data, timeout)

    def readable(self) -> bool:
        """See `ByteStream.readable`."""
        if not self._pending and not self._ended:
            try:
                self._take(self._process.read(0))
            except DeadlinePassed:
                return False
            except LinkLost:
                return True
        return True

    def close(self) -> None:
        """See `ByteStream.close`."""
        self._closed = True
        self._process.close()

    def _without_noise(self, chunk: bytes) -> bytes:
        """A login shell, or a docker that is somebody's script, may print before the first answer."""
        self._noise = (self._noise + chunk)[-_NOISE_BYTES:]
        start = self._noise.find(b"HTTP/1.")
        return b"" if start < 0 else self._noise[start:]

    def _take(self, chunks: tuple[bytes, bytes] | None) -> None:
        if chunks is None:
            self._ended = True
            return
        self._pending += chunks[0] if self._answered else self._without_noise(chunks[0])
        self._stderr = (self._stderr + chunks[1])[-_STDERR_KEPT:]
        if self._pending and not self._answered:
            self._answered = True
            self._works()


def explain(exit_code: int | None, stderr: bytes) -> DockerProblem:
    """Why the docker command could not reach its engine (texts of docker 20.10 to 29, and of shells)."""
    text = stderr.decode(errors="replace").strip()
    # sudo that would ask for a password says so and ends 1, as it does for users it does not know.
    if "permission denied" in text.lower() or text.startswith("sudo:"):
        return DockerForbidden(stderr=text)
    if exit_code == 127:
        return DockerMissing(stderr=text)
    return DockerSilent(reason="not-running", stderr=text)
