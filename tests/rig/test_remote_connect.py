"""Getting in: who is it, is it the pinned one, and what exactly is wrong when not."""

from __future__ import annotations

import socket
import threading
import time
from pathlib import Path

import pytest
from msgspec.structs import replace

from sparktray.remote.contract import MIB, SshTarget
from sparktray.remote.errors import (
    HostKeyChanged,
    HostKeyUnknown,
    HostSilent,
    KeyFileUnusable,
    LoginRefused,
    NameNotFound,
    PortClosed,
    RemoteError,
    SecretMissing,
    SshBroken,
    SshSilent,
)
from sparktray.remote.host import open_host
from sparktray.remote.ssh.login import Patience
from tests.rig.remote_hosts import target_of
from tests.rig.rig import Rig
from tests.rig.sshd import Sshd, client_key, free_port, make_key
from tests.waiting import scaled

BRIEF = Patience(address=0.4, banner=0.4, key_exchange=0.4, login=5.0)


@pytest.fixture
def server(rig: Rig) -> Sshd:
    """An sshd that logs every authentication packet."""
    return rig.sshd({"LogLevel": "DEBUG2"}, host_keys=("ed25519", "ecdsa", "rsa"))


def refusal(target: SshTarget, patience: Patience | None = None) -> RemoteError:
    """What opening this host raises."""
    with pytest.raises(RemoteError) as caught:
        open_host(target, patience=patience)
    return caught.value


def test_the_pinned_host_is_entered(server: Sshd) -> None:
    host = open_host(target_of(server))
    assert host.run(["id", "-un"], deadline=10).stdout == b"sparkuser\n"
    host.close()


def test_an_unknown_host_key_is_shown_and_nothing_sent(server: Sshd) -> None:
    error = refusal(replace(target_of(server), fingerprint=None))
    assert isinstance(error, HostKeyUnknown)
    assert error.details["fingerprint"] == server.fingerprints["ed25519"]
    assert error.details["key_type"] == "ssh-ed25519"
    assert "userauth-request" not in server.log()
    assert "service-request" not in server.log()


def test_a_changed_host_key_stops_and_nothing_is_sent(rig: Rig, server: Sshd) -> None:
    target = target_of(server)
    server.stop()
    other = rig.sshd(
        {"LogLevel": "DEBUG2"}, host_key_name="other", host_keys=("ed25519", "rsa"), port=server.port
    )
    error = refusal(target)
    assert isinstance(error, HostKeyChanged)
    assert error.details["expected"] == server.fingerprint
    assert error.details["shown"] == other.fingerprint
    assert "kex: host key algorithm: rsa-sha2-512" in other.log()
    assert "userauth-request" not in other.log()


@pytest.mark.parametrize("kind", ["ed25519", "ecdsa", "rsa"])
@pytest.mark.parametrize("hinted", [True, False])
def test_any_of_the_hosts_keys_may_be_the_pinned_one(server: Sshd, kind: str, hinted: bool) -> None:
    names = {"ed25519": "ssh-ed25519", "ecdsa": "ecdsa-sha2-nistp256", "rsa": "ssh-rsa"}
    target = replace(
        target_of(server),
        fingerprint=server.fingerprints[kind],
        host_key_type=names[kind] if hinted else None,
    )
    host = open_host(target)
    host.check()
    host.close()
    if hinted:
        assert server.log().count("Connection from") == 1


def test_a_key_that_is_not_authorized(rig: Rig, server: Sshd, tmp_path: Path) -> None:
    stranger = make_key(tmp_path / "stranger")
    error = refusal(replace(target_of(server), key_file=str(stranger)))
    assert isinstance(error, LoginRefused)
    assert error.details["user"] == "sparkuser"
    assert (
        server.log().count("userauth-request for user sparkuser service ssh-connection method publickey") == 1
    )


def test_only_one_attempt_fits_and_it_is_ours(rig: Rig) -> None:
    server = rig.sshd({"MaxAuthTries": "1"})
    open_host(target_of(server)).close()


def test_a_server_that_wants_more_than_a_key(rig: Rig) -> None:
    server = rig.sshd({"PasswordAuthentication": "yes", "AuthenticationMethods": "publickey,password"})
    error = refusal(target_of(server))
    assert isinstance(error, SecretMissing)
    assert error.details["kind"] == "password"


def test_a_server_that_takes_no_keys(rig: Rig) -> None:
    server = rig.sshd({"PasswordAuthentication": "yes", "PubkeyAuthentication": "no"})
    error = refusal(target_of(server))
    assert isinstance(error, LoginRefused)
    assert error.details["methods"] == "password"


