"""The grammar of the command line."""

import argparse
from pathlib import Path

import pytest

from sparktray.cli.arguments import parse
from sparktray.cli.problems import Told
from sparktray.wording import Wording


def parsed(*words: str) -> argparse.Namespace:
    return parse(words, Wording("en"))


@pytest.mark.parametrize(
    "words",
    [
        ("--host", "a", "--json", "--config", "/c", "--verbose", "status"),
        ("status", "--host", "a", "--json", "--config", "/c", "--verbose"),
        ("--json", "--host", "a", "status", "--config=/c", "--verbose"),
        ("--host", "b", "status", "--host", "a", "--json", "--config", "/c", "--verbose"),
    ],
)
def test_common_options_stand_before_or_after(words: tuple[str, ...]) -> None:
    found = parsed(*words)
    assert (found.command, found.host, found.json) == ("status", "a", True)
    assert (found.config, found.verbose) == (Path("/c"), True)


@pytest.mark.parametrize(
    "words", [("--json", "host", "test"), ("host", "--json", "test"), ("host", "test", "--json")]
)
def test_they_stand_before_or_between_or_after_an_action_too(words: tuple[str, ...]) -> None:
    found = parsed(*words)
    assert (found.command, found.action, found.json, found.name) == ("host", "test", True, None)


def test_what_is_not_said_is_set() -> None:
    found = parsed()
    assert (found.command, found.host, found.json, found.config, found.verbose) == (
        None,
        None,
        False,
        None,
        False,
    )


def test_switch() -> None:
    found = parsed(
        "switch", "m", "--on", "vllm", "--dry-run", "--replace", "--no-rollback", "--timeout", "2.5"
    )
    assert (found.model, found.on, found.dry_run, found.replace) == ("m", "vllm", True, True)
    assert (found.no_rollback, found.timeout) == (True, 2.5)
    plain = parsed("switch", "m")
    assert (plain.on, plain.dry_run, plain.replace, plain.no_rollback, plain.timeout) == (
        None,
        False,
        False,
        False,
        None,
    )


def test_models() -> None:
    plain = parsed("models")
    assert (plain.discover, plain.from_run, plain.add) == (False, None, None)
    assert parsed("models", "--discover").discover
    assert parsed("models", "--add", "a", "b").add == ["a", "b"]
    assert parsed("models", "--discover", "--add").add == []
    assert parsed("models", "--from-run", "-", "--add", "a").from_run == "-"
    with pytest.raises(Told):
        parsed("models", "--discover", "--from-run", "-")


def test_the_others() -> None:
    assert parsed("stop").server is None
    assert parsed("stop", "vllm", "--dry-run").dry_run
    assert parsed("stop", "vllm", "--stay-down").stay_down and not parsed("stop").stay_down
    assert parsed("model-id", "vllm").server == "vllm"
    assert parsed("base-url").server is None
    logs = parsed("logs", "vllm", "-f", "--tail", "7")
    assert (logs.server, logs.follow, logs.tail) == ("vllm", True, 7)
    assert parsed("logs").tail == 200
    assert parsed("monitor", "--watch").watch
    assert not parsed("status").watch
    assert parsed("journal", "--last", "3").last == 3
    assert parsed("journal").last == 20


@pytest.mark.parametrize(
    "words",
    [
        ("nonsense",),
        ("switch",),
        ("switch", "a", "b"),
        ("switch", "--", "a", "b"),
        ("host",),
        ("host", "nonsense"),
        ("host", "use"),
        ("status", "--wat"),  # no abbreviations: they would break when an option is added
        ("logs", "--tail", "-1"),
        ("logs", "--tail", "x"),
        ("logs", "--tail", "9" * 5000),
        ("logs", "--tail", "٣"),
        ("switch", "m", "--timeout", "0"),
        ("switch", "m", "--timeout", "-3"),
        ("switch", "m", "--timeout", "inf"),
        ("switch", "m", "--timeout", "x"),
        ("host", "add", "a", "--address", "b", "--port", "0"),
        ("host", "add", "a", "--address", "b", "--port", "65536"),
        ("--host",),
    ],
)
def test_a_mistake_is_told_with_code_2(words: tuple[str, ...]) -> None:
    with pytest.raises(Told) as raised:
        parsed(*words)
    assert (raised.value.problem.code, raised.value.exit_code) == ("usage", 2)


def test_a_context_is_at_least_one_token_and_may_be_ten_million() -> None:
    assert parsed("switch", "scout", "--context", "10000000").context == 10_000_000
    for wrong in ("0", "-1", "32k", "1e6", ""):
        with pytest.raises(Told):
            parsed("switch", "scout", "--context", wrong)


@pytest.mark.parametrize(
    "words",
    [
        ("snippet", "curl", "sglang", "--copy"),
        ("snippet", "curl", "--copy", "sglang"),
        ("snippet", "--copy", "curl", "sglang"),
    ],
)
def test_a_snippet_s_server_stands_anywhere(words: tuple[str, ...]) -> None:
    found = parsed(*words)
    assert (found.client, found.server, found.copy) == ("curl", "sglang", True)


def test_a_word_too_much_is_a_mistake() -> None:
    for words in (
        ("snippet", "curl", "sglang", "--copy", "more"),
        ("status", "more"),
        ("snippet", "curl", "--no"),
    ):
        with pytest.raises(Told):
            parsed(*words)
