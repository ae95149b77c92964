"""Patterns of ssh_config(5): ``*`` and ``?`` as wildcards, lists with commas, ``!`` for "not"."""

import string

# A longer pattern makes OpenSSH give up on the whole list (9.2 match.c, a buffer of 1,024 bytes).
_LONGEST = 1022
_LOWER = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)


def lowered(text: str) -> str:
    """In lower case, ASCII letters only: no other letter may turn into one of a host's name."""
    return text.translate(_LOWER)


def matches(text: str, pattern: str) -> bool:
    """True when the pattern stands for the whole text. Never takes longer than length times length."""
    at = position = 0
    star, resume = -1, 0
    while at < len(text):
        if position < len(pattern) and pattern[position] == "*":
            star, resume = position, at
            position += 1
        elif position < len(pattern) and pattern[position] in ("?", text[at]):
            at += 1
            position += 1
        elif star >= 0:
            resume += 1
            at, position = resume, star + 1
        else:
            return False
    return not pattern[position:].strip("*")


def listed(text: str, patterns: str) -> bool:
    """True when a pattern of the list fits and none that is negated does."""
    found = False
    for entry in patterns.split(","):
        pattern = entry.removeprefix("!")
        if len(pattern) > _LONGEST:
            return False
        if matches(text, pattern):
            if entry.startswith("!"):
                return False
            found = True
    return found


def host_listed(host: str, patterns: str) -> bool:
    """`listed` for names of hosts, whose letters' case means nothing."""
    return listed(lowered(host), lowered(patterns))
