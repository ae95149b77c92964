"""The command line's grammar."""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NoReturn

from sparktray.cli.problems import MEANINGS, Told
from sparktray.decide.clients.client import Client
from sparktray.domain.phrase import phrase
from sparktray.domain.problem import Problem
from sparktray.wording import Wording

CLIENTS = tuple(each.value for each in Client)
_Adder = Callable[[str, str], argparse.ArgumentParser]
_DEFAULTS = {"host": None, "json": False, "config": None, "verbose": False, "command": None}


class HelpAsked(Exception):
    """Somebody wants to read this text, and nothing is to be done."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text = text


class _Parser(argparse.ArgumentParser):
    """Tells of a mistake instead of printing and ending by itself."""

    def error(self, message: str) -> NoReturn:
        raise Told(
            Problem(
                "usage",
                phrase("The command line is not right: {message}", message=message),
                phrase("See {program} --help.", program=self.prog),
            )
        )


class _Help(argparse.Action):
    """Tells the help text of the parser at hand instead of printing it and ending."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> NoReturn:
        raise HelpAsked(parser.format_help())


def parse(words: Sequence[str], say: Wording) -> argparse.Namespace:
    """The options of a command line, all of them set. Raises `Told` and `HelpAsked`."""
    top = grammar(say)
    found, left = top.parse_known_args(list(words))
    # Until Python 3.12 argparse fills an optional word too, with nothing, when it meets the one before it.
    if found.command == "snippet" and found.server is None and left and not left[0].startswith("-"):
        found.server = left.pop(0)
    if left:
        top.error(f"unrecognized arguments: {' '.join(left)}")
    for name, value in _DEFAULTS.items():
        if not hasattr(found, name):
            setattr(found, name, value)
    return found


def grammar(say: Wording) -> argparse.ArgumentParser:
    """All commands and options; also the one source of man page and completions (scripts/share_folder.py)."""
    shared = _shared(say)
    about = say(phrase("Switch the model that an NVIDIA DGX Spark serves."))
    alone = say(phrase("Without a command the tray starts, or where no display is the state is told."))
    codes = ", ".join(f"{code} {say(meaning)}" for code, meaning in MEANINGS)
    top = _Parser(
        prog="sparktray",
        description=f"{about} {alone}",
        epilog=say(phrase("Exit codes: {codes}.", codes=codes)),
        parents=[shared],
        add_help=False,
        allow_abbrev=False,
    )
    version = say(phrase("print the version and end"))
    top.add_argument("--version", action="store_true", default=argparse.SUPPRESS, help=version)
    commands = top.add_subparsers(dest="command", metavar="COMMAND", parser_class=_Parser)

    def command(name: str, about: str) -> argparse.ArgumentParser:
        return _added(commands, name, about, shared)

    _hosts(command("host", say(phrase("set up, choose and test hosts"))), shared, say)
    _reading(command, say)
    _changing(command, say)
    about_secrets = say(phrase("values that models need and only the keyring holds"))
    _secrets(command("secret", about_secrets), shared, say)
    _demo(command("demo", say(phrase("try everything on a Spark that is built in"))), say)
    _open_webui(
        command("webui", say(phrase("look at Open WebUI, delete chats, bring them back"))), shared, say
    )
    return top


def _shared(say: Wording) -> _Parser:
    """Options that stand before or after the command: a parser's defaults would undo the other's."""
    shared = _Parser(add_help=False, argument_default=argparse.SUPPRESS)
    end = say(phrase("show this help and end"))
    shared.add_argument("-h", "--help", action=_Help, nargs=0, default=argparse.SUPPRESS, help=end)
    shared.add_argument("--host", metavar="NAME", help=say(phrase("the host, instead of the one in use")))
    shared.add_argument("--json", action="store_true", help=say(phrase("print one line of JSON")))
    shared.add_argument("--config", metavar="DIR", type=Path, help=say(phrase("the folder for all settings")))
    shared.add_argument("--verbose", action="store_true", help=say(phrase("say more on stderr")))
    return shared


