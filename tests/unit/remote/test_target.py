"""What a profile leaves open is as the person's SSH files say."""

from __future__ import annotations

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from msgspec.structs import replace

from sparktray.domain.host import HostProfile, Login
from sparktray.remote.contract import SshTarget
from sparktray.remote.ssh.fingerprint import fingerprint_of_line
from sparktray.remote.ssh_files.target import target_for
from tests.unit.remote.openssh import PERSON, in_memory

CONFIG, KNOWN = "/home/me/.ssh/config", "/home/me/.ssh/known_hosts"
HOST = HostProfile("spark", "dgx")


def public() -> str:
    key = ed25519.Ed25519PrivateKey.generate().public_key()
    return key.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()


KEY, OTHER = public(), public()


def target(config: str = "", known: str = "", host: HostProfile = HOST) -> SshTarget:
    files = in_memory({CONFIG: config.encode(), KNOWN: known.encode()})
    return target_for(host, PERSON, files, files)


def test_without_any_file_it_is_the_profile() -> None:
    host = HostProfile("spark", "10.0.0.5", 2222, "anna", "/k", "SHA256:x", key_type="ssh-rsa")
    assert target(host=host) == SshTarget("10.0.0.5", 2222, "anna", "/k", "SHA256:x", "ssh-rsa")


def test_an_alias_is_looked_up_and_the_profile_wins() -> None:
    config = "Host dgx\n HostName 10.0.0.9\n Port 2200\n User anna\n ConnectTimeout 3\n"
    found = target(config)
    assert (found.address, found.port, found.user, found.connect_seconds) == ("10.0.0.9", 2200, "anna", 3)
    own = target(config, host=replace(HOST, user="bert", port=2300))
    assert (own.port, own.user) == (2300, "bert")


def test_the_first_identity_file_that_exists_is_the_one(tmp_path: Path) -> None:
    there = tmp_path / "key"
    there.touch()
    config = (
        f"Host dgx\n IdentityFile {tmp_path}/missing\n IdentityFile {there}\n IdentityFile {tmp_path}/more\n"
    )
    assert target(config).key_file == str(there)
    assert target(config, host=replace(HOST, key_file="/own")).key_file == "/own"
    assert target(config, host=replace(HOST, login=Login.AGENT)).key_file is None


@pytest.mark.parametrize("line", ["HostName -oProxyCommand=x", "User -x", "HostName a;b"])
def test_what_could_be_an_option_or_shell_text_is_left_out(line: str) -> None:
    found = target(f"Host dgx\n {line}\n")
    assert (found.address, found.user) == ("dgx", PERSON.user)


def test_known_hosts_of_where_it_leads() -> None:
    config = "Host dgx\n HostName 10.0.0.9\n Port 2200\n"
    known = f"[10.0.0.9]:2200 {KEY}\n@revoked * {OTHER}\n"
    found = target(config, known)
    assert found.trusted == (fingerprint_of_line(KEY),)
    assert found.trusted_types == ("ssh-ed25519",)
    assert found.revoked == (fingerprint_of_line(OTHER),)
    assert target(config, f"dgx-key {KEY}\n").trusted == ()
    assert target(f"{config} HostKeyAlias dgx-key\n", f"dgx-key {KEY}\n").trusted == found.trusted
