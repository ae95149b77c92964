"""A docker run taken apart."""

from __future__ import annotations

import pytest

from sparktray.decide.finding.docker_line import DockerRun, docker_runs, mount_of, read_port
from sparktray.decide.finding.shell_words import RunLineError, Word
from sparktray.domain.docker.container import Mount, PublishedPort


def run(options: str = "", after: str = "") -> DockerRun:
    (found,) = docker_runs(f"docker run {options} image {after}")
    return found


@pytest.mark.parametrize(
    "text",
    [
        "docker run image",
        "docker container run image",
        "sudo docker run image",
        "sudo -E -u me docker run image",
        "/usr/bin/docker run image",
        "A=1 docker run image",
        "env A=1 time docker run image",
        "$ docker run image",
        "ssh spark docker run image",
        "docker -H ssh://spark --context x --debug run image",
        "docker rm -f x >/dev/null 2>&1 || true; docker run image",
        "docker pull image && docker run image",
    ],
)
def test_it_is_found(text: str) -> None:
    (found,) = docker_runs(text)
    assert found.image == Word("image") and found.options == () and found.command == ()


@pytest.mark.parametrize(
    "text",
    ["", "docker", "docker ps", "docker container ls", "podman run image", "echo docker run image", "run"],
)
def test_other_commands_are_none(text: str) -> None:
    assert docker_runs(text) == []


def test_options() -> None:
    found = run("-dit --rm -p 80:80 -p81:81 -p=82:82 -e A=1 --gpus=all --net host --init=false -x 1 --")
    assert [(o.name, o.text) for o in found.options] == [
        ("detach", ""),
        ("interactive", ""),
        ("tty", ""),
        ("rm", ""),
        ("publish", "80:80"),
        ("publish", "81:81"),
        ("publish", "82:82"),
        ("env", "A=1"),
        ("gpus", "all"),
        ("network", "host"),
        ("init", "false"),
        ("x", "1"),
    ]
    assert [o.written for o in found.options[-6:-2]] == [
        ("-p", "82:82"),
        ("-e", "A=1"),
        ("--gpus=all",),
        ("--net", "host"),
    ]
    assert found.values("publish") == ("80:80", "81:81", "82:82")
    assert found.value("publish") == "82:82" and found.value("name") is None


def test_the_container_it_would_be() -> None:
    found = run("--name n --entrypoint e -v /a:/b:ro -v vol:/c -v /anonymous --network host", "x y").container
    assert (found.name, found.image, found.argv, found.network) == ("n", "image", ("e", "x", "y"), "host")
    assert found.mounts == (Mount("/a", "/b"), Mount("vol", "/c", "vol"))
    assert run("", "x").container.argv == ("x",)
    mounts = run(
        "--mount type=bind,source=/a,target=/b,readonly --mount type=volume,src=v,dst=/c --mount type=tmpfs,"
        "destination=/d"
    ).container.mounts
    assert mounts == (Mount("/a", "/b"), Mount("v", "/c", "v"))


@pytest.mark.parametrize(
    ("text", "port"),
    [
        ("80:81", PublishedPort(80, 81)),
        ("80:81/tcp", PublishedPort(80, 81)),
        ("127.0.0.1:80:81", PublishedPort(80, 81, "127.0.0.1")),
        ("[::1]:80:81", PublishedPort(80, 81, "::1")),
        ("80", None),
        ("80:81/udp", None),
        ("80-90:80-90", None),
        ("0:1", None),
        ("70000:1", None),
        ("²:1", None),
    ],
)
def test_ports(text: str, port: PublishedPort | None) -> None:
    assert read_port(text) == port


def test_the_mount_that_shows_a_path_is_the_deepest() -> None:
    found = run("-v /a:/m -v /b:/m/deep/ -v /c:/m/deeper -e A=1")
    assert [
        o and o.text for o in (mount_of(found, "/m"), mount_of(found, "/m/deep/x"), mount_of(found, "/x"))
    ] == [
        "/a:/m",
        "/b:/m/deep/",
        None,
    ]


@pytest.mark.parametrize(
    "text", ["docker run", "docker run -d", "docker run -p", "docker run --name", "docker run ''"]
)
def test_what_is_cut_off(text: str) -> None:
    with pytest.raises(RunLineError):
        docker_runs(text)
