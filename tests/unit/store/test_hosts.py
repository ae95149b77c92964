"""The list of hosts: order, the one in use, and files that somebody or something broke."""

from pathlib import Path

import pytest

from sparktray.domain.host import HostProfile
from sparktray.store.hosts import Hosts, HostsFile
from sparktray.store.paths import ConfigFolder, StoreError

SPARK = HostProfile("spark", "10.0.0.2", user="me", key_file="/k", fingerprint="SHA256:" + "a" * 43)
OTHER = HostProfile("other", "local")


@pytest.fixture
def hosts(tmp_path: Path) -> HostsFile:
    return HostsFile(ConfigFolder(tmp_path / "config"))


def test_nothing_there_is_no_host_and_makes_nothing(hosts: HostsFile) -> None:
    assert hosts.load() == Hosts()
    assert hosts.get() is None
    assert not hosts.path.parent.exists()


def test_what_is_added_comes_back_whole_and_in_order(hosts: HostsFile) -> None:
    hosts.add(SPARK)
    hosts.add(OTHER)
    assert hosts.load() == Hosts((SPARK, OTHER), "spark")
    assert hosts.get() == SPARK
    assert hosts.get("other") == OTHER
    assert hosts.get("none") is None


def test_adding_a_known_name_changes_it_in_its_place(hosts: HostsFile) -> None:
    for profile in (SPARK, OTHER, moved := HostProfile("spark", "10.0.0.3")):
        hosts.add(profile)
    assert hosts.load() == Hosts((moved, OTHER), "spark")


def test_use_and_remove(hosts: HostsFile) -> None:
    hosts.add(SPARK)
    hosts.add(OTHER)
    assert hosts.use("other").in_use == "other"
    assert hosts.load().in_use == "other"
    assert hosts.remove("other") == hosts.load() == Hosts((SPARK,), "spark")
    assert hosts.remove("spark") == hosts.load() == Hosts()
    assert hosts.add(OTHER).in_use == "other"


def test_removing_another_one_keeps_the_one_in_use(hosts: HostsFile) -> None:
    hosts.add(SPARK)
    hosts.add(OTHER)
    hosts.use("other")
    assert hosts.remove("spark").in_use == "other"


@pytest.mark.parametrize("call", ["use", "remove"])
def test_an_unknown_name_is_said_with_the_known_ones(hosts: HostsFile, call: str) -> None:
    hosts.add(SPARK)
    with pytest.raises(StoreError) as raised:
        getattr(hosts, call)("none")
    assert raised.value.problem.code == "usage-unknown-host"
    assert raised.value.problem.remedy.values == {"names": "spark"}
    assert hosts.load() == Hosts((SPARK,), "spark")


WHOLE = b'{"version": 1, "in_use": "s", "hosts": [{"name": "s", "address": "a"}]}'


@pytest.mark.parametrize(
    "text",
    [
        b"",
        WHOLE[:40],
        b"\0" * 100,
        WHOLE.decode().encode("utf-16"),
        b"[]",
        b"null",
        b'{"version": 1, "hosts": [{"name": "s"}]}',
        b'{"version": 1, "hosts": [{"name": "s", "address": "a", "port": "22"}]}',
        b'{"version": 1, "hosts": [{"name": "s", "address": "a", "port": 0}]}',
        b'{"version": 1, "hosts": [{"name": "s", "address": "-oProxyCommand=x"}]}',
        b'{"version": 1, "hosts": [{"name": "../s", "address": "a"}]}',
        b'{"version": 1, "hosts": [{"name": "s", "address": "a", "user": "$(x)"}]}',
        b'{"version": 1, "hosts": [{"name": "s", "address": "a", "fingerprint": "MD5:x"}]}',
        b'{"version": 1, "hosts": [{"name": "s", "address": "a"}, {"name": "s", "address": "b"}]}',
        b'{"hosts": ' + b"[" * 100_000,
    ],
)
@pytest.mark.fault("L6")
def test_a_broken_file_is_kept_and_said_and_the_next_start_works(hosts: HostsFile, text: bytes) -> None:
    hosts.path.parent.mkdir()
    hosts.path.write_bytes(text)
    with pytest.raises(StoreError) as raised:
        hosts.load()
    assert raised.value.problem.code == "store-corrupt"
    (kept,) = hosts.path.parent.glob("hosts.json.corrupt-*Z")
    assert kept.read_bytes() == text
    assert raised.value.problem.cause.values["path"] == str(kept)
    assert hosts.load() == Hosts()


def test_a_byte_order_mark_and_unknown_keys_do_no_harm(hosts: HostsFile) -> None:
    hosts.path.parent.mkdir()
    hosts.path.write_bytes(b"\xef\xbb\xbf" + WHOLE.replace(b'"version"', b'"later": {}, "version"'))
    assert hosts.load() == Hosts((HostProfile("s", "a"),), "s")


def test_a_newer_file_is_left_alone(hosts: HostsFile) -> None:
    hosts.path.parent.mkdir()
    text = b'{"version": 2, "hosts": {"something": "else"}}'
    hosts.path.write_bytes(text)
    for call in (hosts.load, lambda: hosts.add(SPARK)):
        with pytest.raises(StoreError) as raised:
            call()
        assert raised.value.problem.code == "store-version"
    assert hosts.path.read_bytes() == text


def test_a_host_in_use_that_is_gone_gives_way_to_the_first(hosts: HostsFile) -> None:
    hosts.path.parent.mkdir()
    hosts.path.write_bytes(WHOLE.replace(b'"in_use": "s"', b'"in_use": "gone"'))
    assert hosts.load().in_use == "s"
