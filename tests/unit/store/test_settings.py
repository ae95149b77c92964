"""The settings on disk: what is kept, what a broken file does, and who may be the second one to write."""

import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from msgspec.structs import replace

from sparktray.decide.clients.remembered import CopiedId, KeptForward, PublicUrl
from sparktray.domain.phrase import Phrase
from sparktray.store.language import language_of
from sparktray.store.paths import ConfigFolder, StoreError
from sparktray.store.settings import Settings, SettingsFile
from sparktray.wording import wording_for
from tests.waiting import scaled

CHOSEN = Settings("de", frozenset({"down", "one-of-a-later-version"}), "AdnQyw==")


@pytest.fixture
def file(tmp_path: Path) -> SettingsFile:
    return SettingsFile(ConfigFolder(tmp_path / "config"))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    (tmp_path / "config").mkdir()
    return tmp_path / "config" / "settings.json"


def test_nothing_is_chosen_at_first_and_reading_makes_no_file(file: SettingsFile, tmp_path: Path) -> None:
    assert file.load() == (Settings(), None)
    assert language_of(ConfigFolder(tmp_path / "config")) is None
    assert list(tmp_path.iterdir()) == []


def test_what_is_chosen_stays(file: SettingsFile) -> None:
    assert file.change(lambda _: CHOSEN) == CHOSEN
    assert file.load() == (CHOSEN, None)
    assert file.change(lambda before: replace(before, language=None)).silenced == CHOSEN.silenced
    assert file.load() == (replace(CHOSEN, language=None), None)


def test_changes_at_once_are_each_whole(file: SettingsFile) -> None:
    def silence(kind: str) -> None:
        file.change(lambda before: replace(before, silenced=before.silenced | {kind}))

    threads = [threading.Thread(target=silence, args=(str(number),)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert file.load()[0].silenced == {str(number) for number in range(12)}


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"{",
        b"\0" * 64,
        b"[]",
        b"{}",
        b'{"version": 1, "silenced": "down"}',
        b'{"version": "1"}',
        '{"version": 1}'.encode("utf-16"),
        b'{"version": 1, "panel": ' + b"[" * 100_000,
    ],
)
def test_a_broken_file_is_kept_said_once_and_the_last_good_one_used(
    file: SettingsFile, path: Path, text: bytes
) -> None:
    file.change(lambda _: CHOSEN)
    path.write_bytes(text)
    settings, problem = file.load()
    assert settings == CHOSEN
    assert problem is not None
    assert problem.code == "store-corrupt"
    (kept,) = path.parent.glob("settings.json.corrupt-*Z")
    assert kept.read_bytes() == text
    assert problem.cause.values["path"] == str(kept)
    assert file.load() == (CHOSEN, None)


def test_without_a_last_good_one_it_begins_anew(file: SettingsFile, path: Path) -> None:
    path.write_bytes(b"{")
    settings, problem = file.load()
    assert settings == Settings()
    assert problem is not None
    assert file.load() == (Settings(), None)


def test_a_last_good_one_that_is_broken_too_does_no_harm(file: SettingsFile, path: Path) -> None:
    path.write_bytes(b"{")
    path.with_name("settings.last.json").write_bytes(b"{")
    assert file.load()[0] == Settings()
    assert file.load() == (Settings(), None)


def test_two_broken_files_of_one_second_are_both_kept(file: SettingsFile, path: Path) -> None:
    for text in (b"one", b"two", b"three"):
        path.write_bytes(text)
        assert file.load()[1] is not None
    kept = {each.read_bytes() for each in path.parent.glob("settings.json.corrupt-*")}
    assert kept == {b"one", b"two", b"three"}


def test_changing_a_broken_file_keeps_it_and_goes_on_from_the_last_good_one(
    file: SettingsFile, path: Path
) -> None:
    file.change(lambda _: CHOSEN)
    path.write_bytes(b"{")
    changed = file.change(lambda before: replace(before, language="en"))
    assert changed == replace(CHOSEN, language="en")
    assert file.load() == (changed, None)
    assert len(list(path.parent.glob("settings.json.corrupt-*"))) == 1


def test_what_was_edited_by_hand_becomes_the_last_good_one(file: SettingsFile, path: Path) -> None:
    file.change(lambda _: CHOSEN)
    path.write_bytes(b'\xef\xbb\xbf{"version": 1, "language": "en", "later": 5}')
    assert file.load() == (Settings("en"), None)
    path.write_bytes(b"{")
    assert file.load()[0] == Settings("en")


@pytest.mark.parametrize("text", [b"", b"{", b"[]", b"\0" * 64, b"{" * 100_000])
def test_for_a_command_the_last_good_language_counts_and_nothing_is_repaired(
    file: SettingsFile, path: Path, text: bytes
) -> None:
    file.change(lambda _: CHOSEN)
    path.write_bytes(text)
    assert language_of(ConfigFolder(path.parent)) == "de"
    assert path.read_bytes() == text
    path.with_name("settings.last.json").write_bytes(text)
    assert language_of(ConfigFolder(path.parent)) is None


@pytest.mark.parametrize("language", ['"tlh"', "5", '["de"]', "null"])
def test_for_a_command_what_is_no_language_is_that_of_the_environment(path: Path, language: str) -> None:
    path.write_text(f'{{"version": 1, "language": {language}}}')
    assert language_of(ConfigFolder(path.parent)) is None
    path.write_bytes(b'\xef\xbb\xbf{"version": 1, "language": "en"}')
    assert language_of(ConfigFolder(path.parent)) == "en"


