"""The page of Open WebUI as this computer reaches it."""

from __future__ import annotations

import socket
from collections.abc import Callable

import msgspec

from sparktray.control.reading import converse
from sparktray.decide.webui import api
from sparktray.domain.catalogue import OpenWebUi
from sparktray.domain.docker.answers import inspected
from sparktray.domain.host import HostProfile
from sparktray.domain.phrase import phrase
from sparktray.domain.problem import Problem
from sparktray.handoff.forward import Forward
from sparktray.remote.contract import Remote

# A port that a firewall drops answers nothing; a person waits for the page.
_REACHED_SECONDS = 2.0


class PageSilent(Exception):
    """Nothing answers there as Open WebUI does."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        super().__init__(problem.code)


class WebPage(msgspec.Struct, frozen=True):
    """Its address, and the forward that it needs for as long as it is open; None for none."""

    url: str
    forward: Forward | None = None


def port_of(remote: Remote, known: OpenWebUi) -> int:
    """The host's port that leads to it: the container's own word before the catalogue's."""
    found = inspected(remote.docker.inspect(known.container))
    return next((each.port for each in found.ports), known.port) if found is not None else known.port


def page(
    remote: Remote, known: OpenWebUi, host: HostProfile, at_hand: Callable[[], Remote | None]
) -> WebPage:
    """By the host's address; where that is closed, by a forward, which whoever asked has to close.

    ``at_hand`` gives the connection of the moment. Blocks; raises `PageSilent` and RemoteError.
    """
    port = port_of(remote, known)
    if converse(remote.http, port, api.about()) is None:
        raise PageSilent(_silent(port))
    address = "127.0.0.1" if host.is_local else host.address
    if _reached(address, port):
        return WebPage(f"http://{_bracketed(address)}:{port}/")
    forward = Forward(at_hand, port)
    return WebPage(f"http://127.0.0.1:{forward.port}/", forward)


def _reached(address: str, port: int) -> bool:
    try:
        socket.create_connection((address, port), _REACHED_SECONDS).close()
    except OSError:
        return False
    return True


def _bracketed(address: str) -> str:
    return f"[{address}]" if ":" in address else address


def _silent(port: int) -> Problem:
    return Problem(
        "webui-silent",
        phrase("Open WebUI does not answer on port {port} of the host.", port=port),
        phrase("Look whether it runs: sparktray webui status"),
    )
