from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from sparktray.domain.action import UnloadOllama
from sparktray.domain.asking import Answer
from sparktray.domain.facts.survey import Listener, read_listeners
from sparktray.domain.facts.vitals import Vitals, read_vitals
from sparktray.domain.host import (
    HostProfile,
    folder_name,
    valid_address,
    valid_fingerprint,
    valid_host_name,
    valid_user,
)
from sparktray.domain.operation import (
    Operation,
    OperationEnd,
    OperationKind,
    Step,
    StepName,
    StepRun,
    StopWish,
)
from sparktray.domain.phrase import phrase
from sparktray.domain.snapshot import first_snapshot
from sparktray.domain.text import clean_line, clean_name, has_hidden, split_log
from tests.pure.decide.building import CATALOGUE, HOST, sglang_box


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("scout", "scout"),
        ("  a \n b\t", "a b"),
        ("a\x1b[31mb", "a [31mb"),
        ("\u202egpt", "gpt"),
        ("e\u0301", "é"),
        ("x" * 64, "x" * 64),
        ("x" * 65, "x" * 63 + "…"),
        ("", ""),
    ],
)
def test_a_name_is_plain_text_of_one_line(text: str, shown: str) -> None:
    assert clean_name(text) == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[1;32mok\x1b[0m done", "ok done"),
        ("\x1b]0;title\x07text", "text"),
        ("a\tb\x00c  ", "a bc"),
        ("api_key='abc', port=1", "api_key=***, port=1"),
        ("'api_key': 'a b', x", "'api_key': ***, x"),
        ('--api-key "s e c" x', "--api-key *** x"),
        ("--admin-api-key sec x", "--admin-api-key *** x"),
        ("API-KEY=abc)", "API-KEY=***)"),
        ("api_key=['a', 'b'] x", "api_key=*** x"),
        ("z" * 5000, "z" * 2000),
    ],
)
def test_a_log_line_is_plain_text_without_keys(text: str, shown: str) -> None:
    assert clean_line(text) == shown


@given(st.text())
def test_nothing_hidden_is_left_of_any_text(text: str) -> None:
    assert not has_hidden(clean_name(text))
    assert not has_hidden(clean_line(text))
    assert len(clean_name(text)) <= 64
    assert clean_name(clean_name(text)) == clean_name(text)


def test_hidden_characters_and_log_chunks() -> None:
    assert has_hidden("gpt\u200b")
    assert not has_hidden("gpt 4o-mini é")
    assert split_log("a\r 10%\r\n\n\x1b[0m\nb") == ("a", " 10%", "b")


@pytest.mark.parametrize(
    ("check", "good", "bad"),
    [
        (
            valid_host_name,
            ["spark", "Spark-1.lan_x", "a" * 63],
            ["", "-a", ".a", "a b", "a/b", "a" * 64, "ä"],
        ),
        (
            valid_address,
            ["spark.local", "10.0.0.2", "fe80::1%eth0", "local"],
            ["", "-oX", "a b", "a;b", "$(x)", "a\n"],
        ),
        (valid_user, ["anna", "anna.b", "DOM+anna"], ["", "-l", "a b", "a@b", "a\\b", "`x`"]),
        (
            valid_fingerprint,
            ["SHA256:" + "a" * 43, "SHA256:" + "+/" * 21 + "A"],
            ["", "MD5:" + "a" * 43, "SHA256:" + "a" * 42, "SHA256:" + "a" * 43 + "="],
        ),
    ],
)
def test_what_a_person_may_type(check: object, good: list[str], bad: list[str]) -> None:
    assert callable(check)
    assert [text for text in good if not check(text)] == []
    assert [text for text in bad if check(text)] == []


def test_paths_of_the_catalogue_on_a_host() -> None:
    host = HostProfile("spark", "spark.local", models_dir="/m", cache_dir="/c/")
    assert host.expand("{models}/a/") == "/m/a"
    assert host.expand("{cache}") == "/c"
    assert host.expand("/") == "/"
    assert not host.is_local
    assert HostProfile("here", "local").is_local
    assert folder_name("/m/a/") == "a"
    assert folder_name("a") == "a"


MEMINFO = "MemTotal:       125000000 kB\nMemFree: 1 kB\nMemAvailable:   90000000 kB\n"


def test_a_sample_of_a_gb10() -> None:
    told = read_vitals(MEMINFO, "NVIDIA GB10, 3, 41, 12.50\n", 5.0)
    assert told == Vitals(5.0, 125000000 * 1024, 90000000 * 1024, "NVIDIA GB10", 3.0, 41.0, 12.5)


@pytest.mark.parametrize("gpu", ["", "\n", "[N/A], [N/A], [Not Supported], [Unknown Error]", "n/a,x,-,1e9"])
def test_a_value_the_host_does_not_give_is_missing_and_not_0(gpu: str) -> None:
    assert read_vitals("MemTotal: many kB", gpu, 5.0) == Vitals(5.0)


def test_who_listens_on_the_host() -> None:
    text = (
        'LISTEN 0 4096 0.0.0.0:30000 0.0.0.0:* users:(("docker-proxy",pid=1,fd=4))\n'
        "LISTEN 0 128 [::]:22 [::]:*\n"
        "LISTEN 0 5 *:8000 *:*\n"
        "nonsense\n"
    )
    assert read_listeners(text) == (Listener(30000, "docker-proxy"), Listener(22), Listener(8000))


@pytest.mark.parametrize(
    ("body", "keys", "value"),
    [
        (b'{"a": {"b": 1}}', ("a", "b"), 1),
        (b'{"a": [1]}', ("a", "b"), None),
        (b'{"a": 1}', ("x",), None),
        (b"<html>", ("a",), None),
        (b"[" * 100000, ("a",), None),
        (b"", (), None),
    ],
)
def test_a_value_inside_an_answer(body: bytes, keys: tuple[str, ...], value: object) -> None:
    assert Answer(200, body).field(*keys) == value


def test_the_step_an_operation_is_at() -> None:
    run = StepRun(Step(StepName.UNLOAD, phrase("x"), UnloadOllama("ollama", "a")))
    operation = Operation(1, "op", StopWish(), OperationKind.STOP, 0.0, runs=(run,))
    assert operation.current is run
    assert not operation.going_back
    assert replace(operation, index=1).current is None
    assert replace(operation, end=OperationEnd.DONE).current is None
    assert replace(operation, runs=(replace(run, back=True),)).going_back
    assert not run.begun
    assert replace(run, started_at=0.0).begun


def test_what_a_snapshot_finds() -> None:
    box = sglang_box()
    snapshot = replace(first_snapshot(HOST, CATALOGUE), containers=(box,))
    assert snapshot.container(box.id) is box
    assert snapshot.container_named("sglang") is box
    assert snapshot.container_named("x") is None
    assert snapshot.container("x") is None
    assert snapshot.state_of("x") is None
    state = snapshot.state_of("sglang")
    assert state is not None
    assert not state.ready
    assert snapshot.active is None
    operation = Operation(1, "op", StopWish(), OperationKind.STOP, 0.0)
    assert replace(snapshot, operation=operation).active is operation
    assert replace(snapshot, operation=replace(operation, end=OperationEnd.DONE)).active is None