def test_a_language_nobody_knows_is_that_of_the_environment(file: SettingsFile, path: Path) -> None:
    path.write_bytes(b'{"version": 1, "language": "tlh"}')
    assert file.load() == (Settings(), None)


def test_a_newer_file_is_used_as_far_as_it_is_understood_and_never_written(
    file: SettingsFile, path: Path
) -> None:
    text = b'{"version": 2, "language": "de", "silenced": {"down": "08:00"}, "panel": "x"}'
    path.write_bytes(text)
    settings, problem = file.load()
    assert settings == Settings("de", frozenset(), "x")
    assert language_of(ConfigFolder(path.parent)) == "de"
    assert problem is not None
    assert problem.code == "store-version"
    with pytest.raises(StoreError) as raised:
        file.change(lambda _: CHOSEN)
    assert raised.value.problem.code == "store-version"
    assert path.read_bytes() == text


def test_a_file_that_cannot_be_read_gives_the_last_good_one(file: SettingsFile, path: Path) -> None:
    file.change(lambda _: CHOSEN)
    path.unlink()
    path.mkdir()
    settings, problem = file.load()
    assert settings == CHOSEN
    assert problem is not None
    assert problem.code == "store-unreadable"
    assert language_of(ConfigFolder(path.parent)) == "de"
    with pytest.raises(StoreError):
        file.change(lambda _: Settings())


def _as_somebody_else(work: Callable[[], bool]) -> bool:
    """Whether ``work`` holds in a process without root's rights, who may write everywhere."""
    child = os.fork()
    if child == 0:
        holds = False
        try:
            if os.geteuid() == 0:
                os.setgroups([])
                os.setgid(65534)
                os.setuid(65534)
            holds = work()
        finally:
            os._exit(0 if holds else 1)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


@pytest.mark.parametrize("broken", [False, True])
def test_in_a_folder_that_cannot_be_written_reading_works_and_changing_is_said(
    tmp_path: Path, broken: bool
) -> None:
    folder = tmp_path / "config"
    file = SettingsFile(ConfigFolder(folder))
    file.change(lambda _: CHOSEN)
    if broken:
        file.change(lambda _: replace(CHOSEN, panel=None))
        (folder / "settings.json").write_bytes(b"{")
    wanted = replace(CHOSEN, panel=None) if broken else CHOSEN
    own = [place for place in folder.parents if "pytest" in str(place)]  # pytest's folders are root's alone
    for place in (folder, *own):
        place.chmod(0o555 if place == folder else 0o755)
    for each in folder.iterdir():
        each.chmod(0o444)

    def work() -> bool:
        settings, problem = file.load()
        if settings != wanted or (problem is None) == broken:
            return False
        if problem is not None and (problem.code != "store-corrupt" or list(folder.glob("*corrupt*"))):
            return False
        try:
            file.change(lambda _: Settings())
        except StoreError as error:
            return error.problem.code == "store-unwritable"
        return False

    try:
        assert _as_somebody_else(work)
    finally:
        folder.chmod(0o755)


def test_the_wording_follows_the_settings(file: SettingsFile, tmp_path: Path) -> None:
    file.change(lambda _: Settings("en"))
    assert wording_for(ConfigFolder(tmp_path / "config")).language == "en"
    file.change(lambda _: Settings("de"))
    assert wording_for(ConfigFolder(tmp_path / "config"))(Phrase("Cancel")) == "Abbrechen"


def test_reading_the_language_costs_a_command_next_to_nothing(file: SettingsFile, path: Path) -> None:
    file.change(lambda _: CHOSEN)

    def once() -> float:
        begin = time.perf_counter()
        assert language_of(ConfigFolder(path.parent)) == "de"
        return time.perf_counter() - begin

    assert min(once() for _ in range(20)) < scaled(0.002)


def test_what_is_remembered_of_clients_stays(file: SettingsFile) -> None:
    file.change(lambda s: s.with_copy(CopiedId(host="spark", server="sglang", model_id="scout")))
    file.change(lambda s: s.with_copy(CopiedId(host="spark", server="vllm", model_id="qwen", client="cline")))
    file.change(lambda s: s.with_copy(CopiedId(host="spark", server="vllm", model_id="qwen")))
    file.change(lambda s: s.with_forward("spark", "sglang", 30000).with_forward("spark", "vllm", 8000))
    file.change(lambda s: s.with_forward("spark", "sglang", 30009).with_forward("spark", "vllm", None))
    file.change(lambda s: s.with_public("spark", "sglang", "https://a.org/v1"))
    kept = file.load()[0]
    assert [(each.client, each.server, each.model_id) for each in kept.copies] == [
        ("cline", "vllm", "qwen"),
        ("", "vllm", "qwen"),
    ]
    assert kept.forwards == (KeptForward(host="spark", server="sglang", port=30009),)
    assert kept.public == (PublicUrl(host="spark", server="sglang", url="https://a.org/v1"),)
    assert file.change(lambda s: s.with_public("spark", "sglang", "")).public == ()


def test_a_newer_file_tells_of_clients_what_it_can(file: SettingsFile, path: Path) -> None:
    path.write_text(
        '{"version": 99, "copies": "of another kind",'
        ' "forwards": [{"host": "spark", "server": "sglang", "port": 30000}]}'
    )
    settings, problem = file.load()
    assert problem is not None and problem.code == "store-version"
    assert settings.copies == () and settings.forwards[0].port == 30000
