"""One container of the demo, and how Docker describes it (facts: Docker Engine API v1.41 to v1.51)."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import msgspec

from sparktray.demo.streams import Feed
from sparktray.domain.docker.container import ContainerState

if TYPE_CHECKING:
    from sparktray.demo.inside.guest import Guest

Json = dict[str, Any]
NEVER = "0001-01-01T00:00:00Z"
LIVES = frozenset({ContainerState.RUNNING, ContainerState.PAUSED, ContainerState.RESTARTING})


def stamp(seconds: float | None) -> str:
    """A time as Docker writes it, in UTC."""
    if seconds is None:
        return NEVER
    whole = datetime.fromtimestamp(int(seconds), UTC).strftime("%Y-%m-%dT%H:%M:%S")
    return f"{whole}.{int(seconds % 1 * 1e9):09d}Z"


class Image(msgspec.Struct, frozen=True):
    """An image by its tag; ``entrypoint`` and ``command`` are what it runs by itself."""

    tag: str
    id: str
    size: int
    entrypoint: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    ports: tuple[str, ...] = ()


class Log:
    """What a container printed. Any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._lines: list[tuple[float, int, bytes]] = []
        self._feeds: list[Feed] = []
        self._attached: Callable[[int, bytes], None] | None = None

    def attach(self, told: Callable[[int, bytes], None]) -> None:
        """Pass on the output as it comes, as ``docker run`` without ``-d`` does."""
        self._attached = told

    def say(self, now: float, text: bytes, stream: int = 2) -> None:
        """A piece of output with its end of line; ``stream`` is 1 for stdout and 2 for stderr."""
        with self._lock:
            self._lines.append((now, stream, text))
            self._feeds = [feed for feed in self._feeds if not feed.ended]
            for feed in self._feeds:
                feed.put(_frame(stream, text))
        if self._attached is not None:
            self._attached(stream, text)

    def frames(self, tail: int | None, since: float) -> bytes:
        """The last lines, as the API frames them."""
        with self._lock:
            return b"".join(self._wanted(tail, since))

    def follow(self, tail: int | None, since: float, *, going_on: bool) -> Feed:
        """The last lines and, while the container is ``going_on``, those that come until its end."""
        feed = Feed()
        with self._lock:
            for frame in self._wanted(tail, since):
                feed.put(frame)
            if going_on:
                self._feeds.append(feed)
            else:
                feed.end()
        return feed

    def _wanted(self, tail: int | None, since: float) -> list[bytes]:
        wanted = [_frame(stream, text) for at, stream, text in self._lines if at >= since]
        return wanted if tail is None else wanted[max(0, len(wanted) - tail) :]

    def over(self) -> None:
        """The run ended, and with it whatever follows it."""
        with self._lock:
            feeds, self._feeds = self._feeds, []
        for feed in feeds:
            feed.end()


def _frame(stream: int, text: bytes) -> bytes:
    return bytes((stream, 0, 0, 0)) + len(text).to_bytes(4, "big") + text


@dataclass
class Held:
    """A container as the engine keeps it. Changed under the engine's lock only."""

    id: str
    name: str
    image: Image
    created: float
    config: Json
    host: Json
    state: ContainerState = ContainerState.CREATED
    pid: int = 0
    exit_code: int = 0
    error: str = ""
    started_at: float | None = None
    finished_at: float | None = None
    log: Log = field(default_factory=Log)
    guest: Guest | None = None
    stdin: bytes = b""
    ended: threading.Event = field(default_factory=threading.Event)

    @property
    def lives(self) -> bool:
        """Whether its processes exist."""
        return self.state in LIVES

    @property
    def argv(self) -> tuple[str, ...]:
        """The whole command line."""
        return (*(self.config.get("Entrypoint") or ()), *(self.config.get("Cmd") or ()))

    @property
    def labels(self) -> Mapping[str, str]:
        """Its labels."""
        return self.config.get("Labels") or {}

    @property
    def bindings(self) -> Iterator[tuple[int, int]]:
        """Ports of the host, and the container's behind them."""
        for inside, outside in (self.host.get("PortBindings") or {}).items():
            for each in outside:
                yield int(each["HostPort"]), int(inside.partition("/")[0])

    @property
    def binds(self) -> Iterator[tuple[str, str, bool]]:
        """Folders of the host and volumes with their place inside, and whether they can be written."""
        for bind in self.host.get("Binds") or ():
            source, _, rest = str(bind).partition(":")
            target, _, mode = rest.partition(":")
            yield source, target, mode != "ro"

    def inspect(self) -> Json:
        """``GET /containers/{id}/json``."""
        argv = self.argv
        mode = self.host.get("NetworkMode") or "default"
        return {
            "Id": self.id,
            "Created": stamp(self.created),
            "Path": argv[0] if argv else "",
            "Args": list(argv[1:]),
            "State": {
                "Status": str(self.state),
                "Running": self.lives,
                "Paused": self.state is ContainerState.PAUSED,
                "Restarting": False,
                "OOMKilled": False,
                "Dead": False,
                "Pid": self.pid if self.lives else 0,
                "ExitCode": self.exit_code,
                "Error": self.error,
                "StartedAt": stamp(self.started_at),
                "FinishedAt": stamp(self.finished_at),
            },
            "Image": self.image.id,
            "Name": f"/{self.name}",
            "RestartCount": 0,
            "HostConfig": self.host,
            "Mounts": list(self._mounts()),
            "Config": self.config,
            "NetworkSettings": {"Ports": self._ports(), "Networks": {mode: {"NetworkID": ""}}},
        }

    def listed(self) -> Json:
        """Its entry of ``GET /containers/json``."""
        ports = [
            {"IP": "0.0.0.0", "PrivatePort": inside, "PublicPort": port, "Type": "tcp"}  # noqa: S104
            for port, inside in self.bindings
            if self.lives
        ]
        return {
            "Id": self.id,
            "Names": [f"/{self.name}"],
            "Image": self.config.get("Image", ""),
            "ImageID": self.image.id,
            "Command": " ".join(self.argv),
            "Created": int(self.created),
            "Ports": ports,
            "Labels": dict(self.labels),
            "State": str(self.state),
            "Status": self._status(),
            "HostConfig": {"NetworkMode": self.host.get("NetworkMode") or "default"},
            "NetworkSettings": {"Networks": {}},
            "Mounts": list(self._mounts()),
        }

    def _status(self) -> str:
        match self.state:
            case ContainerState.CREATED:
                return "Created"
            case ContainerState.EXITED:
                return f"Exited ({self.exit_code}) a moment ago"
            case _:
                return "Up a moment"

    def _ports(self) -> Json:
        if not self.lives:
            return {}
        return {
            f"{inside}/tcp": [{"HostIp": "0.0.0.0", "HostPort": str(port)}]  # noqa: S104
            for port, inside in self.bindings
        }

    def _mounts(self) -> Iterator[Json]:
        for source, target, writable in self.binds:
            if source.startswith("/"):
                yield {"Type": "bind", "Source": source, "Destination": target, "Mode": "", "RW": writable}
                continue
            place = f"/var/lib/docker/volumes/{source}/_data"
            yield {
                "Type": "volume",
                "Name": source,
                "Source": place,
                "Destination": target,
                "Driver": "local",
                "Mode": "z",
                "RW": writable,
            }
