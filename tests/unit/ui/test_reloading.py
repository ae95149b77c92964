"""What changes in the config folder while the program runs, written as editors and other programs do it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace
from PySide6.QtCore import QCoreApplication, QFileSystemWatcher, QTimer

from sparktray.domain.host import HostProfile
from sparktray.store.catalogue_file import load_catalogue, make_own
from sparktray.store.hosts import Hosts, HostsFile
from sparktray.store.paths import ConfigFolder
from sparktray.store.settings import Settings, SettingsFile
from sparktray.store.shipped import shipped
from sparktray.ui.background import Background
from sparktray.ui.reloading import Reloading
from tests.waiting import wait_until

EMPTY = '{"version": 1, "servers": {}, "models": []}'
SPARK = HostProfile("spark", "192.0.2.1")


class Heard:
    """Everything that was told, in its order."""

    def __init__(self, folder: Path) -> None:
        self.folder = ConfigFolder(folder)
        self.background = Background()
        self.reloading = Reloading(self.folder, self.background, load_catalogue(self.folder), Hosts())
        self.told: list[tuple[object, ...]] = []
        for name in (
            "settings_changed",
            "catalogue_changed",
            "catalogue_broken",
            "hosts_changed",
            "hosts_broken",
        ):
            signal = getattr(self.reloading, name)
            signal.connect(lambda *values, name=name: self.told.append((name.partition("_")[0], *values)))

    def until(self, condition: Callable[[], object], what: str) -> None:
        def processed() -> object:
            QCoreApplication.processEvents()
            return condition()

        wait_until(processed, what)

    def next(self, what: str) -> tuple[object, ...]:
        """The next thing told; everything else of that reading has been told, too."""
        self.until(lambda: self.told, what)
        return self.told.pop(0)

    def nothing_more(self) -> None:
        """What comes next is a change made here: everything before it has been told."""
        quiet = self.reloading.findChild(QTimer)
        assert quiet is not None
        self.until(lambda: not quiet.isActive(), "the folder to be quiet")
        mark = Settings(panel=os.urandom(4).hex())
        SettingsFile(self.folder).change(lambda _: mark)
        self.until(lambda: ("settings", mark, None) in self.told, "the mark")
        assert self.told == [("settings", mark, None)]
        self.told.clear()


@pytest.fixture
def heard(tmp_path: Path) -> Iterator[Heard]:
    (tmp_path / "config").mkdir()
    made = Heard(tmp_path / "config")
    made.reloading.look()
    assert made.next("the settings") == ("settings", Settings(), None)
    yield made
    made.background.close()


def test_at_the_start_only_what_differs_is_told(tmp_path: Path) -> None:
    folder = ConfigFolder(tmp_path)
    SettingsFile(folder).change(lambda _: Settings("de"))
    HostsFile(folder).add(SPARK)
    heard = Heard(tmp_path)
    heard.reloading.look()
    assert heard.next("the settings") == ("settings", Settings("de"), None)
    assert heard.next("the hosts") == ("hosts", Hosts((SPARK,), "spark"))
    heard.nothing_more()
    heard.background.close()


def test_settings_and_hosts_saved_by_another_program_are_told(heard: Heard) -> None:
    SettingsFile(heard.folder).change(lambda _: Settings("en"))
    assert heard.next("the settings") == ("settings", Settings("en"), None)
    HostsFile(heard.folder).add(SPARK)
    assert heard.next("the hosts") == ("hosts", Hosts((SPARK,), "spark"))
    HostsFile(heard.folder).remove("spark")
    assert heard.next("the hosts") == ("hosts", Hosts())
    heard.nothing_more()


def in_place(path: Path, text: str) -> None:
    path.write_text(text)


def by_rename(path: Path, text: str) -> None:
    fresh = path.with_name(".fresh")
    fresh.write_text(text)
    fresh.replace(path)


def by_backup(path: Path, text: str) -> None:
    """As vi does it: the old file becomes the backup, a new one takes the name."""
    path.replace(path.with_name(path.name + "~"))
    path.write_text(text)


@pytest.mark.parametrize("write", [in_place, by_rename, by_backup])
def test_every_way_an_editor_saves_is_seen_again_and_again(
    heard: Heard, write: Callable[[Path, str], None]
) -> None:
    own = make_own(heard.folder)
    original = load_catalogue(heard.folder)
    heard.nothing_more()
    for number in range(3):
        write(own, EMPTY if number % 2 == 0 else shipped_text())
        kind, catalogue = heard.next(f"change {number}")
        assert kind == "catalogue"
        assert catalogue == load_catalogue(heard.folder)
        assert (catalogue == original) == (number % 2 == 1)
    in_place(own, shipped_text())
    assert heard.next("a change in place after all that")[0] == "catalogue"


def shipped_text() -> str:
    return shipped("models.json").read_text(encoding="utf-8")


def test_a_replaced_file_that_somebody_still_reads_does_not_hide_the_new_one(heard: Heard) -> None:
    own = make_own(heard.folder)
    heard.nothing_more()
    with own.open():  # then nothing tells that the old file is gone
        by_rename(own, EMPTY)
        assert heard.next("the new one")[0] == "catalogue"
        heard.nothing_more()
        in_place(own, shipped_text())
        assert heard.next("what is written into it")[0] == "catalogue"


def test_a_link_to_a_file_kept_elsewhere_is_followed(heard: Heard, tmp_path: Path) -> None:
    elsewhere = tmp_path / "dotfiles.json"
    elsewhere.write_text(EMPTY)
    heard.folder.file("models.json").symlink_to(elsewhere)
    assert heard.next("the link")[0] == "catalogue"
    elsewhere.write_text(shipped_text())
    assert heard.next("what it leads to")[0] == "catalogue"


def test_saving_the_same_again_tells_nothing(heard: Heard) -> None:
    own = make_own(heard.folder)
    for _ in range(3):
        by_rename(own, own.read_text())
        HostsFile(heard.folder)
    own.touch()
    heard.nothing_more()


def test_a_broken_catalogue_is_told_with_its_place_and_once_and_when_it_is_mended(heard: Heard) -> None:
    own = make_own(heard.folder)
    good = own.read_text()
    in_place(own, '{"version": 1,, }')
    kind, problem = heard.next("the mistake")
    assert kind == "catalogue"
    assert getattr(problem, "code", None) == "catalogue-syntax"
    own.touch()
    heard.nothing_more()
    in_place(own, '{"version": 2}')
    assert getattr(heard.next("the next mistake")[1], "code", None) == "catalogue-version"
    in_place(own, good)
    assert heard.next("its end") == ("catalogue", None)
    heard.nothing_more()


def test_a_mended_catalogue_that_is_another_one_is_told(heard: Heard) -> None:
    own = make_own(heard.folder)
    in_place(own, "{")
    assert heard.next("the mistake")[1] is not None
    in_place(own, EMPTY)
    assert heard.next("its end") == ("catalogue", None)
    assert heard.next("the other one") == ("catalogue", load_catalogue(heard.folder))


def test_broken_settings_are_said_once(heard: Heard) -> None:
    SettingsFile(heard.folder).change(lambda _: Settings("de"))
    assert heard.next("the settings") == ("settings", Settings("de"), None)
    in_place(heard.folder.file("settings.json"), "{")
    kind, settings, problem = heard.next("the broken ones")
    assert (kind, settings) == ("settings", Settings("de"))
    assert getattr(problem, "code", None) == "store-corrupt"
    heard.nothing_more()


@pytest.mark.parametrize("broken", [True, False])
def test_a_list_of_hosts_that_breaks_or_goes_takes_no_host_from_a_running_program(
    heard: Heard, broken: bool
) -> None:
    HostsFile(heard.folder).add(SPARK)
    assert heard.next("the hosts")[0] == "hosts"
    file = heard.folder.file("hosts.json")
    if broken:
        in_place(file, "{")
        assert getattr(heard.next("the broken one")[1], "code", None) == "store-corrupt"
    else:
        file.unlink()
    heard.nothing_more()
    other = replace(SPARK, name="other")
    HostsFile(heard.folder).add(other)
    assert heard.next("another list") == ("hosts", Hosts((other,), "other"))


def test_many_changes_at_once_are_read_together(heard: Heard) -> None:
    for number in range(50):
        panel = Settings(panel=str(number))
        SettingsFile(heard.folder).change(lambda _, panel=panel: panel)  # type: ignore[misc]
        QCoreApplication.processEvents()
    last = ("settings", Settings(panel="49"), None)
    heard.until(lambda: last in heard.told, "the last one")
    assert len(heard.told) <= 10, "each reading tells, as each finds other settings"


def test_a_look_during_a_look_is_not_lost_where_nothing_can_be_watched(heard: Heard) -> None:
    watcher = heard.reloading.findChild(QFileSystemWatcher)
    assert watcher is not None
    watcher.blockSignals(True)  # as when the system has no watches left to give
    heard.reloading.look()
    SettingsFile(heard.folder).change(lambda _: Settings("en"))
    heard.reloading.look()
    SettingsFile(heard.folder).change(lambda _: Settings("de"))
    heard.until(lambda: ("settings", Settings("de"), None) in heard.told, "the settings")
