"""What clients are given works: the settings are run as they are, the check-up says what is so."""

from __future__ import annotations

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest

from sparktray.decide.clients.client import Client
from tests.rig.driving import Program, quicken
from tests.rig.rig import Rig
from tests.waiting import scaled, wait_until

SCOUT, QWEN, BGE = "llama4-scout-17b-nvfp4", "qwen3-32b-nvfp4", "bge-m3"
MANY = 50


@pytest.fixture
def program(rig: Rig, tmp_path: Path) -> Program:
    quicken(rig)
    made = Program(tmp_path / "config")
    made.add(rig)
    return made


def started(rig: Rig, program: Program, engine: str, model: str) -> None:
    if engine == "ollama":
        rig.ollama_installed(["qwen3:32b", "bge-m3"])
        rig.start_ollama()
        rig.wait_http(11434, "/api/version")
    program.ok("switch", model, "--on", engine)


def shell(text: str) -> str:
    """What a shell makes of it, its stdout."""
    done = subprocess.run(
        ["bash", "-eu", "-c", text], capture_output=True, text=True, check=False, timeout=scaled(60)
    )
    assert done.returncode == 0, (text, done.stdout, done.stderr)
    return done.stdout


def python(text: str) -> str:
    done = subprocess.run(
        [sys.executable, "-"], input=text, capture_output=True, text=True, check=False, timeout=scaled(60)
    )
    assert done.returncode == 0, (text, done.stderr)
    return done.stdout


@pytest.mark.parametrize(("engine", "model"), [("sglang", SCOUT), ("vllm", SCOUT), ("ollama", QWEN)])
def test_the_settings_run_as_they_are(rig: Rig, program: Program, engine: str, model: str) -> None:
    started(rig, program, engine, model)
    model_id = program.ok("model-id").strip()
    answer = json.loads(shell(program.ok("snippet", "curl")))
    assert answer["choices"][0]["message"]["content"]
    assert python(program.ok("snippet", "python")).strip()
    env = shell(program.ok("snippet", "env") + '\nprintf "%s|%s" "$OPENAI_MODEL" "$OPENAI_BASE_URL"')
    assert env.split("|")[0] == model_id
    for client in Client:
        told = program.json("snippet", client)
        assert told["client"] == client and told["where"]
        assert model_id in told["text"].replace('\\"', '"')


def test_an_embedding_model_is_asked_for_embeddings(rig: Rig, program: Program) -> None:
    started(rig, program, "ollama", BGE)
    answer = json.loads(shell(program.ok("snippet", "curl")))
    assert len(answer["data"][0]["embedding"]) > 100
    assert int(python(program.ok("snippet", "python"))) > 100
    assert program.run("check-cursor").returncode == 1


def checked(program: Program, code: int, *words: str) -> dict[str, str]:
    done = program.run("--json", "check-cursor", *words)
    assert done.returncode == code, (done.stdout, done.stderr)
    lines: list[dict[str, Any]] = json.loads(done.stdout)["lines"]
    assert all(line["remedy"] for line in lines if line["verdict"] != "good")
    return {line["code"]: line["verdict"] for line in lines}


@pytest.mark.parametrize(
    ("engine", "model", "port"), [("sglang", SCOUT, 30000), ("vllm", SCOUT, 8000), ("ollama", QWEN, 11434)]
)
def test_the_check_up_says_what_is_so(rig: Rig, program: Program, engine: str, model: str, port: int) -> None:
    started(rig, program, engine, model)
    found = checked(program, 1)
    assert found["public-https"] == "bad", "an address of this network"
    assert found["listed"] == found["streaming"] == found["id-plain"] == "good"
    assert found["key"] == "doubtful" and found["tools"] == "doubtful"
    # A name of nobody: it cannot be looked up from here, which is said and is no proof against it.
    found = checked(program, 0, "--public-url", "https://spark.example.org/v1")
    assert found["public-https"] == "good" and found["outside"] == "unknown"
    if engine != "ollama":
        rig.behave_live(port, calls_tools=True)
        wait_until(lambda: checked(program, 1)["tools"] == "good", "a tool call", seconds=20)
    shown = program.run("check-cursor").stdout
    assert "Cursor's servers call the URL" in shown and "cloudflared" in shown


def test_nothing_runs_and_two_do(rig: Rig, program: Program) -> None:
    for words in (("snippet", "curl"), ("check-cursor",), ("forward",)):
        assert program.refused(1, *words)["code"] == "nothing-running"
    assert program.refused(2, "snippet", "emacs")["code"] == "usage"
    rig.start_sglang(SCOUT, rm=False)
    rig.start_sglang(QWEN, container="sglang-main", port=30001, rm=False)
    rig.wait_http(30000, "/health")
    rig.wait_http(30001, "/health")
    assert program.refused(2, "snippet", "curl")["code"] == "usage-several-servers"
    assert QWEN in program.ok("snippet", "curl", "sglang-main")


def opened(program: Program, *words: str) -> tuple[subprocess.Popen[str], str]:
    """A forward under way, and its URL."""
    running = program.start("--json", "forward", *words)
    assert running.stdout is not None
    line = running.stdout.readline()
    assert line, running.communicate()
    return running, str(json.loads(line)["base_url"])


def asked(client: openai.OpenAI, tokens: int = 8) -> str:
    """One streamed answer."""
    stream = client.chat.completions.create(
        model=SCOUT, messages=[{"role": "user", "content": "Hello"}], stream=True, max_tokens=tokens
    )
    return "".join(chunk.choices[0].delta.content or "" for chunk in stream if chunk.choices)


def test_the_openai_client_through_a_forward(rig: Rig, program: Program) -> None:
    """Fifty at once; the link breaks in the middle of an answer, which ends; then it is there again."""
    program.ok("switch", SCOUT)
    running, url = opened(program, "--port", "18123")
    try:
        assert url == "http://127.0.0.1:18123/v1"
        client = openai.OpenAI(base_url=url, api_key="not-needed", max_retries=0, timeout=scaled(30))
        with ThreadPoolExecutor(MANY) as pool:
            answers = list(pool.map(lambda _: asked(client), range(MANY)))
        assert len(answers) == MANY and all(answers)

        rig.behave_live(30000, token_seconds=0.2, reply_tokens=500)
        stream = client.chat.completions.create(
            model=SCOUT, messages=[{"role": "user", "content": "Hello"}], stream=True, max_tokens=500
        )
        pieces = iter(stream)
        next(pieces)
        rig.server.drop_sessions()
        with pytest.raises((openai.APIError, httpx.HTTPError)) as broken:
            for _ in pieces:
                pass
        assert "timed out" not in str(broken.value).lower(), "an error at once, and no hang"
        rig.behave_live(30000, token_seconds=0.0, reply_tokens=None)

        def again() -> bool:
            try:
                return bool(asked(client))
            except openai.APIError:
                return False

        wait_until(again, "the forward to come back", seconds=20, every=0.2)
    finally:
        running.terminate()
        running.communicate()


def test_a_port_of_this_computer_that_is_taken(rig: Rig, program: Program) -> None:
    program.ok("switch", SCOUT)
    running, _ = opened(program, "--port", "18124")
    try:
        assert program.refused(1, "forward", "--port", "18124")["code"] == "local-port-taken"
    finally:
        running.terminate()
        running.communicate()
