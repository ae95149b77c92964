"""What the docker command prints, from 20.10 to 29 and from shells, as a reason."""

from __future__ import annotations

import pytest

from sparktray.remote.docker_socket import explain
from sparktray.remote.errors import DockerForbidden, DockerMissing, DockerProblem, DockerSilent


@pytest.mark.parametrize(
    ("code", "text", "kind"),
    [
        (127, b"bash: line 1: docker: command not found", DockerMissing),
        (127, b"sh: 1: docker: not found", DockerMissing),
        (
            1,
            b"permission denied while trying to connect to the Docker daemon socket at unix:///x",
            DockerForbidden,
        ),
        (1, b"permission denied while trying to connect to the docker API at unix:///x", DockerForbidden),
        (126, b"bash: line 1: /usr/bin/docker: Permission denied", DockerForbidden),
        (1, b"Cannot connect to the Docker daemon at unix:///x. Is the docker daemon running?", DockerSilent),
        (1, b"", DockerSilent),
        (None, b"\xff", DockerSilent),
    ],
)
def test_reason(code: int | None, text: bytes, kind: type[DockerProblem]) -> None:
    problem = explain(code, text)
    assert type(problem) is kind
    assert problem.details["stderr"] == text.decode(errors="replace")
