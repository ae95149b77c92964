"""Command lines of engines: the ``docker run`` we write, and the words of a container we read."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Sequence

from sparktray.domain.catalogue import Model, Secret, Server
from sparktray.domain.docker.container import Container
from sparktray.engines.memory.flags import flag_of
from sparktray.engines.protocol import Launch

INSIDE = "/model"
MASKED = "***"
ANYWHERE = "0.0.0.0"  # noqa: S104  the engine listens inside its container, where Docker reaches it

_SHELLS = frozenset({"sh", "bash", "dash", "ash"})
_WRAPPERS = frozenset({"nvidia_entrypoint.sh", "tini", "docker-init", "dumb-init", "exec", *_SHELLS})
_IDLE = frozenset({"sleep", "tail", "cat", "true", "jupyter", "jupyter-lab", "nvidia-smi"})


def base_name(word: str) -> str:
    """A program's name without its folder."""
    return word.rpartition("/")[2]


def words_of(container: Container) -> tuple[str, ...]:
    """The container's command line with the text of a shell's ``-c`` taken apart into words."""
    words: list[str] = []
    for before, word in zip(("", *container.argv), container.argv, strict=False):
        is_script = before in {"-c", "-lc", "-ec"} and any(base_name(w) in _SHELLS for w in words)
        words += _split(word) if is_script else [word]
    return tuple(words)


def _split(script: str) -> list[str]:
    try:
        return shlex.split(script)
    except ValueError:
        return script.split()


def option(container: Container, *names: str) -> str | None:
    """The value of the last of these options, as argparse takes it; words of a shell's text count too."""
    words, found = words_of(container), None
    for index, word in enumerate(words):
        flag, equals, value = word.partition("=")
        if flag in names:
            found = value if equals else next(iter(words[index + 1 :]), None)
    return found


def port(container: Container, default: int) -> int | None:
    """The number given with ``--port``; the default without one, None when it is no number."""
    given = option(container, "--port")
    if given is None:
        return default
    return int(given) if given.isascii() and given.isdecimal() and len(given) <= 5 else None


def repository(image: str) -> str:
    """An image's name without tag and digest."""
    name = image.partition("@")[0]
    head, colon, tag = name.rpartition(":")
    return head if colon and "/" not in tag else name


def idles(words: Sequence[str]) -> bool:
    """True when the container only waits for somebody: ``sleep``, a bare shell, a notebook.

    People keep such containers of an engine's image to work in; they are no servers. An unknown
    command line does not count.
    """
    named = (base_name(word) for word in words if not word.startswith("-"))
    program = next((name for name in named if name not in _WRAPPERS), None)
    return bool(words) and (program is None or program in _IDLE)


def has_any(args: Sequence[str], *flags: str) -> bool:
    """True when one of these flags is among the words, as ``--x`` or ``--x=v``; underscores are dashes."""
    return any(word.startswith("--") and flag_of(word) in flags for word in args)


def docker_run(launch: Launch, options: Iterable[str], command: Iterable[str]) -> tuple[str, ...]:
    """A whole ``docker run``: options of ours, the catalogue's, the image, the command inside.

    Secrets never appear: the executor feeds them as ``NAME=value`` lines to ``--env-file /dev/stdin``.
    """
    server, model = launch.server, launch.model
    words = ["docker", "run", "-d", "--name", server.container, "--gpus", "all", *options]
    for name, value in sorted(launch.labels.items()):
        words += ["--label", f"{name}={value}"]
    for name, setting in model.env.items():
        if not isinstance(setting, Secret):
            words += ["-e", f"{name}={setting}"]
    if any(isinstance(setting, Secret) for setting in model.env.values()):
        words += ["--env-file", "/dev/stdin"]
    return (*words, *model.docker_args, server.image, *command)


def published(server: Server, inside: str) -> tuple[str, str]:
    """How ``docker run`` publishes the container's port ``inside``: at all addresses, or at the one named."""
    if server.bind is None:
        return "-p", f"{server.port}:{inside}"
    address = f"[{server.bind}]" if ":" in server.bind else server.bind
    return "-p", f"{address}:{server.port}:{inside}"


def secret_variables(model: Model) -> tuple[tuple[str, str], ...]:
    """The variables whose values only the keyring holds, each with the keyring's name of its value."""
    return tuple((name, value.name) for name, value in model.env.items() if isinstance(value, Secret))


def shown(argv: Sequence[str]) -> tuple[str, ...]:
    """A ``docker run`` as it may be shown, copied and journalled: without values of the environment.

    They may be keys, and what they are called does not tell. A name without a value stays.
    """
    words: list[str] = []
    for before, word in zip(("", *argv), argv, strict=False):
        start, name = _variable(before, word)
        known, equals, _ = name.partition("=")
        words.append(f"{start}{known}={MASKED}" if start is not None and equals else word)
    return tuple(words)


def _variable(before: str, word: str) -> tuple[str | None, str]:
    """What stands before the variable in this word (None: the word is no variable), and the variable."""
    if before in {"-e", "--env"}:
        return "", word
    for start in ("--env=", "-e"):
        if word.startswith(start) and "=" in word[len(start) :]:
            return start, word[len(start) :]
    return None, word


def folders(launch: Launch, cache: str) -> tuple[str, ...]:
    """The volumes of the user's page: the model's folder as ``/model``, and the engine's own cache.

    Raises ValueError for a model without a folder: such an entry has scripts of its own.
    """
    if launch.model.path is None:
        raise ValueError(f"{launch.model.id} has no folder to start from")
    host = launch.host
    model, kept = host.expand(launch.model.path), host.expand("{cache}/" + cache)
    return ("-v", f"{model}:{INSIDE}", "-v", f"{kept}:/root/.cache")
