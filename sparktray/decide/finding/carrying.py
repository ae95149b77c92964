"""What of a `docker run` line's options goes into an entry, and what does not."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import msgspec

from sparktray.decide.finding.docker_line import DockerRun, Option, covers, mount_of, read_mount, read_port
from sparktray.decide.finding.serve_line import KEY_VALUE, ServeLine
from sparktray.decide.finding.shell_words import Word
from sparktray.domain.catalogue import EngineKind
from sparktray.domain.catalogue_file.shape import ENV_NAME
from sparktray.domain.docker.container import LABEL
from sparktray.domain.host import HostProfile
from sparktray.domain.phrase import Phrase, phrase
from sparktray.domain.text import has_hidden
from sparktray.engines.commands import INSIDE, MASKED
from sparktray.engines.registry import engine

_CACHE = "/root/.cache"
_KEY_NAMES = ("KEY", "TOKEN", "SECRET", "PASSWORD", "PASSWD", "CREDENTIAL")
# Switches and limits that have a key's word in their names: TOKENIZERS_PARALLELISM=false.
_NO_KEY = frozenset({"", "0", "1", "true", "false", "yes", "no"})
# What sparktray says itself in the same way, or what only matters to who sits at a terminal.
_OWN = frozenset({"detach", "rm", "name", "entrypoint", "help", "quiet"})
_AT_A_TERMINAL = frozenset({"interactive", "tty", "attach", "sig-proxy", "detach-keys"})


class Carried(msgspec.Struct, frozen=True):
    """Options of docker run and the environment, as the keys of an entry; what there is to say of them."""

    docker_args: tuple[str, ...] = ()
    env: Mapping[str, object] = msgspec.field(default_factory=dict)
    remarks: tuple[Phrase, ...] = ()


@dataclass(slots=True)
class _Sorting:
    """What the options were sorted into so far."""

    kept: list[str] = field(default_factory=list)
    env: dict[str, object] = field(default_factory=dict)
    left: list[str] = field(default_factory=list)
    undone: list[str] = field(default_factory=list)
    secrets: list[str] = field(default_factory=list)
    remarks: list[Phrase] = field(default_factory=list)


def carried(run: DockerRun, line: ServeLine, kind: EngineKind, host: HostProfile, path: str) -> Carried:
    """Sort all options of a line whose model lies in that folder of the host."""
    sorting = _Sorting()
    model = mount_of(run, line.model or "")
    for option in run.options:
        if option.name == "env":
            _environment(sorting, option, run.variables)
        elif option.name in {"volume", "mount"}:
            _mount(sorting, option, line, host, kind, is_model=option is model, path=path)
        elif option.name == "publish":
            _port(sorting, option, run, kind)
        else:
            _other(sorting, option, kind)
    for flag, variable in line.keys:
        _key(sorting, flag, variable)
    return Carried(tuple(sorting.kept), sorting.env, tuple(_remarks(sorting)))


def is_key(name: str, value: str) -> bool:
    """Whether that looks like something nobody else should read: by the variable's name, or by its value."""
    by_name = any(word in name.upper() for word in _KEY_NAMES) and value.lower() not in _NO_KEY
    return by_name or KEY_VALUE.search(value) is not None


def _environment(sorting: _Sorting, option: Option, variables: Mapping[str, Word]) -> None:
    """A variable with its value, or one whose value docker takes from the shell it is run in."""
    name, equals, text = option.text.partition("=")
    undone = option.open
    if not equals:
        known = variables.get(name)
        text, undone = ("", (f"${name}",)) if known is None else (known.text, known.open)
    if not re.fullmatch(ENV_NAME, name):
        sorting.left.append("-e")
    elif is_key(name, text if equals else text or name):
        sorting.env[name] = {"secret": name}
        sorting.secrets.append(name)
    elif undone:
        sorting.undone.append(f"-e {name}")
    elif has_hidden(text) or text == MASKED:
        sorting.left.append(f"-e {name}")
    else:
        sorting.env[name] = text


def _key(sorting: _Sorting, flag: str, variable: str | None) -> None:
    """A key on the engine's command line, where everybody on the host could read it."""
    if variable is None:
        sorting.remarks.append(
            phrase(
                "The key of {flag} is left out: the engine takes it only on its command line, which "
                "everybody on the host can read. It will serve without a key.",
                flag=flag,
            )
        )
        return
    sorting.env[variable] = {"secret": variable}
    sorting.secrets.append(variable)


def _mount(
    sorting: _Sorting,
    option: Option,
    line: ServeLine,
    host: HostProfile,
    kind: EngineKind,
    *,
    is_model: bool,
    path: str,
) -> None:
    mount = read_mount(option)
    inside = "" if mount is None else mount.destination.rstrip("/")
    same = mount is not None and (mount.source.rstrip("/"), inside) == (path, INSIDE)
    if is_model and (same or not _is_named(inside, line.args)):
        return
    if inside == _CACHE:
        ours = host.expand("{cache}/" + str(kind))
        if mount is not None and mount.source.rstrip("/") != ours:
            sorting.remarks.append(
                phrase("Its cache folder is not taken over; sparktray uses {path}.", path=ours)
            )
    elif inside == INSIDE:
        sorting.left.append(f"-v …:{INSIDE}")
    elif option.open or (mount is not None and mount.source.startswith(("~", "$", "."))):
        sorting.undone.append(" ".join(option.written))
    else:
        sorting.kept += option.written


def _is_named(inside: str, args: Sequence[str]) -> bool:
    """Whether the engine's other arguments name something in that folder, as they do a chat template."""
    words = (word.partition("=")[2] if word.startswith("-") else word for word in args)
    return any(covers(inside, word) for word in words)


def _port(sorting: _Sorting, option: Option, run: DockerRun, kind: EngineKind) -> None:
    """The engine's own port is the server's; others are kept as they are."""
    port = read_port(option.text)
    if port is not None and port.container_port == engine(kind).port_of(run.container):
        return
    if option.open:
        sorting.undone.append(" ".join(option.written))
    else:
        sorting.kept += option.written


def _other(sorting: _Sorting, option: Option, kind: EngineKind) -> None:
    name, text = option.name, option.text
    ours = name in _OWN or (name == "gpus" and text == "all") or (name == "label" and text.startswith(LABEL))
    if ours or (name == "ipc" and text == "host" and kind is EngineKind.VLLM):
        return
    if name in _AT_A_TERMINAL:
        sorting.left.append(option.written[0])
    elif name == "restart":
        sorting.remarks.append(
            phrase("--restart is left out: models that all start with the host would not fit side by side.")
        )
    elif KEY_VALUE.search(text):
        sorting.left.append(option.written[0].partition("=")[0])
    elif name in {"privileged", "gpus"} or (name == "env-file" and not text.startswith("/")):
        sorting.left.append(" ".join(option.written))
    elif option.open:
        sorting.undone.append(" ".join(option.written))
    else:
        sorting.kept += option.written


def _remarks(sorting: _Sorting) -> list[Phrase]:
    remarks = list(sorting.remarks)
    if sorting.secrets:
        remarks.append(
            phrase(
                "Keys are not written down: {names}. The entry takes them from the keyring. Store each there "
                "before you switch to it: sparktray secret set {name}",
                names=list(dict.fromkeys(sorting.secrets)),
                name=sorting.secrets[0],
            )
        )
    if sorting.undone:
        remarks.append(
            phrase(
                "Left out, because only the shell that the line was written for knows what it means: {flags}",
                flags=sorting.undone,
            )
        )
    if sorting.left:
        remarks.append(phrase("Left out, because sparktray does not use it: {flags}", flags=sorting.left))
    return remarks
