"""The Docker Engine API over a link (facts: Docker Engine API v1.41 to v1.51).

Paths carry no version, so that the engine answers with its own. Everything is bounded: time, size, lines.
"""

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Generic, Self, TypeVar
from urllib.parse import quote, urlencode

import msgspec

from sparktray.remote.contract import MIB, HttpAnswer, Json
from sparktray.remote.docker_socket import DockerSocket
from sparktray.remote.errors import (
    BadAnswer,
    ConnectionRefused,
    DeadlinePassed,
    DockerAnswered,
    DockerSilent,
    TooLarge,
)
from sparktray.remote.http import HttpBody, HttpRoad
from sparktray.remote.link import Link
from sparktray.remote.log_lines import LogLines

DEFAULT_SOCKET = "/var/run/docker.sock"
_CAP = 16 * MIB
_MAX_EVENT = MIB
_OPEN_SECONDS = 10.0
# dockerd never closes an idle connection but by ending. A channel for each sign of life, one every 5 s, would
# double what it costs: 1,280 bytes on the wire instead of 600 (measured).
_KEEP_ALIVE_SECONDS = 60.0
# What decoding raises for bytes that are no JSON, no text, or nested without end.
_NOT_JSON = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)

T = TypeVar("T")


class DockerStream(Generic[T]):
    """A `contract.Stream` of what ``parse`` makes of an endless body."""

    def __init__(self, body: HttpBody, parse: Callable[[Iterable[bytes]], Iterator[T]]) -> None:
        self._body = body
        self._items = parse(_until_broken(body))

    def __iter__(self) -> Iterator[T]:
        return self

    def __next__(self) -> T:
        return next(self._items)

    def close(self) -> None:
        """End it, from any thread."""
        self._body.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class DockerEngine:
    """`contract.Docker` over a link."""

    def __init__(self, link: Link, socket_path: str = DEFAULT_SOCKET) -> None:
        self._road = HttpRoad(DockerSocket(link, socket_path).open, "docker", _KEEP_ALIVE_SECONDS)

    def get(self, path: str, params: Mapping[str, str] | None = None, *, deadline: float = 10.0) -> object:
        """See `contract.Docker.get`."""
        return self._decoded(self._ask("GET", path, params, None, deadline))

    def containers(self, *, deadline: float = 10.0) -> list[Json]:
        """See `contract.Docker.containers`."""
        answer = self.get("/containers/json", {"all": "1"}, deadline=deadline)
        return _shaped(answer, list[Json])

    def inspect(self, container: str, *, deadline: float = 10.0) -> Json | None:
        """See `contract.Docker.inspect`."""
        return self._one(f"/containers/{_segment(container)}/json", deadline)

    def info(self, *, deadline: float = 10.0) -> Json:
        """See `contract.Docker.info`."""
        return _shaped(self.get("/info", deadline=deadline), Json)

    def image(self, reference: str, *, deadline: float = 10.0) -> Json | None:
        """See `contract.Docker.image`."""
        return self._one(f"/images/{_segment(reference)}/json", deadline)

    def logs(
        self, container: str, *, tail: int, since: float | None = None, deadline: float = 10.0
    ) -> list[bytes]:
        """See `contract.Docker.logs`."""
        until = time.monotonic() + deadline
        lines = self._lines_of(container, deadline)
        answer = self._ask("GET", *_logs(container, tail, since), None, max(0.1, until - time.monotonic()))
        kept = deque(lines.feed(answer.body), maxlen=tail)
        kept.extend(lines.rest())
        return list(kept)

    def follow_logs(
        self, container: str, *, tail: int | None = None, since: float | None = None
    ) -> DockerStream[bytes]:
        """See `contract.Docker.follow_logs`."""
        lines = self._lines_of(container, _OPEN_SECONDS)

        def parse(chunks: Iterable[bytes]) -> Iterator[bytes]:
            for chunk in chunks:
                yield from lines.feed(chunk)
            yield from lines.rest()

        path, params = _logs(container, tail, since)
        return self._stream(path, params | {"follow": "1"}, parse)

    def events(self, since: float | None = None) -> DockerStream[Json]:
        """See `contract.Docker.events`."""
        params = {"filters": '{"type":["container"]}'}
        if since is not None:
            params["since"] = _instant(since)
        return self._stream("/events", params, _events)

    def create_container(self, name: str, body: Mapping[str, Any], *, deadline: float = 30.0) -> str:
        """See `contract.Docker.create_container`."""
        answer = self._ask("POST", "/containers/create", {"name": name}, dict(body), deadline)
        return str(_shaped(self._decoded(answer), Json).get("Id", ""))

    def close(self) -> None:
        """Let go of the idle connections."""
        self._road.close()

    def _one(self, path: str, deadline: float) -> Json | None:
        try:
            return _shaped(self.get(path, deadline=deadline), Json)
        except DockerAnswered as error:
            if error.status == 404:
                return None
            raise

    def _ask(
        self, method: str, path: str, params: Mapping[str, str] | None, body: object | None, deadline: float
    ) -> HttpAnswer:
        try:
            answer = self._road.ask(0, method, _target(path, params), json=body, deadline=deadline, cap=_CAP)
        except DeadlinePassed:
            raise DockerSilent(reason="no-answer", seconds=f"{deadline:g}") from None
        except ConnectionRefused:
            raise DockerSilent(reason="not-running") from None
        if answer.status >= 400:
            raise _refusal(answer.status, answer.body)
        return answer

    def _stream(
        self, path: str, params: Mapping[str, str], parse: Callable[[Iterable[bytes]], Iterator[T]]
    ) -> DockerStream[T]:
        try:
            body = self._road.stream(0, "GET", _target(path, params), deadline=_OPEN_SECONDS)
        except DeadlinePassed:
            raise DockerSilent(reason="no-answer", seconds=f"{_OPEN_SECONDS:g}") from None
        except ConnectionRefused:
            raise DockerSilent(reason="not-running") from None
        if body.status >= 400:
            with body:
                raise _refusal(body.status, next(body, b""))
        return DockerStream(body, parse)

    def _lines_of(self, container: str, deadline: float) -> LogLines:
        """Whether there is a terminal decides the format; engines before 23 do not say it in the answer."""
        found = _shaped(self.get(f"/containers/{_segment(container)}/json", deadline=deadline), Json)
        config = found.get("Config")
        return LogLines(tty=isinstance(config, dict) and config.get("Tty") is True)

    def _decoded(self, answer: HttpAnswer) -> object:
        try:
            return msgspec.json.decode(answer.body)
        except _NOT_JSON:
            raise BadAnswer(reason="not JSON") from None


