from __future__ import annotations

import copy
import json
from typing import Any, NamedTuple

import pytest

from sparktray.domain.catalogue import Catalogue, EngineKind, ModelKind, OpenWebUi, Purpose, Secret
from sparktray.domain.catalogue_file.reading import (
    DEEPEST,
    LARGEST_FILE,
    CatalogueError,
    CatalogueProblem,
    read_catalogue,
)
from sparktray.domain.phrase import Phrase

GONE = object()
GOOD: dict[str, Any] = {
    "version": 1,
    "servers": {
        "sglang": {
            "engine": "sglang",
            "container": "sglang",
            "port": 30000,
            "image": "lmsysorg/sglang:spark",
        },
        "ollama": {"engine": "ollama", "container": "ollama", "port": 11434, "image": "ollama/ollama"},
    },
    "models": [
        {"id": "first", "server": "sglang", "path": "{models}/first"},
        {
            "id": "second",
            "server": ["sglang", "ollama"],
            "path": "/srv/models/second",
            "served_name": "gpt-4o-mini",
            "kind": "embedding",
            "context": 8192,
            "parallel": 4,
            "purpose": ["embeddings", "general"],
            "note": {"en": "take it", "de": "nimm es"},
            "args": {"sglang": ["--tp", "1", "odd 'quotes' $(and) \n lines"], "vllm": []},
            "docker_args": ["--shm-size", "16g"],
            "env": {"HF_HOME": "/cache", "VLLM_API_KEY": {"secret": "vllm"}},
            "memory_gib": 12.5,
            "ollama": "bge-m3",
            "start": ["/opt/start.sh", "--fast"],
            "stop": ["/opt/stop.sh"],
        },
    ],
    "open_webui": {"container": "webui", "volume": "chats", "port": 8080},
}


class Bad(NamedTuple):
    """One change to the good document and the one error it must give."""

    where: tuple[str | int, ...]
    value: object
    code: str
    path: str
    entry: str | None
    told: str
    """Must stand in message or remedy: the value found, or those allowed."""
    schema: bool = True
    """A JSON schema can express it."""


