"""The tray on a real session bus, through public protocols only, on the rig."""

from __future__ import annotations

import queue
import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import pytest

from tests.rig.desktop import Desktop, Item, Notifications, Watcher
from tests.rig.driving import Program, quicken
from tests.rig.namespace import end
from tests.rig.rig import Rig
from tests.rig.tray_program import pasted, tray
from tests.waiting import wait_until

SCOUT, QWEN, CODER = "llama4-scout-17b-nvfp4", "qwen3-32b-nvfp4", "qwen3-coder-30b-nvfp4"


@pytest.fixture(scope="module")
def desktop() -> Iterator[Desktop]:
    made = Desktop()
    yield made
    made.close()


@pytest.fixture
def watcher(desktop: Desktop) -> Iterator[Watcher]:
    with desktop.watcher() as made:
        yield made


@pytest.fixture
def notifications(desktop: Desktop) -> Iterator[Notifications]:
    with desktop.notifications() as made:
        yield made


@pytest.fixture
def program(rig: Rig, tmp_path: Path) -> Program:
    quicken(rig)
    made = Program(tmp_path / "config")
    made.add(rig)
    return made


def until(item: Item, begins: str, seconds: float = 30.0) -> None:
    """The first row, and with it the tooltip, say this."""
    wait_until(lambda: item.visible()[0].startswith(begins), begins, seconds=seconds)
    wait_until(lambda: item.tooltip.startswith(begins), f"tooltip {begins}")


def test_the_story(
    rig: Rig, program: Program, desktop: Desktop, watcher: Watcher, notifications: Notifications
) -> None:
    """Start, click a model, see it load and be ready, copy its ID, stop it, quit."""
    rig.behave(QWEN, load_seconds=1.5)
    with tray(program, desktop) as running:
        item = desktop.item(watcher)
        until(item, "No model is running on spark.")
        assert (item.read("Id"), item.read("Title"), item.read("Status")) == ("sparktray",) * 2 + ("Active",)
        assert {16, 22, 24, 32, 48} <= item.sizes
        rows = item.visible()
        assert len(rows) <= 14 and rows[-1] == "Quit"
        assert item.row(SCOUT).shown == f"{SCOUT} – documents"
        assert not item.rows()[0].enabled and not any(row.checked for row in item.rows())
        idle = item.pixels

        item.click(QWEN)
        until(item, f"Switching to {QWEN}: ")
        loading = item.pixels
        assert loading != idle and item.find(QWEN) is None and item.row("Cancel").enabled
        until(item, f"{QWEN} is ready on spark.")
        assert item.pixels not in (idle, loading)
        assert item.row(QWEN).checked and not item.row(SCOUT).checked
        assert rig.model_ids(30001) == [QWEN]

        told = wait_until(lambda: notifications.told, "a notification")
        assert QWEN in told[0].title + told[0].body
        assert (told[0].signature, told[0].hints["urgency"]) == ("susssasa{sv}i", ("y", 0))
        assert told[0].hints["desktop-entry"] == ("s", "org.sparktray.sparktray")

        item.click("Copy model ID")
        wait_until(lambda: item.find("Copied"), "the row to say so")
        assert pasted(desktop) == QWEN.encode()
        wait_until(lambda: item.find("Copy model ID"), "the row to be itself again")
        item.click("Copy base URL")
        wait_until(lambda: item.find("Copied"), "the row to say so")
        assert pasted(desktop) == b"http://127.0.0.1:30001/v1"
        notifications.press(told[0].identity + 1000, "act")
        notifications.press(told[0].identity, "act")
        wait_until(lambda: pasted(desktop) == QWEN.encode(), "the ID on the clipboard again")

        assert len(notifications.told) == 1, notifications.told
        item.click("Stop ")
        until(item, "No model is running on spark.")
        assert rig.state("sglang-main") != "running"
        assert item.find("Stop") is None and item.find("Copy") is None
        assert {told.identity for told in notifications.told} == {1}, "a later one takes the place"
        item.click("Quit")
        assert running.ended() == 0


def test_a_switch_is_cancelled_from_the_menu(
    rig: Rig, program: Program, desktop: Desktop, watcher: Watcher, notifications: Notifications
) -> None:
    """Cancel takes back what was begun; who cancelled is not told so."""
    rig.behave(SCOUT, load_seconds=30.0)
    with tray(program, desktop):
        item = desktop.item(watcher)
        until(item, "No model")
        item.click(SCOUT)
        wait_until(lambda: rig.state("sglang") == "running", "the container", seconds=20)
        item.click("Cancel")
        until(item, "No model")
        assert rig.state("sglang") != "running" and notifications.told == []


