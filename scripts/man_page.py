"""The manual page, made from the grammar of the command line.

man(7) in the subset that groff and mandoc agree on. Options that every command takes stand once, at the top.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator

from sparktray import __version__
from sparktray.cli.arguments import grammar
from sparktray.cli.problems import MEANINGS
from sparktray.wording import ENGLISH, Wording

_FILES = (
    ("~/.config/sparktray", "The config folder: hosts, settings, the journal, your own models.json."),
    ("~/.ssh/config, ~/.ssh/known_hosts", "Read and never written."),
)  # fmt: skip
_ENVIRONMENT = (
    ("SPARKTRAY_CONFIG_DIR", "The config folder, as --config names it."),
    ("LANGUAGE, LC_ALL, LC_MESSAGES, LANG", "The language, where the settings name none: English or German."),
)


def man_page() -> str:
    """The page sparktray(1), in English."""
    say = Wording(ENGLISH)
    top = grammar(say)
    shared = {option for action in _options(top) for option in action.option_strings}
    parts = [
        f'.TH SPARKTRAY 1 "" "sparktray {__version__}" "User Commands"',
        ".SH NAME\nsparktray \\- switch the models of an NVIDIA DGX Spark",
        f".SH SYNOPSIS\n{_synopsis('sparktray', top, frozenset())}",
        f".SH DESCRIPTION\n{_text(top.description or '')}",
        ".SH OPTIONS\nThey may stand before or after the command.",
        *(_entry(_named(action), action.help) for action in _options(top)),
        ".SH COMMANDS",
        *_commands("sparktray", top, shared),
        ".SH EXIT STATUS",
        *(_entry(_bold(str(code)), say(meaning)) for code, meaning in MEANINGS),
        ".SH FILES",
        *(_entry(_bold(name), what) for name, what in _FILES),
        ".SH ENVIRONMENT",
        *(_entry(_bold(name), what) for name, what in _ENVIRONMENT),
    ]
    return "\n".join(parts) + "\n"


def _commands(words: str, parser: argparse.ArgumentParser, shared: set[str]) -> Iterator[str]:
    """Every command that has no further ones below it, with its own options."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for name, below in action.choices.items():
                if any(isinstance(each, argparse._SubParsersAction) for each in below._actions):
                    yield from _commands(f"{words} {name}", below, shared)
                else:
                    yield _command(f"{words} {name}", below, shared)


def _command(words: str, parser: argparse.ArgumentParser, shared: set[str]) -> str:
    own = [action for action in parser._actions if not shared & set(action.option_strings)]
    lines = [
        f".SS {_escaped(words)}",
        _text(parser.description or ""),
        ".PP",
        _synopsis(words, parser, shared),
    ]
    lines += [_entry(_named(action), action.help) for action in own if action.help]
    return "\n".join(lines)


def _synopsis(words: str, parser: argparse.ArgumentParser, shared: Iterable[str]) -> str:
    """The command with its options and arguments, in the order of its usage."""
    named = [action for action in _options(parser) if not set(shared) & set(action.option_strings)]
    exclusive = {
        id(action): group for group in parser._mutually_exclusive_groups for action in group._group_actions
    }
    parts, done = [_bold(words)], set()
    for action in named:
        group = exclusive.get(id(action))
        if group is None:
            parts.append(f"[{_short(action)}]")
        elif id(group) not in done:
            done.add(id(group))
            ways = " | ".join(
                _short(each) if each.option_strings else _value(each) for each in group._group_actions
            )
            parts.append(f"({ways})" if group.required else f"[{ways}]")
    for action in parser._actions:
        if not action.option_strings and id(action) not in exclusive:
            optional = action.nargs == "?"
            parts.append(f"[{_value(action)}]" if optional else _value(action))
    return " ".join(parts)


def _options(parser: argparse.ArgumentParser) -> list[argparse.Action]:
    return [action for action in parser._actions if action.option_strings]


def _named(action: argparse.Action) -> str:
    """All names of an option, or the argument's one."""
    names = ", ".join(_bold(option) for option in action.option_strings)
    return " ".join(part for part in (names, _value(action)) if part)


def _short(action: argparse.Action) -> str:
    if isinstance(action, argparse.BooleanOptionalAction):
        return " | ".join(_bold(option) for option in action.option_strings)
    return " ".join(part for part in (_bold(action.option_strings[0]), _value(action)) if part)


def _value(action: argparse.Action) -> str:
    if action.nargs == 0 or isinstance(action, argparse._SubParsersAction):
        return _italic(str(action.metavar)) if action.metavar else ""
    one = _italic(str(action.metavar or action.dest))
    if not action.option_strings:
        return one
    return {"?": f"[{one}]", "*": f"[{one} ...]"}.get(str(action.nargs), one)


def _entry(head: str, text: str | None) -> str:
    return f".TP\n{head}\n{_text(text)}" if text else f".TP\n{head}"


def _bold(text: str) -> str:
    return rf"\fB{_escaped(text)}\fR"


def _italic(text: str) -> str:
    return rf"\fI{_escaped(text)}\fR"


def _text(text: str) -> str:
    """A paragraph: a line must begin neither with a request's dot nor with its apostrophe."""
    escaped = _escaped(text)
    return rf"\&{escaped}" if escaped[:1] in {".", "'"} else escaped


def _escaped(text: str) -> str:
    """Plain characters as groff wants them: a bare minus would become a hyphen, which nobody can paste."""
    return text.replace("\\", r"\e").replace("-", r"\-").replace("…", "...").replace("~", r"\(ti")
