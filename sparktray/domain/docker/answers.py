"""From the Docker Engine's JSON to containers. Tolerant: a missing or odd field is its default."""

from __future__ import annotations

import calendar
import re
from collections.abc import Iterator, Mapping
from typing import TypeGuard

import msgspec
from msgspec.structs import replace

from sparktray.domain.docker.container import Container, ContainerState, Mount, PublishedPort

_TIME = re.compile(r"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(\.\d+)?(Z|[+-]\d\d:\d\d)", re.ASCII)


def seconds(text: object) -> float | None:
    """An RFC 3339 time as seconds since 1970; None for Docker's "never" (year 1) and for nonsense."""
    found = _TIME.fullmatch(text) if isinstance(text, str) else None
    if found is None or found[1] in {"0000", "0001"}:
        return None
    year, month, day, hour, minute, second = (int(part) for part in found.groups()[:6])
    if not 1 <= month <= 12:
        return None
    whole = calendar.timegm((year, month, day, hour, minute, second))
    offset = 0
    if found[8] != "Z":
        sign = -1 if found[8][0] == "-" else 1
        offset = sign * (int(found[8][1:3]) * 3600 + int(found[8][4:6]) * 60)
    return whole - offset + float(found[7] or 0)


def listed(answer: object) -> tuple[Container, ...]:
    """Containers of ``GET /containers/json``; entries without an id are dropped."""
    entries = answer if isinstance(answer, list) else []
    return tuple(c for c in (_listed_one(e) for e in entries if isinstance(e, dict)) if c is not None)


def _listed_one(entry: Mapping[str, object]) -> Container | None:
    identity = _text(entry.get("Id"))
    if not identity:
        return None
    names = [name.lstrip("/") for name in _texts(entry.get("Names"))]
    own = [name for name in names if "/" not in name]  # the others are its aliases by legacy links
    network = _map(entry.get("HostConfig")).get("NetworkMode")
    return Container(
        id=identity,
        name=(own or names or [identity[:12]])[0],
        image=_text(entry.get("Image")),
        state=_state(entry.get("State")),
        ports=tuple(_listed_ports(entry.get("Ports"))),
        labels=_labels(entry.get("Labels")),
        argv=tuple(_text(entry.get("Command")).split()),
        network=_text(network),
    )


def _listed_ports(ports: object) -> Iterator[PublishedPort]:
    for port in ports if isinstance(ports, list) else []:
        entry = _map(port)
        public, private = entry.get("PublicPort"), entry.get("PrivatePort")
        if _is_whole(public) and _is_whole(private):
            yield PublishedPort(public, private, _text(entry.get("IP")))


def inspected(answer: object) -> Container | None:
    """The container of ``GET /containers/{id}/json``, None when the answer is none."""
    entry = _map(answer)
    identity = _text(entry.get("Id"))
    if not identity:
        return None
    state, config, host = _map(entry.get("State")), _map(entry.get("Config")), _map(entry.get("HostConfig"))
    actual = tuple(_bound_ports(_map(entry.get("NetworkSettings")).get("Ports")))
    restart = _map(host.get("RestartPolicy"))
    status = _state(state.get("Status"))
    code = state.get("ExitCode")
    over = status in {ContainerState.EXITED, ContainerState.DEAD}
    return Container(
        id=identity,
        name=_text(entry.get("Name")).lstrip("/"),
        image=_text(config.get("Image")),
        state=status,
        ports=actual or tuple(_bound_ports(host.get("PortBindings"))),
        labels=_labels(config.get("Labels")),
        argv=(*_texts(config.get("Entrypoint")), *_texts(config.get("Cmd"))),
        mounts=tuple(_mounts(entry.get("Mounts"))),
        network=_text(host.get("NetworkMode")),
        restart_policy=_policy(restart),
        auto_remove=host.get("AutoRemove") is True,
        exit_code=code if _is_whole(code) and (over or state.get("Error")) else None,
        oom_killed=state.get("OOMKilled") is True,
        error=_text(state.get("Error")),
        started_at=seconds(state.get("StartedAt")),
        finished_at=seconds(state.get("FinishedAt")),
        restarts=_number(entry.get("RestartCount")),
        tty=config.get("Tty") is True,
        inspected=True,
    )


