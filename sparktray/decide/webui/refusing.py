"""Why Open WebUI is not touched: each said before anything is changed."""

from __future__ import annotations

from sparktray.domain.catalogue import OpenWebUi
from sparktray.domain.docker.container import Container
from sparktray.domain.open_webui import DATA_FOLDER, Contents, Household, WipeScope
from sparktray.domain.phrase import phrase
from sparktray.domain.problem import Problem
from sparktray.domain.text import clean_name
from sparktray.engines.commands import repository
from sparktray.engines.sizes import GIB

# A file system that is full to the last byte stops more than Open WebUI.
_SPARE_BYTES = 1 * GIB


def is_open_webui(container: Container) -> bool:
    """True for a container that is Open WebUI by its image or by where its data are mounted."""
    named = repository(container.image).rpartition("/")[2] == "open-webui"
    return named or any(mount.destination.rstrip("/") == DATA_FOLDER for mount in container.mounts)


def refusal(house: Household, known: OpenWebUi, scope: WipeScope, *, archive: bool) -> Problem | None:
    """Why that cannot be done to what is there; None when it can."""
    return (
        _missing(house, known)
        or _other(house, known)
        or _elsewhere(house, known)
        or _in_use(house, scope)
        or _unreadable(house, whole=scope is WipeScope.EVERYTHING and not archive)
        or (_short(house) if archive else None)
    )


def _missing(house: Household, known: OpenWebUi) -> Problem | None:
    """Docker would make a volume of a mistyped name silently, and everything would look empty."""
    if house.volume_there:
        return None
    if house.mounted is not None:
        return _mismatch(house.mounted, known)
    return Problem(
        "webui-volume-missing",
        phrase("There is no volume {name} on the host.", name=clean_name(known.volume)),
        phrase('Correct "volume" under "open_webui" in models.json: docker volume ls'),
    )


def _mismatch(mounted: str, known: OpenWebUi) -> Problem:
    return Problem(
        "webui-volume-other",
        phrase(
            "Container {container} keeps its data in {mounted}, and the catalogue says {volume}.",
            container=clean_name(known.container),
            mounted=clean_name(mounted),
            volume=clean_name(known.volume),
        ),
        phrase('Correct "volume" under "open_webui" in models.json.'),
    )


def _other(house: Household, known: OpenWebUi) -> Problem | None:
    container = house.container
    if container is None or is_open_webui(container):
        return None
    return Problem(
        "webui-other",
        phrase(
            "Container {container} ({image}) is not Open WebUI.",
            container=clean_name(container.name),
            image=clean_name(container.image),
        ),
        phrase('Correct "container" under "open_webui" in models.json.'),
    )


def _elsewhere(house: Household, known: OpenWebUi) -> Problem | None:
    if house.container is None or house.mounted == known.volume:
        return None
    if house.mounted is not None:
        return _mismatch(house.mounted, known)
    return Problem(
        "webui-no-volume",
        phrase(
            "Container {container} does not keep its data in a volume.",
            container=clean_name(house.container.name),
        ),
        phrase(
            "Only data in a volume can be archived and brought back. Delete the chats in Open WebUI itself."
        ),
    )


def _in_use(house: Household, scope: WipeScope) -> Problem | None:
    if house.sharers:
        return Problem(
            "webui-shared",
            phrase("Other containers use the same volume: {names}", names=", ".join(house.sharers)),
            phrase("Stop them first: what they write meanwhile would be lost."),
        )
    if house.external is not None and scope is not WipeScope.CHATS:
        return Problem(
            "webui-external",
            phrase(
                "Open WebUI keeps its chats in a {kind} database outside its volume.", kind=house.external
            ),
            phrase("Delete the chats of your own account instead: sparktray webui wipe --chats"),
        )
    container = house.container
    if container is not None and container.auto_remove and scope is not WipeScope.CHATS:
        return Problem(
            "webui-auto-remove",
            phrase(
                "Container {container} was started with --rm, so it vanishes when it is stopped.",
                container=clean_name(container.name),
            ),
            phrase("Start it without --rm, with the same volume, and try again."),
        )
    return None


def _unreadable(house: Household, *, whole: bool) -> Problem | None:
    """``whole``: all of it goes and no copy is made, for which nothing has to be read."""
    if house.image is None:
        return Problem(
            "webui-image-missing",
            phrase("No image of Open WebUI is on the host, so its data cannot be read or archived."),
            phrase("Fetch it: docker pull ghcr.io/open-webui/open-webui:main"),
        )
    if isinstance(house.contents, Problem) and not whole:
        return house.contents
    return None


def _short(house: Household) -> Problem | None:
    contents = house.contents
    if not isinstance(contents, Contents) or contents.needed_bytes + _SPARE_BYTES <= contents.free_bytes:
        return None
    return Problem(
        "disk-short",
        phrase(
            "The copy takes {needed} GB, and the host's disk has {free} GB left.",
            needed=round(contents.needed_bytes / 1e9, 1),
            free=round(contents.free_bytes / 1e9, 1),
        ),
        phrase(
            "Make room on the host, or remove old copies: sparktray webui archives. With --no-archive it is "
            "deleted without a copy, for good."
        ),
    )
