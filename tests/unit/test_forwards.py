"""The forwards that are kept: which are open, where their ports are, what one that is taken says."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from sparktray.handoff.keeping import Forwards, ForwardState, WantedForward


def free_port() -> int:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        return int(held.getsockname()[1])


@pytest.fixture
def forwards() -> Iterator[Forwards]:
    made = Forwards(lambda: None)
    yield made
    made.close()


def answers(port: int) -> bool:
    """Whether somebody listens there."""
    try:
        socket.create_connection(("127.0.0.1", port), 2).close()
    except ConnectionRefusedError:
        return False
    except ConnectionResetError:
        return True  # turned away already: there is no host here
    return True


def test_exactly_those_that_are_wanted_are_open(forwards: Forwards) -> None:
    one, other = WantedForward("vllm", 8000, free_port()), WantedForward("sglang", 30000, free_port())
    forwards.keep((one, other))
    assert forwards.states() == (ForwardState(other, 0), ForwardState(one, 0))
    assert answers(one.port) and answers(other.port)
    moved = WantedForward("sglang", 30000, free_port())
    forwards.keep((one, moved))
    assert [each.wanted for each in forwards.states()] == [moved, one]
    assert answers(moved.port) and not answers(other.port)
    forwards.close()
    assert forwards.states() == () and not answers(one.port)


def test_a_port_that_is_taken_is_said_and_tried_again(forwards: Forwards) -> None:
    with socket.socket() as theirs:
        theirs.bind(("127.0.0.1", 0))
        theirs.listen()
        wanted = WantedForward("sglang", 30000, theirs.getsockname()[1])
        forwards.keep((wanted,))
        assert forwards.states() == (ForwardState(wanted, None),)
    forwards.keep((wanted,))
    assert forwards.states() == (ForwardState(wanted, 0),)