def image_tags(answer: object) -> Iterator[str]:
    """The names of the images of ``GET /images/json``; one without a name has none."""
    for image in answer if isinstance(answer, list) else []:
        yield from (tag for tag in _texts(_map(image).get("RepoTags")) if tag != "<none>:<none>")


def listed_volumes(answer: object) -> tuple[Mapping[str, object], ...]:
    """The entries of ``GET /volumes``."""
    found = _map(answer).get("Volumes")
    return tuple(each for each in found if isinstance(each, dict)) if isinstance(found, list) else ()


def _policy(restart: Mapping[str, object]) -> str:
    """The restart policy as ``docker update --restart`` takes it."""
    name, most = _text(restart.get("Name")) or "no", _number(restart.get("MaximumRetryCount"))
    return f"{name}:{most}" if name == "on-failure" and most else name


def _bound_ports(bindings: object) -> Iterator[PublishedPort]:
    for inside, outside in _map(bindings).items():
        for binding in outside if isinstance(outside, list) else []:
            entry = _map(binding)
            public, private = _decimal(entry.get("HostPort")), _decimal(inside.partition("/")[0])
            if public is not None and private is not None:
                yield PublishedPort(public, private, _text(entry.get("HostIp")))


def _mounts(mounts: object) -> Iterator[Mount]:
    for mount in mounts if isinstance(mounts, list) else []:
        entry = _map(mount)
        source, destination = _text(entry.get("Source")), _text(entry.get("Destination"))
        if destination:
            yield Mount(source, destination, _text(entry.get("Name")) or None)


class DockerEvent(msgspec.Struct, frozen=True):
    """A container event: Docker's action word, the container, its attributes, seconds since 1970."""

    action: str
    id: str
    name: str
    exit_code: int | None
    time: float


def event(answer: object) -> DockerEvent | None:
    """A line of ``GET /events``; reads ``Action`` and ``Actor`` only, the rest is gone in API 1.52."""
    entry = _map(answer)
    actor = _map(entry.get("Actor"))
    attributes = _map(actor.get("Attributes"))
    action, identity = _text(entry.get("Action")), _text(actor.get("ID"))
    if entry.get("Type") != "container" or not action or not identity:
        return None
    nanoseconds = entry.get("timeNano")
    return DockerEvent(
        action=action.partition(":")[0],
        id=identity,
        name=_text(attributes.get("name")),
        exit_code=_decimal(attributes.get("exitCode")),
        time=nanoseconds / 1e9 if _is_whole(nanoseconds) else 0.0,
    )


def after_event(container: Container, happened: DockerEvent, sequence: int) -> Container | None:
    """The container as the event alone says it is, unconfirmed; None when it is gone."""
    match happened.action:
        case "die":
            return replace(
                container,
                state=ContainerState.EXITED,
                exit_code=happened.exit_code,
                finished_at=happened.time,
                confirmed=False,
                sequence=sequence,
            )
        case "destroy":
            return None
        case "oom":
            # Docker 20.10 tells of it in the inspect only after the end of the container.
            return replace(container, oom_killed=True, sequence=sequence)
        case "pause":
            state = ContainerState.PAUSED
        case "unpause":
            state = ContainerState.RUNNING
        case _:
            return replace(container, name=happened.name or container.name, sequence=sequence)
    return replace(container, state=state, confirmed=False, sequence=sequence)


def _state(value: object) -> ContainerState:
    try:
        return ContainerState(_text(value))
    except ValueError:
        return ContainerState.DEAD


def _map(value: object) -> Mapping[str, object]:
    return value if isinstance(value, dict) else {}


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _texts(value: object) -> tuple[str, ...]:
    return tuple(v for v in value if isinstance(v, str)) if isinstance(value, list) else ()


def _number(value: object) -> int:
    return value if _is_whole(value) else 0


def _is_whole(value: object) -> TypeGuard[int]:
    """JSON's numbers have no end; Docker's are of 64 bits, and what goes on from here counts on it."""
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) < 1 << 63


def _decimal(value: object) -> int | None:
    return int(value) if isinstance(value, str) and re.fullmatch(r"\d{1,9}", value) else None


def _labels(value: object) -> dict[str, str]:
    return {k: v for k, v in _map(value).items() if isinstance(v, str)}
