"""HTTP against servers that mean harm: what never ends, what unfolds, what lies about its length."""

from __future__ import annotations

import gzip
import socket
import threading
import time
import tracemalloc
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from sparktray.domain.asking import Answer
from sparktray.remote.docker import DockerEngine
from sparktray.remote.errors import BadAnswer, ConnectionRefused, DeadlinePassed, RemoteError, TooLarge
from sparktray.remote.http import HttpDoor
from sparktray.remote.local import LocalLink
from tests.unit.remote.misbehaving import OK, Serve, Start, saying
from tests.waiting import scaled

MIB = 1 << 20
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"


def endless(first: bytes, then: bytes) -> Serve:
    """Sends the one, and then the other for ever."""

    def serve(sock: socket.socket) -> None:
        sock.sendall(first)
        while True:
            sock.sendall(then)

    return serve


@contextmanager
def bounded(most: int) -> Iterator[None]:
    """No more than so many bytes at any one time."""
    tracemalloc.start()
    try:
        yield
        assert tracemalloc.get_traced_memory()[1] < most
    finally:
        tracemalloc.stop()


ENDLESS = {
    "a status line": (b"HTTP/1.1 200 ", b"x" * 4096),
    "one header": (OK + b"X: ", b"y" * 4096),
    "headers": (OK, b"X: y\r\n" * 700),
    "a header folded": (OK + b"X: y\r\n", b" y\r\n" * 1000),
    "empty lines": (b"", b"\r\n" * 2000),
    "a chunk's length": (CHUNKED, b"0" * 4096),
    "a chunk's extension": (CHUNKED + b"1;", b"x" * 4096),
    "trailers": (CHUNKED + b"0\r\n", b"X: y\r\n" * 700),
    "no HTTP at all": (b"\x00\xff" * 9, b"\x00" * 4096),
}


@pytest.mark.parametrize("what", ENDLESS)
def test_what_never_ends_is_no_answer(door: HttpDoor, server: Start, what: str) -> None:
    made = server(endless(*ENDLESS[what]))
    with bounded(20 * MIB), pytest.raises((BadAnswer, DeadlinePassed)):
        door.ask(made.port, "GET", "/", deadline=2)


@pytest.mark.parametrize("status", [b"100 Continue", b"102 Processing", b"103 Early Hints"])
def test_a_flood_of_preliminary_answers_ends_at_the_deadline(
    door: HttpDoor, server: Start, status: bytes
) -> None:
    made = server(endless(b"", b"HTTP/1.1 " + status + b"\r\nX: y\r\n\r\n"))
    began = time.monotonic()
    with bounded(20 * MIB), pytest.raises((BadAnswer, DeadlinePassed)):
        door.ask(made.port, "GET", "/", deadline=1)
    assert time.monotonic() - began < scaled(2)


def test_a_few_preliminary_answers_are_passed_over(door: HttpDoor, server: Start) -> None:
    made = server(saying(b"HTTP/1.1 103 Early Hints\r\n\r\n" * 3, OK, b"Content-Length: 2\r\n\r\nok"))
    assert door.ask(made.port, "GET", "/", deadline=5).body == b"ok"


def test_a_redirect_to_itself_is_asked_once(door: HttpDoor, server: Start) -> None:
    made = server(saying(b"HTTP/1.1 307 X\r\nLocation: /\r\nContent-Length: 0\r\n\r\n"))
    assert door.ask(made.port, "GET", "/", deadline=5).status == 307
    assert len(made.requests) == 1


@pytest.mark.parametrize(
    "said",
    [
        CHUNKED + b"zz\r\nhello\r\n",
        CHUNKED + b"-1\r\nhello\r\n0\r\n\r\n",
        CHUNKED + b"5\r\nhello!!0\r\n\r\n",
        CHUNKED + b"ffffffffffffffffffffff\r\nhello",
        CHUNKED + b"5\r\nhello\r\n",
        OK + b"Content-Length: -5\r\n\r\nhello",
        OK + b"Content-Length: five\r\n\r\nhello",
        OK + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!",
        OK + b"Content-Length: 99999999999999999999999\r\n\r\nhello",
        OK + b"Transfer-Encoding: gzip\r\n\r\nhello",
        OK + b"Content-Encoding: gzip, gzip\r\nContent-Length: 5\r\n\r\nhello",
        OK + b"X\xff\x00: y\r\n\r\n",
        b"HTTP/1.1 20 OK\r\n\r\n",
        b"HTTP/1.1 99999 OK\r\n\r\n",
    ],
)
def test_an_answer_that_lies(door: HttpDoor, server: Start, said: bytes) -> None:
    with pytest.raises(BadAnswer):
        door.ask(server(saying(said, close=True)).port, "GET", "/", deadline=5)


def test_more_than_its_length_is_not_part_of_it(door: HttpDoor, server: Start) -> None:
    made = server(saying(OK, b"Content-Length: 5\r\n\r\nhello and more"))
    for _ in range(3):
        try:
            assert door.ask(made.port, "GET", "/", deadline=5).body == b"hello"
        except (BadAnswer, ConnectionRefused):
            continue  # what was left over is no answer to the next question