M0: tuple[str | int, ...] = ("models", 0)
AT0 = "$.models[0]"
DOCKER_NAME = "[a-zA-Z0-9][a-zA-Z0-9_.-]+"
MODEL_KEYS = "id, server, path, served_name, kind, context, parallel, purpose, note, args"
FILE_TABLE = [
    Bad((), [], "catalogue-type", "$", None, "object"),
    Bad((), "text", "catalogue-type", "$", None, "string"),
    Bad(("version",), 2, "catalogue-version", "$.version", None, "Allowed: 1"),
    Bad(("version",), True, "catalogue-type", "$.version", None, "integer"),
    Bad(("version",), GONE, "catalogue-missing-key", "$", None, "version, servers, models"),
    Bad(("models",), GONE, "catalogue-missing-key", "$", None, "models"),
    Bad(("models",), {}, "catalogue-type", "$.models", None, "array"),
    Bad(("$schema",), 3, "catalogue-type", "$.$schema", None, "string"),
    Bad(("modells",), [], "catalogue-unknown-key", "$.modells", None, "Did you mean models?"),
    Bad(("a.b",), [], "catalogue-unknown-key", '$["a.b"]', None, "version, servers, models, open_webui"),
    Bad((" - at `$x",), [], "catalogue-unknown-key", '$[" - at `$x"]', None, "Allowed: "),
    Bad(("open_webui",), [], "catalogue-type", "$.open_webui", None, "object"),
    Bad(
        ("open_webui", "colour"),
        1,
        "catalogue-unknown-key",
        "$.open_webui.colour",
        None,
        "container, volume, port",
    ),
    Bad(("open_webui", "port"), 0, "catalogue-range", "$.open_webui.port", None, "1 to 65535"),
    Bad(("open_webui", "container"), "-x", "catalogue-name", "$.open_webui.container", None, "dash"),
    Bad(("open_webui", "volume"), "a b", "catalogue-name", "$.open_webui.volume", None, DOCKER_NAME),
]
S = ("servers", "sglang")
AT_S = "$.servers.sglang"
SERVER_TABLE = [
    Bad(("servers", "a b"), {}, "catalogue-name", '$.servers["a b"]', "a b", "a b"),
    Bad(("servers", "-a"), {}, "catalogue-name", "$.servers.-a", "-a", "dash"),
    Bad(("servers", ""), {}, "catalogue-name", '$.servers[""]', "", "empty"),
    Bad(S, 1, "catalogue-type", AT_S, "sglang", "object"),
    Bad(
        (*S, "engine"), "tgi", "catalogue-choice", f"{AT_S}.engine", "sglang", "Allowed: sglang, vllm, ollama"
    ),
    Bad((*S, "engine"), None, "catalogue-type", f"{AT_S}.engine", "sglang", "null"),
    Bad((*S, "engine"), GONE, "catalogue-missing-key", AT_S, "sglang", "engine, container, port, image"),
    Bad((*S, "prot"), 1, "catalogue-unknown-key", f"{AT_S}.prot", "sglang", "Did you mean port?"),
    Bad((*S, "container"), "-x", "catalogue-name", f"{AT_S}.container", "sglang", "option"),
    Bad((*S, "container"), "x", "catalogue-name", f"{AT_S}.container", "sglang", DOCKER_NAME),
    Bad((*S, "container"), "a/b", "catalogue-name", f"{AT_S}.container", "sglang", DOCKER_NAME),
    Bad((*S, "container"), "xy\n", "catalogue-hidden", f"{AT_S}.container", "sglang", "control", False),
    Bad((*S, "port"), 65536, "catalogue-range", f"{AT_S}.port", "sglang", "1 to 65535"),
    Bad((*S, "port"), "30000", "catalogue-type", f"{AT_S}.port", "sglang", "integer"),
    Bad((*S, "port"), 1.5, "catalogue-type", f"{AT_S}.port", "sglang", "integer"),
    Bad((*S, "image"), "--rm", "catalogue-name", f"{AT_S}.image", "sglang", "dash"),
    Bad((*S, "image"), "a b", "catalogue-name", f"{AT_S}.image", "sglang", "a b"),
    Bad((*S, "image"), " ", "catalogue-name", f"{AT_S}.image", "sglang", "empty"),
    Bad(
        (*S, "container"),
        "ollama",
        "catalogue-duplicate",
        "$.servers.ollama.container",
        "ollama",
        "sglang",
        False,
    ),
    Bad((*S, "bind"), "spark.local", "catalogue-address", f"{AT_S}.bind", "sglang", "spark.local"),
    Bad((*S, "served_name"), "", "catalogue-name", f"{AT_S}.served_name", "sglang", "empty"),
    Bad((*S, "served_name"), "a b", "catalogue-name", f"{AT_S}.served_name", "sglang", "a b"),
    Bad(
        ("servers", "ollama", "served_name"),
        "spark",
        "catalogue-name",
        "$.servers.ollama.served_name",
        "ollama",
        "its own name",
        False,
    ),
    Bad((*S, "port"), 11434, "catalogue-duplicate", "$.servers.ollama.port", "ollama", "sglang", False),
    Bad((*S, "port"), 8080, "catalogue-duplicate", f"{AT_S}.port", "sglang", "open_webui", False),
]
MODEL_TABLE = [
    Bad(M0, "first", "catalogue-type", AT0, None, "object"),
    Bad((*M0, "id"), GONE, "catalogue-missing-key", AT0, None, "id, server"),
    Bad((*M0, "id"), 7, "catalogue-type", f"{AT0}.id", None, "string"),
    Bad((*M0, "id"), "", "catalogue-name", f"{AT0}.id", "", "empty"),
    Bad((*M0, "id"), "-x", "catalogue-name", f"{AT0}.id", "-x", "-x"),
    Bad((*M0, "id"), "a\nb", "catalogue-hidden", f"{AT0}.id", "a\nb", "control"),
    Bad((*M0, "id"), "a\u202eb", "catalogue-hidden", f"{AT0}.id", "a\u202eb", "cannot be seen", False),
    Bad((*M0, "id"), "second", "catalogue-duplicate", "$.models[1].id", "second", "second", False),
    Bad((*M0, "servr"), "x", "catalogue-unknown-key", f"{AT0}.servr", "first", "Did you mean server?"),
    Bad((*M0, "zzz"), "x", "catalogue-unknown-key", f"{AT0}.zzz", "first", MODEL_KEYS),
    Bad((*M0, "server"), GONE, "catalogue-missing-key", AT0, "first", "server"),
    Bad((*M0, "server"), 5, "catalogue-type", f"{AT0}.server", "first", "string, array"),
    Bad((*M0, "server"), [], "catalogue-server", f"{AT0}.server", "first", "sglang, ollama"),
    Bad(
        (*M0, "server"),
        "vllm",
        "catalogue-server",
        f"{AT0}.server",
        "first",
        "Allowed: sglang, ollama",
        False,
    ),
    Bad(
        (*M0, "server"),
        ["sglang", "x"],
        "catalogue-server",
        f"{AT0}.server[1]",
        "first",
        "sglang, ollama",
        False,
    ),
    Bad((*M0, "server"), ["sglang", 3], "catalogue-type", f"{AT0}.server[1]", "first", "string"),
    Bad((*M0, "server"), ["sglang", "sglang"], "catalogue-duplicate", f"{AT0}.server[1]", "first", "sglang"),
    Bad((*M0, "server"), "ollama", "catalogue-server", f"{AT0}.server", "first", '"ollama"', False),
    Bad((*M0, "path"), GONE, "catalogue-server", f"{AT0}.server", "first", '"path"', False),
    Bad((*M0, "path"), "relative", "catalogue-path", f"{AT0}.path", "first", "/…, {models}/…, {cache}/…"),
    Bad((*M0, "path"), "-v", "catalogue-path", f"{AT0}.path", "first", "-v"),
    Bad((*M0, "path"), "{home}/x", "catalogue-path", f"{AT0}.path", "first", "{models}/…"),
    Bad((*M0, "path"), "{models}/../etc", "catalogue-path", f"{AT0}.path", "first", ".."),
    Bad((*M0, "path"), "/a/..", "catalogue-path", f"{AT0}.path", "first", ".."),
    Bad((*M0, "path"), "/a:/b", "catalogue-path", f"{AT0}.path", "first", "colon"),
    Bad((*M0, "path"), "/a\tb", "catalogue-hidden", f"{AT0}.path", "first", "control"),
    Bad((*M0, "served_name"), "-x", "catalogue-name", f"{AT0}.served_name", "first", "-x"),
    Bad((*M0, "served_name"), "a\0", "catalogue-hidden", f"{AT0}.served_name", "first", "control"),
    Bad((*M0, "ollama"), "a b", "catalogue-name", f"{AT0}.ollama", "first", "a b"),
    Bad((*M0, "ollama"), "-a", "catalogue-name", f"{AT0}.ollama", "first", "-a"),
    Bad((*M0, "kind"), "image", "catalogue-choice", f"{AT0}.kind", "first", "Allowed: chat, embedding"),
    Bad((*M0, "purpose"), "coding", "catalogue-type", f"{AT0}.purpose", "first", "array"),
    Bad(
        (*M0, "purpose"),
        ["coding", "fun"],
        "catalogue-choice",
        f"{AT0}.purpose[1]",
        "first",
        "documents, general, coding, reasoning, embeddings, uncensored",
    ),
    Bad((*M0, "context"), 0, "catalogue-range", f"{AT0}.context", "first", "1 to 1000000000"),
    Bad((*M0, "context"), "32k", "catalogue-type", f"{AT0}.context", "first", "integer, null"),
    Bad((*M0, "parallel"), 0, "catalogue-range", f"{AT0}.parallel", "first", "1 to 256"),
    Bad((*M0, "parallel"), 257, "catalogue-range", f"{AT0}.parallel", "first", "257"),
    Bad((*M0, "parallel"), None, "catalogue-type", f"{AT0}.parallel", "first", "integer"),
    Bad((*M0, "memory_gib"), 0, "catalogue-range", f"{AT0}.memory_gib", "first", "0.1 to 4096"),
    Bad((*M0, "memory_gib"), float("nan"), "catalogue-range", f"{AT0}.memory_gib", "first", "nan", False),
    Bad((*M0, "memory_gib"), "12", "catalogue-type", f"{AT0}.memory_gib", "first", "integer, number, null"),
    Bad((*M0, "note"), "text", "catalogue-type", f"{AT0}.note", "first", "object"),
    Bad((*M0, "note"), {"fr": "x"}, "catalogue-unknown-key", f"{AT0}.note.fr", "first", "en, de"),
    Bad((*M0, "note"), {"en": 1}, "catalogue-type", f"{AT0}.note.en", "first", "string"),
    Bad((*M0, "note"), {"de": "a\nb"}, "catalogue-hidden", f"{AT0}.note.de", "first", "control"),
    Bad((*M0, "start"), ["x"], "catalogue-command", AT0, "first", '"stop"'),
    Bad((*M0, "stop"), ["x"], "catalogue-command", AT0, "first", '"start"'),
    Bad(("models", 1, "start"), [], "catalogue-command", "$.models[1].start", "second", "empty"),
    Bad(("models", 1, "start"), ["-x"], "catalogue-name", "$.models[1].start[0]", "second", "-x"),
    Bad(("models", 1, "stop"), ["x", "\0"], "catalogue-hidden", "$.models[1].stop[1]", "second", "NUL"),
    Bad((*M0, "env"), [], "catalogue-type", f"{AT0}.env", "first", "object"),
    Bad((*M0, "env"), {"1A": ""}, "catalogue-name", f"{AT0}.env.1A", "first", "[A-Za-z_][A-Za-z0-9_]*"),
    Bad((*M0, "env"), {"A=B": ""}, "catalogue-name", f'{AT0}.env["A=B"]', "first", "A=B"),
    Bad((*M0, "env"), {"A": 1}, "catalogue-type", f"{AT0}.env.A", "first", "object"),
    Bad((*M0, "env"), {"A": "x\ny"}, "catalogue-hidden", f"{AT0}.env.A", "first", "control"),
    Bad(
        (*M0, "env"), {"A": {"secrt": "x"}}, "catalogue-unknown-key", f"{AT0}.env.A.secrt", "first", "secret"
    ),
    Bad((*M0, "env"), {"A": {"secret": ""}}, "catalogue-name", f"{AT0}.env.A.secret", "first", "empty"),
    Bad((*M0, "args"), ["--tp"], "catalogue-type", f"{AT0}.args", "first", "object"),
    Bad(
        (*M0, "args"), {"ollama": []}, "catalogue-unknown-key", f"{AT0}.args.ollama", "first", "sglang, vllm"
    ),
    Bad((*M0, "args"), {"vllm": "--x"}, "catalogue-type", f"{AT0}.args.vllm", "first", "array"),
    Bad((*M0, "args"), {"vllm": ["a\0"]}, "catalogue-hidden", f"{AT0}.args.vllm[0]", "first", "NUL"),
    Bad(
        (*M0, "docker_args"),
        ["-it", "-itd"],
        "catalogue-flag",
        f"{AT0}.docker_args[1]",
        "first",
        "-itd",
        False,
    ),
]
OWN = [
    "--port",
    "--host",
    "--served-model-name",
    "--model",
    "--model-path",
    "--name",
    "--rm",
    "-d",
    "--detach",
    "--privileged",
]
FLAG_TABLE = [
    row
    for flag in OWN
    for row in (
        Bad((*M0, "args"), {"sglang": ["x", flag]}, "catalogue-flag", f"{AT0}.args.sglang[1]", "first", flag),
        Bad((*M0, "docker_args"), [f"{flag}=x"], "catalogue-flag", f"{AT0}.docker_args[0]", "first", flag),
    )
]
SECRET_TABLE = [
    Bad(
        (*M0, "args"),
        {"vllm": [flag]},
        "catalogue-secret",
        f"{AT0}.args.vllm[0]",
        "first",
        '{"secret": "vllm"}',
    )
    for flag in ("--api-key", "--api-key=k", "--api_key=k", "--admin-api-key")
]
BAD = [*FILE_TABLE, *SERVER_TABLE, *MODEL_TABLE, *FLAG_TABLE, *SECRET_TABLE]


