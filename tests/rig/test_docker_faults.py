"""What a real Docker says when it refuses is known by its text."""

from __future__ import annotations

from pathlib import Path

import pytest

from sparktray.engines.docker_failures import diagnose_docker
from tests.rig.rig import Rig

IMAGE = "lmsysorg/sglang:spark"


def said(rig: Rig, *arguments: str) -> str:
    """The code of what Docker's refusal means."""
    ended = rig.try_docker(*arguments)
    assert ended.returncode != 0, "it was not refused"
    problem = diagnose_docker(ended.stderr)
    assert problem is not None, ended.stderr
    return problem.code


@pytest.mark.parametrize(
    ("options", "code"),
    [
        (("--gpuz", "all", IMAGE), "docker-args"),
        (("--rm", "--restart", "always", IMAGE), "docker-args"),
        (("-p", "30000:70000", IMAGE), "docker-args"),
        (("--memory", "1k", IMAGE), "docker-args"),
        (("--env-file", "/nowhere", IMAGE), "docker-args"),
        (("--name", "a/b", IMAGE), "docker-args"),
        (("-v", "/a:/b:/c:/d", IMAGE), "mount-invalid"),
        (("-v", "a/b:/c", IMAGE), "mount-invalid"),
        (("--mount", "type=bind,source=/nowhere,target=/model", IMAGE), "model-path-missing"),
        (("--network", "spark-net", IMAGE), "network-missing"),
        (("--device", "/dev/infiniband", IMAGE), "device-missing"),
        (("Lmsysorg/sglang:spark",), "image-invalid"),
        (("--entrypoint", "vllm", IMAGE), "command-missing"),
        (("--pull", "never", "lmsysorg/sglang:nope"), "image-missing"),
    ],
)
def test_a_start_that_is_refused(rig: Rig, options: tuple[str, ...], code: str) -> None:
    assert said(rig, "run", "-d", *options) == code


def test_what_another_container_holds(rig: Rig) -> None:
    rig.docker("run", "-d", "--name", "one", "-p", "30000:80", "--entrypoint", "sleep", IMAGE, "1000")
    sleep = ("--entrypoint", "sleep", IMAGE, "1000")
    assert said(rig, "run", "-d", "--name", "one", *sleep) == "name-taken"
    assert said(rig, "run", "-d", "-p", "30000:80", *sleep) == "port-taken"
    rig.docker("volume", "create", "held")
    rig.docker("create", "--name", "two", "-v", "held:/x", IMAGE)
    assert said(rig, "volume", "rm", "held") == "volume-held"


def test_what_is_not_there(rig: Rig) -> None:
    assert said(rig, "stop", "nobody") == "container-gone"
    assert said(rig, "volume", "inspect", "nothing") == "volume-missing"


def test_a_file_in_the_place_of_a_folder(rig: Rig, tmp_path: Path) -> None:
    file = tmp_path / "model"
    file.write_text("x", encoding="ascii")
    assert said(rig, "run", "-d", "-v", f"{file}:/usr", IMAGE) == "mount-invalid"
