"""Fetching an image."""

from __future__ import annotations

import contextlib

from sparktray.control.performing.task import NotProven, Task
from sparktray.control.problems import no_image
from sparktray.domain.action import PullImage
from sparktray.domain.text import split_log
from sparktray.engines.docker_failures import diagnose_docker
from sparktray.remote.errors import Cancelled, DeadlinePassed

# An image of 20 GB over 50 Mbit/s.
_PULL_DEADLINE = 3 * 3600.0


def pull(task: Task, action: PullImage) -> None:
    """Fetch an image; done when the host has it, whatever the command said."""

    def heard(stdout: bytes, stderr: bytes) -> None:
        for line in split_log((stdout + stderr).decode("utf-8", "replace")):
            task.say(line)

    told = None
    with contextlib.suppress(DeadlinePassed, Cancelled):
        told = task.remote.run(
            ["docker", "pull", action.image], deadline=_PULL_DEADLINE, on_output=heard, cancel=task.cancel
        )
    if task.remote.docker.image(action.image) is None:
        said = told.stderr.decode("utf-8", "replace") if told is not None else ""
        raise NotProven(diagnose_docker(said) or no_image(action.image, said))