def _until_broken(body: HttpBody) -> Iterator[bytes]:
    """The chunks; an engine that stops breaks off in the middle, which is this stream's end."""
    try:
        yield from body
    except BadAnswer:
        return


def _events(chunks: Iterable[bytes]) -> Iterator[Json]:
    pending = b""
    for chunk in chunks:
        *whole, pending = (pending + chunk).split(b"\n")
        if len(pending) > _MAX_EVENT:
            raise TooLarge(cap=str(_MAX_EVENT))
        for line in whole:
            try:
                yield _shaped(msgspec.json.decode(line), Json)
            except _NOT_JSON:
                raise BadAnswer(reason="not JSON") from None


def _shaped(value: object, kind: type[T]) -> T:
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError:
        raise BadAnswer(reason="unexpected JSON") from None


def _refusal(status: int, body: bytes) -> DockerAnswered:
    try:
        message = str(_shaped(msgspec.json.decode(body), Json).get("message", ""))
    except (*_NOT_JSON, BadAnswer):
        message = body[:2000].decode(errors="replace")
    return DockerAnswered(status=str(status), message=message)


def _target(path: str, params: Mapping[str, str] | None) -> str:
    return f"{path}?{urlencode(params, quote_via=quote)}" if params else path


def _segment(name: str) -> str:
    """A name as part of a path. Image references hold slashes, which the engine takes unescaped."""
    if not name or ".." in name:
        raise ValueError(f"not a name: {name!r}")
    return quote(name, safe="/:@")


def _logs(container: str, tail: int | None, since: float | None) -> tuple[str, dict[str, str]]:
    params = {"stdout": "1", "stderr": "1", "tail": "all" if tail is None else str(tail)}
    if since is not None:
        params["since"] = _instant(since)
    return f"/containers/{_segment(container)}/logs", params


def _instant(epoch: float) -> str:
    return f"{epoch:.9f}"
