"""Where the secrets of a login come from: what was given before, the keyring, a person; in that order."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol, assert_never

import msgspec
from msgspec.structs import replace

from sparktray.domain.host import HostProfile, Login
from sparktray.domain.phrase import Phrase, phrase
from sparktray.domain.problem import Problem
from sparktray.domain.secret import Secret
from sparktray.domain.text import clean_line, clean_name
from sparktray.remote.contract import Wanted, WantedKind
from sparktray.remote.errors import KeyFileUnusable, LoginCancelled, SecretMissing
from sparktray.remote.ssh.keyfile import check_key_file
from sparktray.store.secrets import SecretKind, Secrets
from sparktray.store.secrets_errors import KeyringUnavailable


class LoginQuestion(msgspec.Struct, frozen=True):
    """What a person is asked for. ``prompt`` are the host's own words, cleaned; "" where ours say it all.

    ``echo``: it may be seen while it is typed. ``may_keep``: the keyring may be offered for it. ``note`` is
    something more to know.
    """

    what: Phrase
    prompt: str
    echo: bool
    may_keep: bool = True
    note: Phrase | None = None


class AsksForSecrets(Protocol):
    """A person who can be asked. Called on the connecting thread, which waits as long as the person does."""

    def ask(self, question: LoginQuestion) -> Secret | None:
        """The answer, None when the person does not want to log in."""
        ...

    def keeps(self) -> bool:
        """Whether the last answer, which was right, shall be kept in the keyring."""
        ...


class Unkept:
    """A person whose answers are used once and never kept."""

    def __init__(self, person: AsksForSecrets) -> None:
        self._person = person

    def ask(self, question: LoginQuestion) -> Secret | None:
        """See `AsksForSecrets`."""
        return self._person.ask(replace(question, may_keep=False))

    def keeps(self) -> bool:
        """See `AsksForSecrets`."""
        return False


@dataclass
class Vault:
    """The secrets of one program: its keyring, and what persons gave since it began.

    The latter is forgotten when the program ends; without it a laptop that roams would ask at each
    connection where there is no keyring. ``told`` is called with each problem of the keyring once.
    """

    keyring: Secrets
    told: Callable[[Problem], None] = lambda problem: None
    given: dict[tuple[HostProfile, WantedKind], Secret] = field(default_factory=dict)
    said: set[str] = field(default_factory=set)

    def forget(self, host: HostProfile) -> None:
        """Nothing is kept for this host any more. Blocks; raises `KeyringUnavailable`.

        The keyring is not asked, and unlocked, for hosts that never put anything into it.
        """
        for known in [each for each in self.given if each[0].name == host.name]:
            del self.given[known]
        if _may_have_secrets(host):
            self.keyring.forget(host.name)

    def unusable(self, problem: Problem) -> None:
        """The keyring cannot be used; said once, since nothing is different the next time."""
        if problem.code not in self.said:
            self.said.add(problem.code)
            self.told(problem)


class HostCredentials:
    """`Credentials` for the logins of one host. On the connecting thread; one login at a time."""

    def __init__(self, host: HostProfile, vault: Vault, person: AsksForSecrets | None) -> None:
        self._host = host
        self._vault = vault
        self._person = person
        self._latest: Secret | None = None
        self._reason = ""

    def secret(self, wanted: Wanted) -> Secret:
        """See `Credentials.secret`. What was refused once is not taken from the same place again."""
        kind = _kind(wanted.kind)
        found = None if kind is None or wanted.refused else self._known(wanted.kind, kind)
        if found is not None:
            return found
        return self._asked(wanted)

    def accepted(self, wanted: Wanted) -> None:
        """See `Credentials.accepted`. Keeps it where the person wants it kept."""
        given, self._latest = self._latest, None
        kind = _kind(wanted.kind)
        if given is None or kind is None:
            return
        self._vault.given[self._host, wanted.kind] = given
        if self._person is not None and not self._vault.said and self._person.keeps():
            try:
                self._vault.keyring.set(self._host.name, kind, given)
            except KeyringUnavailable as error:
                self._vault.unusable(error.problem)

    def _known(self, wanted: WantedKind, kind: SecretKind) -> Secret | None:
        given = self._vault.given.get((self._host, wanted))
        if given is not None:
            return given
        try:
            return self._vault.keyring.get(self._host.name, kind)
        except KeyringUnavailable as error:
            self._reason = error.problem.code
            self._vault.unusable(error.problem)
            return None

    def _asked(self, wanted: Wanted) -> Secret:
        if self._person is None:
            reason = "refused" if wanted.refused else self._reason
            raise SecretMissing(kind=wanted.kind, reason=reason)
        question = question_of(wanted)
        if self._vault.said and question.may_keep:
            note = phrase("The keyring cannot be used, so you are asked each time the program starts.")
            question = replace(question, may_keep=False, note=note)
        self._latest = self._person.ask(question)
        if self._latest is None:
            raise LoginCancelled(kind=wanted.kind)
        return self._latest


def question_of(wanted: Wanted) -> LoginQuestion:
    """What to ask a person; the words of the host are cleaned, since it may send anything."""
    who = {"user": clean_name(wanted.target.user), "address": clean_name(wanted.target.address)}
    prompt = ""
    match wanted.kind:
        case WantedKind.PASSWORD:
            what = phrase("Password of {user} on {address}", **who)
            if wanted.refused:
                what = phrase("That was not right. Password of {user} on {address}", **who)
        case WantedKind.PASSPHRASE:
            path = clean_line(wanted.target.key_file or "")
            what = phrase("Passphrase of the key {path}", path=path)
            if wanted.refused:
                what = phrase("That was not right. Passphrase of the key {path}", path=path)
        case WantedKind.ANSWER:
            what = phrase("{address} asks {user}", **who)
            prompt = clean_line(" ".join(text for text in (wanted.instruction, wanted.prompt) if text))
        case _:  # pragma: no cover
            assert_never(wanted.kind)
    return LoginQuestion(what, prompt, wanted.echo, may_keep=_kind(wanted.kind) is not None)


def _may_have_secrets(host: HostProfile) -> bool:
    if not host.by_ssh:
        return False
    match host.login:
        case Login.PASSWORD:
            return True
        case Login.AGENT:
            return False
        case Login.KEY:
            try:
                return check_key_file(host.key_file).encrypted
            except KeyFileUnusable:
                return False
        case _:  # pragma: no cover
            assert_never(host.login)


def _kind(wanted: WantedKind) -> SecretKind | None:
    match wanted:
        case WantedKind.PASSWORD:
            return SecretKind.PASSWORD
        case WantedKind.PASSPHRASE:
            return SecretKind.PASSPHRASE
        case WantedKind.ANSWER:
            return None
        case _:  # pragma: no cover
            assert_never(wanted)
