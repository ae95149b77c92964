"""From a password, given once, to a key of this computer's own."""

from __future__ import annotations

import shutil
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.rig.driving import Program
from tests.rig.people import PASSWORD, SPARKUSER
from tests.rig.rig import Rig
from tests.rig.sshd import Sshd
from tests.rig.test_host_login import Typing, add, error_of, nowhere, run

USUAL = {"PasswordAuthentication": "yes", "AuthorizedKeysFile": ".ssh/authorized_keys", "StrictModes": "yes"}
SSH = SPARKUSER.home / ".ssh"


@pytest.fixture
def home() -> Iterator[None]:
    """The person's home on the host, as new before and after."""
    shutil.rmtree(SSH, ignore_errors=True)
    yield
    shutil.rmtree(SSH, ignore_errors=True)


@pytest.fixture
def server(rig: Rig, home: None) -> Sshd:
    return rig.sshd(USUAL)


@pytest.fixture
def program(tmp_path: Path) -> Program:
    return Program(tmp_path / "config")


def accepted() -> list[str]:
    return (SSH / "authorized_keys").read_text(encoding="utf-8").splitlines()


def test_the_password_is_used_once_and_the_key_from_then_on(server: Sshd, program: Program) -> None:
    add(server, program, "--password-stdin", stdin="not yet\n")
    done = run(program, "host", "set-up-key", "spark", "--password-stdin", stdin=f"{PASSWORD}\n")
    assert done.returncode == 0, done.stderr
    assert "The password is not kept." in done.stdout
    listed = program.json("host", "list")["hosts"][0]
    key = Path(listed["key_file"])
    assert (listed["login"], key.parent) == ("key", program.config / "keys")
    assert stat.S_IMODE(key.stat().st_mode) == 0o600 and stat.S_IMODE(key.parent.stat().st_mode) == 0o700
    (line,) = accepted()
    assert line.startswith("ssh-ed25519 ") and " sparktray spark on " in line
    assert SSH.owner() == SPARKUSER.name and stat.S_IMODE(SSH.stat().st_mode) == 0o700
    assert "No model is running on spark." in program.ok("status")
    nowhere(program.config)


def test_a_list_that_ends_in_mid_line_keeps_its_lines(server: Sshd, program: Program) -> None:
    SSH.mkdir(mode=0o700)
    old = server.client_key.with_suffix(".pub").read_text(encoding="utf-8").strip()
    (SSH / "authorized_keys").write_text(old, encoding="utf-8")
    for path in (SSH, SSH / "authorized_keys"):
        shutil.chown(path, SPARKUSER.uid, SPARKUSER.uid)
    add(server, program, "--key", str(server.client_key))
    done = run(program, "host", "set-up-key", "spark", "--password-stdin", stdin=f"{PASSWORD}\n")
    assert done.returncode == 0, done.stderr
    assert accepted()[0] == old and len(accepted()) == 2


def test_a_person_at_the_terminal_is_asked(server: Sshd, program: Program) -> None:
    add(server, program, "--agent")
    typing = Typing(program, "host", "set-up-key", "spark")
    try:
        typing.answer("Password of sparkuser", PASSWORD)
        assert typing.ended() == 0, typing.shown
        assert "keyring" not in typing.shown
    finally:
        typing.close()
    assert program.ok("status")


def test_a_wrong_password_leaves_nothing_behind(server: Sshd, program: Program) -> None:
    add(server, program, "--agent")
    done = run(program, "host", "set-up-key", "spark", "--password-stdin", "--json", stdin="wrong\n")
    assert done.returncode == 4 and error_of(done)["code"] in {"login-refused", "login-cancelled"}
    assert list((program.config / "keys").iterdir()) == []
    assert program.json("host", "list")["hosts"][0]["login"] == "agent"


def test_a_host_that_reads_other_lists_is_told(rig: Rig, home: None, program: Program) -> None:
    server = rig.sshd({"PasswordAuthentication": "yes"})
    add(server, program, "--agent")
    done = run(program, "host", "set-up-key", "spark", "--password-stdin", "--json", stdin=f"{PASSWORD}\n")
    assert done.returncode == 4, done.stderr
    assert error_of(done)["code"] == "key-not-accepted"
    assert list((program.config / "keys").iterdir()) == []


def test_a_second_attempt_that_fails_leaves_the_first_key_as_it_is(server: Sshd, program: Program) -> None:
    add(server, program, "--agent")
    done = run(program, "host", "set-up-key", "spark", "--password-stdin", stdin=f"{PASSWORD}\n")
    assert done.returncode == 0, done.stderr
    before = {path: path.read_bytes() for path in (program.config / "keys").iterdir()}
    again = run(program, "host", "set-up-key", "spark", "--password-stdin", stdin="wrong\n")
    assert again.returncode == 4
    assert {path: path.read_bytes() for path in (program.config / "keys").iterdir()} == before
    assert "No model is running on spark." in program.ok("status")
