"""Bad input and broken hosts: the right exit code, one sentence, one remedy, nothing changed."""

from __future__ import annotations

import json
import socket
from pathlib import Path

import pytest

from tests.rig.driving import Program, quicken
from tests.rig.rig import Rig
from tests.rig.sshd import free_port

SCOUT, QWEN = "llama4-scout-17b-nvfp4", "qwen3-32b-nvfp4"


@pytest.fixture
def program(rig: Rig, tmp_path: Path) -> Program:
    """The command line with the rig set up as its host."""
    made = Program(tmp_path / "config")
    made.add(rig)
    return made


def add_at(program: Program, rig: Rig, port: int, fingerprint: str | None, **more: str) -> None:
    """Set up the host anew, somewhere else: a profile that is only changed keeps its pinned key."""
    program.run("host", "remove", "spark")
    words = ["host", "add", "spark", "--address", "127.0.0.1", "--port", str(port), "--user", rig.user]
    words += ["--key", more.get("key", str(rig.client_key))]
    program.ok(*words, *(["--fingerprint", fingerprint] if fingerprint else []))


def test_closed_and_silent_ports(rig: Rig, program: Program) -> None:
    """3: the host refuses, or accepts and says nothing."""
    add_at(program, rig, free_port(), rig.fingerprint)
    assert program.refused(3, "status")["code"] == "port-closed"
    with socket.create_server(("127.0.0.1", 0)) as silent:
        add_at(program, rig, silent.getsockname()[1], rig.fingerprint)
        assert program.refused(3, "status")["code"] == "ssh-silent"


@pytest.mark.fault("S19")
def test_login_refused_and_key_files(rig: Rig, program: Program, tmp_path: Path) -> None:
    """4: a key the host does not know, one that others can read, one that is not there."""
    from tests.rig.sshd import make_key

    stranger = tmp_path / "stranger"
    make_key(stranger)
    add_at(program, rig, rig.port, rig.fingerprint, key=str(stranger))
    assert program.refused(4, "status")["code"] == "login-refused"
    stranger.chmod(0o644)
    assert program.refused(4, "status")["code"] == "key-unusable"
    add_at(program, rig, rig.port, rig.fingerprint, key=str(tmp_path / "missing"))
    assert program.refused(4, "status")["code"] == "key-unusable"


def test_host_keys(rig: Rig, program: Program) -> None:
    """5: unknown shows the fingerprint, changed shows both; no login is tried."""
    add_at(program, rig, rig.port, None)
    unknown = program.refused(5, "status")
    assert unknown["code"] == "host-key-unknown" and rig.fingerprint in unknown["message"]
    other = rig.sshd({"LogLevel": "DEBUG2"}, host_key_name="other")
    add_at(program, rig, other.port, rig.fingerprint)
    changed = program.refused(5, "switch", QWEN)
    assert changed["code"] == "host-key-changed" and rig.fingerprint in changed["message"]
    assert "userauth-request" not in other.log()


@pytest.mark.fault("S16")
def test_docker_missing_and_forbidden(rig: Rig, program: Program) -> None:
    """3: no docker on the PATH, or a user who may not use it."""
    none = rig.sshd({"AllowStreamLocalForwarding": "no"}, without_docker=True)
    add_at(program, rig, none.port, none.fingerprint)
    assert program.refused(3, "status")["code"] == "docker-missing"
    forbidden = rig.sshd(user="nodocker")
    program.run("host", "remove", "spark")
    program.add(rig, "spark", forbidden)
    error = program.refused(3, "status")
    assert error["code"] == "docker-forbidden" and "usermod" in error["remedy"]


def test_model_folder_missing_or_incomplete(rig: Rig, program: Program) -> None:
    """7: before anything is changed."""
    quicken(rig)
    program.ok("switch", SCOUT)
    before = rig.docker("ps", "-a", "-q", "--no-trunc")
    folder = rig.folder("qwen3-coder-30b-nvfp4")
    weights = sorted(folder.glob("*.safetensors"))
    weights[-1].unlink()
    error = program.refused(7, "switch", "qwen3-coder-30b-nvfp4")
    assert error["code"] == "model-incomplete" and weights[-1].name in error["message"]
    folder.rename(folder.with_name("elsewhere"))
    error = program.refused(7, "switch", "qwen3-coder-30b-nvfp4")
    assert error["code"] == "model-missing" and str(folder) in error["message"]
    assert rig.docker("ps", "-a", "-q", "--no-trunc") == before


def test_image_missing(rig: Rig, program: Program) -> None:
    """7: the image is not there and cannot be fetched; the old model runs on."""
    quicken(rig)
    program.ok("switch", QWEN)
    rig.docker("rmi", "nvcr.io/nvidia/vllm:26.05-py3")
    refused = program.run("--json", "switch", QWEN, "--on", "vllm")
    assert refused.returncode == 7, refused.stderr
    assert rig.state("sglang-main") == "running" and rig.inspect("sparktray-lock") is None


