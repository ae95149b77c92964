"""Which commands a tray answers, in which language, and what becomes of those that it leaves."""

from __future__ import annotations

import json
import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from msgspec.structs import replace

from sparktray import __version__
from sparktray.__main__ import main
from sparktray.cli.answering import answer
from sparktray.control.controller import Controller
from sparktray.control.door import calling
from sparktray.control.door.listening import Door, Live
from sparktray.control.door.visit import Call
from sparktray.domain.host import HostProfile
from sparktray.store.hosts import HostsFile
from sparktray.store.paths import ConfigFolder
from sparktray.wiring import controller_for, open_program
from tests.waiting import wait_until

Capture = pytest.CaptureFixture[str]
CALL = Call(
    (), __version__, {}, display=False, token="", encoding="utf-8", terminals=(False, False), columns=0
)


@dataclass
class Tray:
    """What a tray lends, and what was asked of it."""

    folder: ConfigFolder
    controller: Controller | None
    shown: list[str] = field(default_factory=list)
    copied: list[str] = field(default_factory=list)

    @property
    def live(self) -> Live:
        return Live(self.folder, lambda: self.controller, self._copy, self.shown.append)

    def _copy(self, text: str) -> bool:
        self.copied.append(text)
        return True

    def takes(self, *words: str, **changes: object) -> bool:
        """Whether it answers that command line."""
        return answer(replace(CALL, words=words, **changes), self.live) is not None


@pytest.fixture
def tray(config: Path) -> Tray:
    """It is only just connecting to its host, and never gets there."""
    host = HostProfile("spark", "127.0.0.1", user="me")
    program = open_program(config)
    program.hosts.add(host)
    program.hosts.add(HostProfile("other", "local"))
    return Tray(program.folder, controller_for(program, host, keep_trying=False))


@pytest.fixture
def door(tray: Tray) -> Iterator[Door]:
    opened = Door(tray.live, answer)
    opened.open()
    yield opened
    opened.close()


def test_what_speaks_to_the_watched_host_is_answered(tray: Tray) -> None:
    for words in (
        ["status"],
        ["--json", "status", "--watch"],
        ["models"],
        ["monitor"],
        ["switch", "bge-m3"],
        ["stop"],
        ["model-id", "--copy"],
        ["logs", "-f"],
        ["status", "--host", "spark"],
        ["--config", "elsewhere", "status"],
        ["--json"],
        [],
    ):
        assert tray.takes(*words), words


def test_everything_else_is_left_to_the_command(tray: Tray) -> None:
    for words in (
        ["host", "list"],
        ["host", "test"],
        ["journal"],
        ["status", "--host", "other"],
        ["status", "--host", "nobody"],
        ["--host", "other"],
        ["--help"],
        ["switch", "--help"],
        ["logs", "-fh"],
        ["switch"],
        ["no-such-command"],
        ["status", "--colour"],
        ["logs", "--tail", "-1"],
    ):
        assert not tray.takes(*words), words
    assert not tray.takes("status", version=__version__ + ".1")


def test_after_another_host_was_chosen_it_is_not_answered(tray: Tray) -> None:
    """The tray may not have noticed yet; the named one is still answered. So with a changed profile."""
    hosts = HostsFile(tray.folder)
    hosts.use("other")
    assert not tray.takes("status") and tray.takes("status", "--host", "spark")
    hosts.use("spark")
    assert tray.takes("status")
    profile = hosts.get("spark")
    assert profile is not None
    hosts.add(replace(profile, user="somebody"))
    assert not tray.takes("status") and not tray.takes("status", "--host", "spark")


def test_without_a_host_or_a_connection_it_is_not_answered(tray: Tray) -> None:
    controller = tray.controller
    tray.controller = None
    assert not tray.takes("status")
    off = HostProfile("off", "127.0.0.1", 1, "me")
    program = open_program(tray.folder.path)
    program.hosts.add(off)
    program.hosts.use("off")
    tray.controller = controller_for(program, off, keep_trying=False)
    tray.controller.start()
    wait_until(lambda: not tray.takes("status"), "the refused connection")
    tray.controller.close()
    assert not tray.takes("status")
    tray.controller = controller


