"""The system calls that the library makes to Windows' vault and to the Keychain, answered from a table."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import ClassVar


class WindowsError(Exception):
    """As pywintypes.error: number, name of the function, text."""

    def __init__(self, winerror: int, funcname: str, text: str) -> None:
        super().__init__(winerror, funcname, text)
        self.winerror, self.funcname = winerror, funcname


class WindowsVault:
    """The calls of win32cred that keyring makes, on a table; names are taken without regard to case."""

    CRED_TYPE_GENERIC, CRED_PERSIST_ENTERPRISE = 1, 3
    error: ClassVar[type[Exception]] = WindowsError

    def __init__(self) -> None:
        self.kept: dict[str, dict[str, object]] = {}
        self.answers = threading.Event()
        self.answers.set()
        self.entered = threading.Event()
        self.inside = 0
        self.most_inside = 0
        self.written: Callable[[str], str] = lambda blob: blob

    def CredRead(self, Type: int, TargetName: str) -> dict[str, object]:  # noqa: N802, N803
        self.inside += 1
        self.most_inside = max(self.most_inside, self.inside)
        self.entered.set()
        self.answers.wait()
        self.inside -= 1
        if TargetName.lower() not in self.kept:
            raise WindowsError(1168, "CredRead", "Element not found.")
        return self.kept[TargetName.lower()]

    def CredWrite(self, credential: dict[str, object], flags: int) -> None:  # noqa: N802
        blob = self.written(str(credential["CredentialBlob"])).encode("utf-16-le")
        if len(blob) > 2560:
            raise WindowsError(1783, "CredWrite", "The stub received bad data.")
        self.kept[str(credential["TargetName"]).lower()] = {**credential, "CredentialBlob": blob}

    def CredDelete(self, Type: int, TargetName: str) -> None:  # noqa: N802, N803
        del self.kept[TargetName.lower()]

    def holds(self, text: str) -> bool:
        """Whether any item has that in its value."""
        return any(text.encode("utf-16-le") in bytes(each["CredentialBlob"]) for each in self.kept.values())  # type: ignore[call-overload]


class Keychain:
    """The calls of keyring's macOS api, on a table; an answer waits for the person."""

    class Error(Exception):
        pass

    class NotFound(Error):
        pass

    class KeychainDenied(Error):
        pass

    def __init__(self) -> None:
        self.kept: dict[tuple[str, str], str] = {}
        self.person = threading.Event()
        self.person.set()
        self.denied = False

    def find_generic_password(self, keychain: None, service: str, user: str) -> str:
        self.person.wait()
        if self.denied:
            raise self.KeychainDenied(-128, "Keychain Access Denied")
        if (service, user) not in self.kept:
            raise self.NotFound(-25300, "Item not found")
        return self.kept[service, user]

    def set_generic_password(self, keychain: None, service: str, user: str, password: str) -> None:
        self.kept[service, user] = password

    def delete_generic_password(self, keychain: None, service: str, user: str) -> None:
        del self.kept[service, user]
