"""The demo's Docker Engine: what there is, what a request changes, and the events that tell of it."""

from __future__ import annotations

import copy
import itertools
import json
import re
import secrets
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from sparktray.demo.docker.container import Held, Image, Json, stamp
from sparktray.demo.inside.guest import Guest
from sparktray.demo.streams import Feed
from sparktray.domain.docker.container import ContainerState

VERSION = "28.5.1"
_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]+")
_KILLED, _NO_PROGRAM = 137, 127
_KEPT_EVENTS = 256
# What the last moment of a container may take: it waits for nothing but its own thread.
_JOIN_SECONDS = 30.0


class Refused(Exception):
    """What the engine answers instead of doing it; ``status`` is the HTTP status."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


@dataclass
class Volume:
    """A volume; ``holds`` is whatever was put into it."""

    name: str
    labels: Mapping[str, str]
    created: float
    holds: Any = None


class Host(msgspec.Struct, frozen=True):
    """What the engine asks of its machine: its memory, and what runs in a container."""

    memory_bytes: int
    guest: Callable[[Held], Guest]


@dataclass
class Engine:
    """All methods from any thread; those that wait for a container's end do so without the lock."""

    host: Host
    images: dict[str, Image]
    volumes: dict[str, Volume] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._lock = threading.RLock()
        self._containers: dict[str, Held] = {}
        self._pids = itertools.count(41_000, 137)
        self._events: list[tuple[float, bytes]] = []
        self._feeds: list[Feed] = []

    # What there is.

    def containers(self) -> list[Held]:
        """All of them, the newest first."""
        with self._lock:
            return list(reversed(self._containers.values()))

    def find(self, name: str) -> Held:
        """By name, id or the beginning of one."""
        with self._lock:
            for each in self._containers.values():
                if name in {each.name, each.id} or (len(name) >= 4 and each.id.startswith(name)):
                    return each
        raise Refused(404, f"No such container: {name}")

    def inspect(self, name: str) -> Json:
        """As it is at one moment."""
        with self._lock:
            return copy.deepcopy(self.find(name).inspect())

    def listed(self, *, stopped: bool) -> list[Json]:
        """Those that run, or all."""
        with self._lock:
            return [copy.deepcopy(each.listed()) for each in self.containers() if stopped or each.lives]

    def image(self, reference: str) -> Image:
        """By tag or id."""
        name = reference if ":" in reference.rpartition("/")[2] else f"{reference}:latest"
        for image in self.images.values():
            if name == image.tag or reference == image.id:
                return image
        raise Refused(404, f"No such image: {name}")

    def serving(self, port: int) -> Guest | None:
        """What listens behind a port of the host."""
        with self._lock:
            for each in self._containers.values():
                if each.lives and each.guest is not None and port in dict(each.bindings):
                    return each.guest if each.guest.listens else None
        return None

    def info(self) -> Json:
        """``GET /info``."""
        now = time.time()
        alive = [each for each in self.containers() if each.lives]
        return {
            "ID": "demo",
            "Containers": len(self._containers),
            "ContainersRunning": len(alive),
            "Images": len(self.images),
            "Driver": "overlay2",
            "SystemTime": stamp(now),
            "OperatingSystem": "DGX OS 7 (demo)",
            "Architecture": "aarch64",
            "NCPU": 20,
            "MemTotal": self.host.memory_bytes,
            "Name": "demo",
            "ServerVersion": VERSION,
        }

    # Events.

    def events(self, since: float | None) -> Feed:
        """What happens from now on, after what happened since then; until the feed is ended."""
        feed = Feed()
        with self._lock:
            for at, line in self._events:
                if since is not None and at >= since:
                    feed.put(line)
            self._feeds.append(feed)
        return feed

    def _tell(self, action: str, container: Held, **attributes: str) -> None:
        now = time.time()
        image = str(container.config.get("Image", ""))
        told = {
            "status": action,
            "id": container.id,
            "from": image,
            "Type": "container",
            "Action": action,
            "Actor": {
                "ID": container.id,
                "Attributes": {**container.labels, "image": image, "name": container.name, **attributes},
            },
            "scope": "local",
            "time": int(now),
            "timeNano": int(now * 1e9),
        }
        line = json.dumps(told, separators=(",", ":")).encode() + b"\n"
        self._events = [*self._events[-_KEPT_EVENTS:], (now, line)]
        self._feeds = [feed for feed in self._feeds if not feed.ended]
        for feed in self._feeds:
            feed.put(line)

    # Changes.

    def create(self, name: str, body: Mapping[str, Any]) -> Held:
        """``POST /containers/create``: nothing runs yet."""
        config = copy.deepcopy({key: value for key, value in body.items() if key != "HostConfig"})
        config.pop("NetworkingConfig", None)
        image = self.image(str(config.get("Image", "")))
        host = {"NetworkMode": "bridge", "AutoRemove": False, **copy.deepcopy(body.get("HostConfig") or {})}
        host.setdefault("RestartPolicy", {"Name": "no", "MaximumRetryCount": 0})
        identity = secrets.token_hex(32)
        config = {"Hostname": identity[:12], "Env": [], "Tty": False, "Labels": {}, **config}
        if config.get("Entrypoint") is None:
            config["Entrypoint"] = list(image.entrypoint) or None
            config["Cmd"] = config.get("Cmd") or list(image.command)
        with self._lock:
            self._free(name)
            made = Held(identity, name or f"demo_{identity[:6]}", image, time.time(), config, host)
            for source, _, _ in made.binds:
                if not source.startswith("/"):
                    self.make_volume(source, {})
            self._containers[identity] = made
            self._tell("create", made)
        return made

    def start(self, name: str) -> Held:
        """Run it; one that runs already stays as it is."""
        with self._lock:
            found = self.find(name)
            if found.lives:
                return found
            held = {
                port: each for each in self._containers.values() if each.lives for port, _ in each.bindings
            }
            taken = next((port for port, _ in found.bindings if port in held), None)
            if taken is not None:
                found.error = (
                    "failed to set up container networking: driver failed programming external connectivity"
                    f" on endpoint {found.name} ({found.id}): Bind for 0.0.0.0:{taken} failed: port is"
                    " already allocated"
                )
                found.exit_code = 128
                raise Refused(500, found.error)
            try:
                guest = self.host.guest(found)
            except Refused as refused:
                found.error, found.exit_code = refused.message, _NO_PROGRAM
                raise
            found.state, found.started_at, found.finished_at = ContainerState.RUNNING, time.time(), None
            found.error, found.exit_code, found.pid = "", 0, next(self._pids)
            found.guest = guest
            found.ended.clear()
            self._tell("start", found)
            guest.begin(lambda code: self._over(found, guest, code))
        return found

    def _over(self, container: Held, guest: Guest, code: int) -> None:
        """Its main process ended."""
        with self._lock:
            if container.guest is not guest:
                return
            container.guest = None
            container.state, container.exit_code = ContainerState.EXITED, code
            container.finished_at = time.time()
            self._tell("die", container, exitCode=str(code))
            if container.host.get("AutoRemove"):
                self._drop(container)
        container.log.over()
        container.ended.set()

    def stop(self, name: str) -> None:
        """Ask it to end, and wait until it has."""
        found, guest = self._running(name)
        if guest is None:
            return
        with self._lock:
            self._tell("kill", found, signal="15")
        guest.end(None)
        guest.join(_JOIN_SECONDS)
        with self._lock:
            if found.id in self._containers:
                self._tell("stop", found)

    def _running(self, name: str) -> tuple[Held, Guest | None]:
        with self._lock:
            found = self.find(name)
            return found, found.guest

    def rename(self, name: str, to: str) -> None:
        """Another name, while it runs too."""
        with self._lock:
            found = self.find(name)
            self._free(to, renaming=True)
            old, found.name = found.name, to
            self._tell("rename", found, oldName=f"/{old}")

    def remove(self, name: str, *, force: bool) -> None:
        """Remove it; one that runs only by force."""
        found, guest = self._running(name)
        if guest is not None:
            if not force:
                raise Refused(
                    409,
                    f'cannot remove container "/{found.name}": container is running: stop the container'
                    " before removing or force remove",
                )
            with self._lock:
                self._tell("kill", found, signal="9")
            guest.end(_KILLED)
            guest.join(_JOIN_SECONDS)
        with self._lock:
            if found.id in self._containers:
                self._drop(found)

    def _drop(self, container: Held) -> None:
        del self._containers[container.id]
        self._tell("destroy", container)

    def restart_policy(self, name: str, policy: str) -> None:
        """``docker update --restart``."""
        kind, _, most = policy.partition(":")
        if kind not in {"no", "always", "unless-stopped", "on-failure"}:
            raise Refused(400, f"invalid restart policy: unknown policy '{kind}'; use one of 'no', 'always',")
        with self._lock:
            found = self.find(name)
            found.host["RestartPolicy"] = {"Name": kind, "MaximumRetryCount": int(most or 0)}
            self._tell("update", found)

    def make_volume(self, name: str, labels: Mapping[str, str]) -> Volume:
        """The volume of that name, made when it is not there."""
        with self._lock:
            if name not in self.volumes:
                self.volumes[name] = Volume(name, dict(labels), time.time())
            return self.volumes[name]

    def remove_volume(self, name: str) -> None:
        """Remove it; one that a container has only after that."""
        with self._lock:
            if name not in self.volumes:
                raise Refused(404, f"get {name}: no such volume")
            users = [
                each.id for each in self._containers.values() if name in {source for source, *_ in each.binds}
            ]
            if users:
                raise Refused(409, f"remove {name}: volume is in use - [{', '.join(users)}]")
            del self.volumes[name]

    def _free(self, name: str, *, renaming: bool = False) -> None:
        """Refuse a name that is none, or that a container has."""
        if name and not _NAME.fullmatch(name):
            raise Refused(400, f"Invalid container name ({name}), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed")
        other = next((each for each in self._containers.values() if each.name == name), None)
        if other is not None:
            allocating = "Error when allocating new name: " if renaming else ""
            raise Refused(
                409,
                f'{allocating}Conflict. The container name "/{name}" is already in use by container'
                f' "{other.id}". You have to remove (or rename) that container to be able to reuse that'
                " name.",
            )