def test_a_broken_list_of_hosts_is_told_by_the_tray(tray: Tray, door: Door, capfd: Capture) -> None:
    """It was put aside in reading: by itself the command would find no hosts at all and say so."""
    tray.folder.file("hosts.json").write_text("{")
    assert main(["status", "--json"]) == 2
    assert json.loads(capfd.readouterr().err)["error"]["code"] == "store-corrupt"


def test_a_second_start_shows_the_panel(
    tray: Tray, door: Door, monkeypatch: pytest.MonkeyPatch, capfd: Capture
) -> None:
    """Of whatever version it is, and also when no host is set up."""
    monkeypatch.setenv("DISPLAY", ":1")
    monkeypatch.setenv("XDG_ACTIVATION_TOKEN", "t")
    assert main([]) == 0
    assert capfd.readouterr() == ("sparktray is running already; its window is shown.\n", "")
    monkeypatch.setattr(calling, "__version__", "9")
    tray.controller = None
    assert main(["--verbose"]) == 0
    assert capfd.readouterr().err == "The running tray answers.\n"
    assert tray.shown == ["t", "t"]


def test_the_language_is_the_commands(
    tray: Tray, door: Door, monkeypatch: pytest.MonkeyPatch, capfd: Capture
) -> None:
    def said() -> str:
        """The first word of a sentence of the tray's."""
        tray.folder.file("hosts.json").write_text("{")
        assert main(["status"]) == 2
        return capfd.readouterr().err.partition(" ")[0]

    assert said() == "The"
    monkeypatch.setenv("LC_ALL", "de_DE.UTF-8")
    assert said() == "Die"
    monkeypatch.setenv("LC_ALL", "C.UTF-8")
    tray.folder.file("settings.json").write_text('{"version": 1, "language": "de"}')
    assert said() == "Die"


def answering() -> bool:
    """A command was taken on."""
    return any(each.name == "sparktray-door-ear" for each in threading.enumerate())


@contextmanager
def meanwhile(happens: Callable[[], None]) -> Iterator[None]:
    """Have something happen once a command is being answered."""

    def work() -> None:
        wait_until(answering, "an answer that waits")
        happens()

    thread = threading.Thread(target=work)
    thread.start()
    yield
    thread.join()


@pytest.mark.parametrize("words", [["status"], ["switch", "bge-m3"]])
def test_a_host_that_is_left_ends_the_command(
    words: list[str], tray: Tray, door: Door, capfd: Capture
) -> None:
    """The person chose another one while the answer waited: a sentence, and exit code 1."""
    controller = tray.controller
    assert controller is not None
    with meanwhile(controller.close):
        assert main([*words, "--json"]) == 1
    said = capfd.readouterr()
    assert said.out == "" and json.loads(said.err)["error"]["code"] == "tray-turned"


def test_a_tray_that_is_quit_ends_the_command(tray: Tray, door: Door, capfd: Capture) -> None:
    with meanwhile(door.close):
        assert main(["status", "--json"]) == 1
    assert json.loads(capfd.readouterr().err)["error"]["code"] == "tray-quit"


def test_a_tray_that_dies_is_told(
    tray: Tray, door: Door, monkeypatch: pytest.MonkeyPatch, capfd: Capture
) -> None:
    """Without a last word of its own."""
    monkeypatch.setattr(Door, "_attend", lambda self, visit, call: visit.take())
    assert main(["status", "--json"]) == 1
    assert json.loads(capfd.readouterr().err)["error"]["code"] == "tray-gone"


def test_ctrl_c_ends_a_command_that_waits(tray: Tray, door: Door, capfd: Capture) -> None:
    with meanwhile(lambda: os.kill(os.getpid(), signal.SIGINT)):
        assert main(["status"]) == 130
    assert capfd.readouterr() == ("", "")
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