def _added(
    among: argparse._SubParsersAction[_Parser], name: str, about: str, shared: _Parser
) -> argparse.ArgumentParser:
    return among.add_parser(
        name, help=about, description=about, parents=[shared], add_help=False, allow_abbrev=False
    )


def _hosts(parser: argparse.ArgumentParser, shared: _Parser, say: Wording) -> None:
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True, parser_class=_Parser)

    def action(name: str, about: str) -> argparse.ArgumentParser:
        return _added(actions, name, about, shared)

    add = action("add", say(phrase("set up a host, or change one")))
    add.add_argument("name", metavar="NAME")
    address = say(phrase("name or IP address; several are tried together; local for this computer"))
    add.add_argument("--address", metavar="A", action="append", help=address)
    add.add_argument("--port", type=_port, metavar="P")
    add.add_argument("--user", metavar="U")
    add.add_argument("--key", metavar="FILE", help=say(phrase("private key file for the login")))
    ways = add.add_mutually_exclusive_group()
    password = say(phrase("log in with the password on stdin's first line; the keyring keeps it"))
    ways.add_argument("--password-stdin", action="store_true", help=password)
    agent = say(phrase("log in with a key of the SSH agent: its only one, that of --key, or this one"))
    ways.add_argument("--agent", metavar="SHA256:…", nargs="?", const="", help=agent)
    fingerprint = say(phrase("the host key's fingerprint, as ssh-keygen -l shows it on the host"))
    add.add_argument("--fingerprint", metavar="SHA256:…", help=fingerprint)
    add.add_argument("--models-dir", metavar="D", help=say(phrase("the models' folder on the host")))
    add.add_argument("--cache-dir", metavar="D", help=say(phrase("the cache folder on the host")))
    sudo = say(phrase("use sudo for Docker on the host; it must not ask for a password"))
    add.add_argument("--sudo", action=argparse.BooleanOptionalAction, default=None, help=sudo)
    action("list", say(phrase("show all hosts")))
    action("use", say(phrase("choose the host that commands mean"))).add_argument("name", metavar="NAME")
    action("remove", say(phrase("forget a host"))).add_argument("name", metavar="NAME")
    forget = action("forget-key", say(phrase("forget the host key that is kept; asks first")))
    forget.add_argument("name", metavar="NAME")
    forget.add_argument("--yes", action="store_true", help=say(phrase("do not ask")))
    key = action("set-up-key", say(phrase("bring a fresh key to a host by a password that is used once")))
    key.add_argument("name", metavar="NAME", nargs="?")
    once = say(phrase("the password is on stdin's first line; it is not kept"))
    key.add_argument("--password-stdin", action="store_true", help=once)
    test = action("test", say(phrase("check a host step by step")))
    test.add_argument("name", metavar="NAME", nargs="?")


def _reading(command: _Adder, say: Wording) -> None:
    status = command("status", say(phrase("show what runs on the host")))
    status.add_argument("--watch", action="store_true", help=say(phrase("go on with a line per change")))
    models = command("models", say(phrase("list the catalogue and what of it is running")))
    _models(models, say)
    model_id = command("model-id", say(phrase("print the exact model ID that clients see")))
    base_url = command("base-url", say(phrase("print the URL for clients")))
    logs = command("logs", say(phrase("print a server's log")))
    snippet = command("snippet", say(phrase("print a client's settings for a running server")))
    snippet.add_argument("client", metavar="CLIENT", choices=CLIENTS, help=", ".join(CLIENTS))
    cursor = command("check-cursor", say(phrase("look at all on which Cursor fails, with a remedy each")))
    forward = command("forward", say(phrase("a server's URL on this computer alone, while this runs")))
    for parser in (model_id, base_url, logs, snippet, cursor, forward):
        parser.add_argument("server", metavar="SERVER", nargs="?")
    public = say(phrase("the public HTTPS address that leads to the server"))
    cursor.add_argument("--public-url", metavar="U", help=public)
    forward.add_argument("--port", type=_port, metavar="N", help=say(phrase("another port than the host's")))
    at = say(phrase("the URL that the client is given, in the place of the host's"))
    snippet.add_argument("--url", metavar="U", help=at)
    for parser in (model_id, base_url, snippet):
        parser.add_argument("--copy", action="store_true", help=say(phrase("put it on the clipboard too")))
    logs.add_argument("-f", "--follow", action="store_true", help=say(phrase("go on as the log grows")))
    logs.add_argument("--tail", type=_count, metavar="N", default=200, help=say(phrase("the last N lines")))
    monitor = command("monitor", say(phrase("show containers, GPU and memory")))
    monitor.add_argument("--watch", action="store_true", help=say(phrase("again on every change")))
    journal = command("journal", say(phrase("show what was done, with result and duration")))
    journal.add_argument("--last", type=_count, metavar="N", default=20)
    by_hand = say(phrase("print the commands of this operation, or of the last one, as a shell script"))
    journal.add_argument("--script", nargs="?", const="", metavar="OPERATION", help=by_hand)
    command("doctor", say(phrase("tell all that somebody needs who is to help, without secrets")))


