"""Secrets: which keyring is taken, what is shown of them, and a keyring that is late, full or at fault.

The vault of Windows and the Keychain are the library's own classes, on system calls made here; the Secret
Service is real, in tests/rig/test_secrets.py.
"""

import logging
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import msgspec
import pytest
from keyring.backends import Windows, macOS

from sparktray.domain.secret import Secret
from sparktray.store import secrets
from sparktray.store.paths import ConfigFolder
from sparktray.store.secrets import MOST_UNITS, SecretKind, Secrets
from sparktray.store.secrets_errors import KeyringUnavailable, unstorable
from tests.unit.store.keyrings import Keychain, WindowsError, WindowsVault
from tests.waiting import scaled, wait_until

CANARY = 'canary-7f"\\ü'
PASSWORD, PASSPHRASE = SecretKind.PASSWORD, SecretKind.PASSPHRASE


@pytest.fixture
def vault(monkeypatch: pytest.MonkeyPatch) -> Iterator[WindowsVault]:
    made = WindowsVault()
    monkeypatch.setattr(Windows, "win32cred", made, raising=False)
    monkeypatch.setattr(Windows, "pywintypes", made, raising=False)
    yield made
    made.answers.set()
    wait_until(lambda: not keyring_threads(), "calls to end")


def keyring_threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "sparktray-keyring"]


def windows(folder: Path, answer_seconds: float = 10.0) -> Secrets:
    return Secrets(ConfigFolder(folder), platform="win32", answer_seconds=scaled(answer_seconds))


def revealed(secret: Secret | None) -> str | None:
    return None if secret is None else secret.reveal()


def code_of(work: Callable[[], object]) -> str:
    with pytest.raises(KeyringUnavailable) as raised:
        work()
    return raised.value.problem.code


# What is shown of a secret


@dataclass(frozen=True, slots=True)
class Login:
    user: str
    secret: Secret


def test_a_secret_shows_as_stars_wherever_it_is_printed(caplog: pytest.LogCaptureFixture) -> None:
    secret = Secret(CANARY)
    login = Login("me", secret)
    logging.getLogger("x").error("%s %r %s", secret, secret, login)
    shown = [repr(secret), str(secret), f"{secret}", repr(login), repr(asdict(login)), caplog.text]
    for text in shown:
        assert "***" in text and "canary" not in text
    assert secret.reveal() == CANARY
    with pytest.raises(TypeError):
        msgspec.json.encode(login)


def test_an_error_holds_nothing_of_the_secret_whatever_the_keyring_says(
    vault: WindowsVault, tmp_path: Path
) -> None:
    def quoting(blob: str) -> str:
        raise WindowsError(87, "CredWrite", f"cannot write {blob}")

    vault.written = quoting
    kept = windows(tmp_path)
    changes: list[Callable[[], None]] = [
        lambda: kept.set("spark", PASSWORD, Secret(CANARY)),
        lambda: kept.set_named("vllm", Secret(CANARY)),
    ]
    for change in changes:
        with pytest.raises(KeyringUnavailable) as raised:
            change()
        problem = raised.value.problem
        assert problem.code == "keyring-refused" and problem.technical == "WindowsError 87"
        locals_too = traceback.TracebackException.from_exception(raised.value, capture_locals=True)
        # The frame of this test knows the canary by its module's name only.
        assert "canary" not in "".join(locals_too.format()) + repr(problem) + repr(raised.value.args)


def test_bytes_that_are_no_characters_are_refused_without_being_shown(
    vault: WindowsVault, tmp_path: Path
) -> None:
    broken = Secret("canary\udcff")
    with pytest.raises(KeyringUnavailable) as raised:
        windows(tmp_path).set("spark", PASSWORD, broken)
    assert raised.value.problem == unstorable()
    assert code_of(lambda: windows(tmp_path).set_named("vllm", broken)) == unstorable().code
    assert not vault.kept
    locals_too = traceback.TracebackException.from_exception(raised.value, capture_locals=True)
    assert "canary\\" not in "".join(locals_too.format())


# Which keyring


