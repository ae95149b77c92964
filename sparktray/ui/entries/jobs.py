"""What the windows of this package have done in the background, and what becomes of its errors."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from sparktray.control.controller import Controller
from sparktray.control.discovering import FolderMissing, discover
from sparktray.decide.finding.from_run import Draft, draft
from sparktray.decide.finding.proposals import Found, proposals
from sparktray.decide.finding.shell_words import RunLineError
from sparktray.domain.catalogue_file.shape import CatalogueError
from sparktray.domain.facts.discovery import Discovery
from sparktray.domain.host import HostProfile
from sparktray.domain.phrase import phrase
from sparktray.domain.problem import Problem
from sparktray.remote.link import Cancel
from sparktray.store.catalogue_file import load_catalogue, problem_of_catalogue
from sparktray.store.hosts import HostsFile
from sparktray.store.paths import ConfigFolder
from sparktray.ui.hosts.status import problem_from

Controllers = Callable[[], Controller | None]
_NOBODY = HostProfile("", "")  # with the folders that a profile begins with


class NotConnected(Exception):
    """There is no host to look at now; ``problem`` says so."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.code)
        self.problem = problem


class Seen(msgspec.Struct, frozen=True):
    """What a look through a host's models folder came to."""

    host: HostProfile
    found: tuple[Found, ...]
    discovery: Discovery


def look_at(controllers: Controllers, cancel: Cancel) -> Seen:
    """Look through the models folder of the host that is watched. Blocks.

    Raises NotConnected, FolderMissing and RemoteError.
    """
    controller = controllers()
    if controller is None:
        raise NotConnected(
            Problem(
                "no-host",
                phrase("No host is set up yet."),
                phrase("Set one up on the page Hosts."),
            )
        )
    snapshot, remote = controller.snapshot, controller.open_remote()
    if remote is None:
        raise NotConnected(
            Problem(
                "not-connected",
                phrase("{host} is not connected yet.", host=snapshot.host.name),
                phrase("Wait for the connection and try again."),
            )
        )
    discovery = discover(remote, snapshot.host, snapshot.catalogue, cancel)
    return Seen(snapshot.host, proposals(snapshot, discovery), discovery)


def draft_of(folder: ConfigFolder, controllers: Controllers, text: str, name: str | None) -> Draft:
    """The entry that a pasted line stands for, by the list and the host of now. Reads the disk.

    Raises RunLineError, CatalogueError and StoreError.
    """
    controller = controllers()
    host = controller.snapshot.host if controller is not None else HostsFile(folder).load().get()
    return draft(text, load_catalogue(folder), host or _NOBODY, name)


def problem_with(error: Exception) -> Problem:
    """What to show for an error of these jobs."""
    match error:
        case NotConnected() | FolderMissing() | RunLineError():
            return error.problem
        case CatalogueError():
            return problem_of_catalogue(error.problem)
        case _:
            return problem_from(error, _NOBODY)
