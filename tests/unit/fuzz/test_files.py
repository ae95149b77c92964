"""Files of the config folder, as somebody or a broken disk may have left them."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from sparktray.decide.showing.journal.rows import entry_row
from sparktray.store.catalogue_file import usable_catalogue
from sparktray.store.durations import Durations
from sparktray.store.hosts import HostsFile
from sparktray.store.journal import Journal
from sparktray.store.paths import ConfigFolder, StoreError
from sparktray.store.settings import Settings, SettingsFile
from tests.unit.fuzz.fuzzing import corpus, fuzz
from tests.unit.fuzz.looking import said, told
from tests.unit.fuzz.mutating import changed, changed_json

NOW = 1_795_430_000.0


@contextlib.contextmanager
def folder_with(name: str, text: bytes) -> Iterator[ConfigFolder]:
    """A config folder in which that file holds these bytes."""
    path = Path(tempfile.mkdtemp(prefix="fuzz-"))
    try:
        (path / name).parent.mkdir(exist_ok=True)
        (path / name).write_bytes(text)
        yield ConfigFolder(path)
    finally:
        shutil.rmtree(path)


SETTINGS = corpus("settings")


@fuzz("settings.json", changed_json(SETTINGS) | changed(SETTINGS), examples=80, first=SETTINGS)
def test_settings(text: bytes) -> None:
    with folder_with("settings.json", text) as folder:
        settings, problem = SettingsFile(folder).load()
        told(problem)
        assert isinstance(settings, Settings)
        again, problem = SettingsFile(folder).load()
        assert again == settings
        with contextlib.suppress(StoreError):
            assert SettingsFile(folder).change(lambda before: before).language == settings.language


HOSTS = corpus("hosts")


@fuzz("hosts.json", changed_json(HOSTS) | changed(HOSTS), examples=80, first=HOSTS)
def test_hosts(text: bytes) -> None:
    with folder_with("hosts.json", text) as folder:
        try:
            hosts = HostsFile(folder).load()
        except StoreError as error:
            told(error.problem)
            return
        for host in hosts.profiles:
            assert not host.name.startswith("-") and not host.address.startswith("-")
            assert 0 < host.port < 65_536
        assert not hosts.profiles or hosts.get() is not None


JOURNALS = corpus("journal")


@fuzz(
    "the journal",
    changed(JOURNALS, [b'"end":"done"', b"1e400", b"{}\n"]),
    examples=80,
    first=JOURNALS,
)
def test_journals(text: bytes) -> None:
    with folder_with("journal/operations.jsonl", text) as folder:
        journal = Journal(folder)
        for entry in journal.all():
            row = entry_row(entry, NOW, alive=False)
            said(row)
        for host in ("spark", ""):
            journal.interrupted(host)
            said(journal.broken_off(host))
            journal.put_aside(host)
        assert len(journal.last(2)) <= 2


JOURNAL_LINES = [line for each in JOURNALS for line in each.splitlines()]


@fuzz("a line of the journal", changed_json(JOURNAL_LINES), examples=120, first=JOURNAL_LINES)
def test_journal_lines(line: bytes) -> None:
    with folder_with("journal/operations.jsonl", line.replace(b"\n", b" ") + b"\n") as folder:
        for entry in Journal(folder).all():
            said(entry_row(entry, NOW, alive=False))
        said(Journal(folder).broken_off("spark"))


DURATIONS = corpus("durations")


@fuzz("durations.json", changed_json(DURATIONS), examples=80, first=DURATIONS)
def test_durations(text: bytes) -> None:
    with folder_with("durations.json", text) as folder:
        usual = Durations(folder).usual("spark", "sglang", "scout")
        assert usual is None or isinstance(usual, float)
        Durations(folder).remember("spark", "sglang", "scout", 3.0)


MODELS = corpus("models-json")


@fuzz("models.json in use", changed_json(MODELS), examples=60, first=MODELS)
def test_catalogues(text: bytes) -> None:
    with folder_with("models.json", text) as folder:
        catalogue, problem = usable_catalogue(folder)
        assert problem is None or catalogue.models
        told(problem)
