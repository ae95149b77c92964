"""Whether a wish may be fulfilled at all: refusals, each before anything on the host is changed."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import structs

from sparktray.decide.identity import port_held
from sparktray.domain.catalogue import Model, Server
from sparktray.domain.docker.container import (
    PREVIOUS,
    Container,
)
from sparktray.domain.facts.survey import Survey
from sparktray.domain.operation import BackWish, ForgetWish, RestoreWish, StopWish, SwitchWish, WipeWish, Wish
from sparktray.domain.phrase import phrase
from sparktray.domain.problem import Problem
from sparktray.domain.snapshot import LinkPhase, Snapshot
from sparktray.domain.text import clean_name
from sparktray.engines.registry import engine
from sparktray.engines.sizes import folder_complete

USAGE = "usage"
"""Codes that begin so are errors of the command, not of the host."""


def may(snapshot: Snapshot, wish: Wish) -> Problem | None:
    """Why this wish cannot be taken on now; None when it can. Asked by menu, commands and reducer."""
    problem = closed(snapshot)
    if problem is not None:
        return problem
    match wish:
        case SwitchWish():
            chosen = chosen_server(snapshot, wish)
            return chosen if isinstance(chosen, Problem) else None
        case StopWish():
            return _unknown_server(snapshot, wish.server)
        case BackWish() | WipeWish() | RestoreWish() | ForgetWish():
            return None


def closed(snapshot: Snapshot) -> Problem | None:
    """Why no wish at all can be taken on now; None when it depends on the wish."""
    if snapshot.active is not None:
        return Problem(
            "operation-running",
            phrase("Another operation is under way."),
            phrase("Wait for it, or cancel it first."),
        )
    if snapshot.link is not LinkPhase.CONNECTED or not snapshot.containers_known:
        return snapshot.problem or snapshot.docker_problem or _not_connected(snapshot)
    return None


def _not_connected(snapshot: Snapshot) -> Problem:
    return Problem(
        "not-connected",
        phrase("{host} is not connected yet.", host=snapshot.host.name),
        phrase("Wait for the connection and try again."),
    )


def _unknown_server(snapshot: Snapshot, name: str | None) -> Problem | None:
    if name is None or snapshot.catalogue.server(name) is not None:
        return None
    known = ", ".join(s.name for s in snapshot.catalogue.servers)
    return Problem(
        f"{USAGE}-unknown-server",
        phrase("There is no server {name} in the catalogue.", name=clean_name(name)),
        phrase("Use one of these: {names}.", names=known),
    )


def chosen_server(snapshot: Snapshot, wish: SwitchWish) -> tuple[Model, Server] | Problem:
    """The entry and the server a switch means, or why it names none."""
    model = snapshot.catalogue.model(wish.model)
    if model is None:
        known = ", ".join(m.id for m in snapshot.catalogue.models)
        return Problem(
            f"{USAGE}-unknown-model",
            phrase("There is no model {name} in the catalogue.", name=clean_name(wish.model)),
            phrase("Use one of these: {names}.", names=known or "-"),
        )
    unknown = _unknown_server(snapshot, wish.on)
    if unknown is not None:
        return unknown
    server = snapshot.catalogue.server(wish.on or model.servers[0])
    if server is None or server.name not in model.servers:
        return Problem(
            f"{USAGE}-wrong-server",
            phrase("{model} is not set up for {server}.", model=model.id, server=wish.on or ""),
            phrase("Use one of these: {names}.", names=", ".join(model.servers)),
        )
    return _with_context(model, server, wish.context)


def _with_context(model: Model, server: Server, context: int | None) -> tuple[Model, Server] | Problem:
    """The entry with the context of this one start, where this program makes the command."""
    if context is None:
        return model, server
    if loads_by_api(server) or model.start is not None:
        return Problem(
            f"{USAGE}-context",
            phrase("{model} brings its own context on {server}.", model=model.id, server=server.name),
            phrase("Leave out --context."),
        )
    return structs.replace(model, context=context), server


def secret_refusal(model: Model, survey: Survey) -> Problem | None:
    """The entry needs a value that the keyring does not hold, or cannot give."""
    if survey.keyring is not None:
        return survey.keyring
    if survey.unstored is None:
        return None
    return Problem(
        "secret-missing",
        phrase("The secret {name} of {model} is not stored.", name=survey.unstored, model=model.id),
        phrase("Store it in the keyring: sparktray secret set {name}", name=survey.unstored),
    )


def folder_refusal(model: Model, path: str, survey: Survey) -> Problem | None:
    """The model's folder on the host is missing or not complete."""
    if survey.folder is None:
        return Problem(
            "model-missing",
            phrase("The folder {path} is not on the host.", path=path),
            phrase("Put the model there, or correct its path in models.json."),
        )
    lacking = folder_complete(survey.folder)
    if lacking is None:
        return None
    return Problem(
        "model-incomplete",
        phrase("The model {model} is not complete: {lacking}", model=model.id, lacking=lacking),
        phrase("Download it again into {path}.", path=path),
    )


