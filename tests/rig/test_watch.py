"""Replacing what is watched: another host at once, other settings without anybody noticing."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from msgspec import structs

from sparktray.control.watch import Watch
from sparktray.decide.settled import settled
from sparktray.domain.host import HostProfile
from sparktray.domain.operation import OperationEnd, SwitchWish
from sparktray.domain.snapshot import LinkPhase, Snapshot
from sparktray.wiring import controller_for, open_program
from tests.rig.driving import Driver, profile, quicken
from tests.rig.rig import Rig
from tests.waiting import wait_until

SCOUT = "llama4-scout-17b-nvfp4"


class Seen:
    """Every picture with its controller's number."""

    def __init__(self) -> None:
        self.pictures: list[tuple[int, Snapshot]] = []

    def __call__(self, number: int, snapshot: Snapshot) -> None:
        self.pictures.append((number, snapshot))

    def of(self, number: int) -> list[Snapshot]:
        """The pictures of one controller."""
        return [snapshot for each, snapshot in list(self.pictures) if each == number]


@contextmanager
def watching(config: Path, host: HostProfile) -> Iterator[tuple[Watch, Seen, Driver]]:
    seen = Seen()
    program = open_program(config)
    watch = Watch(lambda: controller_for(program, host, keep_trying=True), seen)
    watch.start()
    try:
        driver = Driver(watch.controller)
        driver.until(settled, "a settled picture")
        yield watch, seen, driver
    finally:
        watch.close()
        wait_until(lambda: not _threads(), "the end of all threads")


def _threads() -> list[str]:
    names = [thread.name for thread in threading.enumerate()]
    return [name for name in names if name.startswith(("sparktray-watch", "sparktray-owner"))]


def test_other_settings_come_without_a_flicker(rig: Rig, tmp_path: Path) -> None:
    """The second controller is seen only once it knows as much as the first did."""
    quicken(rig)
    with watching(tmp_path, profile(rig)) as (watch, seen, _):
        program = open_program(tmp_path)
        shorter = structs.replace(program.catalogue, models=program.catalogue.models[:2])
        changed = structs.replace(program, catalogue=shorter)
        watch.renew(lambda: controller_for(changed, profile(rig), keep_trying=True))
        wait_until(lambda: seen.of(2), "the new controller's picture")
        first = seen.of(2)[0]
        assert first.link is LinkPhase.CONNECTED and settled(first)
        assert len(first.catalogue.models) == 2
        assert watch.controller.snapshot.catalogue == shorter


def test_an_operation_comes_first(rig: Rig, tmp_path: Path) -> None:
    """Neither other settings nor another host end a switch; they come after it."""
    rig.behave(SCOUT, load_seconds=1.0, warm_seconds=0.1, health_seconds=0.05)
    with watching(tmp_path, profile(rig)) as (watch, seen, driver):
        wished = driver.controller.wish(SwitchWish(SCOUT))
        other = profile(rig, name="other")
        watch.turn_to(lambda: controller_for(open_program(tmp_path), other, keep_trying=True))
        wait_until(lambda: seen.of(2), "the other host", seconds=60)
        last = seen.of(1)[-1].operation
        assert last is not None and last.id == wished and last.end is OperationEnd.DONE
        assert watch.controller.snapshot.host.name == "other"


def test_another_host_is_seen_at_once(rig: Rig, tmp_path: Path) -> None:
    """Its first picture is that of connecting; one that never answers does not hold anything up."""
    rig.server.freeze()
    try:
        silent = profile(rig, name="silent")
        with watching(tmp_path, profile(rig, name="off", port=1)) as (watch, seen, _):
            watch.turn_to(lambda: controller_for(open_program(tmp_path), silent, keep_trying=True))
            first = seen.of(2)[0]
            assert first.host.name == "silent" and first.link is LinkPhase.CONNECTING
    finally:
        rig.server.thaw()


def test_only_the_last_of_several_changes_counts(rig: Rig, tmp_path: Path) -> None:
    with watching(tmp_path, profile(rig)) as (watch, seen, _):
        for name in ("one", "two", "three"):
            host = profile(rig, name=name)
            watch.renew(lambda host=host: controller_for(open_program(tmp_path), host, keep_trying=True))  # type: ignore[misc]
        wait_until(lambda: watch.controller.snapshot.host.name == "three", "the last one")
        assert {snapshot.host.name for _, snapshot in seen.pictures} == {"spark", "three"}
