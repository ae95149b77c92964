"""Secrets in a real Secret Service: kept, locked, killed, hung; and keyrings that others put in its place."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from traceback import walk_stack

import pytest

from sparktray.domain.phrase import Phrase
from sparktray.domain.secret import Secret
from sparktray.store.paths import ConfigFolder
from sparktray.store.secrets import MOST_UNITS, SecretKind, Secrets
from sparktray.store.secrets_errors import KeyringUnavailable
from tests.rig.desktop import Desktop
from tests.rig.keyring import PASSWORD as OF_THE_KEYRING
from tests.rig.keyring import SecretService, prompt_on_screen, secret_service
from tests.waiting import scaled, wait_until

CANARY = 'canary-7f"\\ü'
PASSWORD, PASSPHRASE = SecretKind.PASSWORD, SecretKind.PASSPHRASE

# Another process of the program: what it is to do, and the secret, come on its standard input.
PROGRAM = """
import json, sys, time
from pathlib import Path
from sparktray.store.paths import ConfigFolder
from sparktray.domain.secret import Secret
from sparktray.store.secrets import SecretKind, Secrets
from sparktray.store.secrets_errors import KeyringUnavailable
order = json.load(sys.stdin)
kept = Secrets(ConfigFolder(Path(order["folder"])), answer_seconds=order["seconds"])
began = time.monotonic()
try:
    if order["value"] is not None:
        kept.set("spark", SecretKind.PASSWORD, Secret(order["value"]))
    found = kept.get("spark", SecretKind.PASSWORD)
    print(json.dumps(["found", found and found.reveal(), time.monotonic() - began]))
except KeyringUnavailable as error:
    print(json.dumps(["refused", error.problem.code, time.monotonic() - began]))
"""
LIBRARY = (
    "import keyring, sys; keyring.set_password('s', 'u', sys.stdin.read()); print(keyring.get_keyring())"
)
POISON = """
from pathlib import Path
from keyring.backend import KeyringBackend
FOLDER = Path({folder!r})
(FOLDER / "executed").touch()
class Plaintext(KeyringBackend):
    priority = 99
    def get_password(self, service, username):
        return (FOLDER / "plain").read_text() if (FOLDER / "plain").exists() else None
    def set_password(self, service, username, password):
        (FOLDER / "plain").write_text(password)
