"""A link to this computer, and servers on it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from sparktray.remote.http import HttpDoor
from sparktray.remote.local import LocalLink
from tests.unit.remote.misbehaving import Serve, Server


@pytest.fixture
def link() -> Iterator[LocalLink]:
    made = LocalLink()
    yield made
    made.close()


@pytest.fixture
def door(link: LocalLink) -> Iterator[HttpDoor]:
    made = HttpDoor(link)
    yield made
    made.close()


@pytest.fixture
def server() -> Iterator[Callable[[Serve], Server]]:
    made: list[Server] = []

    def start(serve: Serve) -> Server:
        made.append(Server(serve))
        return made[-1]

    yield start
    for one in made:
        one.close()
