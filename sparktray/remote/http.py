"""HTTP over a link: httpcore on the link's own streams.

Deadlines are for the whole exchange: the "timeout" numbers given to httpcore are monotonic instants, which
the streams here (their only readers) turn into what is left. A body that drips is bounded like any other.
"""

import re
import time
import zlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Self

import httpcore
import msgspec

from sparktray.remote.contract import MIB, HttpAnswer
from sparktray.remote.errors import (
    BadAnswer,
    Cancelled,
    ConnectionRefused,
    DeadlinePassed,
    TooLarge,
)
from sparktray.remote.link import ByteStream, Cancel, Link, remaining

# uvicorn closes a connection idle for 5 s; one reused just then would fail for nothing. Opening a channel
# anew takes 0.6 ms.
KEEP_ALIVE_SECONDS = 3.0
CONNECT_SECONDS = 5.0
_CHUNK = 64 * 1024

_PATH = re.compile(r"/[!-~]*")

Opener = Callable[[int, float], ByteStream]


class _LinkStream(httpcore.NetworkStream):
    """A byte stream of a link, as httpcore wants it. ``timeout`` is a monotonic instant."""

    def __init__(self, stream: ByteStream) -> None:
        self.stream = stream

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self.stream.recv(max_bytes, remaining(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        if not buffer:
            return
        try:
            self.stream.sendall(buffer, remaining(timeout, "sending"))
        except ConnectionRefused:
            # httpcore then still reads the answer a server may have given before it closed.
            raise httpcore.WriteError from None

    def close(self) -> None:
        self.stream.close()

    def get_extra_info(self, info: str) -> Any:
        return self.stream.readable() if info == "is_readable" else None


class _Backend(httpcore.NetworkBackend):
    """Connects by an opener."""

    def __init__(self, opener: Opener) -> None:
        self._opener = opener

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Any = None,
    ) -> httpcore.NetworkStream:
        del host, local_address, socket_options  # of no meaning on a channel
        left = remaining(timeout, "connecting")
        return _LinkStream(
            self._opener(port, CONNECT_SECONDS if left is None else min(left, CONNECT_SECONDS))
        )


class HttpBody:
    """An `HttpStream`: the decoded body of one answer on a connection of its own."""

    def __init__(
        self,
        response: httpcore.Response,
        stream: ByteStream,
        take_back: Callable[[], None],
        cancel: Cancel | None,
    ) -> None:
        self.status = response.status
        self._chunks = decoded(response)
        self._stream = stream
        self._take_back = take_back
        self._cancel = cancel
        self._closed = False

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        try:
            return next(self._chunks)
        except httpcore.RemoteProtocolError as error:
            if self._cancel is not None and self._cancel.is_set():
                raise Cancelled() from None
            if self._closed:
                raise StopIteration from None
            raise BadAnswer(reason=str(error)) from None

    def close(self) -> None:
        """End it, from any thread; whoever waits for a chunk is woken."""
        self._closed = True
        self._take_back()
        self._stream.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class HttpRoad:
    """Requests over connections made by ``opener(port, timeout)``; kept alive for seconds and reused."""

    def __init__(self, opener: Opener, host: str, keep_alive: float = KEEP_ALIVE_SECONDS) -> None:
        self._opener = opener
        self._host = host
        self._pool = httpcore.ConnectionPool(
            network_backend=_Backend(opener), max_connections=16, keepalive_expiry=keep_alive
        )

    def ask(
        self,
        port: int,
        method: str,
        path: str,
        *,
        json: object | None = None,
        headers: Mapping[str, str] | None = None,
        deadline: float,
        cap: int = MIB,
        cancel: Cancel | None = None,
    ) -> HttpAnswer:
        """See `contract.Http.ask`."""
        until = time.monotonic() + deadline
        if cancel is not None:
            request = self._request(port, method, path, json, headers, until)
            with self._open(port, request, until, cancel) as body:
                return _whole(body.status, body, cap)
        request = self._request(port, method, path, json, headers, until)
        try:
            response = self._pool.handle_request(request)
            try:
                return _whole(response.status, decoded(response), cap)
            finally:
                response.close()
        except httpcore.RemoteProtocolError as error:
            raise _meaning(error) from None
        except httpcore.PoolTimeout:
            raise DeadlinePassed(what="free connection") from None

    def stream(
        self,
        port: int,
        method: str,
        path: str,
        *,
        json: object | None = None,
        headers: Mapping[str, str] | None = None,
        deadline: float,
        cancel: Cancel | None = None,
    ) -> HttpBody:
        """See `contract.Http.stream`."""
        until = time.monotonic() + deadline
        request = self._request(port, method, path, json, headers, until)
        body = self._open(port, request, until, cancel)
        request.extensions["timeout"]["read"] = None  # from here on the body may take as long as it likes
        return body

    def close(self) -> None:
        """Let go of the idle connections."""
        self._pool.close()

    def _open(self, port: int, request: httpcore.Request, until: float, cancel: Cancel | None) -> HttpBody:
        """Send on a connection of its own, so that it can be closed while it waits."""
        left = remaining(until, "connecting") or 0.0
        stream = self._opener(port, min(left, CONNECT_SECONDS))
        take_back = cancel.on_set(stream.close) if cancel is not None else lambda: None
        try:
            connection = httpcore.HTTP11Connection(request.url.origin, _LinkStream(stream))
            response = connection.handle_request(request)
        except BaseException as error:
            take_back()
            stream.close()
            if cancel is not None and cancel.is_set():
                raise Cancelled() from None
            if isinstance(error, httpcore.RemoteProtocolError):
                raise _meaning(error) from None
            raise
        return HttpBody(response, stream, take_back, cancel)

    def _request(
        self,
        port: int,
        method: str,
        path: str,
        json: object | None,
        headers: Mapping[str, str] | None,
        until: float,
    ) -> httpcore.Request:
        if _PATH.fullmatch(path) is None:
            raise ValueError(f"not a request path: {path!r}")
        content = b"" if json is None else msgspec.json.encode(json)
        fields: dict[str | bytes, str | bytes] = {
            "Host": f"{self._host}:{port}" if port else self._host,
            "Accept-Encoding": "identity",
        }
        if json is not None or method != "GET":
            fields["Content-Type"] = "application/json"
            fields["Content-Length"] = str(len(content))
        fields.update(headers or {})
        return httpcore.Request(
            method,
            httpcore.URL(scheme=b"http", host=self._host.encode(), port=port or 80, target=path.encode()),
            headers=fields,
            content=content,
            extensions={
                "timeout": {"connect": until, "read": until, "write": until, "pool": until - time.monotonic()}
            },
        )


class HttpDoor(HttpRoad):
    """`contract.Http` over a link: the host's own 127.0.0.1 ports."""

    def __init__(self, link: Link) -> None:
        super().__init__(lambda port, timeout: link.open_tcp(port, timeout=timeout), "127.0.0.1")


def decoded(response: httpcore.Response) -> Iterator[bytes]:
    """The body with its content encoding undone, in pieces of at most 64 KiB out of a compressed one.

    Bounded pieces matter: 64 KiB of gzip can hold 64 MiB (a 204 kB bomb inflated to 200 MB in one go).
    """
    headers = {name.lower(): value.lower() for name, value in response.headers}
    encoding = headers.get(b"content-encoding", b"identity")
    if encoding == b"identity":
        yield from response.iter_stream()
        return
    if encoding not in (b"gzip", b"deflate"):
        raise BadAnswer(reason="content-encoding")
    # 32 added to the window size: zlib or gzip header, found out by itself.
    inflate = zlib.decompressobj(wbits=zlib.MAX_WBITS | 32)
    try:
        for chunk in response.iter_stream():
            pending = chunk
            while pending:
                if piece := inflate.decompress(pending, _CHUNK):
                    yield piece
                pending = inflate.unconsumed_tail
    except zlib.error:
        raise BadAnswer(reason="content-encoding") from None


def _whole(status: int, chunks: Iterator[bytes], cap: int) -> HttpAnswer:
    body = bytearray()
    for chunk in chunks:
        body += chunk
        if len(body) > cap:
            raise TooLarge(cap=str(cap))
    return HttpAnswer(status, bytes(body))


def _meaning(error: httpcore.RemoteProtocolError) -> ConnectionRefused | BadAnswer:
    """What a broken exchange means.

    docker-proxy accepts for a container in which nothing listens yet, and closes at once: not up.
    """
    if "without sending a response" in str(error):
        return ConnectionRefused()
    return BadAnswer(reason=str(error))
