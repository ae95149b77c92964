"""A pasted text taken apart into commands and words, as a POSIX shell does it. Nothing is ever run."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import msgspec

from sparktray.domain.phrase import Phrase, phrase
from sparktray.domain.problem import Problem

LONGEST = 1 << 16  # characters; a docker run has some hundreds

# A blank behind the backslash is a usual slip of copying; a backtick is PowerShell's way to go on.
_GOES_ON = re.compile(r"[\\`][ \t]*\n")
_ENDS = re.compile(r"&&|\|\|?|[;&()\n]")
_REDIRECTS = re.compile(r"\d*(?:>>|>&|<&|>\||<<<|<<|>|<)|&>>?")
_ASSIGNS = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)=")
_NAMES = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)\}|([A-Za-z_][A-Za-z0-9_]*)")
_DEFAULTS = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*):?-([^{}$`'\"]*)\}")
_BREAKS_WORD = " \t\n;&|()<>"


class RunLineError(ValueError):
    """The text cannot be made an entry; ``problem`` says why and what to do."""

    def __init__(self, code: str, cause: Phrase, remedy: Phrase) -> None:
        super().__init__(code)
        self.problem = Problem(code, cause, remedy)


class Word(msgspec.Struct, frozen=True):
    """A word of a command. ``open`` are parts that only the shell it was written for could fill in."""

    text: str
    open: tuple[str, ...] = ()


class Command(msgspec.Struct, frozen=True):
    """One simple command, and the variables that were set before it."""

    words: tuple[Word, ...]
    variables: Mapping[str, Word] = msgspec.field(default_factory=dict)


def commands_in(text: str) -> list[Command]:
    """The commands of a text, in order. Raises `RunLineError` for a quote that is never closed."""
    return _Reader(_bounded(text).replace("\r\n", "\n").replace("\r", "\n")).commands()


class _Reader:
    """Reads a text once, from its beginning to its end."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._variables: dict[str, Word] = {}
        self._words: list[Word] = []
        self._found: list[Command] = []

    def commands(self) -> list[Command]:
        """See `commands_in`."""
        while self._at < len(self._text):
            character = self._text[self._at]
            if character in " \t":
                self._at += 1
            elif character == "#":
                end = self._text.find("\n", self._at)
                self._at = len(self._text) if end < 0 else end
            elif not (self._skips(_GOES_ON) or self._redirected() or self._ended()):
                self._words.append(self._word())
        self._end()
        return self._found

    def _skips(self, pattern: re.Pattern[str]) -> bool:
        found = pattern.match(self._text, self._at)
        if found is not None:
            self._at = found.end()
        return found is not None

    def _redirected(self) -> bool:
        """Where output goes is of no interest, nor the file's name behind it."""
        if not self._skips(_REDIRECTS):
            return False
        while self._text[self._at : self._at + 1] in (" ", "\t"):
            self._at += 1
        self._word()
        return True

    def _ended(self) -> bool:
        if not self._skips(_ENDS):
            return False
        self._end()
        return True

    def _end(self) -> None:
        words, self._words = self._words, []
        own, count = _assigned(words)
        if count == len(words):
            self._variables.update(own)
            return
        rest = words[count:]
        if rest[0].text == "export":
            self._variables.update(own | _assigned(rest[1:])[0])
            return
        self._found.append(Command(tuple(rest), self._variables | own))

    def _word(self) -> Word:
        text = ""
        left_open: list[str] = []
        while self._at < len(self._text):
            character = self._text[self._at]
            if character in _BREAKS_WORD or self._is_broken_off():
                break
            if character == "'":
                text += self._until("'")
            elif character == '"':
                self._at += 1
                piece = self._double_quoted()
                text = _bounded(text + piece.text)
                left_open += piece.open
            elif character in "$`":
                piece = self._filled_in()
                text = _bounded(text + piece.text)
                left_open += piece.open
            elif character == "\\":
                text += self._escaped()
            else:
                if character == "~" and (not text or text[-1] in ":=") and self._is_home():
                    left_open.append("~")
                text += character
                self._at += 1
        return Word(text, tuple(left_open))

    def _is_broken_off(self) -> bool:
        """A backslash or backtick that ends the line, and blanks behind it."""
        found = _GOES_ON.match(self._text, self._at)
        return found is not None and found[0] != "\\\n"

    def _is_home(self) -> bool:
        return self._text[self._at + 1 : self._at + 2] in ("", "/", ":", *_BREAKS_WORD)

    def _escaped(self) -> str:
        """A newline vanishes with its backslash, any other character stays."""
        character = self._text[self._at + 1 : self._at + 2]
        self._at += 2
        return "" if character == "\n" else character

    def _until(self, quote: str) -> str:
        end = self._text.find(quote, self._at + 1)
        if end < 0:
            raise _unclosed(quote)
        text, self._at = self._text[self._at + 1 : end], end + 1
        return text

    def _double_quoted(self) -> Word:
        text = ""
        left_open: list[str] = []
        while self._at < len(self._text):
            character = self._text[self._at]
            if character == '"':
                self._at += 1
                return Word(text, tuple(left_open))
            if character == "\\" and self._text[self._at + 1 : self._at + 2] in ("$", "`", '"', "\\", "\n"):
                text += self._escaped()
            elif character in "$`":
                piece = self._filled_in()
                text = _bounded(text + piece.text)
                left_open += piece.open
            else:
                text += character
                self._at += 1
        raise _unclosed('"')

    def _filled_in(self) -> Word:
        """What a dollar sign or a backtick stands for, as far as the text itself tells."""
        if self._text[self._at] == "`":
            said = f"`{self._until('`')}`"
            return Word(said, (said,))
        self._at += 1
        default = _DEFAULTS.match(self._text, self._at)
        named = _NAMES.match(self._text, self._at)
        if default is not None:
            self._at = default.end()
            return self._variables.get(default[1], Word(default[2]))
        if named is not None:
            self._at = named.end()
            said = f"${named[1] or named[2]}"
            return self._variables.get(said[1:], Word(said, (said,)))
        if self._text[self._at : self._at + 1] in ("(", "{"):
            said = "$" + self._bracketed()
            return Word(said, (said,))
        return Word("$")

    def _bracketed(self) -> str:
        """From this bracket to the one that closes it."""
        opening = self._text[self._at]
        closing = ")" if opening == "(" else "}"
        begin, depth = self._at, 0
        while self._at < len(self._text):
            depth += {opening: 1, closing: -1}.get(self._text[self._at], 0)
            self._at += 1
            if depth == 0:
                return self._text[begin : self._at]
        raise _unclosed(opening)


def _assigned(words: Sequence[Word]) -> tuple[dict[str, Word], int]:
    """The variables that the first words set, and how many words do."""
    own: dict[str, Word] = {}
    for count, word in enumerate(words):
        found = _ASSIGNS.match(word.text)
        if found is None:
            return own, count
        own[found[1]] = Word(word.text[found.end() :], word.open)
    return own, len(words)


def _bounded(text: str) -> str:
    """The text, which variables that hold one another may make longer than what was pasted."""
    if len(text) > LONGEST:
        raise RunLineError(
            "run-line-too-long",
            phrase("The text has more than {limit} characters.", limit=LONGEST),
            phrase("Paste the docker run line alone."),
        )
    return text


def _unclosed(sign: str) -> RunLineError:
    return RunLineError(
        "run-line-syntax",
        phrase("A {sign} is opened and never closed.", sign=sign),
        phrase("Paste the whole line, with all that follows it."),
    )
