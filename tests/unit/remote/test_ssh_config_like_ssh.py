"""The user's SSH configuration, measured by the real ssh."""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sparktray.remote.ssh_files.config import SshConfig, read_config
from sparktray.remote.ssh_files.lookup import settings_for
from sparktray.remote.ssh_files.reading import Reason, config_files
from tests.unit.remote.openssh import HAS_SSH, as_ssh_says, compared, myself, real_answer

# Each is asked for the hosts after it. {d} is the folder of the files; those after the first are included.
SAME = [
    (["Host spark\n HostName 10.0.0.5\n User nv\n Port 2222\n"], "spark other"),
    (["Host s*\n User a\nHost spark\n User b\n"], "spark"),
    (["Host *\n Port 1\nHost spark\n Port 2\n"], "spark"),
    (["Host sp?rk\n User a\n"], "spark sprk spaark"),
    (["Host * !spark\n User a\n"], "spark other"),
    (["Host !spark *\n User a\n"], "spark other"),
    (["Host !spark\n User a\n"], "spark other"),
    (["Host a b spark c\n User a\n"], "spark b x"),
    (["Host a,spark\n User a\n"], "spark"),
    (["Host SPARK\n User a\n"], "spark SPARK"),
    (["HOST spark\n USER a\n hostNAME X.Local\n"], "spark"),
    (["Host spark\n HostName %h.local\n"], "spark"),
    (["Host spark\n HostName %h%%x\n"], "spark"),
    (["Host spark\n HostName fe80::1%%eth0\n"], "spark"),
    (["User=a\nPort = 5\nHostName= b\nConnectTimeout =7\n"], "spark"),
    (['User "a b"\nHostName "x"\n'], "spark"),
    (["User 'a b'\n"], "spark"),
    (["Host \"spark\" 'b'\n User a\n"], "spark b"),
    (["User a # comment\nPort 7#\n"], "none-of-both"),
    (["User a # comment\n# User b\n   # c\nPort 7\n"], "spark"),
    (["User a#b\n"], "spark"),
    (["\tHost\tspark\t\n\t\tUser\ta\t\f\n"], "spark"),
    (["Host spark\r\n User a\r\n Port 3\r\n"], "spark"),
    (["User a\n\n\n   \nPort 9"], "spark"),
    (["User a\0b\nPort 9\n"], "spark"),
    (["User \udcff\udcfe\n"], "spark"),
    (["User äöü\n"], "spark"),
    (["IdentityFile /k/a\nIdentityFile /k/b\nIdentityFile /k/a\n"], "spark"),
    (["Host spark\n IdentityFile ~/.ssh/a\nHost *\n IdentityFile /k/b\n"], "spark other"),
    (['IdentityFile "/k/with blank"\nIdentityFile /k/with\\ blank2\n'], "spark"),
    (['IdentityFile "C:\\Users\\me\\key"\nIdentityFile C:\\k\\\\b\n'], "spark"),
    (['IdentityFile "/k/a\\ b"\nIdentityFile /k/\\"c\\"\n'], "spark"),
    (["IdentityFile none\n"], "spark"),
    (["IdentityFile2 /k/old\n"], "spark"),
    (["IdentitiesOnly yes\nIdentitiesOnly no\n"], "spark"),
    (["IdentitiesOnly TRUE\n"], "spark"),
    (["IdentitiesOnly no\n"], "spark"),
    (["ProxyJump me@gate:2200\n"], "spark"),
    (["ProxyJump a,b@c:22,[fe80::2]:44\n"], "spark"),
    (["ProxyJump 10.0.0.1\n"], "spark"),
    (["ProxyJump none\nProxyJump gate\n"], "spark"),
    (["Host spark\n ProxyJump none\nHost *\n ProxyJump gate\n"], "spark other"),
    (["ProxyJump ssh://me@gate:2200\n"], "spark"),
    (["ProxyJump gate\nProxyCommand nc %h %p\n"], "spark"),
    (["ProxyCommand nc  %h %p\nProxyJump gate\n"], "spark"),
    (["ProxyCommand none\nProxyJump gate\n"], "spark"),
    (["ProxyJump none\nProxyCommand nc %h\nProxyJump gate\n"], "spark"),
    (["ConnectTimeout 1m30s\n"], "spark"),
    (["ConnectTimeout 2H\n"], "spark"),
    (["ConnectTimeout 5\nConnectTimeout 6\n"], "spark"),
    (["ConnectTimeout none\nConnectTimeout 6\n"], "spark"),
    (["HostKeyAlias Alias\nHostKeyAlias b\n"], "spark"),
    (["Match all\n User a\n"], "spark"),
    (["Match all # comment\n User a\n"], "spark"),
    (["Match !all\n User a\nMatch all\n Port 3\n"], "spark"),
    (["Match host spark\n User a\nMatch host other,sp*\n Port 3\n"], "spark SPARK x"),
    (["Host s\n HostName spark.local\nMatch host *.local\n User a\n"], "s other"),
    (["Match host *.local\n User a\nHost s\n HostName spark.local\n"], "s"),
    (["Host s\n HostName %h.local\nMatch host s.local originalhost s\n User a\n"], "s t"),
    (["Match originalhost !spark,*\n User a\n"], "spark other"),
    (["Match !host spark\n User a\n"], "spark other"),
    (["User nv\nMatch user nv\n Port 3\nMatch user other\n Port 4\n"], "spark"),
    (["Match user nobody-here\n Port 3\nMatch all\n Port 4\n"], "spark"),
    (["Match localuser {u}\n Port 3\n"], "spark"),
    (["Match !localuser {u}\n Port 3\n"], "spark"),
    (['Match host "spark" user *\n Port 3\n'], "spark x"),
    (["Match host=spark\n Port 3\nMatch originalhost = x\n Port 4\n"], "spark x"),
    (["Match host spark # comment\n Port 3\n"], "spark"),
    (["Match HOST spark\n Port 3\n"], "spark"),
    (["Host spark\n User a\nMatch host x\n Port 4\nHost *\n Port 5\n"], "spark x"),
    (["Include {d}/1\nUser late\n", "User early\nPort 5\n"], "spark"),
    (["Host spark\n Include {d}/1\n Port 9\n", "User a\n"], "spark other"),
    (
        ["Host spark\n Include {d}/1\n Port 9\n", "Host other\n User a\nMatch all\n HostName x\n"],
        "spark other",
    ),
    (["Include {d}/1\nPort 5\n", "Host nobody\n User a\n"], "spark"),
    (["Include {d}/1 {d}/2\n", "User a\n", "User b\nPort 3\n"], "spark"),
    (["Include {d}/[12]\nInclude {d}/?\n", "User a\n", "Port 3\n"], "spark"),
    (["Include {d}/missing {d}/*.conf {d}/1\n", "User a\n"], "spark"),
    (['Include "{d}/1"\n', "Include {d}/2\nUser b\n", "User c\n"], "spark"),
    (["LogLevel ERROR\nForwardAgent yes\nSendEnv LANG\nUser a\nLocalForward 1 a:2\n"], "spark"),
    (["Host spark\nHost other\n User a\n"], "spark other"),
    ([""], "spark 10.0.0.5 fe80::1 SPARK.Local"),
]