def test_ports_taken_are_named(rig: Rig, program: Program) -> None:
    """7: by a container of somebody else, by a program of the host; both named, neither touched."""
    quicken(rig)
    published = ("-p", "30001:80", "--entrypoint", "sleep")
    rig.docker("run", "-d", "--name", "nginx", *published, "ollama/ollama", "600")
    error = program.refused(7, "switch", QWEN)
    assert error["code"] == "port-taken" and "nginx" in error["message"]
    assert rig.state("nginx") == "running"
    rig.docker("rm", "-f", "nginx")
    with socket.create_server(("0.0.0.0", 30001)):
        assert program.refused(7, "switch", QWEN)["code"] == "port-taken"
    assert rig.docker("ps", "-a", "-q") == ""


def test_other_name_or_image_needs_replace(rig: Rig, program: Program) -> None:
    """A container under another name is taken over only when that was asked for."""
    quicken(rig)
    rig.start_sglang(container="my-own", rm=False)
    rig.wait_http(30000, "/health", 200)
    error = program.refused(7, "switch", "qwen3-coder-30b-nvfp4")
    assert error["code"] == "replace-needed" and "my-own" in error["message"]
    assert rig.state("my-own") == "running"
    done = program.json("switch", "qwen3-coder-30b-nvfp4", "--replace")["operation"]
    assert done["end"] == "done"
    assert rig.inspect("my-own") is None and rig.inspect("my-own.previous") is None


def test_a_name_that_somebody_else_holds(rig: Rig, program: Program) -> None:
    """What is set aside never overwrites a container of somebody else."""
    quicken(rig)
    program.ok("switch", SCOUT)
    rig.docker("run", "-d", "--name", "sglang.previous", "--entrypoint", "sleep", "ollama/ollama", "600")
    error = program.refused(7, "switch", "qwen3-coder-30b-nvfp4")
    assert error["code"] == "name-taken"
    assert rig.state("sglang.previous") == "running" and rig.state("sglang") == "running"


def test_hostile_names_do_nothing(rig: Rig, program: Program, tmp_path: Path) -> None:
    """Names with quotes, $(), newlines or leading dashes are refused before, or arrive as they are."""
    for name in ("$(touch /tmp/pwned)", "a\nb", "-x", "'; reboot"):
        assert program.run("switch", "--", name).returncode == 2
        assert program.run("host", "add", "--address", "127.0.0.1", "--", name).returncode == 2
        assert program.run("host", "add", "h", "--address=" + name).returncode == 2
    folder = rig.models_folder / "odd $(touch pwned) 'name'"
    rig.folder(SCOUT).rename(folder)
    text = (
        Path("models.json")
        .read_text()
        .replace("{models}/llama4/llama4-scout-17b-nvfp4", "{models}/odd $(touch pwned) 'name'")
    )
    (program.config / "models.json").write_text(text)
    done = program.json("switch", SCOUT)["operation"]
    assert done["end"] == "done"
    assert not list(Path("/home/sparkuser").glob("**/pwned"))


def test_gpu_runtime_missing(rig: Rig, program: Program) -> None:
    """Docker's own refusal at the start is told in words, and leaves no half-made container."""
    catalogue = json.loads(Path("models.json").read_text())
    catalogue["models"][0]["docker_args"] = ["--runtime", "none"]
    (program.config / "models.json").write_text(json.dumps(catalogue))
    refused = program.run("--json", "switch", SCOUT)
    assert refused.returncode == 1, refused.stderr
    assert "none" in json.loads(refused.stdout)["operation"]["failure"]["remedy"]
    assert rig.inspect("sglang") is None and rig.inspect("sparktray-lock") is None


def test_bad_catalogue_contacts_nothing(rig: Rig, program: Program) -> None:
    """2: one error with its place; the host hears nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        add_at(program, rig, listening.getsockname()[1], rig.fingerprint)
        (program.config / "models.json").write_text('{"version": 1, "servers": {}, "models": [{"id": 3}]}')
        error = program.refused(2, "status")
        assert error["code"].startswith("catalogue-") and "$.models[0]" in error["message"]
        listening.setblocking(False)
        with pytest.raises(BlockingIOError):
            listening.accept()


def test_no_host_set_up(tmp_path: Path) -> None:
    """2 for a command, 0 for the bare program, which says how to add one."""
    program = Program(tmp_path / "empty")
    assert "host add" in program.refused(2, "status")["remedy"]
    assert "host add" in program.ok()


def test_without_a_journal_nothing_is_changed(rig: Rig, program: Program) -> None:
    """What cannot be written down cannot be brought back: refused before the lock is taken."""
    quicken(rig)
    (program.config / "journal").write_text("a file where the folder should be")
    refused = program.run("--json", "switch", SCOUT)
    assert refused.returncode != 0
    assert "store-" in refused.stderr + refused.stdout
    assert rig.docker("ps", "-a", "-q") == ""
