"""What goes on without end, or claims to, takes no memory to speak of."""

from __future__ import annotations

import contextlib
import io
import tarfile
import tracemalloc
from collections.abc import Iterator, Sequence

from sparktray.control.discovering import FolderMissing, discover
from sparktray.domain.docker.pulling import PullReader
from sparktray.domain.text import split_log
from sparktray.engines.ollama import FetchReader
from sparktray.remote.errors import RemoteError
from sparktray.remote.link import RemoteProcess
from sparktray.remote.log_lines import LogLines
from sparktray.webui.inside import InsideFailed, run_inside
from tests.pure.decide.building import CATALOGUE, HOST
from tests.unit.fuzz.memory_link import MemoryLink, Process, host, http

MIB = 1 << 20
CHUNK = b"x" * 65_536


@contextlib.contextmanager
def bounded(most: int) -> Iterator[None]:
    """No more than so many bytes at any one time."""
    tracemalloc.start()
    try:
        yield
        assert tracemalloc.get_traced_memory()[1] < most
    finally:
        tracemalloc.stop()


def test_a_log_frame_of_4_gib_is_handed_out_as_it_comes() -> None:
    lines, seen = LogLines(tty=False), 0
    with bounded(MIB):
        for chunk in (b"\1\0\0\0\xff\xff\xff\xff", *[CHUNK] * 500):
            seen += sum(map(len, lines.feed(chunk)))
    assert seen > 498 * len(CHUNK)


def test_layers_without_end() -> None:
    pulled, fetched = PullReader(), FetchReader()
    with bounded(2 * MIB):
        for number in range(20_000):
            pulled.feed(b"%012x: Downloading  1MB/2MB\n" % number)
            fetched.feed(b'{"status":"x","digest":"%d","total":2,"completed":1}\n' % number)
    assert 0 < pulled.done <= pulled.total and 0 < fetched.done <= fetched.total


def test_a_progress_line_without_end() -> None:
    pulled, fetched = PullReader(), FetchReader()
    with bounded(MIB):
        for _ in range(200):
            pulled.feed(CHUNK)
            fetched.feed(CHUNK)


class _Endless(Process):
    """Prints 25 MiB without an end of a line."""

    def __init__(self) -> None:
        super().__init__(b"", b"", 0)
        self._left = 400

    def read(self, timeout: float | None) -> tuple[bytes, bytes] | None:
        self._left -= 1
        return (CHUNK, b"") if self._left else None


class _Host(MemoryLink):
    """Runs that, whatever is asked for."""

    def start(self, argv: Sequence[str], *, timeout: float, terminal: bool = False) -> RemoteProcess:
        return _Endless()


def test_the_program_inside_prints_without_end() -> None:
    with bounded(24 * MIB), contextlib.suppress(InsideFailed):
        run_inside(host(_Host(lambda path: http(b"{}", 404))), ["docker", "run"])


def test_one_log_line_of_16_mib() -> None:
    text = "x" * (16 * MIB)
    with bounded(40 * MIB):
        assert list(map(len, split_log(text))) == [2_000]


class _Folder(MemoryLink):
    """Lists one model, whose config.json is sent as a file of 256 MiB with nothing in it but a hole."""

    def start(self, argv: Sequence[str], *, timeout: float, terminal: bool = False) -> RemoteProcess:
        self.stdout = _archive_of_a_hole() if "tar" in argv else b"d 1:2 m\0f 900 m/config.json\0"
        return super().start(argv, timeout=timeout, terminal=terminal)


def _archive_of_a_hole() -> bytes:
    about = tarfile.TarInfo(f"{HOST.models_dir}/m/config.json")
    about.pax_headers = {"GNU.sparse.major": "0", "GNU.sparse.minor": "1"}
    about.pax_headers |= {
        "GNU.sparse.size": str(1 << 28),
        "GNU.sparse.map": "0,2",
        "GNU.sparse.numblocks": "1",
    }
    about.size = 2
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w", format=tarfile.PAX_FORMAT) as opened:
        opened.addfile(about, io.BytesIO(b"{}"))
    return made.getvalue()


def test_a_file_that_is_one_hole() -> None:
    with bounded(20 * MIB), contextlib.suppress(RemoteError, FolderMissing):
        discover(host(_Folder()), HOST, CATALOGUE)
