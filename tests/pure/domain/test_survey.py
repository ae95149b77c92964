from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sparktray.domain.facts.survey import Listener, ModelFolder, Survey, is_resting, read_listeners
from tests.pure.domain.hostile import ANY_TEXT, HOSTILE

SS = """
LISTEN 0      4096       127.0.0.53%lo:53         0.0.0.0:*    users:(("systemd-resolve",pid=700,fd=15))
LISTEN 0      128              0.0.0.0:22         0.0.0.0:*
LISTEN 0      4096             0.0.0.0:30000      0.0.0.0:*    users:(("docker-proxy",pid=9,fd=4))
LISTEN 0      4096                [::]:30000         [::]:*    users:(("docker-proxy",pid=10,fd=4))
LISTEN 0      2048           *:8000         *:*    users:(("VLLM::EngineCor",pid=1,fd=3),("sh",pid=2,fd=3))
"""
SEEN = (
    Listener(53, "systemd-resolve"),
    Listener(22),
    Listener(30000, "docker-proxy"),
    Listener(30000, "docker-proxy"),
    Listener(8000, "VLLM::EngineCor"),
)


def test_listeners_are_read_with_the_programs_this_user_may_see() -> None:
    assert read_listeners(SS) == SEEN


@pytest.mark.parametrize(
    "line",
    [
        "",
        "State  Recv-Q Send-Q Local Address:Port  Peer Address:Port Process",
        "ESTAB 0 0 10.0.0.1:22 10.0.0.2:50000",
        "LISTEN 0 128 /run/docker.sock 1234 * 0",
        "LISTEN 0 128 0.0.0.0:ssh 0.0.0.0:*",
        f"LISTEN 0 128 0.0.0.0:{'9' * 5000} 0.0.0.0:*",
        "ss: command not found",
        *HOSTILE,
    ],
)
def test_other_lines_are_no_listeners(line: str) -> None:
    assert read_listeners(line) == ()


@given(ANY_TEXT | st.text('LISTEN 0:*[]users("),.9\n').map(lambda text: "LISTEN 0 1 " + text))
def test_no_text_of_a_host_raises(text: str) -> None:
    assert all(0 <= listener.port <= 99999 for listener in read_listeners(text))


def test_a_survey_knows_nothing_that_was_not_asked() -> None:
    survey = Survey(image_present=False, host_time=5.0)

    assert (survey.folder, survey.lock_image, survey.listeners, survey.at) == (None, None, (), None)
    assert survey.abandoned == frozenset()
    assert ModelFolder("/srv/x") == ModelFolder("/srv/x", {}, None, None)


@pytest.mark.parametrize(
    ("told", "rests"),
    [
        ("LoadState=loaded\nActiveState=inactive\n", True),
        ("LoadState=loaded\nActiveState=failed\n", True),
        ("LoadState=loaded\nActiveState=active\n", False),
        ("LoadState=loaded\nActiveState=activating\n", False),
        ("LoadState=not-found\nActiveState=inactive\n", False),
        ("System has not been booted with systemd as init system (PID 1). Can't operate.\n", False),
        ("", False),
    ],
)
def test_a_unit_that_is_there_and_not_up_rests(told: str, rests: bool) -> None:
    """The words of systemd 252 to 257."""
    assert is_resting(told) is rests
