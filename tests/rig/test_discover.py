"""Models of the host that the catalogue does not have: found, added, switched to; and docker run lines."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from sparktray.control.discovering import FolderMissing, discover
from sparktray.domain.catalogue_file.reading import read_catalogue
from sparktray.remote.contract import Remote
from sparktray.store.shipped import shipped
from sparktray.wiring import dialer, vault_of
from tests.rig.desktop import Desktop
from tests.rig.driving import QUICK, Program, profile, quicken
from tests.rig.model_folders import MODELS, Checkpoint, write
from tests.rig.people import SPARKUSER
from tests.rig.rig import Rig
from tests.rig.tray_program import tray
from tests.waiting import wait_until

ANSWERED = "The running tray answers."
SCOUT = "llama4-scout-17b-nvfp4"
QWEN3_8B = Checkpoint(
    "Qwen3-8B", "qwen3", 16_381_000_000, 5,
    config={
        "architectures": ["Qwen3ForCausalLM"], "model_type": "qwen3", "torch_dtype": "bfloat16",
        "num_hidden_layers": 36, "num_attention_heads": 32, "num_key_value_heads": 8, "head_dim": 128,
        "hidden_size": 4096, "max_position_embeddings": 40_960, "vocab_size": 151_936,
    },
)  # fmt: skip


@pytest.fixture
def program(rig: Rig, tmp_path: Path) -> Program:
    quicken(rig)
    made = Program(tmp_path / "config")
    made.add(rig)
    return made


def own(program: Program) -> Path:
    return program.config / "models.json"


def found(program: Program) -> dict[str, dict[str, Any]]:
    """What is found, by id."""
    told = program.json("models", "--discover")
    assert told["host"] == "spark"
    return {each["id"]: each for each in told["found"]}


def put(path: str, **files: bytes | str) -> Path:
    """A folder below the models folder with these files; their names have __ for a dot."""
    folder = MODELS / path
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        to = folder / name.replace("__", ".")
        to.write_bytes(content.encode() if isinstance(content, str) else content)
    return folder


def test_a_model_that_was_copied_to_the_host_is_found_added_and_switched_to(
    rig: Rig, program: Program
) -> None:
    assert found(program) == {}, "the catalogue has all six"
    assert "no model that your list does not have" in program.ok("models", "--discover")
    write(QWEN3_8B)
    rig.behave(QWEN3_8B.folder, **QUICK)

    (each,) = found(program).values()
    assert (each["id"], each["state"], each["reason"]) == ("Qwen3-8B", "new", None)
    assert (each["architecture"], each["kind"], each["quantization"]) == ("Qwen3ForCausalLM", "chat", "BF16")
    assert (each["trained_context"], each["context"]) == (40960, 32768)
    assert each["servers"] == ["sglang", "sglang-main", "vllm"]
    assert each["parameters"] == pytest.approx(8.19e9, rel=0.01)
    assert each["weights_bytes"] < each["needs_bytes"] < 30 << 30 and each["fits"] is True
    assert each["unknown"] == []
    told = program.ok("models", "--discover")
    assert "Qwen3-8B" in told and "BF16" in told and "32768 of 40960" in told and "fits now" in told

    assert not own(program).exists()
    added = program.json("models", "--add", "Qwen3-8B")
    assert (added["added"], added["path"]) == (["Qwen3-8B"], str(own(program)))
    catalogue = read_catalogue(own(program).read_bytes(), "own")
    assert [model.id for model in catalogue.models][-2:] == ["deepseek-r1-8b-abliterated-bf16", "Qwen3-8B"]
    assert catalogue.models[-1].path == "{models}/qwen3/Qwen3-8B"
    assert found(program) == {}

    assert program.json("switch", "Qwen3-8B")["operation"]["end"] == "done"
    assert rig.model_ids(30000) == ["Qwen3-8B"]


def test_what_cannot_be_used_is_listed_with_its_reason(rig: Rig, program: Program) -> None:
    weights = {"model__safetensors": b"x" * 100}
    config = json.dumps(QWEN3_8B.config)
    put("partial/half", config__json=config, **{"model-00001-of-00002__safetensors": b"x"})
    put("partial/loading", config__json=config, model__safetensors__incomplete=b"x")
    put("gguf", **{"Qwen3-8B-Q4_K_M__gguf": b"x"})
    put("lora/mine", adapter_config__json="{}", adapter_model__safetensors=b"x")
    put("odd/broken", config__json="{", **weights)
    put("odd/unread", config__json=config, **weights)
    (MODELS / "odd" / "unread" / "config.json").chmod(0)
    put("odd/a:b", config__json=config, **weights)
    put("odd/judge", config__json='{"architectures": ["XLMRobertaForSequenceClassification"]}', **weights)
    put("odd/new", config__json='{"architectures": ["TomorrowForCausalLM"]}', **weights)
    put("closed", config__json=config, **weights).chmod(0)
    put("pictures", model_index__json="{}")
    put("pictures/unet", config__json=config, **weights)
    put("other-program", config__json='{"theme": "dark"}')
    each = found(program)
    state = {name: value["state"] for name, value in each.items()}
    assert state == {
        "half": "incomplete",
        "loading": "incomplete",
        "gguf": "unsuitable",
        "mine": "unsuitable",
        "broken": "incomplete",
        "unread": "incomplete",
        "a-b": "unsuitable",
        "judge": "unsuitable",
        "new": "new",
    }
    assert "model-00002-of-00002.safetensors" in each["half"]["reason"]
    assert "not finished" in each["loading"]["reason"]
    assert "Ollama" in each["gguf"]["reason"] and "LoRA" in each["mine"]["reason"]
    assert "config.json" in each["broken"]["reason"] and "config.json" in each["unread"]["reason"]
    assert "colon" in each["a-b"]["reason"] and "reranker" in each["judge"]["reason"]
    assert "TomorrowForCausalLM" in each["new"]["remarks"][0]
    assert each["new"]["unknown"] == ["quantization", "trained context", "what it needs of memory"]
    assert (each["new"]["context"], each["new"]["fits"]) == (None, None)
    told = program.json("models", "--discover")
    assert told["remarks"] == ["1 folder there may not be read by this user."]

    refused = program.refused(7, "models", "--add", "new", "half")
    assert refused["code"] == "model-unsuitable" and "model-00002-of-00002" in refused["message"]
    unknown = program.refused(2, "models", "--add", "nothing")
    assert unknown["code"] == "usage-unknown-model" and "new" in unknown["remedy"]
    assert program.refused(2, "models", "--discover", "--add")["code"] == "usage-no-model"
    assert not own(program).exists(), "all of it or nothing"


def test_links_and_hostile_names(rig: Rig, program: Program) -> None:
    write(QWEN3_8B)
    blobs = put("hub/models--Org--Cached-7B/blobs", config=json.dumps(QWEN3_8B.config), weights=b"x")
    snapshot = put("hub/models--Org--Cached-7B/snapshots/0123abcd")
    (snapshot / "config.json").symlink_to("../../blobs/config")
    (snapshot / "model.safetensors").symlink_to("../../blobs/weights")
    inward = put("inward", real__safetensors=b"x" * 9, config__json=json.dumps(QWEN3_8B.config))
    (inward / "model.safetensors").symlink_to("real.safetensors")
    (MODELS / "again").symlink_to(QWEN3_8B.folder)
    (MODELS / "scout-again").symlink_to(rig.folder(SCOUT))
    (MODELS / "loop").symlink_to(MODELS)
    (MODELS / "nowhere").symlink_to("/nowhere")
    os.mkfifo(put("pipe", model__safetensors=b"x") / "config.json")
    for name in (b"\xff\xfe", b"-rf *", b"$(id)\n`id`", b"{models}", "\u202egnp".encode(), b'it\'s "so"'):
        folder = os.path.join(os.fsencode(MODELS), b"bad", name)
        os.makedirs(folder)
        for file in ("config.json", "model.safetensors"):
            with open(os.path.join(folder, file.encode()), "wb") as opened:
                opened.write(json.dumps(QWEN3_8B.config).encode())
    each = found(program)
    assert blobs.exists()
    states = {name: value["state"] for name, value in each.items()}
    assert {name: states.pop(name) for name in ("again", "Cached-7B", "inward", "pipe")} == {
        "again": "new",
        "Cached-7B": "unsuitable",
        "inward": "new",
        "pipe": "incomplete",
    }, "each folder once, by its shortest name; not what the catalogue has under another one"
    assert "Hugging Face cache" in each["Cached-7B"]["reason"]
    bad = {value["path"].removeprefix(f"{MODELS}/bad/"): value["state"] for value in each.values()}
    assert {name: bad[name] for name in ("-rf *", 'it\'s "so"', "$(id)\n`id`", "{models}", "\u202egnp")} == {
        "-rf *": "new",
        'it\'s "so"': "new",
        "$(id)\n`id`": "unsuitable",
        "{models}": "unsuitable",
        "\u202egnp": "unsuitable",
    }
    assert len(states) == 6
    odd = next(name for name, value in each.items() if value["path"].endswith("-rf *"))
    assert program.json("models", "--add", odd)["added"] == [odd]
    assert "docker run" in program.ok("switch", odd, "--dry-run")


def test_five_hundred_folders_take_a_few_commands(rig: Rig, program: Program) -> None:
    config = json.dumps(QWEN3_8B.config).encode()
    for number in range(500):
        put(f"many/m{number:03}", config__json=config, model__safetensors=b"x")
    assert len(found(program)) == 500


def test_a_folder_that_is_not_there(rig: Rig, tmp_path: Path) -> None:
    program = Program(tmp_path / "config")
    program.add(rig, "spark", None, "--models-dir", "/nowhere/models")
    told = program.refused(7, "models", "--discover")
    assert told["code"] == "folder-missing" and "/nowhere/models" in told["message"]


def connected(rig: Rig, tmp_path: Path) -> Remote:
    from sparktray.store.paths import ConfigFolder

    return dialer(vault_of(ConfigFolder(tmp_path / "config")))(profile(rig))


def test_the_look_itself(rig: Rig, tmp_path: Path) -> None:
    """What it brings of the six: all known, with index and quantization."""
    catalogue = read_catalogue(shipped("models.json").read_bytes(), "shipped")
    remote = connected(rig, tmp_path)
    try:
        seen = discover(remote, profile(rig), catalogue)
        with pytest.raises(FolderMissing):
            discover(remote, profile(rig, models_dir="/nowhere"), catalogue)
        assert (
            discover(remote, profile(rig, models_dir=str(SPARKUSER.home / "ai/cache")), catalogue).folders
            == ()
        )
    finally:
        remote.close()
    assert len(seen.folders) == 6 and not seen.more and seen.closed == 0
    assert {each.identity for each in seen.folders} == seen.known
    scout = next(each for each in seen.folders if each.path.endswith(SCOUT))
    assert scout.quantization and scout.folder.config and scout.folder.index
    assert not any(each.outward for each in seen.folders)


PAGE = """docker rm -f sglang >/dev/null 2>&1 || true
docker run --rm --name sglang --gpus all \\
  -p 30000:30000 \\
  -v /home/sparkuser/ai/models/llama4/llama4-scout-17b-nvfp4:/model \\
  -v /home/sparkuser/ai/cache/sglang:/root/.cache \\
  lmsysorg/sglang:spark \\
  python3 -m sglang.launch_server --model-path /model --served-model-name llama4-scout-17b-nvfp4 \\
    --host 0.0.0.0 --port 30000 --trust-remote-code --tp 1
