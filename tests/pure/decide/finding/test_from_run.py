"""From a docker run line to an entry: what becomes of every part of it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sparktray.decide.finding.from_run import Draft, draft
from sparktray.decide.finding.shell_words import RunLineError
from sparktray.domain.catalogue import Catalogue, EngineKind, OpenWebUi
from sparktray.domain.catalogue_file.reading import read_catalogue
from sparktray.domain.catalogue_file.writing import Addition, with_added
from sparktray.domain.text import clean_name
from sparktray.engines.protocol import Launch
from sparktray.engines.registry import engine
from tests.pure.decide.building import CATALOGUE, HOST, SCOUT, SPARK_IMAGE, VLLM_IMAGE
from tests.pure.decide.finding.saying import all_said, said
from tests.pure.domain.hostile import ANY_TEXT, HOSTILE

EMPTY = Catalogue(servers=CATALOGUE.servers)
# The user's own page, word for word.
PAGE = """\
docker rm -f sglang >/dev/null 2>&1 || true
docker run --rm --name sglang --gpus all \\
  -p 30000:30000 \\
  -v /home/sparkuser/ai/models/llama4/llama4-scout-17b-nvfp4:/model \\
  -v /home/sparkuser/ai/cache/sglang:/root/.cache \\
  lmsysorg/sglang:spark \\
  python3 -m sglang.launch_server \\
    --model-path /model \\
    --served-model-name llama4-scout-17b-nvfp4 \\
    --host 0.0.0.0 \\
    --port 30000 \\
    --trust-remote-code \\
    --tp 1
"""
MOUNT = "-v /home/sparkuser/ai/models/m:/model"


def sglang(options: str = "", args: str = "--model-path /model", *, mount: str = MOUNT) -> str:
    before = f"docker run --name sglang -p 30000:30000 {mount} {options}"
    return f"{before} {SPARK_IMAGE} python3 -m sglang.launch_server {args}"


def vllm(
    options: str = "", args: str = "/model", *, image: str = VLLM_IMAGE, start: str = "vllm serve"
) -> str:
    return f"docker run --name vllm -p 8000:8000 {MOUNT} {options} {image} {start} {args}"


def made(text: str, catalogue: Catalogue = EMPTY, name: str | None = None) -> Draft:
    return draft(text, catalogue, HOST, name)


def entry(text: str) -> Mapping[str, Any]:
    return made(text).entry


def remarks(text: str) -> str:
    return "\n".join(all_said(made(text).remarks))


def refused(text: str, catalogue: Catalogue = EMPTY, name: str | None = None) -> tuple[str, str]:
    with pytest.raises(RunLineError) as raised:
        made(text, catalogue, name)
    problem = raised.value.problem
    assert said(problem.cause) and said(problem.remedy)
    return problem.code, f"{said(problem.cause)} {said(problem.remedy)}"


def planned(text: str) -> tuple[str, ...]:
    """The docker run that a switch to the entry would plan."""
    found = made(text)
    whole = {
        "version": 1,
        "servers": {
            s.name: {"engine": s.engine, "container": s.container, "port": s.port, "image": s.image}
            for s in EMPTY.servers
        },
        "models": [],
    }
    read = read_catalogue(with_added(json.dumps(whole).encode(), "m", found.addition), "m")
    server = read.server(found.server)
    assert server is not None
    return engine(server.engine).run_argv(Launch(server, read.models[0], HOST))


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


# --- anything ----------------------------------------------------------------------------------------------

WORDS = """
docker run container sudo -d -it --rm -p 30000:30000 -v /a:/model -e HF_TOKEN=x --mount
type=bind,src=/a,dst=/model --name --gpus all --network host lmsysorg/sglang:spark vllm/vllm-openai
ollama/ollama python3 -m sglang.launch_server --model-path /model vllm serve bash -c 'vllm --api-key k = :
; && | ' " $X $(x) ` ~ # -- - X=1 export > {models} --context-length 32k --max-total-tokens 0
--served-model-name --port 99999 \u202e ² --entrypoint --publish [::1]:1:2 --env -e= /:/ .. /model/..
"""
PIECES = st.sampled_from([*WORDS.split(), "\\\n", "\n", "\0", "\ud800", "'vllm serve /model'"])


def never_raises(text: str) -> None:
    problem = None
    try:
        found = made(text, CATALOGUE)
    except RunLineError as error:
        problem = error.problem
    else:
        assert all(all_said(found.remarks))
        json.dumps(found.entry).encode()
    if problem is not None:
        assert said(problem.cause) and said(problem.remedy)


@given(st.lists(PIECES, max_size=40).map(" ".join))
def test_no_line_ends_in_another_error(text: str) -> None:
    never_raises(text)


@given(st.lists(PIECES | ANY_TEXT, max_size=12).map(" ".join))
def test_no_arguments_end_in_another_error(text: str) -> None:
    never_raises(sglang(args=f"--model-path /model {text}"))
    never_raises(vllm(text))
    never_raises(f"docker run {text}")


@given(ANY_TEXT)
def test_no_text_ends_in_another_error(text: str) -> None:
    never_raises(text)


@pytest.mark.parametrize("text", HOSTILE, ids=[clean_name(text)[:12] for text in HOSTILE])
def test_hostile_texts_anywhere(text: str) -> None:
    quoted = "'" + text.replace("'", "'\\''") + "'"
    for each in (
        sglang(f"--name {quoted}"),
        sglang(f"-e A={quoted}"),
        sglang(f"--label {quoted}"),
        sglang(args=f"--model-path /model --served-model-name {quoted}"),
        sglang(args=f"--model-path /model {quoted}"),
        sglang(mount=f"-v /models/{quoted}:/model"),
        sglang().replace(SPARK_IMAGE, quoted),
    ):
        never_raises(each)
