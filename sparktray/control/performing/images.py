"""Fetching an image."""

from __future__ import annotations

import contextlib

from sparktray.control.performing.task import NotProven, Pace, Task
from sparktray.control.problems import no_image
from sparktray.domain.action import PullImage
from sparktray.domain.docker.pulling import PullReader
from sparktray.domain.phrase import phrase
from sparktray.domain.problem import Problem
from sparktray.domain.text import clean_line, split_log
from sparktray.engines.docker_failures import diagnose_docker
from sparktray.remote.errors import Cancelled, DeadlinePassed

# An image of 20 GB over 50 Mbit/s.
_PULL_DEADLINE = 3 * 3600.0


def pull(task: Task, action: PullImage) -> None:
    """Fetch an image; done when the host has it, whatever the command said.

    On a terminal, for without one docker tells no bytes; by its command, for that has the person's own
    login to a registry.
    """
    reader, pace = PullReader(), Pace()

    def heard(stdout: bytes, stderr: bytes) -> None:
        reader.feed(stdout + stderr)
        if pace.due(reader.done, reader.total):
            task.came(clean_line(reader.last), reader.done, reader.total)

    told = None
    with contextlib.suppress(DeadlinePassed, Cancelled):
        told = task.remote.run(
            ["docker", "pull", action.image],
            deadline=_PULL_DEADLINE,
            on_output=heard,
            cancel=task.cancel,
            terminal=True,
        )
    found = task.remote.docker.image(action.image)
    if found is None:
        said = "" if told is None else (told.stdout + told.stderr).decode("utf-8", "replace")
        last = "\n".join(split_log(said)[-20:])
        raise NotProven(diagnose_docker(last) or no_image(action.image, last))
    ours = task.remote.docker.info().get("Architecture")
    if not same_architecture(found.get("Architecture"), ours):
        raise NotProven(_foreign(action.image, str(found.get("Architecture")), str(ours)))


def same_architecture(image: object, host: object) -> bool:
    """True unless both are known and differ; Docker calls an image's by Go's names and its own by uname's."""
    names = {"x86_64": "amd64", "aarch64": "arm64"}
    if not isinstance(image, str) or not isinstance(host, str) or not image or not host:
        return True
    return names.get(image, image) == names.get(host, host)


def _foreign(image: str, has: str, needs: str) -> Problem:
    return Problem(
        "image-architecture",
        phrase("The image {image} is for {has}, and the host is {needs}.", image=image, has=has, needs=needs),
        phrase("Choose an image for arm64 (the Spark's processor) in models.json."),
    )
