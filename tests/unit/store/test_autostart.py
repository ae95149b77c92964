"""Starting with the session: the three platforms' entries, as their own readers read them.

The Windows registry is one in memory, behind the same four calls: on Windows itself nothing is proven here.
"""

import configparser
import os
import plistlib
import subprocess
import sys
from pathlib import Path

import pytest

from sparktray.store.autostart.choice import autostart_for
from sparktray.store.autostart.entry import Entry, entry_for, own_command
from sparktray.store.autostart.macos import LaunchAgent
from sparktray.store.autostart.windows import APPROVED, LONGEST_COMMAND, RUN, RunKey
from sparktray.store.autostart.xdg import DesktopEntry
from sparktray.store.paths import ConfigFolder, StoreError
from sparktray.ui.process import IDENTITY

PYTHON = sys.executable


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home folder of its own."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    return tmp_path


# --- what is started ---------------------------------------------------------------------------------------


def test_the_platforms_own_folder_is_not_named(home: Path) -> None:
    entry = entry_for(ConfigFolder.find(), ["/bin/sparktray"])
    assert entry == Entry("sparktray", ("/bin/sparktray",))


def test_another_folder_is_part_of_the_command_and_of_the_name(home: Path) -> None:
    one, two = (entry_for(ConfigFolder(home / name), ["/bin/sparktray"]) for name in ("one", "two"))
    assert one.command == ("/bin/sparktray", "--config", str(home / "one"))
    names = {one.name, two.name, "sparktray"}
    assert len(names) == 3
    assert all(name.replace("sparktray", "").strip("-").isalnum() for name in names - {"sparktray"})


def test_the_command_starts_this_very_program(tmp_path: Path) -> None:
    (tmp_path / "sparktray").mkdir()  # a folder of that name where the session starts
    said = subprocess.run([*own_command(), "--version"], cwd=tmp_path, capture_output=True, check=True)
    assert said.stdout.startswith(b"sparktray ")


def test_a_frozen_build_starts_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    assert own_command() == (sys.executable,)


@pytest.mark.parametrize(
    ("frozen", "there", "started"),
    [
        (True, {"sparktray.exe", "sparktrayw.exe"}, "sparktrayw.exe"),
        (True, {"sparktray.exe"}, "sparktray.exe"),
        (False, {"sparktray.exe", "sparktrayw.exe"}, "sparktrayw.exe"),
    ],
)
def test_windows_starts_the_one_without_a_terminal(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, frozen: bool, there: set[str], started: str
) -> None:
    for name in there:
        (tmp_path / name).write_bytes(b"")
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setattr(sys, "frozen", frozen, raising=False)
    monkeypatch.setattr(sys, "executable", str(tmp_path / "sparktray.exe"))
    assert own_command()[0] == str(tmp_path / started)
    monkeypatch.setattr(sys, "executable", str(tmp_path / started))
    assert own_command()[0] == str(tmp_path / started), "again from itself"


# --- freedesktop.org ---------------------------------------------------------------------------------------


def keys_of(path: Path) -> dict[str, str]:
    parser = configparser.RawConfigParser(delimiters="=", comment_prefixes="#", strict=True)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read_string(path.read_text(encoding="utf-8"))
    assert parser.sections() == ["Desktop Entry"]
    return dict(parser["Desktop Entry"])


def started(path: Path) -> list[str]:
    """The arguments of Exec, read step by step as the Desktop Entry Specification has it."""
    value = keys_of(path)["Exec"].encode().decode("unicode_escape").encode("latin-1").decode()
    # Quotes and what is escaped within them are the shell's.
    split = subprocess.run(["sh", "-c", f"printf '%s\\0' {value}"], capture_output=True, check=True).stdout
    return [argument.replace("%%", "%") for argument in split.decode().split("\0")[:-1]]


def test_it_is_off_until_asked_and_off_again(home: Path) -> None:
    autostart = autostart_for(ConfigFolder(home / "config"))
    assert not autostart.enabled()
    assert list(home.iterdir()) == []
    autostart.disable()
    autostart.enable()
    assert autostart.enabled()
    (entry,) = (home / ".config" / "autostart").iterdir()
    assert started(entry) == [PYTHON, "-P", "-m", "sparktray", "--config", str(home / "config")]
    assert keys_of(entry)["Icon"] == IDENTITY
    autostart.disable()
    assert not autostart.enabled()
    assert not entry.exists()


