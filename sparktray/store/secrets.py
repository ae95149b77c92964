"""Passwords, passphrases and keys in the keyring of this computer's system, and nowhere else.

Which keyring is decided here by the platform. The library's own choice is never asked: its
`PYTHON_KEYRING_BACKEND`, `keyringrc.cfg` and `KEYRING_PROPERTY_*` can put a null or plain-text store in its
place, and the file can have code of anybody's run (keyring 25.7 core.py, backend.py).
"""

from __future__ import annotations

import hashlib
import os
import sys
import threading
from collections.abc import Callable
from contextlib import closing
from enum import StrEnum
from typing import TYPE_CHECKING, ClassVar, TypeVar

import msgspec

from sparktray.domain.phrase import Phrase, phrase
from sparktray.domain.problem import Problem
from sparktray.domain.secret import Secret
from sparktray.store.paths import ConfigFolder
from sparktray.store.secrets_errors import (
    KeyringUnavailable,
    locked,
    missing,
    problem_of,
    refused,
    silent,
    too_long,
    unstorable,
)

if TYPE_CHECKING:
    from keyring.backend import KeyringBackend

T = TypeVar("T")

# A Secret Service that is well writes and reads back in 34 ms; one that is not may never answer.
ANSWER_SECONDS = 10.0
# A person looks for the window that asks, and types a password.
PERSON_SECONDS = 120.0
# Windows: CRED_MAX_CREDENTIAL_BLOB_SIZE is 2560 bytes of UTF-16 (wincred.h; keyring issue 355). The limit
# holds everywhere, so that what can be stored does not depend on the computer.
MOST_UNITS = 1280


class SecretKind(StrEnum):
    """What a host profile may have in the keyring."""

    PASSWORD = "password"  # noqa: S105  the name of a kind
    PASSPHRASE = "passphrase"  # noqa: S105  the same


class Secrets:
    """The secrets of one config folder. One instance a process; any thread but the main one.

    Every call waits at most ``answer_seconds``, and up to ``person_seconds`` more when a person has to
    unlock the keyring; ``asking`` is then told so, on a thread of its own. One call is under way at a time.
    After one that got no answer all others are refused at once, until it has ended after all.
    All methods raise `KeyringUnavailable`. The bare text is only ever on the call's own thread, whose
    errors end there, so that no traceback holds it.
    """

    def __init__(
        self,
        folder: ConfigFolder,
        *,
        asking: Callable[[Phrase], None] | None = None,
        answer_seconds: float = ANSWER_SECONDS,
        person_seconds: float = PERSON_SECONDS,
        platform: str = sys.platform,
    ) -> None:
        self._folder = folder
        self._asking = asking
        self._platform = platform
        self._line = _Line(answer_seconds, person_seconds)

    def get(self, host: str, kind: SecretKind) -> Secret | None:
        """What is stored for a host profile, None when nothing is."""
        name = self._name("host", host)
        return self._line.call(lambda call: _secret(_kinds(self._open(call, name).read()).get(kind)))

    def set(self, host: str, kind: SecretKind, secret: Secret) -> None:
        """Store it in place of what was there; the host's other kind stays. Read back before it returns."""
        name = self._name("host", host)

        def work(call: _Call) -> None:
            keyring = self._open(call, name, create=True)
            kinds = {**_kinds(keyring.read()), kind.value: _storable(secret)}
            keyring.write(msgspec.json.encode(kinds).decode())

        self._line.call(work)

    def forget(self, host: str) -> None:
        """Delete all of a host profile; fine when there is nothing."""
        name = self._name("host", host)
        self._line.call(lambda call: self._open(call, name).remove())

    def named(self, name: str) -> Secret | None:
        """The value that the catalogue calls ``{"secret": name}``, None when it is not stored."""
        item = self._name("named", name)
        return self._line.call(lambda call: _secret(self._open(call, item).read()))

    def set_named(self, name: str, secret: Secret) -> None:
        """Store a value for the catalogue. Read back before it returns."""
        item = self._name("named", name)
        self._line.call(lambda call: self._open(call, item, create=True).write(_storable(secret)))

    def forget_named(self, name: str) -> None:
        """Delete a value of the catalogue; fine when there is none."""
        item = self._name("named", name)
        self._line.call(lambda call: self._open(call, item).remove())

    def _name(self, what: str, name: str) -> str:
        """The item's name: of this config folder alone, and with no twin that differs in case only.

        Windows takes names that differ in case for one.
        """
        folder = os.path.normcase(os.path.realpath(self._folder.path))
        exact = name if name == name.lower() else f"{name}~{_digest(name)[:8]}"
        return f"sparktray-{_digest(folder)[:16]}/{what}/{exact}"

    def _open(self, call: _Call, name: str, *, create: bool = False) -> _Item:
        if self._folder.passing:
            return _Item(_Memory(), call, name, there=True, afresh=False)
        there = True
        match self._platform:
            case "win32":
                pass  # the vault is open as long as the person is logged in
            case "darwin":
                # The system asks by itself, and cannot be seen doing so.
                call.wait_for_person(None)
            case _:
                there = _opened(lambda: call.wait_for_person(self._asking), create=create)
        afresh = self._platform == "win32"
        return _Item(_pinned_keyring(self._platform), call, name, there=there, afresh=afresh)