@pytest.mark.parametrize(
    ("platform", "chosen"),
    [
        ("win32", "keyring.backends.Windows.WinVaultKeyring"),
        ("darwin", "keyring.backends.macOS.Keyring"),
        ("linux", "keyring.backends.SecretService.Keyring"),
        ("freebsd14", "keyring.backends.SecretService.Keyring"),
    ],
)
def test_the_keyring_is_the_platforms_whatever_the_environment_says(
    platform: str, chosen: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.null.Keyring")
    for name in ("SCHEME", "PREFERRED_COLLECTION", "KEYCHAIN", "PERSIST", "GET_PASSWORD"):
        monkeypatch.setenv(f"KEYRING_PROPERTY_{name}", "/poison")
    made = secrets._pinned_keyring(platform)
    assert f"{type(made).__module__}.{type(made).__name__}" == chosen
    assert "/poison" not in vars(made).values()


def test_keyring_is_imported_only_when_something_is_asked_of_it() -> None:
    code = (
        "import sys, sparktray.store.secrets; sys.exit(bool({'keyring', 'secretstorage'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize("address", [None, "unix:path=/nowhere/bus", "nonsense"])
def test_without_a_session_bus_there_is_no_keyring(
    address: str | None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    if address is None:
        monkeypatch.delenv("DBUS_SESSION_BUS_ADDRESS", raising=False)
    else:
        monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", address)
    kept = Secrets(ConfigFolder(tmp_path), platform="linux")
    assert code_of(lambda: kept.get("spark", PASSWORD)) == "keyring-missing"
    assert code_of(lambda: kept.set_named("vllm", Secret(CANARY))) == "keyring-missing"


# Windows


def test_stored_changed_and_deleted_and_nothing_old_stays(vault: WindowsVault, tmp_path: Path) -> None:
    kept = windows(tmp_path)
    assert kept.get("spark", PASSWORD) is None
    kept.set("spark", PASSWORD, Secret(CANARY))
    kept.set("spark", PASSPHRASE, Secret(""))
    assert len(vault.kept) == 1
    assert revealed(kept.get("spark", PASSWORD)) == CANARY
    kept.set("spark", PASSWORD, Secret("changed"))
    assert revealed(windows(tmp_path).get("spark", PASSWORD)) == "changed"
    assert revealed(kept.get("spark", PASSPHRASE)) == ""
    assert vault.holds("changed") and not vault.holds("canary")
    kept.forget("spark")
    assert kept.get("spark", PASSWORD) is None and not vault.kept
    kept.forget("spark")


def test_named_secrets_are_items_of_their_own(vault: WindowsVault, tmp_path: Path) -> None:
    kept = windows(tmp_path)
    assert kept.named("vllm") is None
    kept.set_named("vllm", Secret("first"))
    kept.set_named("vllm", Secret(CANARY))
    kept.set("vllm", PASSWORD, Secret("of the host"))
    assert revealed(kept.named("vllm")) == CANARY and len(vault.kept) == 2
    assert not vault.holds("first")
    kept.forget_named("vllm")
    assert kept.named("vllm") is None and revealed(kept.get("vllm", PASSWORD)) == "of the host"


def test_names_that_differ_in_case_and_folders_do_not_meet(vault: WindowsVault, tmp_path: Path) -> None:
    here, there = windows(tmp_path / "here"), windows(tmp_path / "there")
    wanted = {"spark": "1", "Spark": "2", "SPARK": "3"}
    for host, value in wanted.items():
        here.set(host, PASSWORD, Secret(value))
    assert {host: revealed(here.get(host, PASSWORD)) for host in wanted} == wanted
    assert all(there.get(host, PASSWORD) is None for host in wanted)


def test_the_same_folder_by_another_path_has_the_same_secrets(vault: WindowsVault, tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    windows(tmp_path / "real").set("spark", PASSWORD, Secret(CANARY))
    assert revealed(windows(tmp_path / "link").get("spark", PASSWORD)) == CANARY


@pytest.mark.parametrize("sign", ["x", "\U0001f511"])
@pytest.mark.fault("L5")
def test_the_longest_secret_fits_and_one_more_unit_is_refused_before_writing(
    vault: WindowsVault, tmp_path: Path, sign: str
) -> None:
    kept = windows(tmp_path)
    longest = sign * (MOST_UNITS // len(sign.encode("utf-16-le")) * 2)
    kept.set_named("key", Secret(longest))
    assert code_of(lambda: kept.set_named("key", Secret(longest + "x"))) == "keyring-too-long"
    assert revealed(kept.named("key")) == longest
    kept.set("spark", PASSPHRASE, Secret("stays"))
    assert code_of(lambda: kept.set("spark", PASSWORD, Secret(longest))) == "keyring-too-long"
    assert revealed(kept.get("spark", PASSPHRASE)) == "stays"


def test_what_comes_back_different_was_not_stored(vault: WindowsVault, tmp_path: Path) -> None:
    vault.written = lambda blob: blob[:-1]
    assert code_of(lambda: windows(tmp_path).set_named("key", Secret(CANARY))) == "keyring-refused"


def test_what_stays_after_deleting_is_said(
    vault: WindowsVault, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = windows(tmp_path)
    kept.set("spark", PASSWORD, Secret(CANARY))
    monkeypatch.setattr(vault, "CredDelete", lambda Type, TargetName: None)  # noqa: N803
    assert code_of(lambda: kept.forget("spark")) == "keyring-refused"


def test_an_item_somebody_else_wrote_is_none_and_is_replaced(vault: WindowsVault, tmp_path: Path) -> None:
    kept = windows(tmp_path)
    kept.set("spark", PASSWORD, Secret(CANARY))
    for item in vault.kept.values():
        item["CredentialBlob"] = "no JSON".encode("utf-16-le")
    assert kept.get("spark", PASSWORD) is None
    kept.set("spark", PASSWORD, Secret("again"))
    assert revealed(kept.get("spark", PASSWORD)) == "again"


# Deadlines


def test_a_keyring_that_hangs_is_answered_for_in_time_and_asked_again_once_it_answers(
    vault: WindowsVault, tmp_path: Path
) -> None:
    kept = windows(tmp_path, answer_seconds=0.3)
    vault.answers.clear()
    began = time.monotonic()
    assert code_of(lambda: kept.get("spark", PASSWORD)) == "keyring-silent"
    assert scaled(0.3) <= time.monotonic() - began < scaled(3)
    began = time.monotonic()
    for _ in range(20):
        assert code_of(lambda: kept.get("spark", PASSWORD)) == "keyring-silent"
    assert time.monotonic() - began < scaled(0.3), "refused at once"
    assert len(keyring_threads()) == 1
    vault.answers.set()
    wait_until(lambda: not keyring_threads(), "the call to end after all")
    assert kept.get("spark", PASSWORD) is None


def test_what_nobody_waits_for_any_more_is_not_written(vault: WindowsVault, tmp_path: Path) -> None:
    kept = windows(tmp_path, answer_seconds=0.3)
    vault.answers.clear()
    assert code_of(lambda: kept.set("spark", PASSWORD, Secret(CANARY))) == "keyring-silent"
    vault.answers.set()
    wait_until(lambda: not keyring_threads(), "the call to end after all")
    assert not vault.kept


def test_callers_wait_for_their_turn_and_one_is_in_the_keyring_at_a_time(
    vault: WindowsVault, tmp_path: Path
) -> None:
    kept = windows(tmp_path)
    vault.answers.clear()
    hosts = [f"spark{number}" for number in range(6)]
    asking = [
        threading.Thread(target=kept.set, args=(host, PASSWORD, Secret(host)), daemon=True) for host in hosts
    ]
    for thread in asking:
        thread.start()
    wait_until(vault.entered.is_set, "the first to be in")
    vault.answers.set()
    for thread in asking:
        thread.join(scaled(10))
    assert [revealed(kept.get(host, PASSWORD)) for host in hosts] == hosts
    assert vault.most_inside == 1


# The Keychain


@pytest.fixture
def keychain(monkeypatch: pytest.MonkeyPatch) -> Iterator[Keychain]:
    made = Keychain()
    monkeypatch.setattr(macOS, "api", made, raising=False)
    # Read from KEYCHAIN_PATH when the module is imported; keyring then warns at every call.
    monkeypatch.setattr(macOS.Keyring, "keychain", "/poison")
    yield made
    made.person.set()
    wait_until(lambda: not keyring_threads(), "calls to end")


def test_the_keychain_stores_changes_and_deletes(keychain: Keychain, tmp_path: Path) -> None:
    kept = Secrets(ConfigFolder(tmp_path), platform="darwin")
    kept.set("spark", PASSWORD, Secret("first"))
    kept.set("spark", PASSWORD, Secret(CANARY))
    assert revealed(kept.get("spark", PASSWORD)) == CANARY and len(keychain.kept) == 1
    kept.forget("spark")
    assert kept.get("spark", PASSWORD) is None


def test_the_keychain_may_ask_a_person_who_gets_longer(keychain: Keychain, tmp_path: Path) -> None:
    kept = Secrets(ConfigFolder(tmp_path), platform="darwin", answer_seconds=scaled(0.3))
    kept.set_named("key", Secret(CANARY))
    keychain.person.clear()
    got: list[str | None] = []
    asking = threading.Thread(target=lambda: got.append(revealed(kept.named("key"))), daemon=True)
    asking.start()
    wait_until(keyring_threads, "the call to be under way")
    asking.join(scaled(0.6))
    assert asking.is_alive(), "far longer than the time for an answer"
    keychain.person.set()
    asking.join(scaled(10))
    assert got == [CANARY]


def test_a_person_who_never_answers_leaves_the_keychain_locked(keychain: Keychain, tmp_path: Path) -> None:
    kept = Secrets(ConfigFolder(tmp_path), platform="darwin", answer_seconds=scaled(0.3), person_seconds=0.1)
    keychain.person.clear()
    assert code_of(lambda: kept.named("key")) == "keyring-locked"


def test_a_person_who_denies_it_leaves_the_keychain_locked(keychain: Keychain, tmp_path: Path) -> None:
    keychain.denied = True
    kept = Secrets(ConfigFolder(tmp_path), platform="darwin")
    with pytest.raises(KeyringUnavailable) as raised:
        kept.named("key")
    assert raised.value.problem.code == "keyring-locked"
    assert "KeychainDenied -128" in raised.value.problem.technical