def _models(parser: argparse.ArgumentParser, say: Wording) -> None:
    ways = parser.add_mutually_exclusive_group()
    look = say(phrase("look for models on the host that the catalogue does not have"))
    ways.add_argument("--discover", action="store_true", help=look)
    pasted = say(phrase("make an entry of this docker run line, - for one on stdin"))
    ways.add_argument("--from-run", metavar="LINE", help=pasted)
    add = say(phrase("write these into your own models.json; with --from-run, under this name"))
    parser.add_argument("--add", metavar="ID", nargs="*", help=add)


def _changing(command: _Adder, say: Wording) -> None:
    switch = command("switch", say(phrase("make a model ready")))
    switch.add_argument("model", metavar="MODEL")
    switch.add_argument("--on", metavar="SERVER", help=say(phrase("another server than its first")))
    replace = say(phrase("take the place of a container of another name or image"))
    switch.add_argument("--replace", action="store_true", help=replace)
    back = say(phrase("on failure leave everything as it is then"))
    switch.add_argument("--no-rollback", action="store_true", help=back)
    room = say(phrase("stop other servers where that makes it fit"))
    switch.add_argument("--make-room", action="store_true", help=room)
    tokens = say(phrase("tokens of context for this start, in the place of the entry's"))
    switch.add_argument("--context", type=_tokens, metavar="N", help=tokens)
    limit = say(phrase("seconds for the load; later counts as failed"))
    switch.add_argument("--timeout", type=_seconds, metavar="S", help=limit)
    stop = command("stop", say(phrase("stop one server, or all")))
    stop.add_argument("server", metavar="SERVER", nargs="?")
    down = say(phrase("also keep Docker from starting it again by itself"))
    stop.add_argument("--stay-down", action="store_true", help=down)
    short = phrase("also when requests are cut off or the host's memory will be short; it may freeze")
    cut = phrase("also when requests are cut off")
    for parser, risk in ((switch, short), (stop, cut)):
        busy = parser.add_mutually_exclusive_group() if parser is stop else parser
        idle = say(phrase("wait until no request is being answered"))
        busy.add_argument("--wait-idle", action="store_true", help=idle)
        busy.add_argument("--force", action="store_true", help=say(risk))
    resume = command("resume", say(phrase("finish what was broken off, or go back")))
    resume.add_argument("--back", action="store_true", help=say(phrase("bring back what ran before")))
    for parser in (switch, stop, resume):
        plan = say(phrase("show the steps and change nothing"))
        parser.add_argument("--dry-run", action="store_true", help=plan)


def _secrets(parser: argparse.ArgumentParser, shared: _Parser, say: Wording) -> None:
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True, parser_class=_Parser)
    kept = _added(actions, "set", say(phrase("store a value, typed without showing it")), shared)
    kept.add_argument("name", metavar="NAME")
    kept.add_argument("--stdin", action="store_true", help=say(phrase("the value is stdin's first line")))
    _added(actions, "list", say(phrase("show which the catalogue needs, and which are stored")), shared)
    gone = _added(actions, "forget", say(phrase("delete a value from the keyring")), shared)
    gone.add_argument("name", metavar="NAME")