class _Item:
    """One item of the keyring. On the thread of its call only."""

    def __init__(
        self, keyring: KeyringBackend | _Memory, call: _Call, name: str, *, there: bool, afresh: bool
    ) -> None:
        self._keyring = keyring
        # Windows: setting over a value first keeps the old one under a second name (keyring's Windows.py).
        self._afresh = afresh
        self._wanted = call.still_wanted
        # As service and as user: Windows keeps one item a service, and moves it when a second user comes.
        self._names = (name, name)
        self._there = there

    def read(self) -> str | None:
        return self._keyring.get_password(*self._names) if self._there else None

    def write(self, text: str) -> None:
        if len(text.encode("utf-16-le")) // 2 > MOST_UNITS:
            raise KeyringUnavailable(too_long(MOST_UNITS))
        self._wanted()
        if self._afresh:
            self.remove()
        self._keyring.set_password(*self._names, text)
        if self.read() != text:
            raise KeyringUnavailable(refused("read back: something else"))

    def remove(self) -> None:
        if self.read() is None:
            return
        self._wanted()
        self._keyring.delete_password(*self._names)
        if self.read() is not None:
            raise KeyringUnavailable(refused("deleted: still there"))


class _Memory:
    """Instead of a keyring for a folder that is thrown away: forgotten at the end of the program."""

    _kept: ClassVar[dict[str, str]] = {}

    def get_password(self, service: str, _user: str) -> str | None:
        return self._kept.get(service)

    def set_password(self, service: str, _user: str, text: str) -> None:
        self._kept[service] = text

    def delete_password(self, service: str, _user: str) -> None:
        del self._kept[service]


def _pinned_keyring(platform: str) -> KeyringBackend:
    """The one keyring of a platform (``sys.platform``): Windows' vault, the Keychain, the Secret Service.

    KDE's wallet serves the Secret Service too. Imports keyring, so not on the main thread.
    """
    chosen: type[KeyringBackend]
    match platform:
        case "win32":
            from keyring.backends import Windows

            chosen = Windows.WinVaultKeyring
        case "darwin":
            from keyring.backends import macOS

            chosen = macOS.Keyring
        case _:
            from keyring.backends import SecretService

            chosen = SecretService.Keyring
    # Not by its __init__: all that does is to let KEYRING_PROPERTY_* replace any attribute.
    made = chosen.__new__(chosen)
    if platform == "darwin":
        vars(made)["keychain"] = None  # else KEYCHAIN_PATH, only to warn that it is of no effect
    return made


