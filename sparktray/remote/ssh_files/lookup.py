"""What the SSH configuration says about one host, as ssh(1) would take it."""

import msgspec

from sparktray.remote.ssh_files.config import ConfigFile, Line, SshConfig
from sparktray.remote.ssh_files.patterns import host_listed, listed, lowered, matches
from sparktray.remote.ssh_files.reading import LeftOut, Reason
from sparktray.remote.ssh_files.syntax import next_word
from sparktray.remote.ssh_files.values import (
    Jump,
    expanded,
    flag_of,
    jumps_of,
    path_of,
    port_of,
    seconds_of,
)

# OpenSSH 9.2 SSH_MAX_IDENTITY_FILES.
_MAX_IDENTITIES = 100
_CRITERIA = ("host", "originalhost", "user", "localuser")


class HostSettings(msgspec.Struct, frozen=True):
    """The settings of one host. None, False or empty: the files do not say.

    ``address`` is where to dial: HostName, or what was asked for. ``connect_timeout`` in seconds.
    ``identity_files`` are full paths, in order; nothing says that they are there. ``proxy_command`` is never
    run, only told, because without it such a host is seldom reachable. Texts are as written in the files:
    check them with `valid_address` and `valid_user` before use. ``left_out``: what was not applied to this
    host, and might have mattered.
    """

    address: str
    user: str | None = None
    port: int | None = None
    identity_files: tuple[str, ...] = ()
    identities_only: bool = False
    jumps: tuple[Jump, ...] = ()
    proxy_command: str | None = None
    connect_timeout: int | None = None
    host_key_alias: str | None = None
    left_out: tuple[LeftOut, ...] = ()


def settings_for(
    config: SshConfig, address: str, *, user: str | None = None, port: int | None = None
) -> HostSettings:
    """What the configuration says for an address or alias; ``user`` and ``port`` win if they are given.

    Touches nothing but memory; any thread.
    """
    lookup = _Lookup(config, address)
    if user is not None:
        lookup.values["user"] = user
    if port is not None:
        lookup.values["port"] = str(port)
    for file in config.files:
        lookup.apply(file)
    return lookup.settings()


def block_applies(line: Line, address: str) -> bool:
    """True when a Host line means this address. The case of letters counts, as in OpenSSH."""
    found = False
    for name in line.words:
        if matches(address, name.removeprefix("!")):
            if name.startswith("!"):
                return False
            found = True
    return found