if HAS_SSH:

    def same(folder: Path, texts: list[str], host: str, *, refused: bool = False) -> None:
        """Our answer is ssh's."""
        person = myself()
        for number, text in enumerate(texts):
            file = folder / (str(number) if number else "config")
            file.write_bytes(
                text.replace("{d}", str(folder))
                .replace("{u}", person.user)
                .encode("utf-8", "surrogateescape")
            )
            file.chmod(0o600)
        path = folder / "config"
        usual = real_answer(Path("/dev/null"), host)
        answer = real_answer(path, host)
        assert usual is not None
        if answer is None:
            assert refused, "ssh refuses this file: it proves nothing"
            return
        # As with ssh -F, the system's file does not count.
        config = read_config(person, config_files(), of_user=[str(path)])
        config = SshConfig(person, config.files[:1], config.left_out)
        ours = as_ssh_says(settings_for(config, host), person)
        assert ours == compared(answer, usual, person.home)

    @pytest.mark.parametrize(("texts", "hosts"), SAME, ids=lambda value: str(value)[:60])
    def test_the_same_as_ssh(tmp_path: Path, texts: list[str], hosts: str) -> None:
        for host in hosts.split():
            same(tmp_path, texts, host, refused=host == "none-of-both")

    NAMES = ["spark", "s*", "*", "!spark", "!*", "?park", "x", "10.0.0.?", "SPARK", '"spark"']
    LISTS = ["spark", "s*,x", "!spark,*", "*.local", '"x,spark"', "*"]
    BLOCK = st.one_of(
        st.lists(st.sampled_from(NAMES), min_size=1, max_size=3).map(lambda names: "Host " + " ".join(names)),
        st.lists(
            st.tuples(
                st.sampled_from(["host", "!host", "originalhost", "user", "!user", "localuser", "HOST"]),
                st.sampled_from([" ", "=", " = "]),
                st.sampled_from(LISTS),
            ).map("".join),
            min_size=1,
            max_size=3,
        ).map(lambda criteria: "Match " + " ".join(criteria)),
        st.just("Match all"),
    )
    VALUE = st.sampled_from(
        [
            *("HostName spark.local", "HostName %h.lan", "HostName 10.0.0.5", "hostname=x", "HostName 'a'"),
            *("User a", 'User "b c"', "User = d # e", "Port 22", "Port\t44", "Port=7 "),
            *("IdentityFile /k/a", "IdentityFile ~/b", 'IdentityFile "/k/c d"', "IdentityFile none"),
            *("IdentitiesOnly yes", "IdentitiesOnly false", "ConnectTimeout 1m", "ConnectTimeout none"),
            *("ProxyJump g", "ProxyJump a@g:2,h", "ProxyJump none", "HostKeyAlias K"),
            *("# User no", "", "Include {d}/1", "Include {d}/?", "Compression yes"),
        ]
    )
    LINES = st.lists(st.one_of(BLOCK, VALUE, VALUE), max_size=9).map("\n".join)

    @settings(max_examples=60, deadline=None)
    @given(
        LINES, LINES.map(lambda text: text.replace("Include", "# Include")), st.sampled_from(["spark", "x"])
    )
    def test_the_same_as_ssh_for_any_mixture(text: str, included: str, host: str) -> None:
        with tempfile.TemporaryDirectory() as folder:
            same(Path(folder), [text, included], host)

    def test_tokens_in_paths_are_those_of_ssh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("KEYS_OF", "/percent%d")
        lines = (
            "HostName %h.LOCAL\nUser nv\nPort 2222\nHostKeyAlias Alias\n"
            "IdentityFile /k/%h_%n_%p_%r_%u_%k_%%\nIdentityFile ~/%u\nIdentityFile %d/x\n"
            "IdentityFile ${KEYS_OF}/y\n"
        )
        path = tmp_path / "config"
        path.write_text(lines)
        # The connection is a program that ends at once; ssh names the keys it would use before it notices.
        command = ["ssh", "-v", "-F", str(path), "-o", "ProxyCommand=/bin/true", "Spark"]
        done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL)
        begin = "debug1: identity file "
        named = [
            line[len(begin) :].rpartition(" type ")[0] for line in done.stderr.splitlines() if begin in line
        ]
        config = read_config(myself(), config_files(), of_user=[str(path)])
        keys = settings_for(config, "Spark").identity_files
        assert list(keys) == [name for name in named if not name.endswith("-cert")]
        assert len(keys) == 4

    def test_a_file_that_others_may_write_is_refused_as_ssh_refuses_it(tmp_path: Path) -> None:
        config, included = tmp_path / "config", tmp_path / "included"
        config.write_text(f"Include {included}\nPort 3\n")
        included.write_text("User a\n")
        config.chmod(0o600)
        included.chmod(0o646)
        assert real_answer(config, "spark") is None
        found = read_config(myself(), config_files(), of_user=[str(config)])
        assert [(left.path, left.reason) for left in found.left_out] == [(str(included), Reason.UNSAFE_MODE)]
        assert settings_for(found, "spark").user is None
        # With a group of one's own, ssh of Debian and Ubuntu lets 0664 pass; other builds are stricter.
        included.chmod(0o664)
        if real_answer(config, "spark") is not None:
            found = read_config(myself(), config_files(), of_user=[str(config)])
            assert settings_for(found, "spark").user == "a"
