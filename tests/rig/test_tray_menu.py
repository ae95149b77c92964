"""The tray's whole menu over D-Bus on the rig: many hosts and models, hostile names, questions, thirds."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from statistics import median
from typing import Any

import pytest
from jeepney import DBusAddress, new_method_call  # type: ignore[import-untyped]

from tests.rig.desktop import MENU, Desktop, Item, Watcher, with_reply
from tests.rig.driving import Program, quicken
from tests.rig.rig import Rig
from tests.rig.tray_program import pasted, tray
from tests.waiting import scaled, wait_until

SCOUT, QWEN, CODER = "llama4-scout-17b-nvfp4", "qwen3-32b-nvfp4", "qwen3-coder-30b-nvfp4"
SHIPPED = Path(__file__).parents[2] / "models.json"
HOSTS = tuple(f"spark-{number}" for number in range(2, 11))


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
def program(rig: Rig, tmp_path: Path) -> Program:
    quicken(rig)
    made = Program(tmp_path / "config")
    made.add(rig)
    return made


def until(item: Item, begins: str, seconds: float = 30.0) -> None:
    """The first row says this."""
    wait_until(lambda: item.visible()[0].startswith(begins), begins, seconds=seconds)


def with_models(program: Program, count: int) -> None:
    """The shipped catalogue and more entries, as a person's own models.json."""
    catalogue = json.loads(SHIPPED.read_text(encoding="utf-8"))
    first = catalogue["models"][0]
    more = count - len(catalogue["models"])
    catalogue["models"] += [{**first, "id": f"model-{n}", "path": f"{{models}}/m{n}"} for n in range(more)]
    (program.config / "models.json").write_text(json.dumps(catalogue), encoding="utf-8")


class Opening:
    """What a panel asks for when a person opens the menu, joining the bus and reading the answer included."""

    def __init__(self, desktop: Desktop, item: Item, watcher: Watcher) -> None:
        self._desktop = desktop
        where = str(item.read("Menu"))
        self._menu = DBusAddress(where, bus_name=watcher.items[-1], interface=MENU)

    def _call(self, member: str, signature: str, body: tuple[Any, ...]) -> None:
        with_reply(self._desktop.address, new_method_call(self._menu, member, signature, body))

    def once(self) -> float:
        """How long from the first question to the last answer, in milliseconds."""
        began = time.monotonic()
        self._call("AboutToShow", "i", (0,))
        self._call("GetLayout", "iias", (0, -1, []))
        return (time.monotonic() - began) * 1000


def test_ten_hosts_and_500_models(
    rig: Rig, program: Program, desktop: Desktop, watcher: Watcher, capsys: pytest.CaptureFixture[str]
) -> None:
    """At most 14 rows, each host and model there, and how long it takes to open, median of 10."""
    for name in HOSTS:
        program.add(rig, name)
    with_models(program, 500)
    with tray(program, desktop):
        item = desktop.item(watcher)
        until(item, "No model is running on spark.")
        assert len(item.visible()) <= 14
        hosts = item.row("Hosts").children
        assert [(row.shown, row.checked) for row in hosts if row.visible] == [
            ("spark", True),
            *((name, False) for name in HOSTS),
        ]
        more = [row for row in item.row("More models").children if row.visible]
        assert len(more) == 495 and more[-1].shown.startswith("model-493")
        opening = Opening(desktop, item, watcher)
        taken = [opening.once() for _ in range(10)]
        with capsys.disabled():
            print("\nopening the menu with 10 hosts and 500 models: ", end="")
            print(f"median {median(taken):.1f} ms, worst {max(taken):.1f} ms of 10")
        # The figure is the claim: 19 to 35 ms with the machine to itself, twice that beside another rig.
        assert median(taken) <= scaled(100), taken
        rig.start_sglang(SCOUT)
        until(item, f"{SCOUT} is ready on spark.")
        assert item.row(SCOUT).checked and len(item.visible()) <= 14


def test_another_host_is_chosen(rig: Rig, program: Program, desktop: Desktop, watcher: Watcher) -> None:
    """A click on it and the tray shows it; the mark and the choice go with it."""
    program.add(rig, "other")
    with tray(program, desktop):
        item = desktop.item(watcher)
        until(item, "No model is running on spark.")
        item.click("other")
        until(item, "No model is running on other.")
        marks = {row.shown: row.checked for row in item.row("Hosts").children if row.visible}
        assert marks == {"spark": False, "other": True}
    assert program.json("host", "list")["in_use"] == "other"


@pytest.mark.parametrize(
    ("served", "shown", "copied"),
    [
        ("org/_a__&&b&c_ <img src=x>", "org/_a__&&b&c_ <img src=x>", True),
        ("tab\there", "tab here", False),
        ("safe\u202egnp.exe", "safe gnp.exe", False),
        ("x" * 10_000, "x" * 63 + "…", True),
    ],
    ids=["marks", "tab", "bidi", "10kB"],
)
def test_hostile_ids_come_out_as_written_and_bounded(
    rig: Rig, program: Program, desktop: Desktop, watcher: Watcher, served: str, shown: str, copied: bool
) -> None:
    """What an engine may serve as an ID: on one line, as text, cut; what hides something is not copied."""
    rig.start_sglang(SCOUT, served_name=served)
    with tray(program, desktop):
        item = desktop.item(watcher)
        until(item, f"{shown} is ready on spark.")
        assert item.tooltip == f"{shown} is ready on spark."
        assert item.row("Stop ").shown == f"Stop {shown}"
        item.click("Copy model ID")
        answer = "Copied" if copied else "Not copied: the model ID holds hidden characters"
        wait_until(lambda: item.find(answer), "the row to say so")
        assert (pasted(desktop) == served.encode()) is copied


