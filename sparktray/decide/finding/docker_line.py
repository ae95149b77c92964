"""A `docker run` taken apart into its options, its image and the command inside (docker 29's options)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from sparktray.decide.finding.shell_words import Command, RunLineError, Word, commands_in
from sparktray.domain.docker.container import Container, ContainerState, Mount, PublishedPort
from sparktray.domain.phrase import phrase
from sparktray.engines.commands import base_name

_SWITCHES = frozenset(
    {"detach", "disable-content-trust", "help", "init", "interactive", "no-healthcheck", "oom-kill-disable"}
    | {"privileged", "publish-all", "quiet", "read-only", "rm", "sig-proxy", "tty", "use-api-socket"}
)
_SHORT = {
    **{"a": "attach", "c": "cpu-shares", "d": "detach", "e": "env", "h": "hostname", "i": "interactive"},
    **{"l": "label", "m": "memory", "P": "publish-all", "p": "publish", "q": "quiet", "t": "tty"},
    **{"u": "user", "v": "volume", "w": "workdir"},
}
_ALIASES = {"net": "network", "net-alias": "network-alias"}
# What may stand before docker: `sudo -E`, `env A=b`, `time`; a prompt that was copied along.
_BEFORE = frozenset({"sudo", "env", "time", "nohup", "exec", "command", "ssh", "$", "%"})
_GLOBAL_WITH_VALUE = frozenset(
    {"-H", "--host", "-c", "--context", "-l", "--log-level", "--config"}
    | {"--tlscacert", "--tlscert", "--tlskey"}
)


class Option(msgspec.Struct, frozen=True):
    """One option by its long name without dashes; ``value`` is None for a switch without one.

    ``written`` is how it would be written again.
    """

    name: str
    value: Word | None
    written: tuple[str, ...]

    @property
    def text(self) -> str:
        """Its value as text."""
        return "" if self.value is None else self.value.text

    @property
    def open(self) -> tuple[str, ...]:
        """What of it only a shell elsewhere could fill in."""
        return () if self.value is None else self.value.open


class DockerRun(msgspec.Struct, frozen=True):
    """One `docker run`; ``variables`` are those of the shell it is run in, as far as the text sets them."""

    options: tuple[Option, ...]
    image: Word
    command: tuple[Word, ...]
    variables: Mapping[str, Word]

    def values(self, name: str) -> tuple[str, ...]:
        """All values of that option, in order."""
        return tuple(option.text for option in self.options if option.name == name)

    def value(self, name: str) -> str | None:
        """Its last value, which counts; None without one."""
        return next(iter(self.values(name)[::-1]), None)

    @property
    def container(self) -> Container:
        """The container as it would run; ids are empty, for Docker has given none yet."""
        entrypoint = self.value("entrypoint")
        ports = (read_port(text) for text in self.values("publish"))
        mounts = (read_mount(option) for option in self.options)
        return Container(
            id="",
            name=self.value("name") or "",
            image=self.image.text,
            state=ContainerState.RUNNING,
            ports=tuple(port for port in ports if port is not None),
            argv=(*((entrypoint,) if entrypoint else ()), *(word.text for word in self.command)),
            mounts=tuple(mount for mount in mounts if mount is not None),
            network=self.value("network") or "bridge",
            inspected=True,
        )


def docker_runs(text: str) -> list[DockerRun]:
    """Every `docker run` of a text, in order. Raises `RunLineError` for one that cannot be read."""
    found = []
    for command in commands_in(text):
        words = _of_docker(command)
        if words is not None:
            found.append(_read(words, command.variables))
    return found


def read_port(text: str) -> PublishedPort | None:
    """`[ADDRESS:]HOST:CONTAINER[/tcp]`; None for a range, another protocol, or a port that Docker chooses."""
    plain = text.removesuffix("/tcp")
    rest, _, inside = plain.rpartition(":")
    address, _, outside = rest.rpartition(":")
    if not (_is_port(inside) and _is_port(outside)):
        return None
    if not address:
        return PublishedPort(int(outside), int(inside))
    return PublishedPort(int(outside), int(inside), address.strip("[]"))


def read_mount(option: Option) -> Mount | None:
    """A folder or a volume that is seen inside; None for any other option and for an anonymous volume."""
    if option.name == "volume":
        source, colon, rest = option.text.partition(":")
        inside = rest.partition(":")[0]
    elif option.name == "mount":
        pairs = (pair.partition("=") for pair in option.text.split(","))
        keys = {key.strip(): value for key, _, value in pairs}
        source = keys.get("source", keys.get("src", ""))
        inside = next((keys[key] for key in ("target", "destination", "dst") if key in keys), "")
        colon = source
    else:
        return None
    if not colon or not inside:
        return None
    return Mount(source, inside, None if source.startswith(("/", "~", "$", ".")) else source)


def mount_of(run: DockerRun, inside: str) -> Option | None:
    """The option that shows what lies at that path inside: the one that reaches deepest."""
    found: tuple[int, Option] | None = None
    for option in run.options:
        mount = read_mount(option)
        at = "" if mount is None else mount.destination.rstrip("/")
        if mount is not None and covers(at, inside) and (found is None or len(at) > found[0]):
            found = (len(at), option)
    return None if found is None else found[1]


def covers(folder: str, path: str) -> bool:
    """Whether a path is that folder or lies in it."""
    return path == folder or path.startswith(folder.rstrip("/") + "/")


def _is_port(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) <= 5 and 0 < int(text) < 65536


def _of_docker(command: Command) -> Sequence[Word] | None:
    """The words after `docker run`, None when the command is another."""
    words = command.words
    at = next((n for n, word in enumerate(words) if base_name(word.text) in {"docker", "docker.exe"}), None)
    if at is None or (at > 0 and words[0].text not in _BEFORE and not _sets(words[0])):
        return None
    at += 1
    while at < len(words) and words[at].text.startswith("-"):
        at += 2 if words[at].text in _GLOBAL_WITH_VALUE else 1
    verbs = [word.text for word in words[at : at + 2]]
    if verbs[:1] == ["run"]:
        return words[at + 1 :]
    return words[at + 2 :] if verbs == ["container", "run"] else None


def _sets(word: Word) -> bool:
    return word.text.partition("=")[0].isidentifier() and "=" in word.text


def _read(words: Sequence[Word], variables: Mapping[str, Word]) -> DockerRun:
    options: list[Option] = []
    rest = list(words)
    while rest and rest[0].text.startswith("-") and rest[0].text != "-":
        word = rest.pop(0)
        if word.text == "--":
            break
        if word.text.startswith("--"):
            options.append(_long(word, rest))
        else:
            options += _short(word, rest)
    if not rest or not rest[0].text:
        raise RunLineError(
            "run-line-no-image",
            phrase("This docker run names no image."),
            phrase("Paste the whole line, with all that follows it."),
        )
    return DockerRun(tuple(options), rest[0], tuple(rest[1:]), variables)


def _long(word: Word, rest: list[Word]) -> Option:
    flag, equals, text = word.text.partition("=")
    name = _ALIASES.get(flag[2:], flag[2:])
    if equals:
        return Option(name, Word(text, word.open), (word.text,))
    if name in _SWITCHES:
        return Option(name, None, (flag,))
    value = _taken(flag, rest)
    return Option(name, value, (flag, value.text))


def _short(word: Word, rest: list[Word]) -> list[Option]:
    """`-dit`, `-p 80:80`, `-p80:80`, `-p=80:80` and all of it together."""
    options = []
    letters = word.text[1:]
    for number, letter in enumerate(letters):
        name = _SHORT.get(letter, letter)
        if name in _SWITCHES:
            options.append(Option(name, None, (f"-{letter}",)))
            continue
        attached = letters[number + 1 :].removeprefix("=")
        value = Word(attached, word.open) if attached else _taken(f"-{letter}", rest)
        options.append(Option(name, value, (f"-{letter}", value.text)))
        break
    return options


def _taken(flag: str, rest: list[Word]) -> Word:
    if not rest:
        raise RunLineError(
            "run-line-syntax",
            phrase("The option {flag} is the last word and has no value.", flag=flag),
            phrase("Paste the whole line, with all that follows it."),
        )
    return rest.pop(0)
