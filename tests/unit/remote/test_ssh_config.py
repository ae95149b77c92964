"""The user's SSH configuration: what is left out, and what bounds it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sparktray.remote.ssh_files.config import MAX_INCLUDES, SshConfig, read_config
from sparktray.remote.ssh_files.lookup import HostSettings, settings_for
from sparktray.remote.ssh_files.patterns import host_listed, matches
from sparktray.remote.ssh_files.reading import (
    MAX_FILE_BYTES,
    MAX_LINE_BYTES,
    LeftOut,
    Reason,
    config_files,
    this_person,
)
from sparktray.remote.ssh_files.values import Jump, jumps_of
from tests.unit.remote.openssh import (
    PERSON,
    in_memory,
)

OWN = "/home/me/.ssh/config"
SYSTEM = "/etc/ssh/ssh_config"
TOO_LONG = MAX_LINE_BYTES + 1


def read(text: str | bytes, **others: str | bytes) -> SshConfig:
    """The configuration of the files in memory; others lie in /x."""
    files = {OWN: text, **{f"/x/{name}": content for name, content in others.items()}}
    return read_config(
        PERSON,
        in_memory(
            {n: c.encode("utf-8", "surrogateescape") if isinstance(c, str) else c for n, c in files.items()}
        ),
    )


def asked(text: str | bytes, host: str = "spark", **others: str | bytes) -> HostSettings:
    return settings_for(read(text, **others), host)


def told(config: SshConfig) -> list[tuple[int, Reason]]:
    return [(left.line, left.reason) for left in config.left_out]


def test_what_was_given_goes_before_what_is_written() -> None:
    config = read("Match user given\n HostName a\nUser b\nPort 5\nIdentityFile /k/%r_%p\n")
    found = settings_for(config, "spark", user="given", port=22)
    assert (found.user, found.port, found.address) == ("given", 22, "a")
    assert found.identity_files == ("/k/given_22",)


def test_the_users_file_goes_before_the_systems() -> None:
    files = {
        OWN: b"Host spark\n User a\n IdentityFile /k/a\n Include sub/*.conf\n",
        SYSTEM: b"Include ssh_config.d/*.conf\nInclude ~/x\nUser b\nPort 5\nIdentityFile /k/b\n",
        "/etc/ssh/ssh_config.d/1.conf": b"Port 4\n",
        "/home/me/.ssh/sub/2.conf": b"HostName second\n",
        "/home/me/.ssh/sub/1.conf": b"HostName first\n",
        "/home/me/x": b"HostName never\n",
    }
    config = read_config(PERSON, in_memory(files))
    if os.name == "posix":
        found = settings_for(config, "spark")
        assert (found.user, found.port, found.address) == ("a", 4, "first")
        assert found.identity_files == ("/k/a", "/k/b")
        assert config.left_out == (LeftOut(SYSTEM, 2, Reason.BAD_VALUE),)  # ~ means nobody there


def test_without_any_file() -> None:
    config = read_config(PERSON, in_memory({}))
    assert config.left_out == () and settings_for(config, "Spark") == HostSettings("spark")


@pytest.mark.parametrize(
    "criterion",
    [
        "exec true",
        "!exec false",
        "canonical",
        "final",
        "!final",
        "canonical all",
        "final all",
        "localnetwork 10.0.0.0/8",
        "tagged x",
        "sessiontype shell",
        "host spark exec true",
        "sorcery",
    ],
)
def test_what_cannot_be_judged_is_not_applied_and_told(criterion: str) -> None:
    found = asked(f"Match {criterion}\n User a\nMatch all\n Port 3\n")
    assert (found.user, found.port) == (None, 3)
    assert found.left_out == (LeftOut(OWN, 1, Reason.UNKNOWN_CRITERION),)


def test_no_time_limit_is_a_value_and_nothing_to_tell() -> None:
    assert asked("ConnectTimeout none\n") == HostSettings("spark")


def test_nothing_is_told_of_a_block_that_means_another_host() -> None:
    assert asked("Match host other exec true\n User a\nHost other\n Port x\n").left_out == ()


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("Port 0", Reason.BAD_VALUE),
        ("Port 65536", Reason.BAD_VALUE),
        ("Port -1", Reason.BAD_VALUE),
        ("Port ²", Reason.BAD_VALUE),
        ("Port 1 2", Reason.BAD_LINE),
        ('User ""', Reason.BAD_LINE),
        ("User # a", Reason.BAD_LINE),
        ('User "a', Reason.BAD_LINE),
        ("HostName %p", Reason.BAD_VALUE),
        ("HostName a%", Reason.BAD_VALUE),
        ("IdentityFile %C", Reason.BAD_VALUE),
        ("IdentityFile ~other/key", Reason.BAD_VALUE),
        ("IdentityFile ${NOT_THERE}/key", Reason.BAD_VALUE),
        ("IdentitiesOnly maybe", Reason.BAD_VALUE),
        ("ConnectTimeout soon", Reason.BAD_VALUE),
        ("ConnectTimeout 99999999w", Reason.BAD_VALUE),
        ("ProxyJump a,,b", Reason.BAD_VALUE),
        ("ProxyJump a:0", Reason.BAD_VALUE),
        ("ProxyJump @a", Reason.BAD_VALUE),
        ("ProxyJump fe80::1", Reason.BAD_VALUE),
        ("Match", Reason.BAD_LINE),
        ("Match host", Reason.BAD_LINE),
        ('Match host "a', Reason.BAD_LINE),
        ('Match host spark "a', Reason.BAD_LINE),
        ("Match # host", Reason.BAD_LINE),
    ],
)
def test_a_bad_line_is_told_and_the_rest_counts(line: str, reason: Reason) -> None:
    config = read(f"{line}\nHost *\nUser good\nPort 7\n")
    found = settings_for(config, "spark")
    assert (found.user, found.port, found.address) == ("good", 7, "spark")
    assert found.identity_files == () and found.jumps == () and found.connect_timeout is None
    assert (*config.left_out, *found.left_out) == (LeftOut(OWN, 1, reason),)


def test_lines_that_are_none() -> None:
    assert told(read('Host\n"\nInclude "a\nInclude ""\nInclude ~other/x\n\n')) == [
        *((1, Reason.BAD_LINE), (2, Reason.BAD_LINE), (3, Reason.BAD_LINE)),
        *((4, Reason.BAD_LINE), (5, Reason.BAD_VALUE)),
    ]
    assert asked('Host "spark\nUser a\nHost ""\nUser b\n').user is None


def test_includes_that_bite_their_tail() -> None:
    config = read(
        "Include /x/a\nUser me\n", a="Include /x/b\nPort 5\n", b="Include /x/a /x/b /home/me/.ssh/config\n"
    )
    found = settings_for(config, "spark")
    assert (found.user, found.port) == ("me", 5)
    assert {left.reason for left in config.left_out} == {Reason.INCLUDE_LOOP} and len(config.left_out) == 3


def test_includes_are_bounded_in_depth_and_number() -> None:
    deep = {str(n): f"Include /x/{n + 1}\n" for n in range(1, 40)}
    assert told(read("Include /x/1\nUser me\n", **deep)) == [(1, Reason.INCLUDE_LOOP)]
    # Each file takes in the next one twice: a million files if nobody counted.
    twice = {str(n): f"Include /x/{n + 1} /x/{n + 1}\n" for n in range(1, 15)}
    config = read("Include /x/1\nUser me\n", **twice, **{"15": "Port 5\n"})
    assert {reason for _, reason in told(config)} == {Reason.TOO_MANY_INCLUDES}
    assert (settings_for(config, "spark").user, settings_for(config, "spark").port) == ("me", 5)
    assert len(told(config)) < MAX_INCLUDES


def test_long_lines_and_large_files() -> None:
    assert asked("#" * TOO_LONG + "\nUser a\n").user == "a"
    assert told(read("User " + "a" * TOO_LONG + "\nPort 5\n")) == [(1, Reason.LONG_LINE)]
    assert told(read(b"x" * 10_000_000 + b"\nUser a\n")) == [(0, Reason.TOO_LARGE)]
    full = b"#\n" * (MAX_FILE_BYTES // 2)
    many = {str(n): full for n in range(8)}
    assert told(read("Include /x/*\nUser a\n", **many)).count((0, Reason.TOO_LARGE)) == 5


@pytest.mark.parametrize("encoding", ["utf-8-sig", "latin-1", "utf-8"])
def test_encodings(encoding: str) -> None:
    found = asked("User ä\nPort 5\n".encode(encoding))
    assert found.port == 5
    assert found.user is not None and len(found.user) == 1
    assert asked("User a\nPort 5\n".encode("utf-16")) == HostSettings("spark", left_out=())


def test_jumps() -> None:
    assert jumps_of("me@a@b:2") == (Jump("b", "me@a", 2),)
    assert jumps_of("[fe80::1],b:") == (Jump("fe80::1"), Jump("b"))
    assert jumps_of("ssh://m%40e@b:2/") == (Jump("b", "m@e", 2),)
    found = asked("ProxyJump %r@%h-%n:2,%z\nUser u\nHostName h\n")
    assert found.jumps == (Jump("h-spark", "u", 2), Jump("%z"))


def test_patterns_take_no_longer_for_many_stars() -> None:
    assert not matches("a" * 255, "*a" * 5000 + "b")
    assert matches("a" * 255, "*a" * 255 + "*") and matches("", "**") and not matches("", "?")
    assert not host_listed("spark", "!spark,*," + "x" * 2000)
    assert not host_listed("spark", "*," + "x" * 2000)  # OpenSSH gives up on the whole list
    assert not host_listed("spar\u212a", "spark")  # the sign for Kelvin is no k


@given(st.binary(max_size=400), st.text(max_size=20))
def test_any_bytes_give_an_answer(data: bytes, host: str) -> None:
    assert isinstance(settings_for(read(data, a=data), host), HostSettings)


@given(
    st.lists(
        st.tuples(
            st.sampled_from(
                ["Host", "Match", "HostName", "User", "Port", "IdentityFile", "ProxyJump", "ConnectTimeout"]
            ),
            st.text(alphabet=" \t\"'\\#=%~$!*?,@:[]{}ab1/\0\r\u00e4", max_size=12),
        ).map(" ".join)
    ).map("\n".join)
)
def test_any_line_gives_an_answer(text: str) -> None:
    found = asked(text)
    assert found.port is None or 0 < found.port < 65_536
    assert found.connect_timeout is None or found.connect_timeout >= 0


def test_the_disk(tmp_path: Path) -> None:
    files = config_files()
    config = tmp_path / "config"
    config.write_bytes(b"User a\n")
    config.chmod(0o600)
    assert files.read(str(config)) == b"User a\n"
    assert files.read(str(tmp_path / "missing")) is None
    assert files.read("with\0nul") is Reason.UNREADABLE
    assert files.find(str(tmp_path / "c*")) == [str(config)] and files.find("/no/wildcard") == (
        "/no/wildcard",
    )
    large = tmp_path / "large"
    large.write_bytes(b"#" * 3_000_000)
    large.chmod(0o600)
    found = read_config(PERSON, files, of_user=[str(large)])
    assert LeftOut(str(large), 0, Reason.TOO_LARGE) in found.left_out
    if os.name == "posix":
        os.mkfifo(tmp_path / "pipe")  # opening it would wait for ever
        assert files.read(str(tmp_path / "pipe")) is Reason.NO_FILE
        assert files.read("/dev/zero") is Reason.NO_FILE
        assert files.read(str(tmp_path)) in (Reason.NO_FILE, Reason.UNREADABLE)


def test_this_person(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/somebody")
    monkeypatch.setenv("USERPROFILE", "/home/somebody")
    monkeypatch.setenv("LOGNAME", "somebody")
    found = this_person()
    assert (found.home, found.user, found.environment["LOGNAME"]) == (
        "/home/somebody",
        "somebody",
        "somebody",
    )
