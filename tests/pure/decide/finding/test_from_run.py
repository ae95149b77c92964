"""From a docker run line to an entry: what becomes of every part of it."""

from __future__ import annotations

from typing import Any

import pytest

from sparktray.domain.catalogue import Catalogue, EngineKind, OpenWebUi
from sparktray.domain.catalogue_file.writing import Addition
from tests.pure.decide.building import CATALOGUE, SCOUT, SPARK_IMAGE
from tests.pure.decide.finding.lines import (
    EMPTY,
    MOUNT,
    PAGE,
    entry,
    made,
    planned,
    refused,
    remarks,
    sglang,
    vllm,
)
from tests.pure.decide.finding.saying import all_said


def test_the_pages_line_is_the_shipped_entry() -> None:
    found = made(PAGE)
    assert found.entry == {
        "id": "llama4-scout-17b-nvfp4",
        "server": "sglang",
        "path": "{models}/llama4/llama4-scout-17b-nvfp4",
        "served_name": "llama4-scout-17b-nvfp4",
        "kind": "chat",
        "context": None,
        "args": {"sglang": ["--trust-remote-code", "--tp", "1"]},
    }
    assert (found.server, found.new_server) == ("sglang", {})
    assert found.addition == Addition((found.entry,))
    (only,) = all_said(found.remarks)
    assert "sets no context" in only


def test_a_switch_to_it_plans_the_pages_line() -> None:
    page = PAGE.partition("\n")[2].replace("\\\n", " ").replace(" --rm", " -d").split()
    assert list(planned(PAGE)) == page


def test_with_a_context_it_plans_the_same_words_in_another_order() -> None:
    line = sglang(
        "-e A=1 --shm-size 32g",
        "--model-path /model --served-model-name m --context-length 8192 --max-total-tokens 32768 --tp=1",
    )
    assert entry(line)["context"] == 8192 and entry(line)["parallel"] == 4
    assert entry(line)["env"] == {"A": "1"} and entry(line)["docker_args"] == ["--shm-size", "32g"]
    assert {*line.split()} - {*planned(line)} == set()


@pytest.mark.parametrize(
    "around",
    [
        "sudo {}",
        "cd /x && {} > log 2>&1 &",
        "# start it\n{}\n",
        "export X=1\n{}",
        "docker rm -f sglang; {}",
    ],
)
def test_what_stands_around_it(around: str) -> None:
    assert entry(around.format(sglang())) == entry(sglang())


def test_variables_of_the_text_are_filled_in() -> None:
    line = f'docker run -v "$M/m:/model" -p 30000:30000 {SPARK_IMAGE} sglang serve --model-path /model'
    line = f"M=/home/sparkuser/ai/models\n{line}"
    assert entry(line)["path"] == "{models}/m"