@pytest.mark.fault("S19")
def test_an_unusable_key_file_is_refused_before_contact(server: Sshd, tmp_path: Path) -> None:
    key = make_key(tmp_path / "key")
    key.chmod(0o644)
    broken = tmp_path / "broken"
    broken.write_text(key.read_text().replace("b", "c", 9))
    broken.chmod(0o600)
    junk = tmp_path / "junk"
    junk.write_text("hello")
    junk.chmod(0o600)
    expected = {
        str(key): "unsafe-mode",
        str(junk): "unknown-format",
        str(tmp_path): "unreadable",
        f"{client_key()}.pub": "public-key",
        str(tmp_path / "missing"): "missing",
        None: "none-configured",
    }
    for path, reason in expected.items():
        error = refusal(replace(target_of(server), key_file=path))
        assert isinstance(error, KeyFileUnusable)
        assert error.details["reason"] == reason
    assert "Connection from" not in server.log()
    error = refusal(replace(target_of(server), key_file=str(broken)))
    assert isinstance(error, KeyFileUnusable)
    assert "kex" not in server.log()


def test_a_name_nobody_has() -> None:
    target = SshTarget("no-such-host.invalid", 22, "x", None, "SHA256:x")
    assert isinstance(refusal(replace(target, key_file=_any_key())), NameNotFound)


def test_a_closed_port(server: Sshd) -> None:
    assert isinstance(refusal(replace(target_of(server), port=free_port())), PortClosed)


def test_a_port_that_accepts_and_says_nothing(server: Sshd) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        began = time.monotonic()
        error = refusal(replace(target_of(server), port=silent.getsockname()[1]), BRIEF)
        assert isinstance(error, SshSilent)
        assert time.monotonic() - began < scaled(1.5)


def test_a_banner_and_then_nothing(server: Sshd) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        dialled = replace(target_of(server), port=silent.getsockname()[1])
        with pytest.raises(SshSilent):
            _open_while(silent, dialled, b"SSH-2.0-Silent\r\n")


def test_something_that_is_not_ssh(server: Sshd) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        dialled = replace(target_of(server), port=other.getsockname()[1])
        with pytest.raises(SshBroken):
            _open_while(other, dialled, b"HTTP/1.1 400 Bad Request\r\n\r\n", close=True)


@pytest.mark.parametrize("line", [b"x" * 1024 + b"\r\n", b"x" * 1024])
def test_a_greeting_without_end_is_cut(server: Sshd, line: bytes) -> None:
    """A gigabyte of lines before the version, or of one line: neither memory nor time go with it."""
    sent = 0

    def flood(listener: socket.socket) -> None:
        nonlocal sent
        peer, _ = listener.accept()
        with peer:
            try:
                while sent < 1024 * MIB:
                    sent += peer.send(line * 64)
            except OSError:
                return

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=flood, args=(listener,))
        thread.start()
        began = time.monotonic()
        error = refusal(replace(target_of(server), port=listener.getsockname()[1]))
        assert time.monotonic() - began < scaled(5)
        thread.join()
    assert isinstance(error, SshBroken)
    assert sent < 16 * MIB


def test_no_algorithm_in_common(rig: Rig) -> None:
    server = rig.sshd({"Ciphers": "aes128-cbc"})
    error = refusal(target_of(server))
    assert isinstance(error, SshBroken)
    assert "cipher" in error.details["reason"].lower()


def test_an_address_that_never_answers(server: Sshd) -> None:
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        waiting = [socket.socket() for _ in range(3)]
        for sock in waiting:
            sock.setblocking(False)
            sock.connect_ex(full.getsockname())
        error = refusal(replace(target_of(server), port=full.getsockname()[1]), BRIEF)
        for sock in waiting:
            sock.close()
    assert isinstance(error, HostSilent)


def test_weak_algorithms_are_not_offered(rig: Rig) -> None:
    server = rig.sshd({"LogLevel": "DEBUG2"})
    open_host(target_of(server)).close()
    offered = [line for line in server.log().splitlines() if "peer client KEXINIT" in line]
    assert offered
    ciphers = [line for line in server.log().splitlines() if "debug2: ciphers" in line]
    macs = [line for line in server.log().splitlines() if "debug2: MACs" in line]
    assert not any("cbc" in line for line in ciphers[2:])
    assert not any("md5" in line or "hmac-sha1" in line for line in macs[2:])


def _any_key() -> str:
    return str(client_key())


def _open_while(listener: socket.socket, target: SshTarget, says: bytes, *, close: bool = False) -> None:
    accepted: list[socket.socket] = []

    def serve() -> None:
        sock, _ = listener.accept()
        accepted.append(sock)
        sock.sendall(says)
        if close:
            sock.close()

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        open_host(target, patience=BRIEF)
    finally:
        thread.join(scaled(5))
        for sock in accepted:
            sock.close()