def port_refusal(
    server: Server, containers: Iterable[Container], survey: Survey, retired: Iterable[Container]
) -> Problem | None:
    """Somebody whom this switch does not stop holds the server's port; it is named."""
    ours = {c.id for c in retired}
    holder = next((c for c in containers if port_held(c, server.port) and c.id not in ours), None)
    if holder is not None:
        return _port_taken(server, phrase("container {name}", name=clean_name(holder.name)))
    if any(port_held(c, server.port) for c in retired):
        return None
    listener = next((x for x in survey.listeners if x.port == server.port), None)
    if listener is None:
        return None
    if listener.program:
        return _port_taken(server, phrase("program {name}", name=clean_name(listener.program)))
    return _port_taken(server, phrase("another program"))


def _port_taken(server: Server, who: object) -> Problem:
    return Problem(
        "port-taken",
        phrase("Port {port} of the host is taken by {who}.", port=server.port, who=who),
        phrase("Stop it, or give server {server} another port in models.json.", server=server.name),
    )


def takeover_refusal(server: Server, retired: Iterable[Container]) -> Problem | None:
    """A container of another name, image or port is taken over only when that was asked for."""
    container = next((c for c in retired if foreign(server, c)), None)
    if container is None:
        return None
    return Problem(
        "replace-needed",
        phrase(
            "Container {container} ({image}) runs in the place of server {server}.",
            container=clean_name(container.name),
            image=clean_name(container.image),
            server=server.name,
        ),
        phrase("Add --replace to stop it and take its place."),
    )


def foreign(server: Server, container: Container) -> bool:
    """True for a container in a server's place that the catalogue does not mean, nor was started by us."""
    same = container.name == server.container and same_image(container.image, server.image)
    here = not container.running or port_held(container, server.port)
    return not here or not (same or container.managed)


def same_image(one: str, other: str) -> bool:
    """True for two references of one image; a missing tag means ``latest``."""
    return _tagged(one) == _tagged(other)


def _tagged(reference: str) -> str:
    return reference if ":" in reference.rpartition("/")[2] or "@" in reference else reference + ":latest"


def name_refusal(
    server: Server, containers: Iterable[Container], survey: Survey, retired: Iterable[Container]
) -> Problem | None:
    """A name that this switch needs belongs to something it must not touch."""
    known = {c.name: c for c in containers}
    moving = {c.id for c in retired}
    held = known.get(server.container)
    if held is not None and held.id not in moving:
        return _name_taken(held)
    for container in retired:
        if container.of_compose and container.name == server.container:
            return Problem(
                "compose-name",
                phrase("Container {name} belongs to a Compose project.", name=clean_name(container.name)),
                phrase("Stop it with docker compose, or give the server another container name."),
            )
        aside = known.get(container.name + PREVIOUS)
        if aside is not None and aside.id not in survey.abandoned:
            return _name_taken(aside)
    return None


def _name_taken(container: Container) -> Problem:
    return Problem(
        "name-taken",
        phrase("The name {name} is taken by a container of somebody else.", name=clean_name(container.name)),
        phrase("Rename or remove it: docker rename {name} other-name", name=clean_name(container.name)),
    )


def ollama_refusal(name: str, installed: tuple[str, ...], server: Server) -> Problem | None:
    """Ollama does not have the model; fetching one is a decision of its own."""
    if not installed or {name, f"{name}:latest"} & set(installed):
        return None
    return Problem(
        "model-missing",
        phrase("Ollama on the host does not have {name}.", name=name),
        phrase("Fetch it: docker exec {container} ollama pull {name}", container=server.container, name=name),
    )


def service_refusal(survey: Survey) -> Problem | None:
    """The host has the server as a service that does not run; a container would have none of its models."""
    if survey.resting is None:
        return None
    return Problem(
        "service-stopped",
        phrase("The host has {service}, which does not run.", service=survey.resting),
        phrase(
            "Start it on the host: sudo systemctl start {service}. "
            "With --replace a container is made instead, which has none of its models.",
            service=survey.resting,
        ),
    )


def loads_by_api(server: Server) -> bool:
    """True for Ollama: the server stays, only its model changes."""
    return engine(server.engine).loads_by_api
