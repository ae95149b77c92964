"""What is read from the host before a change is planned, and again under its lock."""

from __future__ import annotations

import re
from collections.abc import Mapping

import msgspec

from sparktray.domain.docker.container import Container
from sparktray.domain.open_webui import Household
from sparktray.domain.phrase import Phrase
from sparktray.domain.problem import Problem


class ModelFolder(msgspec.Struct, frozen=True):
    """A model's folder on the host: file sizes in bytes by name, its config and weight index if any.

    ``index`` is the parsed ``model.safetensors.index.json``, ``config`` the parsed ``config.json``;
    ``unread`` is why that could not be read although it is there.
    """

    path: str
    files: Mapping[str, int] = msgspec.field(default_factory=dict)
    config: Mapping[str, object] | None = None
    index: Mapping[str, object] | None = None
    unread: Phrase | None = None


class Listener(msgspec.Struct, frozen=True):
    """A program that listens on a TCP port of the host; the name is empty when it is hidden from us."""

    port: int
    program: str = ""


class BrokenOff(msgspec.Struct, frozen=True):
    """An operation that never came to its end, and the containers it had written down, as they were then.

    ``of_open_webui``: it was about that and no server; ``wiped``: it had begun to change its data.
    """

    operation: str
    server: str | None
    containers: tuple[Container, ...]
    model: str | None = None
    of_open_webui: bool = False
    wiped: bool = False


class Survey(msgspec.Struct, frozen=True):
    """Facts for one plan. ``folder`` is None when the model's folder is missing or not needed.

    ``memory`` are the bytes that are available and in all by the host's ``/proc/meminfo``, None where it
    does not tell; ``unused_memory`` holds not even the page cache. ``host_time`` is the host's own clock,
    seconds since 1970: locks expire by it. ``lock_image`` is any image of the host a lock can be created
    from. ``abandoned`` are ids of ``.previous`` containers that our own journal knows as left over.
    ``broken`` is what a wish to go back is about, None when the journal does not know it. ``household`` is
    Open WebUI, where a wish is about it. ``unstored`` is a secret of the model that the keyring does not
    hold, ``keyring`` why it cannot be asked. ``resting`` is a systemd unit of the host that would be the
    server and does not run.
    """

    image_present: bool
    host_time: float
    folder: ModelFolder | None = None
    lock_image: str | None = None
    listeners: tuple[Listener, ...] = ()
    abandoned: frozenset[str] = frozenset()
    at: float | None = None
    memory: tuple[int, int] | None = None
    unused_memory: int | None = None
    broken: BrokenOff | None = None
    household: Household | None = None
    unstored: str | None = None
    keyring: Problem | None = None
    resting: str | None = None


_LISTENER = re.compile(r'^LISTEN\s+\d+\s+\d+\s+\S*:(\d{1,5})\s+\S+(?:\s+users:\(\("([^"]*)")?')


def read_listeners(text: str) -> tuple[Listener, ...]:
    """The listeners that ``ss -Hltnp`` shows; program names only of what this user may see."""
    found = (_LISTENER.match(line) for line in text.splitlines())
    return tuple(Listener(int(m[1]), m[2] or "") for m in found if m is not None)


def is_resting(text: str) -> bool:
    """Whether the unit is there and not up; ``systemctl show --property=LoadState,ActiveState`` told it."""
    told = dict(line.partition("=")[::2] for line in text.splitlines())
    return told.get("LoadState") == "loaded" and told.get("ActiveState") in {"inactive", "failed"}
