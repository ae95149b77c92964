"""`models --from-run`: prints, remarks, writes; contacts nothing."""

import io
import json
import sys
from pathlib import Path

import pytest

from sparktray.__main__ import main
from sparktray.domain.catalogue_file.reading import read_catalogue

Capture = pytest.CaptureFixture[str]
LINE = (
    "docker run --name {name} -p {port}:30000 -v /home/sparkuser/ai/models/mine:/model lmsysorg/sglang:spark"
    " python3 -m sglang.launch_server --model-path /model --context-length 4096 --served-model-name mine"
)
OURS = LINE.format(name="sglang", port=30000)
ENTRY = {
    "id": "mine",
    "server": "sglang",
    "path": "{models}/mine",
    "served_name": "mine",
    "kind": "chat",
    "context": 4096,
}


def test_it_prints_the_entry_and_writes_nothing(config: Path, capsys: Capture) -> None:
    assert main(["models", "--from-run", OURS]) == 0
    told = capsys.readouterr()
    assert json.loads(told.out) == ENTRY
    assert "Nothing is written yet" in told.err and "--add" in told.err
    assert not (config / "models.json").exists()


def test_as_json(capsys: Capture, config: Path) -> None:
    assert main(["--json", "models", "--from-run", LINE.format(name="big", port=31000)]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["entry"] == ENTRY | {"server": "big"}
    assert (told["server"], told["added"], told["path"]) == ("big", False, None)
    assert told["new_server"]["port"] == 31000
    assert any("a server of its own" in remark for remark in told["remarks"])


def test_it_is_added_with_its_server_under_a_name(capsys: Capture, config: Path) -> None:
    line = LINE.format(name="big", port=31000)
    assert main(["models", "--from-run", line, "--add", "other"]) == 0
    told = capsys.readouterr()
    assert '"big": {' in told.out and "sparktray switch other" in told.err
    read = read_catalogue((config / "models.json").read_bytes(), "own")
    assert (read.models[-1].id, read.models[-1].servers) == ("other", ("big",))
    assert read.servers[-1].container == "big"
    assert main(["models", "--from-run", line, "--add"]) == 0
    read = read_catalogue((config / "models.json").read_bytes(), "own")
    assert [model.id for model in read.models[-2:]] == ["other", "mine"]
    assert len(read.servers) == 5, "the one that was made is used again"


def test_a_line_on_stdin(config: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    typed = io.TextIOWrapper(io.BytesIO(f"# copied\nsudo {OURS}\n".encode()))
    monkeypatch.setattr(sys, "stdin", typed)
    assert main(["--json", "models", "--from-run", "-"]) == 0
    assert json.loads(capsys.readouterr().out)["entry"] == ENTRY


def test_the_hosts_own_folders_count(config: Path, capsys: Capture) -> None:
    add = ["host", "add", "spark", "--address", "127.0.0.1", "--models-dir", "/srv/models"]
    assert main([*add, "--fingerprint", "SHA256:" + "A" * 43]) == 0
    capsys.readouterr()
    assert main(["--json", "models", "--from-run", OURS]) == 0
    assert json.loads(capsys.readouterr().out)["entry"]["path"] == "/home/sparkuser/ai/models/mine"
    moved = OURS.replace("/home/sparkuser/ai/models", "/srv/models")
    assert main(["--json", "models", "--from-run", moved, "--host", "spark"]) == 0
    assert json.loads(capsys.readouterr().out)["entry"]["path"] == "{models}/mine"


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["--from-run", "docker ps"], "run-line-missing"),
        (["--from-run", OURS, "--add", "a", "b"], "usage-names"),
        (["--from-run", OURS, "--host", "nobody"], "usage-unknown-host"),
        (["--from-run", OURS, "--add", "bge-m3"], "run-line-name-taken"),
    ],
)
def test_what_is_refused(words: list[str], code: str, config: Path, capsys: Capture) -> None:
    assert main(["--json", "models", *words]) == 2
    error = json.loads(capsys.readouterr().err)["error"]
    assert error["code"] == code and error["message"] and error["remedy"]
    assert not (config / "models.json").exists()


def test_a_broken_list_is_told_with_its_place(config: Path, capsys: Capture) -> None:
    config.mkdir(parents=True, exist_ok=True)
    (config / "models.json").write_text('{\n"version": 1,,}')
    assert main(["--json", "models", "--from-run", OURS, "--add"]) == 2
    error = json.loads(capsys.readouterr().err)["error"]
    assert error["code"] == "catalogue-syntax" and "line 2, column 14" in error["message"]
    assert (config / "models.json").read_text() == '{\n"version": 1,,}'