@pytest.mark.parametrize(
    ("args", "expected"),
    [
        ("--model-path /model --context-length 32k", {"context": 32000}),
        ("--model-path /model --context-length 32K", {"context": 32768}),
        ("--model-path /model --context-length=4096", {"context": 4096}),
        (
            "--model-path /model --context-length auto",
            {"context": None, "args": {"sglang": ["--context-length", "auto"]}},
        ),
        (
            "--model-path /model --max-total-tokens 9000",
            {"context": None, "args": {"sglang": ["--max-total-tokens", "9000"]}},
        ),
        (
            "--model-path /model --context-length 4000 --max-total-tokens 9000",
            {"context": 4000, "args": {"sglang": ["--max-total-tokens", "9000"]}},
        ),
        (
            "--model-path /model --context-length 1 --max-total-tokens 9000",
            {"context": 1, "args": {"sglang": ["--max-total-tokens", "9000"]}},
        ),
        (
            "--model-path /model --is-embedding --tp 1",
            {
                "kind": "embedding",
                "purpose": ["embeddings"],
                "args": {"sglang": ["--is-embedding", "--tp", "1"]},
            },
        ),
        ("--model /model --served-model-name=a", {"served_name": "a"}),
    ],
)
def test_sglangs_arguments(args: str, expected: dict[str, Any]) -> None:
    assert expected.items() <= entry(sglang(args=args)).items()


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (vllm(args="/model --max-model-len 4096 --max-num-seqs 2"), {"context": 4096}),
        (vllm(args="/model --max-model-len 4096 --seed 2"), {"args": {"vllm": ["--seed", "2"]}}),
        (vllm(args="--max_model_len 4096 --model /model"), {"context": 4096}),
        (vllm(args="/model -x -1 -tp 2"), {"args": {"vllm": ["-x", "-1", "-tp", "2"]}}),
        (vllm(args="/model --served-model-name a b"), {"served_name": "a"}),
        (vllm(args="/model --runner pooling"), {"kind": "embedding"}),
        (vllm(args="/model --task embed"), {"kind": "embedding"}),
        (vllm(start="python3 -m vllm.entrypoints.openai.api_server", args="--model /model"), {"id": "m"}),
        (vllm(start="", image="vllm/vllm-openai:latest", args="--model /model"), {"id": "m"}),
        (vllm(start="", image="vllm/vllm-openai:latest", args="/model"), {"id": "m"}),
        (vllm("--entrypoint vllm", start="serve"), {"id": "m"}),
        (vllm(start="bash -c", args="'vllm serve /model --max-model-len 4096; echo'"), {"context": 4096}),
        (vllm(start="bash -c", args="'vllm serve /model --max-model-len 4096 && x'"), {"context": 4096}),
    ],
)  # fmt: skip
def test_vllms_arguments(line: str, expected: dict[str, Any]) -> None:
    assert expected.items() <= entry(line).items()
    assert made(line).server == "vllm"


def test_what_vllm_sets_itself_is_not_said_again() -> None:
    assert "docker_args" not in entry(vllm("--ipc=host"))
    assert entry(sglang("--ipc=host"))["docker_args"] == ["--ipc=host"]


# --- servers -----------------------------------------------------------------------------------------------


def line(options: str, args: str = "", image: str = SPARK_IMAGE) -> str:
    return f"docker run {MOUNT} {options} {image} python3 -m sglang.launch_server --model-path /model {args}"


@pytest.mark.parametrize(
    ("options", "args", "server", "said_too"),
    [
        ("--name sglang -p 30000:30000", "", "sglang", ""),
        ("-p 30000:30000", "", "sglang", ""),
        ("-p 30001:30001", "--port 30001", "sglang-main", ""),
        ("-p 30001:30000", "", "sglang-main", ""),
        ("--network host", "--port 30001", "sglang-main", ""),
        ("", "", "sglang", "publishes no port; sparktray publishes 30000"),
        ("-p 127.0.0.1:30000:30000", "", "sglang", "at 127.0.0.1 only"),
    ],
)
def test_a_server_that_is_there_is_used(options: str, args: str, server: str, said_too: str) -> None:
    found = made(line(options, args))
    assert (found.server, found.new_server, found.entry["server"]) == (server, {}, server)
    assert said_too in remarks(line(options, args))


def test_another_image_is_said() -> None:
    other = line("--name sglang -p 30000:30000", image="lmsysorg/sglang:latest")
    assert "uses the image lmsysorg/sglang:spark, not lmsysorg/sglang:latest" in remarks(other)


@pytest.mark.parametrize(
    ("options", "server", "container", "port", "clash"),
    [
        ("--name big -p 31000:30000", "big", "big", 31000, ""),
        ("--name big -p 30000:30000", "big", "big", 30002, "Port 30000 belongs to sglang"),
        ("--name sglang -p 31000:30000", "sglang-2", "sglang-2", 31000, "container sglang belongs to sglang"),
        ("--name open-webui -p 3000:30000", "open-webui-2", "open-webui-2", 3001, "Port 3000 belongs"),
        ("-p 31000:30000", "sglang-2", "sglang-2", 31000, ""),
        ("-p 65535:30000", "sglang-2", "sglang-2", 65535, ""),
    ],
)  # fmt: skip
def test_a_new_server(options: str, server: str, container: str, port: int, clash: str) -> None:
    found = made(line(options))
    keys = {"engine": "sglang", "container": container, "port": port, "image": SPARK_IMAGE}
    assert (found.server, found.new_server, found.entry["server"]) == (server, keys, server)
    assert found.addition.servers == {server: keys}
    told = remarks(line(options))
    assert clash in told and f"a server of its own in your list, {server}" in told
    assert ("belongs to" in told) == bool(clash)


