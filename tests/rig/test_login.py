"""Who we are to the host: one key, the agent's key, a password, answers to its own questions."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from sparktray.domain.host import Login
from sparktray.domain.secret import Secret
from sparktray.remote.contract import SshTarget, Wanted, WantedKind
from sparktray.remote.errors import (
    AgentUnusable,
    KeyFileUnusable,
    LoginCancelled,
    LoginRefused,
    RemoteError,
    SecretMissing,
)
from sparktray.remote.host import open_host
from sparktray.remote.ssh.fingerprint import fingerprint_of_line
from tests.canary import CANARY
from tests.rig import namespace
from tests.rig.agent import Agent, agent
from tests.rig.people import PASSWORD
from tests.rig.remote_hosts import target_of
from tests.rig.rig import Rig
from tests.rig.sshd import KEYS, Sshd, make_key
from tests.waiting import scaled

WITH_PASSWORD = {"PasswordAuthentication": "yes", "LogLevel": "DEBUG2"}
PASSPHRASE = f"{CANARY} of the key"


@dataclass
class Somebody:
    """Gives what it was told to give, in order, and knows what it was asked."""

    answers: list[str]
    asked: list[Wanted] = field(default_factory=list)
    right: list[WantedKind] = field(default_factory=list)

    def secret(self, wanted: Wanted) -> Secret:
        self.asked.append(wanted)
        if not self.answers:
            raise LoginCancelled(kind=wanted.kind)
        return Secret(self.answers.pop(0))

    def accepted(self, wanted: Wanted) -> None:
        self.right.append(wanted.kind)


def enters(target: SshTarget, somebody: Somebody | None = None) -> None:
    host = open_host(target, credentials=somebody)
    assert host.run(["id", "-un"], deadline=10).stdout == b"sparkuser\n"
    host.close()


def refusal(target: SshTarget, somebody: Somebody | None = None) -> RemoteError:
    with pytest.raises(RemoteError) as caught:
        open_host(target, credentials=somebody)
    assert CANARY not in repr(caught.value) + str(caught.value.__cause__) + str(caught.value.__context__)
    return caught.value


def accepted(key: Path) -> None:
    """The host lets this key in too."""
    line = key.with_suffix(".pub").read_text(encoding="utf-8")
    with (KEYS / "authorized" / "sparkuser").open("a", encoding="utf-8") as file:
        file.write(line)


def by(server: Sshd, login: Login, **changes: Any) -> SshTarget:
    return replace(target_of(server), login=login, **{"key_file": None, **changes})


def offers(server: Sshd) -> int:
    """How many keys sshd was asked about."""
    return server.log().count("service ssh-connection method publickey")


# A key file


def test_an_encrypted_key_is_opened_with_its_passphrase(rig: Rig, tmp_path: Path) -> None:
    server = rig.sshd({"LogLevel": "DEBUG2"})
    key = make_key(tmp_path / "locked", passphrase=PASSPHRASE)
    accepted(key)
    somebody = Somebody([f"{CANARY} no", PASSPHRASE])
    enters(replace(target_of(server), key_file=str(key)), somebody)
    assert [(each.kind, each.refused) for each in somebody.asked] == [
        (WantedKind.PASSPHRASE, False),
        (WantedKind.PASSPHRASE, True),
    ]
    assert somebody.right == [WantedKind.PASSPHRASE]
    assert offers(server) == 1


@pytest.mark.fault("S18")
def test_a_passphrase_that_stays_wrong_or_is_not_given(rig: Rig, tmp_path: Path) -> None:
    server = rig.sshd({"LogLevel": "DEBUG2"})
    key = make_key(tmp_path / "locked", passphrase=PASSPHRASE)
    target = replace(target_of(server), key_file=str(key))
    error = refusal(target, Somebody([CANARY] * 9))
    assert isinstance(error, KeyFileUnusable)
    assert error.details["reason"] == "passphrase"
    assert isinstance(refusal(target, Somebody([])), LoginCancelled)
    assert isinstance(refusal(target), SecretMissing)
    assert "userauth-request" not in server.log()


def test_nobody_is_asked_for_a_passphrase_before_the_host_is_proven(rig: Rig, tmp_path: Path) -> None:
    key = make_key(tmp_path / "locked", passphrase=PASSPHRASE)
    somebody = Somebody([PASSPHRASE])
    refusal(replace(target_of(rig.server), key_file=str(key), fingerprint=None), somebody)
    assert somebody.asked == []


# The agent


@pytest.fixture
def agent_here(tmp_path: Path) -> Iterator[Agent]:
    with agent(tmp_path) as made:
        yield made


def fingerprint(key: Path) -> str:
    found = fingerprint_of_line(key.with_suffix(".pub").read_text(encoding="utf-8"))
    assert found is not None
    return found


@pytest.mark.parametrize("chosen", ["fingerprint", "private half", "public half"])
@pytest.mark.fault("S17")
def test_of_eight_keys_the_agent_offers_only_the_one_that_is_set_up(
    rig: Rig, tmp_path: Path, agent_here: Agent, chosen: str
) -> None:
    server = rig.sshd({"MaxAuthTries": "2", "LogLevel": "DEBUG2"})
    keys = [make_key(tmp_path / f"key{number}") for number in range(8)]
    agent_here.add(*keys)
    accepted(keys[5])
    match chosen:
        case "fingerprint":
            target = by(server, Login.AGENT, agent_key=fingerprint(keys[5]))
        case "private half":
            target = by(server, Login.AGENT, key_file=str(keys[5]))
        case _:
            target = by(server, Login.AGENT, key_file=f"{keys[5]}.pub")
    enters(target)
    assert offers(server) == 1
    error = refusal(by(server, Login.AGENT))
    assert isinstance(error, AgentUnusable)
    assert error.details["reason"] == "several"
    assert fingerprint(keys[0]) in error.details["keys"]


def test_a_key_of_the_agent_named_from_the_home_folder(
    rig: Rig, tmp_path: Path, agent_here: Agent, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = [make_key(tmp_path / f"key{number}") for number in range(2)]
    agent_here.add(*keys)
    accepted(keys[1])
    keys[1].unlink()
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("~/key1", "~/key1.pub"):
        enters(by(rig.server, Login.AGENT, key_file=name))


@pytest.mark.parametrize("kind", ["ed25519", "ecdsa", "rsa"])
def test_the_only_key_of_the_agent_needs_no_name(
    rig: Rig, tmp_path: Path, agent_here: Agent, kind: str
) -> None:
    key = make_key(tmp_path / "key", kind)
    accepted(key)
    agent_here.add(key)
    enters(by(rig.server, Login.AGENT))


@pytest.mark.fault("S18")
def test_what_an_agent_cannot_do(rig: Rig, tmp_path: Path, agent_here: Agent, monkeypatch: Monkey) -> None:
    def reason(**changes: object) -> str:
        error = refusal(by(rig.server, Login.AGENT, **changes))
        assert isinstance(error, AgentUnusable)
        return error.details["reason"]

    assert reason() == "empty"
    key = make_key(tmp_path / "key")
    agent_here.add(key)
    assert reason(agent_key="SHA256:" + "A" * 43) == "key-missing"
    agent_here.lock(CANARY)
    assert reason() == "empty"
    agent_here.hang()
    began = time.monotonic()
    assert reason() == "silent"
    assert time.monotonic() - began < scaled(8)
    monkeypatch.setenv("SSH_AUTH_SOCK", str(tmp_path / "nowhere"))
    assert reason() == "not-running"
    monkeypatch.delenv("SSH_AUTH_SOCK")
    assert reason() == "not-running"


Monkey = pytest.MonkeyPatch


# A password


def test_a_password(rig: Rig) -> None:
    server = rig.sshd(WITH_PASSWORD)
    somebody = Somebody([PASSWORD])
    enters(by(server, Login.PASSWORD), somebody)
    assert somebody.right == [WantedKind.PASSWORD]
    assert offers(server) == 0


def test_a_wrong_password_is_asked_again_and_never_sent_twice(rig: Rig) -> None:
    server = rig.sshd(WITH_PASSWORD)
    somebody = Somebody([f"{CANARY} no", PASSWORD])
    enters(by(server, Login.PASSWORD), somebody)
    assert [each.refused for each in somebody.asked] == [False, True]
    before = server.log().count("service ssh-connection method password")
    assert isinstance(refusal(by(server, Login.PASSWORD), Somebody([CANARY] * 5)), LoginRefused)
    assert server.log().count("service ssh-connection method password") == before + 1
    refusal(by(server, Login.PASSWORD), Somebody([f"{CANARY} {n}" for n in range(9)]))
    assert server.log().count("service ssh-connection method password") == before + 4


def test_nobody_to_ask_for_the_password(rig: Rig) -> None:
    server = rig.sshd(WITH_PASSWORD)
    assert isinstance(refusal(by(server, Login.PASSWORD)), SecretMissing)
    assert isinstance(refusal(by(server, Login.PASSWORD), Somebody([])), LoginCancelled)
    assert "method password" not in server.log()


def test_a_key_and_then_the_password(rig: Rig) -> None:
    server = rig.sshd({**WITH_PASSWORD, "AuthenticationMethods": "publickey,password"})
    somebody = Somebody([PASSWORD])
    enters(target_of(server), somebody)
    assert [each.kind for each in somebody.asked] == [WantedKind.PASSWORD]


# The host's own questions, by a real PAM

BY_PAM = {"UsePAM": "yes", "KbdInteractiveAuthentication": "yes", "LogLevel": "DEBUG2"}


def test_a_question_for_the_password_is_answered_with_it(rig: Rig) -> None:
    server = rig.sshd(BY_PAM)
    somebody = Somebody([PASSWORD])
    enters(by(server, Login.PASSWORD), somebody)
    assert [each.kind for each in somebody.asked] == [WantedKind.PASSWORD]


@pytest.mark.fault("S8")
def test_after_a_key_every_question_goes_to_the_person(rig: Rig) -> None:
    server = rig.sshd({**BY_PAM, "AuthenticationMethods": "publickey,keyboard-interactive"})
    somebody = Somebody([PASSWORD])
    enters(target_of(server), somebody)
    (asked,) = somebody.asked
    assert (asked.kind, asked.prompt, asked.echo) == (WantedKind.ANSWER, "Password: ", False)


@pytest.mark.fault("S8")
def test_an_expired_password_is_never_changed_by_itself(rig: Rig) -> None:
    server = rig.sshd(BY_PAM)
    shadow = namespace.RUN / "files" / "shadow"
    before = shadow.read_text(encoding="utf-8")
    shadow.write_text(before.replace(":20000:", ":0:"), encoding="utf-8")
    somebody = Somebody([PASSWORD])
    try:
        assert isinstance(refusal(by(server, Login.PASSWORD), somebody), LoginCancelled)
    finally:
        shadow.write_text(before, encoding="utf-8")
    assert [each.kind for each in somebody.asked] == [WantedKind.PASSWORD, WantedKind.ANSWER]
    assert "password" in somebody.asked[1].prompt.lower()
