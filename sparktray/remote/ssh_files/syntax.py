"""The words of a line of ssh_config(5), which quotes keywords and Match in one way, the rest in another."""

import re

_BLANK = " \t\r\n"
# Up to a blank, one "=", or the end of a quoted part (OpenSSH 9.2 misc.c strdelim).
_WORD = re.compile(r'([^ \t\r\n"=]*)(?:"([^"]*)"[ \t\r\n]*|[ \t\r\n]+=?[ \t\r\n]*|=[ \t\r\n]*|$)')
_QUOTES = "\"'"


def next_word(text: str) -> tuple[str | None, str]:
    """The first word, and what follows it; None for a quote without its end."""
    found = _WORD.match(text)
    if found is None:
        return None, ""
    return found[1] + (found[2] or ""), text[found.end() :]


def keyword_and_rest(line: str) -> tuple[str, str] | None:
    """The keyword in lower case and the rest of the line; None for an empty line or a comment.

    The keyword is "" for a line that cannot be read.
    """
    text = line.strip(_BLANK + "\f")
    if not text or text.startswith("#"):
        return None
    keyword, rest = next_word(text)
    if not keyword or not rest:
        return "", ""
    return keyword.lower(), rest


def words(text: str) -> list[str] | None:
    """All words up to a comment; None for a quote without its end (OpenSSH 9.2 misc.c argv_split).

    A backslash stands for itself, but before a quote, another backslash or an unquoted blank: so that
    Windows paths need no care.
    """
    found: list[str] = []
    at = 0
    while at < len(text):
        if text[at] in " \t":
            at += 1
        elif text[at] == "#":
            break
        else:
            word, at = _one_word(text, at)
            if word is None:
                return None
            found.append(word)
    return found


def _one_word(text: str, at: int) -> tuple[str | None, int]:
    parts: list[str] = []
    quote = ""
    while at < len(text):
        letter = text[at]
        after = text[at + 1 : at + 2]
        if letter == "\\" and after and (after in "\"'\\" or (after == " " and not quote)):
            parts.append(after)
            at += 2
            continue
        if letter in " \t" and not quote:
            break
        if letter == quote:
            quote = ""
        elif letter in _QUOTES and not quote:
            quote = letter
        else:
            parts.append(letter)
        at += 1
    return (None if quote else "".join(parts)), at
