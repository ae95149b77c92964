"""`models --from-run`: an entry made of a docker run line. Nothing is contacted."""

from __future__ import annotations

import sys

from sparktray.cli.commands.entries.folder import own_folder
from sparktray.cli.problems import DONE, USAGE, Told
from sparktray.cli.request import Request
from sparktray.decide.finding.from_run import Draft, draft
from sparktray.decide.finding.shell_words import LONGEST, RunLineError
from sparktray.domain.catalogue_file.writing import entry_text
from sparktray.domain.host import HostProfile
from sparktray.domain.phrase import phrase
from sparktray.domain.problem import Problem
from sparktray.store.catalogue_file import add_entries, load_catalogue
from sparktray.store.hosts import HostsFile, unknown_host


def run(request: Request) -> int:
    """Print the entry and what there is to say of it; with ``--add`` write it."""
    names = request.options.add
    if names is not None and len(names) > 1:
        cause = phrase("A docker run line makes one entry, and {count} names are given.", count=len(names))
        raise Told(Problem("usage-names", cause, phrase("Give one name, or none.")))
    folder = own_folder(request)
    hosts = HostsFile(folder).load()
    host = hosts.get(request.options.host)
    if host is None and request.options.host is not None:
        raise unknown_host(hosts, request.options.host)
    catalogue = load_catalogue(folder)
    # Without a host the folders are those a profile begins with.
    try:
        made = draft(_text(request), catalogue, host or HostProfile("", ""), next(iter(names or ()), None))
    except RunLineError as error:
        raise Told(error.problem, USAGE) from None
    path = None if names is None else str(add_entries(folder, made.addition))
    _tell(request, made, path)
    return DONE


def _text(request: Request) -> str:
    if request.options.from_run != "-":
        return str(request.options.from_run)
    if sys.stdin.isatty():
        request.out.aside(request.say(phrase("Paste the line, then press Enter and Ctrl-D.")))
    return sys.stdin.buffer.read(4 * LONGEST).decode(errors="replace")


def _tell(request: Request, made: Draft, path: str | None) -> None:
    out, say = request.out, request.say
    if out.as_json:
        out.json(
            {
                "entry": dict(made.entry),
                "server": made.server,
                "new_server": dict(made.new_server) or None,
                "remarks": [say(remark) for remark in made.remarks],
                "added": path is not None,
                "path": path,
            }
        )
        return
    if made.new_server:
        out.line(f'"{made.server}": {entry_text(made.new_server)}')
    out.line(entry_text(made.entry))
    for remark in made.remarks:
        out.aside(f"- {say(remark)}")
    name = str(made.entry["id"])
    if path is None:
        out.aside(say(phrase("Nothing is written yet. To put it into your list, add --add to the command.")))
    else:
        out.aside(say(phrase("{model} is in your list now: sparktray switch {model}", model=name)))
        out.aside(say(phrase("Your list is {path}", path=path)))