def test_the_last_port_is_taken() -> None:
    last = EMPTY.servers[0]
    taken = Catalogue(
        servers=(type(last)(name="x", engine=EngineKind.SGLANG, container="xx", port=65535, image="i"),),
        open_webui=OpenWebUi(port=1),
    )
    assert made(line("--name big -p 65535:30000"), taken).new_server["port"] == 2


# --- names and twins ---------------------------------------------------------------------------------------


def test_names() -> None:
    assert made(sglang(), name="mine").entry["id"] == "mine"
    assert "the model ID mine" in "\n".join(all_said(made(sglang(), name="mine").remarks))
    mount = "-v /home/sparkuser/ai/models/scout:/model"
    twin = made(sglang(mount=mount), CATALOGUE)
    assert twin.entry["id"] == "scout-2"
    assert "has this model on this server already, as scout" in "\n".join(all_said(twin.remarks))
    assert refused(sglang(), CATALOGUE, SCOUT.id)[0] == "run-line-name-taken"
    assert refused(sglang(), name="-x")[0] == "run-line-unusable"
    assert "not: b, c" in remarks(vllm(args="/model --served-model-name a b c"))


def test_of_several_models_the_first() -> None:
    both = f"{sglang()}; docker run nginx; {vllm()}"
    assert made(both).server == "sglang" and "more than one model" in remarks(both)
    assert made(f"docker run nginx; {vllm()}").server == "vllm"


def test_of_a_script_only_the_engines_command() -> None:
    script = vllm(start="bash -c", args="'pip install x && exec vllm serve /model'")
    assert "only the engine's own command is kept" in remarks(script)
    plain = vllm(start="bash -c", args="'vllm serve /model'")
    assert "script" not in remarks(plain)
    inner = vllm(start="bash -c", args="'vllm serve /model --max-model-len $LEN --tp 1'")
    assert entry(inner)["args"] == {"vllm": ["--tp", "1"]}
    assert "means: --max-model-len" in remarks(inner)


# --- what is no entry --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "code", "words"),
    [
        ("", "run-line-missing", "no docker run"),
        ("docker ps", "run-line-missing", "no docker run"),
        ("docker run nginx", "run-line-engine", "nginx"),
        ("docker run -d --gpus=all -v ollama:/root/.ollama ollama/ollama", "run-line-ollama", "ollama pull"),
        (f"docker run {SPARK_IMAGE}", "run-line-no-model", "which model"),
        (sglang(args="--tp 1"), "run-line-no-model", "which model"),
        (sglang(args="--model-path"), "run-line-no-model", "which model"),
        (sglang(mount=""), "run-line-no-folder", "-v /FOLDER/ON/THE/HOST:/model"),
        (sglang(args="--model-path Qwen/Qwen3-8B"), "run-line-hub", "/home/sparkuser/ai/models/Qwen3-8B"),
        (sglang(args="--model-path model"), "run-line-no-folder", "no absolute path"),
        (sglang(mount="-v models:/model"), "run-line-volume", "Docker volume models"),
        (sglang(mount="-v ~/m:/model"), "run-line-open", "~/m"),
        (sglang(mount="-v ./m:/model"), "run-line-open", "./m"),
        (sglang(mount="-v $HOME/m:/model"), "run-line-open", "$HOME/m"),
        (sglang(mount="-v /m:/model", args="--model-path $MODEL"), "run-line-open", "$MODEL"),
        (sglang().replace("sglang:spark", "sglang:$TAG"), "run-line-open", "$TAG"),
        (sglang(mount="-v /a/../b:/model"), "run-line-unusable", ".."),
        (sglang().replace("--name sglang", "--name 'a b'"), "run-line-unusable", "a b"),
        ("docker run '", "run-line-syntax", "never closed"),
    ],
)  # fmt: skip
def test_what_is_refused(text: str, code: str, words: str) -> None:
    found, told = refused(text)
    assert found == code and words in told
