"""Where a secret comes from, and where it goes when it was right."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import cast

import pytest
from msgspec.structs import replace

from sparktray.control.login.credentials import HostCredentials, LoginQuestion, Unkept, Vault, question_of
from sparktray.domain.host import HostProfile, Login
from sparktray.domain.problem import Problem
from sparktray.domain.secret import Secret
from sparktray.remote.contract import SshTarget, Wanted, WantedKind
from sparktray.remote.errors import LoginCancelled, SecretMissing
from sparktray.store.secrets import SecretKind, Secrets
from sparktray.store.secrets_errors import KeyringUnavailable, locked
from tests.canary import CANARY

HOST = HostProfile("spark", "10.0.0.5", user="me", key_file="/k")
TARGET = SshTarget("10.0.0.5", 22, "me", "/k")
PASSWORD = Wanted(WantedKind.PASSWORD, TARGET)
AGAIN = Wanted(WantedKind.PASSWORD, TARGET, refused=True)
PASSPHRASE = Wanted(WantedKind.PASSPHRASE, TARGET)
ANSWER = Wanted(WantedKind.ANSWER, TARGET, "Code: ")


@dataclass
class Keyring:
    """A keyring in memory, or one that cannot be used. The real ones are tested on the rig."""

    held: dict[tuple[str, str], str] = field(default_factory=dict)
    usable: bool = True
    forgotten: list[str] = field(default_factory=list)

    def get(self, host: str, kind: SecretKind) -> Secret | None:
        self._check()
        text = self.held.get((host, kind))
        return None if text is None else Secret(text)

    def set(self, host: str, kind: SecretKind, secret: Secret) -> None:
        self._check()
        self.held[host, kind] = secret.reveal()

    def forget(self, host: str) -> None:
        self._check()
        self.forgotten.append(host)

    def _check(self) -> None:
        if not self.usable:
            raise KeyringUnavailable(locked("test"))


@dataclass
class Person:
    """Somebody who answers in order; nothing left is a no."""

    answers: list[str]
    keep: bool = True
    asked: list[LoginQuestion] = field(default_factory=list)

    def ask(self, question: LoginQuestion) -> Secret | None:
        self.asked.append(question)
        return Secret(self.answers.pop(0)) if self.answers else None

    def keeps(self) -> bool:
        return self.keep


def vault(keyring: Keyring) -> Vault:
    return Vault(cast(Secrets, keyring))


def test_the_keyring_comes_before_the_person() -> None:
    person = Person([CANARY])
    credentials = HostCredentials(HOST, vault(Keyring({("spark", "password"): f"{CANARY} kept"})), person)
    assert credentials.secret(PASSWORD).reveal() == f"{CANARY} kept"
    assert person.asked == []


def test_what_was_refused_is_not_taken_from_there_again() -> None:
    keyring, person = Keyring({("spark", "password"): f"{CANARY} old"}), Person([CANARY])
    credentials = HostCredentials(HOST, vault(keyring), person)
    credentials.secret(PASSWORD)
    assert credentials.secret(AGAIN).reveal() == CANARY
    credentials.accepted(AGAIN)
    assert keyring.held == {("spark", "password"): CANARY}


@pytest.mark.parametrize("keep", [True, False])
def test_a_right_answer_is_known_from_then_on_and_kept_if_wanted(keep: bool) -> None:
    keyring = Keyring()
    of_all = vault(keyring)
    first = HostCredentials(HOST, of_all, Person([CANARY], keep))
    first.secret(PASSPHRASE)
    first.accepted(PASSPHRASE)
    assert keyring.held == ({("spark", "passphrase"): CANARY} if keep else {})
    assert HostCredentials(HOST, of_all, None).secret(PASSPHRASE).reveal() == CANARY


def test_an_answer_that_was_not_right_is_not_remembered() -> None:
    of_all = vault(Keyring())
    HostCredentials(HOST, of_all, Person([CANARY])).secret(PASSWORD)
    with pytest.raises(SecretMissing):
        HostCredentials(HOST, of_all, None).secret(PASSWORD)


def test_another_host_behind_the_name_gets_nothing_from_memory() -> None:
    of_all = vault(Keyring())
    first = HostCredentials(HOST, of_all, Person([CANARY], keep=False))
    first.secret(PASSWORD)
    first.accepted(PASSWORD)
    with pytest.raises(SecretMissing):
        HostCredentials(HostProfile("spark", "10.0.0.6"), of_all, None).secret(PASSWORD)


def test_a_keyring_that_cannot_be_used_is_told_once_and_the_person_asked() -> None:
    told: list[Problem] = []
    of_all = vault(Keyring(usable=False))
    of_all.told = told.append
    person = Person([CANARY, CANARY])
    for wanted in (PASSWORD, PASSPHRASE):
        credentials = HostCredentials(HOST, of_all, person)
        credentials.secret(wanted)
        credentials.accepted(wanted)
    assert [problem.code for problem in told] == ["keyring-locked"]
    with pytest.raises(SecretMissing) as caught:
        HostCredentials(HostProfile("other", "x"), of_all, None).secret(PASSWORD)
    assert caught.value.details == {"kind": "password", "reason": "keyring-locked"}


def test_a_question_of_the_host_always_goes_to_the_person_and_is_kept_nowhere() -> None:
    keyring, person = Keyring(), Person([f"{CANARY} 1", f"{CANARY} 2"])
    credentials = HostCredentials(HOST, vault(keyring), person)
    assert credentials.secret(ANSWER).reveal() == f"{CANARY} 1"
    credentials.accepted(ANSWER)
    assert credentials.secret(ANSWER).reveal() == f"{CANARY} 2"
    assert keyring.held == {}


def test_a_no() -> None:
    with pytest.raises(LoginCancelled):
        HostCredentials(HOST, vault(Keyring()), Person([])).secret(PASSWORD)


def test_refused_and_nobody_to_ask() -> None:
    with pytest.raises(SecretMissing) as caught:
        HostCredentials(HOST, vault(Keyring()), None).secret(AGAIN)
    assert caught.value.details["reason"] == "refused"


@pytest.mark.parametrize("wanted", [PASSWORD, AGAIN, PASSPHRASE, ANSWER])
def test_every_question_says_what_it_wants(wanted: Wanted) -> None:
    question = question_of(wanted)
    assert question.what.msgid
    assert question.prompt == ("Code:" if wanted is ANSWER else "")


def test_the_words_of_a_host_are_cleaned() -> None:
    hostile = Wanted(WantedKind.ANSWER, TARGET, "\x1b[2JPass\u202eword\n: ", "Read\x07 this", echo=True)
    question = question_of(hostile)
    assert question.echo
    assert question.prompt.isprintable()
    assert question.prompt.startswith("Read this")


def test_a_secret_never_shows() -> None:
    assert CANARY not in f"{Secret(CANARY)} {Secret(CANARY)!r} {[Secret(CANARY)]}"


def test_where_nothing_can_be_kept_that_is_said_and_not_offered() -> None:
    person = Person([CANARY, CANARY])
    HostCredentials(HOST, vault(Keyring(usable=False)), person).secret(PASSWORD)
    assert not person.asked[0].may_keep and person.asked[0].note is not None
    HostCredentials(HOST, vault(Keyring()), person).secret(PASSWORD)
    assert person.asked[1].may_keep and person.asked[1].note is None


def test_what_is_used_once_is_never_offered_to_be_kept() -> None:
    person, keyring = Person([CANARY]), Keyring()
    credentials = HostCredentials(HOST, vault(keyring), Unkept(person))
    credentials.secret(PASSWORD)
    credentials.accepted(PASSWORD)
    assert not person.asked[0].may_keep and keyring.held == {}


@pytest.mark.parametrize("login", list(Login))
def test_a_host_that_is_forgotten_leaves_nothing(login: Login) -> None:
    """The keyring is asked only for a host that may have put something into it."""
    host = replace(HOST, login=login)
    keyring = Keyring({("spark", "password"): CANARY})
    of_all = vault(keyring)
    of_all.given[host, WantedKind.PASSWORD] = Secret(CANARY)
    of_all.forget(host)
    assert of_all.given == {}
    assert keyring.forgotten == (["spark"] if login is Login.PASSWORD else [])
