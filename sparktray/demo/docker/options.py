"""The options of ``docker run`` and ``docker create``, as the body that the docker command makes of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

_WITH_VALUE = {
    **dict.fromkeys(("--name", "--gpus", "--label", "--env", "--env-file", "--publish", "--volume")),
    **dict.fromkeys(("--pull", "--network", "--user", "--entrypoint", "--restart", "--ipc", "--shm-size")),
}
_FLAGS = {"--detach", "--interactive", "--rm", "--tty", "--init"}
_SHORT = {"-d": "--detach", "-i": "--interactive", "-t": "--tty"}
_SHORT |= {"-e": "--env", "-p": "--publish", "-v": "--volume", "-l": "--label", "-u": "--user"}


class BadOption(Exception):
    """The docker command does not know an option, or lacks something; the text is its own."""


@dataclass
class Options:
    """What was given; values of an option that came several times in their order."""

    values: dict[str, list[str]] = field(default_factory=dict)
    flags: set[str] = field(default_factory=set)
    image: str = ""
    command: tuple[str, ...] = ()

    def last(self, name: str) -> str | None:
        """The one that counts where only one can."""
        return next(reversed(self.values.get(name, [])), None)

    def body(self, stdin: bytes) -> dict[str, Any]:
        """The body for ``POST /containers/create``; ``stdin`` is what ``--env-file /dev/stdin`` reads."""
        bindings: dict[str, list[dict[str, str]]] = {}
        for each in self.values.get("--publish", []):
            outside, _, inside = each.rpartition(":")
            address, _, port = outside.rpartition(":")
            bindings.setdefault(f"{inside}/tcp", []).append({"HostIp": address, "HostPort": port})
        policy, _, most = (self.last("--restart") or "no").partition(":")
        host: dict[str, Any] = {
            "Binds": self.values.get("--volume", []) or None,
            "NetworkMode": self.last("--network") or "bridge",
            "PortBindings": bindings,
            "RestartPolicy": {"Name": policy, "MaximumRetryCount": int(most or 0)},
            "AutoRemove": "--rm" in self.flags,
            "IpcMode": self.last("--ipc") or "private",
        }
        if self.last("--gpus") is not None:
            host["DeviceRequests"] = [{"Driver": "", "Count": -1, "Capabilities": [["gpu"]]}]
        entrypoint = self.last("--entrypoint")
        return {
            "Image": self.image,
            "Cmd": list(self.command) or None,
            "Entrypoint": None if entrypoint is None else [entrypoint],
            "Env": [*self.values.get("--env", []), *self._from_file(stdin)],
            "Labels": dict(each.partition("=")[::2] for each in self.values.get("--label", [])),
            "Tty": "--tty" in self.flags,
            "User": self.last("--user") or "",
            "ExposedPorts": {inside: {} for inside in bindings},
            "HostConfig": host,
        }

    def _from_file(self, stdin: bytes) -> list[str]:
        if not self.values.get("--env-file"):
            return []
        return [line for line in stdin.decode("utf-8", "surrogateescape").splitlines() if line]


def read(words: Sequence[str], verb: str) -> Options:
    """Raises `BadOption` as the docker command refuses."""
    found, index = Options(), 0
    while index < len(words) and words[index].startswith("-"):
        word, equals, value = words[index].partition("=")
        name = _SHORT.get(word, word)
        index += 1
        if name in _FLAGS and not equals:
            found.flags.add(name)
        elif name in _WITH_VALUE:
            if not equals:
                if index == len(words):
                    raise BadOption(f"flag needs an argument: {word}")
                value, index = words[index], index + 1
            found.values.setdefault(name, []).append(value)
        else:
            kind = "flag: " if word.startswith("--") else f"shorthand flag: {word[1:2]!r} in "
            raise BadOption(f"unknown {kind}{word}")
    if index == len(words):
        raise BadOption(f'"docker {verb}" requires at least 1 argument.')
    found.image, found.command = words[index], tuple(words[index + 1 :])
    return found
