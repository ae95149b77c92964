from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import fields

from sparktray.domain.docker.container import (
    COMPOSE_LABEL,
    LABEL_SERVER,
    LOCK_NAME,
    Container,
    ContainerState,
    Mount,
)


def box(**values: Any) -> Container:
    return Container(**({"id": "i", "name": "n", "image": "m", "state": ContainerState.RUNNING} | values))


@pytest.mark.parametrize("state", ContainerState)
def test_running_ones_are_those_with_processes(state: ContainerState) -> None:
    assert box(state=state).running is (str(state) in {"running", "paused", "restarting"})


@pytest.mark.parametrize(
    ("values", "managed", "of_compose", "is_lock"),
    [
        ({}, False, False, False),
        ({"labels": {LABEL_SERVER: "sglang"}}, True, False, False),
        ({"labels": {LABEL_SERVER: ""}}, True, False, False),
        ({"labels": {COMPOSE_LABEL: "ai"}}, False, True, False),
        ({"labels": {LABEL_SERVER: "sglang", COMPOSE_LABEL: "ai"}}, True, True, False),
        ({"labels": {"org.sparktray": "x", "com.docker.compose": "x"}}, False, False, False),
        ({"name": LOCK_NAME}, False, False, True),
        ({"name": LOCK_NAME + "-2"}, False, False, False),
    ],
)
def test_whose_a_container_is(values: dict[str, Any], managed: bool, of_compose: bool, is_lock: bool) -> None:
    found = box(**values)

    assert (found.managed, found.of_compose, found.is_lock) == (managed, of_compose, is_lock)


@pytest.mark.parametrize(
    ("argv", "value"),
    [
        ((), None),
        (("serve", "--host", "0.0.0.0"), None),
        (("serve", "--port", "30000"), "30000"),
        (("serve", "--port=30000"), "30000"),
        (("serve", "-p", "30000"), "30000"),
        (("serve", "--port", "1", "--port", "2"), "1"),
        (("serve", "-p=1", "--port", "2"), "1"),
        (("serve", "--port"), None),
        (("serve", "--port="), ""),
        (("serve", "--portal", "1", "--port-range=2"), None),
        (("serve", "--port=a=b"), "a=b"),
    ],
)
def test_an_option_is_read_from_the_command_line(argv: tuple[str, ...], value: str | None) -> None:
    assert box(argv=argv).option("--port", "-p") == value


MOUNTS = (
    Mount("/home/sparkuser/ai/models", "/models"),
    Mount("/srv/fast/qwen/", "/models/qwen/"),
    Mount("/var/lib/docker/volumes/cache/_data", "/root/.cache", "cache"),
    Mount("", "/scratch"),  # a tmpfs has no folder on the host
)


@pytest.mark.parametrize(
    ("inside", "outside"),
    [
        ("/models", "/home/sparkuser/ai/models"),
        ("/models/", "/home/sparkuser/ai/models"),
        ("/models/llama", "/home/sparkuser/ai/models/llama"),
        ("/models/llama/", "/home/sparkuser/ai/models/llama"),
        ("/models/qwen", "/srv/fast/qwen"),
        ("/models/qwen/32b", "/srv/fast/qwen/32b"),
        ("/models/qwen-2", "/home/sparkuser/ai/models/qwen-2"),
        ("/root/.cache/hub", "/var/lib/docker/volumes/cache/_data/hub"),
        ("/modelsx", None),
        ("/opt/model", None),
        ("/scratch/model", None),
        ("Qwen/Qwen3-32B", None),
        ("", None),
    ],
)
@pytest.mark.parametrize("mounts", [MOUNTS, MOUNTS[::-1]], ids=["in order", "reversed"])
def test_a_path_inside_is_found_on_the_host(
    mounts: tuple[Mount, ...], inside: str, outside: str | None
) -> None:
    assert box(mounts=mounts).host_path(inside) == outside


@pytest.mark.parametrize(
    ("mount", "inside", "outside"),
    [
        (Mount("/", "/host"), "/host", "/"),
        (Mount("/", "/host"), "/host/opt/model", "/opt/model"),
        (Mount("/srv", "/"), "/model", "/srv/model"),
        (Mount("/srv", "/"), "/", "/srv"),
        (Mount("/", "/"), "/", "/"),
    ],
)
def test_roots_can_be_mounted_and_mounted_at(mount: Mount, inside: str, outside: str) -> None:
    assert box(mounts=(mount,)).host_path(inside) == outside


def test_no_environment_value_is_part_of_a_container() -> None:
    assert not [field.name for field in fields(Container) if "env" in field.name]
