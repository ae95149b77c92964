"""HTTP against servers that misbehave: bounded in bytes and in time, and named for what they do."""

from __future__ import annotations

import gzip
import socket
import threading
import time
import tracemalloc
import zlib
from collections.abc import Callable

import pytest

from sparktray.remote.errors import (
    BadAnswer,
    Cancelled,
    ConnectionRefused,
    DeadlinePassed,
    LinkLost,
    TooLarge,
)
from sparktray.remote.http import HttpDoor
from sparktray.remote.link import Cancel
from sparktray.remote.local import LocalLink
from tests.unit.remote.misbehaving import OK, Start, saying
from tests.waiting import scaled, wait_until


def test_an_answer_whatever_its_status_on_one_connection(door: HttpDoor, server: Start) -> None:
    made = server(saying(b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 2\r\n\r\nno"))
    for _ in range(3):
        answer = door.ask(made.port, "GET", "/health", deadline=5)
        assert (answer.status, answer.body) == (503, b"no")
    assert made.connections == 1
    assert made.requests[0].startswith(b"GET /health HTTP/1.1\r\n")
    assert f"Host: 127.0.0.1:{made.port}\r\n".encode() in made.requests[0]


def test_a_body_of_json(door: HttpDoor, server: Start) -> None:
    made = server(saying(OK, b"Content-Length: 0\r\n\r\n"))
    door.ask(made.port, "POST", "/x?y=1", json={"a": "ü"}, headers={"Authorization": "Bearer k"}, deadline=5)
    # The server answers a head at once: what follows it may come a moment later.
    body = '{"a":"ü"}'.encode()
    wait_until(lambda: b"".join(made.requests).endswith(body), "the body")
    sent = b"".join(made.requests)
    assert b"Content-Length: 10\r\n" in sent
    assert b"Authorization: Bearer k\r\n" in sent


def test_redirects_are_not_followed_and_proxies_not_used(
    door: HttpDoor, server: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    made = server(saying(b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:9/\r\nContent-Length: 0\r\n\r\n"))
    assert door.ask(made.port, "GET", "/", deadline=5).status == 302


@pytest.mark.parametrize("path", ["health", "/a b", "/a\r\nX: y", "/ü", ""])
def test_what_is_no_path(door: HttpDoor, path: str) -> None:
    with pytest.raises(ValueError, match="path"):
        door.ask(9, "GET", path, deadline=5)


def test_refused(door: HttpDoor, server: Start) -> None:
    with socket.create_server(("127.0.0.1", 0)) as gone:
        port = gone.getsockname()[1]
    with pytest.raises(ConnectionRefused):
        door.ask(port, "GET", "/", deadline=5)


def test_accepted_and_closed_is_refused(door: HttpDoor, server: Start) -> None:
    made = server(saying(close=True))
    with pytest.raises(ConnectionRefused):
        door.ask(made.port, "GET", "/", deadline=5)


def test_silence_ends_at_the_deadline(door: HttpDoor, server: Start) -> None:
    made = server(saying())
    began = time.monotonic()
    with pytest.raises(DeadlinePassed):
        door.ask(made.port, "GET", "/", deadline=0.3)
    assert time.monotonic() - began < scaled(0.8)


@pytest.mark.parametrize("head", [b"", OK + b"Content-Length: 1000000\r\n\r\n"])
def test_a_drip_ends_at_the_deadline(door: HttpDoor, server: Start, head: bytes) -> None:
    stop = threading.Event()

    def drip(sock: socket.socket) -> None:
        sock.sendall(head or b"HTTP/1.1 200 OK\r\nX: ")
        while not stop.wait(0.02):
            sock.sendall(b"x")

    made = server(drip)
    began = time.monotonic()
    try:
        with pytest.raises(DeadlinePassed):
            door.ask(made.port, "GET", "/", deadline=0.4)
    finally:
        stop.set()
    assert time.monotonic() - began < scaled(0.9)


def test_the_cap_is_on_what_is_read(door: HttpDoor, server: Start) -> None:
    made = server(saying(OK, b"Content-Length: 3000\r\n\r\n", b"x" * 3000))
    assert len(door.ask(made.port, "GET", "/", deadline=5, cap=3000).body) == 3000
    with pytest.raises(TooLarge) as caught:
        door.ask(made.port, "GET", "/", deadline=5, cap=2999)
    assert caught.value.details["cap"] == "2999"


def test_an_endless_body_is_too_large(door: HttpDoor, server: Start) -> None:
    def pour(sock: socket.socket) -> None:
        sock.sendall(OK + b"\r\n")
        while True:
            sock.sendall(b"x" * 65536)

    with pytest.raises(TooLarge):
        door.ask(server(pour).port, "GET", "/", deadline=5)


@pytest.mark.parametrize(("name", "pack"), [("gzip", gzip.compress), ("deflate", zlib.compress)])
def test_compressed_all_the_same(
    door: HttpDoor, server: Start, name: str, pack: Callable[[bytes], bytes]
) -> None:
    body = pack(b"hello " * 1000)
    head = f"Content-Encoding: {name}\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    assert door.ask(server(saying(OK, head, body)).port, "GET", "/", deadline=5).body == b"hello " * 1000


def test_a_bomb_is_stopped_before_it_unfolds(door: HttpDoor, server: Start) -> None:
    bomb = gzip.compress(b"\0" * 200_000_000, 1)
    head = f"Content-Encoding: gzip\r\nContent-Length: {len(bomb)}\r\n\r\n".encode()
    made = server(saying(OK, head, bomb))
    tracemalloc.start()
    try:
        with pytest.raises(TooLarge):
            door.ask(made.port, "GET", "/", deadline=10)
        assert tracemalloc.get_traced_memory()[1] < 20_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    "said",
    [
        OK + b"Content-Encoding: br\r\nContent-Length: 1\r\n\r\nx",
        OK + b"Content-Encoding: gzip\r\nContent-Length: 4\r\n\r\nnope",
        OK + b"Content-Length: 10\r\n\r\nshort",
        b"SSH-2.0-OpenSSH_9.6\r\n\r\n",
        OK + b"X: " + b"y" * 200_000,
    ],
)
def test_a_broken_answer(door: HttpDoor, server: Start, said: bytes) -> None:
    with pytest.raises(BadAnswer):
        door.ask(server(saying(said, close=True)).port, "GET", "/", deadline=5)


def test_cancel_ends_a_long_request_at_once(door: HttpDoor, server: Start) -> None:
    cancel = Cancel()
    made = server(lambda _: cancel.set())
    began = time.monotonic()
    with pytest.raises(Cancelled):
        door.ask(made.port, "POST", "/api/generate", json={}, deadline=600, cancel=cancel)
    assert time.monotonic() - began < scaled(1.0)
    with pytest.raises(Cancelled):
        door.ask(made.port, "GET", "/", deadline=5, cancel=cancel)


def test_a_stream_gives_chunks_as_they_come_and_is_closed_from_another_thread(
    door: HttpDoor, server: Start
) -> None:
    made = server(saying(OK, b"Transfer-Encoding: chunked\r\n\r\n", b"3\r\none\r\n", b"3\r\ntwo\r\n"))
    stream = door.stream(made.port, "GET", "/", deadline=0.5)
    assert stream.status == 200
    seen = b""
    got_all = threading.Event()

    def read() -> None:
        nonlocal seen
        for chunk in stream:
            seen += chunk
            if seen == b"onetwo":
                got_all.set()

    thread = threading.Thread(target=read)
    thread.start()
    assert got_all.wait(scaled(5))
    stream.close()
    thread.join(scaled(1.0))
    assert not thread.is_alive()


def test_a_stream_that_breaks_off(door: HttpDoor, server: Start) -> None:
    made = server(saying(OK, b"Transfer-Encoding: chunked\r\n\r\n", b"3\r\none\r\n", close=True))
    with door.stream(made.port, "GET", "/", deadline=5) as stream:
        assert next(stream) == b"one"
        with pytest.raises(BadAnswer):
            next(stream)


def test_closing_the_link_ends_a_waiting_request(door: HttpDoor, link: LocalLink, server: Start) -> None:
    made = server(lambda _: link.close())
    with pytest.raises(LinkLost):
        door.ask(made.port, "GET", "/", deadline=600)
    with pytest.raises(LinkLost):
        door.ask(made.port, "GET", "/", deadline=5)