class _Lookup:
    """Goes through the lines once, in order, and keeps of each keyword the first good value."""

    def __init__(self, config: SshConfig, address: str) -> None:
        self.values: dict[str, str] = {}
        self._person = config.person
        self._address = address
        self._identities: list[str] = []
        self._left_out: list[LeftOut] = []

    def apply(self, file: ConfigFile) -> None:
        active = True
        for line in file.lines:
            if line.keyword == "host":
                active = block_applies(line, self._address)
            elif line.keyword == "match":
                active = self._match_applies(file.path, line)
            elif active and line.keyword == "include":
                for included in line.included:
                    self.apply(included)
            elif active:
                reason = self._take(line)
                if reason is not None:
                    self._left_out.append(LeftOut(file.path, line.number, reason))

    def settings(self) -> HostSettings:
        values = self.values
        address = lowered(self._host())
        return HostSettings(
            address=address,
            user=values.get("user"),
            port=port_of(values.get("port", "")),
            identity_files=self._identity_files(address),
            identities_only=flag_of(values.get("identitiesonly", "")) or False,
            jumps=self._jumps(address),
            proxy_command=values.get("proxycommand"),
            connect_timeout=seconds_of(values.get("connecttimeout", "")),
            host_key_alias=self._alias(),
            left_out=tuple(self._left_out),
        )

    def _alias(self) -> str | None:
        alias = self.values.get("hostkeyalias")
        return None if alias is None else lowered(alias)

    def _host(self) -> str:
        return expanded(self.values.get("hostname", "%h"), {"h": self._address}) or self._address

    def _take(self, line: Line) -> Reason | None:
        """Keep a line's value if it is the first; why not, if it is none."""
        if line.keyword == "proxycommand":
            # The rest of the line as it stands. It and ProxyJump exclude each other: the first one wins, but
            # a ProxyJump of "none" does not stand in the way (seen with OpenSSH 9.2).
            if self.values.get("proxyjump", "none").lower() == "none":
                self.values.setdefault("proxycommand", line.rest)
            return None
        if len(line.words) != 1:
            return Reason.BAD_LINE
        value = line.words[0]
        if line.keyword == "identityfile":
            return self._take_identity(value)
        if line.keyword == "connecttimeout" and value == "none":
            return None  # for OpenSSH the same as not set: a later value still counts
        if not _is_good(line.keyword, value):
            return Reason.BAD_VALUE
        if line.keyword != "proxyjump" or "proxycommand" not in self.values:
            self.values.setdefault(line.keyword, value)
        return None

    def _take_identity(self, value: str) -> Reason | None:
        known = dict.fromkeys("dhknpru", "")
        if path_of(value, "", known, self._person.environment) is None:
            return Reason.BAD_VALUE
        if len(self._identities) >= _MAX_IDENTITIES:
            return Reason.TOO_LARGE
        if value not in self._identities:
            self._identities.append(value)
        return None

    def _identity_files(self, address: str) -> tuple[str, ...]:
        tokens = {
            **self._way_tokens(address),
            "d": self._person.home,
            "k": self._alias() or self._address,
            "u": self._person.user,
        }
        chosen = [text for text in self._identities if text.lower() != "none"]
        paths = [path_of(text, self._person.home, tokens, self._person.environment) for text in chosen]
        return tuple(path for path in paths if path is not None)

    def _jumps(self, address: str) -> tuple[Jump, ...]:
        tokens = self._way_tokens(address)
        jumps = jumps_of(self.values.get("proxyjump", "none")) or ()
        return tuple(
            Jump(
                expanded(jump.host, tokens) or jump.host,
                jump.user and (expanded(jump.user, tokens) or jump.user),
                jump.port,
            )
            for jump in jumps
        )

    def _way_tokens(self, address: str) -> dict[str, str]:
        return {
            "h": address,
            "n": self._address,
            "p": self.values.get("port", "22"),
            "r": self.values.get("user", self._person.user),
        }

    def _match_applies(self, path: str, line: Line) -> bool:
        """Whether every criterion of a Match fits; one that cannot be judged never does, and is told."""
        word, text = next_word(line.rest)
        if word is not None and word.lower() in ("all", "!all") and _is_end(next_word(text)[0]):
            return word.lower() == "all"
        fits, reason = True, Reason.BAD_LINE if word is None or _is_end(word) else None
        while word is not None and not _is_end(word):
            name = word.removeprefix("!").lower()
            if name not in _CRITERIA:
                reason = Reason.UNKNOWN_CRITERION
                break
            wanted, text = next_word(text)
            if wanted is None or _is_end(wanted):
                reason = Reason.BAD_LINE
                break
            if self._fits(name, wanted) == word.startswith("!"):
                fits = False
            word, text = next_word(text)
            if word is None:
                reason = Reason.BAD_LINE
        if fits and reason is not None:
            self._left_out.append(LeftOut(path, line.number, reason))
        return fits and reason is None

    def _fits(self, criterion: str, wanted: str) -> bool:
        if criterion == "host":
            return host_listed(self._host(), wanted)
        if criterion == "originalhost":
            return host_listed(self._address, wanted)
        own = self._person.user
        return listed(self.values.get("user", own) if criterion == "user" else own, wanted)


def _is_end(word: str | None) -> bool:
    return word is not None and (not word or word.startswith("#"))


def _is_good(keyword: str, value: str) -> bool:
    match keyword:
        case "port":
            return port_of(value) is not None
        case "identitiesonly":
            return flag_of(value) is not None
        case "connecttimeout":
            return seconds_of(value) is not None
        case "proxyjump":
            return jumps_of(value) is not None
        case "hostname":
            return expanded(value, {"h": ""}) is not None
        case _:
            return True
