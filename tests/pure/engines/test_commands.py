from __future__ import annotations

import pytest

from sparktray.domain.catalogue import EngineKind, Secret
from sparktray.engines.commands import has_any, idles, option, port, repository, shown, words_of
from sparktray.engines.registry import ENGINES, engine
from tests.pure.engines.launching import container, launch, server


@pytest.mark.parametrize(
    ("image", "name"),
    [
        ("lmsysorg/sglang:spark", "lmsysorg/sglang"),
        ("lmsysorg/sglang", "lmsysorg/sglang"),
        ("registry:5000/x/sglang", "registry:5000/x/sglang"),
        ("registry:5000/x/sglang:1", "registry:5000/x/sglang"),
        ("x/y:1@sha256:abcd", "x/y"),
        ("sha256:0123", "sha256"),
        ("", ""),
    ],
)
def test_an_image_without_tag_and_digest(image: str, name: str) -> None:
    assert repository(image) == name


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (("vllm", "serve", "/m"), ("vllm", "serve", "/m")),
        (
            ("bash", "-c", "vllm serve '/my model' --port 9"),
            ("bash", "-c", "vllm", "serve", "/my model", "--port", "9"),
        ),
        (("/bin/sh", "-lc", "vllm serve 'open"), ("/bin/sh", "-lc", "vllm", "serve", "'open")),
        (("python3", "-c", "a b"), ("python3", "-c", "a b")),
        ((), ()),
    ],
)
def test_the_text_of_a_shell_is_taken_apart(argv: tuple[str, ...], words: tuple[str, ...]) -> None:
    assert words_of(container(argv=argv)) == words


@pytest.mark.parametrize(
    ("argv", "value"),
    [
        ("x --port 1", "1"),
        ("x --port=1", "1"),
        ("x --port 1 --port=2", "2"),
        ("x --port", None),
        ("x --port=", ""),
        ("x --porter 1", None),
        ("x", None),
    ],
)
def test_the_last_of_an_option_counts(argv: str, value: str | None) -> None:
    assert option(container(argv=argv), "--port", "-p") == value


@pytest.mark.parametrize(
    ("argv", "number"),
    [
        ("x", 7),
        ("x --port 30001", 30001),
        ("x --port $PORT", None),
        ("x --port ٣", None),
        ("x --port 123456", None),
    ],
)
def test_the_port_of_a_command_line(argv: str, number: int | None) -> None:
    assert port(container(argv=argv), 7) == number


@pytest.mark.parametrize(
    ("argv", "idle"),
    [
        ("sleep infinity", True),
        ("/opt/nvidia/nvidia_entrypoint.sh sleep infinity", True),
        ("/opt/nvidia/nvidia_entrypoint.sh", True),
        ("/opt/nvidia/nvidia_entrypoint.sh bash", True),
        ("/bin/bash -l", True),
        ("tini -- tail -f /dev/null", True),
        ("jupyter lab", True),
        ("bash /start.sh", False),
        ("python3 serve.py", False),
        ("", False),
    ],
)
def test_a_container_that_only_waits_is_no_server(argv: str, idle: bool) -> None:
    assert idles(tuple(argv.split())) is idle


def test_a_shell_that_sleeps_waits_too() -> None:
    assert idles(words_of(container(argv=("bash", "-c", "exec sleep infinity"))))
    assert not idles(words_of(container(argv=("bash", "-c", "exec /start"))))


def test_a_flag_is_found_in_both_spellings() -> None:
    assert has_any(("--a", "1"), "--a")
    assert has_any(("--a=1",), "--b", "--a")
    assert not has_any(("--ab", "1"), "--a")


@pytest.mark.parametrize("kind", list(EngineKind))
def test_every_kind_has_its_engine(kind: EngineKind) -> None:
    assert engine(kind).kind is kind
    assert ENGINES[kind] is engine(kind)


def test_labels_options_and_environment_come_before_the_image_and_no_secret_at_all() -> None:
    argv = engine(EngineKind.OLLAMA).run_argv(
        launch(
            EngineKind.OLLAMA,
            labels={"b": "2", "a": "x y"},
            env={"PLAIN": "$(v)", "KEY": Secret(name="the-key")},
            docker_args=("--shm-size", "1g"),
        )
    )
    assert argv == (
        "docker",
        "run",
        "-d",
        "--name",
        "ollama",
        "--gpus",
        "all",
        "-p",
        "11434:11434",
        "-v",
        "ollama:/root/.ollama",
        "--label",
        "a=x y",
        "--label",
        "b=2",
        "-e",
        "PLAIN=$(v)",
        "--env-file",
        "/dev/stdin",
        "--shm-size",
        "1g",
        "ollama/ollama",
    )
    assert not any("the-key" in word or "KEY" in word for word in argv)


@pytest.mark.parametrize(
    ("argv", "told"),
    [
        ("run -e KEY=v image", "run -e KEY=*** image"),
        ("run --env KEY=a=b image", "run --env KEY=*** image"),
        ("run --env=KEY=v image", "run --env=KEY=*** image"),
        ("run -eKEY=v image", "run -eKEY=*** image"),
        ("run -e KEY image", "run -e KEY image"),
        ("run --env=KEY image", "run --env=KEY image"),
        ("run --env-file /dev/stdin image", "run --env-file /dev/stdin image"),
        ("run --label a=b -v x:/y image --tp 1", "run --label a=b -v x:/y image --tp 1"),
        ("", ""),
    ],
)
def test_a_command_is_shown_without_values_of_the_environment(argv: str, told: str) -> None:
    assert shown(argv.split()) == tuple(told.split())


@pytest.mark.parametrize("kind", [EngineKind.SGLANG, EngineKind.VLLM])
def test_a_model_with_scripts_of_its_own_has_no_command(kind: EngineKind) -> None:
    with pytest.raises(ValueError, match="no folder"):
        engine(kind).run_argv(launch(kind, path=None))


@pytest.mark.parametrize(
    ("kind", "bind", "published"),
    [
        (EngineKind.SGLANG, None, "30000:30000"),
        (EngineKind.SGLANG, "127.0.0.1", "127.0.0.1:30000:30000"),
        (EngineKind.VLLM, "::1", "[::1]:8000:8000"),
        (EngineKind.OLLAMA, "127.0.0.1", "127.0.0.1:11434:11434"),
    ],
)
def test_the_address_at_which_a_port_is_published(kind: EngineKind, bind: str | None, published: str) -> None:
    argv = engine(kind).run_argv(launch(kind, on=server(kind, bind=bind)))
    assert argv[argv.index("-p") + 1] == published


@pytest.mark.parametrize("kind", [EngineKind.SGLANG, EngineKind.VLLM])
def test_a_server_may_have_one_name_for_all_its_models(kind: EngineKind) -> None:
    argv = engine(kind).run_argv(launch(kind, on=server(kind, served_name="spark")))
    assert argv[argv.index("--served-model-name") + 1] == "spark"
