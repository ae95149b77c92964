"""Steps on Open WebUI: its volumes, the program for its data, its health."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import TypeVar

from sparktray.control.open_webui import port_of
from sparktray.control.performing.task import NotProven, Task
from sparktray.control.problems import changed, not_achieved
from sparktray.control.reading import converse
from sparktray.decide.webui import api
from sparktray.decide.webui.account import chats_going, key_name, not_signed_in, still_there
from sparktray.decide.webui.answers import deleted, result_of
from sparktray.domain.action import AwaitWebUi, DeleteMine, MakeVolume, RemoveVolume, RunInside
from sparktray.domain.asking import Dialogue
from sparktray.domain.docker.answers import listed_volumes, seconds
from sparktray.domain.docker.proofs import Leave, guarded
from sparktray.domain.open_webui import archive_of
from sparktray.domain.phrase import Phrase, phrase
from sparktray.domain.problem import Problem
from sparktray.engines.docker_failures import diagnose_docker
from sparktray.remote.errors import BadAnswer, ConnectionRefused, DeadlinePassed
from sparktray.webui.inside import InsideFailed, run_inside

T = TypeVar("T")

_VOLUME_SECONDS = 60.0
_ANSWER_SECONDS = 5.0
_PAUSE = 0.3


def make_volume(task: Task, action: MakeVolume) -> None:
    """Create a volume; fine when it is there with the very labels."""
    wanted = dict(action.labels)
    if (found := _volume(task, action.name)) is None:
        flags = [word for key, value in action.labels for word in ("--label", f"{key}={value}")]
        _docker(task, "volume", "create", *flags, action.name)
        found = _volume(task, action.name)
    if found is None or (found.get("Labels") or {}) != wanted:
        raise NotProven(
            not_achieved(("docker", "volume", "create", action.name), "another volume has that name")
        )


def remove_volume(task: Task, action: RemoveVolume) -> None:
    """Remove a volume; one of ours only when it bears an archive's label."""
    found = _volume(task, action.name)
    if found is None:
        return
    if action.ours and archive_of(found) is None:
        raise NotProven(changed(action.name))
    said = _docker(task, "volume", "rm", action.name)
    if _volume(task, action.name) is not None:
        raise NotProven(diagnose_docker(said) or not_achieved(("docker", "volume", "rm", action.name), said))


def run_program(task: Task, action: RunInside) -> Phrase | None:
    """Have the program change the data; what it counted."""
    if action.guard is not None:
        found = task.found(action.guard.name)
        if guarded(action.guard, found) is not Leave.RUN:
            raise NotProven(changed(action.guard.name))
    command = action.argv[-2]
    cancel = task.cancel if command == "archive" else None  # what deletes or restores is not broken off
    try:
        told = run_inside(task.remote, action.argv, said=task.say, cancel=cancel)
    except InsideFailed as failed:
        raise NotProven(failed.problem) from None
    return result_of(command, told)


def delete_mine(task: Task, action: DeleteMine) -> Phrase:
    """Delete the chats of the account whose key the keyring holds; proven by asking for them again."""
    key = task.secret(key_name(task.host.name))
    if key is None:
        raise NotProven(not_signed_in())
    port = port_of(task.remote, task.catalogue.open_webui)

    def asked(dialogue: Dialogue[T | Problem]) -> T:
        told = converse(task.remote.http, port, dialogue)
        if isinstance(told, Problem):
            raise NotProven(told)
        return told

    mine = asked(api.my_chats(key))
    host_time = seconds(task.remote.docker.info().get("SystemTime")) or 0.0
    going = chats_going(mine, action.older_than, host_time)
    if action.older_than is None:
        asked(api.delete_all(key))
    else:
        for number, chat in enumerate(going, 1):
            asked(api.delete_one(key, chat))
            task.say(f"{number} / {len(going)}")
    left = {chat for chat, _ in asked(api.my_chats(key))} & set(going)
    if left:
        raise NotProven(still_there(len(left)))
    return deleted(len(going))


def await_healthy(task: Task, action: AwaitWebUi) -> None:
    """Wait until it answers; a container that ended is not waited for."""
    until = time.monotonic() + action.timeout
    while True:
        found = task.found(action.container)
        if found is None or not found.running:
            raise NotProven(_not_running(action.container))
        port = next((each.port for each in found.ports), action.port)
        if _is_healthy(task, port):
            return
        if time.monotonic() > until:
            raise NotProven(_late(action))
        if task.cancel.wait(_PAUSE):
            return  # the operation turns back, and waits again at the end of that


def _is_healthy(task: Task, port: int) -> bool:
    try:
        answer = task.remote.http.ask(port, "GET", "/health", deadline=_ANSWER_SECONDS)
    except (ConnectionRefused, DeadlinePassed, BadAnswer):
        return False
    return answer.status == 200


def _volume(task: Task, name: str) -> Mapping[str, object] | None:
    found = listed_volumes(task.remote.docker.get("/volumes"))
    return next((each for each in found if each.get("Name") == name), None)


def _docker(task: Task, *words: str) -> str:
    told = task.remote.run(["docker", *words], deadline=_VOLUME_SECONDS)
    return told.stderr.decode("utf-8", "replace")


def _not_running(container: str) -> Problem:
    return Problem(
        "webui-ended",
        phrase("Open WebUI ended again after its start."),
        phrase("Look at its log: docker logs {container}", container=container),
    )


def _late(action: AwaitWebUi) -> Problem:
    return Problem(
        "webui-late",
        phrase("Open WebUI did not answer within {seconds} seconds.", seconds=round(action.timeout)),
        phrase("Look at its log: docker logs {container}", container=action.container),
    )