def changed(row: Bad) -> Any:
    """The good document with the row's one change."""
    if not row.where:
        return row.value
    document = copy.deepcopy(GOOD)
    place: Any = document
    *way, last = row.where
    for step in way:
        place = place[step]
    if row.value is GONE:
        del place[last]
    else:
        place[last] = row.value
    return document


def title(row: Bad) -> str:
    return ascii(f"{'.'.join(map(str, row.where))}={row.value if row.value is not GONE else 'gone'}")[:60]


def problem_of(text: bytes) -> CatalogueProblem:
    with pytest.raises(CatalogueError) as caught:
        read_catalogue(text, "models.json")
    assert caught.value.problem.source == "models.json"
    assert "models.json" in str(caught.value)
    return caught.value.problem


def told(phrase: Phrase) -> str:
    return phrase.msgid.format(**phrase.values)


@pytest.mark.parametrize("row", BAD, ids=title)
def test_a_bad_value_is_named_with_its_place_and_what_is_allowed(row: Bad) -> None:
    problem = problem_of(json.dumps(changed(row)).encode())
    assert (problem.code, problem.path, problem.entry) == (row.code, row.path, row.entry)
    assert (problem.line, problem.column) == (None, None)
    assert row.told in told(problem.message) + " " + told(problem.remedy)


