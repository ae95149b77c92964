"""Where the program writes, with which rights, and that a file is whole whoever writes."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from sparktray.store.atomic import append_line, read_file, sole_writer, write_file
from sparktray.store.durations import Durations
from sparktray.store.paths import CONFIG_VARIABLE, ConfigFolder, StoreError


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_the_folder_is_the_given_one_else_the_environments_else_the_platforms(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv(CONFIG_VARIABLE, str(tmp_path / "environment"))
    assert ConfigFolder.find(tmp_path / "given").path == tmp_path / "given"
    assert ConfigFolder.find().path == tmp_path / "environment"
    monkeypatch.setenv(CONFIG_VARIABLE, "")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "xdg"))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("APPDATA", str(tmp_path))
    assert ConfigFolder.find().path.name == "sparktray"
    monkeypatch.chdir(tmp_path)
    assert ConfigFolder.find(Path("here")).path == tmp_path / "here"
    assert ConfigFolder.find(Path("~/there")).path == tmp_path / "there"


def test_the_platforms_folder_is_looked_up_only_when_none_is_named(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from sparktray.store.paths import ConfigFolder;"
        f"ConfigFolder.find(Path({str(tmp_path)!r})); sys.exit('platformdirs' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize("mask", [0o000, 0o022, 0o077])
def test_what_is_made_is_the_owners_alone(tmp_path: Path, mask: int) -> None:
    before = os.umask(mask)
    try:
        folder = ConfigFolder(tmp_path / "a" / "b")
        folder.made("journal")
        write_file(folder.file("x.json"), b"{}")
        append_line(folder.file("journal/y"), b"line")
        with sole_writer(folder):
            pass
    finally:
        os.umask(before)
    assert mode(tmp_path / "a" / "b") == mode(tmp_path / "a" / "b" / "journal") == 0o700
    assert {mode(folder.file(name)) for name in ("x.json", "journal/y", "lock")} == {0o600}


def test_a_folder_that_was_there_keeps_its_mode(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    ConfigFolder(tmp_path).made()
    assert mode(tmp_path) == 0o755


def test_writing_replaces_all_and_leaves_nothing_beside(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("something much longer than what comes")
    path.chmod(0o644)
    write_file(path, b"new")
    assert path.read_bytes() == b"new"
    assert mode(path) == 0o600
    assert list(tmp_path.iterdir()) == [path]


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    real = tmp_path / "dotfiles" / "hosts.json"
    real.parent.mkdir()
    link = tmp_path / "hosts.json"
    link.symlink_to(real)
    write_file(link, b"new")
    assert link.is_symlink()
    assert real.read_bytes() == b"new"


def test_what_cannot_be_written_or_read_is_said_and_the_old_stays(tmp_path: Path) -> None:
    blocker = tmp_path / "file"
    blocker.write_text("not a folder")
    for attempt in (
        lambda: ConfigFolder(blocker / "config").made(),
        lambda: write_file(blocker / "x", b""),
        lambda: append_line(blocker / "x", b""),
    ):
        with pytest.raises(StoreError) as raised:
            attempt()
        assert raised.value.problem.code == "store-unwritable"
    (tmp_path / "folder").mkdir()
    with pytest.raises(StoreError) as raised:
        read_file(tmp_path / "folder")
    assert raised.value.problem.code == "store-unreadable"
    with pytest.raises(StoreError):
        write_file(tmp_path / "folder", b"")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["file", "folder"]
    assert blocker.read_text() == "not a folder"


def test_a_missing_file_is_none(tmp_path: Path) -> None:
    assert read_file(tmp_path / "none") is None


def test_a_torn_line_stays_one_of_its_own(tmp_path: Path) -> None:
    path = tmp_path / "lines"
    path.write_bytes(b'{"whole":1}\n{"torn":')
    append_line(path, b'{"next":2}')
    assert path.read_bytes().splitlines() == [b'{"whole":1}', b'{"torn":', b'{"next":2}']


@pytest.mark.fault("S12")
def test_many_processes_lose_nothing_of_one_another(tmp_path: Path) -> None:
    code = (
        "import sys\n"
        "from pathlib import Path\n"
        "from sparktray.store.durations import Durations\n"
        "from sparktray.store.paths import ConfigFolder\n"
        "store = Durations(ConfigFolder(Path(sys.argv[1])))\n"
        "for number in range(20):\n"
        "    store.remember('spark', sys.argv[2], f'model{number}', number)\n"
    )
    children = [
        subprocess.Popen([sys.executable, "-c", code, str(tmp_path), f"server{child}"]) for child in range(4)
    ]
    assert [child.wait(60) for child in children] == [0, 0, 0, 0]
    store = Durations(ConfigFolder(tmp_path))
    for child in range(4):
        for number in range(20):
            assert store.usual("spark", f"server{child}", f"model{number}") == number