def test_a_config_home_of_its_own_is_respected(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(home / "xdg"))
    assert DesktopEntry(Entry("s", (PYTHON,))).path == home / "xdg" / "autostart" / "s.desktop"
    monkeypatch.setenv("XDG_CONFIG_HOME", "not/absolute")
    assert DesktopEntry(Entry("s", (PYTHON,))).path == home / ".config" / "autostart" / "s.desktop"


@pytest.mark.parametrize(
    "argument",
    [
        "plain",
        "",
        "with space",
        'quo"te',
        "apo'strophe",
        "back\\slash",
        "back\\\\slashes\\",
        "$HOME",
        "`id`",
        "100%",
        "%u",
        "a;b&c|d<e>f(g)*h?i#j~k",
        "tab\there",
        "line\nbreak",
        "ümläut…",
        "key=value",
    ],
)
def test_every_argument_arrives_as_it_is(home: Path, argument: str) -> None:
    entry = DesktopEntry(Entry("sparktray", (PYTHON, argument, "end")))
    entry.enable()
    assert started(entry.path) == [PYTHON, argument, "end"]
    assert entry.enabled()


def test_a_program_in_a_folder_with_odd_characters_is_found(home: Path) -> None:
    program = home / "o'dd $dir\\with %s" / "spark tray"
    program.parent.mkdir()
    program.write_bytes(b"")
    program.chmod(0o755)
    entry = DesktopEntry(Entry("sparktray", (str(program),)))
    entry.enable()
    assert started(entry.path) == [str(program)]
    assert entry.enabled()
    program.unlink()
    assert not entry.enabled(), "what it starts is gone"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("StartupNotify=false", "Hidden=true"),
        ("X-GNOME-Autostart-enabled=true", "X-GNOME-Autostart-enabled=false"),
        ("[Desktop Entry]", "[Something Else]"),
        ("Exec=", "Exec[de]="),
    ],
)
def test_what_a_desktops_own_settings_switched_off_is_off(home: Path, before: str, after: str) -> None:
    entry = DesktopEntry(Entry("sparktray", (PYTHON,)))
    entry.enable()
    text = entry.path.read_text()
    assert before in text
    entry.path.write_text(text.replace(before, after))
    assert not entry.enabled()
    entry.enable()
    assert entry.enabled()


def test_another_groups_keys_do_not_count(home: Path) -> None:
    entry = DesktopEntry(Entry("sparktray", (PYTHON,)))
    entry.enable()
    with entry.path.open("a") as text:
        text.write("# Hidden=true\n\n[Desktop Action x]\nHidden=true\nnonsense\n")
    assert entry.enabled()


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"\0" * 100])
def test_an_entry_that_cannot_be_understood_is_off(home: Path, content: bytes) -> None:
    entry = DesktopEntry(Entry("sparktray", (PYTHON,)))
    entry.enable()
    entry.path.write_bytes(content)
    assert not entry.enabled()


def test_what_cannot_be_written_is_said_with_a_way_out(home: Path) -> None:
    (home / ".config").write_bytes(b"a file")
    entry = DesktopEntry(Entry("sparktray", (PYTHON,)))
    with pytest.raises(StoreError) as raised:
        entry.enable()
    assert raised.value.problem.code == "store-unwritable"
    assert "--config" not in raised.value.problem.remedy.msgid
    assert not entry.enabled()
    entry.path.parent.parent.unlink()
    entry.path.mkdir(parents=True)
    for call in (entry.enable, entry.disable):
        with pytest.raises(StoreError) as raised:
            call()
        assert raised.value.problem.code == "store-unwritable"


def test_a_path_that_is_no_text_is_refused(home: Path) -> None:
    entry = DesktopEntry(Entry("sparktray", (PYTHON, os.fsdecode(b"/caf\xe9"))))
    with pytest.raises(StoreError) as raised:
        entry.enable()
    assert "readable names" in raised.value.problem.remedy.msgid
    assert not entry.path.exists()


def test_a_folder_whose_name_is_no_text_still_has_an_entry_name() -> None:
    assert entry_for(ConfigFolder(Path(os.fsdecode(b"/caf\xe9"))), ["x"]).name.startswith("sparktray-")


# --- macOS -------------------------------------------------------------------------------------------------


