"""Which keys known_hosts vouches for, measured by the real ssh and ssh-keygen."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import hmac
import os
import re
import socket
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import paramiko
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from sparktray.remote.ssh_files.known_hosts import KnownHosts, read_known_hosts
from sparktray.remote.ssh_files.reading import MAX_FILE_BYTES, MAX_LINE_BYTES, LeftOut, Reason, key_files
from tests.unit.remote.openssh import HAS_SSH, PERSON, in_memory

OWN = "/home/me/.ssh/known_hosts"


def public(key: ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) -> str:
    return key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()


ONE = public(ed25519.Ed25519PrivateKey.generate())
OTHER = public(ed25519.Ed25519PrivateKey.generate())
RSA = public(rsa.generate_private_key(65537, 2048))
ECDSA = public(ec.generate_private_key(ec.SECP256R1()))


def fingerprint(line: str) -> str:
    blob = base64.b64decode(line.split()[1])
    return "SHA256:" + base64.b64encode(hashlib.sha256(blob).digest()).decode().rstrip("=")


def hashed(name: str, salt: bytes = b"s" * 20) -> str:
    digest = hmac.new(salt, name.encode(), hashlib.sha1).digest()
    return f"|1|{base64.b64encode(salt).decode()}|{base64.b64encode(digest).decode()}"


def read(text: str | bytes, address: str = "spark", port: int = 22, alias: str | None = None) -> KnownHosts:
    data = text if isinstance(text, bytes) else text.encode("utf-8", "surrogateescape")
    return read_known_hosts(PERSON, in_memory({OWN: data}), address, port, alias=alias)


def trusted(text: str | bytes, address: str = "spark", port: int = 22, alias: str | None = None) -> list[str]:
    return [key.fingerprint for key in read(text, address, port, alias).trusted]


# {k}: the key the host shows, {o}: another, {p}: its port. The host is "localhost".
JUDGED = [
    "",
    "localhost {k}",
    "localhost {o}",
    "localhost {o}\nlocalhost {k}",
    "localhost {r}\nlocalhost {e}",
    "[localhost]:{p} {k}",
    "[localhost]:{p} {o}\nlocalhost {k}",
    "[localhost]:{p} {k}\nlocalhost {o}",
    "[localhost]:{p} {r}\nlocalhost {k}",
    "[localhost]:1 {k}",
    "[LOCALhost]:{p} {k}",
    "[local*]:{p} {k}",
    "[localhost]:* {k}",
    "[local?ost]:{p} {k}",
    "* {k}",
    "*,!localhost,![localhost]:{p} {k}",
    "*,![localhost]:{p} {k}",
    "!localhost,!* {k}",
    "a,localhost,b {k}",
    "a,b {k}\nlocalhost,[localhost]:{p} {k}",
    "@revoked * {k}\nlocalhost {k}",
    "localhost {k}\n[localhost]:{p} {k}\n@revoked [localhost]:{p} {k}",
    "@revoked [localhost]:{p} {k}\nlocalhost {k}",
    "@revoked * {o}\nlocalhost {k}",
    "@revoked elsewhere {k}\nlocalhost {k}",
    "@cert-authority * {k}",
    "@cert-authority * {k}\nlocalhost {k}",
    "@cert-authority [localhost]:{p} {o}\nlocalhost {k}",
    "@sorcery localhost {k}",
    "@revoked @cert-authority localhost {k}\nlocalhost {k}",
    "localhost {k} me@here # and more",
    "  localhost\t\t{k}",
    "localhost {k}\r\n",
    "# localhost {k}",
    "#\n\n \nlocalhost {k}",
    "localhost {k}\n\0\nodd\nlocalhost\nlocalhost ssh-ed25519\nlocalhost ssh-ed25519 %%%",
    "localhost ssh-rsa {b}",
    "localhost 1024 35 1234567",
    "{h} {k}",
    "{hp} {k}",
    "{hp} {o}\n{h} {k}",
    "{h},other {k}",
    "|1|bad|hash {k}",
    "|2{h} {k}\nlocalhost {k}",
    "@revoked {h} {k}",
    "@revoked {hp} {k}\n{h} {k}",
]


def filled(line: str, key: str, port: int) -> str:
    return (
        line.replace("{k}", key)
        .replace("{b}", key.split()[1])
        .replace("{o}", OTHER)
        .replace("{r}", RSA)
        .replace("{e}", ECDSA)
        .replace("{hp}", hashed(f"[localhost]:{port}"))
        .replace("{h}", hashed("localhost"))
        .replace("{p}", str(port))
    )


@dataclass(frozen=True, slots=True)
class Server:
    key: str
    port: int


def greet(sock: socket.socket, key: paramiko.PKey) -> None:
    """Show the key and let nobody in."""
    transport = paramiko.Transport(sock)
    transport.add_server_key(key)
    with contextlib.suppress(paramiko.SSHException, EOFError):
        transport.start_server(server=paramiko.ServerInterface())
        transport.join(30)
    transport.close()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    path = tmp_path_factory.mktemp("host") / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(path)], check=True)
    key = paramiko.Ed25519Key.from_private_key_file(str(path))
    threads: list[threading.Thread] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def accept() -> None:
            with contextlib.suppress(OSError):
                while True:
                    sock, _ = listener.accept()
                    threads.append(threading.Thread(target=greet, args=(sock, key)))
                    threads[-1].start()

        accepting = threading.Thread(target=accept)
        accepting.start()
        yield Server(" ".join(path.with_suffix(".pub").read_text().split()[:2]), listener.getsockname()[1])
        listener.shutdown(socket.SHUT_RDWR)
        for thread in (accepting, *threads):
            thread.join()


if HAS_SSH:

    @pytest.mark.parametrize("line", JUDGED)
    def test_the_same_judgement_as_ssh(tmp_path: Path, server: Server, line: str) -> None:
        text = filled(line, server.key, server.port)
        path = tmp_path / "known_hosts"
        path.write_bytes(text.encode())
        options = [f"UserKnownHostsFile={path}", "GlobalKnownHostsFile=none", "StrictHostKeyChecking=yes"]
        options += [
            "BatchMode=yes",
            "IdentityFile=none",
            "IdentityAgent=none",
            "HostKeyAlgorithms=ssh-ed25519",
        ]
        command = ["ssh", "-F", "none", "-p", str(server.port), *(f"-o{option}" for option in options)]
        done = subprocess.run([*command, "localhost", "true"], capture_output=True, text=True, timeout=60)
        refused = "Host key verification failed" in done.stderr
        assert refused or "Permission denied" in done.stderr, done.stderr
        ours = read(text, "localhost", server.port)
        known = fingerprint(server.key) in [key.fingerprint for key in ours.trusted]
        assert known is not refused, done.stderr
        if "REVOKED HOST KEY" in done.stderr:
            assert fingerprint(server.key) in [key.fingerprint for key in ours.revoked]

    @pytest.mark.parametrize("line", JUDGED)
    def test_the_same_lines_as_ssh_keygen(tmp_path: Path, line: str) -> None:
        path = tmp_path / "known_hosts"
        path.write_bytes(filled(line, ONE, 2222).encode())
        command = ["ssh-keygen", "-l", "-F", "localhost", "-f", str(path)]
        done = subprocess.run(command, capture_output=True, text=True)
        listed: dict[str, set[str]] = {"": set(), "REVOKED": set(), "CA": set()}
        for marker, key in re.findall(r"found: line \d+ ?(\w*)\n\S+ \S+ (SHA256:\S+)", done.stdout):
            listed[marker].add(key)
        ours = read(filled(line, ONE, 2222), "localhost")
        assert {key.fingerprint for key in ours.revoked} == listed["REVOKED"]
        assert {key.fingerprint for key in ours.trusted} == listed[""] - listed["REVOKED"]

    def test_what_ssh_keygen_hashes_is_found(tmp_path: Path) -> None:
        path = tmp_path / "known_hosts"
        path.write_text(f"spark,[spark]:2222 {ONE}\nother {OTHER}\n")
        subprocess.run(["ssh-keygen", "-q", "-H", "-f", str(path)], check=True, capture_output=True)
        text = path.read_bytes()
        assert b"spark" not in text
        assert trusted(text) == trusted(text, "SPARK", 2222) == [fingerprint(ONE)]
        assert trusted(text, "x") == []


def test_type_fingerprint_and_bytes_of_each_kind_of_key() -> None:
    found = read("".join(f"spark {line}\n" for line in (ONE, RSA, ECDSA, ONE)))
    assert [key.key_type for key in found.trusted] == ["ssh-ed25519", "ssh-rsa", "ecdsa-sha2-nistp256"]
    assert [key.fingerprint for key in found.trusted] == [fingerprint(line) for line in (ONE, RSA, ECDSA)]
    assert [key.blob for key in found.trusted] == [base64.b64decode(x.split()[1]) for x in (ONE, RSA, ECDSA)]
    assert found.left_out == ()


def test_a_revocation_without_the_port_counts_with_it_too() -> None:
    """Stricter than OpenSSH, which looks at the plain name only when no line names the port."""
    found = read(f"[spark]:2222 {ONE}\n@revoked\tspark {ONE}\n", port=2222)
    assert found.trusted == () and [key.fingerprint for key in found.revoked] == [fingerprint(ONE)]


def test_an_alias_takes_the_place_of_name_and_port() -> None:
    text = f"alias {ONE}\nspark {OTHER}\n[spark]:2222 {OTHER}\n"
    assert trusted(text, "spark", 2222, "Alias") == [fingerprint(ONE)]
    assert trusted(text, "spark", 2222, "unknown") == []
    # ssh takes an alias in lower case, and so writes it.
    assert trusted(f"{hashed('alias')} {ONE}", "spark", 2222, "Alias") == [fingerprint(ONE)]


def test_what_is_told() -> None:
    text = f"@cert-authority *.lan {ONE}\nspark.lan odd\n@sorcery spark.lan {ONE}\nx odd\nspark.lan {ONE}\n"
    assert read(text, "spark.lan").left_out == (
        LeftOut(OWN, 1, Reason.CERT_AUTHORITY),
        LeftOut(OWN, 2, Reason.BAD_LINE),
        LeftOut(OWN, 3, Reason.BAD_LINE),
    )
    assert trusted(text, "spark.lan") == [fingerprint(ONE)]


def test_all_four_files_count() -> None:
    files = {
        OWN: f"spark {ONE}\n".encode(),
        f"{OWN}2": f"spark {OTHER}\n".encode(),
        "/etc/ssh/ssh_known_hosts": f"spark {RSA}\n@revoked * {OTHER}\n".encode(),
        "/etc/ssh/ssh_known_hosts2": f"spark {ECDSA}\n".encode(),
    }
    found = read_known_hosts(PERSON, in_memory(files), "spark")
    if os.name == "posix":
        assert [key.fingerprint for key in found.trusted] == [fingerprint(line) for line in (ONE, RSA, ECDSA)]
    assert read_known_hosts(PERSON, in_memory({}), "spark") == KnownHosts((), (), ())


def test_large_files_long_lines_and_odd_bytes() -> None:
    assert trusted(b"\xef\xbb\xbf" + f"spark {ONE}\n".encode()) == [fingerprint(ONE)]
    assert trusted(b"\xff\xfe\n\x80 x y\n" + f"spark {ONE}".encode()) == [fingerprint(ONE)]
    long = read(f"spark {ONE} " + "x" * MAX_LINE_BYTES + f"\nspark {OTHER}\n")
    assert [key.fingerprint for key in long.trusted] == [fingerprint(OTHER)]
    assert long.left_out == (LeftOut(OWN, 1, Reason.LONG_LINE),)
    # A revocation might stand behind the end of what is read: then nothing of the file is trusted.
    large = read(f"spark {ONE}\n".encode() + b"#" * MAX_FILE_BYTES)
    assert large == KnownHosts((), (), (LeftOut(OWN, 0, Reason.TOO_LARGE),))


def test_the_disk_does_not_ask_for_a_mode(tmp_path: Path) -> None:
    path = tmp_path / "known_hosts"
    path.write_bytes(b"x")
    path.chmod(0o666)
    assert key_files().read(str(path)) == b"x"


@given(st.binary(max_size=300), st.text(max_size=12), st.integers(1, 65535))
def test_any_bytes_give_an_answer(data: bytes, address: str, port: int) -> None:
    found = read(data, address, port)
    assert found.trusted == ()


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["", "@revoked ", "@cert-authority ", "@", "@revoked\t"]),
            st.sampled_from(
                ["spark", "*", "!spark,*", "[spark]:2222", "x", "|1|", "|1||", hashed("spark"), ""]
            ),
            st.sampled_from([" ", "\t", "  ", ""]),
            st.sampled_from(
                [ONE, OTHER, RSA, "ssh-rsa", "1024 35 1", ONE[:-5], ONE + "=", "\0" + ONE, "# x"]
            ),
        ).map("".join)
    )
)
def test_no_key_is_both_trusted_and_revoked(lines: list[str]) -> None:
    for port in (22, 2222):
        found = read("\n".join(lines), port=port)
        assert not set(found.trusted) & set(found.revoked)
        for key in (ONE, OTHER, RSA):
            if any(x.startswith(("@revoked spark ", "@revoked * ")) and x.endswith(f" {key}") for x in lines):
                assert fingerprint(key) not in [known.fingerprint for known in found.trusted]
                assert fingerprint(key) in [known.fingerprint for known in found.revoked]