"""


@pytest.fixture
def both(tmp_path: Path) -> Iterator[tuple[Desktop, SecretService]]:
    home = tmp_path / "desktop"
    home.mkdir()
    with secret_service(home) as made:
        yield made


@pytest.fixture
def service(both: tuple[Desktop, SecretService]) -> SecretService:
    """Running, unlocked, empty."""
    return both[1]


@pytest.fixture
def folder(tmp_path: Path) -> ConfigFolder:
    return ConfigFolder(tmp_path / "config")


def revealed(secret: Secret | None) -> str | None:
    return None if secret is None else secret.reveal()


def refusal(kept: Secrets) -> str:
    with pytest.raises(KeyringUnavailable) as raised:
        kept.get("spark", PASSWORD)
    return raised.value.problem.code


def another_process(
    folder: ConfigFolder, environment: dict[str, str], value: str | None = None, seconds: float = 10.0
) -> tuple[str, str | None, float]:
    order = {"folder": str(folder.path), "value": value, "seconds": scaled(seconds)}
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", PROGRAM],
        input=json.dumps(order),
        env={**environment, "PYTHONPATH": os.getcwd()},
        capture_output=True,
        text=True,
        check=True,
        timeout=scaled(60),
    )
    assert not done.stderr, done.stderr
    word, found, took = json.loads(done.stdout)
    return word, found, took


def test_stored_used_by_a_fresh_process_changed_and_deleted(
    service: SecretService, folder: ConfigFolder
) -> None:
    kept = Secrets(folder)
    assert kept.get("spark", PASSWORD) is None
    kept.set("spark", PASSWORD, Secret(CANARY))
    kept.set("spark", PASSPHRASE, Secret("of the key"))
    [(name, value)] = service.values().items()
    assert name.startswith("sparktray-") and name.endswith("/host/spark")
    assert json.loads(value) == {"password": CANARY, "passphrase": "of the key"}

    assert another_process(folder, service.environment)[:2] == ("found", CANARY)
    assert another_process(folder, service.environment, "changed")[:2] == ("found", "changed")
    assert revealed(kept.get("spark", PASSWORD)) == "changed"
    assert revealed(kept.get("spark", PASSPHRASE)) == "of the key"

    kept.forget("spark")
    assert another_process(folder, service.environment)[:2] == ("found", None)
    assert not service.values()
    kept.forget("spark")


def test_named_secrets_and_other_folders_are_items_of_their_own(
    service: SecretService, folder: ConfigFolder, tmp_path: Path
) -> None:
    kept, other = Secrets(folder), Secrets(ConfigFolder(tmp_path / "other"))
    longest = "x" * MOST_UNITS
    kept.set_named("vllm", Secret(longest))
    kept.set("vllm", PASSWORD, Secret(CANARY))
    other.set_named("vllm", Secret("of another folder"))
    assert len(service.values()) == 3
    assert revealed(kept.named("vllm")) == longest
    assert revealed(other.named("vllm")) == "of another folder"
    kept.forget_named("vllm")
    assert kept.named("vllm") is None and len(service.values()) == 2


def test_a_fault_of_the_service_is_over_when_it_is_back(service: SecretService, folder: ConfigFolder) -> None:
    """Killed in the middle of a call: said at once, and what was stored is there when it runs again."""
    kept = Secrets(folder, answer_seconds=scaled(20))
    kept.set("spark", PASSWORD, Secret(CANARY))
    service.hang()
    codes: list[str] = []
    asking = threading.Thread(target=lambda: codes.append(refusal(kept)), daemon=True)
    asking.start()
    wait_until(lambda: waits_for_answer(), "the call to wait for the service")
    began = time.monotonic()
    service.kill()
    asking.join(scaled(10))
    assert codes == ["keyring-missing"] and time.monotonic() - began < scaled(5)
    service.start()
    assert revealed(kept.get("spark", PASSWORD)) == CANARY


def waits_for_answer() -> bool:
    """Whether the call has asked the service something and waits for its answer, by its stack."""
    running = [thread.ident for thread in threading.enumerate() if thread.name == "sparktray-keyring"]
    frames = sys._current_frames()
    names = {
        step.f_code.co_name for ident in running if ident in frames for step, _ in walk_stack(frames[ident])
    }
    return {"get_property", "receive"} <= names


@pytest.mark.fault("L3")
def test_a_service_that_hangs_holds_up_nobody(service: SecretService, folder: ConfigFolder) -> None:
    kept = Secrets(folder, answer_seconds=scaled(1))
    kept.set("spark", PASSWORD, Secret(CANARY))
    service.hang()
    try:
        began = time.monotonic()
        assert refusal(kept) == "keyring-silent"
        assert time.monotonic() - began < scaled(3)
        began = time.monotonic()
        with pytest.raises(KeyringUnavailable):
            kept.set("spark", PASSWORD, Secret("never"))
        assert time.monotonic() - began < scaled(0.3), "refused at once"
        # A whole process, its end included, is not held up either.
        word, code, took = another_process(folder, service.environment, "too late", seconds=1)
        assert (word, code) == ("refused", "keyring-silent") and took < scaled(3)
    finally:
        service.go_on()
    wait_until(lambda: answered(kept) == CANARY, "the keyring to answer again", seconds=10)


def answered(kept: Secrets) -> str | None:
    try:
        return revealed(kept.get("spark", PASSWORD))
    except KeyringUnavailable:
        return None


@pytest.mark.fault("L2")
def test_a_locked_keyring_that_can_ask_nobody_is_said_at_once(
    service: SecretService, folder: ConfigFolder
) -> None:
    said: list[Phrase] = []
    kept = Secrets(folder, asking=said.append)
    kept.set("spark", PASSWORD, Secret(CANARY))
    assert not said
    service.lock()
    began = time.monotonic()
    assert refusal(kept) == "keyring-locked"
    assert time.monotonic() - began < scaled(8) and len(said) == 1
    with pytest.raises(KeyringUnavailable):
        kept.set("spark", PASSWORD, Secret("never"))
    service.kill()
    service.start()
    assert revealed(kept.get("spark", PASSWORD)) == CANARY


@pytest.mark.fault("L2")
def test_a_person_who_is_asked_gets_longer_than_an_answer_may_take(
    both: tuple[Desktop, SecretService], service: SecretService, folder: ConfigFolder
) -> None:
    said: list[Phrase] = []
    kept = Secrets(folder, asking=said.append, answer_seconds=scaled(1), person_seconds=scaled(60))
    kept.set("spark", PASSWORD, Secret(CANARY))
    got: list[str | None] = []
    prompt_on_screen(both[0])
    service.lock()
    asking = threading.Thread(target=lambda: got.append(answered(kept)), daemon=True)
    asking.start()
    wait_until(lambda: on_screen(both[0], "search", "--name", "^Unlock "), "the keyring's window", seconds=30)
    asking.join(scaled(1.5))
    assert asking.is_alive() and len(said) == 1
    on_screen(both[0], "type", OF_THE_KEYRING)
    on_screen(both[0], "key", "Return")
    asking.join(scaled(20))
    assert got == [CANARY]


def on_screen(desktop: Desktop, *arguments: str) -> str:
    environment = {**os.environ, "DISPLAY": desktop.display}
    done = subprocess.run(
        ["xdotool", *arguments], env=environment, capture_output=True, text=True, check=False
    )
    return done.stdout


@pytest.mark.parametrize("by", ["environment", "file"])
@pytest.mark.parametrize("instead", ["keyring.backends.null.Keyring", "poison.Plaintext"])
@pytest.mark.fault("L4")
def test_no_other_keyring_is_put_in_the_place_of_the_systems(
    service: SecretService, folder: ConfigFolder, tmp_path: Path, by: str, instead: str
) -> None:
    """The library itself falls for each of these, which is tried first: else the test would prove nothing."""
    home = tmp_path / "home"
    poison = tmp_path / "poison"
    (home / ".config/python_keyring").mkdir(parents=True)
    poison.mkdir()
    (poison / "poison.py").write_text(POISON.format(folder=str(poison)))
    # The bus and the service keep their home; only the program is given the poisoned one.
    environment = {**service.environment, "HOME": str(home), "KEYRING_PROPERTY_SCHEME": "KeePassXC"}
    if by == "file":
        lines = ["[backend]", f"default-keyring={instead}", f"keyring-path={poison}"]
        (home / ".config/python_keyring/keyringrc.cfg").write_text("\n".join(lines))
    else:
        environment["PYTHON_KEYRING_BACKEND"] = instead
    # By the environment alone the library must find the module: somebody who can set one can set both.
    path = os.pathsep.join([os.getcwd(), str(poison)] if by == "environment" else [os.getcwd()])
    fooled = subprocess.run(
        [sys.executable, "-c", LIBRARY],
        input=CANARY,
        env={**environment, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=True,
    )
    assert instead.rpartition(".")[0] in fooled.stdout and not service.values()
    assert (poison / "executed").exists() == (instead == "poison.Plaintext")
    for trace in ("executed", "plain"):
        (poison / trace).unlink(missing_ok=True)

    assert another_process(folder, environment, CANARY)[:2] == ("found", CANARY)
    [(name, value)] = service.values().items()
    assert name.endswith("/host/spark") and json.loads(value) == {"password": CANARY}
    assert not (poison / "executed").exists() and not (poison / "plain").exists()


def test_a_session_bus_without_a_secret_service_is_no_keyring(
    service: SecretService, folder: ConfigFolder, tmp_path: Path
) -> None:
    """A bus that also cannot start one: it knows no services."""
    settings = tmp_path / "bus.conf"
    settings.write_text(
        f"<busconfig><type>session</type><listen>unix:path={tmp_path}/bare</listen>"
        '<policy context="default"><allow send_destination="*"/><allow eavesdrop="true"/>'
        '<allow own="*"/></policy></busconfig>'
    )
    arguments = ["dbus-daemon", f"--config-file={settings}", "--nofork", "--nopidfile", "--print-address=1"]
    bus = subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True)
    try:
        assert bus.stdout is not None
        address = bus.stdout.readline().strip()
        environment = {**service.environment, "DBUS_SESSION_BUS_ADDRESS": address}
        word, code, took = another_process(folder, environment, CANARY)
        assert (word, code) == ("refused", "keyring-missing") and took < scaled(5)
    finally:
        bus.terminate()
        bus.communicate()
