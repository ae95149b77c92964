"""Whole command lines, as far as they need no host."""

import os
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from sparktray import __version__
from sparktray.__main__ import main

FINGERPRINT = "SHA256:" + "A" * 43
Capture = pytest.CaptureFixture[str]


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    """A port that must never be connected to."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        yield server


def untouched(server: socket.socket) -> bool:
    try:
        server.accept()[0].close()
    except BlockingIOError:
        return True
    return False


def add(port: int, *words: str) -> int:
    key = ("--key", "/nokey", "--fingerprint", FINGERPRINT)
    return main(["host", "add", "spark", "--address", "127.0.0.1", "--port", str(port), *key, *words])


def error_of(capsys: Capture) -> dict[str, str]:
    """The one error on stderr, with nothing on stdout."""
    said = capsys.readouterr()
    assert said.out == ""
    (line,) = said.err.splitlines()
    found: dict[str, dict[str, str]] = msgspec.json.decode(line)
    assert list(found) == ["error"]
    assert list(found["error"]) == ["code", "message", "remedy"]
    assert all(found["error"].values())
    return found["error"]


def json_of(capsys: Capture) -> dict[str, Any]:
    """The one line on stdout."""
    (line,) = capsys.readouterr().out.splitlines()
    found: dict[str, Any] = msgspec.json.decode(line)
    return found


@pytest.mark.parametrize("words", [["--version"], ["status", "--version"], ["--json", "--version", "host"]])
def test_the_version(words: list[str], capsys: Capture) -> None:
    assert main(words) == 0
    assert capsys.readouterr().out == f"sparktray {__version__}\n"


def test_the_version_needs_nothing_else() -> None:
    code = (
        "import sys; from sparktray.__main__ import main; main(['--version']);"
        "sys.exit(any(n in sys.modules for n in ('argparse', 'msgspec', 'pathlib', 'sparktray.cli')))"
    )
    done = subprocess.run([sys.executable, "-S", "-c", code], check=False, capture_output=True)
    assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.parametrize("words", [["models"], ["--help"], ["status"], ["--nonsense"]])
def test_it_runs_without_a_terminal_or_any_stream(words: list[str]) -> None:
    """As sparktrayw.exe and pythonw.exe start it; Python has no stream either for one that was closed."""
    started = [sys.executable, "-m", "sparktray", *words]
    plain, mute = ((*started,), ("sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh", *started))
    assert subprocess.run(mute, check=False).returncode == subprocess.run(plain, check=False).returncode


def test_alone_without_a_host_it_says_how_to_add_one(capsys: Capture, config: Path) -> None:
    assert main([]) == 0
    assert "sparktray host add" in capsys.readouterr().out
    assert main(["--json"]) == 0
    assert json_of(capsys)["host"] is None
    assert not config.exists()


@pytest.mark.parametrize(
    "words",
    [
        ["status"],
        ["models"],
        ["switch", "bge-m3"],
        ["stop"],
        ["model-id"],
        ["base-url"],
        ["logs"],
        ["monitor"],
    ],
)
def test_commands_need_a_host(words: list[str], capsys: Capture) -> None:
    assert main([*words, "--json"]) == 2
    assert error_of(capsys)["code"] == "no-host"
    assert main([*words]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.splitlines()[0] == "No host is set up yet."


def test_a_usage_error(capsys: Capture) -> None:
    assert main(["--json", "switch"]) == 2
    assert error_of(capsys)["code"] == "usage"
    assert main(["switch"]) == 2
    assert capsys.readouterr().err.count("\n") == 2


def test_help_is_no_error(capsys: Capture) -> None:
    assert main(["switch", "--help"]) == 0
    assert "--no-rollback" in capsys.readouterr().out


def test_host_add_saves_and_contacts_nothing(capsys: Capture, listener: socket.socket, config: Path) -> None:
    port = listener.getsockname()[1]
    assert add(port, "--user", "me", "--models-dir", "/m", "--cache-dir", "/c", "--json") == 0
    assert json_of(capsys) == {
        "host": {
            "name": "spark",
            "address": "127.0.0.1",
            "port": port,
            "user": "me",
            "key_file": "/nokey",
            "fingerprint": FINGERPRINT,
            "models_dir": "/m",
            "cache_dir": "/c",
            "login": "key",
            "agent_key": None,
            "key_type": None,
            "further": [],
            "sudo": False,
        },
        "in_use": True,
    }
    assert untouched(listener)
    assert stat.S_IMODE((config / "hosts.json").stat().st_mode) == 0o600


def test_what_is_not_given_has_its_default(
    capsys: Capture, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("LOGNAME", "somebody")
    assert main(["host", "add", "a", "--address", "spark.local", "--key", "~/.ssh/key", "--json"]) == 0
    host = json_of(capsys)["host"]
    assert (host["port"], host["user"], host["fingerprint"]) == (22, "somebody", None)
    assert host["key_file"] == str(tmp_path / ".ssh" / "key")
    assert main(["host", "add", "b", "--address", "local", "--json"]) == 0
    found = json_of(capsys)
    assert (found["host"]["user"], found["in_use"]) == (None, False)


def test_adding_again_changes_only_what_is_given(capsys: Capture) -> None:
    add(22, "--user", "me")
    capsys.readouterr()
    assert main(["host", "add", "spark", "--port", "2222", "--json"]) == 0
    host = json_of(capsys)["host"]
    assert (host["port"], host["user"], host["fingerprint"]) == (2222, "me", FINGERPRINT)


def test_list_use_remove(capsys: Capture) -> None:
    main(["host", "add", "a", "--address", "local"])
    main(["host", "add", "b", "--address", "10.0.0.2", "--user", "me"])
    assert main(["host", "use", "b"]) == 0
    capsys.readouterr()
    assert main(["host", "list"]) == 0
    assert capsys.readouterr().out.splitlines() == ["   a  local", "*  b  me@10.0.0.2:22"]
    assert main(["host", "list", "--json"]) == 0
    found = json_of(capsys)
    assert ([each["name"] for each in found["hosts"]], found["in_use"]) == (["a", "b"], "b")
    assert main(["host", "remove", "b", "--json"]) == 0
    assert json_of(capsys) == {"removed": "b", "in_use": "a"}
    for action in ("use", "remove", "test"):
        assert main(["host", action, "b", "--json"]) == 2
        assert error_of(capsys)["code"] == "usage-unknown-host"


@pytest.mark.parametrize(
    "words",
    [
        ["-x;y", "--address", "a"],
        ["x;y", "--address", "a"],
        ["x/../y", "--address", "a"],
        ["x", "--address=-oProxyCommand=x"],
        ["x", "--address", "a b"],
        ["x", "--address", "$(id)"],
        ["x", "--address", ""],
        ["x", "--address", "a", "--user", "-l"],
        ["x", "--address", "a", "--user", "a\nb"],
        ["x", "--address", "a", "--fingerprint", "MD5:aa"],
        ["x", "--address", "a", "--models-dir", "relative"],
        ["x", "--address", "a", "--models-dir", "/a:b"],
        ["x", "--address", "a", "--cache-dir", "/a/../b"],
        ["x", "--address", "a", "--cache-dir", "/a\x1b"],
        ["x"],
    ],
)
def test_what_could_be_an_option_or_shell_text_is_refused(
    words: list[str], capsys: Capture, config: Path
) -> None:
    assert main(["host", "add", "--json", *words]) == 2
    assert error_of(capsys)["code"] in {"usage", "usage-host"}
    assert not config.exists()


@pytest.mark.parametrize(
    "text", ["{", '{"version": 1}', '{"version": 1, "servers": {}, "models": [], "x": 1}', "\0"]
)
@pytest.mark.parametrize("words", [["status"], ["switch", "m"], ["stop"], ["models"], ["logs", "-f"]])
def test_a_broken_catalogue_is_one_error_and_contacts_nothing(
    text: str, words: list[str], capsys: Capture, listener: socket.socket, config: Path
) -> None:
    add(listener.getsockname()[1])
    (config / "models.json").write_text(text)
    capsys.readouterr()
    assert main([*words, "--json"]) == 2
    error = error_of(capsys)
    assert error["code"].startswith("catalogue-")
    assert str(config / "models.json") in error["message"]
    assert untouched(listener)
    # The list of hosts has nothing to do with it.
    assert main(["host", "list"]) == 0


def test_a_syntax_error_names_line_and_column_others_the_path(capsys: Capture, config: Path) -> None:
    add(1)
    (config / "models.json").write_text('{\n  "version": 1,,\n}')
    assert main(["status"]) == 2
    assert "models.json, line 2, column 1" in capsys.readouterr().err
    (config / "models.json").write_text('{"version": 1, "servers": {"a": {"engine": "x"}}, "models": []}')
    assert main(["status"]) == 2
    assert "models.json, $.servers.a" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["switch", "no-such-model"], "usage-unknown-model"),
        (["switch", "--json"], "usage"),
        (["switch", "--", "-rf"], "usage-unknown-model"),
        (["switch", "$(reboot)\n"], "usage-unknown-model"),
        (["switch", "bge-m3", "--on", "no-such-server"], "usage-unknown-server"),
        (["switch", "qwen3-32b-nvfp4", "--on", "sglang-x"], "usage-unknown-server"),
        (["stop", "no-such-server"], "usage-unknown-server"),
        (["model-id", "no-such-server"], "usage-unknown-server"),
        (["base-url", "no-such-server"], "usage-unknown-server"),
        (["logs", "no-such-server"], "usage-unknown-server"),
        (["status", "--host", "nobody"], "usage-unknown-host"),
    ],
)
def test_a_wrong_name_is_told_before_anything_is_contacted(
    words: list[str], code: str, capsys: Capture, listener: socket.socket
) -> None:
    add(listener.getsockname()[1])
    capsys.readouterr()
    assert main(["--json", *words]) == 2
    assert error_of(capsys)["code"] == code
    assert untouched(listener)


def test_a_broken_list_of_hosts_is_code_2(capsys: Capture, config: Path) -> None:
    config.mkdir()
    (config / "hosts.json").write_text("{")
    assert main(["status", "--json"]) == 2
    assert error_of(capsys)["code"] == "store-corrupt"


def test_a_folder_that_cannot_be_is_code_2(capsys: Capture, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    words = ["host", "add", "a", "--address", "local", "--config", str(tmp_path / "file" / "x"), "--json"]
    assert main(words) == 2
    assert error_of(capsys)["code"] == "store-unreadable"


def test_host_test_stops_at_the_first_that_makes_all_others_impossible(capsys: Capture) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    add(port)
    capsys.readouterr()
    assert main(["host", "test", "--json"]) == 3
    found = json_of(capsys)
    assert [(each["stage"], each["ok"], each["code"]) for each in found["stages"]] == [
        ("name", True, None),
        ("port", False, "port-closed"),
    ]
    assert main(["host", "test", "spark"]) == 3
    assert capsys.readouterr().out.splitlines()[0].split() == ["✓", "name", "127.0.0.1"]


def test_host_test_tells_of_the_key_file_after_the_port(capsys: Capture) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        add(server.getsockname()[1])
        capsys.readouterr()
        assert main(["host", "test", "--json"]) == 4
    stages = json_of(capsys)["stages"]
    assert [(each["stage"], each["code"]) for each in stages] == [
        ("name", None),
        ("port", None),
        ("login", "key-unusable"),
    ]


def test_a_reader_that_has_enough_is_no_error() -> None:
    child = subprocess.Popen(
        [sys.executable, "-m", "sparktray", "journal", "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert child.stdout is not None
    assert child.stderr is not None
    child.stdout.close()
    assert child.wait(30) == 0
    assert child.stderr.read() == b""
    child.stderr.close()


@pytest.mark.parametrize("words", [["journal", "--json"], ["--help"], ["host", "list"]])
def test_output_that_finds_no_room_is_said(words: list[str]) -> None:
    with Path("/dev/full").open("w", encoding="utf-8") as full:
        done = subprocess.run(
            [sys.executable, "-m", "sparktray", *words],
            check=False,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
        )
    assert done.returncode == 1
    assert done.stderr.startswith("The output cannot be written: No space left on device\n")
    assert "Traceback" not in done.stderr


def test_sigterm_is_as_it_was_afterwards() -> None:
    before = signal.getsignal(signal.SIGTERM)
    main(["host", "list"])
    assert signal.getsignal(signal.SIGTERM) is before


def test_a_terminal_that_knows_no_letters_of_ours_gets_others() -> None:
    environment = {**os.environ, "PYTHONIOENCODING": "ascii", "SPARKTRAY_CONFIG_DIR": "/tmp/no-ünicode"}
    child = subprocess.run(
        [sys.executable, "-m", "sparktray", "host", "add", "ü", "--address", "a"],
        env=environment,
        check=False,
        capture_output=True,
    )
    assert child.returncode == 2
    assert b"Traceback" not in child.stderr
