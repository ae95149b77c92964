from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from msgspec.structs import replace

from sparktray.domain.docker.answers import DockerEvent, after_event, event
from sparktray.domain.docker.container import Container, ContainerState
from sparktray.domain.events import DOCKER_CHANGES
from tests.pure.domain.docker_json import ID, STARTED_AT
from tests.pure.domain.hostile import JSON

TOLD_29: dict[str, Any] = {
    "Type": "container",
    "Action": "die",
    "Actor": {
        "ID": ID,
        "Attributes": {
            "exitCode": "137",
            "execDuration": "42",
            "name": "sglang",
            "org.sparktray.server": "x",
        },
    },
    "scope": "local",
    "time": 1795428000,
    "timeNano": 1795428000500000000,
}
TOLD_20 = TOLD_29 | {"status": "die", "id": ID, "from": "lmsysorg/sglang:spark"}
DIED = DockerEvent("die", ID, "sglang", 137, STARTED_AT)
BEFORE = Container(
    ID, "sglang", "m", ContainerState.RUNNING, started_at=STARTED_AT - 9, inspected=True, sequence=3
)


def told(action: str, **attributes: object) -> dict[str, Any]:
    return TOLD_29 | {"Action": action, "Actor": {"ID": ID, "Attributes": {"name": "sglang", **attributes}}}


@pytest.mark.parametrize("line", [TOLD_20, TOLD_29], ids=["20.10", "29"])
def test_an_event_is_read_the_same_from_old_and_new_engines(line: dict[str, Any]) -> None:
    assert event(line) == DIED


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (told("start"), replace(DIED, action="start", exit_code=None)),
        (told("kill", signal="15"), replace(DIED, action="kill", exit_code=None)),
        (told("exec_create: curl -sf x"), replace(DIED, action="exec_create", exit_code=None)),
        (told("exec_die", exitCode="0"), replace(DIED, action="exec_die", exit_code=0)),
        (told("health_status: healthy"), replace(DIED, action="health_status", exit_code=None)),
        (told("rename", oldName="/sglang-2"), replace(DIED, action="rename", exit_code=None)),
        (told("die", exitCode=137), replace(DIED, exit_code=None)),
        (told("die", exitCode="-1"), replace(DIED, exit_code=None)),
        (told("die", exitCode="9" * 5000), replace(DIED, exit_code=None)),
        (told("die", exitCode="0", name=None), replace(DIED, exit_code=0, name="")),
        (TOLD_29 | {"timeNano": None}, replace(DIED, time=0.0)),
        (TOLD_29 | {"Actor": {"ID": ID}}, replace(DIED, name="", exit_code=None)),
    ],
)
def test_what_an_event_tells(line: dict[str, Any], expected: DockerEvent) -> None:
    assert event(line) == expected


@pytest.mark.parametrize(
    "line",
    [
        *(None, [], "die", {}),
        TOLD_29 | {"Type": "network"},
        TOLD_29 | {"Type": "image", "Action": "pull"},
        TOLD_29 | {"Action": ""},
        TOLD_29 | {"Action": None},
        TOLD_29 | {"Actor": None},
        TOLD_29 | {"Actor": {"ID": ""}},
        {"status": "die", "id": ID, "from": "m"},  # only what engines before 1.22 gave
    ],
)
def test_what_is_no_event_of_a_container(line: object) -> None:
    assert event(line) is None


@given(JSON)
def test_no_json_raises(line: object) -> None:
    event(line)
    event(TOLD_29 | {"Actor": line, "timeNano": line})
    event(TOLD_29 | {"Actor": {"ID": ID, "Attributes": line}, "Action": line})


@pytest.mark.parametrize(
    ("happened", "expected"),
    [
        (
            DIED,
            {
                "state": ContainerState.EXITED,
                "exit_code": 137,
                "finished_at": STARTED_AT,
                "confirmed": False,
            },
        ),
        (replace(DIED, action="pause"), {"state": ContainerState.PAUSED, "confirmed": False}),
        (replace(DIED, action="unpause"), {"confirmed": False}),
        (replace(DIED, action="oom"), {"oom_killed": True}),
        (replace(DIED, action="rename", name="sglang.previous"), {"name": "sglang.previous"}),
        (replace(DIED, action="rename", name=""), {}),
    ],
)
def test_an_event_changes_the_container_at_once(happened: DockerEvent, expected: dict[str, Any]) -> None:
    assert after_event(BEFORE, happened, 7) == replace(BEFORE, sequence=7, **expected)


def test_a_destroyed_container_is_gone() -> None:
    assert after_event(BEFORE, replace(DIED, action="destroy"), 7) is None


def test_a_paused_container_runs_again() -> None:
    paused = replace(BEFORE, state=ContainerState.PAUSED)

    assert after_event(paused, replace(DIED, action="unpause"), 7) == replace(
        BEFORE, confirmed=False, sequence=7
    )


def test_an_out_of_memory_kill_is_remembered_after_the_end() -> None:
    """Docker tells `oom` before `die`."""
    killed = after_event(BEFORE, replace(DIED, action="oom"), 7)
    assert killed is not None and killed.running
    ended = after_event(killed, DIED, 8)

    assert ended is not None and not ended.running
    assert (ended.oom_killed, ended.exit_code, ended.sequence) == (True, 137, 8)


@pytest.mark.parametrize("action", sorted(DOCKER_CHANGES))
def test_each_event_that_counts_at_once_leaves_its_mark(action: str) -> None:
    after = after_event(BEFORE, replace(DIED, action=action, name="another"), 7)

    assert after is None or replace(after, sequence=BEFORE.sequence) != BEFORE