@pytest.mark.parametrize(
    ("text", "code", "line", "column", "words"),
    [
        (b"", "catalogue-syntax", 1, 1, "empty"),
        (b" \n ", "catalogue-syntax", 2, 2, "empty"),
        (b'{\n  "version" 1}', "catalogue-syntax", 2, 13, "not valid JSON"),
        (b'{\n  "version": 1 "a": 2}', "catalogue-syntax", 2, 16, "not valid JSON"),
        ('{"ä": 1 "a": 2}'.encode(), "catalogue-syntax", 1, 9, "comma"),
        (b'{"a": 1} // why', "catalogue-syntax", 1, 10, "comments"),
        (b"1" * 5000, "catalogue-syntax", None, None, "digits"),
        (b"\xef\xbb\xbf{}", "catalogue-encoding", 1, 1, "byte order mark"),
        ("{}".encode("utf-16"), "catalogue-encoding", 1, 1, "byte order mark"),
        ("{}".encode("utf-16-le"), "catalogue-encoding", 1, 2, "UTF-16"),
        (b'{\n "a": "\xe4"}', "catalogue-encoding", 2, 8, "UTF-8"),
        (b'\xff\n"\0', "catalogue-encoding", 2, 2, "NUL"),
        (b" " * (LARGEST_FILE + 1), "catalogue-too-large", None, None, str(LARGEST_FILE)),
    ],
)
def test_a_file_that_is_no_json_is_told_by_line_and_column(
    text: bytes, code: str, line: int | None, column: int | None, words: str
) -> None:
    problem = problem_of(text)
    assert (problem.code, problem.line, problem.column, problem.path) == (code, line, column, None)
    assert words in told(problem.message) + " " + told(problem.remedy)


