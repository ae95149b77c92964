"""The steps of which wipes and restores are made. Each names its command, its proof and its undo."""

from __future__ import annotations

import json
from collections.abc import Mapping

import msgspec
from msgspec.structs import replace

from sparktray.decide.changing.locking import iso
from sparktray.decide.changing.steps import STOP_DEADLINE, STOP_GRACE, docker
from sparktray.domain.action import (
    AwaitWebUi,
    DeleteMine,
    Guard,
    MakeVolume,
    RemoveVolume,
    RunDocker,
    RunInside,
    Running,
    Stopped,
)
from sparktray.domain.docker.container import Container
from sparktray.domain.open_webui import (
    ARCHIVE_PREFIX,
    LABEL_ARCHIVE,
    LABEL_ARCHIVE_MADE,
    LABEL_ARCHIVE_OPERATION,
    LABEL_ARCHIVE_SCOPE,
    LABEL_ARCHIVE_VOLUME,
    Archive,
    WipeScope,
)
from sparktray.domain.operation import Step, StepName
from sparktray.domain.phrase import phrase

# Open WebUI answers 17 to 20 s after a start; a migration of a large database takes minutes.
HEALTHY_SECONDS = 300.0
# One of these at a time: a second run, after a lost link, meets the name of the first.
INSIDE_NAME = "sparktray-open-webui"


class Place(msgspec.Struct, frozen=True):
    """Whose data, and with what they are read: container and volume by name, an image that has Python."""

    container: str
    volume: str
    image: str
    operation: str


def archive_name(place: Place) -> str:
    """The volume that an operation keeps its copy in; an operation's id begins with its time."""
    return f"{ARCHIVE_PREFIX}{place.container}-{place.operation.partition('-')[0]}Z"


def _inside(
    place: Place, command: str, archive: str | None, options: Mapping[str, object]
) -> tuple[str, ...]:
    """The command that runs the program for Open WebUI's data; the program itself comes by stdin."""
    mounts = ["-v", f"{place.volume}:/data"]
    if archive is not None:
        mounts += ["-v", f"{archive}:/archive" + ("" if command == "archive" else ":ro")]
    given = {key: value for key, value in options.items() if value is not None}
    return docker(
        *("run", "--rm", "-i", "--name", INSIDE_NAME, "--pull", "never", "--network", "none", "--user", "0"),
        *mounts,
        *("--entrypoint", "python", place.image, "-", command, json.dumps(given, sort_keys=True)),
    )


def look(place: Place, older_than: int | None) -> tuple[str, ...]:
    """The command that reads what the volume holds, and changes nothing."""
    return _inside(place, "look", None, {"older_than_days": older_than})


def healthy(container: str, port: int, *, forward: bool) -> Step:
    """Wait until Open WebUI answers. Before it is stopped there is nothing to do but to wait for on the way
    back, which takes back the last step first.
    """
    step = Step(
        StepName.HEALTH,
        phrase("Wait until Open WebUI answers"),
        AwaitWebUi(container, port, HEALTHY_SECONDS),
        proof=phrase("It says that it is healthy."),
    )
    return replace(step, undo=step) if forward else step


def stop(container: Container) -> Step:
    """Stop Open WebUI, so that nobody writes while its data are changed."""
    argv = docker("stop", "-t", str(STOP_GRACE), container.name)
    return Step(
        StepName.STOP,
        phrase("Stop {container}", container=container.name),
        RunDocker(argv, Stopped(container.id), Guard(container.name, container.id), STOP_DEADLINE),
        argv,
        phrase("It does not run any more."),
        start(container),
    )


def start(container: Container) -> Step:
    """Start Open WebUI's own container again, with all its options."""
    argv = docker("start", container.name)
    return Step(
        StepName.START,
        phrase("Start {container} again", container=container.name),
        RunDocker(argv, Running(container.id), Guard(container.name, container.id)),
        argv,
        phrase("It runs."),
    )


def make_volume(name: str) -> Step:
    """The volume that the next container of Open WebUI will find its data in."""
    return Step(
        StepName.ARCHIVE,
        phrase("Create the volume {name}", name=name),
        MakeVolume(name, ()),
        docker("volume", "create", name),
        phrase("Docker lists it."),
    )


