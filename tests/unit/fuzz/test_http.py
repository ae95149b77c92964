"""Whatever comes back for a request of HTTP."""

from __future__ import annotations

import contextlib

from sparktray.remote.contract import MIB
from sparktray.remote.errors import RemoteError
from tests.unit.fuzz.fuzzing import corpus, fuzz
from tests.unit.fuzz.memory_link import MemoryLink, host
from tests.unit.fuzz.mutating import changed

ANSWERS = [text.replace(b"\n", b"\r\n") for text in corpus("http")]
HEADERS = [
    *(b"Content-Length: 5\r\n", b"Content-Length: -1\r\n", b"Transfer-Encoding: chunked\r\n", b"\r\n\r\n"),
    *(b"Content-Encoding: gzip\r\n", b"HTTP/1.1 100 Continue\r\n\r\n", b"ffffffffffffffff\r\n", b"0\r\n\r\n"),
]


@fuzz("HTTP answers", changed(ANSWERS, HEADERS), examples=200, first=ANSWERS)
def test_answers(said: bytes) -> None:
    remote = host(MemoryLink(lambda path: said, lambda path: said))
    with contextlib.suppress(RemoteError):
        answer = remote.http.ask(30000, "GET", "/v1/models", deadline=5.0)
        assert len(answer.body) <= MIB and 200 <= answer.status <= 999
    with contextlib.suppress(RemoteError), remote.http.stream(30000, "GET", "/x", deadline=5.0) as stream:
        assert sum(map(len, stream)) <= len(said)
    with contextlib.suppress(RemoteError):
        remote.docker.get("/info")
