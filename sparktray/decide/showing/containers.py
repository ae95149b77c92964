"""The table of the host's containers: the servers' own first, then all others."""

from __future__ import annotations

from collections.abc import Iterable
from typing import assert_never

import msgspec

from sparktray.decide.showing.present import sentence
from sparktray.domain.docker.container import PREVIOUS, Container, ContainerState, PublishedPort
from sparktray.domain.facts.vitals import Vitals
from sparktray.domain.phrase import Phrase, phrase
from sparktray.domain.snapshot import LinkPhase, Snapshot
from sparktray.domain.text import clean_name


class ContainerRow(msgspec.Struct, frozen=True):
    """One container; names and ports are plain text of one line."""

    name: str
    image: str
    state: Phrase
    ports: str
    running: bool


class ContainerRows(msgspec.Struct, frozen=True):
    """``ours`` are those of the catalogue's servers, in its order, ``others`` are never touched."""

    ours: tuple[ContainerRow, ...]
    others: tuple[ContainerRow, ...]


class Trouble(msgspec.Struct, frozen=True):
    """Why there is nothing to show, and the way out where one is known."""

    cause: Phrase
    remedy: Phrase | None


def trouble(snapshot: Snapshot) -> Trouble | None:
    """Why nothing true can be said about the host's containers now; None when it can."""
    if snapshot.link is not LinkPhase.CONNECTED:
        problem = snapshot.problem
    elif snapshot.docker_problem is not None:
        problem = snapshot.docker_problem
    elif not snapshot.containers_known:
        problem = None
    else:
        return None
    return Trouble(sentence(snapshot), None if problem is None else problem.remedy)


def container_rows(snapshot: Snapshot) -> ContainerRows:
    """The rows for that picture; the lock of an operation is none."""
    order: dict[str, int] = {}
    for place, state in enumerate(snapshot.servers):
        if state.container is not None:
            order.setdefault(state.container.id, place)
    aside = {state.server.container + PREVIOUS for state in snapshot.servers}
    ours, others = [], []
    for each in snapshot.containers:
        if each.id in order or each.managed or each.name in aside:
            ours.append(each)
        elif not each.is_lock:
            others.append(each)
    ours.sort(key=lambda each: (order.get(each.id, len(order)), each.name))
    others.sort(key=lambda each: (not each.running, each.name))
    return ContainerRows(_rows(ours), _rows(others))


def gpu_line(vitals: Vitals) -> Phrase:
    """Name, temperature and power, a dash for each that the host does not tell."""
    if vitals.gpu_name is None and vitals.gpu_celsius is None and vitals.gpu_watt is None:
        return phrase("GPU: not known")
    return phrase(
        "GPU {name} · {celsius} °C · {watt} W",
        name=clean_name(vitals.gpu_name or "") or "–",
        celsius="–" if vitals.gpu_celsius is None else round(vitals.gpu_celsius),
        watt="–" if vitals.gpu_watt is None else round(vitals.gpu_watt),
    )


def _rows(containers: Iterable[Container]) -> tuple[ContainerRow, ...]:
    return tuple(
        ContainerRow(
            clean_name(each.name), clean_name(each.image), _state(each), _ports(each.ports), each.running
        )
        for each in containers
    )


def _state(container: Container) -> Phrase:
    match container.state:
        case ContainerState.CREATED:
            return phrase("created")
        case ContainerState.RUNNING:
            return phrase("running")
        case ContainerState.PAUSED:
            return phrase("paused")
        case ContainerState.RESTARTING:
            return phrase("restarting")
        case ContainerState.REMOVING:
            return phrase("removing")
        case ContainerState.EXITED if container.exit_code is not None:
            return phrase("exited, code {code}", code=container.exit_code)
        case ContainerState.EXITED:
            return phrase("exited")
        case ContainerState.DEAD:
            return phrase("dead")
        case _:  # pragma: no cover
            assert_never(container.state)


def _ports(ports: Iterable[PublishedPort]) -> str:
    """Each once, though Docker lists it for IPv4 and IPv6."""
    pairs = sorted({(each.port, each.container_port) for each in ports})
    return ", ".join(str(port) if port == inside else f"{port}→{inside}" for port, inside in pairs)
