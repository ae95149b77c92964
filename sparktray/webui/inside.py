"""Runs the program for Open WebUI's data in a container of Open WebUI's own image, on the host."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence

import msgspec

from sparktray.decide.webui.answers import problem_of, silent
from sparktray.decide.webui.steps import INSIDE_NAME
from sparktray.domain.docker.answers import inspected
from sparktray.domain.problem import Problem
from sparktray.engines.docker_failures import diagnose_docker
from sparktray.remote.contract import Finished, Remote
from sparktray.remote.link import Cancel
from sparktray.store.shipped import shipped

# 100 GB of uploads over a slow disk; a program that stands still is ended by the person who waits.
_DEADLINE = 2 * 3600.0
_PAUSE = 0.5
_FOLDER = "resources/open_webui"
_LONGEST_LINE = 4 << 20  # bytes; a house of 20,000 accounts is told in 3 MB


class InsideFailed(Exception):
    """The program could not do it; the problem tells why."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        super().__init__(problem.code)


def program() -> bytes:
    """The program as one text, its files in the order of their names."""
    files = sorted(shipped(_FOLDER).glob("*.py"))
    return b"\n".join(file.read_bytes() for file in files)


def run_inside(
    remote: Remote,
    argv: Sequence[str],
    *,
    said: Callable[[str], None] = lambda line: None,
    cancel: Cancel | None = None,
    deadline: float = _DEADLINE,
) -> Mapping[str, object]:
    """Run it to its end; what it found. Raises `InsideFailed`, and RemoteError. ``said`` gets its progress.

    One that an earlier link lost goes on by itself: its end is waited for, and then this one, which finds
    done what that one did.
    """
    _wait_for_another(remote, deadline, cancel)
    heard = _Lines(said)
    told = remote.run(argv, stdin=program(), deadline=deadline, on_output=heard, cancel=cancel)
    return _result(told, heard.last)


class _Lines:
    """The lines of JSON as they come: progress is passed on, the last other one is the result."""

    def __init__(self, said: Callable[[str], None]) -> None:
        self._said = said
        self._rest = b""
        self.last: Mapping[str, object] | None = None

    def __call__(self, stdout: bytes, _stderr: bytes) -> None:
        *whole, self._rest = (self._rest + stdout).split(b"\n")
        if len(self._rest) > _LONGEST_LINE:
            self._rest = b""
        for line in whole:
            self._take(line)

    def _take(self, line: bytes) -> None:
        try:
            found = msgspec.json.decode(line, type=dict[str, object])
        except (msgspec.DecodeError, ValueError, RecursionError):
            return
        progress = found.get("progress")
        if isinstance(progress, dict):
            self._said(f"{progress.get('done')} / {progress.get('of')}")
        else:
            self.last = found


def _result(told: Finished, last: Mapping[str, object] | None) -> Mapping[str, object]:
    problem = last.get("problem") if last is not None else None
    if isinstance(problem, dict):
        raise InsideFailed(problem_of(str(problem.get("code", "")), str(problem.get("detail", ""))))
    stderr = told.stderr.decode("utf-8", "replace")
    if told.exit_code != 0 or last is None:
        raise InsideFailed(diagnose_docker(stderr) or silent(stderr))
    return last


def _wait_for_another(remote: Remote, deadline: float, cancel: Cancel | None) -> None:
    until = time.monotonic() + deadline
    while True:
        found = inspected(remote.docker.inspect(INSIDE_NAME))
        over = time.monotonic() > until or (cancel is not None and cancel.is_set())
        if found is None or over:
            return
        if not found.running:
            remote.run(["docker", "rm", found.id], deadline=30.0)  # --rm did not get to it
        time.sleep(_PAUSE)
