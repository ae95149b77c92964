"""HTTP/1.1 for the stand-ins: routes are plain functions from a request to an answer."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True, slots=True)
class Request:
    """What arrived."""

    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: bytes
    client: str

    def json(self) -> dict[str, Any]:
        """The body as a JSON object; an empty one for anything else."""
        try:
            value = json.loads(self.body or b"{}")
        except ValueError:
            return {}
        return value if isinstance(value, dict) else {}


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes back: BODY at once, or STREAM piece by piece (chunked)."""

    status: int = 200
    body: bytes = b""
    kind: str | None = None
    stream: Iterator[bytes] | None = None
    headers: dict[str, str] = field(default_factory=dict)


def as_json(value: object, status: int = 200) -> Answer:
    """A JSON answer, compact as the engines' own."""
    text = json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    return Answer(status, text.encode(), "application/json")


class Load:
    """Requests being generated right now, and tokens made since the start."""

    def __init__(self) -> None:
        """Nothing yet."""
        self._lock = threading.Lock()
        self.active = 0
        self.prompt_tokens = 0
        self.generated_tokens = 0

    def begin(self) -> None:
        """One more."""
        with self._lock:
            self.active += 1

    def end(self) -> None:
        """One less."""
        with self._lock:
            self.active -= 1

    def count(self, prompt: int, generated: int) -> None:
        """Tokens of one answer."""
        with self._lock:
            self.prompt_tokens += prompt
            self.generated_tokens += generated


class Server(ThreadingHTTPServer):
    """Serves ROUTE in a thread for each connection; LOG gets every finished request and its status."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(
        self,
        host: str,
        port: int,
        route: Callable[[Request], Answer],
        log: Callable[[Request, int], None],
        name: str,
    ) -> None:
        """Bind and listen: from here on connections are accepted."""
        self.route = route
        self.log = log
        self.name = name
        super().__init__((host, port), Handler)

    def start(self) -> None:
        """Serve in the background."""
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is no error worth a traceback in an engine's log."""


class Handler(BaseHTTPRequestHandler):
    """Reads a request, asks the route, writes the answer."""

    protocol_version = "HTTP/1.1"
    server: Server

    def version_string(self) -> str:
        """The Server header."""
        return self.server.name

    def log_message(self, format: str, *args: Any) -> None:
        """The engines write their own access lines."""

    def _serve(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        path, _, query = self.path.partition("?")
        headers = {name.lower(): value for name, value in self.headers.items()}
        client = f"{self.client_address[0]}:{self.client_address[1]}"
        request = Request(self.command, path, query, headers, self.rfile.read(length), client)
        answer = self.server.route(request)
        self.server.log(request, answer.status)
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        if answer.kind is not None:
            self.send_header("Content-Type", answer.kind)
        if answer.stream is None:
            self.send_header("Content-Length", str(len(answer.body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(answer.body)
            return
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for piece in answer.stream:
            self.wfile.write(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")
            self.wfile.flush()
        self.wfile.write(b"0\r\n\r\n")

    do_GET = do_POST = do_HEAD = do_DELETE = do_OPTIONS = _serve  # noqa: N815 (names of the standard library)
