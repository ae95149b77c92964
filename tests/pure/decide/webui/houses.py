"""Open WebUI as the tests of its plans find it."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from itertools import pairwise
from types import MappingProxyType
from typing import Any

from msgspec.structs import replace

from sparktray.decide.webui.planning import plan_for
from sparktray.domain.catalogue import OpenWebUi
from sparktray.domain.docker.container import Container, ContainerState, Mount, PublishedPort
from sparktray.domain.facts.survey import Survey
from sparktray.domain.open_webui import Account, Archive, Contents, Files, Household, WipeScope
from sparktray.domain.operation import ForgetWish, RestoreWish, Step, WipeWish
from sparktray.domain.problem import Problem
from tests.pure.decide.building import NOW, box

KNOWN = OpenWebUi()
IMAGE = "sha256:" + "ab" * 32
OPERATION = "20270115T080000-7-1"
KEPT = "sparktray-archive-open-webui-20270115T080000Z"
CONTENTS = Contents(
    accounts=(Account("u1", "Anna", "anna@home", "admin", 12), Account("u2", "Ben", "ben@home", "user", 1)),
    chats=13,
    chats_older=4,
    folders=2,
    shared=1,
    chat_files=Files(3, 2_500_000),
    uploads=Files(5, 9_000_000),
    volume_bytes=80_000_000,
    models_bytes=900_000_000,
    needed_bytes=90_000_000,
    free_bytes=50_000_000_000,
    tables=MappingProxyType({"knowledge": 1, "prompt": 2}),
)


def webui_box(**changes: Any) -> Container:
    """The container as the page's Open WebUI runs."""
    values: dict[str, Any] = {
        "image": "ghcr.io/open-webui/open-webui:main",
        "ports": (PublishedPort(3000, 8080),),
        "mounts": (Mount("/var/lib/docker/volumes/open-webui/_data", "/app/backend/data", "open-webui"),),
        "restart_policy": "always",
    }
    return box("open-webui", **(values | changes))


STOPPED = webui_box(state=ContainerState.EXITED)


def house(**changes: Any) -> Household:
    """All is well, and nothing is archived."""
    usual = Household(webui_box(), IMAGE, True, "open-webui", contents=CONTENTS)
    return replace(usual, **changes)


def archive(
    scope: WipeScope = WipeScope.ALL_CHATS, *, made_at: float = NOW - 3600, **changes: Any
) -> Archive:
    name = f"sparktray-archive-open-webui-{int(made_at)}"
    return replace(Archive(name, "open-webui", "open-webui", scope, made_at, "op-0"), **changes)


def planned(found: Household, wish: WipeWish | RestoreWish | ForgetWish) -> list[Step] | Problem:
    return plan_for(KNOWN, wish, Survey(True, NOW, household=found), OPERATION)


def steps(found: Household, wish: WipeWish | RestoreWish | ForgetWish) -> list[Step]:
    made = planned(found, wish)
    assert isinstance(made, list), made
    return made


def told(made: list[Step]) -> list[str]:
    """Each step in short: docker's own commands, and what the program inside is asked to do."""
    return [short(step.command, step.name) for step in made]


def short(command: tuple[str, ...], name: str) -> str:
    if "--entrypoint" in command:
        volumes = [b for a, b in pairwise(command) if a == "-v"]
        return " ".join([command[-2], *volumes, command[-1]])
    if command[:3] == ("docker", "volume", "create"):
        return f"volume create {command[-1]}"
    return shlex.join(command[1:]) if command else f"({name})"


def codes(problems: Mapping[str, Household], wish: WipeWish | RestoreWish | ForgetWish) -> dict[str, str]:
    return {name: getattr(planned(found, wish), "code", "planned") for name, found in problems.items()}
