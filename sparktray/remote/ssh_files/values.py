"""The values of ssh_config(5): each function gives None for what is none."""

import re
from collections.abc import Mapping
from urllib.parse import unquote

import msgspec

_TOKEN = re.compile(r"%(.?)", re.DOTALL)
_VARIABLE = re.compile(r"\$\{([^}]*)\}")
_NUMBER = re.compile(r"[0-9]{1,5}")
_TIME = re.compile(r"(?:[0-9]{1,10}[smhdwSMHDW]?)+")
_TIME_PART = re.compile(r"([0-9]+)([smhdwSMHDW]?)")
_SECONDS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_LONGEST_TIME = 2**31 - 1
_FLAGS = {"yes": True, "true": True, "no": False, "false": False}
_HOST_PORT = re.compile(r"(?:\[([^\[\]]+)\]|([^\[\]:/]+))(?::([0-9]{1,5})?)?")


class Jump(msgspec.Struct, frozen=True):
    """One host on the way. What is None comes from that host's own settings."""

    host: str
    user: str | None = None
    port: int | None = None


def port_of(text: str) -> int | None:
    """A port by number, 1 to 65535."""
    if _NUMBER.fullmatch(text) is None:
        return None
    return int(text) if 0 < int(text) < 65_536 else None


def flag_of(text: str) -> bool | None:
    """Yes or no."""
    return _FLAGS.get(text.lower())


def seconds_of(text: str) -> int | None:
    """A span such as 90, 1m30s or 2h, in seconds (sshd_config(5) TIME FORMATS)."""
    if _TIME.fullmatch(text) is None:
        return None
    total = sum(int(number) * _SECONDS[unit.lower()] for number, unit in _TIME_PART.findall(text))
    return total if total <= _LONGEST_TIME else None


def jumps_of(text: str) -> tuple[Jump, ...] | None:
    """The hosts of a ProxyJump in the order they are passed; empty for "none"."""
    if text.lower() == "none":
        return ()
    jumps = [_jump(part) for part in text.split(",")]
    found = tuple(jump for jump in jumps if jump is not None)
    return found if len(found) == len(jumps) else None


def expanded(text: str, tokens: Mapping[str, str]) -> str | None:
    """The text with ``%x`` replaced; ``%%`` is a percent sign. None when a token is not in ``tokens``."""
    known = {**tokens, "%": "%"}
    if any(token not in known for token in _TOKEN.findall(text)):
        return None
    return _TOKEN.sub(lambda found: known[found[1]], text)


def path_of(text: str, home: str, tokens: Mapping[str, str], environment: Mapping[str, str]) -> str | None:
    """A path with the home folder, tokens and ``${NAME}`` replaced; None when one of them has no value."""
    start = ""
    if text.startswith("~"):
        if text[1:2] not in ("", "/"):
            return None  # somebody else's home
        start, text = home, text[1:]
    if any(name not in environment for name in _VARIABLE.findall(text)):
        return None
    # The variables last, so that a percent sign in one of them stays what it is.
    replaced = expanded(text, tokens)
    if replaced is None:
        return None
    return start + _VARIABLE.sub(lambda found: environment.get(found[1], ""), replaced)


def _jump(text: str) -> Jump | None:
    is_uri = text.startswith("ssh://")
    user, at, where = text.removeprefix("ssh://").rpartition("@")
    found = _HOST_PORT.fullmatch(where.removesuffix("/") if is_uri else where)
    if found is None or (at and not user):
        return None
    port = port_of(found[3]) if found[3] else None
    if found[3] and port is None:
        return None
    host = found[1] or found[2]
    return Jump(unquote(host), unquote(user) or None, port) if is_uri else Jump(host, user or None, port)
