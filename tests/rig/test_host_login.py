"""Hosts with passwords and passphrases on the command line: the keyring, the terminal, and neither."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import subprocess
import termios
from collections.abc import Iterator, Mapping
from pathlib import Path
from signal import SIGINT
from typing import Any

import pytest

from tests.canary import CANARY
from tests.rig.driving import Program
from tests.rig.keyring import SecretService, secret_service
from tests.rig.people import PASSWORD
from tests.rig.rig import Rig
from tests.rig.sshd import KEYS, Sshd, make_key
from tests.waiting import scaled, wait_until

WITH_PASSWORD = {"PasswordAuthentication": "yes", "LogLevel": "DEBUG2"}
PASSPHRASE = f"{CANARY} of the key"


class Typing:
    """A command at a terminal, and the person there."""

    def __init__(self, program: Program, *words: str, **environment: str) -> None:
        self._ours, self._theirs = pty.openpty()
        self.process = subprocess.Popen(
            program.argv(*words),
            stdin=self._theirs,
            stdout=subprocess.DEVNULL,
            stderr=self._theirs,
            env={**program.environment, **environment},
        )
        os.set_blocking(self._ours, False)
        self.shown = ""

    def answer(self, question: str, answer: str) -> None:
        """Wait for a question, then type."""
        wait_until(lambda: question in self._look(), f"the question {question!r}", seconds=20)
        self.shown = ""
        os.write(self._ours, answer.encode() + b"\n")

    def ended(self) -> int:
        """Its exit code."""
        code = self.process.wait(scaled(30))
        self._look()
        return code

    @property
    def echoes(self) -> bool:
        """Whether the terminal shows what is typed."""
        return bool(termios.tcgetattr(self._theirs)[3] & termios.ECHO)

    def _look(self) -> str:
        with contextlib.suppress(OSError):
            self.shown += os.read(self._ours, 65536).decode(errors="replace")
        return self.shown

    def close(self) -> None:
        """End it."""
        self.process.kill()
        self.process.wait()
        os.close(self._ours)
        os.close(self._theirs)


@pytest.fixture
def server(rig: Rig) -> Sshd:
    return rig.sshd(WITH_PASSWORD)


@pytest.fixture
def program(tmp_path: Path) -> Program:
    return Program(tmp_path / "config")


@pytest.fixture
def keyring(tmp_path: Path) -> Iterator[SecretService]:
    home = tmp_path / "home"
    home.mkdir()
    with secret_service(home) as (_, service):
        yield service


def add(server: Sshd, program: Program, *words: str, stdin: str = "", **environment: str) -> Any:
    where = ("--address", server.address, "--port", str(server.port), "--user", server.user)
    return run(
        program, "host", "add", "spark", *where, "--fingerprint", server.fingerprint, *words,
        stdin=stdin, **environment,
    )  # fmt: skip


def run(
    program: Program, *words: str, stdin: str = "", **environment: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        program.argv(*words),
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
        env={**program.environment, **environment},
        timeout=scaled(60),
    )


def error_of(done: subprocess.CompletedProcess[str]) -> Mapping[str, str]:
    told: Mapping[str, str] = json.loads(done.stderr.splitlines()[-1])["error"]
    return told


def nowhere(folder: Path) -> None:
    """No file holds a secret."""
    for path in folder.rglob("*"):
        if path.is_file():
            assert CANARY.encode() not in path.read_bytes(), path


def test_a_password_is_stored_used_changed_and_deleted(
    server: Sshd, program: Program, keyring: SecretService
) -> None:
    on_bus = keyring.environment
    done = add(server, program, "--password-stdin", stdin=f"{CANARY} old\n", **on_bus)
    assert done.returncode == 0, done.stderr
    (value,) = keyring.values().values()
    assert json.loads(value) == {"password": f"{CANARY} old"}
    refused = run(program, "status", "--json", **on_bus)
    assert refused.returncode == 4
    assert error_of(refused)["code"] == "secret-missing"
    assert server.log().count("service ssh-connection method password") == 1
    add(server, program, "--password-stdin", stdin=f"{PASSWORD}\nmore\n", **on_bus)
    used = run(program, "status", "--json", **on_bus)
    assert used.returncode == 0, used.stderr
    assert json.loads(used.stdout)["link"] == "connected"
    assert run(program, "host", "test", "--json", **on_bus).returncode == 0
    assert run(program, "host", "remove", "spark", **on_bus).returncode == 0
    assert keyring.values() == {}
    nowhere(program.config)


@pytest.mark.fault("L1")
def test_without_a_keyring_it_is_asked_each_time(server: Sshd, program: Program) -> None:
    done = add(server, program, "--password-stdin", stdin=f"{PASSWORD}\n", DBUS_SESSION_BUS_ADDRESS="")
    assert done.returncode == 0
    assert "No keyring is running" in done.stderr
    script = run(program, "status", "--json", DBUS_SESSION_BUS_ADDRESS="")
    assert (script.returncode, error_of(script)["code"]) == (4, "secret-missing")
    assert "service ssh-connection method" not in server.log()
    typing = Typing(program, "status", DBUS_SESSION_BUS_ADDRESS="")
    try:
        typing.answer(f"Password of sparkuser on {server.address}: ", f"{CANARY} no")
        typing.answer("That was not right.", PASSWORD)
        assert typing.ended() == 0, typing.shown
    finally:
        typing.close()
    assert CANARY not in typing.shown
    nowhere(program.config)


def test_what_is_typed_can_be_kept(
    rig: Rig, program: Program, keyring: SecretService, tmp_path: Path
) -> None:
    key = make_key(tmp_path / "locked", passphrase=PASSPHRASE)
    with (KEYS / "authorized" / "sparkuser").open("a", encoding="utf-8") as file:
        file.write(key.with_suffix(".pub").read_text(encoding="utf-8"))
    add(rig.server, program, "--key", str(key))
    typing = Typing(program, "status", **keyring.environment)
    try:
        typing.answer("Passphrase of the key", PASSPHRASE)
        typing.answer("[y/N]", "y")
        assert typing.ended() == 0, typing.shown
    finally:
        typing.close()
    assert run(program, "status", **keyring.environment).returncode == 0
    run(program, "host", "remove", "spark", **keyring.environment)
    assert keyring.values() == {}
    nowhere(program.config)


@pytest.mark.parametrize("way", ["nothing typed", "Ctrl-C"])
def test_a_person_who_says_no(server: Sshd, program: Program, way: str) -> None:
    add(server, program, "--password-stdin", stdin=f"{PASSWORD}\n", DBUS_SESSION_BUS_ADDRESS="")
    typing = Typing(program, "status", DBUS_SESSION_BUS_ADDRESS="")
    try:
        if way == "nothing typed":
            typing.answer("Password of", "")
            assert typing.ended() == 4
        else:
            wait_until(lambda: not typing.echoes, "a terminal that hides what is typed", seconds=20)
            typing.process.send_signal(SIGINT)
            assert typing.ended() == 130
        assert typing.echoes
    finally:
        typing.close()
    assert "service ssh-connection method" not in server.log()


@pytest.mark.fault("L4")
def test_a_keyring_named_by_the_environment_is_not_used(
    server: Sshd, program: Program, keyring: SecretService
) -> None:
    null = {"PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring", **keyring.environment}
    add(server, program, "--password-stdin", stdin=f"{PASSWORD}\n", **null)
    assert len(keyring.values()) == 1
    assert run(program, "status", **null).returncode == 0


@pytest.mark.fault("L3")
def test_a_keyring_that_hangs_is_told_and_ends_nothing_late(
    server: Sshd, program: Program, keyring: SecretService
) -> None:
    keyring.hang()
    done = add(server, program, "--password-stdin", stdin=f"{PASSWORD}\n", **keyring.environment)
    keyring.go_on()
    assert done.returncode == 0
    assert "The keyring does not answer." in done.stderr


def test_words_that_do_not_go_together(server: Sshd, program: Program) -> None:
    assert add(server, program, "--password-stdin", stdin="\n").returncode == 2
    assert add(server, program, "--password-stdin", "--agent").returncode == 2
    assert add(server, program, "--agent", "SHA256:short").returncode == 2


def test_a_forgotten_host_key_takes_the_password_along(
    server: Sshd, program: Program, keyring: SecretService
) -> None:
    """Whoever shows the next key gets nothing that was kept for this one."""
    on_bus = keyring.environment
    assert add(server, program, "--password-stdin", stdin=f"{PASSWORD}\n", **on_bus).returncode == 0
    assert keyring.values()
    done = run(program, "host", "forget-key", "spark", "--yes", **on_bus)
    assert done.returncode == 0, done.stderr
    assert keyring.values() == {}
