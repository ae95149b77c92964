"""sshd on the host misbehaves or says no, row by row of the fault matrix."""

from __future__ import annotations

import socket
from contextlib import suppress

import pytest
from msgspec.structs import replace

from sparktray.store.hosts import HostsFile
from sparktray.store.paths import ConfigFolder
from tests.rig import namespace
from tests.rig.faults.laptop import SPARK
from tests.rig.faults.scene import Stage, passes
from tests.rig.sshd import KEYS
from tests.waiting import scaled, wait_until


@pytest.mark.fault("S1")
def test_a_port_that_takes_the_connection_and_says_nothing(stage: Stage) -> None:
    """sshd hangs: told apart from a host that is away, within its 10 s."""
    server = stage.sshd()
    server.freeze()
    try:
        hangs = f"Something answers on port {server.port} of spark, but no usable SSH."
        with stage.scene(server, begins="Connecting to spark") as scene:
            assert scene.shows(hangs) <= scaled(15.0)
            server.thaw()
            scene.well_again()
    finally:
        server.thaw()


@pytest.mark.fault("S3")
def test_a_session_that_is_killed(stage: Stage) -> None:
    """A new one within seconds, and no word."""
    with stage.scene() as scene:
        scene.server.drop_sessions()
        wait_until(lambda: scene.logins() == 2, "another login", seconds=5)
        scene.well_again()


@pytest.mark.fault("S4")
def test_a_host_that_takes_no_more_connections(stage: Stage) -> None:
    """MaxStartups: a few attempts with growing pauses, no storm; and in again when there is room."""
    server = stage.sshd({"MaxStartups": "1"})
    with stage.scene(server) as scene:
        met, ours = server.log().count("Connection from"), server.session_pids()
        with socket.create_connection((SPARK, server.port)):
            wait_until(lambda: server.log().count("Connection from") > met, "the idle connection")
            for pid in ours:
                with suppress(ProcessLookupError):
                    namespace.kill(pid)
            scene.shows(f"Something answers on port {server.port} of spark, but no usable SSH.")
            passes(15.0)
            refused = server.log().lower().count("past maxstartups")
            assert 1 <= refused <= 8, server.log()
        scene.well_again()


@pytest.mark.fault("S7")
def test_a_key_that_is_no_longer_welcome(stage: Stage) -> None:
    """Refused once, and not tried again by itself: servers ban who knocks too often."""
    server = stage.sshd()
    accepted = KEYS / "authorized" / server.user
    aside = accepted.with_suffix(".aside")
    with stage.scene(server) as scene:
        accepted.rename(aside)
        try:
            server.drop_sessions()
            scene.shows("spark refuses the login of sparkuser with this key.")
            asked = server.log().count("Connection from")
            passes(8.0)
            assert server.log().count("Connection from") == asked
            assert [told.title for told in scene.theirs.told] == ["spark waits for you."]
            scene.calm(1)
        finally:
            aside.rename(accepted)


@pytest.mark.fault("S9")
def test_a_host_key_that_has_changed(stage: Stage) -> None:
    """A hard stop with both fingerprints; nothing about the person is sent, nothing is tried again."""
    with stage.scene() as scene:
        kept, port = scene.server.fingerprint, scene.server.port
        scene.server.stop()
        other = stage.rig.sshd(
            {"LogLevel": "DEBUG2"}, address=SPARK, port=port, host_key_name="other", host_keys=("ed25519",)
        )
        scene.shows(f"The host key of spark has changed: expected {kept}, shown {other.fingerprint}.")
        asked = other.log().count("Connection from")
        passes(8.0)
        assert other.log().count("Connection from") == asked
        assert "userauth-request" not in other.log()
        scene.calm(1)


@pytest.mark.fault("S10")
def test_only_a_key_of_another_type_is_offered(stage: Stage) -> None:
    """Not the same as a changed key, and said so; refused all the same."""
    server = stage.sshd()
    with stage.scene(server) as scene:
        port = server.port
        file = HostsFile(ConfigFolder(stage.folder / "config"))
        profile = file.get("spark")
        assert profile is not None
        file.add(replace(profile, key_type="ssh-ed25519"))
        wait_until(lambda: scene.logins() == 2, "the changed profile in use", seconds=20)
        server.stop()
        stage.rig.sshd(address=SPARK, port=port, host_keys=("ecdsa",))
        scene.shows("spark does not show its ssh-ed25519 host key any more")
        scene.calm(1)
