"""What the hosts' windows advise: done in these windows, or typed as it stands."""

from __future__ import annotations

import pytest

from sparktray.control.problems import problem_of
from sparktray.domain.host import HostProfile
from sparktray.domain.phrase import phrase
from sparktray.domain.problem import Problem
from sparktray.remote.errors import (
    HostKeyChanged,
    HostKeyUnknown,
    KeyFileUnusable,
    LinkLost,
    LoginRefused,
    PortClosed,
    RemoteError,
)
from sparktray.store.paths import StoreError
from sparktray.ui.hosts.status import problem_from, way_out
from sparktray.ui.hosts.steps.login import install_command
from sparktray.wording import Wording

HOST = HostProfile("spark", "b", 22, "me", "/key")


@pytest.mark.parametrize(
    ("path", "host", "platform", "command"),
    [
        ("~/.ssh/k", HostProfile("a", "b", 22, "me"), "linux", "ssh-copy-id -i ~/.ssh/k.pub me@b"),
        ("/a b/k", HostProfile("a", "b", 2222, "me"), "linux", "ssh-copy-id -i '/a b/k.pub' -p 2222 me@b"),
        ("~/a b", HostProfile("a", "b", 22, "me"), "darwin", "ssh-copy-id -i '/home/me/a b.pub' me@b"),
        (
            r"C:\k",
            HostProfile("a", "b", 2222, "me"),
            "win32",
            r'type "C:\k.pub" | ssh -p 2222 me@b "cat >> .ssh/authorized_keys"',
        ),
    ],
)
def test_how_a_key_is_brought_to_the_host(
    monkeypatch: pytest.MonkeyPatch, path: str, host: HostProfile, platform: str, command: str
) -> None:
    monkeypatch.setenv("HOME", "/home/me")
    assert install_command(path, host, platform) == command


@pytest.mark.parametrize(
    ("error", "advice"),
    [
        (PortClosed(address="b", port="22"), "Start sshd on it, or correct the port."),
        (
            HostKeyUnknown(fingerprint="f", key_type="t"),
            "Choose Edit and enter the fingerprint that the host itself prints for: "
            "ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub",
        ),
        (
            HostKeyChanged(expected="a", shown="b"),
            "If you did not set the host up anew, somebody may be in between. If you did: "
            "remove it from the list and add it again.",
        ),
        (KeyFileUnusable(key_file="/key", reason="missing"), "Choose a key file."),
        (KeyFileUnusable(key_file="", reason="none-configured"), "Choose a key file."),
        (KeyFileUnusable(key_file="/key", reason="unsafe-mode"), "Close it: chmod 600 /key"),
        (
            LoginRefused(user="me"),
            "Install the key on the host: ssh-copy-id, or correct user and key file.",
        ),
    ],
)
def test_the_way_out_is_one_of_these_windows(error: RemoteError, advice: str) -> None:
    assert Wording("en")(way_out(problem_of(error, HOST))) == advice


def test_what_is_of_no_window_stays_as_it_is() -> None:
    remedy = phrase("Add it: sparktray host add NAME --address ADDRESS")
    assert way_out(Problem("usage-unknown-host", phrase("x"), remedy)) == remedy


def test_every_error_becomes_a_problem() -> None:
    told = Problem("store-unwritable", phrase("x"), phrase("y"))
    assert problem_from(StoreError(told), HOST) == told
    assert problem_from(LinkLost(reason="x"), HOST).code == "link-lost"
    assert problem_from(ValueError("x"), HOST).code == "internal"