def test_containers_names_are_shown_as_docker_allows_them(
    rig: Rig, program: Program, desktop: Desktop, watcher: Watcher
) -> None:
    """Underscores in a name that Docker takes; its container keeps failing, which is what names it."""
    name = "a__b_c.-_" + "d" * 80
    rig.start_sglang(SCOUT, container=name, port=30000, rm=False)
    with tray(program, desktop), desktop.notifications() as notifications:
        item = desktop.item(watcher)
        until(item, f"{SCOUT} is ready")
        item.click(CODER)
        question = Box(desktop)
        wait_until(question.there, "the question", seconds=20)
        question.press("Escape")
        wait_until(lambda: not question.there(), "its end")
        assert rig.state(name) == "running" and notifications.told == []


class Box:
    """The question's window, found and pressed as a person does, by the X server."""

    def __init__(self, desktop: Desktop) -> None:
        self._environment = desktop.environment

    def _run(self, *words: str) -> str:
        environment = {**os.environ, **self._environment}
        done = subprocess.run(
            ["xdotool", *words], capture_output=True, text=True, check=False, env=environment, timeout=20
        )
        return done.stdout

    def there(self) -> str:
        """Its window's id, empty while there is none."""
        return self._run("search", "--onlyvisible", "--name", "^Replace container").strip()

    def press(self, *keys: str) -> None:
        """Press keys in it."""
        window = self.there()
        self._run("windowfocus", "--sync", window)
        self._run("key", "--delay", "50", *keys)


def test_what_would_be_lost_is_asked_about(
    rig: Rig, program: Program, desktop: Desktop, watcher: Watcher
) -> None:
    """A container of somebody else in the server's place: Enter keeps it, the other button replaces it."""
    rig.start_sglang(SCOUT, container="mine", rm=False)
    with tray(program, desktop), desktop.notifications():
        item = desktop.item(watcher)
        until(item, f"{SCOUT} is ready")
        question = Box(desktop)
        item.click(CODER)
        wait_until(question.there, "the question", seconds=20)
        question.press("Return")
        wait_until(lambda: not question.there(), "its end")
        assert rig.state("mine") == "running" and item.visible()[0].startswith(f"{SCOUT} is ready")
        item.click(CODER)
        wait_until(question.there, "the question", seconds=20)
        question.press("Tab", "space")
        until(item, f"{CODER} is ready on spark.", seconds=60)
        assert rig.state("mine") is None and rig.state("sglang") == "running"


def test_the_icon_fills_in_thirds_while_a_model_loads(
    rig: Rig, program: Program, desktop: Desktop, watcher: Watcher
) -> None:
    """Three pictures of a load, each another one, between those of nothing and of ready."""
    rig.behave(SCOUT, load_seconds=4.0)
    with tray(program, desktop), desktop.notifications():
        item = desktop.item(watcher)
        until(item, "No model is running on spark.")
        seen = [item.pixels]

        def look() -> None:
            now = item.pixels
            if now != seen[-1]:
                seen.append(now)

        def ready() -> bool:
            look()
            return item.visible()[0].startswith(f"{SCOUT} is ready")

        item.click(SCOUT)
        wait_until(ready, "ready", seconds=60)
        look()
        assert len(seen) == len(set(seen)) == 5, [hash(each) for each in seen]


def test_without_a_link_the_menu_is_no_dead_end(
    rig: Rig, program: Program, desktop: Desktop, watcher: Watcher
) -> None:
    """Models cannot be clicked, and the first row says why; the panel, another host and Quit can."""
    server = rig.sshd()
    program.add(rig, "lone", server)
    program.ok("host", "use", "lone")
    server.stop()
    with tray(program, desktop) as running:
        item = desktop.item(watcher)
        wait_until(
            lambda: "lone" in item.visible()[0] and "…" not in item.visible()[0], "offline", seconds=30
        )
        assert not item.row(SCOUT).enabled and item.find("Stop") is None
        assert item.row("Open sparktray…").enabled and item.row("Hosts").enabled
        item.click("spark")
        until(item, "No model is running on spark.")
        item.click("Quit")
        assert running.ended() == 0


class Deaf:
    """A host that takes each connection and drops it; counts them."""

    def __init__(self) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]
        self.came = 0
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                self._socket.accept()[0].close()
                self.came += 1

    def close(self) -> None:
        """Listen no more."""
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join()


def test_a_person_who_opens_the_menu_does_not_wait_for_the_back_off(
    rig: Rig, program: Program, desktop: Desktop, watcher: Watcher
) -> None:
    """After some failures the next attempt is seconds away; opening the menu makes it now."""
    deaf = Deaf()
    try:
        words = ("--address", "127.0.0.1", "--port", str(deaf.port), "--key", str(rig.client_key))
        program.ok("host", "add", "deaf", *words, "--fingerprint", rig.fingerprint)
        program.ok("host", "use", "deaf")
        with tray(program, desktop):
            item = desktop.item(watcher)
            wait_until(lambda: deaf.came >= 4, "some attempts", seconds=30)
            wait_until(lambda: item.find("Open sparktray…"), "the menu")
            before = deaf.came
            Opening(desktop, item, watcher).once()
            wait_until(lambda: deaf.came > before, "an attempt, 4 s to 8 s away by itself", seconds=1.5)
    finally:
        deaf.close()