def test_a_launch_agent_starts_the_program_at_login(home: Path) -> None:
    agent = LaunchAgent(Entry("sparktray-1", ("/Applications/sparktray.app/sparktray", "--config", "/a b")))
    assert not agent.enabled()
    agent.enable()
    assert agent.enabled()
    file = home / "Library" / "LaunchAgents" / "org.sparktray.sparktray-1.plist"
    job = plistlib.loads(file.read_bytes())
    assert job["Label"] == "org.sparktray.sparktray-1"
    assert job["ProgramArguments"] == ["/Applications/sparktray.app/sparktray", "--config", "/a b"]
    assert job["RunAtLoad"] is True
    assert "KeepAlive" not in job, "Quit means quit"
    agent.disable()
    agent.disable()
    assert not agent.enabled()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"<plist",
        b"bplist00rubbish",
        plistlib.dumps([]),
        plistlib.dumps({"RunAtLoad": False}),
        plistlib.dumps({"RunAtLoad": True, "Disabled": True}),
    ],
)
def test_an_agent_that_does_not_run_is_off(home: Path, content: bytes) -> None:
    agent = LaunchAgent(Entry("sparktray", ("x",)))
    agent.enable()
    agent.path.write_bytes(content)
    assert not agent.enabled()


def test_a_translocated_app_is_not_entered(home: Path) -> None:
    agent = LaunchAgent(Entry("sparktray", ("/private/var/folders/x/AppTranslocation/y/d/sparktray",)))
    with pytest.raises(StoreError) as raised:
        agent.enable()
    assert "Applications" in raised.value.problem.remedy.msgid
    assert not agent.path.exists()


# --- Windows -----------------------------------------------------------------------------------------------


class MemoryRegistry:
    """Values by key and name; what is in ``locked`` is refused as a policy does it."""

    def __init__(self) -> None:
        self.values: dict[tuple[str, str], str | bytes] = {}
        self.locked = False

    def read(self, key: str, name: str) -> str | bytes | None:
        self._refuse()
        return self.values.get((key, name))

    def write(self, key: str, name: str, text: str) -> None:
        self._refuse()
        self.values[key, name] = text

    def remove(self, key: str, name: str) -> None:
        self._refuse()
        self.values.pop((key, name), None)

    def _refuse(self) -> None:
        if self.locked:
            raise PermissionError(5, "Access is denied")


COMMAND = (r"C:\Program Files\sparktray\sparktray.exe", "--config", r"C:\a b")


def test_the_run_key_starts_the_program() -> None:
    registry = MemoryRegistry()
    run = RunKey(Entry("sparktray", COMMAND), registry)
    assert not run.enabled()
    run.enable()
    assert run.enabled()
    assert registry.values == {
        (RUN, "sparktray"): r'"C:\Program Files\sparktray\sparktray.exe" --config "C:\a b"'
    }
    run.disable()
    run.disable()
    assert registry.values == {}
    assert not run.enabled()


@pytest.mark.parametrize(
    ("approved", "enabled"),
    [
        (bytes.fromhex("020000000000000000000000"), True),
        (bytes.fromhex("060000000000000000000000"), True),
        (bytes.fromhex("03000000" + "a0c1e2f3d4b5d601"), False),
        (bytes.fromhex("070000000000000000000000"), False),
        (b"", True),
        ("text", True),
    ],
)
def test_the_task_manager_has_a_say(approved: bytes | str, enabled: bool) -> None:
    registry = MemoryRegistry()
    run = RunKey(Entry("sparktray", COMMAND), registry)
    run.enable()
    registry.values[APPROVED, "sparktray"] = approved
    assert run.enabled() is enabled
    run.enable()
    assert run.enabled(), "asked for anew, here"


def test_a_command_too_long_for_windows_is_refused() -> None:
    registry = MemoryRegistry()
    with pytest.raises(StoreError) as raised:
        RunKey(Entry("sparktray", ("x" * (LONGEST_COMMAND + 1),)), registry).enable()
    assert raised.value.problem.cause.values == {"limit": 260, "count": 261}
    assert registry.values == {}
    RunKey(Entry("sparktray", ("x" * LONGEST_COMMAND,)), registry).enable()


def test_a_registry_that_refuses_is_said() -> None:
    registry = MemoryRegistry()
    run = RunKey(Entry("sparktray", COMMAND), registry)
    run.enable()
    registry.locked = True
    assert not run.enabled()
    for call in (run.enable, run.disable):
        with pytest.raises(StoreError) as raised:
            call()
        assert raised.value.problem.code == "store-unwritable"
