"""Values that a model needs and only the keyring holds: a real keyring, a real container."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.rig.driving import Program, quicken
from tests.rig.keyring import SecretService, secret_service
from tests.rig.rig import Rig
from tests.waiting import scaled

QWEN = "qwen3-32b-nvfp4"
# Not the one that all tests look out for: the container's own environment is where it belongs.
CANARY = "zeisig-51ae0c"
TOKEN, KEY = f"hf_{CANARY}=with equals", f"key {CANARY}"


@pytest.fixture
def keyring(tmp_path: Path) -> Iterator[SecretService]:
    home = tmp_path / "home"
    home.mkdir()
    with secret_service(home) as (_, service):
        yield service


@pytest.fixture
def program(rig: Rig, tmp_path: Path, keyring: SecretService) -> Program:
    quicken(rig)
    made = Program(tmp_path / "config")
    made.add(rig)
    shipped = json.loads(Path("models.json").read_text(encoding="utf-8"))
    model = next(each for each in shipped["models"] if each["id"] == QWEN)
    model["env"] = {"HF_TOKEN": {"secret": "hf"}, "VLLM_API_KEY": {"secret": "qwen key"}}
    (made.config / "models.json").write_text(json.dumps(shipped), encoding="utf-8")
    return made


def store(program: Program, name: str, value: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        program.argv("secret", "set", name, "--stdin"),
        input=value,
        capture_output=True,
        text=True,
        check=False,
        env=program.environment,
        timeout=scaled(60),
    )


def test_it_is_refused_before_anything_changes_and_then_works(
    rig: Rig, program: Program, keyring: SecretService
) -> None:
    refused = program.refused(4, "switch", QWEN, "--on", "vllm")
    assert refused["code"] == "secret-missing" and "sparktray secret set hf" in refused["remedy"]
    assert rig.inspect("vllm") is None and rig.inspect("sparktray-lock") is None
    assert store(program, "hf", TOKEN).returncode == 0
    assert store(program, "qwen key", KEY).returncode == 0
    listed = program.json("secret", "list")["secrets"]
    assert [(each["secret"], each["stored"], each["models"]) for each in listed] == [
        ("hf", True, [QWEN]),
        ("qwen key", True, [QWEN]),
    ]
    # vLLM asks everybody for the key now, this program too.
    done = program.json("switch", QWEN, "--on", "vllm")
    assert done["operation"]["end"] == "done"
    found = rig.inspect("vllm")
    assert found is not None
    assert f"HF_TOKEN={TOKEN}" in found["Config"]["Env"] and f"VLLM_API_KEY={KEY}" in found["Config"]["Env"]
    assert rig.http(8000, "/v1/models") == (401, b'{"error":"Unauthorized"}')
    status = {each["server"]: each for each in program.json("status")["servers"]}
    assert status["vllm"]["phase"] == "ready" and status["vllm"]["model_id"] == QWEN
    assert program.ok("model-id", "vllm") == f"{QWEN}\n"
    held = [p for p in program.config.rglob("*") if p.is_file() and CANARY.encode() in p.read_bytes()]
    assert [path.parent.name for path in held] == [], "nothing of ours holds it"
    assert CANARY not in program.ok("doctor") and CANARY not in json.dumps(program.json("journal"))


def test_it_is_forgotten(program: Program, keyring: SecretService) -> None:
    assert store(program, "hf", TOKEN).returncode == 0
    assert TOKEN in keyring.values().values()
    program.ok("secret", "forget", "hf")
    assert TOKEN not in keyring.values().values()
    assert program.json("secret", "list")["secrets"][0]["stored"] is False


def test_what_no_container_could_be_handed_is_not_stored(program: Program, keyring: SecretService) -> None:
    for value in ("", "a\0b"):
        done = store(program, "hf", value)
        assert done.returncode == 2, (value, done.stderr)
    assert keyring.values() == {}


def test_a_keyring_that_cannot_be_asked(rig: Rig, program: Program, keyring: SecretService) -> None:
    keyring.kill()
    refused = program.refused(7, "switch", QWEN, "--on", "vllm")
    assert refused["code"].startswith("keyring-")
    assert rig.inspect("vllm") is None
