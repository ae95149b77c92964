"""What becomes of the options of a docker run line, and of the keys in it."""

from __future__ import annotations

import json

import pytest

from tests.pure.decide.finding.lines import (
    entry,
    made,
    remarks,
    sglang,
    vllm,
)
from tests.pure.decide.finding.saying import all_said

# --- options -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "kept"),
    [
        ("-d --rm --gpus all --label org.sparktray.server=x", None),
        ("--shm-size=32g --ulimit memlock=-1", ["--shm-size=32g", "--ulimit", "memlock=-1"]),
        ("--network host", ["--network", "host"]),
        ("-v /data/t:/t:ro", ["-v", "/data/t:/t:ro"]),
        ("-v hf:/hf -p 9000:9000", ["-v", "hf:/hf", "-p", "9000:9000"]),
        ("--mount type=bind,src=/a,dst=/b", ["--mount", "type=bind,src=/a,dst=/b"]),
        ("--env-file /etc/x.env", ["--env-file", "/etc/x.env"]),
        ("-v /home/sparkuser/ai/cache/sglang/:/root/.cache", None),
    ],
)
def test_options_that_are_kept(options: str, kept: list[str] | None) -> None:
    assert entry(sglang(options)).get("docker_args") == kept


@pytest.mark.parametrize(
    ("options", "remark"),
    [
        ("-it", "does not use it: -i, -t"),
        ("--privileged", "does not use it: --privileged"),
        ("--gpus device=0", "does not use it: --gpus device=0"),
        ("--env-file .env", "does not use it: --env-file .env"),
        ("-v /other:/model", "does not use it: -v …:/model"),
        ("--label auth=hf_abcdefghijkl", "does not use it: --label"),
        ("-e A=***", "does not use it: -e A"),
        ("-e 1A=x", "does not use it: -e"),
        ("-e 'A=x\x07'", "does not use it: -e A"),
        ("--restart always", "--restart is left out"),
        ("-v /other:/root/.cache", "sparktray uses /home/sparkuser/ai/cache/sglang"),
        ("-v ~/.cache/hf:/hf", "means: -v ~/.cache/hf:/hf"),
        ("-v ./x:/hf", "means: -v ./x:/hf"),
        ("-p $PORT:9", "means: -p $PORT:9"),
        ("--memory $M", "means: --memory $M"),
        ("-e A=$B", "means: -e A"),
        ("-e A", "means: -e A"),
    ],
)
def test_what_is_left_out_is_named(options: str, remark: str) -> None:
    line = sglang(options)
    assert remark in remarks(line)
    assert "docker_args" not in entry(line) and "env" not in entry(line)


def test_the_models_mount_is_kept_when_other_arguments_name_something_in_it() -> None:
    mount = "-v /data:/data"
    plain = entry(sglang(mount=mount, args="--model-path /data/m"))
    assert plain["path"] == "/data/m" and "docker_args" not in plain
    named = entry(sglang(mount=mount, args="--model-path /data/m --chat-template /data/t.jinja"))
    assert named["docker_args"] == ["-v", "/data:/data"]
    equals = entry(sglang(mount=mount, args="--model-path /data/m --chat-template=/data/t.jinja"))
    assert equals["docker_args"] == ["-v", "/data:/data"]
    same = entry(sglang(args="--model-path /model --chat-template /model/t.jinja"))
    assert "docker_args" not in same, "there it is at the same place"
    deeper = sglang(mount="-v /data:/model", args="--model-path /model/m --chat-template /model/t.jinja")
    assert "-v …:/model" in remarks(deeper), "that place is the model's own"


# --- keys --------------------------------------------------------------------------------------------------

KEY = "hf_abcdefghijklmnop"


@pytest.mark.parametrize(
    ("line", "variable"),
    [
        (sglang(f"-e HF_TOKEN={KEY}"), "HF_TOKEN"),
        (sglang("-e MY_KEY=1234"), "MY_KEY"),
        (sglang("-e db_password=x"), "db_password"),
        (sglang("-e HF_TOKEN=$HF_TOKEN"), "HF_TOKEN"),
        (sglang("-e HF_TOKEN"), "HF_TOKEN"),
        (sglang(f"-e ANY={KEY}"), "ANY"),
        (f"HF_TOKEN={KEY} {sglang('-e HF_TOKEN')}", "HF_TOKEN"),
        (vllm(args="/model --api-key sk-123"), "VLLM_API_KEY"),
        (vllm(args=f"/model --hf-token {KEY}"), "HF_TOKEN"),
        (sglang(args=f"--model-path /model --hf-token={KEY}"), "HF_TOKEN"),
    ],
)
def test_a_key_is_never_written(line: str, variable: str) -> None:
    found = made(line)
    assert found.entry["env"] == {variable: {"secret": variable}}
    told = json.dumps(found.entry) + "\n".join(all_said(found.remarks))
    assert f"Keys are not written down: {variable}." in told
    assert KEY not in told and "sk-123" not in told


@pytest.mark.parametrize(
    "args", ["--api-key sk-123", "--admin-api-key x", f"--unheard-of {KEY}", f"--x=a,{KEY}"]
)
def test_a_key_that_only_the_command_line_takes_is_left_out(args: str) -> None:
    line = sglang(args=f"--model-path /model {args}")
    assert "It will serve without a key." in remarks(line)
    assert "env" not in entry(line) and "args" not in entry(line)
    assert KEY not in remarks(line)


@pytest.mark.parametrize(
    "pair", ["TOKENIZERS_PARALLELISM=false", "USE_KEY=1", "EMPTY_TOKEN=", "DISK=task-1234567890"]
)
def test_what_only_sounds_like_a_key(pair: str) -> None:
    name, _, value = pair.partition("=")
    assert entry(sglang(f"-e {pair}"))["env"] == {name: value}