def test_a_refusal_is_told_with_its_remedy(
    rig: Rig, program: Program, desktop: Desktop, watcher: Watcher, notifications: Notifications
) -> None:
    """A model that is not on the host: what runs is left alone, and the notification says what to do."""
    rig.start_sglang(SCOUT, rm=False)
    shutil.rmtree(rig.folder(CODER))
    with tray(program, desktop):
        item = desktop.item(watcher)
        until(item, f"{SCOUT} is ready")
        item.click(CODER)
        told = wait_until(lambda: notifications.told, "a notification", seconds=20)
        assert "is not on the host" in told[0].body and "Put the model there" in told[0].body
        assert rig.state("sglang") == "running"


def test_names_show_as_written(rig: Rig, program: Program, desktop: Desktop, watcher: Watcher) -> None:
    """`&`, `_` and markup in a model ID reach the menu, the tooltip and the clipboard unchanged."""
    name = "org/a&b_c__d&e <img src=x>"
    rig.start_sglang(SCOUT, served_name=name)
    with tray(program, desktop):
        item = desktop.item(watcher)
        until(item, f"{name} is ready on spark.")
        item.click("Copy model ID")
        wait_until(lambda: item.find("Copied"), "the row to say so")
        assert pasted(desktop) == name.encode()


def test_two_servers_have_submenus(rig: Rig, program: Program, desktop: Desktop, watcher: Watcher) -> None:
    """With two servers Stop and the copy rows become submenus, and each row means its own server."""
    rig.start_sglang(SCOUT)
    rig.start_vllm(QWEN)
    with tray(program, desktop):
        item = desktop.item(watcher)
        wait_until(lambda: " are ready on spark." in item.visible()[0], "both ready", seconds=30)
        assert len(item.visible()) <= 14
        submenu = item.row("Copy model ID")
        copies = [row for row in submenu.children if row.visible]
        assert len(copies) == 2 and SCOUT in copies[0].shown and QWEN in copies[1].shown
        item.click_on(copies[1])
        wait_until(lambda: pasted(desktop) == QWEN.encode(), "the second one's ID")
        stops = [row.shown for row in item.row("Stop").children if row.visible]
        assert sorted(stops)[0] == "Stop all servers" and len(stops) == 3
        item.click("Stop all servers")
        until(item, "No model")


def test_what_happens_outside_shows_at_once(
    rig: Rig, program: Program, desktop: Desktop, watcher: Watcher, capsys: pytest.CaptureFixture[str]
) -> None:
    """From Docker's `die` to `NewIcon` on the bus: at most 50 ms, median of 10."""
    rig.behave(SCOUT, load_seconds=60.0)
    command = ["docker", "events", "--filter", "event=die", "--format", "{{.TimeNano}}"]
    dies: queue.SimpleQueue[float] = queue.SimpleQueue()
    with tray(program, desktop), ExitStack() as stack:
        events = subprocess.Popen(command, stdout=subprocess.PIPE)
        assert events.stdout is not None
        output = stack.enter_context(events.stdout)

        def read() -> None:
            for line in output:
                dies.put(int(line) / 1e9)

        reader = threading.Thread(target=read)
        reader.start()
        stack.callback(reader.join)
        stack.callback(end, events)
        item = desktop.item(watcher)
        until(item, "No model")
        idle = item.pixels
        delays = []
        for _ in range(10):
            rig.start_sglang(SCOUT)
            wait_until(lambda: item.pixels != idle, "another icon", seconds=10)
            rig.docker("kill", "sglang")
            died = dies.get(timeout=10)
            wait_until(partial(watcher.first, "NewIcon", died), "NewIcon", seconds=5)
            delays.append(((watcher.first("NewIcon", died) or died) - died) * 1000)
            wait_until(lambda: item.pixels == idle, "the idle icon", seconds=10)
            rig.wait_state("sglang", None)
    delays.sort()
    with capsys.disabled():
        print(f"\nDocker's die to NewIcon: median {delays[5]:.1f} ms, worst {delays[-1]:.1f} ms of 10")
    assert delays[5] <= 50, [round(each, 1) for each in delays]