def test_a_chunk_that_never_comes_ends_at_the_deadline(door: HttpDoor, server: Start) -> None:
    made = server(saying(CHUNKED + b"fffffff\r\nhello"))
    began = time.monotonic()
    with pytest.raises(DeadlinePassed):
        door.ask(made.port, "GET", "/", deadline=0.4)
    assert time.monotonic() - began < scaled(0.9)


def test_one_byte_a_chunk_ends_at_the_deadline(door: HttpDoor, server: Start) -> None:
    stop = threading.Event()

    def drip(sock: socket.socket) -> None:
        sock.sendall(CHUNKED)
        while not stop.wait(0.02):
            sock.sendall(b"1\r\nx\r\n")

    made, began = server(drip), time.monotonic()
    try:
        with pytest.raises(DeadlinePassed):
            door.ask(made.port, "GET", "/", deadline=0.4)
    finally:
        stop.set()
    assert time.monotonic() - began < scaled(0.9)


def _gzip(*parts: bytes) -> bytes:
    return b"".join(gzip.compress(part, 1) for part in parts)


@pytest.mark.parametrize(("name", "pack"), [("gzip", _gzip), ("deflate", zlib.compress)])
def test_a_bomb_in_chunks(door: HttpDoor, server: Start, name: str, pack: Callable[[bytes], bytes]) -> None:
    bomb = pack(bytes(100 * MIB))
    chunks = b"".join(
        b"%x\r\n%b\r\n" % (len(part), part)
        for part in (bomb[at : at + 7_000] for at in range(0, len(bomb), 7_000))
    )
    made = server(
        saying(OK, f"Content-Encoding: {name}\r\nTransfer-Encoding: chunked\r\n\r\n".encode(), chunks)
    )
    with bounded(20 * MIB), pytest.raises(TooLarge):
        door.ask(made.port, "GET", "/", deadline=20)


def test_a_bomb_that_unfolds_to_nothing_ends(door: HttpDoor, server: Start) -> None:
    """Empty blocks of deflate: input without end and no output, which no cap on the body would stop."""
    empty = b"\x00\x00\x00\xff\xff" * 10_000
    made = server(endless(OK + b"Content-Encoding: deflate\r\n\r\n\x78\x9c", empty))
    began = time.monotonic()
    with bounded(20 * MIB), pytest.raises(RemoteError):
        door.ask(made.port, "GET", "/", deadline=1)
    assert time.monotonic() - began < scaled(2)


DEEP = b"[" * 200_000 + b"]" * 200_000


def test_brackets_without_end_are_no_json(door: HttpDoor, server: Start) -> None:
    made = server(saying(OK, b"Content-Length: %d\r\n\r\n" % len(DEEP), DEEP))
    answer = door.ask(made.port, "GET", "/v1/models", deadline=5)
    assert Answer(answer.status, answer.body).json() is None


@pytest.fixture
def docker(tmp_path: Path) -> Iterator[Callable[[Serve], DockerEngine]]:
    """A Docker Engine whose socket is served by that function."""
    with socket.socket(socket.AF_UNIX) as listener:
        path = str(tmp_path / "docker.sock")
        listener.bind(path)
        listener.listen()
        link, open_ones = LocalLink(), []

        def start(serve: Serve) -> DockerEngine:
            def accept() -> None:
                try:
                    while True:
                        sock, _ = listener.accept()
                        open_ones.append(sock)
                        while sock.recv(65_536):
                            serve(sock)
                except OSError:
                    return

            threading.Thread(target=accept, daemon=True).start()
            return DockerEngine(link, path)

        yield start
        link.close()
        listener.shutdown(socket.SHUT_RDWR)
        for sock in open_ones:
            sock.close()


Docker = Callable[[Serve], DockerEngine]


@pytest.mark.parametrize("body", [DEEP, b"NaN", b"\xff", b'"\\ud800"', b"{}{}", b"[1]", b"null"])
def test_what_is_no_list_of_containers(docker: Docker, body: bytes) -> None:
    engine = docker(saying(OK, b"Content-Length: %d\r\n\r\n" % len(body), body))
    with pytest.raises(BadAnswer):
        engine.containers(deadline=5)


def test_a_list_of_containers_without_end(docker: Docker) -> None:
    with pytest.raises(TooLarge):
        docker(endless(OK + b"\r\n[", b'{"Id":"x"},' * 1_000)).containers(deadline=20)


def test_an_event_without_end(docker: Docker) -> None:
    stream = docker(endless(OK + b"\r\n", b"x" * 65_536)).events()
    with stream, bounded(20 * MIB), pytest.raises(TooLarge):
        next(stream)


def test_a_refusal_without_end(docker: Docker) -> None:
    engine = docker(endless(b"HTTP/1.1 500 X\r\n\r\n", b"x" * 65_536))
    with pytest.raises(RemoteError):
        engine.containers(deadline=5)
