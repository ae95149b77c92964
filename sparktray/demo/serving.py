"""HTTP/1.1 over the demo's own streams, as far as its clients speak it."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterable, Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl, unquote

import msgspec

from sparktray.demo.streams import Connection, Feed, Gone
from sparktray.remote.errors import LinkLost

_JSON = "application/json"


class Request(msgspec.Struct, frozen=True):
    """What was asked; ``path`` without the query, header names in small letters."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> dict[str, Any]:
        """The body as an object; an empty one for anything else."""
        try:
            found = json.loads(self.body or b"{}")
        except ValueError:
            return {}
        return found if isinstance(found, dict) else {}


class Answer(msgspec.Struct, frozen=True):
    """What is answered; ``stream`` instead of ``body`` where it comes bit by bit."""

    status: int = 200
    body: bytes = b""
    kind: str = _JSON
    stream: Iterable[bytes] | None = None
    more: Mapping[str, str] = msgspec.field(default_factory=dict)


Handler = Callable[[Request], Answer]


def as_json(value: object, status: int = 200) -> Answer:
    """JSON as Python's and Go's servers send it, without blanks."""
    return Answer(status, json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode())


def serve(connection: Connection, handler: Handler) -> None:
    """Answer whatever comes on a connection, on a thread of its own."""

    def work() -> None:
        try:
            while (request := _request(connection)) is not None:
                _send(connection, request, handler(request))
        except (Gone, LinkLost):
            pass
        finally:
            connection.close()

    threading.Thread(target=work, name="sparktray-demo-http", daemon=True).start()


def _request(connection: Connection) -> Request | None:
    """The next one, None at the connection's end and after what is no HTTP."""
    words = connection.line().decode("latin-1").split()
    if len(words) != 3:
        return None
    headers: dict[str, str] = {}
    while line := connection.line().decode("latin-1").strip():
        name, _, value = line.partition(":")
        headers[name.strip().lower()] = value.strip()
    length = headers.get("content-length", "0")
    body = connection.exactly(int(length)) if length.isdecimal() else b""
    path, _, query = words[1].partition("?")
    found = dict(parse_qsl(query, keep_blank_values=True))
    return Request(words[0], unquote(path), found, headers, body)


def _send(connection: Connection, request: Request, answer: Answer) -> None:
    head = [f"HTTP/1.1 {answer.status} {HTTPStatus(answer.status).phrase}", f"Content-Type: {answer.kind}"]
    head += [f"{name}: {value}" for name, value in answer.more.items()]
    if answer.stream is None:
        head.append(f"Content-Length: {len(answer.body)}")
        body = b"" if request.method == "HEAD" else answer.body
        connection.write("\r\n".join((*head, "\r\n")).encode("latin-1") + body)
        return
    if isinstance(answer.stream, Feed):
        connection.on_gone(answer.stream.end)
    connection.write("\r\n".join((*head, "Transfer-Encoding: chunked", "\r\n")).encode("latin-1"))
    for piece in answer.stream:
        if piece:
            connection.write(b"%x\r\n%s\r\n" % (len(piece), piece))
    connection.write(b"0\r\n\r\n")
