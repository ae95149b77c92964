"""One command on its way, and the host it speaks to."""

from __future__ import annotations

import argparse
import queue
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

import msgspec

from sparktray.cli.output import Output
from sparktray.cli.problems import FAILED, UNREACHABLE, Told, exit_of
from sparktray.cli.terminal.streams import Terminal
from sparktray.domain.host import HostProfile
from sparktray.domain.phrase import phrase
from sparktray.domain.problem import Problem
from sparktray.domain.snapshot import LinkPhase, Snapshot
from sparktray.store.hosts import Hosts, unknown_host
from sparktray.wording import Wording

if TYPE_CHECKING:
    from sparktray.cli.terminal.person import PersonAtTerminal
    from sparktray.control.controller import Controller
    from sparktray.control.door.listening import Live
    from sparktray.domain.catalogue import Catalogue
    from sparktray.remote.contract import Remote
    from sparktray.store.journal import Journal

SETTLED_SECONDS = 30.0
# Python on Windows wakes for Ctrl-C only between two waits, a command in the tray for that of its person.
_NAP_SECONDS = 0.25


class Request(msgspec.Struct, frozen=True):
    """A parsed command line and where its answer goes; ``live`` is the tray that answers it, if one does."""

    options: argparse.Namespace
    out: Output
    say: Wording
    live: Live | None = None


class Session(msgspec.Struct, frozen=True):
    """A host that is being watched for one command, or by the tray that answers it (``shared``)."""

    host: HostProfile
    journal: Journal
    controller: Controller
    terminal: Terminal
    person: PersonAtTerminal | None = None
    shared: bool = False

    def wait(self, condition: Callable[[Snapshot], bool], seconds: float) -> Snapshot | None:
        """The first picture that meets the condition, None after ``seconds``; Ctrl-C gets through.

        While a person is being asked for a password the time stands still.
        """
        end = time.monotonic() + seconds
        while True:
            self.check()
            if self.person is not None and self.person.is_asked:
                end = time.monotonic() + seconds
            left = end - time.monotonic()
            found = self.controller.wait(condition, max(0.0, min(left, _NAP_SECONDS)))
            if found is not None or left <= 0:
                return found

    @contextmanager
    def pictures(self) -> Iterator[Callable[[float], Snapshot | None]]:
        """A function that gives each picture from now on, the present one first; None when there is none
        within so many seconds.
        """
        came: queue.SimpleQueue[Snapshot] = queue.SimpleQueue()
        self.controller.subscribe(came.put)
        try:
            yield partial(self._next, came)
        finally:
            self.controller.unsubscribe(came.put)

    def _next(self, came: queue.SimpleQueue[Snapshot], seconds: float) -> Snapshot | None:
        end = time.monotonic() + seconds
        while True:
            self.check()
            left = end - time.monotonic()
            try:
                return came.get(timeout=max(0.0, min(left, _NAP_SECONDS)))
            except queue.Empty:
                if left <= 0:
                    return None

    def check(self) -> None:
        """Raise what ends the command; called again and again while it waits."""
        self.terminal.check()
        if self.controller.closed:
            raise _left(self.host)

    def settled(self) -> Snapshot:
        """The picture once all is known that can be. Raises `Told` when Docker cannot be read."""
        from sparktray.decide.settled import settled

        snapshot = self.wait(settled, SETTLED_SECONDS) or self.controller.snapshot
        return self._usable(snapshot)

    def containers(self) -> Snapshot:
        """The picture once the containers are known; what they serve may still be unknown."""

        def known(snapshot: Snapshot) -> bool:
            return snapshot.containers_known or trouble(snapshot) is not None

        return self._usable(self.wait(known, SETTLED_SECONDS) or self.controller.snapshot)

    def remote(self) -> Remote:
        """The connected host, for reading. Raises `Told` when it is gone."""
        remote = self.controller.open_remote()
        if remote is None:
            raise told_of_link(trouble(self.controller.snapshot) or _unanswered(self.host))
        return remote

    def _usable(self, snapshot: Snapshot) -> Snapshot:
        problem = trouble(snapshot)
        if problem is None and not snapshot.containers_known:
            problem = _unanswered(self.host)
        if problem is not None:
            raise told_of_link(problem)
        return snapshot


def trouble(snapshot: Snapshot) -> Problem | None:
    """Why the host or its Docker cannot be read, None while nothing speaks against it."""
    if snapshot.link in {LinkPhase.OFFLINE, LinkPhase.BLOCKED}:
        return snapshot.problem or _unanswered(snapshot.host)
    return snapshot.docker_problem


def told_of_link(problem: Problem) -> Told:
    """A connection that does not work, with its exit code."""
    return Told(problem, exit_of(problem.code, UNREACHABLE))


def _unanswered(host: HostProfile) -> Problem:
    return Problem(
        "host-silent",
        phrase("{host} did not answer in time.", host=host.name),
        phrase("Check it step by step: sparktray host test {host}", host=host.name),
    )


def _left(host: HostProfile) -> Told:
    """The tray took to another host, or to other settings, while it answered."""
    cause = phrase("The tray that answered does not watch {host} as before any more.", host=host.name)
    return Told(Problem("tray-turned", cause, phrase("Run the command again.")), FAILED)


def no_host() -> Problem:
    """Nothing can be done before there is a host."""
    return Problem(
        "no-host",
        phrase("No host is set up yet."),
        phrase("Add one: {command}", command=FIRST_HOST),
    )


FIRST_HOST = "sparktray host add spark --address ADDRESS --user USER --key ~/.ssh/id_ed25519"


def wanted_host(hosts: Hosts, name: str | None) -> HostProfile:
    """The profile of that name, else the one in use. Raises `Told` or `StoreError`."""
    if name is not None:
        found = hosts.get(name)
        if found is None:
            raise unknown_host(hosts, name)
        return found
    found = hosts.get()
    if found is None:
        raise Told(no_host())
    return found


@contextmanager
def watching(
    request: Request,
    check: Callable[[Catalogue, HostProfile], None] | None = None,
    *,
    keep_trying: bool = False,
) -> Iterator[Session]:
    """Connect to the host that the command means, or share the connection of the tray that answers it.

    ``check`` may refuse before anything is contacted.
    """
    terminal = request.out.terminal
    if request.live is not None:
        yield _shared(request.live, terminal, check)
        return
    from sparktray.cli.terminal.person import person_at_terminal
    from sparktray.wiring import controller_for, open_program

    program = open_program(request.options.config)
    host = wanted_host(program.hosts.load(), request.options.host)
    if check is not None:
        check(program.catalogue, host)
    program.vault.told = request.out.problem
    person = person_at_terminal(request.say, as_json=request.out.as_json)
    controller = controller_for(program, host, keep_trying=keep_trying, person=person)
    controller.start()
    try:
        yield Session(host, program.journal, controller, terminal, person)
    finally:
        controller.close()
        if person is not None:
            person.leave()


def _shared(
    live: Live, terminal: Terminal, check: Callable[[Catalogue, HostProfile], None] | None
) -> Session:
    from sparktray.store.journal import Journal

    controller = live.controller()
    if controller is None:
        raise Told(no_host())
    snapshot = controller.snapshot
    if check is not None:
        check(snapshot.catalogue, snapshot.host)
    return Session(snapshot.host, Journal(live.folder), controller, terminal, shared=True)
