"""What the person's own SSH files say of a host holds here too; they are never written."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from sparktray.store.hosts import HostsFile
from sparktray.store.paths import ConfigFolder
from tests.rig.driving import Program, profile
from tests.rig.rig import Rig
from tests.rig.sshd import Sshd, host_key
from tests.waiting import scaled


class Home:
    """A person's home with SSH files, and the program run from there."""

    def __init__(self, folder: Path) -> None:
        self.ssh = folder / "home" / ".ssh"
        self.ssh.mkdir(parents=True, mode=0o700)
        self.program = Program(folder / "config")

    def knows(self, server: Sshd, *, key: str = "main", kind: str = "ed25519", mark: str = "") -> None:
        public = host_key(key, kind).with_suffix(".pub").read_text(encoding="utf-8")
        with (self.ssh / "known_hosts").open("a", encoding="utf-8") as file:
            file.write(f"{mark}[{server.address}]:{server.port} {public}")

    def status(self) -> tuple[int, str]:
        """Exit code, and the code word of what went wrong."""
        before = {path: path.read_bytes() for path in self.ssh.iterdir()}
        done = subprocess.run(
            self.program.argv("status", "--json"),
            capture_output=True, text=True, check=False, timeout=scaled(60),
            env={**self.program.environment, "HOME": str(self.ssh.parent)},
        )  # fmt: skip
        assert {path: path.read_bytes() for path in self.ssh.iterdir()} == before
        errors = done.stderr.splitlines()
        return done.returncode, json.loads(errors[-1])["error"]["code"] if errors else ""


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


def set_up(home: Home, rig: Rig, server: Sshd, fingerprint: str | None = None) -> None:
    host = profile(rig, server, fingerprint=fingerprint)
    HostsFile(ConfigFolder(home.program.config)).add(host)


def test_a_key_that_known_hosts_trusts_is_known(rig: Rig, home: Home) -> None:
    server = rig.sshd({"LogLevel": "DEBUG2"})
    set_up(home, rig, server)
    assert home.status() == (5, "host-key-unknown")
    assert "userauth-request" not in server.log()
    home.knows(server)
    assert home.status() == (0, "")


def test_any_of_the_hosts_keys_may_be_the_trusted_one(rig: Rig, home: Home) -> None:
    server = rig.sshd(host_keys=("ed25519", "rsa"))
    set_up(home, rig, server)
    home.knows(server, kind="rsa")
    assert home.status() == (0, "")


def test_another_key_than_known_hosts_names_has_changed(rig: Rig, home: Home) -> None:
    server = rig.sshd({"LogLevel": "DEBUG2"})
    set_up(home, rig, server)
    home.knows(server, key="other")
    assert home.status() == (5, "host-key-changed")
    assert "userauth-request" not in server.log()


@pytest.mark.fault("S11")
def test_a_revoked_key_is_refused_even_when_it_is_pinned(rig: Rig, home: Home) -> None:
    server = rig.sshd({"LogLevel": "DEBUG2"})
    set_up(home, rig, server, server.fingerprint)
    assert home.status() == (0, "")
    home.knows(server, mark="@revoked ")
    before = server.log().count("userauth-request")
    assert home.status() == (5, "host-key-revoked")
    assert server.log().count("userauth-request") == before


@pytest.mark.fault("S11")
def test_a_certificate_authority_stands_in_nobodys_way(rig: Rig, home: Home) -> None:
    server = rig.sshd()
    set_up(home, rig, server)
    home.knows(server, key="other", mark="@cert-authority ")
    home.knows(server)
    assert home.status() == (0, "")


def test_a_given_fingerprint_beats_known_hosts(rig: Rig, home: Home) -> None:
    server = rig.sshd({"LogLevel": "DEBUG2"})
    set_up(home, rig, server, "SHA256:" + "A" * 43)
    home.knows(server)
    assert home.status() == (5, "host-key-changed")
    assert "userauth-request" not in server.log()


def test_an_alias_of_the_configuration(rig: Rig, home: Home) -> None:
    server = rig.sshd()
    (home.ssh / "config").write_text(
        f"Host dgx\n HostName {server.address}\n Port {server.port}\n User {server.user}\n"
        f" IdentityFile {server.client_key}\n",
        encoding="utf-8",
    )
    home.knows(server)
    done = subprocess.run(
        home.program.argv("host", "add", "spark", "--address", "dgx", "--user", server.user, "--json"),
        check=True, capture_output=True, env=home.program.environment,
    )  # fmt: skip
    assert json.loads(done.stdout)["host"]["key_file"] is None
    assert home.status() == (0, "")
    tested = subprocess.run(
        home.program.argv("host", "test", "--json"),
        capture_output=True, check=False, env={**home.program.environment, "HOME": str(home.ssh.parent)},
    )  # fmt: skip
    stages = {stage["stage"]: stage["ok"] for stage in json.loads(tested.stdout)["stages"]}
    assert stages["name"]
    assert stages["login"]


@pytest.mark.fault("S12")
def test_a_known_hosts_that_cannot_be_written_and_ends_in_mid_line(rig: Rig, home: Home) -> None:
    """Read as far as it goes, and left as it is; the key is pinned in a file of our own."""
    server = rig.sshd()
    home.knows(server)
    known = home.ssh / "known_hosts"
    known.write_text(known.read_text(encoding="utf-8").rstrip("\n"), encoding="utf-8")
    set_up(home, rig, server)
    subprocess.run(["mount", "--bind", "--options", "ro", str(known), str(known)], check=True)
    try:
        assert home.status() == (0, "")
        home.program.ok("host", "add", "spark", "--fingerprint", server.fingerprint)
        assert home.status() == (0, "")
    finally:
        subprocess.run(["umount", str(known)], check=True)