@pytest.mark.parametrize(
    ("text", "code", "path"),
    [
        (b"[" * 100_000, "catalogue-too-deep", "$"),
        (b"[" * 50 + b"]" * 50, "catalogue-too-deep", "$" + "[0]" * (DEEPEST + 1)),
        (b'{"models": [], "a": {"x": 1, "x": 2, "y": 3, "y": 4}}', "catalogue-duplicate", "$.a.x"),
        (b'{"servers": {"sglang": {}, "sglang": {}}}', "catalogue-duplicate", "$.servers.sglang"),
        (b'{"a": ["\\ud800"]}', "catalogue-hidden", "$.a[0]"),
        (b'{"\\ud800": 1}', "catalogue-hidden", '$["\\ud800"]'),
    ],
)
def test_what_a_json_parser_would_let_pass_is_told_by_path(text: bytes, code: str, path: str) -> None:
    problem = problem_of(text)
    assert (problem.code, problem.path) == (code, path)


def test_everything_is_read() -> None:
    catalogue = read_catalogue(json.dumps(GOOD).encode(), "models.json")
    first, second = catalogue.models
    assert [server.name for server in catalogue.servers] == ["sglang", "ollama"]
    assert catalogue.servers[0].engine is EngineKind.SGLANG
    assert catalogue.open_webui == OpenWebUi(container="webui", volume="chats", port=8080)
    assert (first.servers, first.context, first.parallel, first.kind) == (
        ("sglang",),
        None,
        1,
        ModelKind.CHAT,
    )
    assert (first.args, first.env, first.note, first.start, first.purposes) == ({}, {}, {}, None, ())
    assert second.servers == ("sglang", "ollama")
    assert second.name_on(catalogue.servers[0]) == "gpt-4o-mini"
    assert second.name_on(catalogue.servers[1]) == "bge-m3"
    assert second.purposes == (Purpose.EMBEDDINGS, Purpose.GENERAL)
    assert second.args == {EngineKind.SGLANG: ("--tp", "1", "odd 'quotes' $(and) \n lines")}
    assert second.env == {"HF_HOME": "/cache", "VLLM_API_KEY": Secret(name="vllm")}
    assert second.note == {"en": "take it", "de": "nimm es"}
    assert (second.memory_gib, second.docker_args) == (12.5, ("--shm-size", "16g"))
    assert (second.start, second.stop) == (("/opt/start.sh", "--fast"), ("/opt/stop.sh",))


def test_a_server_may_be_bound_and_have_one_name_for_all_its_models() -> None:
    text = json.loads(json.dumps(GOOD))
    text["servers"]["sglang"] |= {"bind": "0:0:0:0:0:0:0:1", "served_name": "spark"}
    server = read_catalogue(json.dumps(text).encode(), "models.json").servers[0]
    assert (server.bind, server.served_name) == ("::1", "spark")


def test_a_catalogue_may_be_empty_and_leave_out_open_webui() -> None:
    catalogue = read_catalogue(b'{"version": 1, "servers": {}, "models": []}', "models.json")
    assert catalogue == Catalogue(servers=(), models=(), open_webui=OpenWebUi())


def test_scripts_stand_in_for_a_folder() -> None:
    document = copy.deepcopy(GOOD)
    document["models"] = [{"id": "own", "server": "sglang", "start": ["/on"], "stop": ["/off"]}]
    assert read_catalogue(json.dumps(document).encode(), "models.json").models[0].path is None
