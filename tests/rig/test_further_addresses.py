"""A host with several addresses: all are tried together, and its key says which of them it is."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.rig.driving import Program
from tests.rig.rig import Rig
from tests.rig.sshd import Sshd
from tests.waiting import scaled

HOME, AWAY = "127.0.0.7", "127.0.0.8"


@pytest.fixture
def server(rig: Rig) -> Sshd:
    return rig.sshd(address=AWAY)


@pytest.fixture
def program(server: Sshd, tmp_path: Path) -> Program:
    """The program, with an address first that is the host's at home only."""
    made = Program(tmp_path / "config")
    words = ("--address", HOME, "--address", AWAY, "--port", str(server.port), "--user", server.user)
    made.ok(
        *("host", "add", "spark", *words),
        *("--key", str(server.client_key), "--fingerprint", server.fingerprint),
    )
    return made


@pytest.fixture
def silent_home() -> Iterator[None]:
    """Nothing comes back from the first address."""
    rule = ("INPUT", "-d", HOME, "-j", "DROP")
    subprocess.run(["iptables", "-I", *rule], check=True)
    yield
    subprocess.run(["iptables", "-D", *rule], check=True)


def test_a_first_address_that_refuses(program: Program) -> None:
    assert "No model is running on spark." in program.ok("status")
    assert f"{HOME}" in program.ok("host", "list") and AWAY in program.ok("host", "list")


@pytest.mark.fault("N9")
def test_a_first_name_that_is_silent(program: Program, silent_home: None) -> None:
    began = time.monotonic()
    program.ok("status")
    assert time.monotonic() - began < scaled(4.0), "the first address alone takes 5 s to give up"


@pytest.mark.fault("N7")
def test_somebody_else_at_the_first_address(rig: Rig, program: Program, server: Sshd) -> None:
    """In another network the same numbers are another machine's: nothing is sent to it, the next is tried."""
    other = rig.sshd({"LogLevel": "DEBUG2"}, address=HOME, port=server.port, host_key_name="other")
    assert "No model is running on spark." in program.ok("status")
    assert "userauth-request" not in other.log() and "Connection from" in other.log()
    server.stop()
    told = program.refused(5, "status")
    assert told["code"] == "host-key-changed" and other.fingerprint in told["message"]


def test_given_anew_they_take_the_place_of_the_old_ones(program: Program, server: Sshd) -> None:
    program.ok("host", "add", "spark", "--address", AWAY)
    listed = program.json("host", "list")["hosts"][0]
    assert (listed["address"], listed["further"]) == (AWAY, [])
    assert program.refused(2, "host", "add", "spark", "--address", AWAY, "--address", "-oProxy")["message"]