"""


def test_the_pages_own_line_becomes_an_entry_that_starts_the_same(rig: Rig, program: Program) -> None:
    done = subprocess.run(
        program.argv("--json", "models", "--from-run", "-", "--add", "scout-plain"),
        input=PAGE, capture_output=True, text=True, env=program.environment, check=True,
    )  # fmt: skip
    told = json.loads(done.stdout)
    assert (told["server"], told["new_server"], told["added"]) == ("sglang", None, True)
    assert program.json("switch", "scout-plain")["operation"]["end"] == "done"
    started = rig.inspect("sglang")
    assert started is not None
    assert [started["Path"], *started["Args"]] == PAGE.partition("lmsysorg/sglang:spark \\\n")[2].replace(
        "\\\n", ""
    ).split()
    assert sorted(started["HostConfig"]["Binds"]) == [
        "/home/sparkuser/ai/cache/sglang:/root/.cache",
        "/home/sparkuser/ai/models/llama4/llama4-scout-17b-nvfp4:/model",
    ]
    again = program.refused(2, "models", "--from-run", PAGE, "--add", "scout-plain")
    assert again["code"] == "run-line-name-taken"


@pytest.fixture(scope="module")
def desktop() -> Any:
    made = Desktop()
    yield made
    made.close()


def test_a_running_tray_looks_itself_and_takes_the_entry_up(
    rig: Rig, program: Program, desktop: Desktop
) -> None:
    write(QWEN3_8B)
    rig.behave(QWEN3_8B.folder, **QUICK)
    with tray(program, desktop) as running:
        wait_until(lambda: ANSWERED in program.run("--verbose", "status").stderr, "an answer", seconds=30)
        told = program.run("--verbose", "models", "--discover")
        assert ANSWERED in told.stderr and "Qwen3-8B" in told.stdout
        program.ok("models", "--add", "Qwen3-8B")
        wait_until(
            lambda: "Qwen3-8B" in {m["model"] for m in program.json("models")["models"]},
            "the tray to know the new entry",
        )
        line = program.run("--verbose", "models", "--from-run", PAGE)
        assert line.returncode == 0 and ANSWERED not in line.stderr
        assert running.process.poll() is None


def test_with_sudo_and_at_this_computer(rig: Rig, tmp_path: Path) -> None:
    """The local road reads the same."""
    write(QWEN3_8B)
    program = Program(tmp_path / "config")
    program.ok("host", "add", "here", "--address", "local")
    (each,) = program.json("models", "--discover")["found"]
    assert each["id"] == "Qwen3-8B"
