"""Which server of the catalogue a `docker run` line means, or the new one that it needs."""

from __future__ import annotations

import re
from collections.abc import Mapping

import msgspec
from msgspec.structs import replace

from sparktray.decide.finding.docker_line import DockerRun
from sparktray.decide.finding.proposals import unique
from sparktray.domain.catalogue import Catalogue, EngineKind
from sparktray.domain.catalogue_file.shape import SERVER_NAME
from sparktray.domain.phrase import Phrase, phrase
from sparktray.engines.registry import engine


class Placed(msgspec.Struct, frozen=True):
    """A server by name; ``new`` are its keys in models.json when the catalogue has none like it."""

    server: str
    engine: EngineKind
    new: Mapping[str, object] = msgspec.field(default_factory=dict)
    remarks: tuple[Phrase, ...] = ()


def placed(run: DockerRun, kind: EngineKind, catalogue: Catalogue) -> Placed:
    """The server with that engine, container and port; without a name in the line any container will do."""
    container = run.container
    inside = engine(kind).port_of(container)
    published = next((p for p in container.ports if p.container_port == inside), None)
    usual = engine(kind).port_of(replace(container, argv=()))
    port = published.port if published is not None else inside or usual or 1
    remarks = []
    if published is None and container.network != "host":
        remarks.append(phrase("The line publishes no port; sparktray publishes {port}.", port=port))
    elif published is not None and published.address != "0.0.0.0":  # noqa: S104  Docker's default
        remarks.append(
            phrase(
                "The line serves at {address} only; sparktray publishes at all addresses of the host.",
                address=published.address,
            )
        )
    here = next((s for s in catalogue.servers if s.engine is kind and s.port == port), None)
    if here is not None and container.name in ("", here.container):
        if here.image != container.image:
            remarks.append(
                phrase(
                    "The server {name} of your list uses the image {image}, not {other}.",
                    name=here.name,
                    image=here.image,
                    other=container.image,
                )
            )
        return Placed(here.name, kind, remarks=tuple(remarks))
    return _new(run, kind, catalogue, port, remarks)


def _new(run: DockerRun, kind: EngineKind, catalogue: Catalogue, port: int, remarks: list[Phrase]) -> Placed:
    """A server of its own, with a container and a port that no other has: the catalogue allows no two."""
    wanted = run.container.name or str(kind)
    containers = {catalogue.open_webui.container: "open_webui"}
    ports = {catalogue.open_webui.port: "open_webui"}
    for server in catalogue.servers:
        containers[server.container] = ports[server.port] = server.name
    container = unique(wanted, containers)
    free = next(number for number in (*range(port, 65536), *range(1, port)) if number not in ports)
    name = unique(_name(container), (server.name for server in catalogue.servers))
    remarks.append(phrase("It gets a server of its own in your list, {name}.", name=name))
    if container != wanted and run.container.name:
        remarks.append(
            phrase(
                "The container {wanted} belongs to {other} there; the new one is called {container}.",
                wanted=wanted,
                other=containers[wanted],
                container=container,
            )
        )
    if free != port:
        remarks.append(
            phrase(
                "Port {wanted} belongs to {other} there; the new one gets {port}.",
                wanted=port,
                other=ports[port],
                port=free,
            )
        )
    keys = {"engine": str(kind), "container": container, "port": free, "image": run.container.image}
    return Placed(name, kind, keys, tuple(remarks))


def _name(container: str) -> str:
    return container if re.fullmatch(SERVER_NAME, container) else "server"
