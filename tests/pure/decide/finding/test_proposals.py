"""What is proposed of what was found, and what is not, with its reason."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from sparktray.decide.finding.proposals import Found, FoundState, catalogue_path, plain_id, proposals, unique
from sparktray.decide.finding.words import (
    architecture_words,
    context_words,
    need_words,
    quantization_words,
    size_words,
)
from sparktray.domain.catalogue import Catalogue, EngineKind, ModelKind
from sparktray.domain.catalogue_file.reading import read_catalogue
from sparktray.domain.catalogue_file.writing import Addition, with_added
from sparktray.domain.facts.discovery import Discovery, FoundFolder
from sparktray.domain.facts.survey import ModelFolder
from sparktray.domain.host import HostProfile
from sparktray.domain.snapshot import Snapshot, first_snapshot
from tests.pure.decide.building import CATALOGUE, GIB, HOST, MODELS, OLLAMA, SCOUT, connected
from tests.pure.decide.finding.saying import all_said, said

QWEN3 = {
    "architectures": ["Qwen3ForCausalLM"],
    "torch_dtype": "bfloat16",
    "num_hidden_layers": 36,
    "num_attention_heads": 32,
    "num_key_value_heads": 8,
    "head_dim": 128,
    "max_position_embeddings": 40960,
}
BGE = {"architectures": ["XLMRobertaModel"], "model_type": "xlm-roberta", "max_position_embeddings": 8194}
WHOLE = {"config.json": 900, "model.safetensors": 16 * GIB}


def at(path: str, config: Any = QWEN3, files: dict[str, int] | None = None, **more: Any) -> FoundFolder:
    """A folder below the models folder."""
    names = WHOLE if files is None else files
    return FoundFolder(path, ModelFolder(f"{MODELS}/{path}".rstrip("/"), names, config), **more)


def judged(*folders: FoundFolder, snapshot: Snapshot | None = None, **more: Any) -> tuple[Found, ...]:
    return proposals(snapshot or connected().snapshot, Discovery(folders, **more))


def one(folder: FoundFolder, snapshot: Snapshot | None = None) -> Found:
    (found,) = judged(folder, snapshot=snapshot)
    return found


def test_a_whole_model_is_proposed() -> None:
    found = one(at("qwen3/Qwen3-8B"))
    assert (found.id, found.state, found.reason) == ("Qwen3-8B", FoundState.NEW, None)
    assert found.servers == ("sglang", "sglang-main", "vllm")
    assert found.entry == {
        "id": "Qwen3-8B",
        "server": ["sglang", "sglang-main", "vllm"],
        "path": "{models}/qwen3/Qwen3-8B",
        "kind": "chat",
        "context": 32768,
    }
    kept = 36 * 8 * 256 * 2 * 32768
    assert found.needs == 16 * GIB + kept + 3 * GIB
    assert found.fit is not None and found.fit.short == 0
    assert (found.unknown, found.remarks) == ((), ())
    assert said(architecture_words(found.facts)) == "Qwen3ForCausalLM, 8.589934592 B parameters"
    assert said(quantization_words(found.facts)) == "BF16"
    assert said(context_words(found)) == "32768 of 40960"
    assert said(size_words(found.facts)) == "16.0 GiB"
    assert said(need_words(found)) == "24 GiB, fits now"


def test_every_entry_is_one_that_can_be_written() -> None:
    folders = [
        at("a"),
        at("b", BGE, {**WHOLE, "modules.json": 2}),
        at("c", QWEN3 | {"auto_map": {}}),
        at("d", {"model_type": "x"}),
    ]
    shipped = {
        "version": 1,
        "servers": {
            s.name: {"engine": s.engine, "container": s.container, "port": s.port, "image": s.image}
            for s in CATALOGUE.servers
        },
        "models": [],
    }
    entries = tuple(found.entry for found in judged(*folders))
    read = read_catalogue(with_added(json.dumps(shipped).encode(), "m", Addition(entries)), "m")
    assert [model.id for model in read.models] == ["a", "b", "c", "d"]
    assert [model.kind for model in read.models] == [
        ModelKind.CHAT,
        ModelKind.EMBEDDING,
        ModelKind.CHAT,
        ModelKind.CHAT,
    ]
    assert [model.context for model in read.models] == [32768, 8192, 32768, None]
    assert read.models[1].purposes
    assert read.models[2].args_for(EngineKind.VLLM) == ("--trust-remote-code",)


def test_a_model_that_embeds() -> None:
    found = one(at("bge/bge", BGE | {"torch_dtype": "float32"}, {**WHOLE, "modules.json": 2}))
    assert found.entry["kind"] == "embedding" and found.entry["purpose"] == ["embeddings"]
    assert found.needs == 19 * GIB, "nothing is kept between requests"
    assert said(architecture_words(found.facts)).startswith("XLMRobertaModel, embeds, 4.")
    assert said(context_words(found)) == "8192"


def test_what_the_files_do_not_tell_is_said_to_be_unknown() -> None:
    found = one(at("odd", {"model_type": "tomorrow"}))
    assert found.state is FoundState.NEW and found.context is None and found.entry["context"] is None
    assert all_said(found.unknown) == [
        "architecture",
        "quantization",
        "trained context",
        "what it needs of memory",
    ]
    assert (found.needs, found.fit) == (None, None), "without a context the engine takes what it finds"
    assert said(architecture_words(found.facts)) == "not known"
    assert said(quantization_words(found.facts)) == "not known"
    assert said(context_words(found)) == said(need_words(found)) == "not known"
    nothing = one(at("half", QWEN3, {"config.json": 1}))
    assert said(size_words(nothing.facts)) == "not known"


def test_where_the_host_does_not_tell_its_memory_only_the_need_is_said() -> None:
    found = one(at("a"), first_snapshot(HOST, CATALOGUE))
    assert found.fit is None
    assert said(need_words(found)) == "23.5 GiB"
    too_large = one(at("b", files={**WHOLE, "model.safetensors": 200 * GIB}))
    assert "short" in said(need_words(too_large))


def test_architectures_decide_about_the_servers() -> None:
    only_vllm = one(at("a", QWEN3 | {"architectures": ["Qwen2Model"], "num_experts": 8}))
    assert only_vllm.servers == ("vllm",) and only_vllm.entry["server"] == "vllm"
    assert "8 experts" in said(architecture_words(only_vllm.facts))
    unknown = one(at("b", QWEN3 | {"architectures": ["TomorrowForCausalLM"]}))
    assert unknown.servers == ("sglang", "sglang-main", "vllm")
    assert "does not know the architecture TomorrowForCausalLM" in said(unknown.remarks[0])
    alone = first_snapshot(HOST, Catalogue(servers=(OLLAMA,)))
    none = one(at("c"), alone)
    assert none.state is FoundState.UNSUITABLE and "no SGLang or vLLM server" in said(none.reason)


def test_code_of_its_own_is_said() -> None:
    found = one(at("a", QWEN3 | {"auto_map": {"AutoModel": "x.Y"}}))
    assert found.entry["args"] == {"sglang": ["--trust-remote-code"], "vllm": ["--trust-remote-code"]}
    assert "Python code of its own" in said(found.remarks[-1])


@pytest.mark.parametrize(
    ("folder", "state", "reason"),
    [
        (at("a", files={"config.json": 1}), "incomplete", "holds no weights"),
        (at("a", files={**WHOLE, "model-00001-of-00002.safetensors": 1}), "incomplete", "00002-of-00002"),
        (at("a", files={"model.safetensors": 1}, config=None), "incomplete", "config.json"),
        (at("a", config=None), "incomplete", "cannot be read"),
        (at("a", None, {"adapter_config.json": 1, "adapter_model.safetensors": 1}), "unsuitable", "LoRA"),
        (at("a", None, {"x.gguf": 1}), "unsuitable", "Ollama or llama.cpp"),
        (at("a", QWEN3, {"x.gguf": 1, "config.json": 1}), "unsuitable", "Ollama or llama.cpp"),
        (at("a", {"architectures": ["BertForSequenceClassification"]}), "unsuitable", "reranker"),
        (at("a", outward=("model.safetensors",)), "unsuitable", "model.safetensors is a link out"),
        (at("hub/models--O--N/snapshots/0f", outward=("x",)), "unsuitable", "Hugging Face cache"),
        (at("a:b"), "unsuitable", "colon"),
        (at("{models}"), "unsuitable", "cannot be written"),
        (at("x\u202ey"), "unsuitable", "cannot be written"),
        (at("x\udcff"), "unsuitable", "cannot be written"),
    ],
)
def test_what_cannot_be_proposed(folder: FoundFolder, state: str, reason: str) -> None:
    found = one(folder)
    assert (found.state, found.entry) == (state, {})
    assert reason in said(found.reason)


def test_what_the_catalogue_has_is_not_found() -> None:
    assert judged(at("scout")) == ()
    assert judged(at("elsewhere", identity="1:2"), known=frozenset({"1:2"})) == ()
    assert judged(at("app", {"theme": "dark"}, {"config.json": 1})) == ()
    assert judged(at("app", None, {"config.json": 1})) == ()
    catalogue = Catalogue(servers=CATALOGUE.servers, models=(replace_path(MODELS + "/scout/"),))
    assert judged(at("scout"), snapshot=first_snapshot(HOST, catalogue)) == ()


def replace_path(path: str) -> Any:
    return type(SCOUT)(id="s", servers=("sglang",), path=path)


def test_each_folder_once_by_its_shorter_name_and_each_name_once() -> None:
    found = judged(
        at("b/model", identity="1:1"),
        at("link", identity="1:1"),
        at("c/model", identity="1:2"),
        at("d/model", identity="1:3"),
        at("d-model"),
        at("x/scout"),
    )
    assert {each.at.removeprefix(MODELS + "/"): each.id for each in found} == {
        "link": "link",
        "c/model": "model",
        "d-model": "d-model",
        "d/model": "d-model-2",
        "x/scout": "x-scout",
    }
    assert [each.at for each in found] == sorted(each.at for each in found)


def test_a_models_folder_that_ends_in_a_slash() -> None:
    host = replace(HOST, models_dir=MODELS + "/")
    (found,) = judged(at("a"), at("scout"), snapshot=first_snapshot(host, CATALOGUE))
    assert found.entry["path"] == "{models}/a"


def test_a_model_in_a_cache_is_called_by_its_name() -> None:
    assert one(at("models--Org--Name-7B/snapshots/0f")).id == "Name-7B"
    assert one(at("hub/models--gpt2/snapshots/0f")).id == "gpt2"


def test_the_models_folder_itself() -> None:
    found = one(at(""))
    assert (found.id, found.entry["path"]) == ("models", "{models}/")
    assert HOST.expand("{models}/") == MODELS


@pytest.mark.parametrize(
    ("root", "path", "written"),
    [
        ("/m", "/m/a/b", "{models}/a/b"),
        ("/m/", "/m/a", "{models}/a"),
        ("/m", "/m2/a", "/m2/a"),
        ("/m", "/m", "{models}/"),
        ("/", "/a", "/a"),
    ],
)
def test_paths(root: str, path: str, written: str) -> None:
    assert catalogue_path(replace(HOST, models_dir=root), path) == written


@pytest.mark.parametrize(
    ("name", "plain"),
    [
        ("Qwen3-8B", "Qwen3-8B"),
        ("My Model (Q4)", "My-Model-Q4"),
        ("-x", "x"),
        ("größe", "gr-e"),
        ("模型", "model"),
    ],
)
def test_names(name: str, plain: str) -> None:
    assert plain_id(name) == plain
    assert unique(plain, {plain, f"{plain}-2"}) == f"{plain}-3"
    assert unique(plain, ()) == plain


@given(st.lists(st.text(st.characters(exclude_characters="/\0"), min_size=1), min_size=1, max_size=4))
def test_any_names_make_entries_or_reasons(names: list[str]) -> None:
    host = HostProfile("h", "h")
    for found in judged(
        *(at(name) for name in dict.fromkeys(names)), snapshot=first_snapshot(host, CATALOGUE)
    ):
        assert (found.reason is None) == bool(found.entry)
        assert found.id and found.id.isascii()