def make_archive(place: Place, scope: WipeScope, host_time: float) -> Step:
    """A volume for the copy; taken back, it is removed with whatever is in it."""
    name = archive_name(place)
    labels = (
        (LABEL_ARCHIVE, place.container),
        (LABEL_ARCHIVE_MADE, iso(host_time)),
        (LABEL_ARCHIVE_OPERATION, place.operation),
        (LABEL_ARCHIVE_SCOPE, str(scope)),
        (LABEL_ARCHIVE_VOLUME, place.volume),
    )
    flags = [word for key, value in labels for word in ("--label", f"{key}={value}")]
    return Step(
        StepName.ARCHIVE,
        phrase("Create the volume {name} for the copy", name=name),
        MakeVolume(name, labels),
        docker("volume", "create", *flags, name),
        phrase("Docker lists it with these labels."),
        remove_archive(name),
    )


def remove_archive(name: str) -> Step:
    """Remove an archive."""
    return Step(
        StepName.SWEEP,
        phrase("Remove the copy {name}", name=name),
        RemoveVolume(name),
        docker("volume", "rm", name),
        phrase("Docker does not list it any more."),
    )


def fill_archive(place: Place, scope: WipeScope, guard: Guard | None) -> Step:
    """Copy and verify."""
    options = {
        "scope": _part(scope),
        "container": place.container,
        "volume": place.volume,
        "operation": place.operation,
    }
    argv = _inside(place, "archive", archive_name(place), options)
    return Step(
        StepName.ARCHIVE,
        phrase("Copy what Open WebUI holds"),
        RunInside(argv, guard),
        argv,
        phrase("The copy is read back and is the same, byte for byte."),
    )


def wipe(
    place: Place, scope: WipeScope, older_than: int | None, guard: Guard | None, *, archive: bool
) -> Step:
    """Take the chats of everybody, or everything; with a copy it can be taken back."""
    options = {
        "scope": _part(scope),
        "older_than_days": older_than,
        "operation": place.operation,
        "archive": archive,
    }
    kept = archive_name(place) if archive else None
    argv = _inside(place, "wipe", kept, options)
    title = (
        phrase("Delete everything in Open WebUI")
        if scope is WipeScope.EVERYTHING
        else phrase("Delete the chats in Open WebUI")
    )
    undo = restore(place, archive_name(place), scope, guard) if archive else None
    return Step(
        StepName.WIPE,
        title,
        RunInside(argv, guard),
        argv,
        phrase("What goes is gone, what stays was counted and is there."),
        undo,
    )


def delete_mine(port: int, older_than: int | None) -> Step:
    """Delete one account's chats by Open WebUI's own API, while it runs."""
    return Step(
        StepName.WIPE,
        phrase("Delete the chats of your account"),
        DeleteMine(port, older_than),
        proof=phrase("Open WebUI lists none of them any more."),
    )


def restore(place: Place, archive: str, scope: WipeScope, guard: Guard | None) -> Step:
    """Put back what an archive keeps; what came since stays, where only chats were taken."""
    argv = _inside(place, "restore", archive, {"scope": _part(scope)})
    return Step(
        StepName.RESTORE,
        phrase("Put back what {archive} keeps", archive=archive),
        RunInside(argv, guard),
        argv,
        phrase("What was put back is there, and the database is whole."),
    )


def remove_data(volume: str) -> Step:
    """Remove the volume of a container that is gone: the page's own command."""
    return Step(
        StepName.WIPE,
        phrase("Remove the volume {name}", name=volume),
        RemoveVolume(volume, ours=False),
        docker("volume", "rm", volume),
        phrase("Docker does not list it any more."),
    )


def place_of(archive: Archive, image: str, operation: str) -> Place:
    """Where an archive came from."""
    return Place(archive.container, archive.volume, image, operation)


def _part(scope: WipeScope) -> str:
    """What the program calls it: one account's chats are archived with all the others."""
    return "everything" if scope is WipeScope.EVERYTHING else "chats"
