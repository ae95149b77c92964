from __future__ import annotations

import shlex

import pytest
from hypothesis import given

from sparktray.domain.host import (
    DEMO_HOST,
    HostProfile,
    folder_name,
    valid_address,
    valid_fingerprint,
    valid_host_name,
    valid_user,
)
from tests.pure.domain.hostile import ANY_TEXT, EMOJI, HIDING, HOSTILE

SPARK = HostProfile("spark", "spark.local", models_dir="/srv/models", cache_dir="/srv/cache")
DIGEST = "SHA256:" + "a+/Z" * 10 + "xyz"


def test_only_the_address_local_means_this_computer() -> None:
    assert HostProfile("here", "local").is_local
    assert not HostProfile("local", "spark.local").is_local


def test_the_built_in_demo_and_this_computer_need_no_login() -> None:
    assert DEMO_HOST.is_demo
    assert (DEMO_HOST.is_local, SPARK.is_demo) == (False, False)
    assert [host.by_ssh for host in (DEMO_HOST, HostProfile("here", "local"), SPARK)] == [False, False, True]


@pytest.mark.parametrize(
    ("path", "full"),
    [
        ("{models}/qwen", "/srv/models/qwen"),
        ("{cache}/hf", "/srv/cache/hf"),
        ("{models}", "/srv/models"),
        ("/opt/models/x/", "/opt/models/x"),
        ("/opt/models/x//", "/opt/models/x"),
        ("/", "/"),
        ("//", "/"),
        ("/opt/{other}/x", "/opt/{other}/x"),
        ("/opt/it's $(here)", "/opt/it's $(here)"),
    ],
)
def test_a_catalogue_path_becomes_a_path_of_the_host(path: str, full: str) -> None:
    assert SPARK.expand(path) == full


@pytest.mark.parametrize("path", ["/a/b/qwen", "/a/b/qwen/", "qwen", "qwen/"])
def test_the_last_part_of_a_path_names_the_folder(path: str) -> None:
    assert folder_name(path) == "qwen"


def test_the_root_has_no_folder_name() -> None:
    assert folder_name("/") == ""


@pytest.mark.parametrize("name", ["spark", "Spark-2", "a", "0", "a.b_c-d", "x" * 63])
def test_host_names_that_are_safe_as_file_names(name: str) -> None:
    assert valid_host_name(name)


@pytest.mark.parametrize(
    "name",
    [
        *HOSTILE,
        *("-spark", ".spark", "_spark", "..", "a/b", "a\\b", "a b", "spark\n", "größe", "x" * 64, "a:b"),
    ],
)
def test_host_names_that_are_refused(name: str) -> None:
    assert not valid_host_name(name)


ADDRESSES = ["spark.local", "10.0.0.7", "fe80::1%eth0", "[::1]", "spark-a1b2.lan", "SPARK", "bücher.de"]
SHELL = [f"a{character}b" for character in "'\"`$\\;&<>|(){},"]
SPACES = [" spark", "spark\n", *(f"a{space}b" for space in " \t\n\u00a0\u3000")]
NEVER = ["", "-oProxyCommand=id", "-", *SPACES, *HIDING]


@pytest.mark.parametrize("address", ADDRESSES)
def test_addresses_that_are_safe_on_a_command_line(address: str) -> None:
    assert valid_address(address)


@pytest.mark.parametrize("address", [*NEVER, *SHELL])
def test_addresses_that_could_be_an_option_or_shell_text_are_refused(address: str) -> None:
    assert not valid_address(address)


@pytest.mark.parametrize("user", ["spark", "anna.b", "_svc", "a-b", "DOMAIN+anna", "a,b", EMOJI.split()[0]])
def test_login_names_that_are_safe_on_a_command_line(user: str) -> None:
    assert valid_user(user)


@pytest.mark.parametrize("user", [*NEVER, *(text for text in SHELL if "," not in text), "anna@host"])
def test_login_names_that_could_be_an_option_or_shell_text_are_refused(user: str) -> None:
    assert not valid_user(user)


@given(ANY_TEXT)
def test_what_is_accepted_is_one_word_and_no_option(text: str) -> None:
    for accepted in (valid_address(text), valid_user(text), valid_host_name(text)):
        if accepted:
            assert shlex.split(text) == [text]
            assert text.isprintable() and not text.startswith("-")


@pytest.mark.parametrize("text", [DIGEST, "SHA256:" + "0" * 43])
def test_fingerprints_as_ssh_keygen_prints_them(text: str) -> None:
    assert valid_fingerprint(text)


@pytest.mark.parametrize(
    "text",
    [
        *HOSTILE,
        *(DIGEST[:-1], DIGEST + "a", DIGEST + "=", DIGEST + "\n", " " + DIGEST, DIGEST.replace("+", "-")),
        *(DIGEST.lower(), "MD5:" + "aa:" * 15 + "aa", DIGEST.removeprefix("SHA256:")),
    ],
)
def test_other_text_is_no_fingerprint(text: str) -> None:
    assert not valid_fingerprint(text)


def test_all_addresses_the_first_one_first() -> None:
    host = HostProfile("spark", "spark.local", further=("100.64.0.7",))
    assert host.addresses == ("spark.local", "100.64.0.7")