def _demo(parser: argparse.ArgumentParser, say: Wording) -> None:
    own = say(phrase("where a display and a host of your own are, show the tray for that one"))
    parser.add_argument("--if-no-host", action="store_true", help=own)
    words = say(phrase("a single command to be run there, with its options"))
    parser.add_argument("words", metavar="COMMAND", nargs=argparse.REMAINDER, help=words)


def _open_webui(parser: argparse.ArgumentParser, shared: _Parser, say: Wording) -> None:
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True, parser_class=_Parser)

    def action(name: str, about: str) -> argparse.ArgumentParser:
        return _added(actions, name, about, shared)

    action("status", say(phrase("show what Open WebUI holds")))
    action("open", say(phrase("open its page in the browser, by a forward where its port is closed")))
    connect = action("connect", say(phrase("have it use the running server; as its administrator")))
    connect.add_argument("server", metavar="SERVER", nargs="?")
    sign_in = action("sign-in", say(phrase("keep a key of your account in the keyring")))
    sign_in.add_argument("--email", metavar="E")
    given = sign_in.add_mutually_exclusive_group()
    password = say(phrase("the password is on stdin's first line; it is not kept"))
    given.add_argument("--password-stdin", action="store_true", help=password)
    api_key = say(phrase("an API key of Open WebUI is on stdin's first line"))
    given.add_argument("--api-key-stdin", action="store_true", help=api_key)
    action("sign-out", say(phrase("forget that key")))
    action("archives", say(phrase("list what can be brought back")))
    wipe = action("wipe", say(phrase("delete chats, or everything; shows what goes and asks")))
    ways = wipe.add_mutually_exclusive_group(required=True)
    ways.add_argument("--chats", action="store_true", help=say(phrase("the chats of your own account")))
    ways.add_argument("--all-chats", action="store_true", help=say(phrase("the chats of everybody")))
    everything = say(phrase("accounts, settings and files too; only downloaded models stay"))
    ways.add_argument("--everything", action="store_true", help=everything)
    older = say(phrase("only chats that nobody touched for so many days"))
    wipe.add_argument("--older-than", metavar="DAYS", type=_days, help=older)
    wipe.add_argument("--no-archive", action="store_true", help=say(phrase("keep no copy to go back by")))
    wipe.add_argument("--yes", action="store_true", help=say(phrase("do not ask")))
    restore = action("restore", say(phrase("bring back what a wipe took")))
    restore.add_argument(
        "archive", metavar="ARCHIVE", nargs="?", help=say(phrase("the newest without a name"))
    )
    forget = action("forget", say(phrase("remove what is kept to go back by, before its 7 days are over")))
    which = forget.add_mutually_exclusive_group(required=True)
    which.add_argument("archive", metavar="ARCHIVE", nargs="?", help=say(phrase("one of them, by its name")))
    which.add_argument("--all", action="store_true", help=say(phrase("all of them")))
    forget.add_argument("--yes", action="store_true", help=say(phrase("do not ask")))
    for each in (wipe, restore, forget):
        plan = say(phrase("show the steps and change nothing"))
        each.add_argument("--dry-run", action="store_true", help=plan)


def _days(text: str) -> int:
    return _whole(text, 1, 36_500)


def _port(text: str) -> int:
    return _whole(text, 1, 65535)


def _tokens(text: str) -> int:
    return _whole(text, 1, 100_000_000)


def _count(text: str) -> int:
    return _whole(text, 0, 1_000_000)


def _whole(text: str, low: int, high: int) -> int:
    number = int(text) if len(text) < 10 and text.isascii() and text.isdecimal() else -1
    if not low <= number <= high:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from {low} to {high}")
    return number


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not (math.isfinite(seconds) and seconds > 0):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds")
    return seconds
