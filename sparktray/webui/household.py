"""Reads from the host what a plan about Open WebUI goes by."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from sparktray.decide.webui.answers import contents_of
from sparktray.decide.webui.refusing import is_open_webui
from sparktray.decide.webui.steps import Place, look
from sparktray.domain.catalogue import OpenWebUi
from sparktray.domain.docker.answers import image_tags, inspected, listed, listed_volumes
from sparktray.domain.open_webui import DATA_FOLDER, Archive, Contents, Household, archive_of
from sparktray.domain.problem import Problem
from sparktray.domain.text import clean_name
from sparktray.engines.commands import repository
from sparktray.remote.contract import Json, Remote
from sparktray.webui.inside import InsideFailed, run_inside

# Counting rows and files of a large volume; a person waits for a preview.
_LOOK_SECONDS = 120.0


def household(remote: Remote, known: OpenWebUi, older_than: int | None = None) -> Household:
    """Everything, the contents of the volume included. Raises RemoteError. About a second."""
    inspect = remote.docker.inspect(known.container)
    container = inspected(inspect)
    volumes = listed_volumes(remote.docker.get("/volumes"))
    there = any(each.get("Name") == known.volume for each in volumes)
    image = _image_of(inspect) if container is not None and is_open_webui(container) else _any_image(remote)
    contents: Contents | Problem | None = None
    if there and image is not None:
        contents = _contents(remote, Place(known.container, known.volume, image, ""), older_than)
    mounts = container.mounts if container is not None else ()
    mounted = next((m.volume for m in mounts if m.destination.rstrip("/") == DATA_FOLDER), None)
    return Household(
        container=container,
        image=image,
        volume_there=there,
        mounted=mounted,
        external=_external_database(inspect),
        sharers=_sharers(remote, known),
        contents=contents,
        archives=archives_of(volumes),
    )


def archives(remote: Remote) -> tuple[Archive, ...]:
    """All archives on the host, the newest first. Raises RemoteError."""
    return archives_of(listed_volumes(remote.docker.get("/volumes")))


def archives_of(volumes: Iterable[Mapping[str, object]]) -> tuple[Archive, ...]:
    """Those among Docker's volumes, the newest first."""
    found = (archive_of(each) for each in volumes)
    return tuple(sorted((each for each in found if each is not None), key=lambda each: -each.made_at))


def _contents(remote: Remote, place: Place, older_than: int | None) -> Contents | Problem:
    try:
        return contents_of(run_inside(remote, look(place, older_than), deadline=_LOOK_SECONDS))
    except InsideFailed as failed:
        return failed.problem


def _image_of(inspect: Json | None) -> str | None:
    """The very image that the container runs: its tag may mean another one since a pull."""
    image = (inspect or {}).get("Image")
    return image if isinstance(image, str) and image else None


def _any_image(remote: Remote) -> str | None:
    """An image of Open WebUI on the host, where no container names one."""
    tags = image_tags(remote.docker.get("/images/json"))
    return next((tag for tag in tags if repository(tag).rpartition("/")[2] == "open-webui"), None)


def _sharers(remote: Remote, known: OpenWebUi) -> tuple[str, ...]:
    """Other running containers that have the volume mounted."""
    found = []
    for entry in remote.docker.containers():
        mounts = entry.get("Mounts")
        named = (m.get("Name") for m in mounts if isinstance(m, dict)) if isinstance(mounts, list) else ()
        uses = known.volume in named
        for container in listed([entry]) if uses else ():
            if container.running and container.name != known.container:
                found.append(clean_name(container.name))
    return tuple(found)


def _external_database(inspect: Json | None) -> str | None:
    """The kind of a database that is not the file in the volume. Only the kind: the rest holds a password."""
    config = (inspect or {}).get("Config")
    settings = config.get("Env") if isinstance(config, dict) else None
    for setting in settings if isinstance(settings, list) else []:
        name, _, value = str(setting).partition("=")
        kind = value.partition(":")[0].partition("+")[0]
        if name == "DATABASE_URL" and kind and kind not in {"sqlite", "sqlite3"}:
            return clean_name(kind)
    return None