def _opened(asking: Callable[[], None], *, create: bool) -> bool:
    """Unlock the default collection of the Secret Service; False when there is none to read from.

    Done before keyring does it, which neither tells that it waits for a person nor can be stopped then
    from writing what nobody waits for any more.
    """
    import secretstorage  # what keyring itself speaks to the Secret Service with

    with closing(secretstorage.dbus_init()) as bus:
        if not secretstorage.check_service_availability(bus):
            raise KeyringUnavailable(missing("no org.freedesktop.secrets"))
        try:
            collection = secretstorage.Collection(bus)
        except secretstorage.ItemNotFoundException:
            if not create:
                return False
            asking()
            collection = secretstorage.create_collection(bus, "Default", "default")
        if collection.is_locked():
            asking()
            collection.unlock()
            if collection.is_locked():
                raise KeyringUnavailable(locked("dismissed"))
    return True


class _Call:
    """Something asked of the keyring, on a daemon thread of its own: it may hang and hold nothing up."""

    def __init__(self, changed: threading.Condition, work: Callable[[_Call], None]) -> None:
        self._changed = changed
        self._work = work
        self.ended = False
        self.person = False
        self.problem: Problem | None = None
        # What the caller was told when it stopped waiting.
        self.given_up: Problem | None = None

    def start(self) -> None:
        threading.Thread(target=self._run, name="sparktray-keyring", daemon=True).start()

    def _run(self) -> None:
        try:
            self._work(self)
        except KeyringUnavailable as error:
            self.problem = error.problem
        except Exception as error:  # errors of D-Bus and of Windows come through keyring as they are
            self.problem = problem_of(error)
        finally:
            with self._changed:
                self.ended = True
                self._changed.notify_all()

    def wait_for_person(self, asking: Callable[[Phrase], None] | None) -> None:
        """The keyring may wait for a person from now on. On the call's thread."""
        with self._changed:
            self.person = True
            self._changed.notify_all()
        if asking is not None:
            asking(phrase("The keyring waits for you: answer the question on this computer's screen."))

    def still_wanted(self) -> None:
        """Before a change: it is not made when the caller was told meanwhile that it was not."""
        with self._changed:
            if self.given_up is not None:
                raise KeyringUnavailable(self.given_up)


class _Line:
    """One call at a time, each with a deadline."""

    def __init__(self, answer_seconds: float, person_seconds: float) -> None:
        self._answer = answer_seconds
        self._person = person_seconds
        self._changed = threading.Condition()
        self._under_way: _Call | None = None

    def call(self, work: Callable[[_Call], T]) -> T:
        values: list[T] = []
        with self._changed:
            self._in_time(lambda: self._free() or self._given_up() is not None)
            if not self._free():
                raise KeyringUnavailable(self._given_up() or silent("another call is under way"))
            call = _Call(self._changed, lambda call: values.append(work(call)))
            call.start()
            self._under_way = call
            if not self._in_time(lambda: call.ended):
                call.given_up = locked("nobody answered") if call.person else silent("no answer")
                raise KeyringUnavailable(call.given_up)
        if call.problem is not None:
            raise KeyringUnavailable(call.problem)
        return values[0]

    def _in_time(self, over: Callable[[], bool]) -> bool:
        """Whether it is over in time: there is more of it once a person is being waited for."""
        self._changed.wait_for(lambda: over() or self._for_person(), self._answer)
        if not over() and self._for_person():
            self._changed.wait_for(over, self._person)
        return over()

    def _free(self) -> bool:
        return self._under_way is None or self._under_way.ended

    def _given_up(self) -> Problem | None:
        return None if self._under_way is None else self._under_way.given_up

    def _for_person(self) -> bool:
        return self._under_way is not None and self._under_way.person


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()


def _kinds(text: str | None) -> dict[str, str]:
    """The kinds in a host's item; none in one that somebody else wrote, which setting one replaces."""
    try:
        return msgspec.json.decode(text or "{}", type=dict[str, str])
    except msgspec.DecodeError:
        return {}


def _secret(text: str | None) -> Secret | None:
    return None if text is None else Secret(text)


def _storable(secret: Secret) -> str:
    """The text, when it can be stored: bytes of a terminal that are no characters cannot."""
    text = secret.reveal()
    if any("\ud800" <= character <= "\udfff" for character in text):
        raise KeyringUnavailable(unstorable())
    return text
